# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a Prometheus and at an Alertmanager makes of their replies."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _gate_alertmanager, _gate_prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Replies, reply

PROMETHEUS = Api("prometheus", "http://h:9090")
METRICS = """
process_start_time_seconds 1000.5
prometheus_config_last_reload_successful 1
prometheus_tsdb_wal_corruptions_total 1
prometheus_tsdb_checkpoint_creations_failed_total 2
prometheus_agent_corruptions_total 3
prometheus_agent_checkpoint_creations_failed_total 4
"""


def target(instance: str, health: str = "up", interval: str = "15s", pool: str = "node") -> dict[str, t.Any]:
    return {
        "labels": {"instance": instance, "job": pool},
        "scrapePool": pool,
        "scrapeUrl": f"http://{instance}/metrics",
        "health": health,
        "scrapeInterval": interval,
    }


@pytest.mark.parametrize(
    ("active", "health", "intervals"),
    [
        pytest.param([], {}, [], id="none"),
        pytest.param(
            [target("a:1"), target("b:1", "down", "1m"), target("a:1", "unknown", pool="other")],
            {"node a:1": "up", "node b:1": "down", "other a:1": "unknown"},
            ["15s", "1m"],
            id="by pool and instance",
        ),
        pytest.param(
            [target("a:1"), target("a:1", "down"), target("a:1")],
            {"node a:1": "down"},
            ["15s"],
            id="the worst of several",
        ),
        pytest.param(
            [{"scrapePool": "p", "scrapeUrl": "http://x/metrics", "labels": {}, "health": "up"}],
            {"p http://x/metrics": "up"},
            [],
            id="without instance and interval",
        ),
    ],
)
def test_targets(active: list[dict[str, t.Any]], health: dict[str, str], intervals: list[str]) -> None:
    found = _gate_prometheus.targets_of({"activeTargets": active})
    assert found == {"targets": health, "scrape_intervals": intervals}


def test_rules() -> None:
    # By a clock that is an hour ahead of UTC, and goes on for half a second.
    firing = {
        "labels": {"alertname": "A", "replica": "eu-1", "x": "1"},
        "state": "firing",
        "activeAt": "2026-01-01T01:00:00.5+01:00",
    }
    held: dict[str, t.Any] = {
        **firing,
        "labels": {"alertname": "A", "x": "2"},
        "keepFiringSince": "2026-01-01T00:01:00Z",
    }
    groups: list[dict[str, t.Any]] = [
        {"interval": 30, "rules": [{"type": "alerting", "name": "A", "duration": 90, "alerts": [firing, held]}]},
        {
            "interval": 60,
            "rules": [
                {"type": "recording", "name": "ha_config_generation", "labels": {"sha256": "abc"}},
                {"type": "alerting", "name": "B", "duration": 5, "alerts": [{"labels": {}, "state": "pending"}]},
            ],
        },
    ]
    now = datetime.datetime(2026, 1, 1, 0, 2, tzinfo=datetime.timezone.utc).timestamp()
    found = _gate_prometheus.rules_of({"groups": groups}, "replica", now)
    alerting = found.pop("alerting")
    assert found == {
        "rules": 3,
        "generations": ["abc"],
        "evaluation_interval": 60,
        "firing": [
            {
                "labels": {"alertname": "A", "x": "1"},
                "active_at": "2026-01-01T01:00:00.5+01:00",
                "for": 90,
                "seconds": 30.0,
                "rule": _gate_prometheus.rule_id(groups[0]["rules"][0]),
            }
        ],
    }
    assert (len(alerting), found["firing"][0]["rule"] in alerting) == (2, True), "recording rules alert nobody"
    nothing = {"rules": 0, "generations": [], "evaluation_interval": 0.0, "alerting": [], "firing": []}
    assert _gate_prometheus.rules_of({"groups": []}, "replica", now) == nothing


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10.999999999Z", 10.0),
        ("1970-01-01T02:00:10+02:00", 10.0),
        ("1969-12-31T23:30:10-00:30", 10.0),
        ("0001-01-01T00:00:00Z", -62135596800.0),
        ("", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_moment(text: str, seconds: float) -> None:
    assert _gate_prometheus.moment(text) == seconds


RULE: dict[str, t.Any] = {"type": "alerting", "name": "A", "query": "up == 0", "duration": 90, "labels": {"s": "1"}}


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"alerts": [{}], "health": "ok", "annotations": {"x": "y"}, "state": "firing"}, True),
        ({"labels": {"s": "2"}}, False),
        ({"labels": {}}, False),
        ({"query": "up == 1"}, False),
        ({"duration": 60}, False),
        ({"name": "B"}, False),
    ],
)
def test_when_two_replicas_evaluate_the_same_alert(changed: dict[str, t.Any], same: bool) -> None:
    assert (_gate_prometheus.rule_id({**RULE, **changed}) == _gate_prometheus.rule_id(RULE)) is same


def test_alertmanagers() -> None:
    data = {
        "activeAlertmanagers": [{"url": "http://AM-1:9093/x/api/v2/alerts"}, {"url": "https://am-2/api/v2/alerts"}],
        "droppedAlertmanagers": [{"url": "http://am-3:9093/api/v2/alerts"}],
    }
    assert _gate_prometheus.alertmanagers_of(data, lambda address: "refused" * (address == "am-2:443")) == {
        "alertmanagers": ["am-1:9093", "am-2:443"],
        "dropped_alertmanagers": 1,
        "unreached": {"am-2:443": "refused"},
    }


def prometheus(replies: Replies, *, agent: bool = False) -> dict[str, t.Any]:
    reach: t.Callable[[str], str] = lambda _address: ""  # noqa: E731
    return _gate_prometheus.look(
        PROMETHEUS, replies, replica_label="replica", agent=agent, now=lambda: 1010.5, reach=reach
    )


def test_a_prometheus() -> None:
    table = {
        "/-/ready": reply(200),
        "/metrics": reply(200, METRICS),
        "/api/v1/targets": reply(200, {"data": {"activeTargets": [target("a:1")]}}),
        "/api/v1/rules": reply(200, {"data": {"groups": []}}),
        "/api/v1/alertmanagers": reply(200, {"data": {}}),
    }
    found = prometheus(Replies(table))
    assert (found["ready"], found["started"], found["uptime"], found["reloaded"]) == (True, 1000.5, 10.0, True)
    assert (found["wal_corruptions"], found["checkpoint_failures"]) == (1.0, 2.0)
    assert (found["targets"], found["rules"], found["alertmanagers"]) == ({"node a:1": "up"}, 0, [])
    # An agent answers neither for rules nor for Alertmanagers.
    del table["/api/v1/rules"], table["/api/v1/alertmanagers"]
    found = prometheus(Replies(table), agent=True)
    assert (found["wal_corruptions"], found["checkpoint_failures"]) == (3.0, 4.0)
    assert not {"rules", "alertmanagers"} & found.keys()


@pytest.mark.parametrize(
    ("answer", "replay"),
    [
        (reply(200, {"data": {"min": 0, "max": 4, "current": 2}}), {"min": 0, "max": 4, "current": 2}),
        (reply(503), None),
    ],
)
def test_a_prometheus_that_starts(answer: t.Any, replay: t.Any) -> None:
    replies = Replies({"/-/ready": reply(503), "/api/v1/status/walreplay": answer})
    assert prometheus(replies) == {"ready": False, "status": 503, "replay": replay}


def test_a_prometheus_that_refuses() -> None:
    with pytest.raises(HAError, match="status 401"):
        prometheus(Replies({"/-/ready": reply(401, "no")}))
    with pytest.raises(HAError, match="no answer"):
        prometheus(Replies({}))


def test_an_alertmanager() -> None:
    silences = [
        {"id": "b", "status": {"state": "active"}},
        {"id": "a", "status": {"state": "pending"}},
        {"id": "c", "status": {"state": "expired"}},
    ]
    peers = [{"name": "A", "address": "192.0.2.1:9094"}]
    table = {
        "/api/v2/status": reply(200, {"cluster": {"status": "ready", "peers": peers}}),
        "/api/v2/silences": reply(200, silences),
        "/metrics": reply(200, "alertmanager_config_hash 1.5e+02\nprocess_start_time_seconds 1000"),
    }
    api = Api("alertmanager", "http://h:9093")
    assert _gate_alertmanager.look(api, Replies(table), now=lambda: 1003.0) == {
        "status": "ready",
        "members": {"A": "192.0.2.1:9094"},
        "silences": ["a", "b"],
        "config_hash": 150,
        "started": 1000.0,
        "uptime": 3.0,
    }
    assert _gate_alertmanager.cluster_of({}) == {"status": "unknown", "members": {}}
    with pytest.raises(HAError, match="no answer"):
        _gate_alertmanager.look(api, Replies({}))
