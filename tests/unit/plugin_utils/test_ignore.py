# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an inventory ignores, for which hosts; what can't be ignored; and warnings that stop."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._ignore import Consents
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._judge import (
    LIVE,
    STATIC,
    judge,
    secrets_of,
    told,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import hosts, plan, prometheus, snapshot

FINDINGS = [
    error("P01", "host a, variable x (f:1)", "bad.", "mend."),
    error("P01", "host b, variable x (f:1)", "bad.", "mend."),
    warning("I04", "the inventory", "odd.", "look."),
]


def consents(a: t.Any = None, b: t.Any = None, **common: t.Any) -> Consents:
    """Of the hosts a and b, which are in no group."""
    given = {"prometheus_ha_preflight_ignore": a}, {"prometheus_ha_preflight_ignore": b}
    return Consents.of(
        snapshot(*(hosts(name, groups=(), **values, **common) for name, values in zip("ab", given, strict=True)))
    )


def entry(rule: str, reason: t.Any = "meant", **more: t.Any) -> dict[str, t.Any]:
    return {"id": rule, "reason": reason, **more}


def lines(findings: t.Iterable[Finding]) -> list[str]:
    return [
        f"{finding.id} {finding.severity} {finding.where.partition(',')[0]} {finding.ignored}".strip()
        for finding in findings
    ]


P01_A, P01_B, I04 = "P01 error host a", "P01 error host b", "I04 warning the inventory"


@pytest.mark.parametrize(
    "a, b, expected",
    [
        pytest.param(None, None, [P01_A, P01_B, I04], id="nothing is ignored"),
        pytest.param([entry("P01")], None, [f"{P01_A} meant", P01_B, I04], id="by one host"),
        pytest.param([entry("P01", "  two\nlines ")], None, [f"{P01_A} two lines", P01_B, I04], id="on one line"),
        pytest.param([entry("P01")], [entry("P01")], [f"{P01_A} meant", f"{P01_B} meant", I04], id="by both"),
        pytest.param(
            [entry("P01", hosts=["b"])],
            [entry("P01", hosts=["b"])],
            [P01_A, f"{P01_B} meant", I04],
            id="for one of both",
        ),
        pytest.param([entry("P01", hosts="a")], None, [f"{P01_A} meant", P01_B, I04], id="one host in place of a list"),
        pytest.param([entry("P01", hosts=["b"])], None, [P01_A, P01_B, I04], id="one host does not speak for another"),
        pytest.param([entry("P01", hosts=[])], None, [P01_A, P01_B, I04], id="for nobody"),
        pytest.param([entry("P01"), entry("P01", "again")], None, [f"{P01_A} meant", P01_B, I04], id="twice"),
        pytest.param([entry("P01", "")], None, [P01_A, P01_B, I04], id="without a reason"),
        pytest.param(
            [entry("P01", ""), entry("P01", "again")], None, [f"{P01_A} again", P01_B, I04], id="the second with one"
        ),
        pytest.param([entry("P01", " ")], None, [P01_A, P01_B, I04], id="a blank reason"),
        pytest.param([entry("P01", None)], None, [P01_A, P01_B, I04], id="reason null"),
        pytest.param(None, [entry("I04")], [P01_A, P01_B, f"{I04} meant"], id="what is about no host"),
        pytest.param(None, [entry("I04", hosts=["b"])], [P01_A, P01_B, I04], id="what is about no host, for one"),
        pytest.param("P01", {"id": "P01"}, [P01_A, P01_B, I04], id="of the wrong type"),
    ],
)
def test_a_finding_is_ignored_where_its_host_says_so(a: t.Any, b: t.Any, expected: list[str]) -> None:
    assert lines(consents(a, b).judge(FINDINGS)) == expected


def test_a_finding_of_several_hosts_is_ignored_for_some_of_them() -> None:
    judged = consents([entry("P01")]).judge([error("P01", "hosts a, b, variable x (f:1)", "bad.", "mend.")])
    assert [finding.where for finding in told(judged, Snapshot({}))] == [
        "host b, variable x (f:1)",
        "host a, variable x (f:1)",
    ]
    assert [finding.stops for finding in told(judged, Snapshot({}))] == [True, False]


def test_strict_makes_errors_of_warnings() -> None:
    strict = snapshot(hosts("a", groups=(), prometheus_ha_strict=True), hosts("b", groups=()))
    found = [
        warning("I04", "hosts a, b", "odd.", "look."),
        warning("X03", "all", "odd.", "look."),
        Finding("P04", "undecided", "host a", "who knows.", "look."),
    ]
    assert lines(Consents.of(strict).judge(found)) == [
        "I04 error host a",
        "I04 warning host b",
        "X03 error all",
        "P04 error host a",
    ]
    assert lines(Consents.of(snapshot(hosts("a", groups=()))).judge(found))[-2:] == [
        "X03 warning all",
        "P04 undecided host a",
    ]


def test_what_is_ignored_does_not_stop_under_strict() -> None:
    strict = consents([entry("I04")], prometheus_ha_strict=True)
    assert lines(strict.judge([warning("I04", "host a", "odd.", "look.")])) == ["I04 warning host a meant"]


# -- what is wrong with the entries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, severity, words",
    [
        ({"reason": "x"}, "error", "an entry has no id"),
        ({"id": "P01"}, "error", "the entry for P01 has no reason, so it ignores nothing"),
        (entry("I01"), "error", "I01 can't be ignored: without the value that it names there is nothing to roll out"),
        (entry("I02"), "error", "I02 can't be ignored"),
        (entry("I03"), "error", "I03 can't be ignored"),
        (entry("I10"), "error", "I10 can't be ignored: it is about these entries"),
        (entry("I11"), "error", "I11 can't be ignored"),
        (entry("p01"), "warning", "there is no rule 'p01': is P01 meant?"),
        (entry("nonsense"), "warning", "there is no rule 'nonsense'."),
        (entry("P01", hosts=["a", "typo"]), "warning", "is for typo, which the inventory does not have"),
    ],
)
def test_i10(given: dict[str, t.Any], severity: str, words: str) -> None:
    found = judge(FINDINGS, consents([given]))[len(FINDINGS) :]
    assert [(finding.id, finding.severity) for finding in found] == [("I10", severity)]
    assert words in found[0].what
    assert found[0].where == "host a, variable prometheus_ha_preflight_ignore"


@pytest.mark.parametrize(
    "a, b, stale",
    [
        pytest.param([entry("P01")], None, [], id="used"),
        pytest.param([entry("X03")], None, ["a"], id="not used"),
        pytest.param([entry("X03")], [entry("X03")], ["a", "b"], id="by nobody"),
        pytest.param([entry("P01", hosts=["b"])], [entry("P01", hosts=["b"])], [], id="used by one of its hosts"),
        pytest.param([entry("I04")], None, [], id="used for what is about no host"),
        pytest.param([entry("A04"), entry("H01")], None, [], id="rules over hosts, which were not asked"),
        pytest.param([entry("P01"), entry("X03")], None, ["a"], id="one of two"),
    ],
)
def test_i11(a: t.Any, b: t.Any, stale: list[str]) -> None:
    found = judge(FINDINGS, consents(a, b))[len(FINDINGS) :]
    assert [finding.id for finding in found] == ["I11"] * len(stale)
    assert [name for finding in found for name in finding.place.hosts] == stale


def test_nothing_is_stale_while_not_everything_could_be_rendered() -> None:
    """A rule is quiet about what it can't see."""
    bad = error("I03", "host a", "no such flag.", "mend.")
    assert lines(judge([bad], consents([entry("X03")]))) == ["I03 error host a"]


def test_the_live_part_knows_what_the_other_one_ignored() -> None:
    both = sorted(STATIC & LIVE)
    given = [entry(both[0]), entry("H01"), entry("H02"), entry("X03")]
    before = told(judge([error(both[0], "host a", "bad.", "mend.")], consents(given)), Snapshot({}))
    assert lines(before) == ["I11 warning host a", f"{both[0]} error host a meant"]
    found = judge([error("H01", "host a", "bad.", "mend.")], consents(given), before)
    assert lines(found) == ["H01 error host a meant", "I11 warning host a"]
    assert "the entry for H02" in found[1].what


def test_each_entry_is_told_once_for_all_its_hosts() -> None:
    names = [f"h{number}" for number in range(200)]
    given = hosts(*names, groups=(), prometheus_ha_preflight_ignore=[entry("X03")], origins={})
    (finding,) = told(judge([], Consents.of(snapshot(given))), Snapshot({}))
    assert (finding.id, len(finding.place.hosts)) == ("I11", 200)


# -- in a plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_ignores_and_still_has_what_it_ignores() -> None:
    values = {
        "prometheus_replica": "one",
        "prometheus_ha_preflight_ignore": [entry("P01", "they are merged next week")],
    }
    found = [
        finding for finding in plan(prometheus("a", "b", **values)).findings if finding.id in ("P01", "I10", "I11")
    ]
    assert [(finding.id, finding.ignored, finding.stops) for finding in found] == [
        ("P01", "they are merged next week", False)
    ]


def test_a_value_of_the_wrong_type_is_told_once() -> None:
    found = plan(prometheus("a", prometheus_ha_preflight_ignore="P01", prometheus_ha_strict="perhaps")).findings
    told_of = [finding.place.variable for finding in found if finding.id == "I02"]
    assert sorted(told_of) == ["prometheus_ha_preflight_ignore", "prometheus_ha_strict"]


def test_prometheus_urls_may_be_shown_and_alertmanager_s_may_not() -> None:
    slices = [
        {"name": "prometheus", "secrets": ["http://mimir:9009/push", "hunter2"]},
        {"name": "alertmanager", "secrets": ["https://hooks.example/T0/B0"]},
    ]
    assert list(secrets_of(slices)) == ["hunter2", "https://hooks.example/T0/B0"]


def test_what_a_configuration_keeps_secret_is_in_no_finding() -> None:
    """Also where it is not encrypted: replicas that differ in it are compared."""
    write = [{"url": "http://x:9/w", "basic_auth": {"username": "u", "password": "hunter2-a"}}]
    values = {"prometheus_remote_write": write, "prometheus_external_labels": {"site": "hunter2-a"}}
    found = plan(prometheus("a", **values), prometheus("b", prometheus_external_labels={"site": "x"})).findings
    assert any("********" in finding.what for finding in found if finding.id == "P01")
    assert not any("hunter2" in str(finding) for finding in found)
