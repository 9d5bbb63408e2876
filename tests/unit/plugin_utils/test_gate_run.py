# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a gate asks, for how long a member is held, and how views find their way back to who gave them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate_run, _store
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
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import (
    begin_run,
    obtain,
    part,
    task_vars,
    templar_of,
)


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_run(tmp_path, monkeypatch)


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
    assert cohort_of(mesh, topology) == {
        "title": "mesh default",
        "thinned": False,
        "peer_timeout": 15.0,
        "hosts": ["am-1", "am-2"],
        "hold": hold,
        "label": "",
    }


def test_a_replica_set() -> None:
    topology = support.topology(
        support.prometheus("p-1", "p-2", prometheus_replica_label="copy"),
        support.prometheus("p-3", prometheus_state="staged"),
        support.prometheus("p-4", prometheus_state="absent"),
    )
    (cohort,) = topology.cohorts_of("prometheus")
    found = cohort_of(cohort, topology)
    assert (found["hosts"], found["hold"], found["label"], found["peer_timeout"]) == (["p-1", "p-2"], 0.0, "copy", 0.0)
    assert found["thinned"], "one of it leaves"


# -- whom a host's gate asks ------------------------------------------------------------------------------------------

STACK = (
    support.prometheus("p-1", "p-2", prometheus_replica_label="copy"),
    support.prometheus("p-3", prometheus_state="absent", prometheus_replica_label="copy"),
    support.prometheus("p-4", prometheus_state="staged", prometheus_replica_label="copy"),
    support.alertmanager("am-1", "am-2", "am-3"),
)


def gates(host: str, *names: str) -> list[Component]:
    variables = task_vars(host, *STACK)
    return _gate_run.obtain(variables, templar_of(variables), obtain(variables), names or None)


def staged(name: str, **hosts: t.Any) -> None:
    """What hosts (``_`` for ``-``) have pending of a component."""
    for host, found in hosts.items():
        _store.record_pending(host.replace("_", "-"), {name: found})


def test_a_replica_asks_itself_first_and_those_of_its_set_that_run() -> None:
    (found,) = gates("p-2")
    assert (found.name, list(found.checks), list(found.plans), found.leaves) == (
        "prometheus",
        ["p-2", "p-1"],
        ["p-2", "p-1"],
        False,
    )
    assert found.checks["p-1"] == {
        "kind": "prometheus",
        "url": "http://127.0.0.1:9090",
        "http": {},
        "replica_label": "copy",
        "agent": False,
    }
    plan = found.plans["p-1"]
    assert (len(plan["generation"]), len(plan["alertmanagers"]), plan["differs"]) == (64, 3, False)
    assert found.cohort["hosts"] == ["p-1", "p-2"]


def test_a_member_asks_all_of_its_mesh() -> None:
    (found,) = gates("am-2")
    assert (list(found.checks), found.plans["am-1"]["members"]) == (["am-2", "am-1", "am-3"], 3)
    assert found.checks["am-1"].keys() == {"kind", "url", "http"}


def test_of_one_that_leaves_only_the_others_are_asked() -> None:
    (found,) = gates("p-3")
    assert (list(found.checks), found.leaves, found.cohort["thinned"]) == (["p-1", "p-2"], True, True)
    away: dict[str, t.Any] = {"answers": False, "error": "refused"}
    seen: Seen = {"p-1": {"prometheus": away}, "p-2": {"prometheus": away}}
    (one,) = judge([found], seen, state="before", limits_margin=(Limits(), 0.0), baseline={})
    assert one.sentence == "p-1 does not answer: refused", "not taken for one that is away and to be repaired"


@pytest.mark.parametrize(("host", "names"), [("p-4", ()), ("p-1", ("alertmanager",))])
def test_who_has_no_gate(host: str, names: tuple[str, ...]) -> None:
    assert gates(host, *names) == []


def test_who_is_still_to_change_its_files() -> None:
    staged("prometheus", p_1=part("reload", files=["prometheus.yml"]), p_2=part("restart"))
    (found,) = gates("p-1")
    assert {host: plan["differs"] for host, plan in found.plans.items()} == {"p-1": True, "p-2": False}


def test_a_peer_that_limit_leaves_out_may_differ_where_the_host_itself_is_looked_at() -> None:
    staged("prometheus", p_1=part("reload", files=["prometheus.yml"]))
    (found,) = gates("p-1")
    assert {host: plan["differs"] for host, plan in found.plans.items()} == {"p-1": True, "p-2": True}


@pytest.mark.parametrize(
    ("limited", "expected"),
    [
        pytest.param(True, ("am-2.example:9093", "am-3.example:9093"), id="those that the run leaves out"),
        pytest.param(False, (), id="without a limit all are covered"),
    ],
)
def test_alertmanagers_that_a_limited_run_does_not_cover(limited: bool, expected: tuple[str, ...]) -> None:
    staged("alertmanager", am_1=part())
    variables = task_vars("p-1", *STACK)
    if limited:
        variables["ansible_limit"] = "p-1,am-1"
    (found,) = _gate_run.obtain(variables, templar_of(variables), obtain(variables))
    assert {host: plan["uncovered"] for host, plan in found.plans.items()} == {"p-1": expected, "p-2": expected}


def test_one_whose_endpoint_moves_is_asked_where_it_answers() -> None:
    former = {"port": 9999, "prefix": "/x"}
    staged(
        "alertmanager",
        am_1=part("restart", endpoint=former),
        am_2=part("restart", endpoint=former),
        am_3=part(endpoint=former),  # it has moved
    )
    components = gates("am-1")
    assert components[0].former == {"am-1": former, "am-2": former}
    planned, there = "http://127.0.0.1:9093", "http://127.0.0.1:9999/x"
    asked = {host: checks[0]["url"] for host, checks in questions(components, ()).items()}
    assert asked == {"am-1": there, "am-2": there, "am-3": planned}
    asked = {host: checks[0]["url"] for host, checks in questions(components, {"am-1"}).items()}
    assert asked == {"am-1": planned, "am-2": there, "am-3": planned}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param(part("reload", at_once=True), {"am-1", "am-2"}, id="with all that do"),
        pytest.param(part("restart", ahead=True), {"am-1", "am-2"}, id="ahead of a restart"),
        pytest.param(part("restart"), set(), id="its own change is another one"),
    ],
)
def test_who_makes_the_same_change_at_the_same_moment(own: t.Any, expected: set[str]) -> None:
    staged("alertmanager", am_1=own, am_2=part("reload", at_once=True), am_3=part("restart"))
    (found,) = gates("am-1")
    assert found.together == expected


# -- what is asked, and what comes of it ------------------------------------------------------------------------------


def member(name: str) -> dict[str, t.Any]:
    return {"kind": "alertmanager", "url": f"http://{name}"}


def cohort(hold: float) -> dict[str, t.Any]:
    return {"title": "x", "thinned": False, "peer_timeout": 0.0, "hosts": [], "hold": hold, "label": ""}


MESH = Component(
    "alertmanager",
    {"a": member("a"), "b": member("b")},
    {host: {"members": 2, "config_hash": 7} for host in "ab"},
    cohort(60.0),
)
SET = Component(
    "prometheus",
    {"a": {"kind": "prometheus", "url": "http://a"}, "c": {"kind": "prometheus", "url": "http://c"}},
    {host: {"generation": "x", "alertmanagers": ()} for host in "ac"},
    cohort(0.0),
)


def test_each_host_is_asked_once_and_views_find_back() -> None:
    asked = questions([SET, MESH], {"a"})
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


@pytest.mark.parametrize(
    ("moved", "uptime", "said"),
    [
        pytest.param("a", 14.0, True, id="moved, and just there"),
        pytest.param("a", 15.0, False, id="moved, and found"),
        pytest.param("b", 1.0, False, id="the other will move"),
        pytest.param("", 1.0, False, id="it stays where it was"),
    ],
)
def test_a_store_api_that_moved_is_waited_for_until_queriers_have_found_it(
    moved: str, uptime: float, said: bool
) -> None:
    view = {"answers": True, "ready": True, "status": 200, "stores": None, "prometheus_up": True, "config_hash": None}
    sidecars = Component(
        "thanos_sidecar",
        {host: {"kind": "thanos", "url": f"http://{host}"} for host in "ab"},
        {"a": {}, "b": {}},
        cohort(0.0),
        former={moved: {"port": 10902, "grpc_port": 10901}},
    )
    seen: Seen = {
        "a": {"thanos_sidecar": {**view, "uptime": uptime}},
        "b": {"thanos_sidecar": {**view, "uptime": 1.0}},
    }
    options: dict[str, t.Any] = {"limits_margin": (Limits(), 5.0), "baseline": {}}
    found = judge([sidecars], seen, state="after", **options)
    assert [one.sentence for one in found] == (
        ["a runs for 14 s; queriers have found it at its new place 15 s after its start"] if said else []
    )
    assert judge([sidecars], seen, state="before", **options) == []


def replica(**view: t.Any) -> dict[str, t.Any]:
    well: dict[str, t.Any] = {
        "answers": True,
        "ready": True,
        "started": 0.0,
        "uptime": 500.0,
        "reloaded": True,
        "wal_corruptions": 0.0,
        "checkpoint_failures": 0.0,
        "targets": {"a": "up"},
        "scrape_intervals": ["15s"],
        "generations": ["x"],
        "rules": 1,
        "alerting": [],
        "firing": [],
        "alertmanagers": [],
        "unreached": {},
    }
    return {**well, **view}


@pytest.mark.parametrize(
    ("own", "other", "sentence"),
    [
        pytest.param(True, True, None, id="the first of two"),
        pytest.param(True, False, "here not up: b (no target)", id="the last of two: both have their new files by now"),
        pytest.param(False, False, "here not up: b (no target)", id="no files change"),
    ],
)
def test_after_its_change_a_replica_has_its_new_files(own: bool, other: bool, sentence: str | None) -> None:
    plans = {
        host: {"generation": "x", "alertmanagers": (), "differs": differs}
        for host, differs in (("a", own), ("c", other))
    }
    component = Component("prometheus", SET.checks, plans, cohort(0.0))
    seen: Seen = {
        "a": {"prometheus": replica()},
        "c": {"prometheus": replica(targets={"a": "up", "b": "up"})},
    }
    found = judge([component], seen, state="after", limits_margin=(Limits(), 0.0), baseline={})
    assert [one.sentence.partition("; ")[2] for one in found] == ([sentence] if sentence else [])


def test_what_a_host_showed_before_is_known_after() -> None:
    assert _gate_run.remembered("a") == {}
    view = {"answers": True, "started": 1.0}
    _gate_run.remember("a", {"prometheus": view})
    assert _gate_run.remembered("a") == {"prometheus": view}
