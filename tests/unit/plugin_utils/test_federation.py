# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who federates whom: entries as rendered jobs, jobs written by hand, the lines that are drawn."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation, _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._federation import Job
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Place, Topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    good,
    hosts,
    loaded,
    plan,
    prometheus,
    slice_of,
    topology,
)

MESH = alertmanager("am-1", "am-2")
MATCH = ['{__name__=~"job:.*"}']
Hosts = t.Dict[str, HostVariables]


def federation(*names: str, **values: t.Any) -> Hosts:
    """Hosts of the group prometheus_federation."""
    return hosts(*(names or ("g-1", "g-2")), groups=["prometheus_federation"], **values)


def entry(**given: t.Any) -> Hosts:
    return federation(prometheus_federate=[{"replica_set": "default", "match": MATCH, **given}])


def rendered(globals_: Hosts, *leaves: Hosts) -> t.Any:
    """The scrape configurations of the first global server."""
    found = good(*(leaves or (prometheus("l-1", "l-2"),)), globals_, MESH)
    return loaded(slice_of(found, "g-1"), "prometheus.yml")["scrape_configs"]


BOTH = {
    "job_name": "federate-default",
    "honor_labels": True,
    "metrics_path": "/federate",
    "params": {"match[]": MATCH},
    "sample_limit": 10000,
    "static_configs": [{"targets": ["l-1.example:9090", "l-2.example:9090"]}],
    "track_timestamps_staleness": True,
}
# Its last values bridge the way to the next replica.
STICKY = {key: value for key, value in BOTH.items() if key != "track_timestamps_staleness"}


@pytest.mark.parametrize(
    "given, changed",
    [
        pytest.param({}, {}, id="every replica"),
        pytest.param({"mode": "both"}, {}, id="as it says"),
        pytest.param(
            {"scrape_interval": "2m", "scrape_timeout": "1m", "sample_limit": 5, "job_name": "leaves"},
            {"scrape_interval": "2m", "scrape_timeout": "1m", "sample_limit": 5, "job_name": "leaves"},
            id="Prometheus' own settings",
        ),
        pytest.param(
            {"scheme": "https", "tls_config": {"ca_file": "ca.pem"}, "basic_auth": {"username": "u"}},
            {"scheme": "https", "tls_config": {"ca_file": "ca.pem"}, "basic_auth": {"username": "u"}},
            id="how a source is spoken to",
        ),
        pytest.param(
            {"authorization": {"credentials_file": "token"}},
            {"authorization": {"credentials_file": "token"}},
            id="a bearer",
        ),
        pytest.param(
            {"mode": "sticky", "address": "vip.example"},
            {
                "static_configs": [{"targets": ["vip.example:9090"]}],
                "metric_relabel_configs": [{"regex": "replica", "action": "labeldrop"}],
            },
            id="sticky, with the set's port",
        ),
        pytest.param(
            {"mode": "sticky", "address": "[2001:db8::9]:9999", "replica_label": "rep"},
            {
                "static_configs": [{"targets": ["[2001:db8::9]:9999"]}],
                "metric_relabel_configs": [{"regex": "rep", "action": "labeldrop"}],
            },
            id="sticky, all given",
        ),
        pytest.param(
            {"replica_set": None, "url": "https://prometheus.example/a/b/"},
            {
                "job_name": "federate-prometheus.example:443",
                "scheme": "https",
                "metrics_path": "/a/b/federate",
                "static_configs": [{"targets": ["prometheus.example:443"]}],
            },
            id="outside",
        ),
        pytest.param(
            {"replica_set": None, "url": "http://10.0.0.9:9091/federate", "mode": "sticky"},
            {
                "job_name": "federate-10.0.0.9:9091",
                "static_configs": [{"targets": ["10.0.0.9:9091"]}],
                "metric_relabel_configs": [{"regex": "replica", "action": "labeldrop"}],
            },
            id="outside, sticky",
        ),
    ],
)
def test_entries_are_rendered(given: dict[str, t.Any], changed: dict[str, t.Any]) -> None:
    assert rendered(entry(**given)) == [{**(STICKY if given.get("mode") == "sticky" else BOTH), **changed}]


def test_what_a_version_does_not_know_is_not_rendered() -> None:
    values = {"prometheus_federate": [{"replica_set": "default", "match": MATCH}], "prometheus_version": "2.47.2"}
    assert rendered(federation(**values)) == [STICKY]


def test_the_path_of_the_sources_counts() -> None:
    leaves = prometheus("l-1", "l-2", prometheus_external_url="https://eu.example/prom", prometheus_port=9999)
    (job,) = rendered(entry(), leaves)
    assert (job["metrics_path"], job["static_configs"]) == (
        "/prom/federate",
        [{"targets": ["l-1.example:9999", "l-2.example:9999"]}],
    )


@pytest.mark.parametrize(
    ("given", "static_configs"),
    [
        pytest.param(
            {},
            [
                {"targets": ["l-1.example:9090", "l-2.example:9090"]},
                {"targets": ["l-2.example:9999"], "labels": {"__metrics_path__": "/old/federate"}},
            ],
            id="every replica",
        ),
        pytest.param({"mode": "sticky", "address": "vip"}, [{"targets": ["vip:9090"]}], id="an address of its own"),
    ],
)
def test_a_source_that_moves_is_federated_at_both_places(given: dict[str, t.Any], static_configs: t.Any) -> None:
    leaves = prometheus("l-1", "l-2")
    found = plan(leaves, entry(**given), MESH, former={("l-2", "prometheus"): Place(9999, "/old")})
    (job,) = loaded(slice_of(found, "g-1"), "prometheus.yml")["scrape_configs"]
    assert (job["metrics_path"], job["static_configs"]) == ("/federate", static_configs)


def test_entries_come_after_the_jobs_by_hand_and_no_shard_narrows_them() -> None:
    own = {"job_name": "node", "static_configs": [{"targets": ["a:9100"]}]}
    values = {"prometheus_scrape_configs": [own], "prometheus_shard": {"index": 0, "of": 2}}
    node, job = rendered(federation(prometheus_federate=[{"replica_set": "default", "match": MATCH}], **values))
    assert [rule["action"] for rule in node["relabel_configs"]] == ["hashmod", "keep"]
    assert job == BOTH


def test_replicas_of_a_set_render_the_same() -> None:
    found = good(prometheus("l-1", "l-2"), entry(), MESH)
    first, second = (loaded(slice_of(found, name), "prometheus.yml")["scrape_configs"] for name in ("g-1", "g-2"))
    assert first == second


@pytest.mark.parametrize("version", PROMETHEUS)
def test_promtool_takes_it(version: str, tmp_path: Path) -> None:
    entries = [
        {"replica_set": "default", "match": MATCH, "scrape_interval": "1m", "scrape_timeout": "30s"},
        {"replica_set": "us", "match": MATCH, "mode": "sticky", "address": "vip.example"},
        {"url": "https://prometheus.example/a", "match": MATCH},
    ]
    us = prometheus("u-1", "u-2", prometheus_replica_set="us")
    found = good(
        prometheus("l-1", "l-2"), us, federation(prometheus_version=version, prometheus_federate=entries), MESH
    )
    (tmp_path / "rules").mkdir()
    for file in slice_of(found, "g-1")["config"]["files"]:
        (tmp_path / file["path"]).write_text(file["content"], encoding="utf-8")
    argv = [str(binaries("prometheus", version) / "promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# -- jobs -------------------------------------------------------------------------------------------------------------


def by_hand(**given: t.Any) -> dict[str, t.Any]:
    return {"job_name": "hand", "metrics_path": "/federate", "params": {"match[]": MATCH}, **given}


def jobs(job: dict[str, t.Any], **values: t.Any) -> list[Job]:
    model = topology(prometheus("l-1", "l-2"), federation(prometheus_scrape_configs=[job], **values))
    return _federation.jobs(model.of("prometheus")[2], model)


ALL = {"static_configs": [{"targets": ["l-1.example:9090", "l-2.example:9090", "elsewhere.example:9090"]}]}
PROXY = [{"target_label": "__address__", "replacement": "proxy:80"}]


@pytest.mark.parametrize(
    "job, names, complete",
    [
        pytest.param(by_hand(**ALL), ["l-1", "l-2"], True, id="by address"),
        pytest.param(by_hand(**ALL, metrics_path="/p/federate/"), ["l-1", "l-2"], True, id="below a path"),
        pytest.param(by_hand(static_configs=[{"targets": ["L-1.Example:9090"]}]), ["l-1"], True, id="in capitals"),
        pytest.param(by_hand(static_configs=[{"targets": ["l-1.example"]}]), [], True, id="port 80"),
        pytest.param(by_hand(**ALL, relabel_configs=PROXY), [], True, id="through a proxy"),
        pytest.param(
            by_hand(**ALL, relabel_configs=[{"source_labels": ["__address__"], "regex": "l-2.*", "action": "drop"}]),
            ["l-1"],
            True,
            id="one dropped",
        ),
        pytest.param(
            by_hand(**ALL, relabel_configs=[{"source_labels": ["job"], "regex": r"\pL+", "action": "keep"}]),
            [],
            False,
            id="undecided",
        ),
        pytest.param(by_hand(**ALL, dns_sd_configs=[{"names": ["x"]}]), ["l-1", "l-2"], False, id="and discovered"),
        pytest.param(
            by_hand(file_sd_configs=[{"files": ["/etc/prometheus/targets/le*.yml"]}]), ["l-2"], True, id="own files"
        ),
        pytest.param(by_hand(static_configs="x"), [], True, id="promtool's business"),
    ],
)
def test_sources_of_jobs_by_hand(job: dict[str, t.Any], names: list[str], complete: bool) -> None:
    targets = {"leaves": [{"targets": ["l-2.example:9090"]}], "others": [{"targets": ["l-1.example:9090"]}]}
    (found,) = jobs(job, prometheus_targets=targets)
    assert ([source.name for source in found.sources], found.complete) == (names, complete)
    assert [cohort.name for cohort in found.sets] == (["default"] if names else [])


def test_a_shard_scrapes_a_part() -> None:
    (found,) = jobs(by_hand(**ALL), prometheus_shard={"index": 0, "of": 2})
    assert not found.complete


@pytest.mark.parametrize("path", [None, "/metrics", "/federated"])
def test_other_jobs_are_none(path: str | None) -> None:
    assert jobs(by_hand(**ALL, metrics_path=path)) == []


# -- links ------------------------------------------------------------------------------------------------------------


def drawn(model: Topology) -> list[tuple[str, str, tuple[str, ...]]]:
    found = _federation.links(model.cohorts["prometheus", "default", "federation"], model)
    return [(link.verb, link.target_title, link.endpoints) for link in found]


def test_links() -> None:
    leaves = {**prometheus("l-1", "l-2"), **prometheus("u-1", "u-2", prometheus_replica_set="us")}
    values = {
        "prometheus_federate": [
            {"replica_set": "default", "match": MATCH},
            {"replica_set": "us", "match": MATCH, "mode": "sticky", "address": "vip.example"},
            {"url": "https://prometheus.example/a", "match": MATCH},
        ],
        "prometheus_scrape_configs": [by_hand(**ALL)],
    }
    both = ("l-1.example:9090", "l-2.example:9090")
    assert drawn(topology(leaves, federation(**values))) == [
        ("federates", "replica set default", both),
        ("federates", "replica set us", ("vip.example:9090",)),
        ("federates", "Prometheus outside the inventory", ("prometheus.example:443", "elsewhere.example:9090")),
    ]


def test_a_job_is_drawn_once() -> None:
    found = plan(prometheus("l-1", "l-2"), federation(prometheus_scrape_configs=[by_hand(**ALL)]), MESH)
    cohort = found.topology.cohorts["prometheus", "default", "federation"]
    verbs = [link.verb for link in _registry.links(found.topology) if link.source is cohort]
    assert verbs == ["alerts", "federates", "federates"]


HAND = {
    "metrics_path": "/federate",
    "params": {"match[]": MATCH},
    "static_configs": [{"targets": ["l-1.example:9090"]}],
}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, None),
        (
            {"prometheus_federate": [{"replica_set": "default", "match": MATCH}]},
            {"federate-default": {"l-1.example:9090": {"pair": "A"}, "l-2.example:9090": {"pair": "l-2"}}},
        ),
        (
            {
                "prometheus_federate": [
                    {"replica_set": "default", "match": MATCH, "mode": "sticky", "address": "vip.example"},
                    {"url": "http://elsewhere.example:9090", "match": MATCH, "job_name": "other"},
                ]
            },
            {"federate-default": {}, "other": {}},
        ),
        # By hand, what becomes of the replica label is the job's own affair (F03).
        ({"prometheus_scrape_configs": [{**HAND, "job_name": "mine", "honor_labels": True}]}, {"mine": {}}),
        ({"prometheus_scrape_configs": [{**HAND, "job_name": "mine"}]}, None),
    ],
)
def test_what_the_status_expects_of_federated_series(values: dict[str, t.Any], wanted: t.Any) -> None:
    leaves = {
        **prometheus("l-1", prometheus_replica="A", prometheus_replica_label="pair"),
        **prometheus("l-2", prometheus_replica_label="pair"),
    }
    found = plan(leaves, federation("g-1", **values), MESH)
    assert slice_of(found, "g-1")["expect"].get("federates") == wanted
    assert "federates" not in slice_of(found, "l-1")["expect"]
