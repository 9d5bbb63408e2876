# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands a host its questions of the live preflight, and keeps its answers in the run's folder."""

from __future__ import annotations

import shlex
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _live_run, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction

# A clock that is known to within this many seconds is not asked again.
_GOOD_ENOUGH = 0.2


class ActionModule(SliceAction):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        steps = {"look": self._look, "dial": self._dial, "end": self._end}
        spec = {"step": {"type": "str", "required": True, "choices": list(steps)}}
        _validated, args = self.validate_argument_spec(argument_spec=spec)
        try:
            run = _live_run.obtain(task_vars, self._templar)
            result.update(steps[args["step"]](run, task_vars))
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        finally:
            if self._connection._shell.tmpdir:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        if result.get("failed"):
            result["msg"] = f"host {run.host}: {result.get('msg', '')}"
        return result

    def _look(self, run: _live_run.LiveRun, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        run.forget()
        _store.record_attempt(run.host)  # without a verdict nothing is activated later in this run
        components = self._with_buckets(run, task_vars)
        result = self._ask(run, task_vars, {"step": "look", "components": components, "listen": run.listen})
        if not result.get("failed"):
            run.keep("look", {**result, "clock": self._clock()})
        return _quiet(result)

    def _with_buckets(self, run: _live_run.LiveRun, task_vars: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """What is asked, with the object stores: their keys are in the slices alone, and kept nowhere else."""
        if not run.components:
            return []  # a host that is only looked at: the plan has no slice of it
        slices = {
            item["name"]: item
            for item in _store.obtain(task_vars, self._templar, self._loader).slices(run.host)
            if item["state"] != "absent"
        }
        asked = []
        for item in run.components:
            known = {key: value for key, value in item.items() if key != "streams"}
            if item["name"] in slices:
                known.update(_live.objstore(slices[item["name"]], item["streams"]))
            asked.append(known)
        return asked

    def _dial(self, run: _live_run.LiveRun, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        outgoing = [way for way in run.ways if way.source == run.host]
        targets = _live.targets(outgoing, run.kept("look", {way.target for way in outgoing}))
        if not targets:
            run.keep("dial", {})
            return {"changed": False, "skipped": True}
        result = self._ask(run, task_vars, {"step": "dial", "targets": targets})
        if not result.get("failed"):
            run.keep("dial", {reached["id"]: reached for reached in result["reached"]})
        return _quiet(result)

    def _end(self, run: _live_run.LiveRun, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        incoming = [way for way in run.ways if way.target == run.host]
        listens = run.kept("look", [run.host]).get(run.host, {}).get("listener")
        if not listens or not _live.must_end(run.host, incoming, run.kept("dial", {way.source for way in incoming})):
            run.keep("end", {})
            return {"changed": False, "skipped": True}
        result = self._ask(run, task_vars, {"step": "end"})
        if not result.get("failed"):
            run.keep("end", {"heard": result["heard"]})
        return _quiet(result)

    def _ask(self, run: _live_run.LiveRun, task_vars: dict[str, t.Any], args: dict[str, t.Any]) -> dict[str, t.Any]:
        known = {"nonce": run.nonce, "name": run.host, "timeout": run.timeout}
        return self.call("preflight_host", {**known, **args}, task_vars)

    def _clock(self) -> list[float] | None:
        """The host's clock minus the controller's: [least, most] that it can be, in seconds.

        The host read its clock at some moment between question and answer. So it is asked once more, by as little as
        possible: the module's own call takes too long for that. Not as root, since that would take longer, too.
        """
        python = str(self._used_interpreter or "").lstrip("#!").strip() or "python3"
        command = f"{python} -c {shlex.quote('import time; print(repr(time.time()))')}"
        best: list[float] | None = None
        for _attempt in range(3):
            before = time.time()
            done = self._low_level_execute_command(command, sudoable=False)
            after = time.time()
            try:
                clock = float(str(done.get("stdout", "")).strip())
            except ValueError:
                return best
            if best is None or after - before < best[1] - best[0]:
                best = [clock - after, clock - before]
            if best[1] - best[0] <= _GOOD_ENOUGH:
                break
        return best


def _quiet(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """What a task shows of its result: the verdict is told at the end, for all hosts at once."""
    shown = ("failed", "unreachable", "msg", "changed", "warnings", "deprecations", "ansible_facts", "exception")
    return {key: value for key, value in result.items() if key in shown}
