# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a gate asks, for how long a member is held, and how views find their way back to who gave them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate import Limits
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate_run import (
    Component,
    Seen,
    answers,
    cohort_of,
    judge,
    questions,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan as support


@pytest.mark.parametrize(
    ("first", "second", "hold"),
    [
        pytest.param({}, {}, 90.0, id="upstream's resend delay and the collection's evaluation interval"),
        pytest.param(
            {"prometheus_evaluation_interval": "10s", "prometheus_extra_args": {"rules.alert.resend-delay": "20s"}},
            {"prometheus_evaluation_interval": "1m", "prometheus_extra_args": {"--rules.alert.resend-delay": "5s"}},
            65.0,
            id="the slowest Prometheus",
        ),
        pytest.param(
            {"prometheus_rules": [{"name": "slow", "interval": "5m", "rules": []}]},
            {"prometheus_agent": True},
            360.0,
            id="the slowest group, and no agent",
        ),
        pytest.param({"prometheus_agent": True}, {"prometheus_agent": True}, 0.0, id="nobody alerts"),
    ],
)
def test_hold(first: t.Mapping[str, t.Any], second: t.Mapping[str, t.Any], hold: float) -> None:
    topology = support.topology(
        support.prometheus("p-1", prometheus_replica_set="a", **first),
        support.prometheus("p-2", prometheus_replica_set="b", **second),
        support.alertmanager("am-1", "am-2"),
    )
    (mesh,) = topology.cohorts_of("alertmanager")
    assert cohort_of(mesh, topology) == {"hosts": ["am-1", "am-2"], "hold": hold, "label": ""}


def test_a_replica_set() -> None:
    topology = support.topology(
        support.prometheus("p-1", "p-2", prometheus_replica_label="copy"),
        support.prometheus("p-3", prometheus_state="staged"),
        support.prometheus("p-4", prometheus_state="absent"),
    )
    (cohort,) = topology.cohorts_of("prometheus")
    assert cohort_of(cohort, topology) == {"hosts": ["p-1", "p-2"], "hold": 0.0, "label": "copy"}


def member(name: str) -> dict[str, t.Any]:
    return {"kind": "alertmanager", "url": f"http://{name}"}


MESH = Component(
    "alertmanager",
    {"a": member("a"), "b": member("b")},
    {host: {"members": 2, "config_hash": 7} for host in "ab"},
    60.0,
)
SET = Component(
    "prometheus",
    {"a": {"kind": "prometheus"}, "c": {"kind": "prometheus"}},
    {host: {"generation": "x", "alertmanagers": ()} for host in "ac"},
    0.0,
)


def test_each_host_is_asked_once_and_views_find_back() -> None:
    asked = questions([SET, MESH])
    assert {host: [check["kind"] for check in checks] for host, checks in asked.items()} == {
        "a": ["prometheus", "alertmanager"],
        "c": ["prometheus"],
        "b": ["alertmanager"],
    }
    seen = answers([SET, MESH], {"a": [{"n": 1}, {"n": 2}], "b": [{"n": 3}], "c": [{"n": 4}]})
    assert seen == {
        "a": {"prometheus": {"n": 1}, "alertmanager": {"n": 2}},
        "b": {"alertmanager": {"n": 3}},
        "c": {"prometheus": {"n": 4}},
    }


def test_the_first_of_each_component_is_judged() -> None:
    away: dict[str, t.Any] = {"answers": False, "error": "refused"}
    well: dict[str, t.Any] = {
        "answers": True,
        "status": "ready",
        "members": {"A": "", "B": ""},
        "silences": [],
        "config_hash": 7,
        "uptime": 64.0,
    }
    seen: Seen = {
        "a": {"prometheus": away, "alertmanager": well},
        "b": {"alertmanager": well},
        "c": {"prometheus": away},
    }
    options: dict[str, t.Any] = {"state": "after", "limits_margin": (Limits(), 5.0), "baseline": {}}
    assert [(one.key, one.sentence) for one in judge([SET, MESH], seen, **options)] == [
        (("prometheus", "answer"), "a does not answer: refused"),
        (("alertmanager", "hold"), "a runs for 64 s; all alerts have come back to it 65 s after its start"),
    ]
    assert judge([MESH], seen, **{**options, "limits_margin": (Limits(), 4.0)}) == []
