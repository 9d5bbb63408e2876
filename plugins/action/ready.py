# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the ready module the short proof that the plan expects of the host."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction, blame


def _expected(expect: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the module is to look for. A limited run proves what it covers: others may not have been rolled out yet."""
    if "alertmanagers" not in expect:
        return {"members": expect["members"]} if "members" in expect else {}
    covered = (
        task_vars["ansible_play_hosts_all"] if task_vars.get("ansible_limit") else expect["alertmanagers"].values()
    )
    return {"alertmanagers": [where for where, host in expect["alertmanagers"].items() if host in covered]}


class ActionModule(SliceAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        args = dict(self._task.args)
        try:
            if not {"url", "checks"} & args.keys():
                slices = _store.obtain(task_vars, self._templar, self._loader).slices(host)
                args["checks"] = [
                    {
                        "kind": item["api"]["kind"],
                        "url": item["api"]["url"],
                        "http": item["api"]["http"],
                        "expect": _expected(item["expect"], task_vars),
                    }
                    for item in slices
                    if item["state"] == "present"
                ]
                if not args["checks"]:
                    return {**result, "changed": False, "skipped": True}
                if not self._task.check_mode:
                    # The end of a run: nobody has to wait until its lease expires.
                    args["lease"] = {**self.lease()["lease"], "release": True}
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        result.update(self.call("ready", args, task_vars))
        if result.get("failed"):
            blame(result, host, [])
        return result
