# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for the tests of services: a /proc of files, and a systemd that starts what a unit file says."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HASH_VARIABLE, unit_hash

OK = Completed(0, "", "")


class Clock:
    """Time that passes only by sleeping; the same for the wall clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Commands:
    """A runner over a table: the first entry whose words begin the command line answers; others are not found."""

    def __init__(self, table: t.Mapping[str, Completed]) -> None:
        self.table = dict(table)
        self.called: list[str] = []

    def __call__(
        self, argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0, **_more: t.Any
    ) -> Completed:
        del cwd, timeout
        line = " ".join(argv)
        self.called.append(line)
        for words, answer in self.table.items():
            if line == words or line.startswith(words + " "):
                return answer
        return Completed(127, "", f"{argv[0]}: No such file or directory")


def add_process(
    proc: Path,
    pid: int,
    argv: t.Sequence[str],
    *,
    executable: str = "",
    environment: t.Mapping[str, str] | None = None,
    sockets: t.Sequence[int] = (),
    unit: str = "",
) -> None:
    """A process below a /proc made of files, as the kernel shows it."""
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "exe").symlink_to(executable or argv[0])
    (folder / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in argv))
    pairs = (f"{key}={value}" for key, value in (environment or {}).items())
    (folder / "environ").write_bytes(b"".join(os.fsencode(pair) + b"\0" for pair in pairs))
    (folder / "stat").write_text(f"{pid} (a ) b) S 1 {' '.join(['0'] * 17)} 4200 0 0\n")
    (folder / "comm").write_text(os.path.basename(argv[0])[:15] + "\n")
    (folder / "cgroup").write_text(f"4:memory:/\n1:name=systemd:/system.slice/{unit or 'x.slice'}\n0::/\n")
    (folder / "fd" / "0").symlink_to("/dev/null")
    for number, inode in enumerate(sockets, 3):
        (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


@dataclasses.dataclass
class Behaviour:
    """What a fake executable does: how many seconds it lives (None: for ever), and what it logs."""

    lives: float | None = None
    logs: str = ""
    starts: bool = True


class Systemd:
    """A runner that acts as systemctl and journalctl for one unit; its processes lie in a /proc of files.

    :param behaviours: by executable; others live for ever.
    """

    def __init__(self, base: Path, clock: Clock, behaviours: t.Mapping[str, Behaviour] | None = None) -> None:
        self.units = base / "units"
        self.proc = base / "proc"
        for folder in (self.units, self.proc):
            folder.mkdir()
        self.clock = clock
        self.behaviours = dict(behaviours or {})
        self.called: list[str] = []
        self.loaded = ""
        self.enabled = False
        self.drop_in = ""
        self.verify = OK
        self._active = "inactive"
        self._pid = 0
        self._restarts = 0
        self._dies_at: float | None = None
        self.last_words = ""  # what it logs as it is stopped
        self._logs: list[str] = []

    def __call__(
        self, argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0, **_more: t.Any
    ) -> Completed:
        del cwd, timeout
        self.called.append(" ".join(argv))
        program, verb = argv[0], argv[1] if len(argv) > 1 else ""
        if program == "getent":
            return Completed(0, f"{argv[2]}:x:{os.getuid()}:{os.getgid()}::/:/bin/false\n", "")
        if program == "journalctl":
            return Completed(0, "\n".join(self._logs[-20:]), "")
        if program == "systemd-analyze":
            return self.verify
        assert program == "systemctl", argv
        self._live()
        return {
            "show": self._show,
            "daemon-reload": self._reload,
            "start": self._start,
            "restart": self._start,
            "stop": self._stop,
            "enable": self._enable,
            "disable": self._disable,
            "reset-failed": self._reset,
        }[verb]()

    def verbs(self) -> list[str]:
        """The systemctl calls that change something, in order."""
        verbs = (line.split()[1] for line in self.called if line.startswith("systemctl "))
        return [verb for verb in verbs if verb not in ("show", "reset-failed")]

    def text(self) -> str:
        found = sorted(self.units.glob("*.service"))
        return found[0].read_text() if found else ""

    def kill(self) -> None:
        """Its process dies, and systemd starts it again."""
        self._dies_at = self.clock.now
        self._live()
        self.clock.sleep(2)
        self._live()

    def _live(self) -> None:
        if self._dies_at is None or self.clock.now < self._dies_at:
            return
        if self._active == "active":
            self._end("activating")
            self._logs.append("Main process exited, code=exited, status=1/FAILURE")
            self._dies_at = self.clock.now + 1
        else:
            self._restarts += 1
            self._spawn()

    def _end(self, active: str) -> None:
        self._active = active
        if self._pid:
            (self.proc / str(self._pid)).rename(self.proc / f"dead-{self._pid}")
        self._pid = 0
        self._dies_at = None

    def _spawn(self) -> None:
        found = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", self.loaded, re.MULTILINE)
        assert found, "start of a unit that is not loaded"
        argv = self.drop_in.split() or found[1].replace("\\\n", " ").split()
        behaviour = self.behaviours.get(argv[0], Behaviour())
        self._pid = 100 + len(list(self.proc.iterdir()))
        add_process(self.proc, self._pid, argv, environment={HASH_VARIABLE: unit_hash(self.loaded)})
        self._active = "active"
        self._dies_at = None if behaviour.lives is None else self.clock.now + behaviour.lives
        self._logs += behaviour.logs.splitlines()

    def _show(self) -> Completed:
        sub = {"active": "running", "inactive": "dead", "activating": "auto-restart", "failed": "failed"}[self._active]
        fields = {
            "LoadState": "loaded" if self.loaded else "not-found",
            "ActiveState": self._active,
            "SubState": sub,
            "Result": "exit-code" if self._active in ("activating", "failed") else "success",
            "MainPID": self._pid,
            "NRestarts": self._restarts,
            "UnitFileState": "enabled" if self.enabled else "disabled",
            "NeedDaemonReload": "yes" if self.loaded != self.text() else "no",
            "DropInPaths": "/etc/systemd/system/x.service.d/hand.conf" if self.drop_in else "",
        }
        return Completed(0, "".join(f"{key}={value}\n" for key, value in fields.items()), "")

    def _reload(self) -> Completed:
        self.loaded = self.text()
        return OK

    def _start(self) -> Completed:
        self._end("inactive")
        found = re.search(r"^ExecStart=(\S+)", self.loaded, re.MULTILINE)
        if not found:
            return Completed(5, "", "Unit not found.")
        if not self.behaviours.get(found[1], Behaviour()).starts:
            self._active = "failed"
            return Completed(1, "", "Job failed because the control process exited with error code.")
        self._spawn()
        return OK

    def _stop(self) -> Completed:
        if self._active == "active":
            self._logs += self.last_words.splitlines()
        self._end("inactive")
        return OK

    def _enable(self) -> Completed:
        self.enabled = True
        return OK

    def _disable(self) -> Completed:
        self.enabled = False
        return OK

    def _reset(self) -> Completed:
        self._restarts = 0
        self._active = "inactive" if self._active == "failed" else self._active
        return OK
