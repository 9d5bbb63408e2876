# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the thanos_bucket module what the plan knows of the host's bucket, and shows what it found."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_tools import DELETING
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _bucket_hosts, _store, _terminal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction, blame

TO = "thanos_bucket_replicate_to"
# Options of the module, by which it names what is wrong, as inventory variables.
VARIABLES = {
    "rpo": "thanos_bucket_replicate_rpo",
    **{name: f"thanos_bucket_{name}" for name in ("retention_raw", "retention_5m", "retention_1h", "delete_delay")},
}


class ActionModule(SliceAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        args = {name: value for name, value in self._task.args.items() if value is not None}
        title = ""
        try:
            if not {"executable", "config_file"} <= args.keys():
                args, title = self._planned(args, task_vars)
        except HAError as error:
            result.update(failed=True, **error.result())
            blame(result, host, [])
            return result
        if args.get("tool") in DELETING:
            args.update(self.lease())
        result.update(self.call("thanos_bucket", args, task_vars))
        lines = result.get("report") or []
        if lines:
            _terminal.say("\n".join([f"{host}: {title or args.get('config_file')}", *(f"  {line}" for line in lines)]))
        if result.get("failed"):
            result.pop("report", None)  # it is shown, and Ansible prints all of a failed task
            option, colon, words = str(result.get("msg", "")).partition(":")
            if title and option in VARIABLES:
                result["msg"] = f"variable {VARIABLES[option]}{colon}{words}"
            blame(result, host, [])
        return result

    def _planned(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> tuple[dict[str, t.Any], str]:
        """The module's arguments with what the plan knows, and what its bucket is called.

        :raises HAError: when there is no plan, the host has no bucket, or a copy would lie in it.
        """
        store = _store.obtain(task_vars, self._templar, self._loader)
        slices = store.slices(task_vars["inventory_hostname"])
        tool = str(args.get("tool"))
        known = _bucket_hosts.arguments(slices, tool)
        own = _bucket_hosts.own(slices)
        title = own.title if own else ""
        if tool == "replicate":
            if not args.get("to"):
                what = "there is no bucket to copy to"
                raise HAError(what, where=TO, do=f"set {TO}, of the shape of thanos_objstore_config.")
            _bucket_hosts.require_another(own, args["to"], TO)
            known["live"] = next((one["live"] for one in _store.buckets() if one["title"] == title), [])
        return {**known, **args}, title
