# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts out of API replies, and a component that stops answering in between."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _status_api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Replies, reply

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


def test_one_that_starts() -> None:
    """It answers, and is not ready: an Alertmanager whose gossip settles."""
    status = {"cluster": {"name": "A", "status": "settling", "peers": [{"name": "A", "address": "10.0.0.1:9094"}]}}
    table = {"/-/healthy": "ok", "/metrics": METRICS, "/api/v2/status": status}
    http = Replies({path: reply(200, answer) for path, answer in table.items()})
    found = _status_api.ask(Api("alertmanager", "http://h:9090"), http, {})
    assert found["waiting_for"] == "Alertmanager's gossip is not settled (status settling)"
    assert found["mesh"] == status["cluster"]
    assert found["silences"] == 3
