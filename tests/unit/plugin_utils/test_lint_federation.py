# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about federation: what is taken, how, in which order."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, hosts, plan, prometheus

MESH = alertmanager("am-1", "am-2")
LEAVES = prometheus("l-1", "l-2")
MATCH = ["job:up:sum"]
Hosts = t.Dict[str, HostVariables]


def federation(**values: t.Any) -> Hosts:
    return hosts("g-1", "g-2", groups=["prometheus_federation"], **values)


def entry(**given: t.Any) -> Hosts:
    return federation(prometheus_federate=[{"replica_set": "default", "match": MATCH, **given}])


def by_hand(*jobs: dict[str, t.Any], **values: t.Any) -> Hosts:
    usual = {
        "metrics_path": "/federate",
        "honor_labels": True,
        "params": {"match[]": MATCH},
        "sample_limit": 100,
        "static_configs": [{"targets": ["l-1.example:9090", "l-2.example:9090"]}],
    }
    configs = [{"job_name": f"hand-{number}", **usual, **job} for number, job in enumerate(jobs, 1)]
    return federation(prometheus_scrape_configs=configs, **values)


def found(*parts: Hosts) -> list[Finding]:
    return [finding for finding in plan(*parts, MESH).findings if finding.id[0] in "FI"]


def told(*parts: Hosts) -> list[str]:
    """Every finding of the family (and of what can't be rendered) as text, without what to do."""
    return [f"{finding.id} {finding.severity} {finding.where}: {finding.what}" for finding in found(*parts)]


FEDERATE = "hosts g-1, g-2, variable prometheus_federate: entry 1 (replica set default)"
BY_HAND = "hosts g-1, g-2, variable prometheus_scrape_configs: job 'hand-1'"

# -- F01, F05: selectors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selector, said",
    [
        (
            "{job!~prometheus}",
            "F01 error: the selector {job!~prometheus} is none that Prometheus takes: at character 7,",
        ),
        ('{a=~"("}', 'F01 error: the selector {a=~"("} is none that Prometheus takes: '),
        ('{a=~"(?=b)"}', 'F01 error: the selector {a=~"(?=b)"} is none that Prometheus takes: RE2 knows no'),
        ('{__name__=~".+"}', 'F01 error: the selector {__name__=~".+"} takes everything, or everything but'),
        ("{}", "F01 error: the selector {} takes everything"),
        ('{__name__=~"\\\\pL+:x"}', 'F01 warning: the selector {__name__=~"\\\\pL+:x"} is not judged: \\p depends'),
        ("up", "F05 warning: the selector up takes more than aggregates: a metric 'up', for one."),
        ('{job="node"}', "F05 warning: the selector {job=\"node\"} takes more than aggregates: a metric 'a', for one."),
    ],
)
def test_selectors(selector: str, said: str) -> None:
    rule, _space, rest = said.partition(": ")
    for hosts_, title in (
        (entry(match=[*MATCH, selector]), FEDERATE),
        (by_hand({"params": {"match[]": [selector]}}), BY_HAND),
    ):
        (line,) = told(LEAVES, hosts_)
        assert line.startswith(f"{rule} {title}: {rest}"), line


@pytest.mark.parametrize("match", [None, [], "up:sum", [["up:sum"]], {"a": 1}])
def test_no_list_of_selectors(match: t.Any) -> None:
    assert told(LEAVES, entry(match=match)) == [f"F01 error {FEDERATE}: match is no list of selectors."]
    said = [f"F01 error {BY_HAND}: params.match[] is no list of selectors."]
    assert told(LEAVES, by_hand({"params": {"match[]": match}})) == said


@pytest.mark.parametrize("params", [None, "x", {"match": MATCH}])
def test_no_match_at_all(params: t.Any) -> None:
    assert [line.partition(" ")[0] for line in told(LEAVES, by_hand({"params": params}))] == ["F01"]


def test_jobs_over_sources_outside_are_judged_too() -> None:
    job = {"params": {"match[]": ["up"]}, "honor_labels": False, "static_configs": [{"targets": ["x.example:9090"]}]}
    assert [line.partition(" ")[0] for line in told(LEAVES, by_hand(job))] == ["F02", "F05"]


# -- F02, F03: labels and replicas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, False, "true"])
def test_f02(given: t.Any) -> None:
    assert told(LEAVES, by_hand({"honor_labels": given})) == [f"F02 error {BY_HAND}: honor_labels is not true."]


def only(name: str) -> list[dict[str, t.Any]]:
    return [{"targets": [f"{name}.example:9090"]}]


DROP = [{"regex": "replica", "action": "labeldrop"}]


@pytest.mark.parametrize(
    "jobs, said",
    [
        pytest.param([{"static_configs": only("l-1")}], ["it takes the replica l-1 alone"], id="one alone"),
        pytest.param([{"static_configs": only("l-1")}, {"static_configs": only("l-2")}], [], id="one each in two jobs"),
        pytest.param(
            [{"static_configs": only("l-1")}, {"static_configs": only("l-2"), "params": {"match[]": ["a:b"]}}],
            ["it takes the replica l-1 alone", "it takes the replica l-2 alone"],
            id="two jobs for different series",
        ),
        pytest.param([{"metric_relabel_configs": DROP}], ["the label 'replica' is gone"], id="label dropped"),
        pytest.param(
            [{"metric_relabel_configs": [{"regex": "replica", "action": "labelmap", "replacement": "leaf"}]}],
            [],
            id="label copied",
        ),
        pytest.param(
            [{"metric_relabel_configs": [{"regex": "replica", "action": "labelmap", "replacement": "leaf"}, *DROP]}],
            [],
            id="label renamed",
        ),
        pytest.param(
            [{"metric_relabel_configs": [{"source_labels": ["replica"], "regex": "l-2", "action": "keep"}]}],
            ["it takes the replica l-2 alone"],
            id="one kept",
        ),
        pytest.param(
            [{"metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "x", "action": "keep"}]}],
            [],
            id="filtered by name",
        ),
        pytest.param(
            [
                {
                    "metric_relabel_configs": [
                        {"source_labels": ["replica", "job"], "regex": "l-2;.*", "action": "keep"},
                    ]
                }
            ],
            ["undecided whether the replica label stays"],
            id="filtered by both",
        ),
        pytest.param(
            [{"metric_relabel_configs": [{"action": "hashmod"}]}],
            ["undecided whether the replica label stays: in rule 1, hashmod needs"],
            id="refused",
        ),
        pytest.param([{"static_configs": only("l-1"), "dns_sd_configs": [{}]}], [], id="others may be discovered"),
    ],
)
def test_f03_by_hand(jobs: list[dict[str, t.Any]], said: list[str]) -> None:
    lines = told(LEAVES, by_hand(*jobs))
    assert len(lines) == len(said), lines
    for line, words in zip(lines, said):
        assert line.startswith("F03 "), line
        assert words in line


def test_f03_one_replica_of_a_set_of_one() -> None:
    assert told(prometheus("l-1"), by_hand({"static_configs": only("l-1"), "metric_relabel_configs": DROP})) == []


def test_f03_sticky() -> None:
    no_address = f"F03 error {FEDERATE} is sticky and has no address."
    assert told(LEAVES, entry(mode="sticky")) == [no_address]
    (line,) = told(LEAVES, entry(mode="sticky", address="l-2.example"))
    assert line == f"F03 error {FEDERATE}: the sticky address l-2.example:9090 is the replica l-2 itself."
    assert told(LEAVES, entry(mode="sticky", address="vip.example")) == []
    assert told(prometheus("l-1"), entry(mode="sticky", address="l-1.example")) == []


# -- F07: entries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, what, do",
    [
        pytest.param({"replica_set": "defautl"}, "no replica set 'defautl' in the environment 'default'", "'default'?"),
        pytest.param({"replica_set": "x"}, "no replica set 'x'", "name one of default, federation."),
        pytest.param({"replica_set": None}, "one of replica_set and url", "set replica_set"),
        pytest.param({"url": "http://x"}, "one of replica_set and url", "set replica_set"),
        pytest.param({"replica_set": ["default"]}, "replica_set is ['default'] and no text", "write a name"),
        pytest.param({"mode": "all"}, "the mode is 'all'", "both or sticky"),
        pytest.param({"address": "vip"}, "only a sticky replica_set has an address", "mode: sticky"),
        pytest.param({"mode": "sticky", "address": "http://vip"}, "'http://vip' is not an address", "host name"),
        pytest.param({"scheme": "ftp"}, "the scheme is 'ftp'", "http or https"),
        pytest.param(
            {"replica_set": None, "url": "http://x", "scheme": "http"}, "has a scheme already", "remove the key"
        ),
        pytest.param({"sample_limit": "many"}, "the sample_limit is 'many'", "a whole number"),
        pytest.param({"sample_limit": True}, "the sample_limit is True", "a whole number"),
        pytest.param({"sample_limit": -1}, "the sample_limit is -1", "a whole number"),
        pytest.param({"job_name": "node"}, "there is another job 'node'", "a job_name of its own"),
        pytest.param({"replica_set": None, "url": "prometheus.example"}, "the url is not that", "http or https"),
        pytest.param({"replica_set": None, "url": "http://u:hunter2@x"}, "the url is not that", "no user"),
        pytest.param({"replica_set": None, "url": "http://x:port"}, "the url is not that", "http or https"),
        pytest.param({"replica_set": None, "url": "http://x/?a=b"}, "the url is not that", "http or https"),
        pytest.param({"replica_set": None, "url": "http://[x"}, "the url is not that", "http or https"),
        pytest.param({"replica_set": None, "url": "http://x/a b"}, "is not a route prefix", "Write a path"),
    ],
)
def test_f07(given: dict[str, t.Any], what: str, do: str) -> None:
    own = [{"job_name": "node", "static_configs": []}]
    entries = [{"replica_set": "default", "match": MATCH, **given}]
    (finding,) = found(LEAVES, federation(prometheus_federate=entries, prometheus_scrape_configs=own))
    assert (finding.id, finding.where) == ("F07", "hosts g-1, g-2, variable prometheus_federate")
    assert what in finding.what
    assert do in finding.do
    assert "hunter2" not in str(finding)


def test_f07_two_entries_of_one_name() -> None:
    twice = [{"replica_set": "default", "match": MATCH}] * 2
    (line,) = told(LEAVES, federation(prometheus_federate=twice))
    assert "there is another job 'federate-default'" in line


def test_f07_an_agent_answers_no_queries() -> None:
    (line,) = told(prometheus("l-1", "l-2", prometheus_agent=True), entry())
    assert "replica set default runs in agent mode, which answers no queries" in line


def test_f07_route_prefixes() -> None:
    leaves = {**prometheus("l-1", prometheus_route_prefix="/a"), **prometheus("l-2")}
    assert any("different route prefixes" in line for line in told(leaves, entry()))


def test_a_source_without_an_address_is_told_once() -> None:
    leaves = prometheus("l-1", "l-2", prometheus_port=99999)
    assert [line.partition(":")[0] for line in told(leaves, entry())] == [
        "I03 error hosts l-1, l-2, variable prometheus_port"
    ]


# -- F04, F06: layers -------------------------------------------------------------------------------------------------


def region(**values: t.Any) -> Hosts:
    values = {"prometheus_replica_label": "region_replica", **values}
    entries = [{"replica_set": "default", "match": MATCH}]
    return prometheus("r-1", "r-2", prometheus_replica_set="region", prometheus_federate=entries, **values)


def test_f04_labels_of_layers() -> None:
    assert told(LEAVES, region(), entry(replica_set="region")) == []
    top = federation(
        prometheus_federate=[{"replica_set": "region", "match": MATCH}], prometheus_replica_label="replica"
    )
    assert told(LEAVES, region(), top) == [
        "F04 error hosts g-1, g-2, variable prometheus_replica_label: replica set federation federates from replica "
        "set default, and both have the replica label 'replica'."
    ]


def test_f04_by_hand() -> None:
    assert [line.partition(" ")[0] for line in told(LEAVES, by_hand({}, prometheus_replica_label="replica"))] == ["F04"]


def test_f04_two_layers_on_a_host() -> None:
    values: dict[str, t.Any] = {"prometheus_ha_groups": {"prometheus_federation": "top"}}
    parts = [prometheus("l-1", **values), hosts("l-2", groups=["prometheus", "top"], **values)]
    assert told(*parts) == [
        "F04 error host l-2: it is in the groups prometheus and top; one Prometheus can't be in two layers."
    ]
    assert told(prometheus("l-1"), hosts("l-2", groups=["prometheus", "top"])) == []


def test_f06_cycles() -> None:
    def one(name: str, source: str) -> Hosts:
        entries = [{"replica_set": source, "match": MATCH}]
        names = (f"{name}-1", f"{name}-2")
        return prometheus(
            *names, prometheus_replica_set=name, prometheus_replica_label=name, prometheus_federate=entries
        )

    assert told(one("a", "b"), one("b", "c"), one("c", "a"), one("d", "a")) == [
        "F06 error host c-1, variable prometheus_federate: federation goes round: replica set a -> replica set b -> "
        "replica set c -> replica set a."
    ]
    (line,) = told(one("a", "a"))
    assert "goes round: replica set a -> replica set a." in line


@pytest.mark.parametrize(
    "leaf, given, said",
    [
        pytest.param(
            {}, {"scrape_interval": "29s"}, "scraped every 29s, and replica set default evaluates", id="job's"
        ),
        pytest.param({"prometheus_evaluation_interval": "1m"}, {}, "scraped every 30s, and replica set", id="global"),
        pytest.param(
            {"prometheus_config": {"global": {"evaluation_interval": "1m"}}}, {}, "its rules every 1m", id="merged"
        ),
        pytest.param({"prometheus_evaluation_interval": "1m"}, {"scrape_interval": "1m"}, "", id="as often"),
        pytest.param({}, {"scrape_timeout": "31s"}, "the scrape timeout is 31s, the interval 30s", id="timeout"),
        pytest.param({}, {"scrape_timeout": "30s"}, "", id="timeout at the limit"),
        pytest.param({}, {"sample_limit": 0}, "there is no sample_limit", id="no limit"),
    ],
)
def test_f06_intervals(leaf: dict[str, t.Any], given: dict[str, t.Any], said: str) -> None:
    lines = told(prometheus("l-1", "l-2", **leaf), entry(**given))
    assert len(lines) == bool(said), lines
    assert all(line.startswith(f"F06 error {FEDERATE}: ") and said in line for line in lines)


def test_f06_by_hand() -> None:
    (line,) = told(LEAVES, by_hand({"sample_limit": None}))
    assert line == f"F06 error {BY_HAND}: there is no sample_limit."
    limit = {"global": {"sample_limit": 1000}}
    assert told(LEAVES, by_hand({"sample_limit": None}, prometheus_config=limit)) == []
    (line,) = told(LEAVES, by_hand({"scrape_interval": "10s", "scrape_timeout": "5s"}))
    assert "it is scraped every 10s" in line


def test_what_is_no_duration_is_told_once() -> None:
    assert [line.partition(" ")[0] for line in told(LEAVES, entry(scrape_interval="soon"))] == ["I07"]


def test_a_long_chain_of_layers_is_judged_in_time() -> None:
    sets = {}
    for number in range(400):
        entries = [{"replica_set": f"s{number + 1}", "match": MATCH}] if number < 399 else []
        label = {"prometheus_replica_set": f"s{number}", "prometheus_replica_label": f"r{number}"}
        sets.update(prometheus(f"h{number}", prometheus_federate=entries, **label))
    start = time.monotonic()
    assert told(sets) == []
    assert time.monotonic() - start < 20
