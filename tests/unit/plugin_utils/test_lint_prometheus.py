# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replica sets."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Rule, Subject
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.prometheus import (
    p05_no_relabelling_for_one_alertmanager,
    p07_api_v2,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._registry import KINDS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    Controller,
    alertmanager,
    findings,
    good,
    hosts,
    loaded,
    plan,
    prometheus,
    slice_of,
    snapshot,
)

MESH = alertmanager("am-1", "am-2")


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            {"prometheus_replica": "A"},
            {"prometheus_replica": "A"},
            "host b, variable prometheus_replica",
            "replica set default has the replica 'A' twice: on a and on b",
            id="one replica twice",
        ),
        pytest.param(
            {"prometheus_replica": "b"}, {}, "host b, variable prometheus_replica", "'b' twice", id="twice by default"
        ),
        pytest.param(
            {"prometheus_replica_label": "r"},
            {},
            "host b, variable prometheus_replica_label",
            "two replica labels: 'r' on a and 'replica' on b",
            id="two replica labels",
        ),
        pytest.param(
            {"prometheus_external_labels": {"region": "eu"}},
            {"prometheus_external_labels": {"region": "us"}},
            "host b, variable prometheus_external_labels",
            "differing external labels: {'region': 'eu'} on a and {'region': 'us'} on b",
            id="differing labels",
        ),
        pytest.param(
            {"prometheus_external_labels": {"region": "eu"}},
            {},
            "host b, variable prometheus_external_labels",
            "differing external labels",
            id="labels on one alone",
        ),
    ],
)
def test_p01(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    found = findings(prometheus("a", **first), prometheus("b", **second))
    assert len(found) == 1, found
    assert found[0].startswith(f"P01 error {where}: ")
    assert words in found[0]


@pytest.mark.parametrize("version", ["3.5.3", "2.53.3"])
def test_a_shadowed_replica_label_is_one_finding(version: str) -> None:
    found = findings(prometheus("a", "b", prometheus_version=version, prometheus_external_labels={"replica": "x"}))
    assert len(found) == 1, found
    assert found[0].startswith("P01 error hosts a, b, variable prometheus_external_labels: ")
    assert "'replica' shadows the replica label" in found[0]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([prometheus("a", "b")], id="by the hosts' names"),
        pytest.param([prometheus("a", prometheus_replica="A"), prometheus("b", prometheus_replica="B")], id="values"),
        pytest.param(
            [
                prometheus("a", prometheus_replica="A", prometheus_replica_set="eu"),
                prometheus("b", prometheus_replica="A", prometheus_replica_set="us"),
            ],
            id="the same in two sets",
        ),
        pytest.param(
            [
                prometheus("a", prometheus_replica="A"),
                prometheus("b", prometheus_replica="A", prometheus_ha_environment="test"),
            ],
            id="the same in two environments",
        ),
        pytest.param(
            [
                prometheus("a", prometheus_replica="A"),
                prometheus("b", prometheus_replica="A", prometheus_state="absent"),
            ],
            id="one that leaves does not count",
        ),
        pytest.param(
            [
                prometheus("a", prometheus_external_labels={"x": "1", "y": "2"}),
                prometheus("b", prometheus_external_labels={"y": "2", "x": "1"}),
            ],
            id="the order of labels",
        ),
        pytest.param(
            [
                prometheus("a", prometheus_replica_set="fed", prometheus_replica_label="fed_replica"),
                prometheus("b", prometheus_external_labels={"fed_replica": "x"}),
            ],
            id="another set's replica label",
        ),
    ],
)
def test_p01_passes(parts: list[t.Any]) -> None:
    good(*parts)


def test_p06() -> None:
    mesh = alertmanager("am-1", alertmanager_mesh="a", prometheus_ha_environment="test")
    found = findings(prometheus("p", prometheus_alertmanager_meshes=["a"]), mesh)
    assert [line.partition(": ")[0] for line in found] == ["P06 error host p, variable prometheus_alertmanager_meshes"]
    assert "no mesh 'a' in the environment 'default'" in found[0]
    good(prometheus("p", prometheus_alertmanager_meshes=["a"], prometheus_ha_environment="test"), mesh)


def test_p06_of_no_mesh_at_all() -> None:
    good(prometheus("p", prometheus_alertmanager_meshes=[]), alertmanager("am-1", "am-2"))


@pytest.mark.parametrize(
    "labels, expected",
    [
        pytest.param(
            {"site": ""}, "P01 error hosts a, b, variable prometheus_external_labels: the external label", id="one"
        ),
        pytest.param({"site": "", "a-b": "x"}, "I03 error hosts a, b, variable prometheus_external_labels: ", id="two"),
    ],
)
def test_an_empty_label_is_told_once(labels: dict[str, str], expected: str) -> None:
    """With something else wrong in the labels, the renderer lists all of it."""
    found = findings(prometheus("a", "b", prometheus_external_labels=labels), MESH)
    assert len(found) == 1, found
    assert found[0].startswith(expected)
    assert "'site'" in found[0]


@pytest.mark.parametrize(
    "values, words",
    [
        ({"prometheus_external_labels": {"site": "a$b"}}, "'site' is 'a$b': Prometheus 3.5.3 takes"),
        ({"prometheus_external_labels": {"site": "$$$x"}}, "write '$$$$$$x'"),
        ({"prometheus_replica": "r$1"}, "'replica' is, by prometheus_replica, 'r$1'"),
    ],
    ids=str,
)
def test_p09(values: dict[str, t.Any], words: str) -> None:
    found = findings(prometheus("p", **values), prometheus("q", **{**values, "prometheus_replica": "q"}), MESH)
    assert {line.partition(",")[0] for line in found} <= {"P09 error host p", "P09 error hosts p"}
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "values",
    [
        {"prometheus_external_labels": {"site": "a$$b"}},
        {"prometheus_external_labels": {"site": "a$b"}, "prometheus_version": "2.53.3"},
    ],
    ids=str,
)
def test_p09_passes(values: dict[str, t.Any]) -> None:
    good(prometheus("p", "q", **values), MESH)


def test_p09_leaves_labels_with_more_wrong_to_the_renderer() -> None:
    found = findings(prometheus("p", "q", prometheus_external_labels={"site": "a$b", "a-b": "x"}), MESH)
    assert len(found) == 1
    assert found[0].startswith("I03 error hosts p, q, variable prometheus_external_labels: ")
    assert "'a-b'" in found[0]
    assert "must be written $$" in found[0]


@pytest.mark.parametrize(
    "version, retention, count",
    [
        ("3.5.3", {"time": "15d"}, 1),
        ("3.10.9", {"size": "1GB"}, 1),
        ("2.53.3", {}, 1),
        ("3.11.0", {"time": "15d"}, 0),
        ("3.5.3", None, 0),
    ],
)
def test_p11(version: str, retention: dict[str, str] | None, count: int) -> None:
    config = {"storage": {"tsdb": {"retention": retention}}}
    found = findings(prometheus("p", "q", prometheus_version=version, prometheus_config=config), MESH)
    assert [line.partition(": ")[0] for line in found] == ["P11 error hosts p, q, variable prometheus_config"] * count


def by_hand(rule: Rule[Subject], version: str, *blocks: dict[str, t.Any]) -> list[Problem]:
    """What a rule says of a configuration that no inventory can bring about."""
    whole = snapshot(prometheus("p", prometheus_version=version), MESH)
    model = _topology.build(whole, KINDS)
    config = {"alerting": {"alertmanagers": list(blocks)}}
    return list(rule.check(Subject(whole, model, {}, Controller(), {("p", "prometheus"): config})))


CHANGE = {"target_label": "team", "replacement": "x"}
CHOOSE = {"source_labels": ["team"], "regex": "x", "action": "Keep"}


@pytest.mark.parametrize(
    "version, configs, count",
    [("3.6.9", [CHANGE], 1), ("2.53.3", [CHOOSE, CHANGE], 1), ("3.7.0", [CHANGE], 0), ("3.5.3", [CHOOSE], 0)],
)
def test_p05_guards_the_renderer(version: str, configs: list[dict[str, t.Any]], count: int) -> None:
    found = by_hand(p05_no_relabelling_for_one_alertmanager, version, {}, {"alert_relabel_configs": configs})
    assert len(found) == count
    assert all("changes alerts by replace" in problem.what for problem in found)


@pytest.mark.parametrize("api, count", [("v1", 1), ("v2", 0)])
def test_p07_guards_the_renderer(api: str, count: int) -> None:
    assert len(by_hand(p07_api_v2, "3.5.3", {"api_version": api})) == count


def test_what_is_rendered_has_neither() -> None:
    found = good(prometheus("p", "q"), MESH)
    for block in loaded(slice_of(found, "p"), "prometheus.yml")["alerting"]["alertmanagers"]:
        assert block["api_version"] == "v2"
        assert "alert_relabel_configs" not in block


OUT_OF_ORDER = {
    "thanos_sidecar_enabled": True,
    "prometheus_config": {"storage": {"tsdb": {"out_of_order_time_window": "30m"}}},
}
IN_ORDER = {"thanos_sidecar_enabled": True}


def store(bucket: str) -> dict[str, t.Any]:
    return {"thanos_objstore_config": {"type": "S3", "config": {"bucket": bucket, "endpoint": "s3"}}}


def compact(**values: t.Any) -> dict[str, HostVariables]:
    return hosts("c", groups=["thanos_compact"], **{**store("b"), **values})


def receive(window: str, bucket: str = "b") -> dict[str, HostVariables]:
    return hosts("r", groups=["thanos_receive"], thanos_receive_out_of_order_time_window=window, **store(bucket))


@pytest.mark.parametrize(
    "parts, words",
    [
        pytest.param(
            [prometheus("p", **OUT_OF_ORDER, **store("b")), compact()],
            ["p has storage.tsdb.out_of_order_time_window: 30m in prometheus_config, in blocks of the same bucket"],
            id="a sidecar's Prometheus",
        ),
        pytest.param(
            [receive("1h"), compact()], ["r has thanos_receive_out_of_order_time_window: 1h"], id="a receiver"
        ),
        pytest.param(
            [prometheus("p", **OUT_OF_ORDER, **store("b")), compact(thanos_compact_enable_vertical_compaction=True)],
            [],
            id="vertical compaction",
        ),
        pytest.param(
            [receive("1h"), compact(thanos_compact_deduplication_replica_labels=["replica"])],
            [],
            id="vertical compaction by deduplication",
        ),
        pytest.param([receive("1h", "other"), compact()], [], id="another bucket"),
        pytest.param([receive("0s"), compact()], [], id="no window"),
        pytest.param([receive("soon"), compact()], [], id="no duration"),
        pytest.param([prometheus("p", **IN_ORDER, **store("b")), compact()], [], id="in order"),
        pytest.param(
            [prometheus("p", prometheus_config=OUT_OF_ORDER["prometheus_config"]), compact()],
            [],
            id="no sidecar uploads",
        ),
        pytest.param([prometheus("p", **OUT_OF_ORDER), compact(thanos_objstore_config=None)], [], id="no buckets"),
    ],
)
def test_p15(parts: list[dict[str, HostVariables]], words: list[str]) -> None:
    found = [str(finding) for finding in plan(*parts).findings if finding.id == "P15"]
    assert len(found) == len(words)
    for line, word in zip(found, words):
        assert line.startswith("P15 error host c, variable thanos_compact_enable_vertical_compaction: it is off, and ")
        assert word in line
