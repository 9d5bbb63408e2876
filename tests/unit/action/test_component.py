# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that hands a host its slice: in real runs in check mode, on hosts whose systemd is played."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.modules.component import ARGUMENT_SPEC
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import for_host
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    good,
    hosts,
    local,
    playbook,
    slice_of,
    write,
)

SYSTEMCTL = """#!/bin/sh
echo "LoadState=not-found"
echo "ActiveState=inactive"
"""
# Ports that nothing else on this machine listens on.
PORTS = {"prometheus_port": 39490, "alertmanager_port": 39493, "alertmanager_cluster_port": 39494}
CONFIG = {**AM_CONFIG, "global": {"smtp_auth_password": "hunter2-hunter2"}}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tools")
    (folder / "systemctl").write_text(SYSTEMCTL)
    (folder / "systemctl").chmod(0o755)
    return folder


def inventory() -> dict[str, t.Any]:
    values = {**PORTS, "alertmanager_config": CONFIG, "prometheus_ha_release_source": "/nowhere"}
    values["prometheus_ha_address"] = "192.0.2.{{ groups['all'].index(inventory_hostname) + 1 }}"
    values["prometheus_rules"] = [{"name": "long", "rules": []}]
    return {
        "prometheus": {"hosts": local("eu-1", "eu-2", "both", **values)},
        "alertmanager": {"hosts": local("am-1", "both", **values)},
        "others": {"hosts": local("web")},
    }


def run(folder: Path, tools: Path, tasks: list[dict[str, t.Any]], *extra: str, targets: str = "all:!web") -> t.Any:
    path = f"{tools}:{os.environ['PATH']}"
    plays = [{"hosts": targets, "gather_facts": False, "environment": {"PATH": path}, "tasks": tasks}]
    return playbook(folder, inventory(), plays, *extra)


def stage(**args: t.Any) -> dict[str, t.Any]:
    return {"baremetal.prometheus_ha.component": {"state": "staged", **args}, "register": "staged"}


WAVES = "query('baremetal.prometheus_ha.waves', 'start')"


def test_check_mode_on_fresh_hosts(tmp_path: Path, tools: Path) -> None:
    """No secret and no slice in the result, and what is pending reaches the lookup."""
    would = {"baremetal.prometheus_ha.component": None}
    ran = run(
        tmp_path, tools, [stage(), {"ansible.builtin.debug": {"var": "staged"}}, would], "--check", "-vvv", "--diff"
    )
    assert ran.rc == 0, ran.words
    assert "+++ after: /etc/alertmanager/alertmanager.yml" in ran.words
    assert "smtp_auth_password: ********" in ran.words
    assert "hunter2" not in ran.words


def test_what_is_staged_is_pending_in_the_same_run(tmp_path: Path, tools: Path) -> None:
    expression = "{'waves': " + WAVES + ", 'staged': hostvars['both'].staged}"
    task = write(tmp_path, expression)
    ran = run(tmp_path, tools, [stage(), {**task, "check_mode": False}], "--check")
    assert ran.rc == 0, ran.words
    assert sorted(ran.results["waves"][0]) == ["am-1", "both", "eu-1", "eu-2"]
    staged = ran.results["staged"]
    assert staged["changed"] is True
    assert staged["components"].keys() == {"prometheus", "alertmanager"}
    assert {part["pending"] for part in staged["components"].values()} == {"start"}
    assert "invocation" not in staged


def test_one_component(tmp_path: Path, tools: Path) -> None:
    task = write(tmp_path, "hostvars['both'].staged.components | list")
    ran = run(
        tmp_path, tools, [stage(name="alertmanager"), {**task, "check_mode": False}], "--check", "--limit", "both"
    )
    assert ran.rc == 0, ran.words
    assert ran.results == ["alertmanager"]


@pytest.mark.parametrize(
    "args, targets, words",
    [
        ({"name": "alertmanager"}, "eu-1", "host eu-1: the plan has no alertmanager for this host"),
        ({}, "web", "host web: the plan has nothing for this host"),
        ({"plan": [{"name": "prometheus"}]}, "eu-1", "host eu-1: plan[0] lacks release, config"),
        (
            {"plan": [{"name": "prometheus", "release": {"name": "x"}, "config": {"root": "/x"}}]},
            "eu-1",
            "missing required arguments: service",
        ),
    ],
)
def test_refused(tmp_path: Path, tools: Path, args: dict[str, t.Any], targets: str, words: str) -> None:
    ran = run(tmp_path, tools, [stage(**args)], "--check", targets=targets)
    assert ran.rc != 0
    assert words in ran.words


def test_an_address_to_advertise_that_nobody_can_know(tmp_path: Path, tools: Path) -> None:
    names = json.dumps({"prometheus_ha_address": "{{ inventory_hostname }}.invalid"})
    ran = run(tmp_path, tools, [stage()], "--check", "-e", names, targets="am-1")
    assert ran.rc != 0
    assert "host am-1, variable alertmanager_cluster_advertise_address: " in ran.words
    assert "this host knows no way to both.invalid" in ran.words


def test_a_problem_of_the_inventory_stops_every_host(tmp_path: Path, tools: Path) -> None:
    ran = run(tmp_path, tools, [stage()], "--check", "-e", "prometheus_version=latest")
    assert ran.rc != 0
    assert "variable prometheus_version" in ran.words
    assert "ok=0" in ran.words
    assert "ok=1" not in ran.words


def test_a_host_that_fails_stops_what_would_be_activated(tmp_path: Path, tools: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bad" / "systemctl").chmod(0o755)
    broken = {**stage(), "environment": {"PATH": "{{ bad if inventory_hostname == 'eu-2' else good }}"}}
    variables = {"bad": f"{tmp_path}/bad:{os.environ['PATH']}", "good": f"{tools}:{os.environ['PATH']}"}
    plays = [
        {"hosts": "all:!web", "gather_facts": False, "vars": variables, "tasks": [broken]},
        {"hosts": "{{ " + WAVES + " | flatten }}", "gather_facts": False, "tasks": []},
    ]
    ran = playbook(tmp_path, inventory(), plays, "--check")
    assert ran.rc != 0
    assert "host eu-2: " in ran.words
    assert "systemd does not answer" in ran.words
    assert "eu-2 failed or could not be reached earlier in this run" in ran.words


def test_a_role_needs_hosts_that_go_in_step(tmp_path: Path, tools: Path) -> None:
    role = {"ansible.builtin.import_role": {"name": "baremetal.prometheus_ha.prometheus"}}
    path = f"{tools}:{os.environ['PATH']}"
    play = {"hosts": "eu-1:eu-2", "strategy": "free", "gather_facts": False, "environment": {"PATH": path}}
    ran = playbook(tmp_path, inventory(), [{**play, "tasks": [role]}], "--check")
    assert ran.rc != 0
    assert "the play's strategy is free; the roles' waves need hosts that go in step" in ran.words


def test_the_module_gets_what_it_knows_and_no_more() -> None:
    found = good(hosts("a", groups=["prometheus", "alertmanager"], alertmanager_config=CONFIG))
    for name in ("prometheus", "alertmanager"):
        item = {**slice_of(found, "a", name), "origins": {}}
        sent = for_host(item, "expect")
        # Only what leaves has the last.
        assert sent.keys() | {"uploads"} == ARGUMENT_SPEC["plan"]["options"].keys()
        assert all("source" not in file for file in sent["config"]["files"])
        assert sent["config"]["files"][0]["masked"] is True


def test_one_that_leaves_is_handed_over_too() -> None:
    found = good(hosts("a", groups=["prometheus"], prometheus_state="absent"))
    assert for_host(slice_of(found, "a"), "expect").keys() <= ARGUMENT_SPEC["plan"]["options"].keys()
