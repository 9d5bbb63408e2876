# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a host and its peers by short calls until the gate opens, and says what it waits for."""

from __future__ import annotations

import typing as t

from ansible.executor.task_executor import TaskExecutor
from ansible.inventory.host import Host
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate, _gate_run, _terminal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "required": True, "choices": ["before", "after"]},
    "name": {"type": "str"},
    "interval": {"type": "float", "default": 2.0},
}
MODULE = "baremetal.prometheus_ha.gate_info"


class ActionModule(SliceAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        host = task_vars["inventory_hostname"]
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            components = _gate_run.obtain(task_vars, self._templar, self._loader, args["name"])
            if not components:
                return {**result, "changed": False, "skipped": True}
            passed = self._pass(components, args, task_vars)
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

    def _pass(
        self, components: t.Sequence[_gate_run.Component], args: t.Mapping[str, t.Any], task_vars: dict[str, t.Any]
    ) -> _gate.Passed:
        """:raises HAError: where the gate stays closed."""
        host, state = task_vars["inventory_hostname"], args["state"]
        limits_margin = _gate_run.limits(task_vars, self._templar)
        questions = _gate_run.questions(components)
        baseline = _gate_run.remembered(host) if state == "after" else {}

        def look() -> list[_gate.Open]:
            views = {peer: self._ask(peer, checks, task_vars) for peer, checks in questions.items()}
            seen = _gate_run.answers(components, views)
            if state == "before":
                _gate_run.remember(host, seen[host])
            return _gate_run.judge(components, seen, state=state, limits_margin=limits_margin, baseline=baseline)

        def tell(sentence: str) -> None:
            _terminal.say(f"{host}: waiting {state} the change: {sentence}", beside=True)

        wait = not self._task.check_mode
        return _gate.watch(state, look, tell, interval=args["interval"], wait=wait)

    def _ask(
        self, host: str, checks: list[dict[str, t.Any]], task_vars: dict[str, t.Any]
    ) -> t.Sequence[t.Mapping[str, t.Any]]:
        """The views of a host's components; of one that can't be asked, why."""
        if host == task_vars["inventory_hostname"]:
            result = self.call("gate_info", {"checks": checks}, task_vars)
        else:
            result = self._delegated(host, {"checks": checks}, task_vars)
        if not result.get("failed") and not result.get("unreachable"):
            views: list[dict[str, t.Any]] = result["views"]
            return views
        return [{"answers": False, "error": str(result.get("msg", "the host could not be asked"))}] * len(checks)

    def _delegated(self, host: str, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module on another host of the inventory, as a task with delegate_to does.

        That it is: the same task with another module and without what belongs to the task itself. So the peer's own
        connection variables count, also those of a host outside of --limit, and become is the task's.
        """
        task = self._task.copy()
        task.action, task.args, task.delegate_to = MODULE, args, host
        task.loop = task.loop_with = task.register = None
        task.when, task.until, task.failed_when, task.changed_when = [], [], [], []
        task.async_val = task.timeout = 0  # the task's own time-out runs already
        queue: t.Any = None  # only a loop, a retry and async call back
        executor = TaskExecutor(
            Host(name=host),
            task,
            dict(task_vars),
            self._play_context.copy(),
            self._loader,
            self._shared_loader_obj,
            queue,
            task.get_variable_manager(),
        )
        result: dict[str, t.Any] = executor.run()
        return result
