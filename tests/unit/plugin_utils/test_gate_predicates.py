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
)

MARK = "a" * 64
AWAY: dict[str, t.Any] = {"answers": False, "error": "connection refused"}
LIMITS = Limits(30.0, 600.0)


def alert(name: str, duration: float = 0.0, **labels: str) -> dict[str, t.Any]:
    return {"labels": {"alertname": name, **labels}, "active_at": "2026-01-01T00:00:00Z", "for": duration}


PAGE = alert("Down", 90.0, instance="x")


def prometheus(host: str, **view: t.Any) -> Replica:
    """A replica that is well, but for what is given."""
    well: dict[str, t.Any] = {
        "answers": True,
        "error": "",
        "ready": True,
        "status": 200,
        "replay": None,
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
        "firing": [PAGE],
        "alertmanagers": ["am-1:9093", "am-2:9093"],
        "dropped_alertmanagers": 0,
        "unreached": {},
    }
    return Replica(host, {**well, **view}, generation=MARK, alertmanagers=("am-1:9093", "AM-2:9093"))


def away(one: Replica) -> Replica:
    return dataclasses.replace(one, view=AWAY)


STARTING = {"ready": False, "status": 503}
SECOND = {"node a:9100": "up", "node b:9100": "up"}


def before(peer: Replica, own: Replica | None = None) -> Scene:
    return Scene("before", own or prometheus("eu-1"), (peer,), LIMITS)


def after(own: Replica, peer: Replica | None = None, baseline: dict[str, t.Any] | None = None) -> Scene:
    return Scene("after", own, (peer or prometheus("eu-2"),), LIMITS, baseline)


PASSES = {
    "a well peer": before(prometheus("eu-2")),
    "nobody else in the set": Scene("before", prometheus("eu-1"), (), LIMITS),
    "what is to be changed is away itself": before(prometheus("eu-2"), away(prometheus("eu-1"))),
    "what is to be changed still starts": before(prometheus("eu-2"), prometheus("eu-1", **STARTING)),
    "a peer of another generation, which is to be changed next": before(prometheus("eu-2", generations=["b"])),
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
        "firing alerts",
        before(prometheus("eu-2", firing=[])),
        '1 alerts fire on eu-1, 0 on eu-2; here not yet: Down{instance="x"}',
    ),
]

MEMBERS = {"A": "192.0.2.1:9094", "B": "192.0.2.2:9094", "C": "192.0.2.3:9094"}
TWO = {name: MEMBERS[name] for name in "BC"}


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


B, C = member("am-2"), member("am-3")
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
            3660.0,
            id="the longest for and two evaluations",
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
