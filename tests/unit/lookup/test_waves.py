# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is pending, in waves: what the lookup returns, and a play over it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.baremetal.prometheus_ha.plugins.lookup import waves as waves_lookup
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _roll, _store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import begin_run, part

Waves = t.Callable[..., list[list[str]]]


@pytest.fixture
def waves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waves:
    begin_run(tmp_path, monkeypatch)
    plugin = waves_lookup.LookupModule()
    plugin._load_name = "baremetal.prometheus_ha.waves"
    options = yaml.safe_load(waves_lookup.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", plugin._load_name, options)
    return lambda *terms, **options: plugin.run(list(terms), {}, **options)


def staged(*hosts: tuple[str, str, str, str], **more: t.Any) -> None:
    """Hosts in plan order: name, component, cohort, what is pending; ``more`` of each."""
    for order, (host, component, cohort, pending) in enumerate(hosts):
        found = part(pending, cohort=[component, "default", cohort], order=order, **more)
        _store.record_pending(host, {component: found})


def stack(pending: str) -> None:
    staged(
        *((f"eu-{number}", "prometheus", "eu", pending) for number in range(1, 7)),
        ("us-1", "prometheus", "us", pending),
        ("us-2", "prometheus", "us", "none"),
        *((f"am-{number}", "alertmanager", "default", pending) for number in range(1, 10)),
    )


@pytest.mark.parametrize("pending", ["reload", "restart", "remove"])
def test_a_set_of_six_and_a_mesh_of_nine_roll_to_their_ends(waves: Waves, pending: str) -> None:
    stack(pending)
    found = waves("change")
    assert found[0] == ["eu-1", "us-1", "am-1"]
    assert found[1] == ["eu-2", "am-2"]
    assert found[6:] == [["am-7"], ["am-8"], ["am-9"]]
    assert waves("start") == []


def test_a_first_start_is_one_wave(waves: Waves) -> None:
    stack("start")
    assert len(waves("start")) == 1
    assert len(waves("start")[0]) == 16
    assert waves("change") == []


OTHER = ["the binary differs: runs /opt/prometheus_ha/prometheus/2.53.3/bin/prometheus, wanted .../3.5.3/..."]


def change(host: str, pending: str, *reasons: str, watched: bool = False, **more: t.Any) -> None:
    cohort = ["prometheus", "default", host[:2]]
    found = part(pending, cohort=cohort, reasons=list(reasons), order=int(host[-1]), watched=watched, **more)
    _store.record_pending(host, {"prometheus": found})


@pytest.mark.parametrize(
    "pending, reason, watched, looked_at",
    [
        ("reload", "prometheus.yml differs", True, True),
        ("restart", "argument --x is new", True, True),
        ("remove", "its state is absent", True, False),
        ("none", "", True, False),
        ("restart", "the binary differs: runs /x/3.5.3/bin/prometheus, wanted /x/2.53.3/bin/prometheus", False, True),
        ("restart", "argument --storage.tsdb.retention.size=1TB is new", False, True),
        ("restart", "argument --storage.tsdb.retention.time differs: runs x, wanted y", False, False),
        ("reload", "prometheus.yml differs", False, False),
    ],
)
def test_a_change_that_the_live_preflight_judges(
    waves: Waves, pending: str, reason: str, watched: bool, looked_at: bool
) -> None:
    change("eu-1", pending, reason, watched=watched)
    change("eu-2", "none")
    change("us-1", "none", watched=True)
    assert [sorted(wave) for wave in waves("preflight")] == ([["eu-1", "eu-2"]] if looked_at else [])


@pytest.mark.parametrize(
    ("file", "looked_at"), [("objstore.yml", True), ("environment", True), ("index-cache.yml", False)]
)
def test_a_bucket_that_is_told_otherwise_is_tried(waves: Waves, file: str, looked_at: bool) -> None:
    change("eu-1", "restart", "the unit's settings, other than the command line, changed", files=[file])
    assert waves("preflight") == ([["eu-1"]] if looked_at else [])


@pytest.mark.parametrize(("only", "looked_at"), [("", True), ("release", True), ("restart", True), ("reload", False)])
def test_what_a_run_leaves_alone_is_not_looked_at(waves: Waves, only: str, looked_at: bool) -> None:
    change("eu-1", "restart", *OTHER, runs="2.53.3")
    assert waves("preflight", only=only) == ([["eu-1"]] if looked_at else [])


def test_what_starts_or_changes_its_release_is_looked_at(waves: Waves) -> None:
    staged(("am-1", "alertmanager", "m", "start"), ("am-2", "alertmanager", "other", "none"))
    for host, pending, reasons in (
        ("eu-1", "restart", OTHER),
        ("us-1", "restart", ["argument --x differs"]),
        ("sg-1", "reload", ["prometheus.yml differs"]),
    ):
        change(host, pending, *reasons)
    assert waves("preflight") == [["am-1", "eu-1"]]
    assert waves("preflight", component="alertmanager") == [["am-1"]]


def test_a_newcomer_is_looked_at_with_those_it_stands_in_for(waves: Waves) -> None:
    staged(
        ("am-1", "alertmanager", "m", "none"),
        ("am-2", "alertmanager", "m", "start"),
        ("am-3", "alertmanager", "other", "none"),
        ("eu-1", "prometheus", "m", "none"),
    )
    assert waves("preflight") == [["am-1", "am-2"]]
    assert waves("start") == [["am-2"]]


def test_the_other_ends_of_a_newcomer_s_ways_are_looked_at(waves: Waves) -> None:
    _store.keep("peers", _store.ALL, {"am-1": ["p-1", "gone"], "p-1": ["am-1", "am-2"], "p-2": ["am-3"]})
    staged(
        ("p-1", "prometheus", "eu", "none"),
        ("p-2", "prometheus", "us", "restart"),
        ("am-1", "alertmanager", "m", "start"),
        ("am-2", "alertmanager", "other", "none"),
        ("am-3", "alertmanager", "third", "none"),
    )
    assert waves("preflight") == [["p-1", "am-1"]]
    assert waves("preflight", component="prometheus") == []


def test_a_rerun_has_nothing_to_look_at(waves: Waves) -> None:
    _store.keep("peers", _store.ALL, {"eu-1": ["am-1"]})
    stack("none")
    assert waves("preflight") == []


def test_a_host_that_came_to_its_end_stops_nothing(waves: Waves) -> None:
    stack("reload")
    _store.record_attempt("eu-3")
    _store.forget_attempt("eu-3")
    assert waves("change")


def test_only_one_component(waves: Waves) -> None:
    stack("reload")
    assert len(waves("change", component="prometheus")) == 6
    assert waves("change", component="alertmanager")[0] == ["am-1"]
    assert waves("change", component="thanos_query") == []


def test_a_host_of_two_components_waits_for_both(waves: Waves) -> None:
    staged(("both", "prometheus", "eu", "reload"), ("eu-2", "prometheus", "eu", "reload"))
    staged(("both", "alertmanager", "m", "restart"), ("am-2", "alertmanager", "m", "restart"))
    assert waves("change") == [["both"], ["eu-2", "am-2"]]


def test_nothing_was_staged(waves: Waves) -> None:
    assert waves("change") == []
    assert waves("start") == []


def test_a_lost_host_stops_everything(waves: Waves) -> None:
    stack("reload")
    _store.record_attempt("eu-3")
    with pytest.raises(AnsibleLookupError, match="eu-3 failed or could not be reached"):
        waves("change")


@pytest.mark.parametrize("terms", [[], ["stop"], ["start", "change"]])
def test_terms(waves: Waves, terms: list[str]) -> None:
    with pytest.raises(
        AnsibleLookupError, match="takes one of start, clients, flip, together, change, preflight, pause, kept, not"
    ):
        waves(*terms)


# -- in which phase, and who goes first -------------------------------------------------------------------------------

MOVES = {"clients": ["--web.listen-address: :9093 -> :9193"]}
AM = [(f"am-{number}", "alertmanager", "m") for number in (1, 2, 3)]


def mesh(pending: str, **more: t.Any) -> None:
    staged(*((*member, pending) for member in AM), **more)


def test_what_moves_goes_in_waves_of_its_own(waves: Waves) -> None:
    mesh("restart", breaks=MOVES)
    change("eu-1", "reload")
    assert waves("flip") == [["am-1"], ["am-2"], ["am-3"]]
    assert waves("change") == [["eu-1"]]
    assert waves("together") == []


def test_who_talks_to_what_moves_goes_in_waves_of_its_sets(waves: Waves) -> None:
    mesh("restart", breaks=MOVES)
    assert waves("clients") == [], "no plan was made for the time of the move"
    eu, us = ["prometheus", "default", "eu"], ["prometheus", "default", "us"]
    _store.record_clients({"eu-1": [(eu, ["x"])], "eu-2": [(eu, ["x"])], "us-1": [(us, ["x"])]})
    assert waves("clients") == [["eu-1", "us-1"], ["eu-2"]]
    _store.keep("canary", _store.ALL, ["us"])
    assert waves("clients") == [["us-1"], ["eu-1"], ["eu-2"]]


def test_what_a_mesh_changes_as_a_whole_is_one_wave(waves: Waves) -> None:
    mesh("reload", at_once=True)
    change("eu-1", "restart")
    assert waves("together") == [["am-1", "am-2", "am-3"]]
    assert waves("together", component="prometheus") == []
    assert waves("change") == [["eu-1"]]


def test_the_canary_goes_ahead(waves: Waves) -> None:
    stack("restart")
    _store.keep("canary", _store.ALL, ["us"])
    found = waves("change")
    assert found[:2] == [["us-1"], ["eu-1", "am-1"]]
    assert len(found) == 10
    assert waves("change", component="alertmanager")[0] == ["am-1"]


def test_what_serves_nobody_is_repaired_first(waves: Waves) -> None:
    for host, serves in (("eu-1", True), ("eu-2", False), ("eu-3", True)):
        change(host, "restart", serves=serves)
    assert waves("change") == [["eu-2"], ["eu-1"], ["eu-3"]]


def test_what_serves_nobody_is_repaired_first_beside_something_that_serves(waves: Waves) -> None:
    """Else the gate of those that rely on it would stay closed, and the run would end before its repair."""
    change("eu-1", "restart")
    change("eu-2", "restart", serves=False)
    _store.record_pending("eu-2", {"alertmanager": part("restart", cohort=["alertmanager", "default", "m"], order=2)})
    assert waves("change") == [["eu-2"], ["eu-1"]]
    assert waves("change", component="alertmanager") == [["eu-2"]]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("", [["eu-1", "us-1", "sg-1"]]),
        ("restart", [["eu-1", "us-1", "sg-1"]]),
        ("release", [["eu-1"]]),
        ("reload", [["us-1", "sg-1"]]),
    ],
)
def test_only_what_a_run_is_about(waves: Waves, only: str, expected: list[list[str]]) -> None:
    change("eu-1", "restart", runs="2.53.3")
    change("us-1", "reload")
    change("sg-1", "write")
    assert [sorted(wave) for wave in waves("change", only=only)] == [sorted(wave) for wave in expected]


@pytest.mark.parametrize(("pending", "expected"), [("none", [["eu-1", "us-1"]]), ("restart", [["us-1"]])])
def test_what_is_kept_is_let_go_where_the_whole_set_is_done(
    waves: Waves, pending: str, expected: list[list[str]]
) -> None:
    change("eu-1", "none", keeps="2.53.3")
    change("eu-2", pending)
    change("us-1", "none", keeps="2.53.3")
    change("us-2", "none")
    assert [sorted(wave) for wave in waves("kept")] == expected


def test_what_is_kept_stays_where_others_may_still_have_it_before_them(
    waves: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("us-1", "none", keeps="2.53.3")
    assert waves("kept") == [["us-1"]]
    monkeypatch.setattr(waves_lookup, "CLIARGS", {"subset": "us-1"})
    assert waves("kept") == []


@pytest.mark.parametrize("term", ["start", "clients", "flip", "together", "change", "kept"])
def test_nothing_is_pending(waves: Waves, term: str) -> None:
    stack("none")
    assert waves(term) == []


def test_the_waves_are_known_to_the_summary(waves: Waves) -> None:
    mesh("reload", at_once=True)
    change("eu-1", "restart")
    change("eu-2", "restart")
    assert _roll.wave("eu-2", "change") == (None, None)
    for term in ("change", "together", "preflight"):
        waves(term)
    assert [_roll.wave(host, "change") for host in ("eu-1", "eu-2", "am-1")] == [(1, 2), (2, 2), (None, None)]
    assert _roll.wave("am-3", "together") == (1, 1)


@pytest.mark.parametrize("more", [{"breaks": MOVES}, {"breaks": {"peers": ["--cluster.label: a -> b"]}}])
def test_what_others_feel_is_looked_at_before_it_is_done(waves: Waves, more: dict[str, t.Any]) -> None:
    change("eu-1", "restart", "argument --x is new", **more)
    change("us-1", "restart", "argument --x is new")
    assert waves("preflight") == [["eu-1"]]
