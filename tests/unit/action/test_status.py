# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""status.yml by the real ansible-playbook, on hosts that are this machine and whose systemd is played."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.modules.component_info import ARGUMENT_SPEC
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import for_host
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    ROOT,
    Ran,
    good,
    hosts,
    local,
    playbook,
    slice_of,
)

STATUS = ROOT / "playbooks" / "status.yml"
SYSTEMCTL = """#!/bin/sh
echo "LoadState=not-found"
echo "ActiveState=inactive"
echo "SubState=dead"
"""


def run(folder: Path, *extra: str, lost: t.Mapping[str, t.Any] | None = None, **values: t.Any) -> Ran:
    """Two replicas and two members.

    :param lost: variables of the host eu-2.
    """
    tools = folder / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text(SYSTEMCTL)
    (tools / "systemctl").chmod(0o755)
    secret = {**AM_CONFIG, "global": {"smtp_auth_password": "hunter2-hunter2"}}
    ports = {"prometheus_port": 39590, "alertmanager_port": 39593, "alertmanager_cluster_port": 39594}
    common = {**ports, "ansible_become": False, "alertmanager_config": secret, **values}
    common["prometheus_ha_address"] = "192.0.2.{{ groups['all'].index(inventory_hostname) + 1 }}"
    replicas = local("eu-1", "eu-2", **common)
    replicas["eu-2"].update(lost or {})
    inventory = {"prometheus": {"hosts": replicas}, "alertmanager": {"hosts": local("am-1", "am-2", **common)}}
    return playbook(folder, inventory, STATUS, *extra, environment={"PATH": f"{tools}:{os.environ['PATH']}"})


@pytest.mark.parametrize("extra", [(), ("--check", "-vvv")])
def test_hosts_that_were_never_rolled_out(tmp_path: Path, extra: tuple[str, ...]) -> None:
    file = tmp_path / "x.json"
    ran = run(tmp_path, "-e", f"prometheus_ha_status_file={file}", *extra)
    assert ran.rc == 2
    assert "eu-1, Prometheus: it was not rolled out yet. Do: run baremetal.prometheus_ha.site." in ran.words
    assert "4 components on 4 hosts: 4 pending." in ran.lines
    assert (
        "not all is well; pending: eu-1 (Prometheus), eu-2 (Prometheus), am-1 (Alertmanager), am-2 (Alertmanager)"
        in ran.words
    )
    data = json.loads(file.read_text())
    assert [item["facts"]["pending"] for item in data["components"]] == ["start"] * 4
    assert "hunter2" not in ran.words + file.read_text()


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (
            {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
            "eu-2: it can't be reached: ",
        ),
        (
            {"ansible_python_interpreter": "/nowhere/python"},
            "eu-2: it could not be looked at: host eu-2, variable ansible_python_interpreter: there is no usable",
        ),
    ],
    ids=["unreachable", "no python"],
)
def test_a_host_that_is_lost_is_a_line(tmp_path: Path, lost: dict[str, t.Any], words: str) -> None:
    ran = run(tmp_path, lost=lost)
    assert ran.rc == 2
    assert words in ran.words
    assert "4 components on 4 hosts: 3 pending, 1 unknown." in ran.lines
    assert next(line for line in ran.lines if line.startswith("eu-2  ")).split()[1] == "unknown"


def test_all_hosts_lost(tmp_path: Path) -> None:
    ran = run(tmp_path, "-e", json.dumps({"ansible_python_interpreter": "/nowhere/python"}))
    assert ran.rc == 2
    assert "4 components on 4 hosts: 4 unknown." in ran.lines


def test_a_part_of_the_hosts(tmp_path: Path) -> None:
    ran = run(tmp_path, "--limit", "eu-1")
    assert ran.rc == 2
    assert "Not part of this run: eu-2, am-1, am-2." in ran.lines
    assert "1 components on 1 hosts: 1 pending." in ran.lines


def test_staged_on_purpose_is_well(tmp_path: Path) -> None:
    ran = run(tmp_path, prometheus_state="staged", alertmanager_state="staged")
    assert ran.rc == 0, ran.words
    assert "4 components on 4 hosts: 4 ok." in ran.lines


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    ran = run(tmp_path, "-e", "prometheus_ha_status_file=/nowhere/x.json")
    assert ran.rc == 2
    assert "variable prometheus_ha_status_file" in ran.words or "prometheus_ha_status_file: " in ran.words
    assert "4 components on 4 hosts: 4 pending." in ran.lines


def test_the_module_gets_what_it_knows_and_no_more() -> None:
    found = good(hosts("a", groups=["prometheus", "alertmanager"], alertmanager_config=AM_CONFIG))
    for name in ("prometheus", "alertmanager"):
        item = {**slice_of(found, "a", name), "origins": {}}
        assert for_host(item, "cohort", "back_to").keys() == ARGUMENT_SPEC["plan"]["options"].keys()


def test_the_module_without_a_plan() -> None:
    failed = support_config.run_module("component_info", {})
    assert failed["failed"] and "there is no plan. Do: " in failed["msg"]
