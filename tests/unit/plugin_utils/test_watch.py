# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who watches whom, and the jobs and target files by which the stack scrapes itself."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    contents,
    findings,
    good,
    hosts,
    loaded,
    prometheus,
    slice_of,
    topology,
)

ON = {"prometheus_rule_packages": ["ha_stack"]}
Hosts = t.Dict[str, HostVariables]


def pair(name: str, **values: t.Any) -> Hosts:
    """A replica set of two that watches, unless told otherwise."""
    return prometheus(f"{name}1", f"{name}2", prometheus_replica_set=name, **{**ON, **values})


def agents(name: str) -> Hosts:
    return pair(name, prometheus_rule_packages=[], prometheus_agent=True)


def watching(*parts: Hosts) -> dict[str, list[str]]:
    """By set, what it watches."""
    model = topology(*parts)
    return {
        cohort.name: [each.name or each.kind.name for each in _watch.watched(cohort.instances[0], model)]
        for cohort in model.cohorts_of("prometheus")
    }


MESHES = {**alertmanager("m1", alertmanager_mesh="m"), **alertmanager("n1", alertmanager_mesh="n")}


@pytest.mark.parametrize(
    "parts, expected",
    [
        pytest.param([pair("a")], {"a": ["a"]}, id="alone, it watches itself"),
        pytest.param([pair("a"), pair("b")], {"a": ["a", "b"], "b": ["a", "b"]}, id="two watch each other"),
        pytest.param(
            [pair("a"), pair("b"), pair("c")],
            {"a": ["a", "c"], "b": ["a", "b"], "c": ["b", "c"]},
            id="three in a ring",
        ),
        pytest.param(
            [pair("a"), pair("b", prometheus_rule_packages=[])],
            {"a": ["a", "b"], "b": []},
            id="one that does not watch is watched",
        ),
        pytest.param(
            [pair("a"), pair("b"), agents("x"), agents("y"), agents("z")],
            {"a": ["a", "b", "x", "z"], "b": ["a", "b", "y"], "x": [], "y": [], "z": []},
            id="agents are spread over those that can alert",
        ),
        pytest.param(
            [pair("a", prometheus_watch_stack=False), pair("b")],
            {"a": [], "b": ["a", "b"]},
            id="switched off with the package on",
        ),
        pytest.param(
            [pair("a", prometheus_rule_packages=["node_aggregates"], prometheus_watch_stack=True)],
            {"a": ["a"]},
            id="switched on without the package",
        ),
        pytest.param(
            [pair("a", prometheus_rule_packages=["federation_health"]), pair("b", prometheus_rule_packages=[])],
            {"a": ["a", "b"], "b": []},
            id="a sibling switches it on",
        ),
        pytest.param(
            [pair("a", prometheus_rule_packages=["http_aggregates"])], {"a": []}, id="aggregates watch nothing"
        ),
        pytest.param(
            [pair("a"), pair("b"), pair("t", prometheus_ha_environment="test")],
            {"a": ["a", "b"], "b": ["a", "b"], "t": ["t"]},
            id="environments do not meet",
        ),
        pytest.param(
            [pair("a"), pair("b"), pair("c"), MESHES],
            {"a": ["a", "c", "m"], "b": ["a", "b", "m", "n"], "c": ["b", "c", "n"]},
            id="a mesh is watched by two",
        ),
        pytest.param(
            [pair("a", prometheus_alertmanager_meshes=["n"]), pair("b", prometheus_alertmanager_meshes=["m"]), MESHES],
            {"a": ["a", "b", "n"], "b": ["a", "b", "m"]},
            id="a mesh is watched by those that alert it",
        ),
        pytest.param(
            [pair("a", prometheus_alertmanager_meshes=["n"]), MESHES],
            {"a": ["a", "m", "n"]},
            id="and by another where none of them watches",
        ),
        pytest.param(
            [
                pair("a", thanos_sidecar_enabled=True),
                hosts("q1", groups=("thanos_query",)),
                hosts("d1", groups=("grafana_database",)),
            ],
            {"a": ["a", "a", "thanos_query"]},
            id="whatever has metrics",
        ),
    ],
)
def test_who_watches_whom(parts: list[Hosts], expected: dict[str, list[str]]) -> None:
    assert watching(*parts) == expected


def targets(item: t.Mapping[str, t.Any], job: str = "ha-prometheus") -> dict[str, dict[str, str]]:
    """A target file: labels by address."""
    return {address: group["labels"] for group in loaded(item, f"targets/{job}.yml") for address in group["targets"]}


def test_targets_say_where_they_belong() -> None:
    plan = good(
        pair("a", prometheus_external_labels={"site": "x", "tier": "$$1"}, prometheus_shard={"index": 0, "of": 2}),
        pair("b", prometheus_external_labels={"site": "y"}, prometheus_external_url="https://b.example/p/"),
        alertmanager("m1", alertmanager_route_prefix="/am", alertmanager_port=19093),
        alertmanager("m2", ansible_host="2001:db8::2", alertmanager_route_prefix="/am"),
    )
    item = slice_of(plan, "b1")
    of_prometheus = {"ha_component": "prometheus"}
    assert targets(item) == {
        "a1.example:9090": {
            **of_prometheus,
            "ha_group": "a",
            "ha_member": "a1",
            "ha_shard": "0/2",
            "site": "x",
            "tier": "$1",
        },
        "a2.example:9090": {
            **of_prometheus,
            "ha_group": "a",
            "ha_member": "a2",
            "ha_shard": "0/2",
            "site": "x",
            "tier": "$1",
        },
        "b1.example:9090": {
            **of_prometheus,
            "ha_group": "b",
            "ha_member": "b1",
            "site": "y",
            "__metrics_path__": "/p/metrics",
        },
        "b2.example:9090": {
            **of_prometheus,
            "ha_group": "b",
            "ha_member": "b2",
            "site": "y",
            "__metrics_path__": "/p/metrics",
        },
    }
    assert targets(item, "ha-alertmanager") == {
        "m1.example:19093": {
            "ha_component": "alertmanager",
            "ha_group": "default",
            "ha_member": "m1",
            "__metrics_path__": "/am/metrics",
        },
        "[2001:db8::2]:9093": {
            "ha_component": "alertmanager",
            "ha_group": "default",
            "ha_member": "m2",
            "__metrics_path__": "/am/metrics",
        },
    }


def test_replicas_scrape_the_same_and_shards_do_not_narrow_it() -> None:
    job = {"job_name": "node", "static_configs": [{"targets": ["x:9100"]}]}
    plan = good(
        pair("a", prometheus_shard={"index": 0, "of": 2}, prometheus_scrape_configs=[job]), alertmanager("m1", "m2")
    )
    one, other = (contents(slice_of(plan, name)) for name in ("a1", "a2"))
    del one["prometheus.yml"], other["prometheus.yml"]
    assert one == other
    jobs = {each["job_name"]: each for each in loaded(slice_of(plan, "a1"), "prometheus.yml")["scrape_configs"]}
    assert list(jobs) == ["node", "ha-prometheus", "ha-alertmanager"]
    assert "relabel_configs" in jobs["node"]
    assert jobs["ha-prometheus"] == {
        "job_name": "ha-prometheus",
        "file_sd_configs": [{"files": ["targets/ha-prometheus.yml"]}],
    }


def test_another_sets_replica_label_is_no_label_of_a_target() -> None:
    """It would stand in the place of the watcher's own (P03)."""
    plan = good(
        pair("a", prometheus_replica_label="r", prometheus_external_labels={"replica": "no", "site": "x"}),
        pair("b"),
    )
    assert "replica" not in targets(slice_of(plan, "b1"))["a1.example:9090"]
    assert targets(slice_of(plan, "a1"))["a1.example:9090"]["replica"] == "no"


def test_an_alert_is_the_same_from_the_set_and_from_who_watches_it() -> None:
    """The notifier adds the sender's external labels where there are none of the name, and drops the replica."""
    plan = good(
        pair("a", prometheus_external_labels={"site": "x"}), pair("b", prometheus_external_labels={"site": "y"})
    )

    def sent(by: str) -> dict[str, str]:
        external = loaded(slice_of(plan, by), "prometheus.yml")["global"]["external_labels"]
        return {**external, **targets(slice_of(plan, by))["a1.example:9090"]}

    alerts = [sent(by) for by in ("a1", "a2", "b1", "b2")]
    assert {labels.pop("replica") for labels in alerts} == {"a1", "a2", "b1", "b2"}
    assert alerts == [{"ha_component": "prometheus", "ha_group": "a", "ha_member": "a1", "site": "x"}] * 4


TAKEN = "by which the stack watches itself"


@pytest.mark.parametrize(
    "values, where, words",
    [
        pytest.param(
            {"prometheus_scrape_configs": [{"job_name": "ha-prometheus"}]},
            "prometheus_scrape_configs",
            f"the job 'ha-prometheus' is the collection's own, {TAKEN}",
            id="a job",
        ),
        pytest.param(
            {"prometheus_federate": [{"replica_set": "b", "job_name": "ha-prometheus", "match": ['{a="b"}']}]},
            "prometheus_federate",
            f"the job 'ha-prometheus' is the collection's own, {TAKEN}",
            id="a federated job",
        ),
        pytest.param(
            {"prometheus_targets": {"ha-prometheus": [{"targets": ["x:1"]}]}},
            "prometheus_targets",
            f"targets/ha-prometheus.yml is the collection's own, {TAKEN}",
            id="a target file",
        ),
        pytest.param(
            {"prometheus_replica_label": "ha_member"},
            "prometheus_replica_label",
            "the replica label 'ha_member' is one that tells the targets of the stack apart",
            id="the replica label",
        ),
    ],
)
def test_names_that_the_jobs_need_are_refused(values: dict[str, t.Any], where: str, words: str) -> None:
    said = findings(pair("a", **values), pair("b"))
    assert any(f"{where}: {words}" in line for line in said), said


def test_names_are_free_where_nothing_is_watched() -> None:
    job = {"job_name": "ha-prometheus", "static_configs": [{"targets": ["x:1"]}]}
    good(pair("a", prometheus_rule_packages=[], prometheus_scrape_configs=[job]))


def test_watching_is_drawn_and_its_ways_are_tried() -> None:
    model = topology(pair("a"), pair("b"), alertmanager("m1"), hosts("q1", groups=("thanos_query",)))
    first = model.cohorts_of("prometheus")[0]
    drawn = [(link.verb, link.target_title, link.endpoints) for link in _watch.links(first, model)]
    assert drawn == [
        ("watches", "replica set b", ("b1.example:9090", "b2.example:9090")),
        ("watches", "mesh default", ("m1.example:9093",)),
        ("watches", "queriers", ("q1.example:10904",)),
    ]
    ways = {(way.source, way.target, way.component) for way in _live.ways(model) if way.source == "a1"}
    assert ways == {
        ("a1", "a2", "prometheus"),
        ("a1", "b1", "prometheus"),
        ("a1", "b2", "prometheus"),
        ("a1", "m1", "alertmanager"),
        ("a1", "q1", "thanos_query"),
    }
