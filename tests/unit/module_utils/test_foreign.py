# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another installation in the way: what is found, and what is left in peace."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import Finding, Owner, Port
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HASH_VARIABLE, UnitSpec, render
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import Commands, add_process

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
OURS = render(UnitSpec("prometheus", "p", "p", "/bin/x", data_dirs=("/var/lib/prometheus",)))


def line(address: str, port: int, inode: int = 7, state: str = "0A", peer: str = "") -> str:
    remote = peer or "0" * len(address) + ":0000"
    return (
        f"   0: {address}:{port:04X} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1\n"
    )


V4, LOOPBACK, TEN = "00000000", "0100007F", "0101000A"  # 0.0.0.0, 127.0.0.1, 10.0.1.1
V6, V6_LOOPBACK = "0" * 32, "00000000000000000000000001000000"
MAPPED_TEN = "0000000000000000FFFF00000101000A"  # ::ffff:10.0.1.1


def test_listening_sockets_are_read_and_connections_are_not() -> None:
    text = HEAD + line(TEN, 9090, 11) + line(LOOPBACK, 40000, 12, state="01", peer="0100007F:2382")
    (found,) = _foreign.parse_sockets(text, "tcp")
    assert (str(found.address), found.port, found.inode, found.family) == ("10.0.1.1", 9090, "11", 4)
    udp = HEAD + line(V6, 9094, 13, state="07") + line(TEN, 9094, 14, state="07", peer="0100007F:2382")
    assert [(item.address, item.inode) for item in _foreign.parse_sockets(udp, "udp")] == [(None, "13")]


@pytest.mark.parametrize(
    ("wanted", "held", "clash"),
    [
        ("0.0.0.0", V4, True),
        ("0.0.0.0", TEN, True),
        ("10.0.1.1", V4, True),
        ("10.0.1.1", TEN, True),
        ("10.0.1.1", LOOPBACK, False),
        ("10.0.1.1", MAPPED_TEN, True),
        ("10.0.1.1", V6, True),
        ("0.0.0.0", V6, True),
        ("0.0.0.0", V6_LOOPBACK, False),
        ("::1", V4, False),
        ("[::1]", V6_LOOPBACK, True),
        ("::1%lo", V6, True),
        ("::", TEN, True),
        ("::", V4, True),
        ("", V6_LOOPBACK, True),
        ("", TEN, True),
        ("localhost", TEN, True),
    ],
)
def test_which_addresses_clash(wanted: str, held: str, clash: bool) -> None:
    (listener,) = _foreign.parse_sockets(HEAD + line(held, 9090), "tcp")
    assert _foreign.overlap(Port(9090, "tcp", wanted), listener) is clash
    assert not _foreign.overlap(Port(9091, "tcp", wanted), listener)
    assert not _foreign.overlap(Port(9090, "udp", wanted), listener)


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/prometheus.service\n", "prometheus.service"),
        ("4:memory:/\n1:name=systemd:/system.slice/a@b.service\n0::/\n", "a@b.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/x.service\n", "x.service"),
        ("0::/system.slice/prometheus.service/child\n", "prometheus.service"),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_the_unit_of_a_process(cgroup: str, unit: str) -> None:
    assert _foreign.unit_of(cgroup) == unit


class World:
    """A host of files with the units that systemd would show."""

    def __init__(self, base: Path) -> None:
        self.base = base
        for name in ("units", "proc/net", "state", "lib"):
            (base / name).mkdir(parents=True)
        self.shown: dict[str, dict[str, str]] = {}
        self.packages: dict[str, Completed] = {}

    def unit(self, name: str, text: str, active: str = "active", enabled: str = "enabled", load: str = "loaded") -> str:
        path = self.base / "lib" / name
        path.write_text(text)
        self.shown[name] = {
            "Id": name,
            "LoadState": load,
            "ActiveState": active,
            "UnitFileState": enabled,
            "FragmentPath": str(path),
        }
        return str(path)

    def find(self, component: str = "prometheus", **more: Any) -> list[Finding]:
        names = list(dict.fromkeys([f"{component}.service", *_foreign.KNOWN_UNITS.get(component, ())]))
        nothing = {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": "", "FragmentPath": ""}
        blocks = ["".join(f"{k}={v}\n" for k, v in self.shown.get(name, nothing).items()) for name in names]
        table = {"systemctl show": Completed(0, "\n".join(blocks), ""), **self.packages}
        return _foreign.find(
            component,
            unit=f"{component}.service",
            runner=Commands(table),
            proc=str(self.base / "proc"),
            state_root=str(self.base / "state"),
            unit_folder=str(self.base / "units"),
            **more,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_an_empty_host_and_our_own_unit_are_no_findings(world: World, tmp_path: Path) -> None:
    assert world.find(data_dirs=[str(tmp_path / "none")], config_files=[str(tmp_path / "none.yml")]) == []
    world.unit("prometheus.service", OURS)
    assert world.find() == []


@pytest.mark.parametrize(
    ("packages", "says", "do"),
    [
        ({"dpkg-query --search": Completed(0, "prometheus: /x\n", "")}, "of package prometheus", "remove the package"),
        ({"rpm -qf": Completed(0, "golang-prometheus", "")}, "of package golang-prometheus", "remove the package"),
        ({"dpkg-query --search": Completed(1, "", "no path found")}, "is not ours", "systemctl disable --now"),
    ],
)
def test_a_unit_of_another_is_found_with_its_package(
    world: World, packages: dict[str, Completed], says: str, do: str
) -> None:
    path = world.unit("prometheus.service", "[Service]\n", active="inactive", enabled="disabled")
    world.packages = packages
    (finding,) = world.find()
    assert (finding.kind, finding.name) == ("unit", "prometheus.service")
    assert path in finding.what
    assert says in finding.what
    assert do in finding.do


def test_debians_alertmanager_is_found_while_it_runs_or_will_at_boot(world: World) -> None:
    world.unit("prometheus-alertmanager.service", "[Service]\n")
    assert [finding.name for finding in world.find("alertmanager")] == ["prometheus-alertmanager.service"]
    world.unit("prometheus-alertmanager.service", "[Service]\n", active="inactive", enabled="enabled")
    assert len(world.find("alertmanager")) == 1
    world.unit("prometheus-alertmanager.service", "[Service]\n", active="inactive", enabled="disabled")
    assert world.find("alertmanager") == []


def test_a_masked_unit_is_found(world: World) -> None:
    world.unit("prometheus.service", "", load="masked")
    (finding,) = world.find()
    assert (finding.kind, finding.do) == ("masked", "systemctl unmask prometheus.service")


def test_data_and_configuration_of_others_are_found_until_they_are_ours(world: World, tmp_path: Path) -> None:
    data, empty, config = tmp_path / "data", tmp_path / "empty", tmp_path / "prometheus.yml"
    (data / "metrics2").mkdir(parents=True)
    (empty / "lost+found").mkdir(parents=True)
    config.write_text("x")
    ask: dict[str, Any] = {"data_dirs": [str(data), str(empty)], "config_files": [str(config)]}
    assert [(finding.kind, finding.name) for finding in world.find(**ask)] == [
        ("data", str(data / "metrics2")),
        ("config", str(config)),
    ]
    (tmp_path / "state" / "prometheus").mkdir()
    assert world.find(**ask) == []


def test_data_of_debians_package_is_listed_as_it_is(world: World, tmp_path: Path) -> None:
    for name in ("wal", "chunks_head"):
        (tmp_path / "data/metrics2" / name).mkdir(parents=True)
    (finding,) = world.find(data_dirs=[str(tmp_path / "data")])
    assert "metrics2 holds 2 entries (chunks_head, wal)" in finding.what


def test_what_is_ours_is_known_without_our_records(world: World, tmp_path: Path) -> None:
    data, marked, other = tmp_path / "data", tmp_path / "prometheus.yml", tmp_path / "password"
    (data / "wal").mkdir(parents=True)
    marked.write_text("---\n# Managed by baremetal.prometheus_ha; changes made here are overwritten.\nx: y\n")
    other.write_text("x\n")
    ask: dict[str, Any] = {"data_dirs": [str(data)], "config_files": [str(marked), str(other)]}
    assert [finding.name for finding in world.find(**ask)] == [str(data), str(other)]
    (tmp_path / "units/prometheus.service").write_text(OURS.replace("/var/lib/prometheus", str(data)))
    assert world.find(**ask) == []


@pytest.mark.parametrize(("variable", "found"), [(HASH_VARIABLE, 0), ("HOME", 1)])
def test_what_runs_tells_whose_a_vanished_unit_is(world: World, tmp_path: Path, variable: str, found: int) -> None:
    os.unlink(world.unit("prometheus.service", OURS))
    world.shown["prometheus.service"]["MainPID"] = "50"
    add_process(tmp_path / "proc", 50, ["/opt/prometheus"], environment={variable: "a" * 64})
    assert len(world.find()) == found


def test_a_sidecar_may_share_the_data_of_our_prometheus(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "wal").mkdir(parents=True)
    assert [finding.name for finding in world.find("thanos_sidecar", data_dirs=[str(data)])] == [str(data)]
    (tmp_path / "units" / "prometheus.service").write_text(OURS.replace("/var/lib/prometheus", str(data)))
    assert world.find("thanos_sidecar", data_dirs=[str(data)]) == []


def test_a_port_in_use_names_pid_program_unit_and_variable(world: World, tmp_path: Path) -> None:
    (tmp_path / "proc/net/tcp").write_text(HEAD + line(LOOPBACK, 9090, 11) + line(TEN, 9090, 12))
    (tmp_path / "proc/net/udp").write_text(HEAD + line(V4, 9094, 13, state="07"))
    add_process(tmp_path / "proc", 50, ["/usr/bin/cockpit"], sockets=[11, 99], unit="cockpit.service")
    add_process(tmp_path / "proc", 51, ["/usr/bin/cockpit"], sockets=[12])
    ports = [Port(9090, "tcp", "0.0.0.0", "prometheus_port"), Port(9094, "udp"), Port(9095)]
    found = world.find(ports=ports)
    assert [(finding.name, finding.what, finding.do) for finding in found] == [
        (
            "tcp/9090",
            "The port tcp/9090 is in use by pid 50 (cockpit) of cockpit.service.",
            "stop it, or set prometheus_port to a free port.",
        ),
        (
            "tcp/9090",
            "The port tcp/9090 is in use by pid 51 (cockpit), of no unit.",
            "stop it, or set prometheus_port to a free port.",
        ),
        ("udp/9094", "The port udp/9094 is in use by a process that cannot be seen from here.", "stop it."),
    ]


def test_our_own_process_may_hold_our_port(world: World, tmp_path: Path) -> None:
    (tmp_path / "proc/net/tcp6").write_text(HEAD + line(V6, 9090, 11))
    add_process(tmp_path / "proc", 50, ["/opt/prometheus"], sockets=[11], unit="prometheus.service")
    assert world.find(ports=[Port(9090)]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads the /proc of this machine")
def test_a_real_socket_leads_to_this_process() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        (listener,) = [item for item in _foreign.listeners() if item.port == port]
        owner = _foreign.owners([listener.inode])[listener.inode]
    assert (owner.pid, str(listener.address)) == (os.getpid(), "127.0.0.1")
    assert str(owner).startswith(f"pid {os.getpid()} ({Path('/proc/self/comm').read_text().strip()})")


def test_all_findings_are_refused_at_once() -> None:
    _foreign.refuse([], "prometheus")
    findings = [Finding("unit", "A is not ours.", "remove it.", "a"), Finding("port", "B is in use.", "stop it.", "b")]
    with pytest.raises(HAError) as caught:
        _foreign.refuse(findings, "prometheus", "prometheus_adopt")
    assert caught.value.said == "A is not ours. Do: remove it.\nB is in use. Do: stop it."
    assert "prometheus_adopt: true" in caught.value.do
    assert caught.value.result()["findings"][1]["name"] == "b"


def test_systemd_that_does_not_answer_is_told() -> None:
    with pytest.raises(HAError, match="does not answer"):
        _foreign.find("prometheus", unit="prometheus.service", runner=Commands({}))


def test_an_owner_reads_as_a_sentence() -> None:
    assert str(Owner(1, "x", "x.service")) == "pid 1 (x) of x.service"
