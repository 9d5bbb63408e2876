"""Containers of a lab: how they are run, and what the engine says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.run import run

LABEL = "prometheus_ha_lab"
SPEC_LABEL = "prometheus_ha_lab_spec"
# Never --privileged, and never the machine's own /sys/fs/cgroup: with either,
# a kill or a limit on one host would reach the others.
SYSTEMD_OPTIONS = (
    *("--cap-add", "SYS_ADMIN"),
    *("--cap-add", "NET_ADMIN"),
    # As real hosts have it: without it systemd fails on units with User=,
    # PrivateUsers= and ProtectProc=invisible together (status 217/USER).
    *("--cap-add", "SYS_PTRACE"),
    *("--security-opt", "seccomp=unconfined"),
    *("--security-opt", "apparmor=unconfined"),
    "--cgroupns=private",
    *("--tmpfs", "/run"),
    *("--tmpfs", "/tmp"),
    *("-e", "container=docker"),
    *("--stop-signal", "SIGRTMIN+3"),
)


@dataclass(frozen=True)
class Container:
    """What the engine knows of one container."""

    name: str
    running: bool
    spec: str
    address: str


def parse_inspect(text: str) -> list[Container]:
    """Read `docker inspect` of containers."""
    found = []
    for entry in json.loads(text):
        labels: dict[str, str] = entry["Config"].get("Labels") or {}
        networks: dict[str, Any] = entry["NetworkSettings"].get("Networks") or {}
        # The wanted address is there for a stopped container, too.
        addresses = [
            (network.get("IPAMConfig") or {}).get("IPv4Address") or network.get("IPAddress", "")
            for network in networks.values()
        ]
        found.append(
            Container(
                name=entry["Name"].lstrip("/"),
                running=bool(entry["State"]["Running"]),
                spec=labels.get(SPEC_LABEL, ""),
                address=addresses[0] if addresses else "",
            )
        )
    return found


def of_lab(lab: str) -> dict[str, Container]:
    """All containers of a lab, by name."""
    ids = run(["docker", "ps", "-aq", "--filter", f"label={LABEL}={lab}"]).stdout.split()
    if not ids:
        return {}
    # One that goes meanwhile makes inspect fail, but the others are printed.
    text = run(["docker", "inspect", *ids], check=False).stdout
    return {container.name: container for container in parse_inspect(text)}


def labs() -> list[str]:
    """The names of all labs that have containers."""
    form = f'{{{{.Label "{LABEL}"}}}}'
    out = run(["docker", "ps", "-a", "--filter", f"label={LABEL}", "--format", form]).stdout
    return sorted(set(out.split()))


def remove(names: Sequence[str]) -> None:
    """Remove containers with their anonymous volumes."""
    if names:
        run(["docker", "rm", "--force", "--volumes", *names])


def execute(name: str, *argv: str, timeout: float = 60) -> tuple[int, str]:
    """Run a command in a container; return its exit code and output."""
    done = run(["docker", "exec", name, *argv], check=False, timeout=timeout)
    return done.returncode, (done.stdout + done.stderr).strip()
