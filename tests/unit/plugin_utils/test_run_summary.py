# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run's entries become: the way through Ansible's statistics, the table, the sum, the picture, the failures."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from ansible.executor.stats import AggregateStats
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _run_summary
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._run_summary import KEY, Entry

BEGAN = 1795661200.0
# Waves of these tests begin so many seconds after one another.
WAVE = 50.0


def entry(host: str, wave: int | None = 1, **change: t.Any) -> Entry:
    """A Prometheus that was restarted in a wave of three."""
    values: dict[str, t.Any] = {
        "component": "prometheus",
        "title": "Prometheus",
        "did": "restart",
        "check": False,
        "cohort": f"replica set {host.partition('-')[0]}",
        "began": BEGAN + WAVE * (wave or 0),
        "seconds": 8.0,
        "why": ("another version.",),
        "waves": 3 if wave else None,
        "version_from": "2.53.3",
        "version_to": "3.5.3",
        "out_of_service": 2.14,
        "gate_before": 0.4,
        "gate_after": 31.2,
    }
    return Entry(host=host, wave=wave, **{**values, **change})


RELOAD: dict[str, t.Any] = {"did": "reload", "out_of_service": None, "version_from": "3.5.3"}
STARTED: dict[str, t.Any] = {
    "did": "start",
    "wave": None,
    "waves": None,
    "version_from": None,
    "out_of_service": None,
    "gate_before": None,
    "gate_after": None,
}
CHECKED: dict[str, t.Any] = {"check": True, "out_of_service": None, "gate_before": None, "gate_after": None}
STAGED: dict[str, t.Any] = {**STARTED, "did": "staged", "version_from": "2.53.3"}
FAILED: dict[str, t.Any] = {"did": "failed", "ok": False, "out_of_service": None, "gate_after": None}


def parts(text: str) -> list[list[str]]:
    return [part.splitlines() for part in text.rstrip("\n").split("\n\n")]


def total(entries: t.Sequence[Entry], lost: t.Mapping[str, str] | None = None, hosts: t.Sequence[str] = ()) -> str:
    return parts(_run_summary.table(entries, lost or {}, hosts))[1 if entries else 0][0]


def test_a_host_that_reports_several_times_keeps_all_of_it() -> None:
    """Through Ansible's own statistics, as JSON, and given twice as a task with run_once is."""
    entries = [entry("eu-1", **STARTED), entry("eu-1", 2), entry("eu-2", 3, why=(), out_of_service=None)]
    gathered = AggregateStats()
    for one in (entries[:1], entries[1:2], [], entries[2:], entries[2:]):
        said = json.loads(json.dumps(_run_summary.stats(*one)))
        assert said["per_host"] and said["aggregate"]
        assert said["data"]  # else Ansible ignores it
        host = one[0].host if one else "us-1"
        gathered.update_custom_stats(KEY, said["data"][KEY], host)
    assert _run_summary.collect(gathered.custom) == entries
    assert _run_summary.reported(gathered.custom) == ["eu-1", "us-1", "eu-2"]


def test_the_keys_of_an_entry() -> None:
    (item,) = _run_summary.stats(entry("eu-1"))["data"][KEY]
    assert item == {
        "host": "eu-1",
        "component": "prometheus",
        "title": "Prometheus",
        "did": "restart",
        "check": False,
        "cohort": "replica set eu",
        "began": BEGAN + WAVE,
        "seconds": 8.0,
        "why": ["another version."],
        "wave": 1,
        "waves": 3,
        "from": "2.53.3",
        "to": "3.5.3",
        "out_of_service": 2.14,
        "gate_before": 0.4,
        "gate_after": 31.2,
        "ok": True,
        "error": "",
    }


@pytest.mark.parametrize(
    "custom",
    [
        {},
        {"eu-1": "x"},
        {"eu-1": {"other": [1]}},
        {"eu-1": {KEY: "text"}},
        {"eu-1": {KEY: {"host": "eu-1"}}},
        {"eu-1": {KEY: [None, 7, "x", [], {}, {"host": "eu-1"}]}},
        {"eu-1": {KEY: [{"host": "a", "component": "b", "title": "c", "did": "d", "wave": "first"}]}},
        {"eu-1": {KEY: [{"host": "a", "component": "b", "title": "c", "did": "d", "seconds": "nan"}]}},
        {"eu-1": {KEY: [{"host": "a", "component": "b", "title": "c", "did": "d", "gate_after": -1}]}},
        {"eu-1": {KEY: [{"host": "a", "component": "b", "title": "c", "did": "d", "began": {}}]}},
        {"eu-1": {KEY: [{"host": "a", "component": "b", "title": "c", "did": "d", "why": 5}]}},
    ],
    ids=str,
)
def test_what_is_no_entry_is_left_out(custom: dict[str, t.Any]) -> None:
    good = {"us-1": {KEY: _run_summary.stats(entry("us-1"))["data"][KEY]}}
    assert _run_summary.collect({**custom, **good}) == [entry("us-1")]


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        (
            entry("eu-1"),
            ["eu-1", "Prometheus", "restarted", "1/3", "2.53.3 -> 3.5.3", "2.1 s", "0.4 s / 31.2 s", "another version"],
        ),
        (entry("eu-1", **RELOAD), ["eu-1", "Prometheus", "reloaded", "1/3", "3.5.3", "-", "0.4 s / 31.2 s", "*"]),
        (entry("eu-1", **STARTED), ["eu-1", "Prometheus", "started", "-", "3.5.3", "-", "-", "*"]),
        (
            entry("eu-1", did="remove", version_to=None, gate_before=None),
            ["eu-1", "Prometheus", "removed", "1/3", "2.53.3 -> none", "2.1 s", "- / 31.2 s", "*"],
        ),
        (
            entry("eu-1", did="taken back", ok=False, out_of_service=75.0, gate_after=None),
            ["eu-1", "Prometheus", "taken back", "1/3", "2.53.3, not 3.5.3", "1m15s", "0.4 s / -", "*"],
        ),
        (entry("eu-1", **FAILED), ["eu-1", "Prometheus", "failed", "1/3", "2.53.3 -> 3.5.3", "-", "0.4 s / -", "*"]),
        (entry("eu-1", **STAGED), ["eu-1", "Prometheus", "staged", "-", "2.53.3 -> 3.5.3", "-", "-", "*"]),
        (entry("eu-1", **CHECKED), ["eu-1", "Prometheus", "would restart", "1/3", "2.53.3 -> 3.5.3", "-", "-", "*"]),
        (
            entry("eu-1", **RELOAD, why=("a.", "b\n\x1b[2Jc", "d", "e", "f")),
            ["eu-1", "Prometheus", "reloaded", "1/3", "3.5.3", "-", "0.4 s / 31.2 s", "a, b [2Jc, d and 2 more"],
        ),
        (
            entry("eu-1", did="dance", why=()),
            ["eu-1", "Prometheus", "dance", "1/3", "2.53.3 -> 3.5.3", "2.1 s", "0.4 s / 31.2 s", "-"],
        ),
    ],
    ids=lambda value: value.did if isinstance(value, Entry) else "",
)
def test_a_row(one: Entry, cells: list[str]) -> None:
    heading, row = parts(_run_summary.table([one], {}))[0]
    assert re.split(r" {2,}", heading) == _run_summary.HEADING
    wanted = [*cells[:-1], "another version"] if cells[-1] == "*" else cells
    assert re.split(r" {2,}", row) == wanted


def test_rows_are_in_the_order_of_waves_and_within_one_as_they_came() -> None:
    entries = [entry("z", 2), entry("y", 1), entry("x", 2), entry("s", **STAGED), entry("w", **STARTED), entry("a", 1)]
    wanted = ["w", "y", "a", "z", "x", "s"]
    for some in (entries, [_replaced(one, began=None) for one in entries]):
        rows = parts(_run_summary.table(some, {}))[0][1:]
        assert [row.split()[0] for row in rows] == wanted


def test_waves_of_several_plays_are_in_the_order_of_these() -> None:
    entries = [entry("a", 1, waves=2), entry("b", 1, waves=1, began=BEGAN), entry("c", 2, waves=2)]
    assert [line.split()[:2] for line in timeline(entries)[1:]] == [["wave", "1/1"], ["wave", "1/2"], ["wave", "2/2"]]


def test_what_was_staged_is_told_until_it_is_known_what_became_of_it() -> None:
    staged = [entry(host, **STAGED) for host in ("eu-1", "eu-2", "eu-3")]
    staged.append(entry("eu-1", **{**STAGED, "component": "alertmanager", "title": "Alertmanager"}))
    rows = parts(_run_summary.table([*staged, entry("eu-1", 1), entry("eu-2", 2, **FAILED)], {}))[0][1:]
    assert [row.split()[:3] for row in rows] == [
        ["eu-1", "Prometheus", "restarted"],
        ["eu-2", "Prometheus", "failed"],
        ["eu-3", "Prometheus", "staged"],
        ["eu-1", "Alertmanager", "staged"],
    ]


@pytest.mark.parametrize(
    ("entries", "lost", "hosts", "words"),
    [
        ([], {}, ["a", "b"], "Nothing was changed: 2 hosts run what is planned."),
        ([], {}, ["a"], "Nothing was changed: 1 host runs what is planned."),
        ([], {}, [], "Nothing was changed."),
        ([], {"b": "bad."}, ["a", "b"], "No change is known; 1 host runs what is planned; failed: b."),
        (
            [entry("eu-1", 1), entry("us-1", 1, **RELOAD), entry("eu-2", 2), entry("eu-3", 3, out_of_service=1.0)],
            {},
            ["eu-1", "eu-2", "eu-3", "us-1", "us-2"],
            "4 hosts changed (restarted: 3, reloaded: 1); 3 waves; out of service at most 2.1 s (eu-1, Prometheus), "
            "never two of a set at once; 1 host runs what is planned.",
        ),
        # One of a set was away: there is nothing to say of two.
        (
            [entry("eu-1", waves=1)],
            {},
            [],
            "1 host changed (restarted: 1); 1 wave; out of service at most 2.1 s (eu-1, Prometheus).",
        ),
        # Two of a set in a wave, or outside of waves: they may have been away together.
        (
            [entry("eu-1", did="flip"), entry("eu-2", did="flip", out_of_service=3.0)],
            {},
            [],
            "2 hosts changed (flipped: 2); 1 of 3 waves; out of service at most 3.0 s (eu-2, Prometheus).",
        ),
        (
            [entry("eu-1", None), entry("eu-2", None)],
            {},
            [],
            "2 hosts changed (restarted: 2); out of service at most 2.1 s (eu-1, Prometheus).",
        ),
        # Sets of the same name of two components are two sets.
        (
            [entry("eu-1", 1), entry("eu-1", 2, component="thanos_sidecar", title="Thanos sidecar")],
            {},
            [],
            "1 host changed (restarted: 2); 2 of 3 waves; out of service at most 2.1 s (eu-1, Prometheus).",
        ),
        # How long it took is not known of all.
        (
            [entry("eu-1", 1), entry("eu-2", 2, out_of_service=None)],
            {},
            [],
            "2 hosts changed (restarted: 2); 2 of 3 waves; out of service at most 2.1 s (eu-1, Prometheus) where that "
            "is known.",
        ),
        (
            [entry("eu-1", 1), entry("eu-2", 2, **FAILED)],
            {"us-1": "unreachable."},
            ["us-1", "us-2"],
            "1 host changed (restarted: 1); 2 of 3 waves; out of service at most 2.1 s (eu-1, Prometheus) where that "
            "is known; 1 host runs what is planned; failed: eu-2, us-1.",
        ),
        ([entry("eu-1", **FAILED)], {"eu-1": "x"}, [], "No change was completed; 1 of 3 waves; failed: eu-1."),
        (
            [entry("eu-1", 1, **RELOAD), entry("eu-2", **STAGED), entry("eu-3", **STAGED)],
            {"eu-2": "the gate stays closed."},
            ["eu-1", "eu-2", "eu-3"],
            "1 host changed (reloaded: 1); 1 of 3 waves; staged, not changed: eu-2, eu-3; failed: eu-2.",
        ),
        (
            [entry("eu-1", **STAGED)],
            {},
            ["eu-1", "eu-2"],
            "Nothing was changed; 1 host runs what is planned; staged, not changed: eu-1.",
        ),
        # Waves of two plays are not counted together.
        (
            [entry("eu-1", 1, **RELOAD), entry("am-1", 2, **{**RELOAD, "waves": 2})],
            {},
            [],
            "2 hosts changed (reloaded: 2).",
        ),
        (
            [entry("eu-1", 1, **CHECKED), entry("eu-2", 2, **{**CHECKED, "did": "reload", "waves": 3})],
            {},
            ["us-1"],
            "2 hosts would change (would restart: 1, would reload: 1); 2 of 3 waves; 1 host runs what is planned.",
        ),
    ],
)
def test_the_sum_claims_only_what_is_known(
    entries: list[Entry], lost: dict[str, str], hosts: list[str], words: str
) -> None:
    assert total(entries, lost, hosts) == words


def timeline(entries: t.Sequence[Entry]) -> list[str]:
    return next((part for part in parts(_run_summary.table(entries, {})) if part[0].startswith("The waves")), [])


def test_the_waves_as_a_picture() -> None:
    entries = [
        *(entry("eu-1", 1), entry("us-1", 1, gate_after=20.0), entry("am-1", 1, **{**RELOAD, "seconds": 2.0})),
        *(entry("eu-2", 2), entry("us-2", 2, **FAILED), entry("new", **STARTED)),
    ]
    assert timeline(entries) == [
        "The waves, 1m29s in all (. gate, = work, # out of service, ! failed):",
        "wave 1/3  eu-1  Prometheus  .=====##" + "." * 24,
        "          us-1  Prometheus  .=====##" + "." * 16,
        "          am-1  Prometheus  .==" + "." * 24,
        "wave 2/3  eu-2  Prometheus" + " " * 41 + ".=====##" + "." * 24,
        "          us-2  Prometheus" + " " * 41 + ".======!",
    ]


@pytest.mark.parametrize("seconds", [0.5, 60.0, 3600.0])
@pytest.mark.parametrize("waves", [2, 7])
@pytest.mark.parametrize("name", ["eu", "prometheus-of-the-first-site"])
def test_the_picture_is_narrow_and_keeps_the_order(seconds: float, waves: int, name: str) -> None:
    """Outages of a moment beside gates of an hour: none is drawn beneath one that it came after."""
    entries = [
        entry(f"{name}-{wave}", wave, began=BEGAN + wave * (seconds + 0.2), gate_after=seconds, out_of_service=0.01)
        for wave in range(1, waves + 1)
    ]
    entries = [_replaced(one, seconds=0.1, gate_before=0.1) for one in entries]
    bars = timeline(entries)[1:]
    assert len(bars) == waves
    assert max(map(len, bars)) <= _run_summary.WIDTH
    outages = [drawn.index("#") for drawn in bars]
    assert outages == sorted(set(outages))


def test_short_turns_beside_a_long_one_are_drawn_one_after_another() -> None:
    short: dict[str, t.Any] = {"seconds": 0.1, "out_of_service": 0.1, "gate_before": None, "gate_after": None}
    entries = [entry(f"eu-{wave}", wave, **{**short, "began": BEGAN + wave / 5}) for wave in (1, 2, 3)]
    drawn = timeline([*entries, entry("eu-4", 4, began=BEGAN + 3600)])[1:4]
    first = drawn[0].index("#")
    assert [line.index("#") for line in drawn] == [first, first + 1, first + 2]


def _replaced(one: Entry, **change: t.Any) -> Entry:
    return Entry(**{**vars(one), **change})


@pytest.mark.parametrize(
    "entries",
    [
        [entry("eu-1")],
        [entry("eu-1"), entry("eu-2", None)],
        [entry("eu-1"), entry("eu-2", 2, began=None)],
        [entry("eu-1", **CHECKED), entry("eu-2", 2, **CHECKED)],
        [entry(f"eu-{number}") for number in range(_run_summary.MOST_BARS + 1)],
        [entry("eu-1" + "x" * 70), entry("eu-2", 2)],
    ],
    ids=["one", "no wave", "no time", "check mode", "many", "wide"],
)
def test_no_picture_where_it_could_not_be_read(entries: list[Entry]) -> None:
    assert timeline(entries) == []
    assert parts(_run_summary.table(entries, {}))[0][0].startswith("HOST")


def test_what_failed_is_told_once_with_its_first_sentence() -> None:
    """An entry names its component; a host without an entry has what ended it."""
    error = "host eu-1, variable prometheus_version (hosts.yml:3): it does not come up. Do: look."
    entries = [entry("eu-1", **FAILED, error=error), entry("eu-2", 2, **FAILED)]
    lost = {"eu-1": "x", "eu-2": "host eu-2: the gate stays closed. y", "us-1": "no route"}
    assert parts(_run_summary.table(entries, lost))[-1] == [
        "What failed:",
        "  eu-1, Prometheus: variable prometheus_version (hosts.yml:3): it does not come up.",
        "  eu-2, Prometheus: the gate stays closed. y",
        "  us-1: no route",
    ]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", "no reason was given"),
        ("one. Two.", "one."),
        ("from 2.53.3 to 3.5.3: no. two", "from 2.53.3 to 3.5.3: no. two"),
        ("promtool refuses x:\n  | line 3\n  | line 4\nDo: mend.", "promtool refuses x: line 3"),
        ("refused:", "refused:"),
        ("Task failed: Action failed: refused.", "refused."),
        ("\n\n  a\tb \x1b[31m.\nmore", "a b [31m."),
        ("x" * 400, "x" * 300 + "..."),
        (None, "None"),
    ],
)
def test_a_sentence(words: object, wanted: str) -> None:
    assert _run_summary.sentence(words) == wanted
