# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a host and its peers by short calls until the gate opens, and says what it waits for."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate_run, _roll, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate_action import INTERVAL, GateAction

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "required": True, "choices": ["before", "after"]},
    "name": {"type": "str"},
    "phase": {"type": "str", "choices": ["clients", "flip", "together", "change"]},
    "interval": {"type": "float", "default": INTERVAL},
}


class ActionModule(GateAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            store = _store.obtain(task_vars, self._templar, self._loader)
            slices = store.slices(host, args["name"])
            wanted = _roll.changing(slices, args["phase"], host) if args["phase"] else slices
            names = [item["name"] for item in wanted]
            components = _gate_run.obtain(task_vars, self._templar, store, names)
            if not components:
                return {**result, "changed": False, "skipped": True}
            passed = self.pass_gate(args["state"], components, task_vars, args["interval"])
        except HAError as error:
            error.where = error.where or f"host {host}"
            return {**result, "failed": True, **error.result()}
        finally:
            if self._connection._shell.tmpdir:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        sentences = [f"{one.component}, {one.predicate.name}: {one.sentence}" for one in passed.open]
        return {
            **result,
            "changed": False,
            "open": not sentences,
            "waiting_for": sentences,
            "seconds": round(passed.seconds, 2),
            "waited": passed.waited,
        }
