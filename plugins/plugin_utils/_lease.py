# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a run is, for the lease that it holds on each host, and whether the run that holds one is dead."""

from __future__ import annotations

import getpass
import hashlib
import os
import pathlib
import re
import socket
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _process
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


def mine(run_pid: int, *, proc: str = "/proc", machine_id: str = "/etc/machine-id") -> dict[str, t.Any]:
    """The fields of the option ``lease`` that name this run, the same in each of its workers.

    :param run_pid: the run's main process.
    :raises HAError: the main process is gone: a worker that outlives its run must not hold a lease.
    """
    boot = namespace = ""
    started = 0
    if _shows_us(proc):
        boot = _text(f"{proc}/sys/kernel/random/boot_id")
        namespace = os.readlink(f"{proc}/self/ns/pid")
        try:
            _state, started = _stat(run_pid, proc)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise HAError(
                f"the run's main process {run_pid} is gone: this is what it left behind",
                where="controller",
                do="run again.",
            ) from error
    found = _text(machine_id)
    # Without an id of its own (a container's image) equal names prove no equal machine, but the same boot does.
    machine = found if re.fullmatch("[0-9a-f]{32}", found) else boot
    controller = _digest("controller", machine, socket.gethostname())
    return {
        "run": _digest("run", controller, boot, namespace, run_pid, started),
        "who": f"{_user()}@{socket.gethostname()}",
        "controller": controller,
        "boot": boot,
        "namespace": namespace,
        "pid": run_pid,
        "started": started,
    }


def is_gone(holder: t.Mapping[str, t.Any], own: t.Mapping[str, t.Any], proc: str = "/proc") -> bool:
    """Whether the run that holds a lease is dead for certain, seen from the run ``own`` (fields of `mine`)."""
    # A container's namespace is another one at each start: then nothing is known but that the machine looks the same.
    if any(holder.get(name) != own[name] for name in ("controller", "namespace")):
        return False
    if not own["boot"] or not holder.get("boot"):
        return False
    if holder["boot"] != own["boot"]:
        return True
    pid, since = int(holder.get("pid", 0)), int(holder.get("started", 0))
    if pid <= 0 or since <= 0:
        return False
    try:
        state, started = _stat(pid, proc)
    except (FileNotFoundError, ProcessLookupError):
        return not _exists(pid)
    except OSError:
        return False
    return started != since or state in "ZX"  # proc(5): zombie, dead


def _shows_us(proc: str) -> bool:
    """Whether there is a /proc (macOS has none), and it is that of our own pid namespace."""
    try:
        return os.readlink(f"{proc}/self") == str(os.getpid())
    except OSError:
        return False


def _stat(pid: int, proc: str) -> tuple[str, int]:
    """State (a letter) and start (clock ticks since boot) of a process."""
    stat = pathlib.Path(proc, str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[0], int(_process.started_at(stat, 1))


def _exists(pid: int) -> bool:
    """Also where /proc hides the processes of other users (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _text(path: str) -> str:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without an entry in passwd
        return str(os.getuid())


def _digest(*parts: object) -> str:
    """Short, and tells nothing of the machine's id, which is confidential (machine-id(5))."""
    return hashlib.sha256(repr(("prometheus_ha", *parts)).encode()).hexdigest()[:32]
