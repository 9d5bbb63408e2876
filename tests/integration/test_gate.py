# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate on real hosts: what opens it, what keeps it closed, and what it says; each host in a run of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GROUPS = {"eu": ["eu-1", "eu-2"], "alertmanager": ["am-1", "am-2"]}
# Short, so that what the gate waits for comes soon: two intervals 8 s, the alert 20 s, the hold 2 s + 1 s + 6 s.
VARIABLES = {
    "prometheus_scrape_interval": "4s",
    "prometheus_scrape_timeout": "1s",
    "prometheus_evaluation_interval": "1s",
    "prometheus_extra_args": {"rules.alert.resend-delay": "2s"},
    "prometheus_rules": [
        {
            "name": "gate",
            "rules": [{"alert": "Always", "expr": "vector(1)", "for": "20s", "labels": {"severity": "none"}}],
        }
    ],
    "alertmanager_cluster_gossip_interval": "20ms",
    "prometheus_ha_gate_before_timeout": 3,
    "prometheus_ha_gate_timeout": 30,
    "prometheus_ha_gate_margin": 6,
}
GATE = "baremetal.prometheus_ha.gate"


@dataclasses.dataclass(frozen=True)
class Ran:
    """A run: its return code, what it printed, and what the last gate returned."""

    rc: int
    out: str
    err: str
    gate: dict[str, Any]


class Stack:
    """Two replicas and a mesh of two."""

    def __init__(self, lab: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        self.variables = {**VARIABLES, "lab_subnet": lab["prefix"]}
        inventory = folder / "inventory"
        shutil.copytree(ROOT / "inventory/lab/group_vars", inventory / "group_vars")
        hosts = {
            name: {"hosts": {host: {"ansible_host": lab["addresses"][host]} for host in members}}
            for name, members in GROUPS.items()
        }
        children = {**hosts, "prometheus": {"children": {"eu": {}}}}
        (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": children}}))

    def run(self, playbook: Path, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
        variables = json.dumps({**self.variables, **more})
        command = [str(BIN / "ansible-playbook"), "-i", str(self.folder / "inventory"), str(playbook), "-e", variables]
        return subprocess.run(
            [*command, *options],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def site(self, **more: Any) -> None:
        done = self.run(ROOT / "site.yml", **more)
        assert done.returncode == 0, done.stdout + done.stderr

    def play(self, host: str, *tasks: dict[str, Any], limited: bool = True, **more: Any) -> Ran:
        """Tasks on one host alone; where the run is limited to it, its peers outside of it are asked all the same."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        keep = {"copy": {"content": "{{ gate | to_json }}", "dest": str(answer)}, "delegate_to": "localhost"}
        last = {"become": False, "vars": {"ansible_connection": "local"}}
        always = [
            {f"ansible.builtin.{key}" if key == "copy" else key: value for key, value in {**keep, **last}.items()}
        ]
        play = {
            "hosts": host,
            "gather_facts": False,
            "become": True,
            "tasks": [{"block": list(tasks), "always": always}],
        }
        (self.folder / "play.yml").write_text(json.dumps([play]))
        done = self.run(self.folder / "play.yml", *(("--limit", host) if limited else ()), **more)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        assert answer.exists(), done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr, json.loads(answer.read_text()))


def gate(state: str) -> dict[str, Any]:
    return {GATE: {"state": state, "interval": 0.5}, "register": "gate"}


def shell(command: str) -> dict[str, Any]:
    return {"ansible.builtin.shell": command}


def unit(name: str, state: str) -> dict[str, Any]:
    return {"ansible.builtin.systemd_service": {"name": name, "state": state}}


@pytest.fixture(scope="module")
def stack(demo_lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Converged by the collection; what it made leaves at the end."""
    made = Stack(demo_lab, tmp_path_factory.mktemp("gate"))
    made.site()
    yield made
    made.site(prometheus_state="absent", alertmanager_state="absent")


def test_a_healthy_pair_passes_at_once_and_a_restart_waits_until_the_replica_is_as_its_peer(stack: Stack) -> None:
    ran = stack.play("eu-1", gate("before"), prometheus_ha_gate_before_timeout=30)
    assert ran.rc == 0, ran.out + ran.err
    # The first scrapes and the alert took their time after the first start.
    ran = stack.play("eu-1", gate("before"))
    assert (ran.rc, ran.gate["open"], ran.gate["waited"]) == (0, True, {}), ran.out + ran.err
    assert "waiting before" not in ran.err
    ran = stack.play("eu-1", gate("before"), unit("prometheus", "restarted"), gate("after"))
    assert ran.rc == 0, ran.out + ran.err
    waited = ran.gate["waited"]
    assert waited["prometheus two scrape intervals"] > 0 and waited["prometheus firing alerts"] > 0, waited
    assert re.search(r"^eu-1: waiting after the change: prometheus, two scrape intervals: eu-1 runs for", ran.err, re.M)
    assert '1 alerts fire on eu-2, 0 on eu-1; here not yet: Always{severity="none"}' in ran.err
    assert ran.gate["seconds"] >= 4, ran.gate


def test_a_peer_that_is_away_is_named_and_nothing_is_touched(stack: Stack) -> None:
    stack.play("eu-2", {**gate("before"), "check_mode": True}, unit("prometheus", "stopped"))
    ran = stack.play("eu-1", gate("before"), shell("touch /run/gate-was-open"))
    assert ran.rc != 0
    assert ran.gate["predicate"] == "answer", ran.gate
    assert "host eu-1: the gate before the change of prometheus stays closed" in ran.gate["msg"]
    assert "answer: eu-2 does not answer: GET http://127.0.0.1:9090/-/ready: no answer" in ran.gate["msg"]
    assert "Nothing was changed" in ran.gate["msg"]
    ran = stack.play("eu-1", {**gate("before"), "check_mode": True}, shell("test ! -e /run/gate-was-open"))
    assert ran.rc == 0, ran.out
    assert ran.gate["open"] is False and "eu-2 does not answer" in ran.gate["waiting_for"][0]
    # The one that is away may be changed, which repairs it: the other stands in for it.
    ran = stack.play("eu-2", gate("before"), unit("prometheus", "started"))
    assert ran.rc == 0, ran.out + ran.err


def test_a_corrupt_wal_is_caught_although_the_replica_says_that_it_is_ready(stack: Stack) -> None:
    # Into the middle of the last segment that holds samples; the rest of it is lost.
    corrupt = """
        set -e
        segment=$(find /var/lib/prometheus/wal -maxdepth 1 -type f -size +8k | sort | tail -1)
        head -c 4096 /dev/urandom | dd of=$segment bs=1 seek=$(($(stat -c %s $segment) / 2)) conv=notrunc
        """
    ready = {"ansible.builtin.uri": {"url": "http://127.0.0.1:9090/-/ready"}, "retries": 60, "delay": 0.5}
    ran = stack.play(
        "eu-2",
        gate("before"),
        unit("prometheus", "stopped"),
        shell(corrupt),
        unit("prometheus", "started"),
        {**ready, "register": "ready", "until": "ready.status == 200"},
        gate("after"),
    )
    assert ran.rc != 0, ran.out
    assert ran.gate["predicate"] == "WAL corruption", ran.gate
    assert "WAL corruption: eu-2 found its WAL corrupt 1 times (before: 0) and lost the samples" in ran.gate["msg"]
    assert "Nothing further is to be changed" in ran.gate["msg"]
    # Until it is looked after, nobody else may go.
    ran = stack.play("eu-1", gate("before"))
    assert ran.gate["predicate"] == "WAL corruption", ran.gate
    stack.play("eu-2", gate("before"), unit("prometheus", "restarted"))


def test_a_mesh_holds_the_next_member_until_the_alerts_are_back_and_misses_one_that_is_away(stack: Stack) -> None:
    ran = stack.play("am-1", gate("before"), unit("alertmanager", "restarted"), gate("after"))
    assert ran.rc == 0, ran.out + ran.err
    assert ran.gate["waited"]["alertmanager hold"] > 0, ran.gate
    assert "all alerts have come back to it 9 s after its start" in ran.err
    stack.play("am-2", {**gate("before"), "check_mode": True}, unit("alertmanager", "stopped"))
    ran = stack.play("am-1", gate("before"))
    assert ran.rc != 0
    assert "alertmanager stays closed" in ran.gate["msg"] and "answer: am-2 does not answer" in ran.gate["msg"]
    # And every replica misses it, too, unless its run leaves the mesh out.
    ran = stack.play("eu-1", gate("before"), limited=False)
    assert ran.gate["predicate"] == "Alertmanagers", ran.gate
    assert "eu-2 can't reach" in ran.gate["msg"]
