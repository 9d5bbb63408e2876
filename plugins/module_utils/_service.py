# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A component as a service: what is pending, activation that is proved, and the way back to the former unit."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _accounts, _process, _unit
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import Fileset
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import (
    STATE,
    File,
    FilesetPlan,
    FilesetSpec,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import UNIT_FOLDER, Finding
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service_spec import ServiceSpec
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock, Verdict, wait

Look = t.Callable[[], Verdict]

# A process counts as up when it is ready and the same one for three seconds more: one that answers ready between two
# crashes of a loop must not pass.
STABLE = 3.0
# Seconds that `systemctl` may take on top of what the unit's own time-outs allow.
_MARGIN = 30.0
_LOG_LINES = 20
# So far back the log is searched for what went wrong first: a binary that refuses a flag prints its whole usage, some
# 200 lines, after the one line that says so.
_LOG_READ = 500
_LOG_CAUSES = 5
_CAUSE = re.compile(r"\b(error|err|panic|fatal|failed|cannot|unknown|invalid)\b", re.IGNORECASE)
_NOTES = 10
_MASK = "********"


@dataclasses.dataclass(frozen=True)
class ServiceState:
    """What runs, and what must be done so that the wanted runs."""

    pending: _process.Pending
    running: _process.Running | None
    unit: _process.UnitState


@dataclasses.dataclass(frozen=True)
class Started:
    """How a start went.

    :param pid: of the main process.
    :param seconds: until it was proved.
    :param waited_for: what was waited for meanwhile.
    :param out_of_service: seconds from the order to systemd until it was ready: what its users felt of it at most.
    """

    pid: int
    seconds: float
    waited_for: tuple[str, ...]
    out_of_service: float = 0.0


@dataclasses.dataclass(frozen=True)
class Crossing:
    """What is done to the data while the service is stopped: ``forth`` on the way to the new version, ``back`` again.

    Each raises HAError where it can't.
    """

    forth: t.Callable[[], None]
    back: t.Callable[[], None]


class Service:
    """One service of this host.

    Order: ``recover``, ``prepare``, ``check``, then ``activate``; or ``stop``, or ``remove``. Check mode: the same
    with ``apply=False``, and without ``activate``: ``plan`` and ``status`` say what it would do.

    :param secrets: values that log lines must not show.
    :param now: the wall clock, for the journal (seconds since the epoch).
    """

    def __init__(
        self,
        spec: ServiceSpec,
        *,
        runner: Runner = run,
        clock: Clock | None = None,
        proc: str = "/proc",
        unit_folder: str = UNIT_FOLDER,
        state_root: str = STATE,
        secrets: t.Iterable[str] = (),
        now: t.Callable[[], float] = time.time,
    ) -> None:
        self.spec = spec
        self.text = _unit.render(spec.unit)
        self.path = os.path.join(unit_folder, spec.unit.file)
        self._runner = runner
        self._clock = clock or SystemClock()
        self._proc = proc
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._now = now
        self._files = Fileset(
            FilesetSpec(
                root=unit_folder,
                files=(File(path=spec.unit.file, content=self.text.encode(), mode=0o644),),
                state_dir=os.path.join(state_root, spec.component, "unit"),
                scan=False,
                dir_mode=0o755,
            ),
            runner,
        )

    # -- looking ---------------------------------------------------------------------------------------------------

    @property
    def unit(self) -> str:
        return self.spec.unit.file

    @property
    def wanted(self) -> _process.Wanted:
        return _process.Wanted(self.spec.unit.argv, _unit.unit_hash(self.text))

    def drop_ins(self) -> list[Finding]:
        """The drop-in files that have systemd run another command line than the wanted one; any other may stay.

        :raises HAError: when systemd does not answer.
        """
        shown = _process.show(self.unit, self._runner).drop_ins
        # Those beside the unit count also before the next daemon-reload, which an activation does.
        beside = glob.glob(os.path.join(glob.escape(self.path) + ".d", "*.conf"))
        return [
            Finding(
                "drop_in",
                f"The drop-in {path} has {self.unit} run another command line ({' '.join(command) or 'none'}).",
                "remove or correct it.",
                path,
            )
            for path in sorted({*shown, *beside})
            for command in _process.drop_in_commands(path)
            if command != self.spec.unit.argv
        ]

    def status(self) -> ServiceState:
        """What runs against what is wanted, from the process itself. :raises HAError: when systemd does not answer."""
        unit = _process.show(self.unit, self._runner)
        running = _process.process(unit, self._proc)
        return ServiceState(_process.pending(self.wanted, running, unit), running, unit)

    def plan(self) -> FilesetPlan:
        """What would change of the unit's file, with its diff. :raises HAError: for a unit that is not ours."""
        return self._files.plan()

    def runs(self) -> bool:
        """Whether there is something to stop."""
        return _process.show(self.unit, self._runner).active not in ("inactive", "failed")

    def is_ours(self) -> bool:
        """Whether a unit of that name is this collection's: its file is, or what runs was started from one of ours.

        :raises HAError: when systemd does not answer, or the file cannot be read.
        """
        if self._files.owns(self.unit):
            return True
        running = _process.running(self.unit, self._runner, self._proc)
        return bool(running and running.unit_hash)

    def is_foreign(self) -> bool:
        """Whether there is a unit of that name that is not ours: nobody removes it."""
        known = _process.show(self.unit, self._runner).load not in ("", "not-found")
        return (known or os.path.lexists(self.path)) and not self.is_ours()

    def check(self, *, apply: bool) -> None:
        """Ask systemd whether it takes the unit, before anything changes.

        :param apply: False (check mode): the executable may still be missing.
        :raises HAError: with systemd's own words.
        """
        if not os.access(self.spec.unit.executable, os.X_OK):
            if not apply:
                return
            do = "Install the release first."
            raise HAError(f"{self.spec.unit.executable} is not there to be run", where=self.unit, do=do)
        if self.plan().changed:
            verify = ["systemd-analyze", "verify", "{root}/" + self.unit]
            self._files.check([verify], missing_ok=True)

    # -- changing --------------------------------------------------------------------------------------------------

    def recover(self) -> list[str]:
        """Put the former unit back after a run that was cut off in an activation; says what it did."""
        did = self._files.recover()
        if did:
            self._systemctl("daemon-reload")
        return did

    def prepare(self, *, apply: bool) -> list[str]:
        """Accounts and data folders; running processes do not notice. :returns: what changed, in sentences."""
        unit = self.spec.unit
        changes = _accounts.ensure_account(unit.user, unit.group, self._runner, apply=apply)
        for path in unit.data_dirs:
            folder = _accounts.Folder(path, unit.user, unit.group)
            changes += _accounts.ensure_folder(folder, self._runner, apply=apply)
        return changes

    def activate(
        self,
        look: Look | None = None,
        *,
        undo: t.Callable[[], None] | None = None,
        former_look: Look | None = None,
        crossing: Crossing | None = None,
        action: str = "",
        settle: bool = True,
    ) -> Started | None:
        """Put the unit in place and do what is pending; None when nothing had to be started.

        When it does not come up, the former unit (and with ``undo`` whatever else belongs to it, as its configuration)
        is put back and, where it ran before, started again; where there was none, nothing of the new one stays.

        :param look: says whether it is ready; without one, staying up is enough.
        :param undo: called after the former unit is back and before it is started.
        :param former_look: as ``look``, for the former version; default: ``look``.
        :param crossing: what is done to the data while it is stopped.
        :param action: start or restart, also where nothing is pending.
        :param settle: False keeps the former unit at hand: ``settle`` or ``revert`` must follow.
        :raises HAError: when it did not come up, after the way back.
        """
        before, changed = self.status(), self.plan().changed
        action = before.pending.action if before.pending else action
        had_unit = os.path.lexists(self.path)
        begun = self._clock.time()
        if changed and not (crossing and action):
            self._files.swap()  # where that fails, nothing that runs was touched
        try:
            if crossing and action:
                # Before the new unit is there: a reboot in between must not start the new version.
                self.stop()
                crossing.forth()
                if changed:
                    self._files.swap()
                action = "start"
            if changed or before.unit.needs_reload:
                self._systemctl("daemon-reload")
            started = self._run(action, look, begun=begun) if action else None
            if started:
                self._prove()
        except HAError as error:
            if not had_unit:
                raise self._first_failed(error, undo) from error
            raise self._fall_back(error, before, changed, undo, former_look or look, crossing) from error
        if settle:
            self.settle()
        self.enable()
        return started

    def settle(self) -> None:
        """Let go of the former unit. :raises HAError: when the records cannot be written."""
        if not self._files.settle():
            self.record()

    def revert(
        self,
        look: Look | None = None,
        *,
        undo: t.Callable[[], bool] | None = None,
        crossing: Crossing | None = None,
    ) -> tuple[bool, Started | None]:
        """After an activation that was not settled: the former unit, and what belongs to it, are back and run.

        :param undo: puts back what belongs to it; says whether there was anything.
        :returns: whether anything was put back, and how the start went where one was needed.
        :raises HAError: when it can't be put back, or does not come up.
        """
        unit = self._files.put_back()
        if unit:
            self._systemctl("daemon-reload")
        undone = undo() if undo else False
        if not os.path.exists(self.path):  # a first start that failed left none
            return unit or undone, None
        running = self.status().running
        with open(self.path, encoding="utf-8") as file:
            former = _unit.unit_hash(file.read())
        if running and running.unit_hash == former:
            return unit or undone, None
        return True, self._run("restart", look, crossing.back if crossing else None)

    def start(self, look: Look | None = None) -> Started:
        """Start the unit as it is installed. :raises HAError: when it does not come up and stay up."""
        return self._run("start", look)

    def restart(self, look: Look | None = None) -> Started:
        """Restart the unit as it is installed. :raises HAError: when it does not come up and stay up."""
        return self._run("restart", look)

    def enable(self, *, apply: bool = True) -> bool:
        """Start it at boot; says whether that changed (without ``apply``: would)."""
        if _process.show(self.unit, self._runner).enabled:
            return False
        if apply:
            self._systemctl("enable", self.unit)
        return True

    def record(self) -> None:
        """Know its unit as ours again where the records were lost. :raises HAError: when they cannot be written."""
        self._files.record()

    def stop(self) -> bool:
        """Stop it and wait until it is; says whether it ran."""
        if not self.runs():
            return False
        self._systemctl("stop", self.unit, timeout=_unit.STOP_TIMEOUT + _MARGIN)
        return True

    def remove(self) -> bool:
        """Stop it and remove its unit where it is ours; accounts and data stay. Says whether there was anything."""
        if not self.is_ours():
            return False
        changed = self.stop()
        if _process.show(self.unit, self._runner).enabled:
            self._systemctl("disable", self.unit)
            changed = True
        changed = self._files.remove().changed or changed
        self._systemctl("daemon-reload")
        self._runner(["systemctl", "reset-failed", self.unit])
        return changed

    # -- starting, and the proof -----------------------------------------------------------------------------------

    def _systemctl(self, *args: str, timeout: float = 60.0) -> None:
        done = self._runner(["systemctl", *args], timeout=timeout)
        if done.rc != 0:
            raise HAError(f"systemctl {' '.join(args)} failed", where=self.unit, said=done.words)

    def _run(
        self,
        action: str,
        look: Look | None,
        between: t.Callable[[], None] | None = None,
        *,
        begun: float | None = None,
    ) -> Started:
        """:param between: done while it is stopped.
        :param begun: since when it is out of service, if not from now on.
        """
        # A start counter that is used up would refuse the start; this also resets NRestarts.
        self._runner(["systemctl", "reset-failed", self.unit])
        state = _process.show(self.unit, self._runner)
        if state.active == "activating":  # systemd is about to restart it, which would count as one of this start
            self.stop()
            state = _process.show(self.unit, self._runner)
        restarts = state.restarts
        since, begun = self._now(), self._clock.time() if begun is None else begun
        timeout = _unit.STOP_TIMEOUT + self.spec.start_timeout + _MARGIN
        if between:
            self.stop()
            between()
        done = self._runner(["systemctl", "start" if between else action, self.unit], timeout=timeout)
        if done.rc != 0:
            raise self._failed(f"systemd could not {action} it", since, done.words)
        watch = _Watch(self._clock, look, lambda: _process.show(self.unit, self._runner), restarts)
        waited = wait(watch, timeout=self.spec.start_timeout, clock=self._clock)
        if waited.verdict.hopeless:
            raise self._failed(f"it does not stay up: {waited.verdict.waiting_for}", since)
        if not waited.done:
            what = f"it is not ready after {waited.seconds:.0f} s, still waiting for: {waited.verdict.waiting_for}"
            raise self._failed(what, since)
        now = self._clock.time()
        out = (now if watch.ready_since is None else watch.ready_since) - begun
        return Started(watch.pid, round(now - begun, 3), tuple(watch.notes), round(out, 3))

    def _prove(self) -> None:
        state = self.status()
        if state.pending:
            drop_ins = ", ".join(state.unit.drop_ins)
            raise HAError(
                f"it runs, but not as wanted: {'; '.join(state.pending.reasons)}",
                where=self.unit,
                do=f"Remove or correct its drop-in files: {drop_ins}" if drop_ins else "See `systemctl cat`.",
            )

    def _failed(self, what: str, since: float, words: str = "") -> HAError:
        self._clock.sleep(0.3)  # journald gets the last lines of a dead process a moment later
        said = "\n".join(part for part in (words, self.log_tail(since)) if part)
        do = f"Correct what it complains of; more by: journalctl -u {self.unit}"
        return HAError(what, where=f"{self.unit} ({self.spec.unit.executable})", said=self._masked(said), do=do)

    def log_tail(self, since: float) -> str:
        """What the unit logged since then (seconds since the epoch): first complaints, last lines; secrets masked."""
        command = ["journalctl", f"--since=@{int(since)}", f"--lines={_LOG_READ}"]
        command += ["--output=cat", "--no-pager", "--quiet"]
        # The last start alone: a process that was stopped for it has its say within the same seconds. What the process
        # logs carries the first field, what systemd says of it the second (systemd.journal-fields(7)).
        start = _process.show(self.unit, self._runner).invocation
        if start:
            done = self._runner([*command, f"_SYSTEMD_INVOCATION_ID={start}", "+", f"INVOCATION_ID={start}"])
        if not start or done.rc != 0 or not done.stdout.strip():
            done = self._runner([*command, f"--unit={self.unit}"])
        return self._masked("\n".join(telling(done.words.splitlines())))

    def logged(self, words: str, since: float = 0.0) -> str:
        """The last line of its log with these words; "" where there is none. Secrets masked.

        :param since: only what it logged since then (seconds since the epoch).
        """
        command = ["journalctl", f"--unit={self.unit}", f"--lines={_LOG_READ}", "--output=cat", "--no-pager", "--quiet"]
        command += [f"--since=@{int(since)}"] if since else []
        found = [line for line in self._runner(command).stdout.splitlines() if words in line]
        return self._masked(found[-1]) if found else ""

    def _masked(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, _MASK)
        return words

    # -- the way back ----------------------------------------------------------------------------------------------

    def _first_failed(self, error: HAError, undo: t.Callable[[], None] | None) -> HAError:
        """There was no unit before: nothing of it stays."""
        try:
            self._runner(["systemctl", "stop", self.unit], timeout=_unit.STOP_TIMEOUT + _MARGIN)
            self._files.rollback()
            self._systemctl("daemon-reload")
            self._runner(["systemctl", "reset-failed", self.unit])
            if undo:
                undo()
        except HAError as second:
            return _both(error, second, "nor could it be removed again")
        what = f"{error.what}; it was stopped and its unit removed again, there was none before"
        return HAError(what, where=error.where, said=error.said, do=error.do, **{**error.facts, "rolled_back": True})

    def _fall_back(
        self,
        error: HAError,
        before: ServiceState,
        changed: bool,
        undo: t.Callable[[], None] | None,
        look: Look | None,
        crossing: Crossing | None,
    ) -> HAError:
        former = f"the former one ({before.running.executable})" if before.running else "the former one"
        try:
            if changed:
                self._files.rollback()
                self._systemctl("daemon-reload")
            if undo:
                undo()
            if not (changed or undo or crossing):
                return error
            # One that is to run but did not, as after a run that was cut off, is not left down.
            if before.running is None and not before.unit.enabled:
                self._runner(["systemctl", "stop", self.unit], timeout=_unit.STOP_TIMEOUT + _MARGIN)
                ending = f"{former} is back in place and stopped, as it was before"
            else:
                started = self._run("restart", look, crossing.back if crossing else None)
                ending = f"{former} runs again, ready after {started.seconds:.1f} s"
        except HAError as second:
            return _both(error, second, f"nor does {former} come back")
        what = f"{error.what}; {ending}"
        return HAError(what, where=error.where, said=error.said, do=error.do, **{**error.facts, "rolled_back": True})


def _both(error: HAError, second: HAError, link: str) -> HAError:
    said = "\n".join(part for part in (error.said, f"{link}:", second.said) if part)
    what = f"{error.what}; {link}: {second.what}"
    return HAError(
        what, where=error.where, said=said, do=second.do or error.do, **{**error.facts, "rolled_back": False}
    )


def telling(lines: t.Sequence[str]) -> list[str]:
    """The last lines of a log, and the first ones before these that complain."""
    head, tail = lines[:-_LOG_LINES], lines[-_LOG_LINES:]
    causes = list(dict.fromkeys(line for line in head if _CAUSE.search(line)))[:_LOG_CAUSES]
    return [*causes, *(["[...]"] if head else []), *tail]


class _Watch:
    """One look after another at a unit that was just started, until it is ready and stays up."""

    def __init__(
        self, clock: Clock, look: Look | None, show: t.Callable[[], _process.UnitState], restarts: int
    ) -> None:
        self.pid = 0
        self.notes: list[str] = []
        self._clock = clock
        self._look = look
        self._show = show
        self._restarts = restarts
        self.ready_since: float | None = None

    def __call__(self) -> Verdict:
        state = self._show()
        trouble = self._trouble(state)
        if trouble:
            return Verdict(False, trouble, hopeless=True)
        self.pid = self.pid or state.pid
        verdict = Verdict(False, f"systemd says {state.words}")
        if state.active == "active":
            verdict = self._look() if self._look else Verdict(True)
        if not verdict.done:
            self.ready_since = None
            return self._noted(verdict)
        now = self._clock.time()
        self.ready_since = now if self.ready_since is None else self.ready_since
        if now - self.ready_since < STABLE:
            return self._noted(Verdict(False, "it answers ready and must now stay up"))
        return verdict

    def _noted(self, verdict: Verdict) -> Verdict:
        if verdict.waiting_for and verdict.waiting_for not in self.notes[-1:]:
            self.notes = [*self.notes, verdict.waiting_for][-_NOTES:]
        return verdict

    def _trouble(self, state: _process.UnitState) -> str:
        if state.active in ("failed", "inactive", "deactivating") or state.sub == "auto-restart":
            return f"systemd says {state.words}, result {state.result}"
        if state.restarts > self._restarts:
            return f"systemd had to restart it {state.restarts - self._restarts} times already"
        if self.pid and state.pid != self.pid:
            return f"its process {self.pid} died, now it is {state.pid}"
        return ""
