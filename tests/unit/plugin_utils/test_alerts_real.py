# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every alert of the packages but Thanos' under promtool 2.53.3 and 3.5.3: what goes wrong, and what is told of it.

Each case is a whole stack in which all is well but for one thing; the alerts that it names fire, and no other. So each
alert fires in its own case and stays quiet in all the others.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import thanos_health
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._catalogue import ALERTS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import (
    Series,
    Wanted,
    alert_test,
    federated,
    healthy,
    labels,
    promtool,
    series,
    stack,
)

GONE = "_x60"
WATCHDOG = Wanted(
    "Watchdog", "none", {}, "Alerts get from here to the receivers. This one fires always; act where it ends."
)
EU = {name: value for name, value in labels("eu-1").items() if name not in ("instance", "ha_member")}
MESH = {"ha_component": "alertmanager", "ha_group": "default"}
QUEUE = {"remote_name": "far", "url": "http://far"}
SENT = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
HEAD = "prometheus_tsdb_head_max_time_seconds"


class Case(t.NamedTuple):
    """What differs from a stack in which all is well, and which alerts fire ``at`` that time."""

    changes: Series
    wanted: t.Sequence[Wanted]
    at: str = "25m"


def of(name: str, *members: str, values: str, **more: str) -> Series:
    return {series(name, labels(member, **more)): values for member in members}


def gone(*members: str) -> Series:
    """All that a member's /metrics gives is missing."""
    own = [f'ha_member="{member}"' for member in members]
    return {name: GONE for name in healthy() if any(text in name for text in own)}


def down(*members: str) -> Series:
    """A member does not answer: nothing is known but that."""
    return {**gone(*members), **of("up", *members, values="0x60")}


def failing(peer: str, values: str) -> Series:
    return of("prometheus_notifications_errors_total", "eu-1", values=values, alertmanager=peer)


def alert(name: str, member: str, summary: str, severity: str = "warning", **more: str) -> Wanted:
    """One about a member."""
    return Wanted(name, severity, labels(member, **more), summary)


def unequal(members: t.Mapping[str, int]) -> list[Wanted]:
    return [
        alert("AlertmanagerMembersInconsistent", member, f"{member} of the mesh default sees {seen} of 3 members")
        for member, seen in members.items()
    ]


def not_healthy(count: int) -> Wanted:
    summary = f"The mesh default is not whole: {count} of its 3 members answer"
    return Wanted(
        "AlertmanagerClusterNotHealthy",
        "warning",
        MESH,
        f"{summary}, and see another number" if count == 3 else summary,
    )


SPLIT = {
    **of("alertmanager_cluster_members", "am-1", values="1x60"),
    **of("alertmanager_cluster_members", "am-2", "am-3", values="2x60"),
    **of("alertmanager_cluster_failed_peers", "am-1", values="2x60"),
    **of("alertmanager_cluster_failed_peers", "am-2", "am-3", values="1x60"),
}
ONE_MEMBER_DOWN = {
    **down("am-1"),
    **of("alertmanager_cluster_members", "am-2", "am-3", values="2x60"),
    **of("alertmanager_cluster_failed_peers", "am-2", "am-3", values="1x60"),
}
REPLICA_DOWN = alert("PrometheusReplicaDown", "eu-1", "eu-1 of the replica set eu does not answer; 1 left")
BAD_CONFIG = alert(
    "PrometheusBadConfig", "eu-1", "eu-1 of the replica set eu refused its configuration or rules", "critical"
)
NEVER_SENT = alert(
    "PrometheusRemoteWriteBehind",
    "eu-1",
    "eu-1 of the replica set eu is 25m 0s behind in writing to far",
    "critical",
    **QUEUE,
)

CASES = {
    "all is well": Case({}, []),
    "a replica is down": Case(down("eu-1"), [REPLICA_DOWN]),
    "a replica has just gone": Case(down("eu-1"), [], "4m"),
    "a replica of the own set is down": Case(
        down("us-2"), [alert("PrometheusReplicaDown", "us-2", "us-2 of the replica set us does not answer; 1 left")]
    ),
    "a whole set is down": Case(
        down("eu-1", "eu-2"),
        [Wanted("PrometheusReplicaSetDown", "critical", EU, "No replica of the replica set eu answers")],
    ),
    "a replica is no longer scraped": Case(
        gone("eu-1"),
        [
            Wanted(
                "PrometheusReplicaNotWatched",
                "warning",
                {name: value for name, value in EU.items() if name != "job"},
                "1 of the 2 replicas of the replica set eu are scraped",
            )
        ],
    ),
    "no replica is scraped any more": Case(
        gone("eu-1", "eu-2", "us-1", "us-2"),
        [
            Wanted(
                "PrometheusReplicaNotWatched",
                "warning",
                {"ha_component": "prometheus", "ha_group": name, "region": name},
                f"0 of the 2 replicas of the replica set {name} are scraped",
            )
            for name in ("eu", "us")
        ],
    ),
    "a replica lags": Case(
        of(HEAD, "eu-1", values="0+30x30 930x30"),
        [alert("PrometheusReplicaLagHigh", "eu-1", "eu-1 of the replica set eu lags 570 s behind the others")],
    ),
    "a replica is as late as it may be": Case(of(HEAD, "eu-1", values="-60+30x60"), []),
    "a set has no new samples": Case(
        of(HEAD, "eu-1", "eu-2", values="0+30x30 930x30"),
        [
            Wanted(
                "PrometheusNotIngestingSamples",
                "critical",
                EU,
                "The newest sample of the replica set eu is 570 s old",
            )
        ],
    ),
    "a set is as late as it may be": Case(of(HEAD, "eu-1", "eu-2", values="-120+30x60"), []),
    "a configuration is refused": Case(
        of("prometheus_config_last_reload_successful", "eu-1", values="1x10 0x50"), [BAD_CONFIG]
    ),
    "a configuration is refused, and scrapes are missed": Case(
        of("prometheus_config_last_reload_successful", "eu-1", values="1x10 0x9 _x2 0x3 _x2 0x2 _x3 0x3 _x2 0x20"),
        [BAD_CONFIG],
    ),
    "a configuration was refused and is mended": Case(
        of("prometheus_config_last_reload_successful", "eu-1", values="1x10 0x9 1x40"), []
    ),
    "an Alertmanager is not known": Case(
        of("prometheus_notifications_alertmanagers_discovered", "eu-1", values="2x60"),
        [
            alert(
                "PrometheusNotConnectedToAlertmanagers",
                "eu-1",
                "eu-1 of the replica set eu sends alerts to 2 of 3 Alertmanagers",
                "critical",
            )
        ],
    ),
    "alerts to one Alertmanager fail": Case(
        failing("am-1", "0+15x60"),
        [
            alert(
                "PrometheusErrorSendingAlerts",
                "eu-1",
                "eu-1 of the replica set eu fails with 50% of its alerts to am-1",
                alertmanager="am-1",
            )
        ],
    ),
    "one alert of two hundred fails": Case(failing("am-1", "0+0.15x60"), []),
    "alerts to every Alertmanager fail": Case(
        {name: text for peer in ("am-1", "am-2", "am-3") for name, text in failing(peer, "0+15x60").items()},
        [
            alert(
                "PrometheusErrorSendingAlertsToAnyAlertmanager",
                "eu-1",
                "eu-1 of the replica set eu fails with 50% of its alerts, or more, to any Alertmanager",
                "critical",
            )
        ],
    ),
    "remote write stands still": Case(
        of(SENT, "eu-1", values="0+30x10 330x50", **QUEUE),
        [
            alert(
                "PrometheusRemoteWriteBehind",
                "eu-1",
                # The newest of the last five minutes, when the last sample was 330.
                "eu-1 of the replica set eu is 19m 30s behind in writing to far",
                "critical",
                **QUEUE,
            )
        ],
    ),
    "remote write is as late as it may be": Case(of(SENT, "eu-1", values="0x3 0+30x60", **QUEUE), []),
    "remote write never worked": Case(of(SENT, "eu-1", values="0x60", **QUEUE), [NEVER_SENT]),
    "remote write never worked, in 2.53": Case(of(SENT, "eu-1", values=GONE, **QUEUE), [NEVER_SENT]),
    "a write-ahead log was corrupt": Case(
        of("prometheus_tsdb_wal_corruptions_total", "eu-1", values="1x60"),
        [
            alert(
                "PrometheusWALCorruption",
                "eu-1",
                "eu-1 of the replica set eu lost what its write-ahead log held behind a corruption",
            )
        ],
    ),
    "an agent's write-ahead log was corrupt": Case(
        {
            **of("prometheus_tsdb_wal_corruptions_total", "eu-1", values=GONE),
            **of("prometheus_agent_corruptions_total", "eu-1", values="1x60"),
        },
        [
            alert(
                "PrometheusWALCorruption",
                "eu-1",
                "eu-1 of the replica set eu lost what its write-ahead log held behind a corruption",
            )
        ],
    ),
    "a checkpoint fails": Case(
        of("prometheus_tsdb_checkpoint_creations_failed_total", "eu-1", values="0x10 1x50"),
        [
            alert(
                "PrometheusCheckpointFailed",
                "eu-1",
                "eu-1 of the replica set eu failed to checkpoint its write-ahead log",
            )
        ],
    ),
    "an old checkpoint stays": Case(
        of("prometheus_tsdb_checkpoint_deletions_failed_total", "eu-1", values="0x10 1x50"),
        [
            alert(
                "PrometheusCheckpointFailed",
                "eu-1",
                "eu-1 of the replica set eu failed to checkpoint its write-ahead log",
            )
        ],
    ),
    "a member is down": Case(ONE_MEMBER_DOWN, [not_healthy(2)]),
    "a member has just gone": Case(ONE_MEMBER_DOWN, [], "4m"),
    "most of a mesh is down": Case(
        {
            **down("am-1", "am-2"),
            **of("alertmanager_cluster_members", "am-3", values="1x60"),
            **of("alertmanager_cluster_failed_peers", "am-3", values="2x60"),
        },
        [Wanted("AlertmanagerClusterDown", "critical", MESH, "The mesh default is down: 1 of its 3 members answer")],
    ),
    "a mesh is split": Case(SPLIT, [not_healthy(3)], "10m"),
    "a mesh stays split": Case(SPLIT, [not_healthy(3), *unequal({"am-1": 1, "am-2": 2, "am-3": 2})]),
    "a mesh is no longer scraped": Case(gone("am-1", "am-2", "am-3"), [not_healthy(0)]),
    "a mesh has a stranger": Case(
        of("alertmanager_cluster_members", "am-1", "am-2", "am-3", values="4x60"),
        [not_healthy(3), *unequal({"am-1": 4, "am-2": 4, "am-3": 4})],
    ),
    "a member that was taken out is looked for": Case(
        of("alertmanager_cluster_failed_peers", "am-2", values="1x60"),
        [
            alert(
                "AlertmanagerFailedPeers",
                "am-2",
                "am-2 of the mesh default sees all members, and looks for 1 more in vain",
            )
        ],
    ),
    "a member has another configuration": Case(
        of("alertmanager_config_hash", "am-2", values="164264958643556x60"),
        [
            Wanted(
                "AlertmanagerConfigInconsistent",
                "critical",
                {"job": "ha-alertmanager", **MESH},
                "The members of the mesh default run different configurations",
            )
        ],
    ),
    "a configuration is being rolled out": Case(
        of("alertmanager_config_hash", "am-2", values="164264958643556x10 164264958643555x50"), []
    ),
    "a member refuses its configuration": Case(
        of("alertmanager_config_last_reload_successful", "am-2", values="0x60"),
        [
            alert(
                "AlertmanagerFailedReload",
                "am-2",
                "am-2 of the mesh default refused its configuration",
                "critical",
            )
        ],
    ),
    "notifications fail": Case(
        {
            **of(
                "alertmanager_notifications_failed_total",
                "am-2",
                values="0+10x60",
                integration="webhook",
                reason="other",
            ),
            **of(
                "alertmanager_notifications_failed_total",
                "am-2",
                values="0+5x60",
                integration="webhook",
                reason="serverError",
            ),
        },
        [
            alert(
                "AlertmanagerFailedToSendAlerts",
                "am-2",
                "am-2 of the mesh default fails with 50% of what it sends by webhook",
                "critical",
                integration="webhook",
            )
        ],
    ),
    "one notification of two hundred fails": Case(
        of(
            "alertmanager_notifications_failed_total",
            "am-2",
            values="0+0.15x60",
            integration="webhook",
            reason="other",
        ),
        [],
    ),
}


def source(target: str) -> dict[str, str]:
    return {"job": f"federate-{target[:2]}", "instance": f"{target}.example:9090"}


def from_source(name: str, *targets: str, values: str) -> Series:
    return {series(name, source(target)): values for target in targets}


FEDERATED = {
    "all is federated": Case({}, []),
    "a source is down": Case(
        from_source("up", "eu-1", "eu-2", values="0x60"),
        [
            Wanted(
                "FederationSourceDown",
                "critical",
                {"job": "federate-eu"},
                "Nothing is federated by the job federate-eu",
            )
        ],
    ),
    "one target of a source fails": Case(
        from_source("up", "eu-1", values="0x60"),
        [
            Wanted(
                "FederationTargetDown",
                "warning",
                source("eu-1"),
                "eu-1.example:9090 is not federated by the job federate-eu; 1 left",
            )
        ],
    ),
    "one target of a source has just failed": Case(from_source("up", "eu-1", values="0x60"), [], "14m"),
    "a target gives nothing": Case(
        {
            **from_source("scrape_samples_scraped", "us-2", values="0x60"),
            **from_source("scrape_samples_post_metric_relabeling", "us-2", values="0x60"),
        },
        [
            Wanted(
                "FederationEmpty",
                "warning",
                source("us-2"),
                "us-2.example:9090 gives the job federate-us nothing to federate",
            )
        ],
    ),
    "a target is near its limit": Case(
        from_source("scrape_samples_post_metric_relabeling", "us-2", values="9000x60"),
        [
            Wanted(
                "FederationSampleLimitNear",
                "warning",
                source("us-2"),
                "us-2.example:9090 gives the job federate-us 90% of what it takes",
            )
        ],
    ),
    "a target is well below its limit": Case(
        from_source("scrape_samples_post_metric_relabeling", "us-2", values="8000x60"), []
    ),
}


def alerts(files: t.Mapping[str, str], *packages: str) -> dict[str, str]:
    """The files of packages, by default those that us has."""
    names = packages or ("ha_stack", "prometheus_health", "alertmanager_health")
    return {path: files[path] for path in (f"rules/{name}.yml" for name in names)}


@pytest.fixture(name="watcher", scope="module")
def _watcher() -> dict[str, str]:
    """The files of the set that watches eu and the mesh."""
    return stack("us-1")


@pytest.mark.parametrize("version", PROMETHEUS)
def test_what_is_told_of_a_stack(version: str, watcher: dict[str, str], tmp_path: Path) -> None:
    """All cases at once, since each start of promtool costs more than a case; it names those that fail."""
    tests = [
        alert_test(name, {**healthy(), **case.changes}, case.at, [WATCHDOG, *case.wanted])
        for name, case in CASES.items()
    ]
    promtool(version, tmp_path, alerts(watcher), tests)


@pytest.mark.parametrize("version", PROMETHEUS)
def test_what_is_told_of_federation(version: str, tmp_path: Path) -> None:
    tests = [
        alert_test(name, {**federated(), **case.changes}, case.at, case.wanted) for name, case in FEDERATED.items()
    ]
    promtool(version, tmp_path, alerts(stack("g-1"), "federation_health"), tests)


def test_every_alert_has_a_case() -> None:
    told = {alert.name for case in (*CASES.values(), *FEDERATED.values()) for alert in case.wanted}
    # Those about Thanos have theirs in test_thanos_alerts_real.py.
    assert told | {"Watchdog"} == set(ALERTS) - {alert.name for alert in thanos_health.ALERTS}


def test_the_stack_is_labelled_as_it_is_scraped(watcher: dict[str, str]) -> None:
    """Else the cases would be about another stack than the target files."""
    scraped = {}
    for job in ("ha-prometheus", "ha-alertmanager"):
        for group in yaml.safe_load(watcher[f"targets/{job}.yml"]):
            (address,) = group["targets"]
            scraped[group["labels"]["ha_member"]] = {"job": job, "instance": address, **group["labels"]}
    assert scraped == {name: labels(name) for name in ("eu-1", "eu-2", "us-1", "us-2", "am-1", "am-2", "am-3")}


@pytest.mark.parametrize("version", PROMETHEUS)
def test_remote_write_is_judged_by_what_the_queue_was_given_since_3_7(version: str, tmp_path: Path) -> None:
    """A queue that relabelling leaves nothing to send is not behind, however much is stored."""
    newer = stack("us-1", prometheus_version="3.7.0")
    queued = "prometheus_remote_storage_queue_highest_timestamp_seconds"
    idle = {**healthy(), **of(SENT, "eu-1", values="0x60", **QUEUE), **of(queued, "eu-1", values="0x60", **QUEUE)}
    behind = {**idle, **of(SENT, "eu-1", values="100x60", **QUEUE), **of(queued, "eu-1", values="0+30x60", **QUEUE)}
    said = alert(
        "PrometheusRemoteWriteBehind",
        "eu-1",
        "eu-1 of the replica set eu is 23m 20s behind in writing to far",
        "critical",
        **QUEUE,
    )
    tests = [alert_test("idle", idle, "25m", [WATCHDOG]), alert_test("behind", behind, "25m", [WATCHDOG, said])]
    promtool(version, tmp_path, alerts(newer), tests)
