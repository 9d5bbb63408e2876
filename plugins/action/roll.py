# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes what serves on a host: gate, trial, gate; then the former is let go, or put back."""

from __future__ import annotations

import typing as t

from ansible import context
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import ASKS
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _converge,
    _gate_run,
    _roll,
    _run_summary,
    _store,
    _terminal,
    _waves,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate_action import GateAction
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import blame

ARGUMENTS: dict[str, t.Any] = {
    "phase": {"type": "str", "default": "change", "choices": ["clients", "flip", "together", "change"]},
    "name": {"type": "str"},
    "tier": {"type": "str", "choices": list(_waves.TIERS)},
    "gate_before": {"type": "bool", "default": True},
    "only": {"type": "str", "default": "", "choices": ["", "release", "restart", "reload"]},
    "asked": {"type": "str", "choices": list(ASKS)},
}


class ActionModule(_converge.ConvergeAction, GateAction):
    TRANSFERS_FILES = False  # an archive that is needed makes its folder itself

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        slices: _converge.Slices = []
        turn = _roll.Turn(host, args["phase"], check=self._task.check_mode)
        try:
            self.require_lockstep(host, "waves")
            store = _store.obtain(task_vars, self._templar, self._loader)
            if args["phase"] == "clients":
                store = _store.transition(task_vars, self._templar, self._loader)
            slices = _roll.changing(store.slices(host, args["name"]), args["phase"], host, args["only"], args["tier"])
            if not slices:
                return {**result, "changed": False, "skipped": True}
            turn.begin(slices)
            _roll.require_all(slices, turn, task_vars, args["only"])
            for line in _roll.mixed(slices, turn):
                with _store.first("mixed") as is_first:
                    if is_first:
                        _terminal.say(line, beside=True)
            if args["phase"] == "together":
                _roll.require_forks(host, int(context.CLIARGS.get("forks") or 1))
            if not self._task.check_mode:
                _store.record_attempt(host)
            names = [item["name"] for item in slices]
            with _store.turn(host, names if args["phase"] != "together" else []) as done:
                result.update(self._change(store, slices, args, turn, task_vars))
                done()
        except HAError as error:
            if not slices:  # else blame names the host, and the variables that it is about
                error.where = error.where or f"host {host}"
            result.update(failed=True, **error.result())
            result["ansible_stats"] = _run_summary.stats(*turn.failed(error))
            if slices:
                blame(result, host, slices)
            return result
        finally:
            if self._connection._shell.tmpdir:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        result["ansible_stats"] = _run_summary.stats(*turn.entries())
        return result

    def _change(
        self,
        store: _store.Store,
        slices: _converge.Slices,
        args: t.Mapping[str, t.Any],
        turn: _roll.Turn,
        task_vars: dict[str, t.Any],
    ) -> dict[str, t.Any]:
        """:raises HAError: after the former is back, or with why it is not."""
        gates = _gate_run.obtain(task_vars, self._templar, store, [item["name"] for item in slices])
        before = self.pass_gate("before", gates, task_vars) if args["gate_before"] and gates else None
        turn.passed("before", before)
        try:
            state = "ahead" if any(turn.goes_ahead(item["name"]) for item in slices) else "trial"
            result = self.converge(slices, state, task_vars, asked=args["asked"])
            if result.get("failed"):
                raise _roll.refused(result)
            turn.tried(result["components"])
            if self._task.check_mode:
                ahead = [item for item in slices if turn.goes_ahead(item["name"])]
                _converge.record(turn.host, ahead, turn.left(result["components"]))
                return {**result, **_roll.foreseen(turn.host, before)}
            after = self.pass_gate("after", gates, task_vars) if gates else None
            turn.passed("after", after)
            for line in turn.splits(after):
                _terminal.say(line, beside=True)
        except HAError as error:
            if error.facts.pop("untouched", self._task.check_mode):
                raise
            if relied_on := _roll.relied_on(error, slices, turn):
                raise _roll.left(error, relied_on, turn) from error
            raise self._taken_back(error, slices, turn, task_vars) from error
        settled = self.converge(slices, "settled", task_vars)
        if settled.get("failed"):
            raise _roll.refused(settled)
        _converge.record(task_vars["inventory_hostname"], slices, turn.left(result["components"]))
        return {**result, "gates": turn.gates, "waiting_for": []}

    def _taken_back(
        self, error: HAError, slices: _converge.Slices, turn: _roll.Turn, task_vars: dict[str, t.Any]
    ) -> HAError:
        """What failed, with what became of it: where the module has not put the former back, that is done now."""
        back = self.converge(slices, "reverted", task_vars)
        turn.reverted(back.get("components") or {})
        return _roll.taken_back(error, back, turn)
