# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""P02: what is rendered decides, the variables explain."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    findings,
    hosts,
    plan,
    prometheus,
)

MESHES = {**alertmanager("am-1", "am-2", alertmanager_mesh="a"), **alertmanager("am-3", "am-4", alertmanager_mesh="b")}
JOB = {"job_name": "node", "static_configs": [{"targets": ["n1:9100"]}]}
RULE = {"name": "g", "rules": [{"record": "up:sum", "expr": "sum(up)"}]}


def p02(first: dict[str, t.Any], second: dict[str, t.Any], **files: str) -> list[str]:
    found = findings(prometheus("p", **first), prometheus("q", **second), MESHES, files=files)
    return [line for line in found if line.startswith("P02")]


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            {},
            {"prometheus_scrape_interval": "31s"},
            "host q, variable prometheus_scrape_interval",
            "prometheus.yml: global.scrape_interval is '30s' on p and '31s' on q.",
            id="an interval",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [JOB]},
            {"prometheus_scrape_configs": [{**JOB, "static_configs": [{"targets": ["n1:9100", "n2:9100"]}]}]},
            "host q, variable prometheus_scrape_configs",
            "scrape_configs[0].static_configs[0].targets[1] is missing on p and 'n2:9100' on q.",
            id="one target more",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [JOB]},
            {},
            "host p, variable prometheus_scrape_configs",
            "prometheus.yml: scrape_configs[0] is there on p and missing on q.",
            id="set on the first alone",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [JOB], "prometheus_shard": {"index": 0, "of": 2}},
            {"prometheus_scrape_configs": [JOB], "prometheus_shard": {"index": 1, "of": 2}},
            "host q, variable prometheus_shard",
            "scrape_configs[0].relabel_configs[1].regex is '0' on p and '1' on q.",
            id="shards in one set",
        ),
        pytest.param(
            {"prometheus_alertmanager_meshes": ["a"]},
            {"prometheus_alertmanager_meshes": ["a", "b"]},
            "host q, variable prometheus_alertmanager_meshes",
            "alerting.alertmanagers[0].static_configs[0].targets[2] is missing on p and 'am-3.example:9093' on q.",
            id="other meshes",
        ),
        pytest.param(
            {"prometheus_alert_relabel_configs": [{"regex": "a", "action": "labeldrop"}]},
            {"prometheus_alert_relabel_configs": [{"regex": "b", "action": "labeldrop"}]},
            "host q, variable prometheus_alert_relabel_configs",
            "alerting.alert_relabel_configs[1].regex is 'a' on p and 'b' on q.",
            id="alert relabelling",
        ),
        pytest.param(
            {"prometheus_agent": True},
            {"prometheus_rules": [RULE]},
            "host p, variable prometheus_agent",
            "prometheus.yml: rule_files is missing on p and there on q; 3 more of its parts differ.",
            id="one is an agent",
        ),
        pytest.param(
            {"prometheus_rules": [RULE]},
            {"prometheus_rules": [{**RULE, "rules": [{"record": "up:sum", "expr": "sum(up) by (job)"}]}]},
            "host q, variable prometheus_rules",
            "rules/inline.yml: groups[0].rules[0].expr is 'sum(up)' on p and 'sum(up) by (job)' on q.",
            id="a rule's expression",
        ),
        pytest.param(
            {"prometheus_targets": {"n": [{"targets": ["n1:1"]}]}},
            {"prometheus_targets": {"n": [{"targets": ["n1:1"]}], "m": [{"targets": ["m:1"]}]}},
            "host q, variable prometheus_targets",
            "targets/m.yml is missing on p and there on q.",
            id="a target file",
        ),
        pytest.param(
            {},
            {"prometheus_config": {"storage": {"tsdb": {"out_of_order_time_window": "10m"}}}},
            "host q, variable prometheus_config",
            "prometheus.yml: storage is missing on p and there on q.",
            id="merged last",
        ),
        pytest.param(
            {},
            {"prometheus_config": {"global": {"scrape_timeout": "5s"}}},
            "host q, variable prometheus_config",
            "global.scrape_timeout is '10s' on p and '5s' on q.",
            id="merged over a variable",
        ),
        pytest.param(
            {"prometheus_extra_args": {"query.lookback-delta": "6m"}},
            {"prometheus_extra_args": {"--query.lookback-delta": "7m"}},
            "host q, variable prometheus_extra_args",
            "the command line: --query.lookback-delta is '6m' on p and '7m' on q.",
            id="a flag of the evaluation",
        ),
    ],
)
def test_p02(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    found = p02(first, second)
    assert len(found) == 1, found
    assert found[0].startswith(f"P02 error {where}: replica set default is not rendered alike: ")
    assert words in found[0]


@pytest.mark.parametrize(
    "first, second",
    [
        pytest.param({"prometheus_replica": "A"}, {"prometheus_replica": "B"}, id="the replica"),
        pytest.param({"prometheus_version": "3.5.3"}, {"prometheus_version": "2.53.3"}, id="an upgrade under way"),
        pytest.param({"prometheus_retention": "7d"}, {"prometheus_retention": "30d"}, id="the retention"),
        pytest.param({"prometheus_port": 9090}, {"prometheus_port": 9091}, id="the port"),
        pytest.param({}, {"prometheus_extra_args": {"query.max-concurrency": 9}}, id="a flag of the process"),
        pytest.param({}, {"prometheus_external_url": "https://q.example/"}, id="its URL"),
        pytest.param({}, {"prometheus_replica_set": "q", "prometheus_scrape_configs": [JOB]}, id="two sets"),
        pytest.param({}, {"prometheus_replica_label": "r"}, id="the label's name is the business of P01"),
        pytest.param({}, {"prometheus_external_labels": {"a": "b"}}, id="labels are the business of P01"),
        pytest.param({}, {"prometheus_rules": [RULE], "prometheus_version": "x"}, id="one can't be rendered"),
        pytest.param(
            {"prometheus_scrape_interval": "30s"},
            {"prometheus_scrape_interval": "5s", "prometheus_config": {"global": {"scrape_interval": "30s"}}},
            id="variables differ and what is rendered does not",
        ),
    ],
)
def test_p02_passes(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    assert p02(first, second) == []


def test_every_variable_that_differs_is_told_once() -> None:
    found = p02(
        {"prometheus_scrape_configs": [JOB]},
        {
            "prometheus_scrape_configs": [],
            "prometheus_targets": {"a": [], "b": []},
            "prometheus_rules": [RULE],
        },
    )
    assert [line.partition(": ")[0] for line in found] == [
        f"P02 error host q, variable prometheus_{name}" for name in ("scrape_configs", "targets", "rules")
    ]
    assert "; 1 more of its parts differ." in found[1]


def test_each_replica_is_compared() -> None:
    found = findings(prometheus("p"), prometheus("q", "r", prometheus_evaluation_interval="1m"), MESHES)
    assert [line.partition(": ")[0] for line in found] == [
        f"P02 error host {name}, variable prometheus_evaluation_interval" for name in ("q", "r")
    ]


@pytest.mark.parametrize(
    "pattern, words",
    [("{}:9100", "each host's own name"), ("{}.example:9100", "each host's own address"), ("x-{}x", "each host's own")],
)
def test_a_template_of_the_host_is_told(pattern: str, words: str) -> None:
    jobs = [[{**JOB, "static_configs": [{"targets": [pattern.format(name)]}]}] for name in ("p", "q")]
    found = p02({"prometheus_scrape_configs": jobs[0]}, {"prometheus_scrape_configs": jobs[1]})
    assert words in found[0]


def test_a_rule_file_that_is_no_yaml_is_compared_line_by_line() -> None:
    files = {"/inv/one/r.yml": "groups:\n- [", "/inv/two/r.yml": "groups:\n- {"}
    found = findings(
        prometheus("p", prometheus_rule_files=["one/*.yml"]),
        prometheus("q", prometheus_rule_files=["two/*.yml"]),
        MESHES,
        files=files,
    )
    assert [line for line in found if line.startswith("P02 error host q, variable prometheus_rule_files: ")], found
    assert "rules/r.yml: [1] is '- [' on p and '- {' on q." in found[0]


def test_no_secret_is_shown() -> None:
    write = [{"url": "https://w.example/", "basic_auth": {"username": "u", "password": "hunter2"}}]
    for other, shown in (
        ({"url": "https://w.example/", "basic_auth": {"username": "u", "password": "x"}}, "password is ********"),
        ({"url": "https://u:hunter3@w.example/", "basic_auth": write[0]["basic_auth"]}, "'https://u:********@w.exam"),
        ({"url": "https://w.example/", "basic_auth": {"username": "x hunter2", "password": "hunter2"}}, "'x ********'"),
    ):
        found = p02({"prometheus_remote_write": write}, {"prometheus_remote_write": [other]})
        assert len(found) == 1
        assert shown in found[0]
        assert "hunter" not in found[0]


def test_what_came_encrypted_is_masked_before_it_is_cut() -> None:
    vaulted = "s" * 200
    parts = {}
    for name, value in (("p", "other"), ("q", vaulted)):
        job = {**JOB, "params": {"module": [value]}}
        parts.update(
            {
                key: dataclasses.replace(host, secrets=(vaulted,))
                for key, host in hosts(name, groups=["prometheus"], prometheus_scrape_configs=[job]).items()
            }
        )
    found = [str(finding) for finding in plan(parts, MESHES).findings if finding.id == "P02"]
    assert len(found) == 1
    assert "sss" not in found[0]
    assert "params.module[0] is 'other' on p and '********' on q." in found[0]
