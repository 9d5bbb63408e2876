# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about Prometheus: its replica sets as they are watched, and what each replica says of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _durations, _versions, _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    Package,
    RuleData,
    Scene,
    literal,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

REPLICA_DOWN = Alert("PrometheusReplicaDown", "warning", "5m", "A replica does not answer, while others of its set do.")
SET_DOWN = Alert("PrometheusReplicaSetDown", "critical", "5m", "No replica of a set answers; another set tells it.")
NOT_WATCHED = Alert(
    "PrometheusReplicaNotWatched",
    "warning",
    "5m",
    "Fewer replicas of a set are scraped than the inventory has, so that the other alerts would be silent about them.",
)
LAG = Alert(
    "PrometheusReplicaLagHigh",
    "warning",
    "5m",
    "A replica answers, and its newest sample is older than that of another replica of its set. The threshold is at "
    "least twice the scrape interval.",
    60,
    "seconds",
)
NOT_INGESTING = Alert(
    "PrometheusNotIngestingSamples",
    "critical",
    "5m",
    "The newest sample of all replicas of a set is old. The threshold is at least four times the scrape interval.",
    120,
    "seconds",
)
BAD_CONFIG = Alert(
    "PrometheusBadConfig", "critical", "5m", "A replica refused its configuration or rules, and runs what it had."
)
NOT_CONNECTED = Alert(
    "PrometheusNotConnectedToAlertmanagers",
    "critical",
    "5m",
    "A replica sends its alerts to fewer Alertmanagers than the meshes of its set have members.",
)
SENDING = Alert(
    "PrometheusErrorSendingAlerts",
    "warning",
    "15m",
    "Alerts to one Alertmanager fail, and those to another get through.",
    0.01,
    "share of alerts",
)
SENDING_TO_ANY = Alert(
    "PrometheusErrorSendingAlertsToAnyAlertmanager",
    "critical",
    "15m",
    "Alerts to every Alertmanager fail.",
    0.03,
    "share of alerts",
)
REMOTE_WRITE = Alert(
    "PrometheusRemoteWriteBehind",
    "critical",
    "15m",
    "What remote storage has is older than what the replica has.",
    120,
    "seconds",
)
WAL = Alert(
    "PrometheusWALCorruption",
    "warning",
    "",
    "A replica found its write-ahead log corrupt and threw the rest of it away; it is ready, and has a gap.",
)
CHECKPOINT = Alert(
    "PrometheusCheckpointFailed", "warning", "", "A checkpoint of the write-ahead log failed, so that it grows."
)
ALERTS = (
    *(REPLICA_DOWN, SET_DOWN, NOT_WATCHED, LAG, NOT_INGESTING),
    *(BAD_CONFIG, NOT_CONNECTED, SENDING, SENDING_TO_ANY, REMOTE_WRITE, WAL, CHECKPOINT),
)

_ALL = of("prometheus")
_SET = f"without ({', '.join(_watch.OF_MEMBER)})"
_IGNORING = f"ignoring ({', '.join(_watch.OF_MEMBER)})"
_WHO = "{{ $labels.ha_member }} of the replica set {{ $labels.ha_group }}"
# What the queue has been given, by queue, since 3.7; before, all that was stored counts (prometheus#17065).
_QUEUED_SINCE = (3, 7)


def _replicas(scene: Scene) -> t.Iterator[RuleData | None]:
    yield scene.alert(
        REPLICA_DOWN,
        f"(up{{{_ALL}}} == 0)\n+ {_IGNORING} group_left ()\n(sum {_SET} (up{{{_ALL}}}) > 0)",
        f"{_WHO} does not answer; {{{{ $value }}}} left",
    )
    yield scene.alert(
        SET_DOWN,
        f"sum {_SET} (up{{{_ALL}}}) == 0",
        "No replica of the replica set {{ $labels.ha_group }} answers",
    )
    for cohort in scene.watched("prometheus"):
        count = len(cohort.instances)
        yield scene.alert(
            NOT_WATCHED,
            f"(count(up{{{of('prometheus', cohort)}}}) or vector(0)) < {count}",
            f"{{{{ $value }}}} of the {count} replicas of the replica set {literal(cohort.name)} are scraped",
            _watch.labels_of(cohort, scene.prometheus),
        )


def _samples(scene: Scene) -> t.Iterator[RuleData | None]:
    newest = f"prometheus_tsdb_head_max_time_seconds{{{_ALL}}}"
    # A replica is asked once an interval, and has itself asked its targets once an interval.
    interval = _slowest(scene)
    yield scene.alert(
        LAG,
        f"(\n  max {_SET} ({newest})\n  - {_IGNORING} group_right ()\n  {newest}\n) "
        f"> {scene.threshold(LAG, 2 * interval)}",
        f"{_WHO} lags {{{{ $value }}}} s behind the others",
    )
    yield scene.alert(
        NOT_INGESTING,
        f"time() - max {_SET} ({newest}) > {scene.threshold(NOT_INGESTING, 4 * interval)}",
        "The newest sample of the replica set {{ $labels.ha_group }} is {{ $value }} s old",
    )


def _slowest(scene: Scene) -> float:
    """The slowest global scrape interval of who watches and who is watched, in seconds."""
    replicas = [scene.prometheus, *(cohort.instances[0] for cohort in scene.watched("prometheus"))]
    intervals = [_durations.known(replica.opt("scrape_interval")) or 0 for replica in replicas]
    return max(intervals) / _durations.SECOND


def _alerting(scene: Scene) -> t.Iterator[RuleData | None]:
    # A missed scrape must not end what was seen before it.
    yield scene.alert(
        BAD_CONFIG,
        f"last_over_time(prometheus_config_last_reload_successful{{{_ALL}}}[5m]) == 0",
        f"{_WHO} refused its configuration or rules",
    )
    for cohort in scene.watched("prometheus"):
        first = cohort.instances[0]
        members = sum(len(mesh.instances) for mesh in scene.topology.meshes(first))
        if members and not first.opt("agent"):
            known = f"prometheus_notifications_alertmanagers_discovered{{{of('prometheus', cohort)}}}"
            yield scene.alert(
                NOT_CONNECTED,
                f"last_over_time({known}[5m]) < {members}",
                f"{_WHO} sends alerts to {{{{ $value }}}} of {members} Alertmanagers",
            )
    failed = f"rate(prometheus_notifications_errors_total{{{_ALL}}}[5m])"
    share = f"  {failed}\n  / rate(prometheus_notifications_sent_total{{{_ALL}}}[5m])"
    to_any = f"min without (alertmanager) (\n{share}\n) > {scene.threshold(SENDING_TO_ANY)}"
    percent = "{{ $value | humanizePercentage }}"
    yield scene.alert(
        SENDING,
        f"(\n{share}\n) > {scene.threshold(SENDING)}\nunless ignoring (alertmanager) (\n{to_any}\n)",
        f"{_WHO} fails with {percent} of its alerts to {{{{ $labels.alertmanager }}}}",
    )
    yield scene.alert(
        SENDING_TO_ANY, to_any, f"{_WHO} fails with {percent} of its alerts, or more, to any Alertmanager"
    )


def _storage(scene: Scene) -> t.Iterator[RuleData | None]:
    yield scene.alert(
        REMOTE_WRITE,
        f"(\n{_behind(scene)}\n) > {scene.threshold(REMOTE_WRITE)}",
        f"{_WHO} is {{{{ $value | humanizeDuration }}}} behind in writing to {{{{ $labels.remote_name }}}}",
    )
    # The counter begins at 0 with each process, and a start may count before it is first scraped.
    yield scene.alert(
        WAL,
        f"prometheus_tsdb_wal_corruptions_total{{{_ALL}}} > 0\nor\nprometheus_agent_corruptions_total{{{_ALL}}} > 0",
        f"{_WHO} lost what its write-ahead log held behind a corruption",
    )
    failures = [
        f"increase({prefix}_checkpoint_{what}_failed_total{{{_ALL}}}[3h]) > 0"
        for prefix in ("prometheus_tsdb", "prometheus_agent")
        for what in ("creations", "deletions")
    ]
    yield scene.alert(CHECKPOINT, "\nor\n".join(failures), f"{_WHO} failed to checkpoint its write-ahead log")


def _behind(scene: Scene) -> str:
    """Seconds between the newest sample and the newest sent one, by queue, with the metrics that the versions have."""
    replicas = [scene.prometheus, *(one for cohort in scene.watched("prometheus") for one in cohort.instances)]
    since = [_version(replica) >= _QUEUED_SINCE for replica in replicas]
    # Of a queue that never sent anything the start counts: 2.53 has no series then, and 3.5 has 0.
    sent = (
        f"(\n    max_over_time(prometheus_remote_storage_queue_highest_sent_timestamp_seconds{{{_ALL}}}[5m]) > 0\n"
        f"    or\n    0 * prometheus_remote_storage_shards{{{_ALL}}}\n"
        f"    + ignoring (remote_name, url) group_left () process_start_time_seconds{{{_ALL}}}\n  )"
    )
    queued = f"  max_over_time(prometheus_remote_storage_queue_highest_timestamp_seconds{{{_ALL}}}[5m])\n  - {sent}"
    stored = (
        f"  max_over_time(prometheus_remote_storage_highest_timestamp_in_seconds{{{_ALL}}}[5m])\n"
        f"  - ignoring (remote_name, url) group_right () {sent}"
    )
    if all(since):
        return queued
    return f"{queued}\n  or\n{stored}" if any(since) else stored


def _version(prometheus: Instance) -> tuple[int, int]:
    try:
        return _versions.parse_version(prometheus.opt("version")).line
    except HAError:  # I03 says so
        return (0, 0)


def _groups(scene: Scene) -> t.Iterator[Group]:
    yield "prometheus_replicas", list(_replicas(scene))
    yield "prometheus_samples", list(_samples(scene))
    yield "prometheus_alerting", list(_alerting(scene))
    yield "prometheus_storage", list(_storage(scene))


PACKAGE = Package("prometheus_health", "Replica sets, and what each Prometheus says of itself.", _groups, ALERTS)
