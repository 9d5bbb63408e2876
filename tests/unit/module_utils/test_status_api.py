# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts out of API replies, and a component that stops answering in between."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _status_api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Response
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import (
    PROMETHEUS,
    Replies,
    prometheus,
    reply,
)

METRICS = """prometheus_tsdb_head_series 1310
prometheus_tsdb_wal_corruptions_total 0
prometheus_tsdb_checkpoint_creations_failed_total 2
prometheus_config_last_reload_successful 0
prometheus_config_last_reload_success_timestamp_seconds 1.7956612e+09
alertmanager_config_hash 1.84816797860636e+14
alertmanager_config_last_reload_successful 1
alertmanager_config_last_reload_success_timestamp_seconds NaN
alertmanager_silences{state="active"} 3
alertmanager_silences{state="expired"} 7
alertmanager_notifications_failed_total{integration="email",reason="other"} 1
alertmanager_notifications_failed_total{integration="webhook",reason="other"} 4
"""


def test_metrics() -> None:
    assert _status_api.prometheus_metrics(METRICS) == {
        "reload": {"successful": False, "at": 1795661200},
        "head_series": 1310,
        "wal_corruptions": 0,
        "checkpoint_failures": 2,
    }
    assert _status_api.alertmanager_metrics(METRICS) == {
        "generation": "a8170395c31c",
        "reload": {"successful": True, "at": None},
        "silences": 3,
        "notifications_failed": 5,
    }
    nothing = _status_api.prometheus_metrics("")
    assert nothing.pop("reload") == {"successful": None, "at": None}
    assert set(nothing.values()) == {None}
    assert _status_api.alertmanager_metrics("")["generation"] == ""


def target(url: str, health: str = "up", error: str = "", pool: str = "node") -> dict[str, t.Any]:
    return {"scrapePool": pool, "scrapeUrl": url, "health": health, "lastError": error}


def test_targets() -> None:
    data = {
        "activeTargets": [
            target("http://a:9100/metrics"),
            target(
                "http://u:p@b:9100/metrics?token=hunter2", "down", 'Get "http://b:9100/metrics?token=hunter2": refused'
            ),
            target("http://c:9090/x/federate?match%5B%5D=up", pool="federate-eu"),
            target("http://d:9090/x/federate", "unknown", pool="federate-eu"),
        ]
    }
    found = _status_api.targets(data)
    assert (found["targets"]["up"], found["targets"]["total"]) == (2, 4)
    assert found["targets"]["down"][0] == {
        "job": "node",
        "url": "http://b:9100/metrics",
        "up": False,
        "error": 'Get "http://b:9100/metrics": refused',
    }
    assert [(one["job"], one["url"], one["up"], one["error"]) for one in found["federation"]] == [
        ("federate-eu", "http://c:9090/x/federate", True, ""),
        ("federate-eu", "http://d:9090/x/federate", False, "not scraped yet"),
    ]
    many = _status_api.targets({"activeTargets": [target(f"http://{n}/metrics", "down") for n in range(9)]})
    assert (many["targets"]["total"], len(many["targets"]["down"])) == (9, _status_api.MOST_TARGETS)
    assert _status_api.targets({"activeTargets": None})["targets"] == {"up": 0, "total": 0, "down": []}


def source(address: str, *, job: str = "federate-eu", prefix: str = "") -> dict[str, t.Any]:
    return {"job": job, "url": f"http://{address}{prefix}/federate", "labels": {"job": job, "instance": address}}


EU_1, EU_2 = source("10.0.0.1:9090"), source("10.0.0.2:9090")
REPLICAS = {"10.0.0.1:9090": {"replica": "eu-1"}, "10.0.0.2:9090": {"replica": "eu-2"}}
WANTED = {"federate-eu": REPLICAS}


def row(value: str = "1", **metric: str) -> dict[str, t.Any]:
    return {"metric": metric, "value": [1.0, value]}


def scraped(one: dict[str, t.Any], value: str = "7") -> dict[str, t.Any]:
    return row(value, __name__="scrape_samples_scraped", **one["labels"])


CARRIED = [row(replica="eu-1"), row(replica="eu-2")]


@pytest.mark.parametrize(
    ("rows", "wanted", "gave_way", "lacks"),
    [
        ([scraped(EU_1), scraped(EU_2), *CARRIED], WANTED, [], {}),
        (
            [row(ha_gave_way="yes", **EU_2["labels"]), scraped(EU_1), scraped(EU_2), *CARRIED],
            WANTED,
            ["10.0.0.2:9090"],
            {},
        ),
        ([scraped(EU_1), scraped(EU_2), CARRIED[0]], WANTED, [], {"10.0.0.2:9090": 'replica="eu-2"'}),
        # Nothing came from it: what its series carry is not known.
        ([scraped(EU_1), scraped(EU_2, "0"), CARRIED[0]], WANTED, [], {}),
        ([scraped(EU_1), CARRIED[0]], WANTED, [], {}),
        ([], WANTED, [], {}),
        # Through an address that moves, nothing is expected of the replica label.
        ([scraped(EU_1), scraped(EU_2)], {"federate-eu": {}}, [], {}),
        ([row(ha_gave_way="yes", **EU_1["labels"])], {"federate-eu": {}}, ["10.0.0.1:9090"], {}),
        ([scraped(EU_1)], {"federate-eu": {"10.0.0.1:9090": {"x": "y"}}}, [], {"10.0.0.1:9090": 'x="y"'}),
    ],
)
def test_labels_of_federated_series(
    rows: list[t.Any], wanted: dict[str, t.Any], gave_way: list[str], lacks: dict[str, str]
) -> None:
    found = _status_api.federation({"result": rows}, [EU_1, EU_2], wanted)["federation"]
    assert [one["labels"]["instance"] for one in found if one["gave_way"]] == gave_way
    assert {one["labels"]["instance"]: one["lacks"] for one in found if one["lacks"]} == lacks


def test_addresses_in_another_spelling() -> None:
    six = source("[2001:DB8:0::1]:9090", prefix="/x")
    wanted = {"federate-eu": {"[2001:db8::1]:9090": {"replica": "eu-1"}}}
    found = _status_api.federation({"result": [scraped(six)]}, [six], wanted)
    assert found["federation"][0]["lacks"] == 'replica="eu-1"'


def test_the_query_about_federated_series() -> None:
    assert _status_api.federation_query([], WANTED) == ""
    assert _status_api.federation_query([source("10.0.0.9:9090", job="another")], WANTED) == ""
    own = r'job=~"federate\\-eu",instance=~"10\\.0\\.0\\.1:9090|10\\.0\\.0\\.2:9090"'
    assert _status_api.federation_query([EU_1, EU_2], {"federate-eu": REPLICAS}) == (
        f'label_replace(count by (job, instance) ({{{own},exported_job!=""}} or {{{own},exported_instance!=""}}), '
        f'"ha_gave_way", "yes", "", "") or scrape_samples_scraped{{{own}}} or '
        r'count by (replica) ({replica=~"eu\\-1|eu\\-2"})'
    )
    assert "count by (replica)" not in _status_api.federation_query([EU_1], {"federate-eu": {}})
    # A quote or a line end in a name ends no string.
    odd = _status_api.federation_query([source("a:1", job='x"\n')], {'x"\n': {}})
    assert r'job=~"x\"\\\n"' in odd


def test_generation_and_alerts() -> None:
    mark = {"name": "ha_config_generation", "labels": {"sha256": "abc"}}
    data = {"groups": [{"rules": [mark, {"name": "other"}]}]}
    assert _status_api.generation(data) == {"generation": "abc"}
    assert _status_api.generation({"groups": []}) == {"generation": ""}
    alerts = [("B", "firing"), ("A", "firing"), ("B", "firing"), ("A", "pending")]
    firing = {"alerts": [{"labels": {"alertname": name}, "state": state} for name, state in alerts]}
    assert _status_api.firing(firing) == {"firing": {"A": 1, "B": 2}}


def test_alertmanagers() -> None:
    """Listed is not reached; not listed is not asked for."""
    data = {"activeAlertmanagers": [{"url": "http://10.0.0.1:9093/api/v2/alerts"}, {"url": "http://10.0.0.2:9093/x"}]}
    tried = []

    def reach(address: str) -> str:
        tried.append(address)
        return "" if address.startswith("10.0.0.1") else "refused"

    wanted = ["10.0.0.1:9093", "10.0.0.2:9093", "10.0.0.3:9093"]
    assert _status_api.alertmanagers(data, wanted, reach)["alertmanagers"] == {
        "connected": 1,
        "wanted": 3,
        "missing": {"10.0.0.2:9093": "refused", "10.0.0.3:9093": "it is not among the active ones"},
    }
    assert tried == wanted[:2]


def test_a_mesh_without_peers() -> None:
    assert _status_api.mesh({"cluster": {"status": "disabled"}})["mesh"] == {
        "name": "",
        "status": "disabled",
        "peers": [],
    }


WHOLE = {
    "/-/healthy": reply(200, "ok"),
    "/-/ready": reply(200, "ok"),
    "/metrics": reply(200, METRICS),
    "/api/v1/targets": reply(200, {"data": {"activeTargets": []}}),
    "/api/v1/rules": reply(200, {"data": {"groups": []}}),
    "/api/v1/alerts": reply(200, {"data": {"alerts": []}}),
    "/api/v1/alertmanagers": reply(200, {"data": {"activeAlertmanagers": []}}),
}


@pytest.mark.parametrize(
    ("change", "answers", "error", "has"),
    [
        ({}, True, None, {"targets", "firing", "alertmanagers", "head_series"}),
        # Nothing answers.
        ({"/-/healthy": None}, False, "no answer", set()),
        # One part that can't be had takes nothing else away.
        ({"/api/v1/alerts": reply(404, "not found")}, True, "status 404: not found", {"targets", "alertmanagers"}),
        ({"/api/v1/alerts": reply(200, "nonsense")}, True, "the answer is not JSON", {"targets", "alertmanagers"}),
        # It dies in between: what is had is kept.
        ({"/api/v1/targets": None}, True, "no answer", {"head_series"}),
    ],
)
def test_asking_a_prometheus(change: dict[str, t.Any], answers: bool, error: str | None, has: set[str]) -> None:
    table = {path: answer for path, answer in {**WHOLE, **change}.items() if answer is not None}
    found = _status_api.ask(Api("prometheus", "http://h:9090", generation="g"), Replies(table), {})
    assert found["answers"] is answers
    assert [error in said for said in found["errors"]] == ([True] if error else [])
    assert has <= found.keys()


def test_an_agent_is_not_asked_what_it_does_not_have() -> None:
    http = Replies(WHOLE)
    found = _status_api.ask(Api("prometheus", "http://h:9090"), http, {})
    assert "firing" not in found and not found["errors"]
    assert not [asked for asked in http.asked if "alert" in asked or "rules" in asked]


FEDERATE = {
    "scrapePool": "federate-eu",
    "scrapeUrl": "http://10.0.0.1:9090/federate?match%5B%5D=up",
    "health": "up",
    "labels": EU_1["labels"],
}


class Keeps(Replies):
    """Keeps the queries, too."""

    def __init__(self, table: t.Mapping[str, t.Any]) -> None:
        super().__init__(table)
        self.queries: list[str] = []

    def request(self, method: str, url: str, body: bytes | None = None, timeout: float | None = None) -> Response:
        parts = urllib.parse.urlsplit(url)
        if parts.path == "/api/v1/query":
            self.queries += urllib.parse.parse_qs(parts.query)["query"]
        return super().request(method, url, body, timeout)


@pytest.mark.parametrize(
    ("active", "expect", "asked"),
    [
        ([FEDERATE], {"federates": WANTED}, 1),
        ([FEDERATE, {**FEDERATE, "health": "down"}], {"federates": WANTED}, 1),
        ([FEDERATE], {"federates": {"another": {}}}, 0),
        ([FEDERATE], {}, 0),
        ([], {"federates": WANTED}, 0),
    ],
)
def test_only_who_federates_is_asked_for_labels(active: list[t.Any], expect: dict[str, t.Any], asked: int) -> None:
    answer = {"data": {"result": [row(ha_gave_way="yes", **EU_1["labels"])]}}
    targets = reply(200, {"data": {"activeTargets": active}})
    http = Keeps({**WHOLE, "/api/v1/targets": targets, "/api/v1/query": reply(200, answer)})
    found = _status_api.ask(Api("prometheus", "http://h:9090", generation="g"), http, expect)
    assert found["errors"] == []
    assert len(http.queries) == asked
    assert [one.get("gave_way", False) for one in found["federation"]] == [bool(asked)] * len(active)


def test_a_refused_query_takes_nothing_else_away() -> None:
    targets = reply(200, {"data": {"activeTargets": [FEDERATE]}})
    http = Replies({**WHOLE, "/api/v1/targets": targets, "/api/v1/query": reply(422, "too many samples")})
    found = _status_api.ask(Api("prometheus", "http://h:9090", generation="g"), http, {"federates": WANTED})
    assert "too many samples" in found["errors"][0] and len(found["errors"]) == 1
    assert found["federation"][0]["up"] and "alertmanagers" in found


def job(name: str, target_: str, *, honors: bool | None = None) -> dict[str, t.Any]:
    """One scrape job, as a part of a configuration."""
    config: dict[str, t.Any] = {"job_name": name, "static_configs": [{"targets": [target_]}]}
    if honors is not None:
        match = {"match[]": ['{__name__=~"[a-z]+:.*"}']}
        config.update(honor_labels=honors, metrics_path="/federate", params=match)
    return {"scrape_configs": [config]}


def write(folder: Path, config: dict[str, t.Any], rules: dict[str, t.Any] | None = None) -> Path:
    """A configuration in a folder of its own, as JSON, which YAML is as well."""
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "rules.yml").write_text(json.dumps(rules or {}))
    path = folder / "etc" / "prometheus.yml"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("version", PROMETHEUS)
def test_labels_of_real_federation(version: str, tmp_path: Path) -> None:
    """One job that honors labels, and one that doesn't; an aggregate with exported_job of its own fools nobody."""
    fast = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    records = {
        "job:up:sum": "sum by (job) (up)",
        "site:up:sum": "sum(up)",
        "pushed:up:sum": 'label_replace(sum(up), "exported_job", "x", "", "")',
    }
    rules = {"groups": [{"name": "a", "rules": [{"record": name, "expr": records[name]} for name in records]}]}
    leaf = write(
        tmp_path / "leaf",
        {"global": {**fast, "external_labels": {"replica": "l-1"}}, "rule_files": ["rules.yml"], **job("node", "h:1")},
        rules,
    )
    with prometheus(version, leaf) as running:
        address = running.url[7:]
        jobs = [job(f"federate-{name}", address, honors=honors) for name, honors in (("kept", True), ("lost", False))]
        scrape = {"scrape_configs": [one for each in jobs for one in each["scrape_configs"]]}
        with prometheus(version, write(tmp_path / "global", {"global": fast, **scrape})) as server:
            api = Api("prometheus", server.url, generation="g")
            wanted = {
                "federate-kept": {address: {"replica": "l-1"}},
                "federate-lost": {address: {"another": "label"}},
            }
            deadline = time.monotonic() + 20
            while '"2"' not in server.get("/api/v1/query?query=count(pushed:up:sum)"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            found = _status_api.ask(api, api.client(), {"federates": wanted})
    assert found["errors"] == []
    by_job = {one["job"]: (one["gave_way"], one["lacks"]) for one in found["federation"]}
    assert by_job == {"federate-kept": (False, ""), "federate-lost": (True, 'another="label"')}


def test_one_that_starts() -> None:
    """It answers, and is not ready: an Alertmanager whose gossip settles."""
    status = {"cluster": {"name": "A", "status": "settling", "peers": [{"name": "A", "address": "10.0.0.1:9094"}]}}
    table = {"/-/healthy": "ok", "/metrics": METRICS, "/api/v2/status": status}
    http = Replies({path: reply(200, answer) for path, answer in table.items()})
    found = _status_api.ask(Api("alertmanager", "http://h:9090"), http, {})
    assert found["waiting_for"] == "Alertmanager's gossip is not settled (status settling)"
    assert found["mesh"] == status["cluster"]
    assert found["silences"] == 3


def test_what_thanos_says_of_itself() -> None:
    text = "thanos_sidecar_prometheus_up 0\nthanos_bucket_store_blocks_loaded 12\n"
    found = _status_api.thanos_metrics(text)
    assert (found["prometheus_up"], found["blocks_loaded"], found["halted"]) == (False, 12, None)
    assert "reload" not in found
    ruler = "thanos_rule_config_last_reload_successful 1\nthanos_rule_config_last_reload_success_timestamp_seconds 7\n"
    assert _status_api.thanos_metrics(ruler)["reload"] == {"successful": True, "at": 7}


def test_store_apis_that_are_not_connected() -> None:
    data = {
        "sidecar": [{"name": "a:1", "lastError": None}, {"name": "b:1", "lastError": "no route"}],
        "store": None,
    }
    assert _status_api.stores(data, ["a:1", "b:1", "c:1"]) == {
        "store_apis": {
            "connected": 1,
            "wanted": 3,
            "missing": {"b:1": "no route", "c:1": "it is not among its Store APIs"},
        }
    }


@pytest.mark.parametrize(
    ("flag", "labels"), [("[replica, rule_replica]", ["replica", "rule_replica"]), ("[]", []), (None, [])]
)
def test_deduplication(flag: str | None, labels: list[str]) -> None:
    flags = {} if flag is None else {"query.replica-label": flag}
    assert _status_api.deduplication(flags) == {"replica_labels": labels}
