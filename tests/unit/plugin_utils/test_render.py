# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a whole: all problems at once, slices of every host, and work that grows with the hosts alone."""

from __future__ import annotations

import collections
import json
import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Component
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import RULES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    Controller,
    alertmanager,
    findings,
    good,
    hosts,
    plan,
    prometheus,
    slice_of,
    snapshot,
)


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    found = findings(
        prometheus("a", prometheus_port="many", prometheus_rule_files=["none/*"]),
        prometheus("b", prometheus_replica="a"),
        prometheus("c", prometheus_replica_set="c", problems={"prometheus_rules": "undefined"}),
        prometheus("d", prometheus_replica_set="d", prometheus_version="latest"),
        alertmanager("am-1", "am-2", alertmanager_config=None),
    )
    assert sorted(line.partition(": ")[0] for line in found) == [
        "I01 error host c, variable prometheus_rules",
        "I02 error host a, variable prometheus_port",
        "I03 error host a, variable prometheus_rule_files",
        "I03 error host d, variable prometheus_version",
        "I03 error hosts am-1, am-2, variable alertmanager_config",
        "P01 error host b, variable prometheus_replica",
    ]


def test_what_cannot_be_rendered_is_told_unless_something_else_stops_the_run_there() -> None:
    """The dollar is P09's; ignored, it is still what keeps the host from being rendered."""
    labels = {"prometheus_external_labels": {"site": "a$b"}}
    ignored = {"prometheus_ha_preflight_ignore": [{"id": "P09", "reason": "none"}]}
    parts = [prometheus("a", "b", **labels), alertmanager("am-1", "am-2")]
    assert [line.split()[0] for line in findings(*parts)] == ["P09"]
    found = plan(prometheus("a", "b", **labels, **ignored), *parts[1:])
    assert {finding.id for finding in found.findings if finding.stops} == {"I03"}


def test_a_broken_component_leaves_the_others_of_its_host_alone() -> None:
    found = plan(
        hosts("a", groups=["prometheus", "alertmanager"], prometheus_version="x", alertmanager_config=AM_CONFIG)
    )
    assert [item["name"] for item in found.hosts["a"]] == ["alertmanager"]
    assert [finding.id for finding in found.findings if finding.severity == "error"] == ["I03"]


def test_slices_are_in_plan_order_and_survive_json() -> None:
    both = hosts("c", groups=["alertmanager", "prometheus"], alertmanager_config=AM_CONFIG)
    found = good(prometheus("b", "a"), both, alertmanager("d"))
    assert {host: [(item["name"], item["order"]) for item in items] for host, items in found.hosts.items()} == {
        "b": [("prometheus", 0)],
        "a": [("prometheus", 1)],
        "c": [("prometheus", 2), ("alertmanager", 2)],
        "d": [("alertmanager", 3)],
    }
    assert json.loads(json.dumps(found.hosts)) == found.hosts


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_one_that_leaves_needs_no_configuration(name: str) -> None:
    values: dict[str, t.Any] = {f"{name}_state": "absent", f"{name}_version": "x"}
    found = good(hosts("a", groups=[name], **values))
    item = slice_of(found, "a", name)
    assert item["state"] == "absent"
    # What the host's room makes of it must not need more.
    assert Component(item, apply=False).leaves


def test_no_host_at_all() -> None:
    found = plan(hosts("a", groups=["web"]))
    assert [finding.id for finding in found.findings] == ["I09"]
    assert found.hosts == {}
    assert found.topology.instances == ()


def test_a_value_that_only_the_host_s_room_refuses_is_not_lost() -> None:
    item = slice_of(good(prometheus("a", prometheus_unit_options={"Nice": 5})), "a")
    assert item["service"]["unit_options"] == {"Nice": 5}


@pytest.mark.parametrize("count", [10, 200])
def test_each_instance_is_rendered_once_and_each_file_read_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: collections.Counter[str] = collections.Counter()
    original = _render.render_instance

    def counting(instance: t.Any, *args: t.Any) -> dict[str, t.Any]:
        rendered[instance.name] += 1
        return original(instance, *args)

    monkeypatch.setattr(_render, "render_instance", counting)
    files = Controller({"/inv/rules/a.yml": "groups: []\n"})
    parts = [
        prometheus(
            f"p{number}-a", f"p{number}-b", prometheus_replica_set=f"s{number}", prometheus_rule_files=["rules/*"]
        )
        for number in range(count // 2)
    ]
    found = _render.plan(snapshot(*parts, alertmanager("am-1", "am-2", "am-3")), files)
    assert found.findings == ()
    assert set(rendered.values()) == {1}
    assert len(rendered) == count + 3
    assert len(files.reads) == count  # the controller's own files keep what they read (test_store.py)
    assert len(found.topology.cohorts) == count // 2 + 1


@pytest.mark.parametrize(
    "part, variable",
    [
        (prometheus("a", prometheus_rule_files=["r/*"]), "prometheus_rule_files"),
        (alertmanager("a", alertmanager_templates=["r/*"]), "alertmanager_templates"),
        (
            alertmanager("a", alertmanager_config=None, alertmanager_config_file="r/a.yml"),
            "alertmanager_config_file",
        ),
    ],
    ids=["rules", "templates", "configuration"],
)
def test_a_file_that_cannot_be_read_names_its_variable_and_why(part: t.Any, variable: str) -> None:
    class Unreadable(Controller):
        def read(self, path: str) -> str:
            raise HAError(f"{path} can't be read", said="no vault secret", do="give it.")

    found = _render.plan(snapshot(part), Unreadable({"/inv/r/a.yml": ""})).findings
    assert [str(finding) for finding in found if finding.severity == "error"] == [
        f"I03 error host a, variable {variable}: /inv/r/a.yml can't be read. no vault secret Do: give it."
    ]


def test_the_registry_knows_every_component_by_name() -> None:
    assert [_registry.component(component.kind.name) for component in _registry.COMPONENTS] == list(
        _registry.COMPONENTS
    )


def test_all_parts_of_an_endpoint_are_judged_at_once() -> None:
    values = {
        "prometheus_port": 0,
        "prometheus_listen_address": "a b",
        "prometheus_external_url": "http://[",
        "prometheus_ha_address": "c d",
        "prometheus_targets": {"a/b": [], ".c": [], "d": []},
    }
    told = findings(prometheus("p1", **values), prometheus("p2", prometheus_replica_set="x", **values))
    named = {line.partition(": ")[0] for line in told if line.startswith("I03")}
    assert named == {f"I03 error hosts p1, p2, variable {name}" for name in values}
    (line,) = findings(prometheus("p1", "p2", prometheus_targets=values["prometheus_targets"]))
    assert "variable prometheus_targets: '.c', 'a/b' can't name files." in line


@pytest.mark.parametrize("variable", ["prometheus_replica_label", "prometheus_ha_replica_label"])
def test_a_bad_replica_label_is_told_where_it_is_set(variable: str) -> None:
    (line,) = findings(prometheus("p1", "p2", **{variable: "a-b"}))
    assert line.startswith(f"I03 error hosts p1, p2, variable {variable}: The label name 'a-b' holds ")


# -- defects -----------------------------------------------------------------------------------------------------------


def _breaks(*_given: object) -> t.NoReturn:
    raise ValueError("hunter2-hunter2")


def _broken_rule(_subject: object) -> t.Iterator[t.NoReturn]:
    yield _breaks()


def test_a_rule_that_breaks_is_one_finding_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Rule("Z01", "warning", "", "", "", _broken_rule)
    monkeypatch.setattr(_render, "RULES", (broken, *RULES))
    part = {**prometheus("p1", "p2", prometheus_port=0), **alertmanager("a1", "a2")}
    told = [str(finding) for finding in _render.plan(snapshot(part), Controller()).findings]
    assert re.fullmatch(
        r"Z01 error inventory: the rule Z01 ended with ValueError in test_render.py:\d+: a defect of the collection. "
        r"All other findings stand. Do: report it, with the part of this inventory that it is about.",
        told[0],
    )
    assert "I03 error hosts p1, p2, variable prometheus_port: 0 is not a port." in "\n".join(told)


def test_a_renderer_that_breaks_is_a_finding_of_that_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_render, "render_instance", _breaks)
    told = [str(finding) for finding in _render.plan(snapshot(prometheus("p1")), Controller()).findings]
    assert [text.partition(" in ")[0] for text in told if "defect" in text] == [
        "I03 error host p1: rendering Prometheus ended with ValueError"
    ]
    assert "hunter2" not in "".join(told)
