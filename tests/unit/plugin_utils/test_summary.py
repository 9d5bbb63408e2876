# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check comes to, in a line; and what is checked without being rolled out."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _summary
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import Summary
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology

E, W = error("P01", "host a", "w", "d"), warning("X02", "host a", "w", "d")
IGNORED, UNDECIDED = (
    Finding("P01", "error", "host a", "w", "d", "meant"),
    Finding("P04", "undecided", "host a", "w", "d"),
)


@pytest.mark.parametrize(
    "findings, words",
    [
        ([], "5 hosts, 2 replica sets, 1 mesh: 0 errors, 0 warnings, 0 ignored."),
        ([E], "5 hosts, 2 replica sets, 1 mesh: 1 error, 0 warnings, 0 ignored."),
        ([E, W, W, IGNORED], "5 hosts, 2 replica sets, 1 mesh: 1 error, 2 warnings, 1 ignored."),
        ([W, UNDECIDED], "5 hosts, 2 replica sets, 1 mesh: 0 errors, 1 warning, 1 undecided, 0 ignored."),
    ],
)
def test_the_line(findings: list[Finding], words: str) -> None:
    parts = prometheus("a", "b"), prometheus("c", prometheus_replica_set="c"), alertmanager("d", "e")
    assert str(Summary.of(topology(*parts), findings)) == words


def test_of_other_cohorts_the_line_says_nothing() -> None:
    assert str(Summary(3, {"queriers": 1, "mesh": 2}, 0, 0, 0, 0)).startswith("3 hosts, 2 meshes: ")


def test_sidecars_form_no_further_replica_sets() -> None:
    parts = prometheus("a", "b", thanos_sidecar_enabled=True), prometheus("c", prometheus_replica_set="c")
    assert Summary.of(topology(*parts), []).cohorts == {"replica set": 2}


def test_a_component_that_no_role_rolls_out_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = prometheus(*(f"p{number}" for number in range(12))), alertmanager("a")
    assert _summary.notes(topology(*parts)) == []
    original = _registry.component
    monkeypatch.setattr(_registry, "component", lambda name: dataclasses.replace(original(name), render=None))
    assert _summary.notes(topology(*parts)) == [
        "Checked and drawn; this version has no role that rolls out Prometheus: "
        "hosts p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 2 more.",
        "Checked and drawn; this version has no role that rolls out Alertmanager: host a.",
    ]
