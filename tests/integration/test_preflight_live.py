# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live preflight on real hosts: before anything runs, at the first start, and on what serves.

Firewalls are iptables rules in the hosts' own network namespaces; a wrong clock is Debian's libfaketime under a host's
Python, so only Ansible sees it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab import debian

ROOT = Path(__file__).resolve().parents[2]
LAB = ["--name", "live"]
ADDRESSES = {f"{name}": f"172.30.95.{11 + index}" for index, name in enumerate(("a-1", "a-2", "a-3", "p-1", "p-2"))}
FAKETIME = "pool/main/f/faketime/libfaketime_0.9.10-2.1_amd64.deb"
FAKETIME_SHA256 = "b09481e7690680966005330c3f907bba4b5eefc35e1faaea4783cc55655d1150"
PROMETHEUS_3 = {
    "prometheus_version": "3.5.3",
    "prometheus_checksum": "bd5b743598efa5b92c7e3a0fd03d8a2e7ec6fcee22c677bcd72efe541504e875",
}
CONSENT = {"prometheus_ha_preflight_ignore": [{"id": "P10", "reason": "a snapshot of the data is kept"}]}


class Run(NamedTuple):
    """One run; findings and notes are those of its report."""

    rc: int
    output: str
    findings: list[dict[str, Any]]
    notes: list[str]

    def told(self) -> set[str]:
        return {f"{one['id']} {one['where'].partition(' (')[0]}" for one in self.findings if not one["ignored"]}

    def what(self, rule: str, where: str) -> str:
        (found,) = [one["what"] for one in self.findings if one["id"] == rule and one["where"].startswith(where)]
        return str(found)


def lab(*args: str) -> None:
    done = subprocess.run([sys.executable, "-m", "lab", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run(playbook: str, *args: str, variables: dict[str, Any] | None = None, overlay: Any = None) -> Run:
    """Run a playbook.

    :param overlay: a second inventory, over the first.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        extra = {"prometheus_ha_preflight_report": str(report), **(variables or {})}
        inventories = ["-i", "tests/integration/live/hosts.yml"]
        if overlay:
            (Path(folder) / "overlay.json").write_text(json.dumps(overlay))
            inventories += ["-i", str(Path(folder) / "overlay.json")]
        command = ["ansible-playbook", *inventories, playbook, "-e", json.dumps(extra), *args]
        environment = {**os.environ, "ANSIBLE_TIMEOUT": "5", "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        data = json.loads(report.read_text()) if report.exists() else {"findings": [], "notes": []}
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    return Run(done.returncode, output, data["findings"], data["notes"])


def preflight(*args: str, variables: dict[str, Any] | None = None, overlay: Any = None) -> Run:
    live = {"prometheus_ha_preflight_live": True, **(variables or {})}
    return run("playbooks/preflight.yml", *args, variables=live, overlay=overlay)


def sh(host: str, script: str) -> str:
    command = ["docker", "exec", f"pha-live-{host}", "sh", "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@contextlib.contextmanager
def firewall(host: str, *rules: str) -> Iterator[None]:
    """Rules of iptables in a host's network namespace, in which there is no iptables of its own."""
    inspect = ["docker", "inspect", "--format", "{{.State.Pid}}", f"pha-live-{host}"]
    pid = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()
    inside = ["nsenter", "--target", pid, "--net", "iptables"]
    for rule in rules:
        subprocess.run([*inside, "-A", "INPUT", *rule.split()], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([*inside, "-F", "INPUT"], check=True, capture_output=True)


NO_GOSSIP = "-p udp --dport 9094 -j DROP"


def listening(host: str) -> dict[str, str]:
    """Who listens on the host's ports of ours: port/protocol to program."""
    found = {}
    for line in sh(host, "ss -Hlntup").splitlines():
        fields = line.split()
        port = fields[4].rpartition(":")[2]
        if port in ("9090", "9093", "9094"):
            match = re.search(r'\(\("([^"]+)"', line)
            found[f"{port}/{fields[0]}"] = match.group(1) if match else "?"
    return found


def left_behind() -> list[str]:
    """Listeners of the preflight, on any host: processes, ports, sockets."""
    found = []
    for host in ADDRESSES:
        sockets = sh(host, "grep -c @prometheus_ha_preflight_ /proc/net/unix || true").strip()
        ours = {port: program for port, program in listening(host).items() if program.startswith("python")}
        if sockets != "0" or ours:
            found.append(f"{host}: {sockets} sockets, {ours}")
    return found


@pytest.fixture(scope="module", autouse=True)
def _hosts() -> Iterator[None]:
    lab("up", *LAB, "--hosts", ",".join(ADDRESSES), "--subnet", "172.30.95.0/24", "--fresh")
    try:
        yield
    finally:
        lab("down", *LAB)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """After each of these tests."""
    yield
    assert left_behind() == []


# -- before anything runs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--forks", "1"), ("--check",)], ids=["at once", "one after another", "check"])
def test_hosts_on_which_nothing_runs_yet(options: tuple[str, ...]) -> None:
    found = preflight(*options)
    assert found.rc == 0, found.output
    assert (found.told(), found.notes) == (set(), [])
    assert "5 hosts looked at; of the ways between them 12 open, 0 not, 0 not tried: 0 errors" in found.output
    assert "changed=1" not in found.output


def test_every_problem_of_all_hosts_at_once() -> None:
    """Gossip blocked to one, TCP one way, a stranger's port, a small filesystem in memory, and a wrong clock."""
    late_python(host="p-2", shift="+90s")
    sh("a-1", "systemd-run --unit=squatter --uid=65534 --working-directory=/tmp python3 -m http.server 9093")
    sh("p-1", "mkdir -p /var/lib/prometheus && mount -t tmpfs -o size=64m tmpfs /var/lib/prometheus")
    overlay = {"all": {"hosts": {"p-2": {"ansible_python_interpreter": "/opt/late/python"}}}}
    try:
        with firewall("a-2", NO_GOSSIP), firewall("a-3", f"-p tcp --dport 9094 -s {ADDRESSES['a-1']} -j DROP"):
            found = preflight(variables={"prometheus_retention_size": "60MB"}, overlay=overlay)
    finally:
        sh("p-1", "umount /var/lib/prometheus && rmdir /var/lib/prometheus")
        sh("a-1", "systemctl stop squatter")
    assert found.rc != 0
    assert found.told() == {
        "A04 host a-2, variable alertmanager_cluster_port",
        "A04 host a-3, variable alertmanager_cluster_port",
        "H01 host a-1, variable alertmanager_port",
        "P12 host p-1, variable prometheus_data_dir",
        "P12 host p-1, variable prometheus_retention_size",
        "X01 host p-2",
        "X04 host a-1, variable alertmanager_port",
    }
    assert "nothing comes through from a-1, a-3 to a-2 by UDP on 172.30.95.12:9094" in found.what("A04", "host a-2")
    assert "nothing comes through from a-1 to a-3 by TCP on 172.30.95.13:9094" in found.what("A04", "host a-3")
    assert re.search(r"tcp/9093 is in use by pid \d+ \(python3\) of squatter.service", found.what("H01", "host a-1"))
    assert "lies on tmpfs (tmpfs on /var/lib/prometheus), which is kept in memory" in found.what(
        "P12", "host p-1, variable prometheus_data_dir"
    )
    assert "60MB is 94% of the filesystem of /var/lib/prometheus" in found.what(
        "P12", "host p-1, variable prometheus_retention_size"
    )
    match = re.search(r"the clock of p-2 is ([\d.]+) s ahead of p-1's \(to within ([\d.]+) s\)", found.output)
    assert match, found.output
    assert abs(float(match.group(1)) - 90) <= float(match.group(2)) + 0.1 < 1
    unproved = found.what("X04", "host a-1, variable alertmanager_port")
    assert "p-1, p-2 to a-1" in unproved or all(f"{name} -> a-1" in unproved for name in ("p-1", "p-2")), unproved


def late_python(host: str, shift: str) -> None:
    """A Python on the host that sees another time: Debian's libfaketime, which the lab's hosts do not have."""
    package = debian.download(FAKETIME, FAKETIME_SHA256)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "--extract", str(package), folder], check=True)
        library = Path(folder) / "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
        sh(host, "mkdir -p /opt/late")
        subprocess.run(["docker", "cp", str(library), f"pha-live-{host}:/opt/late/libfaketime.so.1"], check=True)
    wrapper = f'#!/bin/sh\nLD_PRELOAD=/opt/late/libfaketime.so.1 FAKETIME={shift} exec /usr/bin/python3 "$@"\n'
    sh(host, f"cat > /opt/late/python <<'END'\n{wrapper}END\nchmod 755 /opt/late/python")


def test_a_limited_run_says_what_it_can_not_prove() -> None:
    with firewall("a-2", NO_GOSSIP):
        found = preflight("--limit", "a-1,p-1")
    assert found.rc == 0, found.output
    assert "2 hosts looked at; of the ways between them 1 open, 0 not, 7 not tried" in found.output
    assert any(
        line.startswith("not proved, a-2 was not asked: outside --limit, or nothing starts there: a-1 -> a-2")
        for line in found.notes
    )


def test_a_host_that_is_not_reached() -> None:
    with firewall("a-3", "-p tcp --dport 22 -j REJECT --reject-with tcp-reset"):
        found = preflight()
    assert found.rc != 0
    assert found.told() == {"H02 host a-3"}
    assert "UNREACHABLE" in found.output
    assert any(line.startswith("not proved, a-3 did not answer: ") for line in found.notes), found.notes


def test_a_run_that_was_cut_off_is_no_hindrance_to_the_next(tmp_path: Path) -> None:
    task = {"baremetal.prometheus_ha.preflight_host": {"step": "look"}}
    play = {"hosts": "all", "gather_facts": False, "become": True, "tasks": [task]}
    (tmp_path / "look.json").write_text(json.dumps([play]))
    assert run(str(tmp_path / "look.json")).rc == 0
    assert len(left_behind()) == 3  # the members'; no one dials a Prometheus
    owners = sh("a-1", "ps -o user= -p $(ss -Hlntp sport = :9094 | sed 's/.*pid=//; s/,.*//')")
    assert owners.strip() == "nobody"
    found = preflight()
    assert found.rc == 0, found.output


# -- the first start, and what serves ----------------------------------------------------------------------------------


def active() -> dict[str, str]:
    units = "systemctl is-active alertmanager prometheus || true"
    return {host: "active" if "active\n" in sh(host, units).replace("inactive", "-") else "-" for host in ADDRESSES}


def test_the_first_start_waits_until_gossip_can_flow() -> None:
    with firewall("a-2", NO_GOSSIP):
        found = run("site.yml")
    assert found.rc != 0
    assert "nothing comes through from a-1, a-3 to a-2 by UDP" in found.output
    assert set(active().values()) == {"-"}
    assert left_behind() == []
    assert all(listening(host) == {} for host in ADDRESSES)


def test_a_rollout_that_was_killed_while_it_looked_is_run_again_at_once() -> None:
    """What it left on the ports of a member, whom nobody could say goodbye, is no hindrance to the next."""
    command = ["ansible-playbook", "-i", "tests/integration/live/hosts.yml", "site.yml"]
    command += ["-e", "prometheus_ha_preflight_listen=300"]
    with firewall("a-1", "-p tcp --dport 9094 -j DROP"):
        killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert killed.stdout
        seen = any("TASK [Prove the way to each peer]" in line for line in killed.stdout)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    assert seen
    assert left_behind()[0].startswith("a-1: ")
    found = run("site.yml")
    assert found.rc == 0, found.output
    assert set(active().values()) == {"active"}
    again = run("site.yml")
    assert again.rc == 0, again.output
    assert "TASK [Look at the host" not in again.output


def test_what_serves_is_proved_by_itself() -> None:
    found = preflight(variables={"alertmanager_cluster_label": "another, which does not run yet"})
    assert found.rc == 0, found.output
    assert "of the ways between them 12 open, 0 not, 0 not tried" in found.output
    gossip = {"9093/tcp": "alertmanager", "9094/tcp": "alertmanager", "9094/udp": "alertmanager"}
    assert listening("a-1") == gossip
    with firewall("a-2", NO_GOSSIP):
        found = preflight()
    assert found.told() == {"A04 host a-2, variable alertmanager_cluster_port"}


def test_prometheus_3_needs_consent() -> None:
    found = run("site.yml", variables=PROMETHEUS_3)
    assert found.rc != 0
    assert found.told() == {"P10 hosts p-1, p-2, variable prometheus_version"}
    assert "prometheus/2.53.3/bin/prometheus" in sh("p-1", "systemctl show --property=ExecStart prometheus")
    assert set(active().values()) == {"active"}
    found = preflight(variables={**PROMETHEUS_3, **CONSENT})
    assert found.rc == 0, found.output
    assert "Ignored: a snapshot of the data is kept" in found.output
