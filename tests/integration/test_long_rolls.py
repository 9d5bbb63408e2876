# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of four and a mesh of five, on hosts in both groups, roll to their end, one at a time."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import Watch

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
LAB = ["--name", "long"]
HOSTS = [f"m-{number}" for number in range(1, 6)]
ADDRESSES = {host: f"172.30.97.{11 + index}" for index, host in enumerate(HOSTS)}


def lab(*args: str) -> str:
    done = subprocess.run([sys.executable, "-m", "lab", *args], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def site(*args: str) -> str:
    command = ["ansible-playbook", "-i", "tests/integration/long/hosts.yml", "site.yml", *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def converged() -> Iterator[str]:
    lab("up", *LAB, "--hosts", ",".join(HOSTS), "--subnet", "172.30.97.0/24", "--fresh")
    try:
        yield site()
    finally:
        lab("down", *LAB)


def processes() -> dict[str, str]:
    """By unit and host what tells one run of its process from the next: the invocation that systemd counts."""
    units = {**{f"{host} prometheus": host for host in HOSTS[:4]}, **{f"{host} alertmanager": host for host in HOSTS}}
    return {
        name: lab("exec", *LAB, host, "--", "systemctl", "show", "-P", "InvocationID", name.split()[1])
        for name, host in units.items()
    }


def changed(output: str) -> set[str]:
    return {match.group(1) for match in re.finditer(r"^(m-\d)\s.*changed=[1-9]", output, re.MULTILINE)}


def test_a_set_of_four_and_a_mesh_of_five_roll_to_their_end(converged: str) -> None:
    assert changed(converged) == set(HOSTS)
    assert not changed(site())
    prometheus = {f"{host} prometheus": (ADDRESSES[host], 9090) for host in HOSTS[:4]}
    alertmanager = {f"{host} alertmanager": (ADDRESSES[host], 9093) for host in HOSTS}
    before = processes()
    with Watch({**prometheus, **alertmanager}) as watch:
        output = site("-e", "prometheus_retention=20d", "-e", "alertmanager_retention=121h")
    assert changed(output) == set(HOSTS)
    waves = output.count("PLAY [Change in waves]")
    assert waves == len(HOSTS)
    for endpoints, title in ((prometheus, "replicas"), (alertmanager, "members")):
        # A quick host's restart fits between two samples; that there was one, its unit's invocation says.
        assert watch.most_down(endpoints) <= 1, f"two {title} were down at once"
    after = processes()
    assert [name for name, invocation in before.items() if after[name] == invocation] == [], "not restarted"
    assert not changed(site("-e", "prometheus_retention=20d", "-e", "alertmanager_retention=121h"))
