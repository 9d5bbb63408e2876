# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a unit really runs, and what of it differs from what is wanted."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import re
import shlex
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HASH_VARIABLE

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "NRestarts",
    "UnitFileState",
    "NeedDaemonReload",
    "DropInPaths",
    "InvocationID",
)
_DELETED = " (deleted)"
# How the reason begins that another release is to run.
OTHER_BINARY = "the binary differs"
_T = t.TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class UnitState:
    """What systemd says of a unit; ``pid`` is 0 without a main process."""

    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    result: str = ""
    pid: int = 0
    restarts: int = 0
    enabled: bool = False
    needs_reload: bool = False
    drop_ins: tuple[str, ...] = ()
    invocation: str = ""

    @property
    def words(self) -> str:
        """The state as ``systemctl status`` names it."""
        return f"{self.active} ({self.sub})"


@dataclasses.dataclass(frozen=True)
class Running:
    """A unit's main process.

    :param executable: the file it runs, which may lie nowhere any more (``deleted``).
    :param unit_hash: the hash of the unit it was started with; empty when that unit is not ours.
    :param started: seconds since the host's boot.
    :param restarts: how often systemd restarted it by itself.
    """

    pid: int
    executable: str
    deleted: bool
    argv: tuple[str, ...]
    unit_hash: str
    started: float
    restarts: int
    state: str


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What should run: ``argv`` with the executable first, and the hash that the rendered unit carries."""

    argv: tuple[str, ...]
    unit_hash: str


@dataclasses.dataclass(frozen=True)
class Pending:
    """What is still to be done (``none``, ``start`` or ``restart``) and why, in sentences."""

    action: str = "none"
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.action != "none"


def show(unit: str, runner: Runner) -> UnitState:
    """What systemd knows of a unit, in one call.

    :raises HAError: when systemd does not answer.
    """
    done = runner(["systemctl", "show", "--property=" + ",".join(_PROPERTIES), "--", unit])
    if done.rc != 0:
        raise HAError("systemd does not answer", where=unit, said=done.words, do="Is this host run by systemd?")
    got = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return UnitState(
        load=got.get("LoadState", ""),
        active=got.get("ActiveState", ""),
        sub=got.get("SubState", ""),
        result=got.get("Result", ""),
        pid=_number(got.get("MainPID", "")),
        restarts=_number(got.get("NRestarts", "")),
        enabled=got.get("UnitFileState") == "enabled",
        needs_reload=got.get("NeedDaemonReload") == "yes",
        drop_ins=tuple(got.get("DropInPaths", "").split()),
        invocation=got.get("InvocationID", ""),
    )


def drop_in_commands(path: str) -> list[tuple[str, ...]]:
    """The command line that a drop-in file sets, one at most; an empty one where it only takes the unit's away.

    Later lines win: before another ``ExecStart=`` an empty one must clear the first (systemd.service(5)).
    """
    try:
        text = _bytes(path).decode("utf-8", "replace")
    except OSError:  # removed since systemd read it; an activation reloads systemd
        return []
    found = re.findall(r"^[ \t]*ExecStart[ \t]*=(.*)$", re.sub(r"\\\n", " ", text), re.MULTILINE)
    if not found:
        return []
    try:
        return [tuple(shlex.split(found[-1].replace("%%", "%").replace("$$", "$")))]
    except ValueError:  # an open quote
        return [(found[-1].strip(),)]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def read_as_owner(folder: str, read: t.Callable[[], _T]) -> _T:
    """Read something of a process below ``/proc/PID``, where root may lack the right to.

    Without CAP_SYS_PTRACE (in most containers) root may read only its own processes' ``exe``, ``environ`` and ``fd``;
    each user may read its own (ptrace(2), "Ptrace access mode checking"), so the process's user does.

    :raises OSError: as ``read`` does.
    """
    try:
        return read()
    except PermissionError:
        if os.geteuid() != 0:
            raise
        owner = os.stat(folder)
        with _identity(owner.st_uid, owner.st_gid):
            return read()


@contextlib.contextmanager
def _identity(uid: int, gid: int) -> t.Iterator[None]:
    # Not seteuid(2), which drops all effective capabilities: a process that has one (CAP_NET_BIND_SERVICE for a low
    # port) may only be read by one that has it too.
    libc = ctypes.CDLL(None)
    libc.setfsgid(gid)
    libc.setfsuid(uid)
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _words(data: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(word) for word in data.split(b"\0")[:-1])


def started_at(stat: str, ticks: int) -> float:
    """Seconds since boot at which a process started, from its ``stat`` (proc(5): field 22, in clock ticks)."""
    return int(stat.rpartition(")")[2].split()[19]) / ticks


def process(state: UnitState, proc: str = "/proc") -> Running | None:
    """The main process of a unit in that state; None when it has none (any more).

    :raises HAError: when the host does not let us look at it.
    """
    if not state.pid:
        return None
    folder = os.path.join(proc, str(state.pid))
    try:
        executable = read_as_owner(folder, lambda: os.readlink(os.path.join(folder, "exe")))
        environment = read_as_owner(folder, lambda: _bytes(os.path.join(folder, "environ")))
        argv = _words(_bytes(os.path.join(folder, "cmdline")))
        stat = _bytes(os.path.join(folder, "stat")).decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as error:
        do = "Run this as root (become); in a container root also needs CAP_SYS_PTRACE."
        raise HAError(f"process {state.pid} cannot be looked at", where=folder, said=str(error), do=do) from error
    variables = dict(word.partition("=")[::2] for word in _words(environment))
    deleted = executable.endswith(_DELETED)
    return Running(
        pid=state.pid,
        executable=executable[: -len(_DELETED)] if deleted else executable,
        deleted=deleted,
        argv=argv,
        unit_hash=variables.get(HASH_VARIABLE, ""),
        started=started_at(stat, os.sysconf("SC_CLK_TCK")),
        restarts=state.restarts,
        state=state.active,
    )


def running(unit: str, runner: Runner, proc: str = "/proc") -> Running | None:
    """The main process of a unit, None without one. :raises HAError: as `show` and `process` do."""
    return process(show(unit, runner), proc)


def pending(wanted: Wanted, now: Running | None, state: UnitState | None = None) -> Pending:
    """What must be done so that the wanted runs; from the process itself, never from what a run changed.

    :param state: what systemd says, for one that is stopped just now, and for the reason's sentence.
    """
    if now is None:
        why = "it does not run"
        if state and state.restarts and state.active in ("activating", "failed"):
            why = f"it does not stay up: systemd restarted it {state.restarts} times and says {state.words}"
        elif state and state.active == "failed":
            why = f"it failed ({state.result})"
        return Pending("start", (why,))
    if state and state.active == "deactivating":  # its process is there until it has ended
        return Pending("start", ("it is being stopped",))
    reasons = [*_executable(wanted, now), *_arguments(wanted.argv[1:], _without_interpreter(wanted, now)[1:])]
    if not now.unit_hash:
        reasons.append("it was not started from a unit of this collection")
    elif now.unit_hash != wanted.unit_hash and not reasons:
        reasons.append("the unit's settings, other than the command line, changed since it was started")
    return Pending("restart", tuple(reasons)) if reasons else Pending()


def _without_interpreter(wanted: Wanted, now: Running) -> tuple[str, ...]:
    """argv as it was asked for: of a script the kernel shows ``interpreter [argument] script ...`` (execve(2))."""
    for at in (1, 2):
        if now.argv[at : at + 1] == wanted.argv[:1] and now.argv[0] != wanted.argv[0]:
            return now.argv[at:]
    return now.argv


def _executable(wanted: Wanted, now: Running) -> list[str]:
    path = wanted.argv[0]
    if _without_interpreter(wanted, now) != now.argv:
        return []
    if now.executable not in (path, os.path.realpath(path)):
        return [f"{OTHER_BINARY}: runs {now.executable}, wanted {path}"]
    return [f"the binary {path} was replaced since it was started"] if now.deleted else []


def _flags(args: t.Sequence[str]) -> dict[str, list[str]]:
    """Arguments by flag, for sentences: ``--x=1`` and ``--x=2`` are the values of ``--x``."""
    found: dict[str, list[str]] = {}
    for arg in args:
        found.setdefault(arg.partition("=")[0], []).append(arg)
    return found


def _arguments(wanted: t.Sequence[str], now: t.Sequence[str]) -> list[str]:
    if tuple(wanted) == tuple(now):
        return []
    new, old = _flags(wanted), _flags(now)
    reasons = []
    for flag in [*new, *(flag for flag in old if flag not in new)]:
        if flag not in old:
            reasons.append(f"argument {' '.join(new[flag])} is new")
        elif flag not in new:
            reasons.append(f"argument {' '.join(old[flag])} is gone")
        elif new[flag] != old[flag]:
            reasons.append(f"argument {flag} differs: runs {' '.join(old[flag])}, wanted {' '.join(new[flag])}")
    return reasons or ["the order of the arguments differs"]
