# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""P03 and P04: who sets the replica label, and whether alerts of all replicas are equal."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, plan, prometheus

MESH = alertmanager("am-1", "am-2")


def told(
    rule: str, first: dict[str, t.Any], second: dict[str, t.Any], files: t.Mapping[str, str] | None = None
) -> list[str]:
    found = plan(prometheus("p", **first), prometheus("q", **second), MESH, files=files).findings
    return [str(finding) for finding in found if finding.id == rule]


# -- P03 --------------------------------------------------------------------------------------------------------------


def job(**values: t.Any) -> dict[str, t.Any]:
    return {"prometheus_scrape_configs": [{"job_name": "j", **values}]}


def group(**values: t.Any) -> dict[str, t.Any]:
    return {"prometheus_rules": [{"name": "g", "rules": [{"record": "r", "expr": "up"}], **values}]}


@pytest.mark.parametrize(
    "values, variable, words",
    [
        pytest.param(
            {"prometheus_targets": {"n": [{"targets": ["x:1"]}, {"targets": ["y:1"], "labels": {"replica": "a"}}]}},
            "prometheus_targets",
            "n: its targets are given the label 'replica'",
            id="a target file",
        ),
        pytest.param(
            job(static_configs=[{"targets": ["x:1"], "labels": {"replica": "a"}}]),
            "prometheus_scrape_configs",
            "job 'j': its static_configs give targets the label 'replica'",
            id="static targets",
        ),
        pytest.param(
            job(relabel_configs=[{"target_label": "replica", "replacement": "x"}]),
            "prometheus_scrape_configs",
            "job 'j': relabel_configs set the label 'replica'",
            id="relabelling",
        ),
        pytest.param(
            job(metric_relabel_configs=[{"regex": "x", "replacement": "replica", "action": "labelmap"}]),
            "prometheus_scrape_configs",
            "job 'j': metric_relabel_configs set the label 'replica'",
            id="relabelling of samples",
        ),
        pytest.param(
            job(relabel_configs=[{"regex": "__meta_kubernetes_pod_label_(app|replica)", "action": "labelmap"}]),
            "prometheus_scrape_configs",
            "job 'j': relabel_configs set the label 'replica'",
            id="a labelmap that spells it out",
        ),
        pytest.param(
            group(labels={"replica": "x"}),
            "prometheus_rules",
            "rules: group 'g' gives its rules the label 'replica'",
            id="a group's labels",
        ),
        pytest.param(
            group(rules=[{"record": "r", "expr": "up", "labels": {"replica": "x"}}]),
            "prometheus_rules",
            "rules: group 'g': the rule 'r' sets the label 'replica'",
            id="a recording rule",
        ),
        pytest.param(
            {**job(relabel_configs=[{"target_label": "rep", "replacement": "x"}]), "prometheus_replica_label": "rep"},
            "prometheus_scrape_configs",
            "the label 'rep', which is the replica label",
            id="a replica label of one's own",
        ),
    ],
)
def test_p03(values: dict[str, t.Any], variable: str, words: str) -> None:
    found = told("P03", values, values)
    assert len(found) == 1, found
    assert found[0].startswith(f"P03 error hosts p, q, variable {variable}: ")
    assert words in found[0]


def test_p03_of_a_rule_file() -> None:
    rules = 'groups: [{name: g, rules: [{alert: A, expr: up, labels: {replica: "x"}}]}]'
    both = {"prometheus_rule_files": ["r/*.yml"]}
    found = told("P03", both, both, {"/inv/r/a.yml": rules})
    assert len(found) == 1
    assert found[0].startswith(
        "P03 error hosts p, q, variable prometheus_rule_files: /inv/r/a.yml: group 'g': the rule"
    )


def test_p03_of_the_second_replica_alone() -> None:
    found = told("P03", {}, job(relabel_configs=[{"target_label": "replica", "replacement": "x"}]))
    assert [line.partition(": ")[0] for line in found] == ["P03 error host q, variable prometheus_scrape_configs"]


@pytest.mark.parametrize(
    "configs",
    [
        pytest.param([{"regex": r"\p{Greek}(x)", "action": "labelmap"}], id="labelmap"),
        pytest.param([{"source_labels": ["x"], "regex": r"\pL", "target_label": "a$1"}], id="a template"),
        pytest.param(
            [{"source_labels": ["x"], "target_label": "replica"}, {"regex": r"\pL", "action": "labeldrop"}],
            id="a labeldrop",
        ),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_what_may_set_the_replica_label_is_undecided(configs: list[dict[str, t.Any]], strict: bool) -> None:
    values = {**job(relabel_configs=configs), "prometheus_ha_strict": strict}
    found = told("P03", values, values)
    severity = "error" if strict else "undecided"
    assert len(found) == 1
    assert found[0].startswith(
        f"P03 {severity} hosts p, q, variable prometheus_scrape_configs: job 'j': undecided whether relabel_configs "
        f"set the label 'replica', which is the replica label (in rule {len(configs)}, "
    )
    assert "write that rule in another way, or add a labeldrop of 'replica' behind it" in found[0]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="nothing"),
        pytest.param(job(relabel_configs=[{"target_label": "replicas", "replacement": "x"}]), id="another name"),
        pytest.param(job(relabel_configs=[{"source_labels": ["replica"], "target_label": "x"}]), id="read, not set"),
        pytest.param(job(relabel_configs=[{"action": "hashmod"}]), id="what Prometheus refuses, promtool tells"),
        pytest.param(
            job(relabel_configs=[{"regex": "__meta_kubernetes_pod_label_(.+)", "action": "labelmap"}]),
            id="names that come from discovery",
        ),
        pytest.param(
            job(relabel_configs=[{"source_labels": ["x"], "regex": "(.+)=(.+)", "target_label": "$1"}]),
            id="names that come from values",
        ),
        pytest.param(
            job(relabel_configs=[{"regex": "__meta_kubernetes_pod_label_(app|team)", "action": "labelmap"}]),
            id="a labelmap of other names",
        ),
        pytest.param(
            job(relabel_configs=[{"source_labels": ["x"], "regex": "((a{0,30}){0,30}){0,30}b", "target_label": "y"}]),
            id="a costly regex",
        ),
        pytest.param(job(relabel_configs=None, static_configs=None), id="empty lists"),
        pytest.param({"prometheus_targets": {"n": None, "m": [{"targets": []}]}}, id="empty target files"),
        pytest.param({"prometheus_replica_label": "rep", **group(labels={"replica": "x"})}, id="another replica label"),
    ],
)
def test_p03_passes(values: dict[str, t.Any]) -> None:
    assert told("P03", values, values) == []


# -- P04 --------------------------------------------------------------------------------------------------------------

DC = {"prometheus_ha_alert_replica_label": "keep", "prometheus_replica_label": "dc"}


def dc(regex: str, value: str, **more: t.Any) -> dict[str, t.Any]:
    configs = [{"source_labels": ["dc"], "regex": regex, "target_label": "dc"}]
    return {**DC, "prometheus_replica": value, "prometheus_alert_relabel_configs": configs, **more}


def relabelled(*configs: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"prometheus_alert_relabel_configs": list(configs), **more}


def alert(name: str = "A", **labels: str) -> dict[str, t.Any]:
    return {"prometheus_rules": [{"name": "g", "rules": [{"alert": name, "expr": "up", "labels": labels}]}]}


@pytest.mark.parametrize(
    "first, second",
    [
        pytest.param({}, {}, id="labeldrop"),
        pytest.param({"prometheus_replica_label": "r"}, {"prometheus_replica_label": "r"}, id="another label"),
        pytest.param(dc(r"(.+)\d+", "europe1"), dc(r"(.+)\d+", "europe2"), id="the number is stripped"),
        pytest.param(dc(r"([a-z]+)[0-9]", "europe1"), dc(r"([a-z]+)[0-9]", "europe2"), id="in other words"),
        pytest.param(
            {**DC, **relabelled({"regex": "dc", "action": "labeldrop"})},
            {**DC, **relabelled({"regex": "dc", "action": "labeldrop"})},
            id="a labeldrop by hand",
        ),
        pytest.param(
            *[relabelled({"source_labels": ["alertname"], "regex": "Watchdog", "action": "drop"})] * 2,
            id="some alerts dropped",
        ),
        pytest.param(
            *[relabelled({"source_labels": ["team"], "regex": ".+", "action": "keep"}, **alert(team="x"))] * 2,
            id="those with a team kept",
        ),
        pytest.param({"prometheus_agent": True}, {"prometheus_agent": True}, id="agents send none"),
        pytest.param(
            *[{"prometheus_external_labels": {"site": "a$$b"}, "prometheus_version": v} for v in ("3.5.3", "3.5.3")],
            id="a dollar",
        ),
        pytest.param(
            {"prometheus_external_labels": {"a": "1"}}, {"prometheus_external_labels": {"a": "2"}}, id="P01 told it"
        ),
    ],
)
def test_p04_passes(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    assert told("P04", first, second) == []


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            DC,
            DC,
            "host q, variable prometheus_ha_alert_replica_label",
            "the alert Example is not the same on all replicas: after relabelling, 'dc' is 'p' on p and 'q' on q.",
            id="nothing takes it off",
        ),
        pytest.param(
            dc(r"(.+)\d", "europe1"),
            dc(r"(.+)\d", "europe-b"),
            "host q, variable prometheus_alert_relabel_configs",
            "'dc' is 'europe' on p and 'europe-b' on q.",
            id="one has no number",
        ),
        pytest.param(
            dc(r"(.+)\d+", "europe1"),
            dc(r"(.+)\d+", "europe12"),
            "host q, variable prometheus_alert_relabel_configs",
            "'dc' is 'europe' on p and 'europe1' on q.",
            id="greedy",
        ),
        pytest.param(
            {**relabelled({"source_labels": ["replica"], "target_label": "from"}), **DC},
            {**relabelled({"source_labels": ["dc"], "target_label": "from"}), **DC},
            "host q, variable prometheus_alert_relabel_configs",
            "'dc' is 'p' on p and 'q' on q.",
            id="copied",
        ),
        pytest.param(
            *[{**DC, **relabelled({"source_labels": ["dc"], "regex": "p", "action": "keep"})}] * 2,
            "host q, variable prometheus_alert_relabel_configs",
            "the alert Example is sent by p and dropped by q.",
            id="one drops all",
        ),
        pytest.param(
            *[alert(by="{{$externalLabels.replica}}!")] * 2,
            "host q, variable prometheus_rules",
            "the alert A is not the same on all replicas: after relabelling, 'by' is 'p!' on p and 'q!' on q.",
            id="a rule brings it back",
        ),
        pytest.param(
            *[{**DC, **relabelled({"source_labels": ["severity", "dc"], "regex": "page;.*", "action": "drop"})}] * 2,
            "host q, variable prometheus_alert_relabel_configs",
            "the alert Example",
            id="some are dropped, the others differ",
        ),
    ],
)
def test_p04(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    found = told("P04", first, second)
    assert len(found) == 1, found
    assert found[0].startswith(f"P04 error {where}: replica set default: ")
    assert words in found[0]


def test_alerts_differ_only_where_a_rule_sets_a_label() -> None:
    """Relabelling that looks at a label which only one rule's alerts have."""
    drop = {"source_labels": ["team"], "regex": "x", "target_label": "from", "replacement": "y"}
    keep = {**DC, **relabelled({"source_labels": ["team", "dc"], "regex": "(x);.*", "target_label": "dc"})}
    assert "the alert Example" in told("P04", {**keep, **alert(team="x")}, {**keep, **alert(team="x")})[0]
    both = {**relabelled(drop), **alert(team="x")}
    assert told("P04", both, both) == []


def test_a_keep_that_drops_everything_is_told() -> None:
    values = relabelled({"source_labels": ["team"], "regex": ".+", "action": "keep"})
    found = told("P04", values, values)
    assert [line.partition(": ")[0] for line in found] == [
        "P04 warning host p, variable prometheus_alert_relabel_configs"
    ]
    assert "drop every alert whose labels are known" in found[0]


def test_an_undecided_pattern_is_never_guessed() -> None:
    values = relabelled({"source_labels": ["alertname"], "regex": r"\p{Greek}+", "action": "drop"})
    found = told("P04", values, values)
    assert [line.partition(": ")[0] for line in found] == [
        "P04 undecided host p, variable prometheus_alert_relabel_configs"
    ]
    assert "undecided whether all replicas send the same alerts: in rule 1, " in found[0]
    assert r"\p" in found[0]


def test_what_prometheus_would_refuse_is_an_error() -> None:
    values = relabelled({"action": "hashmod", "target_label": "x"})
    found = told("P04", values, values)
    assert len(found) == 1
    assert found[0].startswith("P04 error host p, variable prometheus_alert_relabel_configs: ")
    assert "hashmod needs a modulus" in found[0]
