# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight in runs of the real ansible-playbook: what it prints, how it ends, and what it writes."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

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

PREFLIGHT = ROOT / "playbooks" / "preflight.yml"
SITE = ROOT / "playbooks" / "site.yml"
PLAN = ROOT / "playbooks" / "plan.yml"
FINDING = re.compile(r"[A-Z]\d\d (error|warning) \S")


def inventory(**common: t.Any) -> dict[str, t.Any]:
    """A pair and a mesh of two, on hosts of their own that nobody reaches; nothing is wrong with them."""
    names = ("p-1", "p-2", "a-1", "a-2")
    hosts = {
        name: {"prometheus_ha_failure_domain": f"rack-{name[-1]}", "ansible_host": f"192.0.2.{number}"}
        for number, name in enumerate(names, 1)
    }
    return {
        "all": {"vars": common},
        "prometheus": {"hosts": {name: hosts[name] for name in names[:2]}},
        "alertmanager": {
            "hosts": {name: hosts[name] for name in names[2:]},
            "vars": {"alertmanager_config": AM_CONFIG},
        },
    }


def entry(rule: str, reason: str = "it is meant", **more: t.Any) -> dict[str, t.Any]:
    return {"id": rule, "reason": reason, **more}


def found(ran: Ran) -> list[str]:
    """The findings on stdout, each a whole line."""
    return [line for line in ran.lines if FINDING.match(line)]


def last(ran: Ran) -> str:
    return next(line for line in ran.lines if re.match(r"\d+ hosts?[,:]", line))


# -- what is printed ---------------------------------------------------------------------------------------------------


def test_a_sound_inventory(tmp_path: Path) -> None:
    ran = playbook(tmp_path, inventory(), PREFLIGHT)
    assert ran.rc == 0, ran.words
    assert found(ran) == []
    assert last(ran) == "4 hosts, 1 replica set, 1 mesh: 0 errors, 0 warnings, 0 ignored."
    assert "WARNING" not in ran.words


def test_every_finding_is_a_line_errors_first_then_warnings_then_what_is_ignored(tmp_path: Path) -> None:
    bad = inventory(
        prometheus_replica="one",
        prometheus_verson="3.5.3",
        prometheus_ha_preflight_ignore=[entry("P01", hosts=["p-2"]), entry("X03")],
    )
    bad["prometheus"]["hosts"]["p-1"]["prometheus_port"] = "many"
    bad["prometheus"]["hosts"]["p-1"]["prometheus_retention"] = "{{ no_such_variable }}"
    ran = playbook(tmp_path, bad, PREFLIGHT)
    assert ran.rc == 2, ran.words
    lines = found(ran)
    kinds = ["ignored" if " Ignored: " in line else line.split()[1] for line in lines]
    assert kinds == sorted(kinds, key=["error", "warning", "ignored"].index)
    assert set(kinds) == {"error", "warning", "ignored"}
    assert all(" Do: " in line for line in lines)
    for words in (
        "I01 error host p-1, variable prometheus_retention (",
        "I02 error host p-1, variable prometheus_port (",
        "I04 warning hosts p-1, p-2, a-1, a-2, variable prometheus_verson (",
        "P01 error host p-2, variable prometheus_replica (",
    ):
        assert [line for line in lines if line.startswith(words)], words
    counts = {kind: kinds.count(kind) for kind in kinds}
    errors, warnings, ignored = counts["error"], counts["warning"], counts["ignored"]
    assert last(ran).endswith(f": {errors} errors, {warnings} warning{'s' * (warnings > 1)}, {ignored} ignored.")
    assert ran.lines.index(last(ran)) > ran.lines.index(lines[-1])
    assert f"the inventory has {errors} problems; no host was touched" in ran.words


def test_the_whole_inventory_is_checked_also_with_limit(tmp_path: Path) -> None:
    bad = inventory()
    bad["prometheus"]["hosts"]["p-2"]["prometheus_replica"] = "p-1"
    ran = playbook(tmp_path, bad, PREFLIGHT, "--limit", "a-1")
    assert ran.rc == 2, ran.words
    assert [line.split(",")[0] for line in found(ran)] == ["P01 error host p-2"]
    assert last(ran).startswith("4 hosts, 1 replica set, 1 mesh: 1 error, ")


def test_a_host_of_others_is_fine(tmp_path: Path) -> None:
    mixed = inventory()
    mixed["web"] = {"hosts": {"web-1": {"web_port": 80}}}
    ran = playbook(tmp_path, mixed, PREFLIGHT)
    assert ran.rc == 0, ran.words
    assert last(ran).startswith("4 hosts, ")


def test_check_mode_is_no_different(tmp_path: Path) -> None:
    ran = playbook(tmp_path, inventory(prometheus_replica="one"), PREFLIGHT, "--check")
    assert ran.rc == 2
    assert found(ran)


NOTE = "Checked and drawn; this version has no role that rolls out Grafana: host g-1."


@pytest.mark.parametrize("book", [PREFLIGHT, PLAN], ids=["preflight", "plan"])
def test_a_component_without_a_role_is_noted_and_no_finding(tmp_path: Path, book: Path) -> None:
    more = inventory()
    more["grafana"] = {"hosts": {"g-1": {"ansible_host": "192.0.2.9"}}}
    ran = playbook(tmp_path, more, book)
    assert ran.rc == 0, ran.words
    assert ran.words.count(NOTE) == 1
    assert [line for line in found(ran) if "Grafana" in line] == []


def test_a_run_that_would_roll_out_nothing_is_an_error(tmp_path: Path) -> None:
    ran = playbook(tmp_path, {"grafana": {"hosts": {"g-1": {}}}}, SITE)
    assert ran.rc == 2
    assert NOTE in ran.words
    assert "this version rolls out nothing of what the inventory has" in ran.words


# -- nothing to check --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("book", [PREFLIGHT, SITE], ids=["preflight", "site"])
@pytest.mark.parametrize(
    "given, words",
    [
        pytest.param({"all": {}}, "the inventory has no host", id="no host"),
        pytest.param({"prometheus": {"hosts": {}}}, "the inventory has no host", id="an empty group"),
        pytest.param(
            {"web": {"hosts": {"w": {}}}, "prometheus": {}},
            "no host of the inventory runs anything of this collection",
            id="our groups are empty",
        ),
    ],
)
def test_an_inventory_without_anything_to_check(tmp_path: Path, book: Path, given: t.Any, words: str) -> None:
    ran = playbook(tmp_path, given, book)
    assert ran.rc != 0
    assert words in ran.words
    assert "Do: " in ran.words


@pytest.mark.parametrize(
    "limit, words",
    [("nobody", "leaves us with no hosts"), ("web-1", "--limit web-1 leaves no host that runs anything")],
)
def test_a_limit_that_leaves_nothing(tmp_path: Path, limit: str, words: str) -> None:
    mixed = inventory()
    mixed["web"] = {"hosts": {"web-1": {}}}
    ran = playbook(tmp_path, mixed, PREFLIGHT, "--limit", limit)
    assert ran.rc != 0
    assert words in ran.words


# -- warnings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_stop_under_strict(tmp_path: Path, strict: bool) -> None:
    ran = playbook(
        tmp_path, inventory(prometheus_verson="3"), PREFLIGHT, *(["-e", "prometheus_ha_strict=true"] * strict)
    )
    (line,) = found(ran)
    assert line.startswith(f"I04 {'error' if strict else 'warning'} hosts p-1, ")
    assert (ran.rc != 0) is strict


def test_an_ignore_from_the_command_line(tmp_path: Path) -> None:
    extra = json.dumps({"prometheus_ha_preflight_ignore": [entry("P01")]})
    ran = playbook(tmp_path, inventory(prometheus_replica="one"), PREFLIGHT, "-e", extra)
    assert ran.rc == 0, ran.words
    assert [line.endswith(" Ignored: it is meant") for line in found(ran)] == [True]
    assert last(ran).endswith(" 0 errors, 0 warnings, 1 ignored.")


def test_a_run_tells_its_warnings_once_however_many_hosts_and_tasks_it_has(tmp_path: Path) -> None:
    plays = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {"baremetal.prometheus_ha.plan": None, "register": "plan"},
                {"baremetal.prometheus_ha.component": {"state": "staged"}, "ignore_errors": True},
                write(tmp_path, "plan"),
            ],
        }
    ]
    hosts = {"prometheus": {"hosts": local("a", "b", prometheus_verson="3", prometheus_version="9.9.9")}}
    ran = playbook(tmp_path, hosts, plays)
    assert ran.rc == 0, ran.words
    assert ran.words.count("I04 warning hosts a, b, variable prometheus_verson") == 1
    assert not found(ran)  # on stderr, as Ansible's own warnings are
    assert ran.results["members"] == ["a", "b"]


@pytest.mark.parametrize("book", [SITE, PLAN], ids=["site", "plan"])
def test_other_playbooks_stop_at_the_same_errors_before_a_host_is_touched(tmp_path: Path, book: Path) -> None:
    ran = playbook(tmp_path, inventory(prometheus_replica="one", prometheus_verson="3"), book)
    assert ran.rc == 2
    assert ran.words.count("P01 error host p-2, variable prometheus_replica (") == 1
    assert [line[:9] for line in found(ran)] == ["P01 error"]
    assert ran.words.count("I04 warning hosts p-1, p-2, a-1, a-2, variable prometheus_verson (") == 1
    assert "the inventory has 1 problem; no host was touched" in ran.words
    assert "UNREACHABLE" not in ran.words


# -- reports -----------------------------------------------------------------------------------------------------------


def test_a_report_lies_where_the_run_was_started_also_when_the_check_fails(tmp_path: Path) -> None:
    given = {"prometheus_ha_preflight_report": "found.json", "prometheus_ha_preflight_ignore": [entry("X03")]}
    inventory_file = CASES / "reject" / "everything" / "hosts.yml"
    ran = playbook(tmp_path, inventory_file, PREFLIGHT, "-e", json.dumps(given))
    assert ran.rc == 2, ran.words
    data = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert data["summary"]["hosts"] == 6
    assert (data["summary"]["passed"], data["summary"]["ignored"]) == (False, 1)
    told = {finding["id"]: finding for finding in data["findings"]}
    assert told["X03"]["ignored"] == "it is meant"
    assert (told["P01"]["hosts"], told["P01"]["variable"]) == (["p-2"], "prometheus_replica")
    assert (told["P01"]["file"], told["P01"]["line"]) == (str(inventory_file), 5)
    assert len(data["findings"]) == len(found(ran))


@pytest.mark.parametrize("name, form", [("found.sarif", None), ("found.txt", "sarif"), ("found.xml", None)])
def test_other_forms(tmp_path: Path, name: str, form: str | None) -> None:
    values = {
        "prometheus_ha_preflight_report": name,
        **({"prometheus_ha_preflight_report_format": form} if form else {}),
    }
    ran = playbook(tmp_path, inventory(prometheus_replica="one"), PREFLIGHT, "-e", json.dumps(values))
    assert ran.rc == 2, ran.words
    text = (tmp_path / name).read_text(encoding="utf-8")
    if name.endswith(".xml"):
        assert ElementTree.fromstring(text).attrib["failures"] == "1"
    else:
        (result,) = json.loads(text)["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "hosts.yml"


@pytest.mark.parametrize(
    "name, form, words", [("none/found.json", "json", "can't be written"), ("x", "yaml", "one of: json, sarif, junit")]
)
def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path, name: str, form: str, words: str) -> None:
    values = {"prometheus_ha_preflight_report": name, "prometheus_ha_preflight_report_format": form}
    ran = playbook(tmp_path, inventory(), PREFLIGHT, "-e", json.dumps(values))
    assert ran.rc == 2
    assert words in ran.words


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_what_came_encrypted_is_in_no_output(tmp_path: Path) -> None:
    """P01 shows the labels of both hosts, I02 the value; one of the secrets is used by a template."""
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])

    def sealed(text: str) -> str:
        return "!vault |\n" + "".join(f"      {line}\n" for line in vault.encrypt(text).decode().splitlines())

    (tmp_path / "inventory.yml").write_text(
        "prometheus:\n  hosts:\n    p-1: {}\n    p-2: {}\n  vars:\n"
        "    prometheus_external_labels: {site: 'x-{{ token }}-{{ inventory_hostname }}'}\n"
        f"    token: {sealed('hunter2-label')}"
        f"    prometheus_port: {sealed('hunter2-port')}"
        f"    prometheus_ha_preflight_ignore: [{{id: P01, reason: 'the token is {{{{ token }}}}'}}]\n"
    )
    (tmp_path / "password").write_text("open sesame")
    for extra in ("found.json", "found.sarif", "found.xml"):
        ran = playbook(
            tmp_path,
            tmp_path / "inventory.yml",
            PREFLIGHT,
            "-vvv",
            *("--vault-password-file", str(tmp_path / "password"), "-e", f"prometheus_ha_preflight_report={extra}"),
        )
        assert ran.rc == 2, ran.words
        assert "I02 error hosts p-1, p-2, variable prometheus_port" in ran.words
        assert "Ignored: ********" in ran.words
        assert "{'site': '********'} on p-1" in ran.words
        assert "hunter2" not in ran.words
        assert "hunter2" not in (tmp_path / extra).read_text(encoding="utf-8")


# -- many hosts --------------------------------------------------------------------------------------------------------


def test_many_hosts_are_one_line_and_a_long_check_says_what_it_does(tmp_path: Path) -> None:
    """By a budget of work rather than of time: the patience is taken away, and 300 hosts make one finding."""
    hosts = {f"p-{number}": {"prometheus_replica_set": f"s-{number // 2}"} for number in range(300)}
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "impatient.py").write_text(
        "from ansible.plugins.action import ActionBase\n"
        "from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _terminal\n"
        "from ansible_collections.baremetal.prometheus_ha.plugins.action import preflight\n"
        "class ActionModule(preflight.ActionModule):\n"
        "    def run(self, tmp=None, task_vars=None):\n"
        "        _terminal.PATIENCE = 0.01\n"
        "        return super().run(tmp, task_vars)\n"
    )
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [{"impatient": None}]}]
    many = {"prometheus": {"hosts": hosts, "vars": {"prometheus_port": "many"}}}
    ran = playbook(tmp_path, many, plays, environment={"ANSIBLE_ACTION_PLUGINS": str(tmp_path / "action_plugins")})
    assert ran.rc == 2, ran.words
    assert ran.words.count("Reading and checking 300 hosts ...") == 1
    lines = [line for line in found(ran) if line.startswith("I02 ")]
    assert len(lines) == 1
    assert "p-9 and 290 more, variable prometheus_port" in lines[0]
    assert len(ran.words) < 100_000  # no result holds the hosts


def test_the_accepted_cases_of_the_plan_are_also_accepted_here(tmp_path: Path) -> None:
    ran = playbook(tmp_path, CASES / "accept" / "two-sets", PREFLIGHT)
    assert ran.rc == 0, ran.words
    assert "someone-elses" not in ran.words


def _vaulted(text: str) -> str:
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    return "!vault |\n" + "".join(f"      {line}\n" for line in vault.encrypt(text).decode().splitlines())


SEALED = {
    "lower": ("{{ token | lower }}", "prometheus_external_url", "I03"),
    "upper": ("{{ token | upper }}", "prometheus_ha_address", "I03"),
    "slice": ("{{ token[3:20] }}/{{ token[-9:] }}", "prometheus_route_prefix", "I03"),
    "a part of a structure": ("{{ (structure | from_json).url }}", "prometheus_external_url", "I03"),
    "by way of another": ("{{ middle }}", "prometheus_replica_set", ""),
    "a number": ("{{ number }}", "prometheus_port", "I03"),
    "a template that fails": ("{{ token | from_yaml }}", "prometheus_scrape_interval", "I01"),
    "of another type": ("{{ token | reverse }}", "prometheus_port", "I02"),
    "a whole file": ("", "prometheus_port", "I02"),
    "a whole file of labels": ("", "prometheus_external_labels", "I03"),
}


FORMS = ("found.json", "found.sarif", "found.xml")


@pytest.mark.parametrize(
    "given, extra", [(given, FORMS[number % 3]) for number, given in enumerate(SEALED.values())], ids=SEALED
)
def test_what_templates_make_of_encrypted_values_is_in_no_output(
    tmp_path: Path, given: tuple[str, str, str], extra: str
) -> None:
    template, variable, rule = given
    (tmp_path / "group_vars").mkdir()
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    if not template:
        whole: t.Any = {"Ruby Quartz?": "Opal Garnet"} if variable.endswith("labels") else "Ruby:Quartz/Opal?Garnet"
        (tmp_path / "group_vars" / "prometheus.yml").write_bytes(vault.encrypt(json.dumps({variable: whole})))
    (tmp_path / "inventory.yml").write_text(
        "prometheus:\n  hosts:\n    p-1: {}\n    p-2: {}\n  vars:\n"
        + (f"    {variable}: '{template}'\n" if template else "")
        + "    middle: '{{ token | lower }}'\n"
        + f"    number: {_vaulted('987654')}"
        + f"    structure: {_vaulted(json.dumps({'url': 'http://[Ruby:Quartz/Opal?Garnet'}))}"
        + f"    token: {_vaulted('Ruby: Quartz/Opal?: Garnet :')}"
    )
    (tmp_path / "password").write_text("open sesame")
    password = ("--vault-password-file", str(tmp_path / "password"))
    more = ("-vvv", "-e", f"prometheus_ha_preflight_report={extra}")
    ran = playbook(tmp_path, tmp_path / "inventory.yml", PREFLIGHT, *password, *more)
    if rule:
        assert re.search(rf"{rule} error hosts p-1, p-2, variable {variable}", ran.words), ran.words
    for text in (ran.words, (tmp_path / extra).read_text(encoding="utf-8")):
        shown = [word for word in ("ruby", "quartz", "opal", "garnet", "tenrag", "987654") if word in text.lower()]
        assert shown == [], text
