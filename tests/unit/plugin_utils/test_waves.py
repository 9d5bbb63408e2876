# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves never hold two of a cohort, and are as few as the largest cohort needs."""

from __future__ import annotations

import collections
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._waves import (
    COMPACTOR,
    PHASES,
    TIERS,
    is_meant,
    knows_rings,
    paused,
    phase,
    serving,
    tier,
    together,
    waves,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import part
from hypothesis import given
from hypothesis import strategies as st

EU, US, MESH = ("prometheus", "default", "eu"), ("prometheus", "default", "us"), ("alertmanager", "default", "default")
SIX = {f"eu-{number}": [EU] for number in range(1, 7)}
NINE = {f"am-{number}": [MESH] for number in range(1, 10)}


@pytest.mark.parametrize(
    "pending, expected",
    [
        pytest.param({}, [], id="nothing pending"),
        pytest.param({"eu-1": [EU]}, [["eu-1"]], id="one host"),
        pytest.param(
            {"eu-1": [EU], "eu-2": [EU], "us-1": [US], "us-2": [US], "am-1": [MESH], "am-2": [MESH], "am-3": [MESH]},
            [["eu-1", "us-1", "am-1"], ["eu-2", "us-2", "am-2"], ["am-3"]],
            id="the k-th of each together",
        ),
        pytest.param({"eu-2": [EU], "us-1": [US]}, [["eu-2", "us-1"]], id="only what is pending counts"),
        pytest.param(
            {"both": [EU, MESH], "eu-2": [EU], "am-2": [MESH]},
            [["both"], ["eu-2", "am-2"]],
            id="a host in two cohorts",
        ),
        pytest.param(
            {"a": [EU], "b": [MESH], "both": [EU, MESH]}, [["a", "b"], ["both"]], id="first wave free for all"
        ),
        pytest.param(SIX, [[name] for name in SIX], id="a set of six"),
        pytest.param(NINE, [[name] for name in NINE], id="a mesh of nine"),
        pytest.param(
            {**SIX, **NINE},
            [[*pair] for pair in zip(SIX, NINE, strict=False)] + [["am-7"], ["am-8"], ["am-9"]],
            id="both to their ends",
        ),
    ],
)
def test_waves(pending: dict[str, list[tuple[str, str, str]]], expected: list[list[str]]) -> None:
    assert waves(pending) == expected


@pytest.mark.parametrize(
    ("first", "canary", "expected"),
    [
        pytest.param((), (), [["eu-1", "us-1"], ["eu-2", "us-2"], ["eu-3"]], id="plan order"),
        pytest.param(
            ["eu-3", "us-2"], (), [["eu-3", "us-2"], ["eu-1", "us-1"], ["eu-2"]], id="who serves nobody first"
        ),
        pytest.param((), [US], [["us-1"], ["eu-1", "us-2"], ["eu-2"], ["eu-3"]], id="a canary"),
        pytest.param(
            ["us-2"], [US], [["us-2"], ["us-1", "eu-1"], ["eu-2"], ["eu-3"]], id="a canary that serves nobody"
        ),
        pytest.param((), [EU, US], [["eu-1", "us-1"], ["eu-2", "us-2"], ["eu-3"]], id="two canaries"),
        pytest.param((), [MESH], [["eu-1", "us-1"], ["eu-2", "us-2"], ["eu-3"]], id="a canary with nothing pending"),
    ],
)
def test_who_goes_ahead(first: list[str], canary: list[t.Any], expected: list[list[str]]) -> None:
    pending = {"eu-1": [EU], "eu-2": [EU], "eu-3": [EU], "us-1": [US], "us-2": [US]}
    found = waves(pending, first=first, canary=lambda cohort: cohort in canary)
    assert [sorted(wave) for wave in found] == [sorted(wave) for wave in expected]


def test_two_canaries_that_stand_in_for_one_another_elsewhere() -> None:
    pending = {"a": [EU, MESH], "b": [US, MESH], "c": [MESH]}
    assert waves(pending, canary=lambda cohort: cohort in (EU, US)) == [["a"], ["b"], ["c"]]


def test_a_canary_waits_for_the_repair_of_who_stands_in_for_it_elsewhere() -> None:
    pending = {"us-1": [US, MESH], "us-2": [US], "am-1": [MESH], "am-2": [MESH], "eu-1": [EU]}
    found = waves(pending, first=["am-1", "eu-1"], canary=lambda cohort: cohort == US)
    assert found == [["am-1"], ["us-1"], ["eu-1", "us-2", "am-2"]]


def test_one_that_serves_nobody_goes_before_all_of_its_cohorts() -> None:
    """It shares one with another such host, so that it takes the second wave; who relies on it comes after that."""
    pending = {"b-1": [US], "a-1": [EU], "both": [EU, US]}
    assert waves(pending, first=["a-1", "both"]) == [["a-1"], ["both"], ["b-1"]]


COHORTS = st.integers(0, 5)
PENDING = st.lists(st.sets(COHORTS, min_size=1, max_size=3), max_size=30)


@given(st.lists(COHORTS, max_size=40))
def test_one_cohort_a_host(cohorts: list[int]) -> None:
    pending = {f"h{number}": [cohort] for number, cohort in enumerate(cohorts)}
    found = waves(pending)
    assert len(found) == max(collections.Counter(cohorts).values(), default=0)
    for cohort in set(cohorts):
        members = [name for name, mine in pending.items() if mine == [cohort]]
        # The k-th member goes in the k-th wave.
        assert [[name for name in wave if name in members] for wave in found[: len(members)]] == [[m] for m in members]


@given(PENDING, st.sets(st.integers(0, 29)), st.sets(COHORTS))
def test_never_two_of_a_cohort_whoever_goes_ahead(cohorts: list[set[int]], idle: set[int], ahead: set[int]) -> None:
    pending = {f"h{number}": sorted(mine) for number, mine in enumerate(cohorts)}
    first = {f"h{number}" for number in idle}
    found = waves(pending, first=first, canary=lambda cohort: cohort in ahead)
    assert sorted(name for wave in found for name in wave) == sorted(pending)
    number = {name: index for index, wave in enumerate(found) for name in wave}
    for wave in found:
        taken = [cohort for name in wave for cohort in pending[name]]
        assert len(taken) == len(set(taken)), "two of a cohort"
    ordered = sorted(pending, key=lambda name: name not in first)
    leaders = {next((name for name in ordered if cohort in pending[name]), "") for cohort in ahead} - {""}
    of_leaders = {cohort for name in leaders for cohort in pending[name]}
    others = {name for name in pending.keys() - leaders if not (name in first and of_leaders & set(pending[name]))}
    assert not (leaders and others) or max(number[name] for name in leaders) < min(number[name] for name in others)
    for name in pending.keys() - first:
        relied_on = [other for other in first & pending.keys() if set(pending[other]) & set(pending[name])]
        assert all(number[other] < number[name] for other in relied_on), "changed while one that serves nobody waits"


@given(PENDING)
def test_never_two_of_a_cohort(cohorts: list[set[int]]) -> None:
    pending = {f"h{number}": sorted(mine) for number, mine in enumerate(cohorts)}
    found = waves(pending)
    assert sorted(name for wave in found for name in wave) == sorted(pending)
    for wave in found:
        assert wave
        taken = [cohort for name in wave for cohort in pending[name]]
        assert len(taken) == len(set(taken))
        assert wave == [name for name in pending if name in wave]


RING = ("thanos_receive", "default", "default")


@pytest.mark.parametrize(
    ("zones", "more", "expected"),
    [
        pytest.param("aabbcc", {}, [["i-1", "i-2"], ["i-3", "i-4"], ["i-5", "i-6"]], id="a zone at a time"),
        pytest.param("abcabc", {}, [["i-1", "i-4"], ["i-2", "i-5"], ["i-3", "i-6"]], id="in any order"),
        pytest.param("......", {}, [[f"i-{number}"] for number in range(1, 7)], id="without zones one at a time"),
        pytest.param(
            "aabbcc",
            {"i-1": EU, "i-2": EU},
            [["i-1"], ["i-2"], ["i-3", "i-4"], ["i-5", "i-6"]],
            id="replicas of a set do not go together for that",
        ),
    ],
)
def test_zones(zones: str, more: t.Mapping[str, t.Any], expected: list[list[str]]) -> None:
    names = [f"i-{number}" for number in range(1, 7)]
    known = {(name, RING): zone.strip(".") for name, zone in zip(names, zones, strict=True)}
    pending = {name: [RING, *([more[name]] if name in more else [])] for name in names}
    assert waves(pending, zones=known) == expected


@pytest.mark.parametrize(
    ("kind", "pending", "after"),
    [
        ("thanos_receive", "restart", ["thanos_store"]),
        ("thanos_receive", "remove", ["thanos_store", "thanos_receive", "thanos_receive_router"]),
        ("thanos_store", "remove", ["thanos_rule", "thanos_query"]),
        ("thanos_sidecar", "remove", ["thanos_rule", "thanos_query"]),
        ("thanos_rule", "remove", ["thanos_query"]),
        ("thanos_receive_router", "remove", [""]),
        ("thanos_query", "remove", ["thanos_rule", "thanos_query_frontend"]),
        ("", "remove", ["thanos_receive_router"]),
    ],
)
def test_what_leaves_goes_after_those_that_ask_it(kind: str, pending: str, after: list[str]) -> None:
    own = TIERS.index(tier(kind, kind, pending) if kind else tier("prometheus", "", pending))
    assert all(TIERS.index(asks) < own for asks in after)
    if kind == "thanos_receive":  # queriers must find in the bucket what it held
        assert own < TIERS.index("thanos_query")


# -- the phases of a run ----------------------------------------------------------------------------------------------

MOVES = {"clients": ["--web.listen-address: :1 -> :2"]}
SPLITS = {"peers": ["--cluster.label: a -> b"]}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(part("none"), "", id="nothing"),
        pytest.param(part("start"), "start", id="start"),
        pytest.param(part("start", at_once=True, breaks=MOVES), "start", id="who does not run has no clients"),
        pytest.param(part("none", breaks=MOVES), "", id="it has moved"),
        pytest.param(part("write"), "change", id="write"),
        pytest.param(part("reload"), "change", id="reload"),
        pytest.param(part("restart"), "change", id="restart"),
        pytest.param(part("remove"), "change", id="remove"),
        pytest.param(part("restart", breaks=MOVES), "flip", id="flip"),
        pytest.param(part("reload", at_once=True), "together", id="a configuration that all take up"),
        pytest.param(part("restart", at_once=True, breaks=SPLITS), "together", id="what gossip depends on"),
        pytest.param(part("restart", ahead=True), "together", id="a configuration that goes ahead of a restart"),
    ],
)
def test_phase(found: t.Mapping[str, t.Any], expected: str) -> None:
    assert phase(found) == expected
    assert expected in ("", *PHASES)


@pytest.mark.parametrize(
    ("runs", "others", "expected"),
    [
        pytest.param("2.53.3", [part()], "change", id="an upgrade that was cut off while it was stopped"),
        pytest.param("2.53.3", [part("restart", runs="2.53.3")], "change", id="the other is still to follow"),
        pytest.param("2.53.3", [part("start", serves=False)], "start", id="nobody serves: all at once"),
        pytest.param("2.53.3", [part(cohort=("prometheus", "default", "us"))], "start", id="another set serves"),
        pytest.param("2.53.3", [part(version="")], "start", id="who leaves does not count"),
        pytest.param("3.5.3", [part()], "start", id="it is only down"),
        pytest.param("", [part()], "start", id="it never ran"),
    ],
)
def test_what_is_down_and_gets_another_version_goes_through_the_gates(
    runs: str, others: list[t.Any], expected: str
) -> None:
    found = part("start", runs=runs, serves=False)
    assert phase(found, serving=serving({"prometheus": one} for one in (found, *others))) == expected


@pytest.mark.parametrize(
    ("meshes", "forks", "expected"),
    [
        ({}, 5, []),
        ({"a": "m", "b": "m", "c": "m"}, 5, [["a", "b", "c"]]),
        ({"a": "m", "x": "n", "b": "m", "y": "n"}, 5, [["a", "x", "b", "y"]]),
        ({"a": "m", "x": "n", "b": "m", "y": "n"}, 3, [["a", "b"], ["x", "y"]]),
        ({"a": "m", "b": "m", "c": "m"}, 2, [["a", "b", "c"]]),
        ({"a": "m", "b": "n", "c": "mn"}, 5, [["a", "b", "c"]]),
    ],
)
def test_a_mesh_changes_in_one_wave(meshes: dict[str, str], forks: int, expected: list[list[str]]) -> None:
    assert together({host: list(names) for host, names in meshes.items()}, forks) == expected


UPGRADE = {"runs": "2.53.3", "version": "3.5.3"}


@pytest.mark.parametrize(
    ("found", "only", "meant"),
    [
        (part("restart", **UPGRADE), "release", True),
        (part("restart"), "release", False),
        (part("start", runs=""), "release", True),
        (part("reload"), "release", False),
        (part("remove", version=""), "release", False),
        (part("restart", **UPGRADE), "reload", False),
        (part("restart"), "reload", False),
        (part("reload"), "reload", True),
        (part("write"), "reload", True),
        (part("start"), "reload", False),
        (part("remove"), "reload", False),
        (part("restart"), "restart", True),
        (part("reload"), "restart", True),
        (part("start"), "restart", True),
        (part("restart", **UPGRADE), "", True),
    ],
)
def test_what_a_run_that_does_less_is_about(found: t.Mapping[str, t.Any], only: str, meant: bool) -> None:
    assert is_meant(found, only) is meant
    assert bool(phase(found, only)) is meant


@pytest.mark.parametrize(
    ("only", "beside", "expected"),
    [
        ("", part("none"), "change"),
        ("restart", part("none"), "change"),
        ("reload", part("none"), ""),
        ("reload", part("reload"), "change"),
        ("reload", part("restart"), ""),
        ("release", part("reload"), ""),
        ("release", part("restart", runs="2.53.3"), "change"),
    ],
)
def test_what_is_of_the_distribution_goes_with_what_it_serves(only: str, beside: t.Any, expected: str) -> None:
    balancer = part("restart", packaged=True, version="", runs="")
    assert phase(balancer, only, (), [balancer, beside]) == expected


def test_the_compactor_is_the_last_also_where_it_does_not_run_yet() -> None:
    assert phase(part("start", tier=COMPACTOR, cohort=(COMPACTOR, "default", "default"))) == "change"
    assert TIERS[-1] == COMPACTOR


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([("restart", COMPACTOR), ("restart", "thanos_store")], [True, False], id="others change"),
        pytest.param([("restart", COMPACTOR), ("restart", "")], [False, False], id="Prometheus alone"),
        pytest.param([("restart", COMPACTOR), ("none", "thanos_query")], [False, False], id="nobody else"),
        pytest.param([("none", COMPACTOR), ("restart", "thanos_query")], [False, False], id="it has nothing pending"),
        pytest.param([("start", COMPACTOR), ("restart", "thanos_query")], [False, False], id="it does not run"),
        pytest.param([("start", COMPACTOR), ("remove", COMPACTOR)], [False, True], id="it moves to another host"),
        pytest.param([("start", COMPACTOR), ("restart", COMPACTOR)], [False, True], id="its streams are shared out"),
        pytest.param([("restart", COMPACTOR), ("restart", COMPACTOR)], [False, False], id="compactors alone"),
    ],
)
def test_when_the_compactor_stands_still(parts: list[tuple[str, str]], expected: list[bool]) -> None:
    found = [part(pending, tier=tier, cohort=(tier or "prometheus", "default", "default")) for pending, tier in parts]
    assert paused(found) == expected


def test_a_querier_that_leaves_is_no_compactor_though_it_goes_as_late() -> None:
    name = "thanos_query"
    leaving = part("remove", tier=tier(name, name, "remove"), cohort=(name, "default", ""))
    assert leaving["tier"] == COMPACTOR
    assert paused([leaving]) == [False]


@pytest.mark.parametrize(("files", "known"), [([], True), (["endpoints.yml"], True), (["hashrings.json"], False)])
def test_zones_count_once_all_that_routes_has_the_hashrings(files: list[str], known: bool) -> None:
    assert knows_rings([part("none"), part("write", files=files)]) is known
