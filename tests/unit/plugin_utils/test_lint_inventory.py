# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the inventory itself, most of them over inventories that Ansible's own loader has read."""

from __future__ import annotations

import dataclasses
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _inventory, _registry
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_cases
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    Values,
    alertmanager,
    hosts,
    local,
    plan,
    playbook,
    prometheus,
)

FAMILY = tuple(f"I0{number}" for number in range(1, 10))


def told(*parts: t.Any, files: t.Mapping[str, str] | None = None, only: t.Sequence[str] = FAMILY) -> list[str]:
    """The findings of this family."""
    found = plan(*parts, files=files).findings
    return [str(finding) for finding in found if finding.id in only]


def read(folder: Path, *, only: t.Sequence[str] = FAMILY, **files: t.Any) -> list[str]:
    """The family's findings for an inventory as Ansible reads it: files by their names, __ for a slash.

    All of a file is on its first line.
    """
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, default_flow_style=True, width=10_000)
        path.write_text(text, encoding="utf-8")
    found = support_cases.plan(folder / "hosts.yml").findings
    return [str(finding).replace(f"{folder}/", "") for finding in found if finding.id in only]


def stack(*, prometheus: Values | None = None, **groups: Values) -> dict[str, Values]:
    """An inventory of a pair with variables of its group, a mesh, and further groups."""
    return {
        "prometheus": {"hosts": {"p1": {}, "p2": {}}, "vars": prometheus or {}},
        "alertmanager": {"hosts": {"a1": {}, "a2": {}}, "vars": {"alertmanager_config": AM_CONFIG}},
        **groups,
    }


# -- values that can't be had ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, words",
    [
        pytest.param("{{ no_such_thing }}", "'no_such_thing' is undefined", id="undefined"),
        pytest.param("{{ hostvars['p9'].x }}", "p9", id="a host that is not there"),
        pytest.param("{{ prometheus_retention }}", "ecursive loop", id="refers to itself"),
        pytest.param("{{ one }}", "ecursive loop", id="refers to itself through another"),
        pytest.param("{{ 1 / 0 }}", "division by zero", id="an error"),
        pytest.param("{{ 1 + }}", "Syntax error in template", id="no template"),
        pytest.param("{{ x | no_such_filter }}", "no_such_filter", id="an unknown filter"),
    ],
)
def test_i01_names_what_is_wrong_with_a_template(tmp_path: Path, value: str, words: str) -> None:
    variables = {"prometheus_retention": value, "one": "{{ other }}", "other": "{{ one }}"}
    (found,) = read(tmp_path, hosts=stack(prometheus=variables))
    assert found.startswith("I01 error hosts p1, p2, variable prometheus_retention (hosts.yml:1): the value can't be")
    assert words in found


def test_i01_a_value_that_no_password_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext([("default", VaultSecret(b"other"))]))
    word = VaultLib([("default", VaultSecret(b"password"))]).encrypt("hunter2-hunter2").decode().replace("\n", "\n  ")
    group = f"prometheus_retention: !vault |\n  {word}\nprometheus_external_labels: {{a: eu}}\n"
    (found,) = read(tmp_path, hosts=stack(), group_vars__prometheus=group)
    assert found.startswith(
        "I01 error hosts p1, p2, variable prometheus_retention (group_vars/prometheus.yml:1): the value can't be read: "
    )
    assert "vault" in found
    assert "$ANSIBLE_VAULT" not in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param("prometheus_ha_release_fetch: !vault |\n  {word}\n", id="a choice"),
        pytest.param("prometheus_port: !vault |\n  {word}\n", id="a number"),
        pytest.param("secret: !vault |\n  {word}\nprometheus_port: 'x-{{{{ secret }}}}'\n", id="a part of a number"),
        pytest.param("secret: !vault |\n  {word}\nprometheus_port: '{{{{ secret | int + secret }}}}'\n", id="an error"),
        pytest.param("prometheus_external_labels: {{dc: !vault '{line}'}}\n", id="a label that must be escaped"),
        pytest.param("prometheus_version: !vault |\n  {word}\n", id="a version"),
        pytest.param("prometheus_ha_address: !vault |\n  {word}\n", id="an address"),
    ],
)
def test_what_came_encrypted_is_not_in_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: str
) -> None:
    secrets = [("default", VaultSecret(b"password"))]
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets))
    word = VaultLib(secrets).encrypt("$hunter2 hunter2").decode()
    text = variables.format(word=word.replace("\n", "\n  "), line=word.replace("\n", "\\n"))
    if "{line}" in variables:
        text = text.replace("'$ANSIBLE", '"$ANSIBLE').replace("'}", '"}')
    found = read(tmp_path, hosts=stack(), group_vars__prometheus=text, only=("I01", "I02", "I03", "P09"))
    assert found, "the value is wrong, and nothing was said"
    assert "hunter2" not in " ".join(found)


def test_i02_takes_what_an_ini_inventory_can_say(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text(
        "[prometheus]\np1\np2\n[prometheus:vars]\nprometheus_port=9090\nprometheus_agent=no\n"
        'prometheus_external_labels={"dc": "eu"}\n[alertmanager]\na1 alertmanager_port=often\n'
    )
    found = [str(finding) for finding in support_cases.plan(tmp_path / "hosts.ini").findings if finding.id in FAMILY]
    assert [text.partition(" (")[0] for text in found if "alertmanager_config" not in text] == [
        "I02 error host a1, variable alertmanager_port"
    ]


# -- names that nobody knows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable, do",
    [
        ("prometheus_retension", "write prometheus_retention."),
        ("prometheus_replicaset", "write prometheus_replica_set."),
        ("prometheus_ha_replica_set", "write prometheus_replica_set."),
        ("prometheus_ha_enviroment", "write prometheus_ha_environment."),
        ("alertmanager_template", "write alertmanager_templates."),
        ("alertmanager_cluster_adress", "remove it, or name a variable of your own in another way."),
        ("prometheus_node_exporter_version", "remove it, or name a variable of your own in another way."),
    ],
)
def test_i04_suggests_the_nearest_name(tmp_path: Path, variable: str, do: str) -> None:
    found = read(tmp_path, hosts=stack(prometheus={variable: True}))
    assert found == [
        f"I04 warning hosts p1, p2, variable {variable} (hosts.yml:1): the collection has no such variable. Do: {do}"
    ]


@pytest.mark.parametrize(
    "variable, near",
    [
        ("thanos_query_replica_lables", "thanos_query_replica_labels"),
        ("thanos_verson", "thanos_version"),
        ("grafana_plugins", None),
        ("grafana_port_", "grafana_port"),
    ],
)
def test_i04_where_the_table_is_not_complete_only_the_very_near_is_told(variable: str, near: str | None) -> None:
    pair = {name: dataclasses.replace(host, unknown=(variable,)) for name, host in prometheus("p1", "p2").items()}
    found = told(pair, alertmanager("a1", "a2"), only=("I04",))
    assert found == (
        [f"I04 warning hosts p1, p2, variable {variable}: the collection has no such variable. Do: write {near}."]
        if near
        else []
    )


@pytest.mark.parametrize(
    "variable",
    ["promtheus_port", "my_prometheus_port", "prometheus", "ansible_hosts", "__prometheus_port", "node_port"],
)
def test_i04_other_prefixes_are_somebody_elses(tmp_path: Path, variable: str) -> None:
    assert read(tmp_path, hosts=stack(prometheus={variable: 1})) == []


def test_i04_hosts_without_a_component_have_variables_of_other_collections(tmp_path: Path) -> None:
    found = read(tmp_path, hosts=stack(web={"hosts": {"w": {"prometheus_exporters": [], "prometheus_ha_port": 1}}}))
    assert [text.partition(" (")[0] for text in found] == ["I04 warning host w, variable prometheus_ha_port"]


def test_i04_each_line_is_told_once_for_its_hosts(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        hosts=stack(),
        group_vars__prometheus={"prometheus_sharding": 1},
        host_vars__p2={"prometheus_sharding": 2},
    )
    assert [text.partition(": ")[0] for text in found] == [
        "I04 warning host p1, variable prometheus_sharding (group_vars/prometheus.yml:1)",
        "I04 warning host p2, variable prometheus_sharding (host_vars/p2.yml:1)",
    ]


def test_i04_what_is_unknown_is_never_templated(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    value = "{{ lookup('ansible.builtin.pipe', 'touch " + str(mark) + "') }}"
    assert len(read(tmp_path, hosts=stack(prometheus={"prometheus_sharding": value}))) == 1
    assert not mark.exists()


def test_i04_knows_every_variable_of_every_table() -> None:
    everything: dict[str, t.Any] = dict.fromkeys(_registry.NAMES)
    assert told(prometheus("p1", "p2", **everything), alertmanager("a1", "a2"), only=("I04",)) == []


# -- keys that nobody knows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, what, do",
    [
        pytest.param(
            {"prometheus_shard": {"index": 0, "off": 1, "of": 1}},
            "no key 'off'",
            "write of; its keys are index, of.",
            id="dict",
        ),
        pytest.param(
            {"prometheus_checksum": {"amd46": "a" * 64}},
            "no key 'amd46'",
            "write amd64; its keys are amd64, arm64, armv7.",
            id="architecture",
        ),
        pytest.param(
            {"prometheus_targets": {"web": [{"target": ["a:1"]}]}},
            "no key 'target'",
            "write targets; its keys are targets, labels.",
            id="dict of lists",
        ),
        pytest.param(
            {"prometheus_ha_groups": {"promtheus": "mon"}}, "no key 'promtheus'", "write prometheus; ", id="groups"
        ),
        pytest.param(
            {"prometheus_shard": {"index": 0, "of": 1, "seed": 1}},
            "no key 'seed'",
            "remove or correct it; its keys are index, of.",
            id="nothing near",
        ),
        pytest.param(
            {"prometheus_shard": '{"index": 0, "of": 1, 7: 1}'.replace("7", '"7"')},
            "no key '7'",
            "remove",
            id="JSON text",
        ),
    ],
)
def test_i05_suggests_the_nearest_key(values: dict[str, t.Any], what: str, do: str) -> None:
    (found,) = told(prometheus("p1", "p2", **values), alertmanager("a1", "a2"), only=("I05",))
    assert found.startswith(f"I05 warning hosts p1, p2, variable {next(iter(values))}: it has {what}. Do: {do}")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"prometheus_checksum": "a" * 64}, id="a string where a dict may be"),
        pytest.param(
            {"prometheus_targets": {"web": [{"targets": ["a:1"], "labels": {"a": "b"}}], "none": []}}, id="good"
        ),
        pytest.param({"prometheus_targets": {}}, id="empty"),
        pytest.param({"prometheus_shard": "text"}, id="of another type"),
        pytest.param({"prometheus_scrape_configs": [{"job_nam": "x"}]}, id="promtool's business"),
    ],
)
def test_i05_passes(values: dict[str, t.Any]) -> None:
    assert told(prometheus("p1", "p2", **values), alertmanager("a1", "a2"), only=("I05",)) == []


# -- groups that disagree ----------------------------------------------------------------------------------------------


def group(*members: str, **variables: t.Any) -> dict[str, t.Any]:
    return {"hosts": {name: {} for name in members}, "vars": variables}


def test_i06_tells_what_the_scalar_hides(tmp_path: Path) -> None:
    eu, us = group("p1", prometheus_replica_set="eu"), group("p1", "p2", prometheus_replica_set="us")
    (found,) = read(tmp_path, hosts=stack(eu=eu, us=us))
    assert found == (
        "I06 error host p1, variable prometheus_replica_set (hosts.yml:1): groups disagree: eu says 'eu', us says "
        "'us'; Ansible takes 'us'. Do: take the host out of a group, or set prometheus_replica_set for the host, or in "
        "a group below these."
    )


def test_i06_sees_group_vars_files(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        hosts=stack(eu=group("a1"), us=group("a1", alertmanager_mesh="us")),
        group_vars__eu={"alertmanager_mesh": "eu"},
    )
    assert [text.partition(" Do: ")[0] for text in found] == [
        "I06 error host a1, variable alertmanager_mesh (group_vars/eu.yml:1): groups disagree: eu says 'eu', us says "
        "'us'; Ansible takes 'eu'."
    ]


@pytest.mark.parametrize(
    "variable", sorted(_registry.COHORT_NAMES & {"prometheus_replica_set", "prometheus_ha_environment"})
)
def test_i06_for_each_variable(tmp_path: Path, variable: str) -> None:
    groups = {name: group("p1", "p2", **{variable: name}) for name in ("one", "two")}
    (found,) = read(tmp_path, hosts=stack(**groups))
    assert found.startswith(f"I06 error hosts p1, p2, variable {variable} ")


def test_i06_reads_templates_as_the_host_does(tmp_path: Path) -> None:
    one = group("p1", "p2", prometheus_replica_set="{{ site }}")
    two = group("p1", "p2", prometheus_replica_set="eu")
    inventory = stack(one=one, two=two)
    found = read(tmp_path, hosts=inventory, host_vars__p1={"site": "eu"}, host_vars__p2={"site": "us"})
    assert [text.partition(" Do: ")[0] for text in found] == [
        "I06 error host p2, variable prometheus_replica_set (hosts.yml:1): groups disagree: one says 'us', two says "
        "'eu'; Ansible takes 'eu'."
    ]


@pytest.mark.parametrize(
    "groups, files",
    [
        pytest.param({"eu": group("p1", "p2", prometheus_replica_set="x")}, {}, id="one group"),
        pytest.param(
            {name: group("p1", "p2", prometheus_replica_set="x") for name in ("eu", "fast")}, {}, id="they agree"
        ),
        pytest.param(
            {
                "eu": {
                    "children": {"fra": group("p1", "p2", prometheus_replica_set="x")},
                    "vars": {"prometheus_replica_set": "y"},
                }
            },
            {},
            id="one is below the other",
        ),
        pytest.param(
            {name: group("p1", "p2", prometheus_replica_set=name) for name in ("eu", "fast")},
            {f"host_vars__p{number}": {"prometheus_replica_set": "eu"} for number in (1, 2)},
            id="host variables decide",
        ),
        pytest.param(
            {
                "eu": group("p1", "p2", prometheus_replica_set="eu"),
                "fast": group("p1", "p2", prometheus_replica_set="fast", ansible_group_priority=10),
            },
            {},
            id="a priority decides",
        ),
        pytest.param(
            {
                "eu": group("p1", "p2", prometheus_replica_set="eu"),
                "us": group("p1", "p2", prometheus_replica_set="{{ nowhere }}"),
                "zz": {"hosts": {}},
            },
            {f"host_vars__p{number}": {"prometheus_replica_set": "eu"} for number in (1, 2)},
            id="a value that can't be read is I01's",
        ),
        pytest.param(
            {name: group("p1", "p2", prometheus_scrape_interval=name) for name in ("30s", "1m")},
            {},
            id="other variables",
        ),
        pytest.param(
            {name: group("p1", "p2", alertmanager_mesh=name) for name in ("eu", "us")}, {}, id="of another component"
        ),
    ],
)
def test_i06_passes(tmp_path: Path, groups: dict[str, t.Any], files: dict[str, t.Any]) -> None:
    assert read(tmp_path, hosts=stack(**groups), **files) == []


def test_i06_another_ansible_only_loses_the_sight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inventory below hostvars is private to ansible-core."""
    original = _inventory._Groups.__init__

    def blind(self: t.Any, _hostvars: t.Any, *rest: t.Any) -> None:
        original(self, t.cast(t.Any, object()), *rest)

    monkeypatch.setattr(_inventory._Groups, "__init__", blind)
    eu, us = group("p1", prometheus_replica_set="eu"), group("p1", "p2", prometheus_replica_set="us")
    assert read(tmp_path, hosts=stack(eu=eu, us=us)) == []


# -- labels ------------------------------------------------------------------------------------------------------------


def rules_with(labels: t.Any = None, annotations: t.Any = None) -> dict[str, t.Any]:
    rule = {"alert": "Down", "expr": "up == 0", "labels": labels, "annotations": annotations}
    return {
        "prometheus_rules": [
            {"name": "up", "rules": [{key: value for key, value in rule.items() if value is not None}]}
        ]
    }


def targets_with(labels: t.Any) -> dict[str, t.Any]:
    return {"prometheus_targets": {"web": [{"targets": ["a:1"], "labels": labels}]}}


# By version, the words of the refusal in a rule and in a target file.
LABELS: list[tuple[str, t.Any, dict[str, tuple[str | None, str | None]]]] = [
    ("a good one", {"good": "x"}, {"2.53.3": (None, None), "3.5.3": (None, None)}),
    ("a dash", {"bad-name": "x"}, {"2.53.3": ("'bad-name'", "'bad-name'"), "3.5.3": (None, None)}),
    ("a digit in front", {"1x": "x"}, {"2.53.3": ("'1x'", "'1x'"), "3.5.3": (None, None)}),
    ("a number", {1: "x"}, {"2.53.3": ("'1'", "'1'"), "3.5.3": (None, None)}),
    ("an umlaut", {"\u00fcn": "x"}, {"2.53.3": ("'\u00fcn'", "'\u00fcn'"), "3.5.3": (None, None)}),
    ("no name", {"": "x"}, {"2.53.3": ("is empty", "is empty"), "3.5.3": ("is empty", "is empty")}),
    ("the metric's", {"__name__": "x"}, {"2.53.3": ("__name__", None), "3.5.3": ("__name__", None)}),
    ("internal", {"__foo": "x"}, {"2.53.3": (None, None), "3.5.3": (None, None)}),
    ("numbers as values", {"n": 1, "f": 1.5, "b": True}, {"2.53.3": (None, None), "3.5.3": (None, None)}),
    ("empty value", {"e": "", "n": None}, {"2.53.3": (None, None), "3.5.3": (None, None)}),
    (
        "a list",
        {"l": ["a"]},
        {"2.53.3": ("'l' is a list", "'l' is a list"), "3.5.3": ("'l' is a list", "'l' is a list")},
    ),
    ("a dict", {"d": {"a": 1}}, {"2.53.3": ("'d' is a", "'d' is a"), "3.5.3": ("'d' is a", "'d' is a")}),
    ("not a mapping", ["a"], {"2.53.3": ("a mapping", "a mapping"), "3.5.3": ("a mapping", "a mapping")}),
]


@pytest.mark.parametrize("version", ["2.53.3", "3.5.3"])
@pytest.mark.parametrize("labels, verdicts", [row[1:] for row in LABELS], ids=[row[0] for row in LABELS])
def test_i08(labels: t.Any, verdicts: dict[str, tuple[str | None, str | None]], version: str) -> None:
    for values, words in zip((rules_with(labels), targets_with(labels)), verdicts[version]):
        found = told(
            prometheus("p1", "p2", prometheus_version=version, **values), alertmanager("a1", "a2"), only=("I08",)
        )
        assert len(found) == (words is not None), found
        if words is not None:
            assert found[0].startswith(f"I08 error hosts p1, p2, variable {next(iter(values))}: ")
            assert words in found[0]


@pytest.mark.parametrize("version", ["2.53.3", "3.5.3"])
def test_i08_as_promtool_has_it(tmp_path: Path, version: str) -> None:
    promtool = binaries("prometheus", version) / "promtool"

    def refuses(checked: str, file: Path) -> bool:
        done = subprocess.run([promtool, "check", checked, file], capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 1

    for title, labels, verdicts in LABELS:
        rules, targets, config = (tmp_path / name for name in ("rules.yml", "targets.yml", "prometheus.yml"))
        rules.write_text(yaml.safe_dump({"groups": rules_with(labels)["prometheus_rules"]}))
        targets.write_text(yaml.safe_dump(targets_with(labels)["prometheus_targets"]["web"]))
        job = {"job_name": "web", "file_sd_configs": [{"files": [str(targets)]}]}
        config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
        told = tuple(words is not None for words in verdicts[version])
        assert told == (refuses("rules", rules), refuses("config", config)), title


def test_i08_names_the_rule_file(tmp_path: Path) -> None:
    text = "groups: [{name: up, rules: [{record: 'a:b', expr: up, labels: {__name__: x}, annotations: {}}]}]"
    inventory = stack(prometheus={"prometheus_rule_files": ["up.yml"]})
    found = read(tmp_path, hosts=inventory, up=text, only=("I08",))
    assert found == [
        "I08 error hosts p1, p2, variable prometheus_rule_files (hosts.yml:1): up.yml: rule a:b: __name__ is the "
        "metric's name and no label of a rule. Do: correct the labels."
    ]


def test_i08_annotations_have_names_too() -> None:
    values = {"prometheus_version": "2.53.3", **rules_with(annotations={"run-book": "x", "__name__": "fine"})}
    (found,) = told(prometheus("p1", "p2", **values), only=("I08",))
    assert "annotations of rule Down: Prometheus 2 has no label name 'run-book'" in found


@pytest.mark.parametrize("targets", [{"web": None}, {"web": "a:1"}, {"web": ["a:1"]}, {"web": [{"targets": []}]}])
def test_i08_target_files_of_another_shape_are_promtools_business(targets: t.Any) -> None:
    assert told(prometheus("p1", "p2", prometheus_targets=targets), only=("I08",)) == []


# -- groups ------------------------------------------------------------------------------------------------------------

NOBODY = (
    "I09 error inventory: no host of the inventory runs anything of this collection. Do: put hosts into the groups "
    "prometheus and alertmanager, or name yours by prometheus_ha_groups."
)


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"web": {"hosts": {"w": {}}}}, id="other groups"),
        pytest.param({"prometheus": {}, "alertmanager": {"hosts": {}}}, id="empty groups"),
        pytest.param({"prometheus": None}, id="a group without anything"),
    ],
)
def test_i09_nobody_at_all(tmp_path: Path, inventory: Values) -> None:
    assert read(tmp_path, hosts=inventory) == [NOBODY]


@pytest.mark.parametrize(
    "groups, words",
    [
        pytest.param(["promethues"], "the group 'promethues' is none of the collection's", id="mistyped"),
        pytest.param(["thanos_sotre"], "its name is much like thanos_store.", id="two letters changed places"),
        pytest.param(["web_prometheus"], "prometheus, and w runs nothing of this collection.", id="another word"),
        pytest.param(["mon", "promethus"], "Do: write prometheus, or map it", id="beside another"),
    ],
)
def test_i09_alertmanagers_beside_hosts_that_nobody_runs_anything_on(
    tmp_path: Path, groups: list[str], words: str
) -> None:
    inventory = {"alertmanager": stack()["alertmanager"], **{group: {"hosts": {"w": {}}} for group in groups}}
    (found,) = read(tmp_path, hosts=inventory)
    assert found.startswith("I09 warning inventory: ")
    assert words in found


def test_i09_nobody_at_all_and_the_groups_that_are_nearly_right(tmp_path: Path) -> None:
    (found,) = read(tmp_path, hosts={"promethues": {"hosts": {"w": {}}}})
    assert "runs anything of this collection. Is 'promethues' meant to be prometheus? Do: " in found


def test_i09_a_mapped_group_that_is_not_there(tmp_path: Path) -> None:
    mapped = {"prometheus": "mon", "alertmanager": "alerts"}
    inventory = {"mon": group("p1", "p2"), "all": {"vars": {"prometheus_ha_groups": mapped}}}
    assert read(tmp_path, hosts=inventory) == [
        "I09 warning host p1, variable prometheus_ha_groups (hosts.yml:1): alertmanager is mapped to the group "
        "'alerts', in which there is no host. Do: correct the name, put hosts into the group, or remove the line."
    ]


def test_i09_a_mistyped_group_leaves_nobody_and_both_are_told(tmp_path: Path) -> None:
    inventory = {"mon": group("p1", "p2"), "all": {"vars": {"prometheus_ha_groups": {"prometheus": "mom"}}}}
    found = read(tmp_path, hosts=inventory)
    assert [text.partition(": ")[0] for text in found] == [
        "I09 error inventory",
        "I09 warning host p1, variable prometheus_ha_groups (hosts.yml:1)",
    ]


def test_i09_stays_quiet_where_the_names_of_the_groups_are_unreadable(tmp_path: Path) -> None:
    inventory = {"mon": group("p1", "p2"), "all": {"vars": {"prometheus_ha_groups": "{{ nowhere }}"}}}
    found = read(tmp_path, hosts=inventory)
    assert [text.partition(" (")[0] for text in found] == ["I01 error hosts p1, p2, variable prometheus_ha_groups"]


def test_hosts_with_values_alone_have_no_rivals() -> None:
    assert told(hosts("p1", "p2", groups=["prometheus"], prometheus_replica_set="x"), only=("I06",)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("europe", "", id="a replica set"),
        pytest.param("main", "", id="a mesh"),
        pytest.param(None, "", id="none"),
        pytest.param("eurpoe", "no replica set or mesh 'eurpoe'. Do: did you mean 'europe'?", id="nearly one"),
        pytest.param("canary", "Do: name one of europe, main.", id="nothing like one"),
    ],
)
def test_i13_the_canary_is_there(name: str | None, words: str) -> None:
    both: dict[str, t.Any] = {"prometheus_ha_canary": name}
    found = told(
        hosts("p1", "p2", groups=["prometheus"], prometheus_replica_set="europe", **both),
        alertmanager("a1", "a2", alertmanager_mesh="main", **both),
        only=("I13",),
    )
    assert [words in line for line in found] == ([True] if words else []), found
    assert all(line.startswith("I13 error hosts p1, p2, a1, a2, variable prometheus_ha_canary") for line in found)


# -- in a run of the real ansible-playbook -----------------------------------------------------------------------------


def test_a_real_run(tmp_path: Path) -> None:
    """Groups' own values are seen from a task; what a task registered is no variable of the inventory."""
    eu = {**group(prometheus_replica_set="eu"), "hosts": local("p1", "p2")}
    inventory = stack(eu=eu, us=group("p1", "p2"))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "us.yml").write_text("prometheus_replica_set: us\n")
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.command": "true", "register": "prometheus_seen", "delegate_to": "localhost"},
        {"baremetal.prometheus_ha.plan": None},
    ]
    plays = [{"hosts": "p1", "gather_facts": False, "tasks": tasks}]
    ran = playbook(tmp_path, inventory, plays, "-e", "prometheus_ha_strickt=true")
    assert ran.rc != 0
    assert f"I06 error hosts p1, p2, variable prometheus_replica_set ({tmp_path}/group_vars/us.yml:1): " in ran.words
    assert "I04 warning hosts p1, p2, a1, a2, variable prometheus_ha_strickt: " in ran.words
    assert "Do: write prometheus_ha_strict." in ran.words
    assert "prometheus_seen" not in ran.words
