# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each predicate of the gate, by views for which it holds and views for which it says what it waits for."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate import Limits, Replica, Scene, first_open
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate_predicates import (
    ALERTMANAGER,
    PROMETHEUS,
    TABLES,
    THANOS,
)

MARK = "a" * 64
AWAY: dict[str, t.Any] = {"answers": False, "away": True, "error": "connection refused"}
LIMITS = Limits(30.0, 600.0)


def alert(name: str, duration: float = 0.0, seconds: float = 60.0, **labels: str) -> dict[str, t.Any]:
    """One that has been firing for so long, by the rule of its name."""
    since = "2026-01-01T00:00:00Z"
    labels = {"alertname": name, **labels}
    return {"labels": labels, "active_at": since, "for": duration, "seconds": seconds, "rule": name}


PAGE = alert("Down", 90.0, instance="x")


def prometheus(host: str, **view: t.Any) -> Replica:
    """A replica that is well, but for what is given."""
    well: dict[str, t.Any] = {
        "answers": True,
        "error": "",
        "ready": True,
        "status": 200,
        "replay": None,
        "at": 1500.0,
        "started": 1000.0,
        "uptime": 500.0,
        "reloaded": True,
        "wal_corruptions": 0.0,
        "checkpoint_failures": 0.0,
        "targets": {"node a:9100": "up", "node b:9100": "down"},
        "scrape_intervals": ["15s", "1m"],
        "rules": 3,
        "generations": [MARK],
        "evaluation_interval": 30.0,
        "alerting": ["Down", "Other"],
        "firing": [PAGE],
        "alertmanagers": ["am-1:9093", "am-2:9093"],
        "dropped_alertmanagers": 0,
        "unreached": {},
    }
    return Replica(host, {**well, **view}, generation=MARK, alertmanagers=("am-1:9093", "AM-2:9093"))


def away(one: Replica) -> Replica:
    return dataclasses.replace(one, view=AWAY)


def differing(one: Replica) -> Replica:
    """Its files are still to change in this run."""
    return dataclasses.replace(one, differs=True)


STARTING = {"ready": False, "status": 503}
SECOND = {"node a:9100": "up", "node b:9100": "up"}
THIRD = {"node a:9100": "up", "node c:9100": "up"}


def before(peer: Replica, own: Replica | None = None) -> Scene:
    return Scene("before", own or prometheus("eu-1"), (peer,), LIMITS)


def after(own: Replica, peer: Replica | None = None, baseline: dict[str, t.Any] | None = None) -> Scene:
    return Scene("after", own, (peer or prometheus("eu-2"),), LIMITS, baseline)


# Not known to be away: a time-out, a task that failed.
UNKNOWN: dict[str, t.Any] = {"answers": False, "error": "timed out"}


@pytest.mark.parametrize(
    ("scene", "repair", "relied_on"),
    [
        pytest.param(before(away(prometheus("b")), away(prometheus("a"))), True, (), id="nobody listens"),
        pytest.param(before(away(prometheus("b")), prometheus("a", **STARTING)), True, (), id="it starts"),
        pytest.param(
            before(prometheus("b"), dataclasses.replace(prometheus("a"), view=UNKNOWN)), False, (), id="not known"
        ),
        pytest.param(before(away(prometheus("b"))), False, ("b",), id="it serves, the peer does not"),
        pytest.param(after(prometheus("a"), away(prometheus("b"))), False, ("b",), id="so after its change"),
        pytest.param(after(prometheus("a"), prometheus("b", **STARTING)), False, ("b",), id="the peer starts"),
        pytest.param(after(prometheus("a"), prometheus("b")), False, (), id="both serve"),
        pytest.param(after(away(prometheus("a")), away(prometheus("b"))), False, (), id="neither serves"),
    ],
)
def test_what_may_be_taken_down(scene: Scene, repair: bool, relied_on: tuple[str, ...]) -> None:
    assert (scene.is_repair, scene.relied_on) == (repair, relied_on)


PASSES = {
    "a well peer": before(prometheus("eu-2")),
    "nobody else in the set": Scene("before", prometheus("eu-1"), (), LIMITS),
    "what is to be changed is away itself": before(prometheus("eu-2"), away(prometheus("eu-1"))),
    "what is to be changed still starts": before(prometheus("eu-2"), prometheus("eu-1", **STARTING)),
    "a peer of another generation, which is to be changed next": before(prometheus("eu-2", generations=["b"])),
    "what serves nobody is repaired, whatever the others do": before(
        away(prometheus("eu-2")), away(prometheus("eu-1"))
    ),
    "what still starts is repaired, whatever the others do": before(
        prometheus("eu-2", wal_corruptions=1.0), prometheus("eu-1", **STARTING)
    ),
    "before its change a peer has but one of the plan's Alertmanagers": before(
        differing(prometheus("eu-2", alertmanagers=["am-1:9093", "former:9093"], unreached={"former:9093": "refused"}))
    ),
    "before its change a peer has only others than the plan's": before(
        differing(prometheus("eu-2", alertmanagers=["former:9093"]))
    ),
    "before its change a peer has no Alertmanager": before(differing(prometheus("eu-2", alertmanagers=[]))),
    "before its change a peer lacks a target that is new": before(
        differing(prometheus("eu-2")), prometheus("eu-1", targets=THIRD)
    ),
    "a target that the change takes away": after(prometheus("eu-1"), differing(prometheus("eu-2", targets=THIRD))),
    "a target that the change has taken away here": after(
        differing(prometheus("eu-1")), prometheus("eu-2", targets=THIRD)
    ),
    "an alert of a rule that the change takes away": after(
        prometheus("eu-1"), differing(prometheus("eu-2", firing=[PAGE, alert("Gone")]))
    ),
    "an alert that has just begun to fire there": after(
        prometheus("eu-1"), prometheus("eu-2", firing=[PAGE, alert("Other", seconds=59.0)])
    ),
    "an Alertmanager that --limit leaves out, which was not there before either": after(
        dataclasses.replace(
            prometheus("eu-1", alertmanagers=["am-1:9093", "am-2:9093"], unreached={"am-2:9093": "refused"}),
            uncovered=("AM-2:9093",),
        )
    ),
    "an alert that began between the two looks": after(
        prometheus("eu-1"), prometheus("eu-2", at=1520.0, firing=[PAGE, alert("Other", seconds=79.0)])
    ),
    "the others of one that leaves are well": dataclasses.replace(
        before(prometheus("eu-2"), away(prometheus(""))), leaves=True
    ),
    "one left: the others of one that leaves are well": dataclasses.replace(
        after(away(prometheus("")), prometheus("eu-2")), leaves=True
    ),
    "a peer that fires more": before(prometheus("eu-2", firing=[PAGE, alert("Other")])),
    "a well replica": after(prometheus("eu-1")),
    "more targets up than the peer's": after(prometheus("eu-1", targets=SECOND)),
    "an old corruption, and the process is the same": after(
        prometheus("eu-1", wal_corruptions=1.0, checkpoint_failures=2.0),
        baseline={"started": 1000.0, "wal_corruptions": 1.0, "checkpoint_failures": 2.0},
    ),
    "just two of the slowest intervals": after(prometheus("eu-1", uptime=120.0)),
    "no target": after(prometheus("eu-1", uptime=0.0, targets={}, scrape_intervals=[]), prometheus("eu-2", targets={})),
    "an Alertmanager that is none of the plan's is out of reach": after(
        prometheus("eu-1", alertmanagers=["am-1:9093", "am-2:9093", "x:1"], unreached={"x:1": "refused"})
    ),
    "an agent": after(
        dataclasses.replace(
            prometheus("eu-1"),
            generation=None,
            view={
                key: value
                for key, value in prometheus("eu-1").view.items()
                if key not in ("rules", "generations", "firing", "alertmanagers", "unreached", "evaluation_interval")
            },
        ),
        prometheus("eu-2", firing=[]),
    ),
}

WAITS = [
    ("answer", before(away(prometheus("eu-2"))), "eu-2 does not answer: connection refused"),
    ("answer", after(away(prometheus("eu-1"))), "eu-1 does not answer: connection refused"),
    ("ready", before(prometheus("eu-2", **STARTING)), "eu-2 is starting (status 503)"),
    (
        "ready",
        after(prometheus("eu-1", **STARTING, replay={"min": 0, "max": 40, "current": 12})),
        "eu-1 replays its WAL: segment 12 of 40",
    ),
    ("peers", after(prometheus("eu-1"), away(prometheus("eu-2"))), "eu-2 does not answer: connection refused"),
    ("peers", after(prometheus("eu-1"), prometheus("eu-2", **STARTING)), "eu-2 is starting (status 503)"),
    (
        "WAL corruption",
        before(prometheus("eu-2", wal_corruptions=1.0)),
        "eu-2 found its WAL corrupt 1 times (before: 0) and lost the samples after that point",
    ),
    (
        "WAL corruption",
        after(
            prometheus("eu-1", wal_corruptions=1.0),
            baseline={"started": 900.0, "wal_corruptions": 1.0, "checkpoint_failures": 0.0},
        ),
        "eu-1 found its WAL corrupt 1 times (before: 0) and lost the samples after that point",
    ),
    (
        "checkpoints",
        after(
            prometheus("eu-1", checkpoint_failures=3.0),
            baseline={"started": 1000.0, "wal_corruptions": 0.0, "checkpoint_failures": 2.0},
        ),
        "eu-1 failed to write 3 checkpoints (before: 2)",
    ),
    (
        "last reload",
        before(prometheus("eu-2", reloaded=False)),
        "the last reload of eu-2 failed: it runs other rules than its files",
    ),
    (
        "rules",
        after(prometheus("eu-1", generations=["b" * 64])),
        "eu-1 evaluates 3 rules of generation bbbbbbbbbbbb; the plan's is aaaaaaaaaaaa",
    ),
    (
        "rules",
        after(prometheus("eu-1", generations=[], rules=0)),
        "eu-1 evaluates 0 rules of generation none; the plan's is aaaaaaaaaaaa",
    ),
    (
        "Alertmanagers",
        before(prometheus("eu-2", alertmanagers=["am-1:9093"], dropped_alertmanagers=1)),
        "eu-2 has 1 of 2 Alertmanagers: am-2:9093 missing, 1 dropped",
    ),
    (
        "Alertmanagers",
        after(prometheus("eu-1", unreached={"am-2:9093": "refused"})),
        "eu-1 can't reach am-2:9093 (refused)",
    ),
    (
        "two scrape intervals",
        after(prometheus("eu-1", uptime=119.0)),
        "eu-1 runs for 119 s; two of its slowest scrape intervals are 120 s",
    ),
    (
        "two scrape intervals",
        before(prometheus("eu-2", uptime=3.0)),
        "eu-2 runs for 3 s; two of its slowest scrape intervals are 120 s",
    ),
    (
        "targets",
        after(prometheus("eu-1", targets={"node a:9100": "unknown"}), prometheus("eu-2", targets=SECOND)),
        "eu-1 has 0 targets up, eu-2 2; here not up: node a:9100 (unknown), node b:9100 (no target)",
    ),
    (
        "targets",
        before(prometheus("eu-2"), prometheus("eu-1", targets={f"node {n}:9100": "up" for n in "bcdef"})),
        "eu-2 has 1 targets up, eu-1 5; here not up: node b:9100 (down), node c:9100 (no target), "
        "node d:9100 (no target) and 2 more",
    ),
    (
        "firing alerts",
        after(prometheus("eu-1", firing=[alert("Down", 90.0, instance="y")])),
        '1 alerts fire on eu-2, 1 on eu-1; here not yet: Down{instance="x"}',
    ),
    (
        "targets",
        after(prometheus("eu-1"), differing(prometheus("eu-2", targets={**SECOND, **THIRD}))),
        "eu-1 has 1 targets up, eu-2 3; here not up: node b:9100 (down)",
    ),
    (
        "Alertmanagers",
        before(differing(prometheus("eu-2", alertmanagers=["former:9093"], unreached={"former:9093": "refused"}))),
        "eu-2 can't reach former:9093 (refused)",
    ),
    (
        "Alertmanagers",
        after(differing(prometheus("eu-1", alertmanagers=["am-1:9093"]))),
        "eu-1 has 1 of 2 Alertmanagers: am-2:9093 missing",
    ),
    (
        "answer",
        dataclasses.replace(before(away(prometheus("eu-2")), away(prometheus(""))), leaves=True),
        "eu-2 does not answer",
    ),
    (
        "ready",
        dataclasses.replace(after(away(prometheus("")), prometheus("eu-2", **STARTING)), leaves=True),
        "eu-2 is starting (status 503)",
    ),
    (
        "firing alerts",
        after(prometheus("eu-1"), prometheus("eu-2", firing=[PAGE, alert("Gone")])),
        "2 alerts fire on eu-2, 1 on eu-1; here not yet: Gone{}",
    ),
    (
        "firing alerts",
        after(prometheus("eu-1"), differing(prometheus("eu-2", firing=[PAGE, alert("Other"), alert("Gone")]))),
        "2 alerts fire on eu-2, 1 on eu-1; here not yet: Other{}",
    ),
    (
        "firing alerts",
        before(prometheus("eu-2", firing=[])),
        '1 alerts fire on eu-1, 0 on eu-2; here not yet: Down{instance="x"}',
    ),
]

MEMBERS = {"A": "192.0.2.1:9094", "B": "192.0.2.2:9094", "C": "192.0.2.3:9094"}
TWO = {name: MEMBERS[name] for name in "BC"}
FOUR = {**MEMBERS, "D": "192.0.2.4:9094"}


def member(host: str, **view: t.Any) -> Replica:
    """A member that is well, but for what is given."""
    well: dict[str, t.Any] = {
        "answers": True,
        "error": "",
        "status": "ready",
        "members": MEMBERS,
        "silences": ["1", "2"],
        "config_hash": 7,
        "started": 1000.0,
        "uptime": 70.0,
    }
    return Replica(host, {**well, **view}, members=3, config_hash=7)


def mesh(state: str, *members: Replica, hold: float = 65.0) -> Scene:
    own, *others = members
    return Scene(state, own, tuple(others), LIMITS, hold=hold)


def four(*members: Replica) -> list[Replica]:
    """They see one more than the plan has."""
    return [dataclasses.replace(one, view={**one.view, "members": FOUR}) for one in members]


def together(*members: Replica, hosts: t.Collection[str] = ("am-1", "am-2", "am-3")) -> Scene:
    return dataclasses.replace(mesh("after", *members), together=frozenset(hosts), peer_timeout=15.0)


def leaving(state: str, *others: Replica) -> Scene:
    return dataclasses.replace(mesh(state, away(member("")), *others), leaves=True, thinned=True)


B, C = member("am-2"), member("am-3")
FORMER_B = member("am-2", config_hash=8)
MESH_PASSES = {
    "a well mesh": mesh("before", member("am-1"), B, C),
    "the one to be changed is away, and not missed": mesh(
        "before", away(member("am-1")), member("am-2", members=TWO), member("am-3", members=TWO)
    ),
    "the one to be changed is away, and still counted": mesh("before", away(member("am-1")), B, C),
    "another configuration, which is what is to be changed": mesh(
        "before", member("am-1"), member("am-2", config_hash=8)
    ),
    "a young peer": mesh("before", member("am-1"), member("am-2", uptime=1.0)),
    "a well member": mesh("after", member("am-1"), B, C),
    "a silence more than the others": mesh("after", member("am-1", silences=["1", "2", "3"]), B, C),
    "somebody who is to leave is still seen": mesh("before", *four(member("am-1"), B, C)),
    "somebody else of the mesh leaves in this run, and is still seen": dataclasses.replace(
        mesh("after", *four(member("am-1"), B, C)), thinned=True
    ),
    "one that is away is repaired, whatever the others do": mesh("before", away(member("am-1")), away(B), C),
    "the others of one that leaves": leaving("before", *four(B, C)),
    "one that leaves is still seen by the others": leaving("after", *four(B, C)),
    "one that leaves has no configuration and no silences": leaving("after", FORMER_B, C),
    "all that take it up together have the new configuration": together(member("am-1"), B, C),
    "one that does not change together has the former configuration": together(
        member("am-1"), B, member("am-3", config_hash=8), hosts=("am-1", "am-2")
    ),
    "a peer with the former configuration": mesh("after", member("am-1"), member("am-2", config_hash=8), C),
    "alone, without a mesh": Scene(
        "after",
        dataclasses.replace(member("am-1", status="disabled", members={}), members=1),
        (),
        LIMITS,
    ),
}
MESH_WAITS = [
    ("answer", mesh("before", member("am-1"), away(B), C), "am-2 does not answer: connection refused"),
    ("answer", mesh("after", away(member("am-1")), B, C), "am-1 does not answer: connection refused"),
    (
        "settled",
        mesh("after", member("am-1", status="settling"), B, C),
        "the gossip of am-1 is not settled (status settling)",
    ),
    (
        "settled",
        mesh("after", member("am-1"), B, member("am-3", status="settling")),
        "the gossip of am-3 is not settled",
    ),
    (
        "settled",
        mesh("after", member("am-1", status="disabled"), B, C),
        "the gossip of am-1 is not settled (status disabled)",
    ),
    (
        "members",
        mesh("after", member("am-1"), B, member("am-3", members=TWO)),
        "am-3 sees 2 of 3 members: 192.0.2.2:9094, 192.0.2.3:9094",
    ),
    ("members", mesh("before", member("am-1"), member("am-2", members=TWO), C), "am-2 sees 2 of 3 members"),
    (
        "one mesh",
        mesh("after", member("am-1"), B, member("am-3", members={**TWO, "D": "192.0.2.4:9094"})),
        "am-1 and am-3 see different members (A, D is seen by one): the mesh is split",
    ),
    (
        "members",
        mesh("after", *four(member("am-1"), B, C)),
        "am-1 sees 4 of 3 members: 192.0.2.1:9094, 192.0.2.2:9094, 192.0.2.3:9094 and 1 more",
    ),
    (
        "members",
        leaving("after", member("am-2", members=TWO), C),
        "am-2 sees 2 of 3 members",
    ),
    ("answer", leaving("before", away(B), C), "am-2 does not answer"),
    (
        "configuration",
        together(member("am-1"), FORMER_B, C),
        "am-2 runs a configuration with the hash 8; the plan's has 7",
    ),
    (
        "configuration",
        mesh("after", member("am-1", config_hash=8), B, C),
        "am-1 runs a configuration with the hash 8; the plan's has 7",
    ),
    (
        "silences",
        mesh("after", member("am-1", silences=["1"]), B, C),
        "am-1 knows 1 silences, am-2 2; here missing: 2",
    ),
    (
        "hold",
        mesh("after", member("am-1", uptime=64.0), B, C),
        "am-1 runs for 64 s; all alerts have come back to it 65 s after its start",
    ),
]


@pytest.mark.parametrize(
    ("component", "scene"),
    [
        *(pytest.param("prometheus", scene, id=name) for name, scene in PASSES.items()),
        *(pytest.param("alertmanager", scene, id=name) for name, scene in MESH_PASSES.items()),
    ],
)
def test_the_gate_is_open(component: str, scene: Scene) -> None:
    assert first_open(component, TABLES[component], scene) is None


@pytest.mark.parametrize(
    ("component", "name", "scene", "sentence"),
    [
        *(pytest.param("prometheus", *case, id=f"{case[0]}: {case[2][:40]}") for case in WAITS),
        *(pytest.param("alertmanager", *case, id=f"{case[0]}: {case[2][:40]}") for case in MESH_WAITS),
    ],
)
def test_the_gate_says_what_it_waits_for(component: str, name: str, scene: Scene, sentence: str) -> None:
    found = first_open(component, TABLES[component], scene)
    assert found is not None
    assert (found.predicate.name, found.sentence[: len(sentence)]) == (name, sentence)


@pytest.mark.parametrize(("table", "cases"), [(PROMETHEUS, WAITS), (ALERTMANAGER, MESH_WAITS)])
def test_every_predicate_is_seen_to_wait(table: t.Sequence[t.Any], cases: t.Sequence[t.Any]) -> None:
    assert {predicate.name for predicate in table} == {case[0] for case in cases}
    assert len({predicate.name for predicate in table}) == len(table)


@pytest.mark.parametrize(
    ("component", "scene", "name", "allowed"),
    [
        pytest.param("prometheus", after(away(prometheus("a"))), "answer", 600.0, id="after"),
        pytest.param("prometheus", before(away(prometheus("a"))), "answer", 30.0, id="before"),
        pytest.param("prometheus", after(prometheus("a", wal_corruptions=1.0)), "WAL corruption", 0.0, id="never"),
        pytest.param(
            "prometheus", after(prometheus("a", checkpoint_failures=1.0)), "checkpoints", 0.0, id="never, either"
        ),
        pytest.param(
            "prometheus",
            after(prometheus("a", uptime=1.0)),
            "two scrape intervals",
            720.0,
            id="what is certain to come",
        ),
        pytest.param(
            "prometheus",
            after(prometheus("a", firing=[]), prometheus("b", firing=[PAGE, alert("Slow", 3600.0)])),
            "firing alerts",
            3780.0,
            id="the longest for, two evaluations and two scrapes",
        ),
        pytest.param(
            "prometheus",
            dataclasses.replace(after(prometheus("a", firing=[])), margin=7.0),
            "firing alerts",
            277.0,
            id="and the margin",
        ),
        pytest.param("alertmanager", together(member("am-1"), FORMER_B, C), "configuration", 15.0, id="together"),
        pytest.param(
            "alertmanager", mesh("after", member("am-1", config_hash=8), B), "configuration", 600.0, id="alone"
        ),
        pytest.param(
            "prometheus",
            dataclasses.replace(after(prometheus("a", firing=[])), limits=Limits(30.0, 600.0, 5.0)),
            "firing alerts",
            5.0,
            id="as the inventory says",
        ),
        pytest.param("alertmanager", mesh("after", member("a", uptime=1.0), B), "hold", 665.0, id="hold"),
    ],
)
def test_each_has_its_time(component: str, scene: Scene, name: str, allowed: float) -> None:
    found = first_open(component, TABLES[component], scene)
    assert found is not None
    assert (found.predicate.name, found.allowed) == (name, allowed)


def thanos(host: str, *, differs: bool = False, **view: t.Any) -> Replica:
    """A component of Thanos that is well, but for what is given."""
    well = {"answers": True, "error": "", "ready": True, "status": 200, "stores": 6, "prometheus_up": None}
    return Replica(host, {**well, "started": 1.0, "uptime": 9.0, **view}, stores=6, differs=differs)


@pytest.mark.parametrize(
    ("state", "own", "other", "before", "said"),
    [
        pytest.param("after", {}, {}, None, None, id="well"),
        pytest.param("before", {}, AWAY, None, "answer: b does not answer: connection refused", id="the other is away"),
        pytest.param("before", {}, {"ready": False, "status": 503}, None, "ready: b is not ready", id="it starts"),
        pytest.param("after", {"ready": False, "status": 503}, {}, None, "ready: a is not ready", id="not ready"),
        pytest.param("after", {"prometheus_up": False}, {}, None, "Prometheus: the sidecar of a", id="sidecar"),
        pytest.param(
            "after", {"stores": 4}, {}, None, "connected to 4 Store APIs of 6, b to 6", id="less than the other"
        ),
        pytest.param("after", {"stores": 4}, {"stores": 4}, 6, "a before the change to 6", id="less than before"),
        pytest.param("after", {}, {"stores": 7}, 7, None, id="what leaves is still seen by the others"),
        pytest.param("after", {"stores": None}, {"stores": None}, None, None, id="no querier"),
    ],
)
def test_thanos(state: str, own: dict[str, t.Any], other: t.Any, before: int | None, said: str | None) -> None:
    scene = Scene(
        state, thanos("a", **own), (thanos("b", **other),), LIMITS, None if before is None else {"stores": before}
    )
    found = first_open("thanos_query", THANOS, scene)
    assert (found is None) == (said is None)
    assert said is None or (found is not None and said in f"{found.predicate.name}: {found.sentence}")


@pytest.mark.parametrize(
    ("state", "routes_by", "said"),
    [("after", 7, False), ("after", 8, False), ("after", 6, True), ("before", 6, False)],
)
def test_a_router_takes_up_the_hashrings_of_the_plan(state: str, routes_by: int, said: bool) -> None:
    own = dataclasses.replace(thanos("a", stores=None, config_hash=routes_by), hashrings=(7, 8))
    other = dataclasses.replace(thanos("b", stores=None, config_hash=6), hashrings=(7, 8))  # it changes later
    found = first_open("thanos_receive_router", THANOS, Scene(state, own, (other,), LIMITS))
    assert (found is not None) == said
    assert found is None or found.sentence == "a routes by hashrings with the hash 6; the plan's have 7 or 8"
