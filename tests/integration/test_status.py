# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""status.yml on real hosts: a stack that is well, and then one thing after another that is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import cut_off

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NAME = os.environ.get("LAB_NAME", "default")
GROUPS = {"eu": ["eu-1", "eu-2"], "alertmanager": ["am-1", "am-2"]}
ABSENT = {"prometheus_state": "absent", "alertmanager_state": "absent"}
# A member that is cut off is missed within seconds: a probe each 200 ms, and a suspect is given up after few of them.
GOSSIP = {"cluster.probe-interval": "200ms", "cluster.probe-timeout": "100ms"}


class Ran(NamedTuple):
    """A run of status.yml; components by host, from its file."""

    rc: int
    output: str
    status: dict[str, Any]
    hosts: dict[str, dict[str, Any]]

    def verdicts(self) -> dict[str, str]:
        return {host: item["verdict"] for host, item in self.hosts.items()}

    def told(self, host: str) -> str:
        """What is wrong with a host's component."""
        return " ".join(problem["what"] for problem in self.hosts[host]["problems"])

    def row(self, host: str) -> str:
        """A host's line of the table."""
        return next(line for line in self.output.splitlines() if re.match(rf"{host} +\w+ ", line))


class Stack:
    """Two replicas and a mesh of two."""

    def __init__(self, lab: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, Any] = {
            "lab_subnet": lab["prefix"],
            "alertmanager_extra_args": GOSSIP,
            "prometheus_scrape_interval": "2s",
            "prometheus_scrape_timeout": "1s",
            "prometheus_evaluation_interval": "2s",
            "prometheus_ha_preflight_live": False,
            # A start settles within a second.
            "alertmanager_cluster_gossip_interval": "20ms",
            # Nothing but what runs here, whatever other tests left running on the lab's other hosts.
            "alertmanager_cluster_label": "status",
            "lab_addresses": [lab["addresses"][host] for hosts in GROUPS.values() for host in hosts],
        }
        shutil.copytree(ROOT / "inventory/lab/group_vars", folder / "inventory/group_vars")
        children: dict[str, Any] = {
            group: {"hosts": {host: {"ansible_host": lab["addresses"][host]} for host in hosts}}
            for group, hosts in GROUPS.items()
        }
        children["prometheus"] = {"children": {"eu": {}}}
        (folder / "inventory/hosts.yml").write_text(json.dumps({"all": {"children": children}}))

    def run(self, playbook: str, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / "ansible-playbook"), "-i", str(self.folder / "inventory"), playbook, *options]
        done = subprocess.run(
            [*command, "-e", json.dumps({**self.variables, **more})],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_TIMEOUT": "5"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def site(self, **more: Any) -> None:
        done = self.run("site.yml", **more)
        assert done.returncode == 0, done.stdout + done.stderr

    def status(self, *options: str, **more: Any) -> Ran:
        file = self.folder / "status.json"
        file.unlink(missing_ok=True)
        done = self.run("playbooks/status.yml", *options, prometheus_ha_status_file=str(file), **more)
        assert file.exists(), done.stdout + done.stderr
        status = json.loads(file.read_text())
        hosts = {item["host"]: item for item in status["components"]}
        return Ran(done.returncode, done.stdout + done.stderr, status, hosts)

    def until(self, verdicts: dict[str, str], *options: str, seconds: float = 20.0) -> Ran:
        """The status, once it is so: targets are scraped and members missed only after a while."""
        end = time.monotonic() + seconds
        while True:
            ran = self.status(*options)
            if ran.verdicts() == verdicts and not ran.status["drift"]:
                return ran
            assert time.monotonic() < end, ran.output


def sh(host: str, script: str) -> None:
    """As root on a host."""
    subprocess.run(["docker", "exec", f"pha-{NAME}-{host}", "sh", "-c", script], check=True, timeout=60)


WELL = dict.fromkeys(("eu-1", "eu-2", "am-1", "am-2"), "ok")


@pytest.fixture(scope="module")
def stack(demo_lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(demo_lab, tmp_path_factory.mktemp("status"))
    try:
        made.site()
        yield made
    finally:
        made.site(**ABSENT)


def test_all_that_can_be_wrong(stack: Stack) -> None:
    """One test, since every part needs what the one before it left."""
    well = stack.until(WELL)
    assert well.rc == 0, well.output
    eu, am = well.hosts["eu-1"]["facts"], well.hosts["am-1"]["facts"]
    assert eu["version"] == {"running": "3.5.3", "planned": "3.5.3"}
    assert eu["generation"]["running"] == eu["generation"]["planned"] != ""
    assert am["generation"]["running"] == am["generation"]["planned"] != ""
    assert (eu["targets"]["up"], eu["targets"]["total"]) == (4, 4)
    assert (eu["alertmanagers"]["connected"], eu["alertmanagers"]["wanted"]) == (2, 2)
    assert (am["mesh"]["status"], len(am["mesh"]["peers"])) == ("ready", 2)
    assert eu["unit"]["seconds"] > 0 and eu["retention"] == "15d"
    assert "4 components on 4 hosts: 4 ok." in well.output

    # Changed in the inventory, and not rolled out.
    changed = stack.status("--check", alertmanager_retention="100h", prometheus_evaluation_interval="7s")
    assert changed.rc == 2
    assert set(changed.verdicts().values()) == {"pending"}
    pending = {host: item["facts"]["pending"] for host, item in changed.hosts.items()}
    assert pending == {"eu-1": "reload", "eu-2": "reload", "am-1": "restart", "am-2": "restart"}
    assert "a reload is pending: prometheus.yml differs" in changed.told("eu-1")
    assert changed.hosts["eu-1"]["facts"]["edited"] == []
    assert "runs --data.retention=120h, wanted --data.retention=100h" in changed.told("am-1")

    # Stopped, edited, cut off.
    sh("eu-1", "systemctl stop prometheus")
    sh("eu-2", "echo '# by hand' >> /etc/prometheus/prometheus.yml")
    with cut_off(f"pha-{NAME}-am-2"):
        broken = stack.until({"eu-1": "down", "eu-2": "pending", "am-1": "degraded", "am-2": "degraded"})
    assert broken.rc == 2
    assert "it does not run: systemd says inactive (dead)" in broken.told("eu-1")
    assert "Edited by hand: /etc/prometheus/prometheus.yml" in broken.told("eu-2")
    assert "it sees 1 of 2 members; it does not see am-2." in broken.told("am-1")
    assert "it sees 1 of 2 members; it does not see am-1." in broken.told("am-2")
    assert "not all is well; down: eu-1 (Prometheus); degraded: am-1 (Alertmanager)" in broken.output

    # Its peer is well as soon as nobody's hand is in it; the rest is named as not asked.
    sh("eu-2", "sed -i '/^# by hand$/d' /etc/prometheus/prometheus.yml && systemctl reload-or-restart prometheus")
    down = stack.until({"eu-1": "down", "eu-2": "ok"}, "--limit", "eu")
    assert down.rc == 2
    assert re.match(r"eu-1 +down ", down.row("eu-1")) and re.match(r"eu-2 +ok ", down.row("eu-2"))
    assert "Not part of this run: am-1, am-2." in down.output
