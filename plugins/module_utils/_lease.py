# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps two runs of the collection apart on a host: a run's lease, and one changing process at a time.

The lease outlasts the module processes of its run and expires without it. `exclusive` holds off also a process that a
dead run left behind: its lease may have been taken over, but it goes on until it ends.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import math
import os
import threading
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._disk import Disk
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._locked_folder import told
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, Verdict, wait

FOLDER = "/run/prometheus_ha"
LEASE = f"{FOLDER}/lease.json"
LOCK = f"{FOLDER}/component.lock"
LEASE_SPEC: dict[str, t.Any] = {
    "run": {"type": "str", "required": True},
    "who": {"type": "str", "required": True},
    "controller": {"type": "str", "default": ""},
    "boot": {"type": "str", "default": ""},
    "namespace": {"type": "str", "default": ""},
    "pid": {"type": "int", "default": 0},
    "started": {"type": "int", "default": 0},
    "seconds": {"type": "float", "default": 60.0},
    "over": {"type": "str"},
    "release": {"type": "bool", "default": False},
}
# Fields of the record. Times are seconds since the epoch by the host's clock; ``seconds`` is what the lease was taken
# for, so ``expires - seconds`` is when it was renewed.
_TEXTS = ("run", "who", "controller", "boot", "namespace")
_NUMBERS = ("pid", "started", "seconds", "taken", "expires")
_BRIEF = 10.0  # seconds that reading and writing the lease may take somebody else


def hold(params: t.Mapping[str, t.Any], *, path: str = LEASE, now: t.Callable[[], float] = time.time) -> None:
    """Take or renew the lease of this host, or release it where the option says so.

    :param params: the option ``lease``, see `LEASE_SPEC`.
    :raises HAError: another run holds it (its record is the fact ``lease_holder``), or the system refuses.
    """
    if params.get("release"):
        release(params, path=path)
        return
    with _record(path):
        found = _read(path)
        moment = now()
        ours = found is not None and found["run"] == params["run"]
        if found is not None and not ours and found["run"] != params.get("over"):
            if found["expires"] - moment > found["seconds"]:  # the clock was set back since
                found["expires"] = moment + found["seconds"]
                _write(path, found)
            if found["expires"] > moment:
                raise _held(found, moment, path)
        taken = found["taken"] if found is not None and ours else moment
        record = {name: params[name] for name in (*_TEXTS, "pid", "started", "seconds")}
        _write(path, {**record, "taken": taken, "expires": moment + params["seconds"]})


@contextlib.contextmanager
def renewed(params: t.Mapping[str, t.Any], *, path: str = LEASE) -> t.Iterator[None]:
    """Renew the lease while a long step is at work: the replay of a WAL may take longer than a lease lasts.

    A renewal that fails is left to the next: the step goes on in either case.
    """
    over = threading.Event()

    def renew() -> None:
        while not over.wait(params["seconds"] / 3):
            with contextlib.suppress(HAError):
                hold(params, path=path)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def holder(run: str, *, path: str = LEASE, now: t.Callable[[], float] = time.time) -> dict[str, t.Any] | None:
    """Who else is changing this host: the record of a lease that has not expired; None where nobody is.

    :param run: the asking run, whose own lease is none of somebody else.
    :raises HAError: the system refuses.
    """
    if not os.path.lexists(path):
        return None
    with _record(path):
        found = _read(path)
    return found if found is not None and found["run"] != run and found["expires"] > now() else None


def release(params: t.Mapping[str, t.Any], *, path: str = LEASE) -> None:
    """Remove the lease where it is this run's. :raises HAError: the system refuses."""
    if not os.path.lexists(path):
        return
    with _record(path):
        found = _read(path)
        if found is not None and found["run"] == params["run"]:
            os.unlink(path)


@contextlib.contextmanager
def exclusive(path: str = LOCK, *, timeout: float = 60.0, clock: Clock | None = None) -> t.Iterator[None]:
    """Be the only process that changes this host; the kernel frees the lock of one that died.

    :param timeout: seconds that another one is waited for.
    :raises HAError: another process still holds it then, or the system refuses.
    """
    with told(os.path.dirname(path)):
        handle = _lock(path, timeout, clock)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
        os.close(handle)


@contextlib.contextmanager
def _record(path: str) -> t.Iterator[None]:
    """Nobody else reads or writes the lease meanwhile."""
    with exclusive(f"{path}.lock", timeout=_BRIEF), told(os.path.dirname(path)):
        yield


def _read(path: str) -> dict[str, t.Any] | None:
    """The lease's record; None without one, or where it is damaged."""
    try:
        with open(path, "rb") as file:
            found = json.load(file)
        texts = {name: found[name] for name in _TEXTS}
        numbers = {name: found[name] for name in _NUMBERS}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(value, str) for value in texts.values()):
        return None
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in numbers.values()):
        return None
    return {**texts, **numbers}


def _write(path: str, record: t.Mapping[str, t.Any]) -> None:
    Disk().replace(path, json.dumps(record).encode(), 0o600)


def _held(found: t.Mapping[str, t.Any], moment: float, path: str) -> HAError:
    left = found["expires"] - moment
    age = datetime.timedelta(seconds=int(max(moment - found["taken"], 0)))
    return HAError(
        f"another run is changing this host: {found['who']} (process {found['pid']} there) has held its lease for "
        f"{age} (h:mm:ss) and renewed it {found['seconds'] - left:.0f} s ago; without a renewal it expires in "
        f"{math.ceil(left)} s",
        where=path,
        do=f"wait until that run has ended. If it is dead, run again in {math.ceil(left)} s: nobody renews its lease.",
        lease_holder=dict(found),
    )


def _lock(path: str, timeout: float, clock: Clock | None) -> int:
    """The handle of the locked file, which names this process."""
    folder = os.path.dirname(path)
    os.makedirs(folder, 0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if not wait(lambda: Verdict(_is_locked(handle)), timeout=timeout, interval=0.1, clock=clock).done:
        pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
        os.close(handle)
        # Not its command line, which may hold a secret.
        look = f"ps -o pid,etime,comm -p {pid}" if pid.isdigit() else f"fuser -v {path}"
        raise HAError(
            f"another process of this collection{f' (pid {pid})' if pid.isdigit() else ''} has been at work on this "
            f"host for more than {timeout:g} s; it may be what a run that was killed left behind",
            where=path,
            do=f"wait until it has ended ({look}) and run again; if it hangs, end it by its pid first.",
        )
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
