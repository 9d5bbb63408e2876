# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running component says of itself, as facts; people otherwise look it up by hand with curl."""

from __future__ import annotations

import collections
import json
import math
import re
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics, _ready
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, fetch, fetch_data, fetch_object
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http, HttpUnreachableError

# Targets that are down are named up to this many; the rest is counted.
MOST_TARGETS = 5
_WORDS = 200
Question = t.Callable[[], t.Dict[str, t.Any]]
_MARKER = "/api/v1/rules?type=record&rule_name[]=ha_config_generation"


def ask(api: Api, http: Http, expect: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The facts of one component.

    :param expect: the slice's ``expect``.
    :returns: ``answers``, ``waiting_for`` ("" when it is ready), ``errors`` (of the parts that could not be had), and
        the parts. Of one that does not answer nothing further is asked.
    """
    found: dict[str, t.Any] = {"answers": False, "waiting_for": "", "errors": []}
    questions: list[Question] = []
    if api.kind == "prometheus":
        questions = _prometheus(api, http, expect, found)
    elif api.kind == "alertmanager":
        questions = _alertmanager(api, http)
    elif api.kind in ("thanos", "thanos_rule"):
        questions = _thanos(api, http, expect)
    try:
        http.request("GET", api.at("/-/healthy"))
        found["answers"] = True
        found["waiting_for"] = _ready.check(api, _ready.Expect(), http).waiting_for
        for question in questions:
            found.update(_answer(question, found["errors"]))
    except HttpUnreachableError as error:
        found["errors"].append(f"{error.what}: {error.said}")
    return found


def _answer(question: Question, errors: list[str]) -> dict[str, t.Any]:
    """:raises HttpUnreachableError: when nothing answers any more; another failure is added to the errors."""
    try:
        return question()
    except HttpUnreachableError:
        raise
    except HAError as error:
        errors.append(": ".join(part[:_WORDS] for part in (error.what, error.said) if part))
        return {}


def _prometheus(api: Api, http: Http, expect: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> list[Question]:
    """:param found: the answers so far."""
    questions: list[Question] = [
        lambda: prometheus_metrics(fetch(api, http, "/metrics").text),
        lambda: targets(fetch_data(api, http, "/api/v1/targets?state=active")),
    ]
    if api.generation is None:  # an agent has no rules, alerts nobody, and answers no queries
        return questions
    wanted = list(expect.get("alertmanagers") or ())
    return [
        *questions,
        lambda: _federation(api, http, found.get("federation") or [], expect.get("federates") or {}),
        lambda: generation(fetch_data(api, http, _MARKER)),
        lambda: firing(fetch_data(api, http, "/api/v1/alerts")),
        lambda: alertmanagers(fetch_data(api, http, "/api/v1/alertmanagers"), wanted, _ready.reach),
    ]


def _alertmanager(api: Api, http: Http) -> list[Question]:
    return [
        lambda: alertmanager_metrics(fetch(api, http, "/metrics").text),
        lambda: mesh(fetch_object(api, http, "/api/v2/status")),
    ]


def _thanos(api: Api, http: Http, expect: t.Mapping[str, t.Any]) -> list[Question]:
    questions: list[Question] = [lambda: thanos_metrics(fetch(api, http, "/metrics").text)]
    if api.kind == "thanos_rule":
        questions.append(lambda: generation(fetch_data(api, http, _MARKER)))
    if "stores" in expect:  # a querier
        questions.append(lambda: stores(fetch_data(api, http, "/api/v1/stores"), expect["stores"]))
        questions.append(lambda: deduplication(fetch_data(api, http, "/api/v1/status/flags")))
    return questions


def thanos_metrics(text: str) -> dict[str, t.Any]:
    """From the /metrics of a component of Thanos; None for what it does not have."""
    beside = _metrics.value(text, "thanos_sidecar_prometheus_up")
    halted = _metrics.value(text, "thanos_compact_halted")
    found: dict[str, t.Any] = {
        "prometheus_up": None if beside is None else beside == 1,
        "halted": None if halted is None else halted == 1,
        "alerts_dropped": _whole(_metrics.total(text, "thanos_alert_sender_alerts_dropped_total")),
        "head_series": _whole(_metrics.total(text, "prometheus_tsdb_head_series")),
        "blocks_loaded": _whole(_metrics.value(text, "thanos_bucket_store_blocks_loaded")),
    }
    if _metrics.value(text, "thanos_rule_config_last_reload_successful") is not None:
        found["reload"] = _reload(text, "thanos_rule")
    return found


def stores(data: t.Mapping[str, t.Any], wanted: t.Sequence[str]) -> dict[str, t.Any]:
    """From a querier's /api/v1/stores: of the wanted ``host:port`` which are connected, and why others are not."""
    seen = {
        str(one.get("name")): str(one.get("lastError") or "")[:_WORDS] for kind in data.values() for one in kind or ()
    }
    missing = {
        place: seen.get(place, "it is not among its Store APIs") for place in wanted if place not in seen or seen[place]
    }
    return {"store_apis": {"connected": len(wanted) - len(missing), "wanted": len(wanted), "missing": missing}}


def deduplication(flags: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From a querier's /api/v1/status/flags: the labels along which it deduplicates."""
    given = str(flags.get("query.replica-label") or "")
    return {"replica_labels": sorted(re.findall(r"[A-Za-z_]\w*", given))}


def _whole(number: float | None) -> int | None:
    return None if number is None or not math.isfinite(number) else int(number)


def _reload(text: str, kind: str) -> dict[str, t.Any]:
    name = f"{kind}_config_last_reload"
    successful = _metrics.value(text, f"{name}_successful")
    moment = _metrics.value(text, f"{name}_success_timestamp_seconds")
    return {"successful": None if successful is None else successful == 1, "at": _whole(moment)}


def prometheus_metrics(text: str) -> dict[str, t.Any]:
    """From a Prometheus' /metrics; None for what this version or mode does not have."""
    return {
        "reload": _reload(text, "prometheus"),
        "head_series": _whole(_metrics.value(text, "prometheus_tsdb_head_series")),
        "wal_corruptions": _whole(_metrics.value(text, "prometheus_tsdb_wal_corruptions_total")),
        "checkpoint_failures": _whole(_metrics.value(text, "prometheus_tsdb_checkpoint_creations_failed_total")),
    }


def _target_address(target: t.Mapping[str, t.Any]) -> str:
    """Where a target is scraped, without parameters, which may be secret."""
    parts = urllib.parse.urlsplit(str(target.get("scrapeUrl", "")))
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _target_error(target: t.Mapping[str, t.Any]) -> str:
    if target.get("health") == "up":
        return ""
    # Go's errors quote the whole URL.
    words = re.sub(r"\?[^\s\"]*", "", str(target.get("lastError") or ""))
    return words[:_WORDS] or "not scraped yet"


def targets(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From the data of /api/v1/targets: how many are up, which are not, and each source of a federation."""
    active = data.get("activeTargets") or []
    each = [
        {
            "job": str(target.get("scrapePool") or (target.get("labels") or {}).get("job", "")),
            "url": _target_address(target),
            "up": target.get("health") == "up",
            "error": _target_error(target),
        }
        for target in active
    ]
    down = [target for target in each if not target["up"]]
    counts = {"up": len(each) - len(down), "total": len(each), "down": down[:MOST_TARGETS]}
    sources = [
        {**one, "labels": {name: str((target.get("labels") or {}).get(name, "")) for name in ("job", "instance")}}
        for one, target in zip(each, active)
        if one["url"].rstrip("/").endswith("/federate")
    ]
    return {"targets": counts, "federation": sources}


# By job that federates, and by source, the labels that its series carry: what the slice expects.
Federates = t.Mapping[str, t.Mapping[str, t.Mapping[str, str]]]
Sources = t.Sequence[t.Mapping[str, t.Any]]
# Marks the rows of the query that are about labels which gave way.
_GAVE_WAY = "ha_gave_way"


def _federation(api: Api, http: Http, sources: Sources, wanted: Federates) -> dict[str, t.Any]:
    query = federation_query(sources, wanted)
    if not query:
        return {}
    data = fetch_data(api, http, f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    return federation(data, sources, wanted)


def _any_of(values: t.Iterable[str]) -> str:
    """A PromQL string: the regular expression for one of some texts."""
    return json.dumps("|".join(re.escape(value) for value in dict.fromkeys(values)), ensure_ascii=False)


def _carried(source: t.Mapping[str, t.Any], wanted: Federates) -> t.Mapping[str, str]:
    """The labels that all series from a source carry."""
    address = _ready.host_port(source["url"])
    sources = wanted.get(source["job"]) or {}
    return next((labels for place, labels in sources.items() if _ready.host_port(place) == address), {})


def federation_query(sources: Sources, wanted: Federates) -> str:
    """The one query about the labels of what is federated; "" where there is nothing to ask.

    Where honor_labels is lost, a series has the labels job and instance of the target that it was scraped from. Else it
    has no instance or its own one: /federate sends an empty one along, so that the target's is never added.
    """
    asked = [source for source in sources if source["job"] in wanted]
    if not asked:
        return ""
    own = ",".join(f"{name}=~{_any_of(source['labels'][name] for source in asked)}" for name in ("job", "instance"))
    gave_way = " or ".join(f'{{{own},exported_{name}!=""}}' for name in ("job", "instance"))
    parts = [
        f'label_replace(count by (job, instance) ({gave_way}), "{_GAVE_WAY}", "yes", "", "")',
        f"scrape_samples_scraped{{{own}}}",
    ]
    values: dict[str, list[str]] = {}
    for source in asked:
        for name, value in _carried(source, wanted).items():
            values.setdefault(name, []).append(value)
    parts += [f"count by ({name}) ({{{name}=~{_any_of(found)}}})" for name, found in values.items()]
    return " or ".join(parts)


def federation(data: t.Mapping[str, t.Any], sources: Sources, wanted: Federates) -> dict[str, t.Any]:
    """From the data of /api/v1/query: of each source, whether job and instance gave way, and which label is missing."""
    gave_way, filled, carried = set(), set(), set()
    for row in data.get("result") or []:
        metric = row["metric"]
        target = (metric.get("job"), metric.get("instance"))
        if _GAVE_WAY in metric:
            gave_way.add(target)
        elif "__name__" in metric:
            filled.update([target] if float(row["value"][1]) > 0 else [])
        else:
            carried.update(metric.items())
    found = []
    for source in sources:
        target = (source["labels"]["job"], source["labels"]["instance"])
        labels = _carried(source, wanted).items() if target in filled else ()
        lacks = [f'{name}="{value}"' for name, value in labels if (name, value) not in carried]
        found.append({**source, "gave_way": target in gave_way, "lacks": ", ".join(lacks)})
    return {"federation": found}


def generation(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From the data of /api/v1/rules: which configuration's marker is evaluated."""
    rules = [rule for group in data.get("groups") or [] for rule in group.get("rules") or []]
    marks = {rule.get("labels", {}).get("sha256", "") for rule in rules if rule.get("name") == "ha_config_generation"}
    return {"generation": ", ".join(sorted(marks))}


def firing(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From the data of /api/v1/alerts: how often each alert fires."""
    names = [alert["labels"].get("alertname", "") for alert in data.get("alerts") or [] if alert["state"] == "firing"]
    return {"firing": dict(sorted(collections.Counter(names).items()))}


def alertmanagers(
    data: t.Mapping[str, t.Any], wanted: t.Sequence[str], reach: t.Callable[[str], str]
) -> dict[str, t.Any]:
    """From the data of /api/v1/alertmanagers.

    :param wanted: host:port of each.
    :param reach: why this host can't connect to one; "" when it can. Prometheus calls any that is listed active.
    """
    missing = {}
    for address in wanted:
        active = _ready.prometheus_alertmanagers(data, [address]).done
        why = reach(address) if active else "it is not among the active ones"
        if why:
            missing[address] = why
    return {"alertmanagers": {"connected": len(wanted) - len(missing), "wanted": len(wanted), "missing": missing}}


def alertmanager_metrics(text: str) -> dict[str, t.Any]:
    """From an Alertmanager's /metrics. Failed notifications count since its start, over all integrations."""
    running = _whole(_metrics.value(text, "alertmanager_config_hash"))
    return {
        "generation": "" if running is None else format(running, "012x"),
        "reload": _reload(text, "alertmanager"),
        "silences": _whole(_metrics.value(text, "alertmanager_silences", {"state": "active"})),
        "notifications_failed": _whole(_metrics.total(text, "alertmanager_notifications_failed_total")),
    }


def mesh(status: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """From /api/v2/status: the member's own name, and whom it sees."""
    cluster = status.get("cluster") or {}
    peers = [{"name": peer.get("name", ""), "address": peer.get("address", "")} for peer in cluster.get("peers") or []]
    return {
        "mesh": {
            "name": cluster.get("name") or "",
            "status": cluster.get("status") or "",
            "peers": sorted(peers, key=lambda peer: str(peer["address"])),
        }
    }
