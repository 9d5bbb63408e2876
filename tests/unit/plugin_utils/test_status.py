# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts, sentences, drift and the table, over facts as the hosts give them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _status, _status_table

AMS = {"10.0.0.1:9093": "am-1", "10.0.0.2:9093": "am-2"}


def prometheus(**change: t.Any) -> dict[str, t.Any]:
    """The facts of one that is well."""
    return {**_common("prometheus"), **PROMETHEUS, **change}


def alertmanager(name: str, *sees: str, **change: t.Any) -> dict[str, t.Any]:
    """The facts of a member that is well, by the names in the mesh."""
    peers = [{"name": peer, "address": f"{peer}:9094"} for peer in (name, *sees)]
    mesh = {"mesh": {"name": name, "status": "ready", "peers": peers}, "silences": 0, "notifications_failed": 0}
    return {**_common("alertmanager"), **mesh, **change}


def _common(name: str) -> dict[str, t.Any]:
    return {
        "name": name,
        "held": False,
        "leaves": False,
        "rolled_out": True,
        "unit": unit(name=f"{name}.service"),
        "version": {"running": "3.5.3", "planned": "3.5.3"},
        "generation": {"running": "aaaaaaaaaa", "planned": "aaaaaaaaaa"},
        "pending": "none",
        "reasons": [],
        "edited": [],
        "disk": {"path": "/var/lib/x", "free": 50 * 2**30, "total": 100 * 2**30},
        "retention": "",
        "answers": True,
        "waiting_for": "",
        "reload": {"successful": True, "at": 1795661200},
        "errors": [],
    }


def unit(**change: t.Any) -> dict[str, t.Any]:
    found = {"state": "active (running)", "result": "success", "enabled": True, "pid": 7, "restarts": 0}
    return {**found, "name": "prometheus.service", "seconds": 93784.0, "executable": "/x", **change}


PROMETHEUS: dict[str, t.Any] = {
    "retention": "15d",
    "head_series": 1310,
    "wal_corruptions": 0,
    "checkpoint_failures": 0,
    "targets": {"up": 7, "total": 7, "down": []},
    "federation": [],
    "firing": {},
    "alertmanagers": {"connected": 2, "wanted": 2, "missing": {}},
}
STOPPED = {
    "unit": unit(pid=0, state="failed (failed)", restarts=5, seconds=None),
    "answers": False,
    "pending": "start",
    "reasons": ["it failed (exit-code)"],
}


def plan(name: str, **change: t.Any) -> dict[str, t.Any]:
    expect = {"alertmanagers": AMS} if name == "prometheus" else {"members": 2}
    cohort = [name, "prod", "eu" if name == "prometheus" else "default"]
    return {"name": name, "cohort": cohort, "expect": expect, **change}


def judge(facts: t.Mapping[str, t.Any], **more: t.Any) -> _status.Status:
    """One component a host; None for a host that said nothing, a text for one that failed."""
    asked = {host: [plan("alertmanager" if host.startswith("am") else "prometheus")] for host in facts}
    said = {
        host: {"failed": item} if isinstance(item, str) else {"components": [item]}
        for host, item in facts.items()
        if item is not None
    }
    return _status.judge(asked, said, **more)


def verdict(item: t.Mapping[str, t.Any]) -> tuple[str, list[str]]:
    """Of a lonely Prometheus."""
    status = judge({"p-1": item})
    assert not status.drift
    return status.lines[0].verdict, [problem.what for problem in status.problems]


def source(up: bool) -> dict[str, t.Any]:
    return {"job": "federate-eu", "url": "http://eu-1:9090/federate", "up": up, "error": "" if up else "refused"}


@pytest.mark.parametrize(
    ("change", "wanted", "words"),
    [
        ({}, "ok", []),
        (STOPPED, "down", ["it does not run: systemd says failed (failed), and restarted it 5 times."]),
        ({**STOPPED, "rolled_out": False}, "pending", ["it was not rolled out yet."]),
        ({**STOPPED, "rolled_out": False, "held": True}, "ok", []),
        (
            {"answers": False, "errors": ["GET x: no answer: timed out"], "pending": "reload", "reasons": ["x"]},
            "down",
            ["it runs (pid 7), but does not answer: GET x: no answer: timed out."],
        ),
        ({"unit": {}, "errors": ["no bus"], "pending": "unknown"}, "unknown", ["no bus."]),
        (
            {"waiting_for": "replaying the WAL", "pending": "reload", "reasons": ["replaying the WAL"]},
            "degraded",
            ["it is not ready: replaying the WAL."],
        ),
        ({"unit": unit(restarts=3)}, "ok", []),
        (
            {"unit": unit(restarts=3, seconds=20.0)},
            "degraded",
            ["systemd restarted it 3 times, the last time 20 s ago."],
        ),
        ({"unit": unit(enabled=False)}, "pending", ["prometheus.service is not enabled: a reboot leaves it down."]),
        (
            {"reload": {"successful": False, "at": 1}},
            "degraded",
            ["its last reload failed: it runs an older configuration."],
        ),
        (
            {"wal_corruptions": 1},
            "degraded",
            ["it found 1 corruptions in its WAL since its start: samples are lost here."],
        ),
        ({"checkpoint_failures": 2}, "degraded", ["2 checkpoints of the WAL failed since its start."]),
        (
            {"disk": {"path": "/d", "free": 4, "total": 100}},
            "degraded",
            ["the file system of /d has 4.0 % free."],
        ),
        ({"disk": {"path": "/d", "free": 5, "total": 100}}, "ok", []),
        ({"federation": [source(up=True)]}, "ok", []),
        (
            {"federation": [source(up=True), source(up=False)]},
            "degraded",
            ["it does not get series from http://eu-1:9090/federate (job federate-eu): refused."],
        ),
        (
            {"federation": [{**source(up=True), "gave_way": True, "lacks": ""}]},
            "degraded",
            [
                "series from http://eu-1:9090/federate (job federate-eu) have exported_job or exported_instance: "
                "it does not honor their labels."
            ],
        ),
        (
            {"federation": [{**source(up=True), "gave_way": False, "lacks": 'replica="eu-1"'}]},
            "degraded",
            [
                'no series from http://eu-1:9090/federate (job federate-eu) has replica="eu-1": '
                "they can't be told from those of its peers."
            ],
        ),
        ({"federation": [{**source(up=True), "gave_way": False, "lacks": ""}]}, "ok", []),
        (
            {"alertmanagers": {"connected": 1, "wanted": 2, "missing": {"10.0.0.2:9093": "refused"}}},
            "degraded",
            ["it reaches 1 of 2 Alertmanagers, not am-2 at 10.0.0.2:9093 (refused)."],
        ),
        ({"errors": ["status 404"]}, "degraded", ["not all could be asked: status 404."]),
        (
            {"pending": "restart", "reasons": ["argument --x is new", "y"]},
            "pending",
            ["a restart is pending: argument --x is new; y."],
        ),
        ({"pending": "restart", "reasons": ["x"], "held": True}, "ok", []),
        (
            {"pending": "reload", "reasons": ["p.yml differs"], "edited": ["/etc/p.yml"]},
            "pending",
            ["a reload is pending: p.yml differs. Edited by hand: /etc/p.yml."],
        ),
        ({"pending": "unknown"}, "unknown", ["whether something is pending is not known."]),
        (
            {"leaves": True, "pending": "remove", "reasons": ["its state is absent"]},
            "pending",
            ["it is to leave and is still there (its state is absent)."],
        ),
    ],
)
def test_verdicts(change: dict[str, t.Any], wanted: str, words: list[str]) -> None:
    assert verdict(prometheus(**change)) == (wanted, words)


def test_the_most_serious_counts_and_all_is_told() -> None:
    found = prometheus(wal_corruptions=1, pending="restart", reasons=["x"])
    assert verdict(found)[0] == "degraded" and len(verdict(found)[1]) == 2


def test_one_that_left_has_no_line() -> None:
    status = judge({"p-1": prometheus(leaves=True), "p-2": prometheus()})
    assert [line.host for line in status.lines] == ["p-2"] and status.well


def test_hosts_that_said_nothing_have_lines() -> None:
    status = _status.judge(
        {host: [plan("prometheus"), plan("alertmanager")] for host in ("a", "b", "c")},
        {"a": {"unreachable": "No route\n to host"}, "b": {"failed": "host b: no Python."}},
    )
    assert [(line.host, line.verdict) for line in status.lines] == [(host, "unknown") for host in "abcabc"]
    # Once a host, though it has two components.
    assert [problem.what for problem in status.problems] == [
        "it can't be reached: No route to host.",
        "it could not be looked at: host b: no Python.",
        "it can't be reached: it did not answer.",
    ]
    assert "a     unknown  -" in "\n".join(_status_table.table(status))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, None),
        ({"version": {"running": "2.53.3", "planned": "2.53.3"}}, "different versions: 3.5.3 on p-1; 2.53.3 on p-2."),
        (
            {"generation": {"running": "bbbbbbbbbb", "planned": "bbbbbbbbbb"}},
            "different configurations: aaaaaaaa on p-1; bbbbbbbb on p-2.",
        ),
        (
            {"targets": {"up": 6, "total": 7, "down": []}},
            "different numbers of targets that are up: 7 on p-1; 6 on p-2.",
        ),
        ({"firing": {"Down": 2}}, "different firing alerts: none on p-1; Down 2 on p-2."),
        # What is not known is no difference, nor is one that does not run.
        ({"targets": None, "firing": None}, None),
        ({**STOPPED, "version": {"running": "", "planned": "3.5.3"}}, None),
    ],
)
def test_drift(change: dict[str, t.Any], sentence: str | None) -> None:
    status = judge({"p-1": prometheus(), "p-2": prometheus(**change)})
    assert list(status.drift) == ([f"replica set eu of prod: {sentence}"] if sentence else [])
    assert status.well is (sentence is None and "unit" not in change)


def test_sets_are_not_compared_with_one_another() -> None:
    slices = {"p-1": [plan("prometheus")], "p-2": [plan("prometheus", cohort=["prometheus", "prod", "us"])]}
    said = {"p-1": {"components": [prometheus()]}, "p-2": {"components": [prometheus(firing={"Down": 1})]}}
    assert _status.judge(slices, said).well


MESHES = [
    # (facts by host, whom am-1 does not see)
    ({"am-1": alertmanager("A", "B"), "am-2": alertmanager("B", "A")}, None),
    ({"am-1": alertmanager("A"), "am-2": alertmanager("B")}, "am-2"),
    ({"am-1": alertmanager("A"), "am-2": alertmanager("B", **{**STOPPED, "mesh": None})}, "am-2"),
    ({"am-1": alertmanager("A"), "am-2": None}, "am-2"),
]


@pytest.mark.parametrize(("facts", "missing"), MESHES, ids=["whole", "split", "stopped", "unreachable"])
def test_members(facts: dict[str, t.Any], missing: str | None) -> None:
    first = judge(facts).lines[0]
    words = [f"it sees 1 of 2 members; it does not see {missing}."] if missing else []
    assert [problem.what for problem in first.problems] == words


def test_a_member_outside_of_the_run_is_not_named() -> None:
    (line,) = judge({"am-1": alertmanager("A")}, left_out=["am-2"]).lines
    assert [problem.what for problem in line.problems] == ["it sees 1 of 2 members."]


def test_a_member_that_is_seen_and_was_not_asked_hides_nobody() -> None:
    """Whom the nameless peer is cannot be known: only what is certain is named."""
    facts = {"am-1": alertmanager("A", "X"), "am-2": alertmanager("B"), "am-3": None}
    slices = {host: [plan("alertmanager", expect={"members": 3})] for host in facts}
    said = {host: {"components": [item]} for host, item in facts.items() if item}
    first = _status.judge(slices, said).lines[0]
    assert [problem.what for problem in first.problems] == ["it sees 2 of 3 members; it does not see am-2."]


def test_one_alertmanager_without_a_mesh() -> None:
    alone = alertmanager("A", mesh={"name": "", "status": "disabled", "peers": []})
    status = _status.judge({"am-1": [plan("alertmanager", expect={"members": 1})]}, {"am-1": {"components": [alone]}})
    assert status.well


def test_the_table() -> None:
    status = judge(
        {
            "p-1": prometheus(**STOPPED, version={"running": "", "planned": "3.5.3"}),
            "p-2": prometheus(federation=[source(up=True)], generation={"running": "c" * 64, "planned": "d" * 64}),
            "am-1": alertmanager("A", silences=1),
        },
        left_out=["am-2"],
    )
    lines = _status_table.table(status)
    assert lines[0].split() == ["HOST", "VERDICT", "VERSION", "RUNS", "CONFIG", "PENDING", "LAST", "RELOAD", "SEES"]
    assert lines.index("Prometheus, replica set eu of prod:") < lines.index("Alertmanager, mesh default of prod:")
    rows = {line.split()[0]: line for line in lines if line}
    assert "down      - -> 3.5.3  failed (failed)" in rows["p-1"] and "start" in rows["p-1"]
    assert "1d2h, pid 7" in rows["p-2"] and "cccccccc -> dddddddd" in rows["p-2"]
    assert "ok 2026-11-26 02:46:40Z" in rows["p-2"]
    assert (
        "targets 7/7, Alertmanagers 2/2, federates 1/1, 1310 series, 0 firing, 50 GiB free, keeps 15d" in (rows["p-2"])
    )
    assert "mesh ready, members 1/2, 1 silences, 0 notifications failed, 50 GiB free" in rows["am-1"]
    assert "Not part of this run: am-2." in lines
    assert lines[-1] == "3 components on 3 hosts: 1 ok, 1 degraded, 1 down."
    assert _status_table.failure(status) == "not all is well; down: p-1 (Prometheus); degraded: am-1 (Alertmanager)"


def test_the_data_is_json_and_says_the_same() -> None:
    status = judge({"p-1": prometheus(), "p-2": prometheus(firing={"Down": 1}), "p-3": None}, notes=["no role"])
    data = json.loads(json.dumps(_status_table.data(status)))
    assert (data["ok"], data["counts"], data["notes"]) == (False, {"ok": 2, "unknown": 1}, ["no role"])
    assert [(one["host"], one["cohort"], one["verdict"]) for one in data["components"]][2] == ("p-3", "eu", "unknown")
    assert data["components"][2]["facts"] is None and data["components"][1]["facts"]["firing"] == {"Down": 1}
    assert _status_table.failure(status).endswith("unknown: p-3 (Prometheus); replicas differ")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59.9, "59s"), (61, "1m1s"), (3600, "1h"), (93784, "1d2h"), (86401, "1d1s")]
)
def test_durations(seconds: float, words: str) -> None:
    assert _status_table.duration(seconds) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 B"), (1536, "2 KiB"), (2**30, "1 GiB"), (3 * 2**40, "3.0 TiB")])
def test_sizes(number: int, words: str) -> None:
    assert _status_table.size(number) == words
