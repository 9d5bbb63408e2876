"""The container engine: the one that answers, else Debian's, started here.

The machine may have no init system, so `dockerd` is started as a plain
background process. Only a process that the lab itself started is ever ended:
its id is recorded with its start time, since ids are used again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from lab import cache, log
from lab.errors import LabError
from lab.run import run

NEEDS = {
    "docker": "docker.io",
    "dockerd": "docker.io",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
    "chromium-headless-shell": "chromium-headless-shell",
}


def version() -> str | None:
    """The running engine's version, or None when none answers."""
    if shutil.which("docker") is None:
        return None
    done = run(["docker", "info", "--format", "{{.ServerVersion}}"], check=False, timeout=30)
    text = done.stdout.strip()
    return text if done.returncode == 0 and text else None


def require(*commands: str) -> None:
    """Install the Debian packages of missing commands."""
    missing = sorted({NEEDS[name] for name in commands if shutil.which(name) is None})
    if not missing:
        return
    if os.geteuid() != 0:
        raise LabError(f"install {', '.join(missing)} (or run the lab as root)")
    if shutil.which("apt-get") is None:
        raise LabError(f"no apt-get here: install {', '.join(missing)} yourself")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with log.step(f"engine: apt-get install {' '.join(missing)}"):
        run(["apt-get", "update"], env=quiet)
        run(["apt-get", "install", "-y", "--no-install-recommends", *missing], env=quiet)


def start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    # A zombie has ended; its parent just has not asked yet.
    return None if fields[0] == "Z" else fields[19]


def _state_path() -> Path:
    return cache.folder("engine") / "state.json"


def own_pid() -> int | None:
    """The id of the dockerd that the lab started, while it runs."""
    state: Any = cache.read_json(_state_path())
    if not isinstance(state, dict):
        return None
    pid = int(state["pid"])
    return pid if start_time(pid) == state["start_time"] else None


def start() -> str:
    """Make sure that an engine answers; return its version."""
    found = version()
    if found:
        return found
    with cache.lock("engine"):
        return version() or _start()


def _start() -> str:
    require("docker", "dockerd", "iptables")
    if os.geteuid() != 0:
        raise LabError("no engine answers `docker info` and only root can start one")
    path = cache.folder("engine") / "dockerd.log"
    with log.step("engine: start dockerd"):
        with path.open("ab") as output:
            # A session of its own: it outlives this command and its terminal.
            daemon = subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                close_fds=True,
            )
        started = start_time(daemon.pid)
        cache.write_json(_state_path(), {"pid": daemon.pid, "start_time": started})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = version()
            if found:
                return found
            if daemon.poll() is not None:
                break
            time.sleep(0.3)
    tail = "\n".join(path.read_text(errors="replace").splitlines()[-10:])
    raise LabError(f"dockerd does not answer; the end of {path}:\n{tail}")


def stop() -> bool:
    """End the dockerd that the lab started; False when there is none."""
    with cache.lock("engine"):
        pid = own_pid()
        if pid is None:
            return False
        with log.step(f"engine: stop dockerd (pid {pid})"):
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 60
            while own_pid() is not None:
                if time.monotonic() > deadline:
                    raise LabError(f"dockerd (pid {pid}) does not end")
                time.sleep(0.2)
        _state_path().unlink(missing_ok=True)
        return True
