# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan in runs of the real ansible-playbook: what it says, what it refuses, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    CASES,
    ROOT,
    Ran,
    local,
    playbook,
    write,
)

PLAN = ROOT / "playbooks" / "plan.yml"
TASK: dict[str, t.Any] = {"baremetal.prometheus_ha.plan": None, "register": "plan"}


def play(folder: Path, *tasks: dict[str, t.Any], **keywords: t.Any) -> list[dict[str, t.Any]]:
    return [{"hosts": "all", "gather_facts": False, "tasks": [TASK, *tasks, write(folder, "plan")], **keywords}]


@pytest.mark.parametrize(
    "case, words",
    [
        (
            "two-sets",
            [
                "eu-1 Prometheus 3.5.3 replica set eu",
                "http://10.0.0.1:9090",
                "http://[2001:db8::3]:9093",
                "mesh default",
            ],
        ),
        ("one-host", ["mon.example Prometheus", "mon.example Alertmanager", "9093/tcp, 9094/tcp, 9094/udp"]),
        ("renamed", ["m-1 Prometheus", "a-1: Alertmanager leaves"]),
    ],
)
def test_accepted(tmp_path: Path, case: str, words: list[str]) -> None:
    ran = playbook(tmp_path, CASES / "accept" / case, PLAN)
    assert ran.rc == 0, ran.words
    for word in words:
        assert word in ran.words
    assert "someone-elses" not in ran.words


def test_everything_that_is_wrong_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    ran = playbook(tmp_path, CASES / "reject" / "everything", PLAN)
    assert ran.rc != 0
    file = CASES / "reject" / "everything" / "hosts.yml"
    for words in (
        f"P01 error host p-2, variable prometheus_replica ({file}:5)",
        f"I01 error host p-3, variable prometheus_rules ({file}:6)",
        "no_such_variable",
        f"I03 error host p-4, variable prometheus_version ({file}:7)",
        "X03 error host both, variable alertmanager_port",
        f"I03 error hosts p-1, p-2, p-3, both, variable prometheus_extra_args ({file}:10)",
        f"error host am-1, variable alertmanager_cluster_advertise_address ({file}:14)",
        "no host was touched",
    ):
        assert words in ran.words


def test_a_wrong_type_is_said_once_for_all_its_hosts(tmp_path: Path) -> None:
    ran = playbook(tmp_path, CASES / "reject" / "types", PLAN)
    assert ran.rc != 0
    assert "has 2 problems" in ran.words
    assert "I02 error hosts p-1, p-2, p-3, variable prometheus_port" in ran.words


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("limited")
    return playbook(folder, CASES / "accept" / "two-sets", play(folder), "--limit", "eu-2")


def test_a_limited_run_plans_for_everybody(limited: Ran) -> None:
    assert limited.rc == 0, limited.words
    assert limited.results["members"] == ["eu-1", "eu-2", "us-1", "us-2", "am-1", "am-2", "am-3"]
    assert limited.results["changed"] is False


def test_a_limit_without_a_planned_host_is_an_error(tmp_path: Path) -> None:
    inventory = {"all": {"hosts": local("web"), "children": {"prometheus": {"hosts": local("p")}}}}
    ran = playbook(tmp_path, inventory, PLAN, "--limit", "web")
    assert ran.rc != 0
    assert "--limit web leaves no host" in ran.words


def test_an_inventory_without_our_groups_is_an_error(tmp_path: Path) -> None:
    ran = playbook(tmp_path, {"webservers": {"hosts": local("web")}}, PLAN)
    assert ran.rc != 0
    assert "no host of the inventory runs anything of this collection" in ran.words
    assert "prometheus_ha_groups" in ran.words


@pytest.mark.parametrize("layer", ["play", "role", "extra"])
def test_what_a_play_a_role_or_the_command_line_say_reaches_the_plan(tmp_path: Path, layer: str) -> None:
    inventory = {"prometheus": {"hosts": local("a", "b")}, "all": {"hosts": local("a", "b", wanted="3.5.2")}}
    value = {"prometheus_version": "{{ wanted }}", "prometheus_retention": "20d"}
    plays = play(tmp_path)
    extra: list[str] = []
    if layer == "play":
        plays[0]["vars"] = value
    elif layer == "role":
        role = tmp_path / "roles" / "asking" / "tasks"
        role.mkdir(parents=True)
        (role / "main.yml").write_text(json.dumps(plays[0].pop("tasks")))
        plays[0]["roles"] = [{"role": "asking", **value}]
    else:
        extra = ["-e", json.dumps(value)]
    ran = playbook(tmp_path, inventory, plays, *extra)
    assert ran.rc == 0, ran.words
    assert ran.results["report"].count("  3.5.2  ") == 2


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"alertmanager_port": 9193, "prometheus_external_labels": {"a": "b"}}, "alertmanager_port, prometheus_ext"),
        ({"prometheus_ha_environment": "x"}, "prometheus_ha_environment"),
        ({"prometheus_state": "absent"}, "prometheus_state"),
    ],
)
def test_what_other_hosts_depend_on_is_for_the_inventory(tmp_path: Path, value: dict[str, t.Any], named: str) -> None:
    plays = play(tmp_path)
    plays[0]["vars"] = value
    ran = playbook(tmp_path, {"prometheus": {"hosts": local("a", "b")}}, plays)
    assert ran.rc != 0
    assert f"a play or role sets {named}" in ran.words
    assert "set it in the inventory" in ran.words


def test_hosts_known_by_their_names_alone_keep_them(tmp_path: Path) -> None:
    """Ansible hands every host without ansible_host its own name as one."""
    names = {name: {"ansible_connection": "local"} for name in ("p-1.example", "p-2.example")}
    ran = playbook(tmp_path, {"prometheus": {"hosts": names}}, play(tmp_path))
    assert ran.rc == 0, ran.words
    assert "http://p-1.example:9090" in ran.results["report"]
    assert "http://p-2.example:9090" in ran.results["report"]


@pytest.mark.parametrize("with_password", [True, False])
def test_a_vaulted_configuration(tmp_path: Path, with_password: bool) -> None:
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    (tmp_path / "secret.yml").write_bytes(vault.encrypt(json.dumps(AM_CONFIG)))
    (tmp_path / "password").write_text("open sesame")
    values = {"alertmanager_config_file": "secret.yml"}
    inventory = {"alertmanager": {"hosts": local("am-1", "am-2", **values)}, "prometheus": {"hosts": local("p")}}
    extra = ["--vault-password-file", str(tmp_path / "password")] if with_password else []
    ran = playbook(tmp_path, inventory, PLAN, *extra)
    assert (ran.rc == 0) is with_password, ran.words
    if not with_password:
        assert "I03 error hosts am-1, am-2, variable alertmanager_config_file" in ran.words
        assert "has 1 problem;" in ran.words


def test_an_undecryptable_value_hits_its_variable_alone_and_shows_nothing(tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    text = vault.encrypt("hunter2-hunter2").decode()
    block = "".join(f"        {line}\n" for line in text.splitlines())
    (tmp_path / "inventory.yml").write_text(
        "alertmanager:\n  hosts: {am-1: {}, am-2: {}}\n  vars:\n    smtp: !vault |\n"
        + block
        + "    alertmanager_config:\n      global: {smtp_auth_password: '{{ smtp }}'}\n"
        + "      route: {receiver: nobody}\n      receivers: [{name: nobody}]\n"
        + "prometheus: {hosts: {p: {}}}\n"
    )
    ran = playbook(tmp_path, tmp_path / "inventory.yml", PLAN)
    assert ran.rc != 0
    assert "has 1 problem;" in ran.words
    assert "I01 error hosts am-1, am-2, variable alertmanager_config" in ran.words
    (tmp_path / "password").write_text("open sesame")
    ran = playbook(
        tmp_path, tmp_path / "inventory.yml", PLAN, "-vvv", "--vault-password-file", str(tmp_path / "password")
    )
    assert ran.rc == 0, ran.words
    assert "hunter2" not in ran.words


def test_the_plan_lies_in_files_for_the_user_alone_and_goes_with_the_run(tmp_path: Path) -> None:
    """Also the leavings of a run that died go, those of one that lives stay."""
    tmp = tmp_path / "tmp"
    dead, alive = tmp / "ansible-local-1dead" / "prometheus_ha", tmp / "ansible-local-2alive" / "prometheus_ha"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        for folder, pid in ((dead, gone.pid), (alive, sleeper.pid)):
            folder.mkdir(parents=True)
            (folder / "run").write_text(str(pid))
        look = "find " + str(tmp) + " -path '*prometheus_ha*' -printf '%m %y %P\\n'"
        shell = {
            "ansible.builtin.command": {"argv": ["sh", "-c", look]},
            "register": "seen",
            "delegate_to": "localhost",
        }
        plays = play(tmp_path, shell)
        plays[0]["tasks"][-1] = write(tmp_path, "seen.stdout_lines")
        inventory = {"prometheus": {"hosts": local("p")}, "all": {"hosts": local("localhost")}}
        ran = playbook(tmp_path, inventory, plays)
    finally:
        sleeper.terminate()
        sleeper.wait()
    assert ran.rc == 0, ran.words
    assert not dead.parent.exists()
    assert alive.exists()
    seen: t.Any = ran.results
    own = [line.split(" ", 2) for line in seen if "2alive" not in line]
    assert {mode for mode, kind, _path in own if kind == "d"} == {"700"}
    slices = [path for _mode, _kind, path in own if path.endswith("p.json")]
    assert slices
    assert {mode for mode, kind, path in own if kind == "f" and not path.endswith("lock")} == {"600"}
    assert [entry.name for entry in tmp.iterdir()] == ["ansible-local-2alive"]


def test_the_plan_is_drawn_into_files(tmp_path: Path) -> None:
    drawn = ["-e", "prometheus_ha_plan_files=topology.html,topology.mmd"]
    ran = playbook(tmp_path, CASES / "accept" / "two-sets", PLAN, "--check", *drawn)
    assert ran.rc == 0, ran.words
    assert "I04" not in ran.words
    assert "eu-1" in (tmp_path / "topology.html").read_text(encoding="utf-8")
    assert (tmp_path / "topology.mmd").read_text(encoding="utf-8").startswith("flowchart")
    assert f"Written: {tmp_path}/topology.html" in ran.words


@pytest.mark.parametrize(
    "path, words",
    [("topology.pdf", "which no drawing has"), ("missing/topology.html", "missing/topology.html can't be written")],
)
def test_a_file_that_can_not_be_drawn(tmp_path: Path, path: str, words: str) -> None:
    ran = playbook(tmp_path, CASES / "accept" / "two-sets", PLAN, "-e", f"prometheus_ha_plan_files={path}")
    assert ran.rc != 0
    assert words in ran.words
    assert "prometheus_ha_plan_files" in ran.words
