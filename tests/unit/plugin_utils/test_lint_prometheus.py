# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replica sets."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, findings, good, prometheus


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
