# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live preflight by the real ansible-playbook, over addresses of loopback that stand for hosts."""

from __future__ import annotations

import json
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import AM_CONFIG, ROOT, Ran, local, playbook

TASKS = str(ROOT / "playbooks" / "tasks" / "preflight_live.yml")
# All hosts are loopback addresses of this machine, which need not be run by systemd.
MEANT = [{"id": rule, "reason": "it is a test"} for rule in ("A03", "A04", "H03", "X05")]


class Mesh:
    """Members at 127.0.0.2, 127.0.0.3 ..., with ports that nobody else has."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.port, self.gossip = support.free_port(), support.free_port()
        hosts = local(*names)
        for number, name in enumerate(names, 2):
            hosts[name].update(
                ansible_host=f"127.0.0.{number}",
                alertmanager_listen_address=f"127.0.0.{number}",
                alertmanager_cluster_listen_address=f"127.0.0.{number}",
            )
        shared: dict[str, t.Any] = {
            "alertmanager_port": self.port,
            "alertmanager_cluster_port": self.gossip,
            "alertmanager_config": AM_CONFIG,
            "alertmanager_data_dir": "/var/lib/nothing-is-there",
            "prometheus_ha_preflight_ignore": MEANT,
            "prometheus_ha_preflight_timeout": 1,
        }
        prometheus = local("p-1", ansible_host="127.0.0.9", prometheus_port=support.free_port())
        own = {"prometheus_data_dir": "/var/lib/nothing-is-there-either", "prometheus_ha_preflight_ignore": MEANT}
        self.inventory = {
            "alertmanager": {"hosts": hosts, "vars": shared},
            "prometheus": {"hosts": prometheus, "vars": own},
        }

    def run(self, *extra: str, tasks: t.Sequence[t.Any] = (), **variables: t.Any) -> Ran:
        report = {"prometheus_ha_preflight_report": str(self.folder / "report.json"), **variables}
        steps = [*tasks, {"ansible.builtin.import_tasks": TASKS}]
        plays = [{"hosts": "all", "gather_facts": False, "strategy": "linear", "tasks": steps}]
        return playbook(self.folder, self.inventory, plays, "-e", json.dumps(report), *extra)

    def findings(self) -> set[str]:
        data = json.loads((self.folder / "report.json").read_text())
        return {f"{one['id']} {one['where'].partition(' (')[0]}" for one in data["findings"] if not one["ignored"]}


@pytest.fixture
def mesh(tmp_path: Path) -> Mesh:
    return Mesh(tmp_path, "a-1", "a-2", "a-3")


@pytest.mark.parametrize("extra", [(), ("--forks", "1"), ("--check",)])
def test_all_is_well(mesh: Mesh, extra: tuple[str, ...]) -> None:
    ran = mesh.run(*extra)
    assert ran.rc == 0, ran.words
    assert "4 hosts looked at; of the ways between them 9 open, 0 not, 0 not tried" in ran.words
    assert not any(line[:3] in ("A11", "X04", "H01", "H02", "P12") for line in mesh.findings())
    with socket.socket() as again:
        again.bind(("127.0.0.2", mesh.gossip))


def test_an_address_that_peers_do_not_use(mesh: Mesh) -> None:
    mesh.inventory["alertmanager"]["hosts"]["a-2"]["alertmanager_listen_address"] = "127.0.0.9"
    ran = mesh.run()
    assert ran.rc != 0
    assert "X04 host a-2, variable alertmanager_port" in mesh.findings()
    assert (
        f"nothing comes through from p-1 to a-2 by TCP on 127.0.0.3:{mesh.port} (alertmanager): it is ref" in ran.words
    )
    assert "held there on 127.0.0.9" in ran.words
    with socket.socket() as again:
        again.bind(("127.0.0.9", mesh.port))  # ended, though nobody had come


@pytest.mark.parametrize("advertised, is_reached", [("127.0.0.3", True), ("127.0.0.8", False)])
def test_an_advertised_address(mesh: Mesh, advertised: str, is_reached: bool) -> None:
    """The peers' list names 127.0.0.3, where the member listens."""
    mesh.inventory["alertmanager"]["hosts"]["a-2"]["alertmanager_cluster_advertise_address"] = advertised
    ran = mesh.run()
    assert ran.rc == 0, ran.words  # A04 is meant here
    told = "A04 error host a-2, variable alertmanager_cluster_advertise_address" in ran.words
    assert told is not is_reached
    assert (f"from a-1, a-3 to a-2 by TCP on 127.0.0.8:{mesh.gossip}" in ran.words) is not is_reached
    assert f"on 127.0.0.3:{mesh.gossip}" not in ran.words
    with socket.socket() as again:
        again.bind(("127.0.0.3", mesh.gossip))


def test_a_finding_that_is_meant(mesh: Mesh) -> None:
    host = mesh.inventory["alertmanager"]["hosts"]["a-2"]
    host["alertmanager_listen_address"] = "127.0.0.9"
    host["prometheus_ha_preflight_ignore"] = [*MEANT, {"id": "X04", "reason": "the lab's odd network"}]
    ran = mesh.run()
    assert ran.rc == 0, ran.words
    assert "Ignored: the lab's odd network" in ran.words


def test_a_limited_run(mesh: Mesh) -> None:
    ran = mesh.run("--limit", "a-1,a-2")
    assert ran.rc == 0, ran.words
    assert "2 hosts looked at; of the ways between them 2 open, 0 not, 6 not tried" in ran.words
    assert "not proved, a-3 was not asked: outside --limit, or nothing starts there: a-1 -> a-3 127.0.0.4:" in ran.words


def test_one_host(mesh: Mesh) -> None:
    assert "1 host looked at; " in mesh.run("--limit", "a-1").words


def test_a_host_that_fails_on_the_way(mesh: Mesh) -> None:
    lose = {"ansible.builtin.fail": {"msg": "x"}, "when": "inventory_hostname == 'a-3'"}
    ran = mesh.run(tasks=[lose])
    assert ran.rc != 0
    assert "H02 host a-3" in mesh.findings()
    assert "not proved, a-3 did not answer: a-1 -> a-3" in ran.words


def test_options_that_are_not(mesh: Mesh) -> None:
    ran = mesh.run(prometheus_ha_preflight_timeout="soon")
    assert ran.rc != 0
    assert "variable prometheus_ha_preflight_timeout" in ran.words
