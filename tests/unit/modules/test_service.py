# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real in check mode, with a systemctl of its own; tests/integration runs it on a host."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HASH_VARIABLE
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import run_module

NAME = "pha-unit-test"


class Fake:
    """A `systemctl` first in PATH that shows what it is told to, and refuses to change anything."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "systemctl"
        self.shows("inactive", 0)

    def shows(self, active: str, pid: int, enabled: str = "disabled", rc: int = 0, load: str = "loaded") -> None:
        text = f"LoadState={load}\\nActiveState={active}\\nSubState=x\\nMainPID={pid}\\nUnitFileState={enabled}\\n"
        self._program.write_text(f"#!/bin/sh\n[ $1 = show ] || exit 9\nprintf '{text}'\nexit {rc}\n")
        self._program.chmod(0o755)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Fake(folder)


def service(**params: Any) -> dict[str, Any]:
    return run_module("service", {"name": NAME, "user": NAME, "executable": "/opt/none/bin/x", **params}, check=True)


def test_check_mode_on_a_fresh_host_says_all_that_would_be_done(systemctl: Fake, tmp_path: Path) -> None:
    del systemctl
    data = str(tmp_path / "data")
    result = service(data_dirs=[data], args=["--a=b c"], release="/opt/none")
    assert (result["changed"], result["pending"], result["reasons"]) == (True, "start", ["it does not run"])
    assert result["changes"] == [
        f"group {NAME} created",
        f"user {NAME} created",
        f"folder {data} created",
        f"unit {NAME}.service written",
        f"{NAME}.service started",
        f"{NAME}.service enabled",
    ]
    (diff,) = result["diff"]
    assert diff["before"] == ""
    assert '"--a=b c"' in diff["after"]
    assert (result["pid"], result["executable"], result["former_executable"]) == (0, "/opt/none/bin/x", "")
    assert not os.path.exists(data)


def test_check_mode_sees_what_runs(systemctl: Fake) -> None:
    systemctl.shows("active", os.getpid(), "enabled")
    result = service(user="root")
    me = os.path.realpath("/proc/self/exe")
    assert result["pending"] == "restart"
    assert f"the binary differs: runs {me}, wanted /opt/none/bin/x" in result["reasons"]
    assert (result["pid"], result["former_executable"]) == (os.getpid(), me)
    assert result["changes"] == [f"unit {NAME}.service written", f"{NAME}.service restarted"]


def test_a_port_in_use_stops_it_first(systemctl: Fake) -> None:
    del systemctl
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        result = service(ports=[{"port": port, "variable": "x_port"}])
    assert result["failed"]
    assert f"tcp/{port} is in use by pid {os.getpid()} (" in result["msg"]
    assert "set x_port to a free port" in result["msg"]
    assert result["findings"][0]["kind"] == "port"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"executable": "{release}/x"}, "no release is given"),
        ({"args": ["{host_ip}"], "host_ip_towards": ["127.0.0.1"]}, "has only 127.0.0.1"),
        ({"data_dirs": ["relative"]}, "an absolute path"),
        ({"data_dirs": ["/etc/hostname"], "user": "root"}, "not a folder"),
        ({"api": {"kind": "grafana", "url": "x"}}, "must be one of"),
    ],
)
def test_what_is_wrong_is_told(systemctl: Fake, params: dict[str, Any], says: str) -> None:
    del systemctl
    result = service(**params)
    assert result["failed"]
    assert says in result["msg"]


def test_a_host_without_systemd_is_told(systemctl: Fake) -> None:
    systemctl.shows("inactive", 0, rc=1)
    assert "Is this host run by systemd?" in service()["msg"]


@pytest.fixture
def ours() -> Iterator[int]:
    """A process that was started from a unit of this collection."""
    with subprocess.Popen(["/bin/sleep", "60"], env={HASH_VARIABLE: "a" * 64}) as process:
        yield process.pid
        process.kill()


@pytest.mark.parametrize(("state", "word"), [("stopped", "stopped"), ("absent", "removed")])
def test_stopping_and_removing_in_check_mode(systemctl: Fake, ours: int, state: str, word: str) -> None:
    systemctl.shows("inactive", 0, load="not-found")
    assert (service(state=state)["changed"], service(state=state)["changes"]) == (False, [])
    systemctl.shows("active", ours)
    result = service(state=state)
    assert (result["changed"], result["changes"]) == (True, [f"{NAME}.service {word}"])


def test_a_service_of_another_is_not_removed(systemctl: Fake) -> None:
    systemctl.shows("active", os.getpid())
    result = service(state="absent")
    assert result["failed"]
    assert f"{NAME}.service: this unit is not ours, it was left alone" in result["msg"]


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_one_that_stops_or_leaves_needs_its_name_alone(systemctl: Fake, ours: int, state: str) -> None:
    systemctl.shows("active", ours)
    assert service(state=state, user=None, executable=None)["changed"]
    assert "user" in service(user=None)["msg"]
