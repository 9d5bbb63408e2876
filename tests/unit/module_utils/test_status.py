# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a component on a host of files, whose systemd and Prometheus are played; nothing is ever written."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _status
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import config_hash
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_component import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def look(host: Host, generation: str = "g1", **values: t.Any) -> dict[str, t.Any]:
    """The facts, on a host that must be the same before and after."""
    version = values.get("version", "3.5.3")
    params = {
        "name": "prometheus",
        "state": values.get("state", "present"),
        "release": {"version": version},
        "config": {"root": str(host.config)},
        "api": {"kind": "prometheus", "generation": generation},
    }
    made = host.component(generation, apply=False, **values)
    (host.base / "proc/uptime").write_text("142.00 1.00\n")
    before = host.disk()
    host.forget()
    found = _status.look(made, params, host, str(host.base / "proc"))
    assert host.disk() == before
    assert not [asked for asked in host.asked if asked.startswith("POST")]
    assert not [called for called in host.systemd.called if not called.startswith("systemctl show")]
    return found


def test_not_rolled_out(host: Host) -> None:
    found = look(host)
    assert (found["rolled_out"], found["pending"], found["answers"]) == (False, "start", False)
    assert found["unit"]["pid"] == 0 and found["unit"]["seconds"] is None
    assert found["version"] == {"running": "", "planned": "3.5.3"}


def test_all_is_as_planned(host: Host) -> None:
    host.serve("g1", args=("--xone=1", "--storage.tsdb.retention.time=15d"))
    found = look(host, args=("--xone=1", "--storage.tsdb.retention.time=15d"))
    assert (found["rolled_out"], found["pending"], found["answers"]) == (True, "none", True)
    assert found["version"] == {"running": "3.5.3", "planned": "3.5.3"}
    assert found["generation"] == {"running": "g1", "planned": "g1"}
    # Started at tick 4200 of 100 a second, 142 s after the boot.
    assert found["unit"]["seconds"] == pytest.approx(142 - 4200 / os.sysconf("SC_CLK_TCK"))
    assert found["retention"] == "15d"
    assert found["disk"]["total"] >= found["disk"]["free"] > 0
    assert found["reload"]["successful"] is True


def test_changed_in_the_inventory(host: Host) -> None:
    host.serve("g1")
    found = look(host, "g2")
    assert (found["pending"], found["edited"]) == ("reload", [])
    assert found["reasons"] == ["prometheus.yml differs"]
    assert found["generation"] == {"running": "g1", "planned": "g2"}


def test_another_version_is_planned(host: Host) -> None:
    host.serve("g1", version="2.53.3")
    found = look(host, version="3.5.3")
    assert found["pending"] == "restart" and "the binary differs" in found["reasons"][0]
    assert found["version"] == {"running": "2.53.3", "planned": "3.5.3"}


def test_edited_by_hand(host: Host) -> None:
    host.serve("g1")
    path = host.config / "prometheus.yml"
    path.write_text(path.read_text() + "# by hand\n")
    found = look(host)
    assert (found["pending"], found["edited"]) == ("reload", [str(path)])


def test_stopped(host: Host) -> None:
    host.serve("g1")
    host(["systemctl", "stop", "prometheus.service"])
    found = look(host)
    assert (found["rolled_out"], found["pending"], found["unit"]["pid"]) == (True, "start", 0)


def test_one_that_hangs(host: Host) -> None:
    host.serve("g1")
    host.answers_at = host.clock.now + 1000
    found = look(host)
    assert found["answers"] is False
    assert len(found["errors"]) == 1 and "no answer" in found["errors"][0]
    assert found["unit"]["pid"] > 0


def test_one_that_leaves(host: Host) -> None:
    host.serve("g1")
    found = look(host, state="absent")
    assert (found["leaves"], found["pending"], found["reasons"]) == (True, "remove", ["its state is absent"])


def test_systemd_that_does_not_answer(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise HAError("systemd does not answer", said="no bus")

    made = host.component(apply=False)
    monkeypatch.setattr(made.service, "is_ours", refuse)
    params = {"name": "prometheus", "release": {}, "config": {"root": "/etc"}}
    found = _status.look(made, params, host)
    assert found["errors"] == ["systemd does not answer: no bus"] and found["unit"] == {}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/opt/prometheus_ha/prometheus/3.5.3/bin/prometheus", "3.5.3"),
        ("/srv/prometheus/3.5.3-rc.1/bin/prometheus", "3.5.3-rc.1"),
        ("/usr/bin/prometheus", ""),
        ("/opt/alertmanager/0.28.1/bin/alertmanager", ""),
        ("", ""),
    ],
)
def test_version_of(path: str, wanted: str) -> None:
    assert _status.version_of(path, "prometheus") == wanted


def test_planned_generations() -> None:
    config = {"root": "/etc/am", "files": [{"path": "am.yml", "content": "a"}]}
    api = {"kind": "alertmanager", "config_file": "/etc/am/am.yml"}
    assert int(_status.generation({"api": api, "config": config}), 16) == config_hash(b"a")
    assert _status.generation({"api": {**api, "config_file": "/x"}, "config": config}) == ""
    assert _status.generation({"config": config}) == ""
    assert _status.generation({"api": {"kind": "prometheus", "generation": None}}) == ""


def test_retention() -> None:
    argv = ["prometheus", "--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=9GB", "--web.x=1"]
    assert _status.retention(argv) == "15d, 9GB"
    assert _status.retention([]) == ""


def test_no_data_folder_yet(tmp_path: Path) -> None:
    assert _status.disk([str(tmp_path / "none")]) is None
