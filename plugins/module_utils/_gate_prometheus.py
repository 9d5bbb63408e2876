# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a Prometheus sees of what the gate judges: plain numbers and sets."""

from __future__ import annotations

import datetime
import hashlib
import re
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics, _ready
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, fetch, fetch_data, refused
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http

# Counters of a start that lost samples, by whether it is an agent (tsdb/wlog, tsdb/agent/db.go).
_CORRUPTIONS = {False: "prometheus_tsdb_wal_corruptions_total", True: "prometheus_agent_corruptions_total"}
_CHECKPOINTS = {
    False: "prometheus_tsdb_checkpoint_creations_failed_total",
    True: "prometheus_agent_checkpoint_creations_failed_total",
}


def targets_of(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From /api/v1/targets?state=active: health by ``pool instance``, and the different scrape intervals.

    Of several targets of one pool and instance the worst counts.
    """
    health: dict[str, str] = {}
    intervals = set()
    for target in data.get("activeTargets") or []:
        instance = (target.get("labels") or {}).get("instance") or target.get("scrapeUrl", "?")
        key = f"{target.get('scrapePool', '?')} {instance}"
        if health.get(key, "up") == "up":
            health[key] = target.get("health", "unknown")
        if target.get("scrapeInterval"):
            intervals.add(target["scrapeInterval"])
    return {"targets": health, "scrape_intervals": sorted(intervals)}


def moment(text: str) -> float:
    """A time of Prometheus' API (RFC 3339, seconds alone count) in seconds since 1970; 0 for none."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))", text)
    if not found:
        return 0.0
    naive = datetime.datetime.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S")
    seconds = naive.replace(tzinfo=datetime.timezone.utc).timestamp()
    if found.group(2):
        ahead = int(found.group(3)) * 3600 + int(found.group(4)) * 60
        seconds += ahead if found.group(2) == "-" else -ahead
    return seconds


def rules_of(data: t.Mapping[str, t.Any], replica_label: str, now: float) -> dict[str, t.Any]:
    """From /api/v1/rules: how many rules, of which generations, the slowest evaluation (seconds), what alerts.

    Alerts that only ``keep_firing_for`` holds are left out: a restarted replica does not know them.

    :param replica_label: left out of the alerts' labels, so that replicas can be compared.
    :param now: seconds since 1970.
    """
    rules = [rule for group in data.get("groups") or [] for rule in group.get("rules") or []]
    marks = {
        (rule.get("labels") or {}).get("sha256", "") for rule in rules if rule.get("name") == "ha_config_generation"
    }
    firing = [
        {
            "labels": {name: value for name, value in alert["labels"].items() if name != replica_label},
            "active_at": alert.get("activeAt", ""),
            "for": rule.get("duration") or 0.0,
            "seconds": max(now - moment(alert.get("activeAt", "")) - (rule.get("duration") or 0.0), 0.0),
            "rule": rule_id(rule),
        }
        for rule in rules
        for alert in rule.get("alerts") or []
        if alert.get("state") == "firing" and not moment(alert.get("keepFiringSince") or "")
    ]
    slowest = max((group.get("interval") or 0.0 for group in data.get("groups") or []), default=0.0)
    alerting = sorted({rule_id(rule) for rule in rules if rule.get("type") == "alerting"})
    return {
        "rules": len(rules),
        "generations": sorted(marks),
        "evaluation_interval": slowest,
        "alerting": alerting,
        "firing": firing,
    }


def rule_id(rule: t.Mapping[str, t.Any]) -> str:
    """What is the same where two replicas evaluate the same alerting rule."""
    parts = [rule.get("name"), rule.get("query"), rule.get("duration") or 0, sorted((rule.get("labels") or {}).items())]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def alertmanagers_of(data: t.Mapping[str, t.Any], reach: t.Callable[[str], str]) -> dict[str, t.Any]:
    """From /api/v1/alertmanagers: the active ones, how many were dropped, and why some can't be connected to."""
    active = sorted({_ready.host_port(item["url"]) for item in data.get("activeAlertmanagers") or []})
    return {
        "alertmanagers": active,
        "dropped_alertmanagers": len(data.get("droppedAlertmanagers") or []),
        "unreached": {address: why for address in active if (why := reach(address))},
    }


def look(
    api: Api,
    http: Http,
    *,
    replica_label: str,
    agent: bool,
    now: t.Callable[[], float] = time.time,
    reach: t.Callable[[str], str] = _ready.reach,
) -> dict[str, t.Any]:
    """One look (RETURN of the module ``gate_info`` names the fields).

    A Prometheus that still starts has no more to say than how far it is. :raises HAError: without a usable answer.
    """
    ready = http.request("GET", api.at("/-/ready"))
    if 400 <= ready.status < 500:
        raise refused(ready, "GET", api.at("/-/ready"))
    if ready.status != 200:
        answer = http.request("GET", api.at("/api/v1/status/walreplay"))
        replay = answer.json().get("data") if answer.status == 200 else None
        return {"ready": False, "status": ready.status, "replay": replay}
    at = now()
    metrics = fetch(api, http, "/metrics").text
    started = _metrics.value(metrics, "process_start_time_seconds") or 0.0
    view: dict[str, t.Any] = {
        "ready": True,
        "status": ready.status,
        "replay": None,
        "at": at,
        "started": started,
        "uptime": at - started,
        "reloaded": _metrics.value(metrics, "prometheus_config_last_reload_successful") == 1,
        "wal_corruptions": _metrics.value(metrics, _CORRUPTIONS[agent]) or 0.0,
        "checkpoint_failures": _metrics.value(metrics, _CHECKPOINTS[agent]) or 0.0,
        **targets_of(fetch_data(api, http, "/api/v1/targets?state=active")),
    }
    if not agent:
        view.update(rules_of(fetch_data(api, http, "/api/v1/rules"), replica_label, at))
        view.update(alertmanagers_of(fetch_data(api, http, "/api/v1/alertmanagers"), reach))
    return view
