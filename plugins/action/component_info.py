# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the component_info module its slices, and keeps what the host said, or why it said nothing, for the status."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _status_run, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction, blame, for_host


class ActionModule(SliceAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        args = dict(self._task.args)
        slices: list[dict[str, t.Any]] = []
        planned = "plan" not in args
        try:
            if planned:
                slices = _store.obtain(task_vars, self._templar, self._loader).slices(host)
                args["plan"] = [for_host(item, "order", "cohort", "back_to", "uploads") for item in slices]
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        try:
            result.update(self.call("component_info", args, task_vars))
        except AnsibleConnectionFailure as error:
            if planned:
                _status_run.keep(host, {"unreachable": str(error)})
            raise
        if result.get("failed"):
            blame(result, host, [])
        if planned:
            said = {"failed": str(result["msg"])} if result.get("failed") else {"components": result["components"]}
            _status_run.keep(host, said)
        return result
