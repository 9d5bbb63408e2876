# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the component module its slice, and an archive where the host lacks the release."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import ASKS, STATES
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _converge, _roll, _run_summary, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import blame

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str"},
    "state": {"type": "str", "default": "active", "choices": list(STATES)},
    "asked": {"type": "str", "choices": list(ASKS)},
    "plan": {"type": "list", "elements": "dict"},
}
# What the action itself needs of a component; the rest of a plan that the user gives is the module's to judge.
NEEDED = ("name", "release", "config")


class ActionModule(_converge.ConvergeAction):
    TRANSFERS_FILES = False  # an archive that is needed makes its folder itself

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            slices = args["plan"]
            for number, item in enumerate(slices or []):
                missing = [key for key in NEEDED if not item.get(key)]
                if missing:
                    what = f"plan[{number}] lacks {', '.join(missing)}"
                    raise HAError(what, where=f"host {host}", do="see the module's documentation.")
            if slices is not None:
                result.update(self.converge(slices, args["state"], task_vars, asked=args["asked"]))
            else:
                if self._task._role is not None:
                    self.require_lockstep(host, "the roles' waves")
                slices = _store.obtain(task_vars, self._templar, self._loader).slices(host, args["name"])
                _store.record_attempt(host)
                turn = _roll.Turn(host, "", check=self._task.check_mode)
                turn.begin(slices)
                changing = [item["name"] for item in slices] if args["state"] in ("active", "trial", "absent") else []
                with _store.turn(host, changing) as done:
                    result.update(self.converge(slices, args["state"], task_vars, asked=args["asked"]))
                    if not result.get("failed"):
                        done()
        except HAError as error:
            result.update(failed=True, **error.result())
            if "component" in result:
                blame(result, host, slices)
            return result
        if result.get("failed"):
            blame(result, host, slices)
        elif args["plan"] is None and not result.get("unreachable"):
            _converge.record(host, slices, result["components"])
            staged = args["state"] == "staged"
            entries = turn.staged() if staged else _roll.outside(turn, result["components"])
            result["ansible_stats"] = _run_summary.stats(*entries)
        return result
