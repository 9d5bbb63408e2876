# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate as actions pass it: a host and its peers are asked by short calls, and what it waits for is shown."""

from __future__ import annotations

import typing as t

from ansible.executor.task_executor import TaskExecutor
from ansible.inventory.host import Host
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate, _gate_run, _store, _terminal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction

MODULE = "baremetal.prometheus_ha.gate_info"
INTERVAL = 2.0  # seconds between two looks


class GateAction(SliceAction):
    """An action that passes gates."""

    def pass_gate(
        self,
        state: str,
        components: t.Sequence[_gate_run.Component],
        task_vars: dict[str, t.Any],
        interval: float = INTERVAL,
    ) -> _gate.Passed:
        """:raises HAError: where the gate stays closed.

        :param state: ``before`` or ``after`` the change.
        """
        host = task_vars["inventory_hostname"]
        limits_margin = _gate_run.limits(task_vars, self._templar)
        changed = {host} if state == "after" else set()
        # Of those that change together, whoever is asked after the change has made it, too.
        together = {peer for one in components for peer in one.together} if state == "after" else set()
        questions = _gate_run.questions(components, changed | together)
        baseline = _gate_run.remembered(host) if state == "after" else {}
        leased = _store.due(questions)
        # Itself last: what began meanwhile is known there, too.
        order = sorted(questions, key=lambda peer: peer == host)
        own = self.lease().get("lease")

        def look() -> list[_gate.Open]:
            answers = {}
            for peer in order:
                more = {"lease": own} if own and peer in leased else {"run": own["run"]} if own else {}
                answers[peer] = self._ask(peer, {"checks": questions[peer], **more}, task_vars)
            views = {peer: answer["views"] for peer, answer in answers.items()}
            others = {peer: answer["leased"] for peer, answer in answers.items() if answer.get("leased")}
            if state == "before" and own and (busy := _gate_run.busy(components, others, own)):
                return [busy]
            seen = _gate_run.answers(components, views)
            if state == "before" and host in seen:
                _gate_run.remember(host, seen[host])
            return _gate_run.judge(components, seen, state=state, limits_margin=limits_margin, baseline=baseline)

        def tell(sentence: str) -> None:
            _terminal.say(f"{host}: waiting {state} the change: {sentence}", beside=True)

        return _gate.watch(state, look, tell, interval=interval, wait=not self._task.check_mode)

    def _ask(self, host: str, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> t.Mapping[str, t.Any]:
        """The views of a host's components, and who else is changing it; of one that can't be asked, why."""
        if host == task_vars["inventory_hostname"]:
            result = self.call("gate_info", args, task_vars)
        else:
            result = self._delegated(host, args, task_vars)
        if not result.get("failed") and not result.get("unreachable"):
            return result
        error = str(result.get("msg", "the host could not be asked"))
        return {"views": [{"answers": False, "error": error}] * len(args["checks"])}

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
