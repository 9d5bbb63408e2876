# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every alert about Thanos under promtool 2.53.3 and 3.5.3, as test_alerts_real.py has it for the others.

The rules about Prometheus are there as well, so that what is a replica's failure is told once.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages.thanos_health import ALERTS
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_rules
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import (
    Series,
    Wanted,
    alert_test,
    promtool,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos_rules import (
    BUCKET,
    COVERED,
    MARKED,
    MEMBERS,
    answered,
    asked,
    compacts,
    each,
    healthy,
    labels,
    thanos_stack,
)

GONE = "_x60"
WATCHDOG = Wanted(
    "Watchdog", "none", {}, "Alerts get from here to the receivers. This one fires always; act where it ends."
)
# A compactor that is down can wait.
CRITICAL = set(MEMBERS) - {"thanos_compact"}


class Case(t.NamedTuple):
    """What differs from a stack in which all is well, and which alerts fire ``at`` that time."""

    changes: Series
    wanted: t.Sequence[Wanted]
    at: str = "25m"


def gone(component: str, *members: str) -> Series:
    """Nothing of these is scraped any more."""
    names = members or MEMBERS[component][0]
    own = [(f'ha_component="{component}"', f'ha_member="{member}"') for member in names]
    return {name: GONE for name in healthy() if any(one in name and other in name for one, other in own)}


def down(component: str, *members: str) -> Series:
    """These do not answer, by default none of the component."""
    return {**gone(component, *members), **each(component, "up", "0x60", *members)}


def prometheus_down(*members: str) -> Series:
    own = [f'ha_member="{member}"' for member in members]
    lost = [name for name in healthy() if 'ha_component="prometheus"' in name and any(each in name for each in own)]
    ups = {support_rules.series("up", support_rules.labels(member)): "0x60" for member in members}
    return {**dict.fromkeys(lost, GONE), **ups}


def connected(values: t.Mapping[str, str], *members: str) -> Series:
    """What queriers are connected to, by type."""
    found: Series = {}
    for kind, text in values.items():
        who = {"external_labels": f"of {kind}", "store_type": kind}
        found |= each("thanos_query", "thanos_store_nodes_grpc_connections", text, *members, **who)
    return found


def alert(name: str, component: str, member: str, summary: str, severity: str = "warning", **more: str) -> Wanted:
    """One about a member."""
    return Wanted(name, severity, labels(component, member, **more), summary)


def of_cohort(component: str) -> dict[str, str]:
    found = labels(component, MEMBERS[component][0][0])
    return {name: value for name, value in found.items() if name not in ("instance", "ha_member")}


def all_down(component: str, name: str, summary: str) -> Wanted:
    return Wanted(name, "critical" if component in CRITICAL else "warning", of_cohort(component), summary)


def member_down(component: str, member: str, left: int) -> Wanted:
    return alert("ThanosMemberDown", component, member, f"{component} on {member} does not answer; {left} left")


def failing(component: str, values: str, *members: str) -> Series:
    name = "thanos_objstore_bucket_operation_failures_total"
    return each(component, name, values, *members, operation="upload", **BUCKET)


def uploaded(component: str, values: str, *members: str) -> Series:
    return each(component, "thanos_objstore_bucket_last_successful_upload_time", values, *members, **BUCKET)


LESS = {"sidecar": "1x60", "store": "1x60", "rule": "2x60", "receive": "3x60"}
STOLEN = alert(
    "ThanosCompactMultipleRunning",
    "thanos_compact",
    "c-1",
    "Somebody else compacts what the compactor default compacts",
    "critical",
)
RESTARTED = "thanos_compact", "process_start_time_seconds", "-1000x60"
COLLECTED = "thanos_compact_garbage_collected_blocks_total"
COUNTED = "thanos_compact_blocks_marked_total"
SYNCED = "thanos_blocks_meta_synced"
REPLICA_DOWN = Wanted(
    "PrometheusReplicaDown",
    "warning",
    support_rules.labels("eu-1"),
    "eu-1 of the replica set eu does not answer; 1 left",
)
NO_SIDECAR_UPLOAD = alert(
    "ThanosNoUpload",
    "thanos_sidecar",
    "eu-1",
    "thanos_sidecar on eu-1 has uploaded nothing for 4h 26m 40s",
    "critical",
)

MEMBER_CASES = {
    "all is well": Case({}, []),
    "a querier is down": Case(down("thanos_query", "q-1"), [member_down("thanos_query", "q-1", 1)]),
    "a querier has just gone": Case(down("thanos_query", "q-1"), [], "4m"),
    "no querier answers": Case(
        down("thanos_query"), [all_down("thanos_query", "ThanosQueryDown", "No querier answers")]
    ),
    "no querier answers, and who asks them fails": Case(
        {
            **down("thanos_query"),
            **answered("thanos_query_frontend", "query-frontend", "502", "0+30x60"),
            **each(
                "thanos_rule",
                "prometheus_rule_evaluation_failures_total",
                "0+30x60",
                rule_group="a",
                strategy="abort",
            ),
        },
        [all_down("thanos_query", "ThanosQueryDown", "No querier answers")],
    ),
    "no frontend answers": Case(
        down("thanos_query_frontend"),
        [all_down("thanos_query_frontend", "ThanosQueryFrontendDown", "No query frontend answers")],
    ),
    "a store gateway is down, and queriers see it": Case(
        {**down("thanos_store", "s-1"), **connected({"store": "1x60"})}, [member_down("thanos_store", "s-1", 1)]
    ),
    "no store gateway answers": Case(
        {**down("thanos_store"), **connected({"store": GONE})},
        [all_down("thanos_store", "ThanosStoreDown", "No store gateway of the shard default answers")],
    ),
    "a sidecar is down": Case(
        {**down("thanos_sidecar", "eu-1"), **connected({"sidecar": "1x60"})},
        [member_down("thanos_sidecar", "eu-1", 1)],
    ),
    "a replica is down with its sidecar": Case(
        {**down("thanos_sidecar", "eu-1"), **prometheus_down("eu-1"), **connected({"sidecar": "1x60"})},
        [REPLICA_DOWN],
    ),
    "a replica is down, and its sidecar is not": Case(
        {
            **prometheus_down("eu-1"),
            **each("thanos_sidecar", "thanos_sidecar_prometheus_up", "0x60", "eu-1"),
            **connected({"sidecar": "1x60"}),
        },
        [REPLICA_DOWN],
    ),
    "no sidecar of a set answers": Case(
        {**down("thanos_sidecar"), **connected({"sidecar": GONE})},
        [all_down("thanos_sidecar", "ThanosSidecarDown", "No sidecar of the replica set eu answers")],
    ),
    "a set is down with its sidecars": Case(
        {**down("thanos_sidecar"), **prometheus_down("eu-1", "eu-2"), **connected({"sidecar": GONE})},
        [
            Wanted(
                "PrometheusReplicaSetDown",
                "critical",
                {k: v for k, v in support_rules.labels("eu-1").items() if k not in ("instance", "ha_member")},
                "No replica of the replica set eu answers",
            )
        ],
    ),
    "no ruler answers": Case(
        {**down("thanos_rule"), **connected({"rule": GONE})},
        [all_down("thanos_rule", "ThanosRuleDown", "No ruler of the set default answers")],
    ),
    "an ingestor is down, and copies to it fail": Case(
        {
            **down("thanos_receive", "i-1"),
            **connected({"receive": "2x60"}),
            **each("thanos_receive_router", "thanos_receive_replications_total", "0+30x60", result="error"),
        },
        [member_down("thanos_receive", "i-1", 2)],
    ),
    "no ingestor answers": Case(
        {**down("thanos_receive"), **connected({"receive": GONE})},
        [all_down("thanos_receive", "ThanosReceiveDown", "No ingestor of the hashring default answers")],
    ),
    "no router answers": Case(
        down("thanos_receive_router"),
        [all_down("thanos_receive_router", "ThanosReceiveRouterDown", "No router of the receivers answers")],
    ),
    "a compactor stands still for a roll": Case(down("thanos_compact"), []),
    "an ingestor is no longer scraped": Case(
        gone("thanos_receive", "i-1"),
        [
            Wanted(
                "ThanosMemberNotWatched",
                "warning",
                {"ha_component": "thanos_receive", "ha_group": "default"},
                "2 of 3 members of Thanos Receive (hashring default) are scraped",
            )
        ],
    ),
    "no querier is scraped any more": Case(
        gone("thanos_query"),
        [
            Wanted(
                "ThanosMemberNotWatched",
                "warning",
                {"ha_component": "thanos_query"},
                "0 of 2 members of Thanos Query (queriers) are scraped",
            )
        ],
    ),
}

QUERY_CASES = {
    "a querier misses Store APIs": Case(
        connected(LESS, "q-1"),
        [
            alert(
                "ThanosQueryStoreAPIsMissing",
                "thanos_query",
                "q-1",
                "The querier q-1 is connected to 7 of 9 Store APIs",
            )
        ],
    ),
    "a querier misses one more than is down": Case(
        {**connected({"store": "1x60"}), **connected(LESS, "q-1"), **down("thanos_store", "s-1")},
        [
            member_down("thanos_store", "s-1", 1),
            alert(
                "ThanosQueryStoreAPIsMissing",
                "thanos_query",
                "q-1",
                "The querier q-1 is connected to 7 of 9 Store APIs",
            ),
        ],
    ),
    "a querier has no Store API at all": Case(
        connected(dict.fromkeys(LESS, GONE), "q-1"),
        [
            alert(
                "ThanosQueryStoreAPIsMissing",
                "thanos_query",
                "q-1",
                "The querier q-1 is connected to 0 of 9 Store APIs",
            )
        ],
    ),
    "a querier sees more Store APIs than there are": Case(connected({"store": "3x60"}, "q-1"), []),
    "queries fail": Case(
        answered("thanos_query", "query_range", "500", "0+20x60", "q-1"),
        [
            alert(
                "ThanosQueryHttpRequestQueryErrorRateHigh",
                "thanos_query",
                "q-1",
                "The querier q-1 fails with 25% of the queries",
                "critical",
            )
        ],
    ),
    "queries fail behind a frontend": Case(
        {
            **answered("thanos_query", "query_range", "500", "0+20x60", "q-1"),
            **answered("thanos_query_frontend", "query-frontend", "500", "0+20x60"),
        },
        [
            alert(
                "ThanosQueryHttpRequestQueryErrorRateHigh",
                "thanos_query",
                "q-1",
                "The querier q-1 fails with 25% of the queries",
                "critical",
            )
        ],
    ),
    "queries that are wrong fail": Case(answered("thanos_query", "query", "400", "0+20x60"), []),
    "a querier is full": Case(
        each("thanos_query", "thanos_query_concurrent_gate_queries_in_flight", "20x60", "q-2"),
        [
            alert(
                "ThanosQueryOverload", "thanos_query", "q-2", "The querier q-2 is busy to 100% of the queries it takes"
            )
        ],
    ),
    "a frontend fails by itself": Case(
        answered("thanos_query_frontend", "query-frontend", "502", "0+10x60", "f-1"),
        [
            alert(
                "ThanosQueryFrontendErrorRateHigh",
                "thanos_query_frontend",
                "f-1",
                "The query frontend f-1 fails with 25% of the requests",
                "critical",
            )
        ],
    ),
    "a frontend fails once in a hundred": Case(
        answered("thanos_query_frontend", "query-frontend", "502", "0+0.3x60", "f-1"), []
    ),
}

BLOCK_CASES = {
    "a sidecar does not reach its Prometheus": Case(
        {
            **each("thanos_sidecar", "thanos_sidecar_prometheus_up", "1x10 0x50", "eu-1"),
            **connected({"sidecar": "1x60"}),
        },
        [
            alert(
                "ThanosSidecarPrometheusDown",
                "thanos_sidecar",
                "eu-1",
                "The sidecar on eu-1 does not reach its Prometheus",
                "critical",
            )
        ],
    ),
    "a Prometheus replays its WAL": Case(
        {
            **each("thanos_sidecar", "thanos_sidecar_prometheus_up", "0x60", "eu-1"),
            **connected({"sidecar": "1x60"}),
            support_rules.series("prometheus_tsdb_data_replay_duration_seconds", support_rules.labels("eu-1")): "0x60",
        },
        [],
    ),
    "a bucket refuses a sidecar": Case(
        {
            **failing("thanos_sidecar", "0+1x60", "eu-1"),
            **uploaded("thanos_sidecar", "0x60", "eu-1"),
            **each("thanos_sidecar", "process_start_time_seconds", "-14500x60", "eu-1"),
        },
        [
            alert(
                "ThanosSidecarBucketOperationsFailed",
                "thanos_sidecar",
                "eu-1",
                "Operations of the sidecar on eu-1 on its bucket fail",
                "critical",
            )
        ],
    ),
    "a bucket refused a sidecar once": Case(failing("thanos_sidecar", "0x36 1x24", "eu-1"), []),
    "a bucket refuses a ruler and an ingestor": Case(
        {**failing("thanos_rule", "0+1x60", "r-1"), **failing("thanos_receive", "0+1x60", "i-1")},
        [
            alert(
                "ThanosRuleBucketOperationsFailed",
                "thanos_rule",
                "r-1",
                "Operations of the ruler on r-1 on its bucket fail",
                "critical",
            ),
            alert(
                "ThanosReceiveBucketOperationsFailed",
                "thanos_receive",
                "i-1",
                "Operations of the ingestor on i-1 on its bucket fail",
                "critical",
            ),
        ],
    ),
    "a sidecar has never uploaded": Case(
        {
            **uploaded("thanos_sidecar", "0x60", "eu-1"),
            **each("thanos_sidecar", "process_start_time_seconds", "-14500x60", "eu-1"),
        },
        [NO_SIDECAR_UPLOAD],
    ),
    "a sidecar is new": Case(
        {
            **uploaded("thanos_sidecar", "0x60", "eu-1"),
            **each("thanos_sidecar", "process_start_time_seconds", "-12000x60", "eu-1"),
        },
        [],
    ),
    "a bucket refuses a store gateway": Case(
        {**failing("thanos_store", "0+15x60", "s-1"), **asked("Unknown", "0+30x60", "s-1")},
        [
            alert(
                "ThanosStoreBucketHighOperationFailures",
                "thanos_store",
                "s-1",
                "The store gateway s-1 fails with 50% of its operations on the bucket",
            )
        ],
    ),
    "a store gateway fails by itself": Case(
        asked("Unknown", "0+10x60", "s-1"),
        [
            alert(
                "ThanosStoreGrpcErrorRate",
                "thanos_store",
                "s-1",
                "The store gateway s-1 fails with 25% of what it is asked",
            )
        ],
    ),
    "a bucket refuses a store gateway now and then": Case(failing("thanos_store", "0+0.3x60", "s-1"), []),
}

COMPACTOR_CASES = {
    "a compactor halts": Case(
        {
            **compacts("thanos_compact_halted", "0x20 1x40"),
            **compacts("thanos_compact_iterations_total", "0x60"),
            **compacts("thanos_compact_group_compaction_runs_completed_total", "0x60", resolution="0"),
        },
        [alert("ThanosCompactHalted", "thanos_compact", "c-1", "The compactor default has halted on c-1")],
    ),
    "somebody else compacted what is compacted, too": Case(compacts(COUNTED, "25x20 26x40", **MARKED), [STOLEN]),
    "somebody else compacts": Case(
        {
            **compacts(COLLECTED, "20x60"),
            **compacts(COUNTED, "25x60", **MARKED),
            **compacts(SYNCED, "8x20 12x40", **COVERED),
        },
        [STOLEN],
    ),
    "somebody else compacts, while what was covered before leaves": Case(
        {
            **compacts(COLLECTED, "20x60"),
            **compacts(COUNTED, "25x60", **MARKED),
            **compacts(SYNCED, "8x10 4x10 8x40", **COVERED),
        },
        [STOLEN],
    ),
    "a compactor marks for its retention, too": Case(compacts(COUNTED, "25x20 60x40", **MARKED), []),
    "a compactor has just begun": Case(
        {**compacts(COLLECTED, "0x60"), **compacts(SYNCED, "0x10 12x50", **COVERED), **each(*RESTARTED)},
        [],
    ),
    "a view of the bucket failed": Case(
        {
            **compacts(COLLECTED, "20x60"),
            **compacts(COUNTED, "25x60", **MARKED),
            **compacts(SYNCED, "8x10 0x10 8x40", **COVERED),
            **compacts("thanos_blocks_meta_sync_failures_total", "0x10 1x50"),
        },
        [],
    ),
    "a compactor hangs": Case(
        {
            **compacts("thanos_compact_iterations_total", "5x60"),
            **compacts("thanos_compact_group_compaction_runs_completed_total", "5x60", resolution="0"),
        },
        [
            alert(
                "ThanosCompactHasNotRun",
                "thanos_compact",
                "c-1",
                "The compactor default on c-1 has come to no end of anything for long",
            )
        ],
    ),
    "a compactor is at its first, long iteration": Case(compacts("thanos_compact_iterations_total", "0x60"), []),
    "compactions fail": Case(
        compacts("thanos_compact_group_compactions_failures_total", "0x5 0+1x54", resolution="0"),
        [
            alert(
                "ThanosCompactHighCompactionFailures",
                "thanos_compact",
                "c-1",
                "Compactions of the compactor default fail again and again",
            )
        ],
    ),
    "a compaction fails, and is made again": Case(
        compacts("thanos_compact_group_compactions_failures_total", "0x10 1x50", resolution="0"), []
    ),
    "a bucket refuses a compactor": Case(
        failing("thanos_compact", "0+15x60"),
        [
            alert(
                "ThanosCompactBucketHighOperationFailures",
                "thanos_compact",
                "c-1",
                "The compactor default on c-1 fails with 50% of its operations on the bucket",
            )
        ],
    ),
}

FLOW_CASES = {
    "alerts are dropped, as no Alertmanager takes them": Case(
        each("thanos_rule", "thanos_alert_sender_alerts_dropped_total", "0+1x60", "r-1"),
        [alert("ThanosRuleSenderIsFailingAlerts", "thanos_rule", "r-1", "The ruler r-1 drops alerts", "critical")],
    ),
    "alerts are dropped, as the queue is full": Case(
        each("thanos_rule", "thanos_alert_queue_alerts_dropped_total", "0+1x60", "r-2"),
        [alert("ThanosRuleSenderIsFailingAlerts", "thanos_rule", "r-2", "The ruler r-2 drops alerts", "critical")],
    ),
    "a ruler evaluates nothing": Case(
        each("thanos_rule", "prometheus_rule_evaluations_total", "5x60", "r-1", rule_group="a", strategy="abort"),
        [
            alert(
                "ThanosNoRuleEvaluations",
                "thanos_rule",
                "r-1",
                "The ruler r-1 evaluates none of its 7 rules",
                "critical",
            )
        ],
    ),
    "evaluations fail": Case(
        each(
            "thanos_rule",
            "prometheus_rule_evaluation_failures_total",
            "0+15x60",
            "r-1",
            rule_group="a",
            strategy="abort",
        ),
        [
            alert(
                "ThanosRuleHighRuleEvaluationFailures",
                "thanos_rule",
                "r-1",
                "The ruler r-1 fails with 50% of its evaluations",
                "critical",
            )
        ],
    ),
    "a ruler refuses its rules": Case(
        each("thanos_rule", "thanos_rule_config_last_reload_successful", "1x10 0x50", "r-1"),
        [alert("ThanosRuleConfigReloadFailure", "thanos_rule", "r-1", "The ruler r-1 refused its rules", "critical")],
    ),
    "copies fail": Case(
        each("thanos_receive_router", "thanos_receive_replications_total", "0+10x60", "w-1", result="error"),
        [
            alert(
                "ThanosReceiveHighReplicationFailures",
                "thanos_receive_router",
                "w-1",
                "10% of the copies from the receiver w-1 to others fail",
            )
        ],
    ),
    "what is written is refused": Case(
        answered("thanos_receive_router", "receive", "503", "0+10x60", "w-1"),
        [
            alert(
                "ThanosReceiveHttpRequestErrorRateHigh",
                "thanos_receive_router",
                "w-1",
                "The receiver w-1 refuses 25% of what is written to it",
                "critical",
            )
        ],
    ),
    "what is written twice is refused": Case(answered("thanos_receive_router", "receive", "409", "0+10x60"), []),
    "routers have different hashrings": Case(
        each("thanos_receive_router", "thanos_receive_config_hash", "1001x60", "w-1"),
        [
            Wanted(
                "ThanosReceiveConfigInconsistent",
                "critical",
                {"ha_component": "thanos_receive_router"},
                "Members of thanos_receive_router have loaded different hashrings",
            )
        ],
    ),
    "a hashring is being rolled out": Case(
        each("thanos_receive_router", "thanos_receive_config_hash", "999x10 1000x50", "w-1"), []
    ),
    "a router refuses its hashrings": Case(
        each("thanos_receive_router", "thanos_receive_config_last_reload_successful", "0x60", "w-1"),
        [
            alert(
                "ThanosReceiveConfigReloadFailure",
                "thanos_receive_router",
                "w-1",
                "The receiver w-1 refused its hashrings",
            )
        ],
    ),
}

CASES = {
    "members": MEMBER_CASES,
    "queries": QUERY_CASES,
    "blocks": BLOCK_CASES,
    "compactors": COMPACTOR_CASES,
    "flow": FLOW_CASES,
}

# What takes longer than half an hour is told of by the clock of a shorter one.
SOONER = {"alerts": {"ThanosCompactDown": {"for": "5m"}, "ThanosNoUpload": {"threshold": 600}}}
WRITTEN = "prometheus_tsdb_head_samples_appended_total"
TENANT = {"tenant": "default-tenant", "type": "float"}
LATER = {
    "a compactor does not answer": Case(
        down("thanos_compact"),
        [all_down("thanos_compact", "ThanosCompactDown", "The compactor default does not answer")],
    ),
    "a sidecar has uploaded nothing for long": Case(
        uploaded("thanos_sidecar", "30x60", "eu-1"),
        [
            alert(
                "ThanosNoUpload",
                "thanos_sidecar",
                "eu-1",
                "thanos_sidecar on eu-1 has uploaded nothing for 27m 30s",
                "critical",
            )
        ],
        "28m",
    ),
    "a sidecar's last block is as old as it may be": Case(
        uploaded("thanos_sidecar", "30x45 1380x15", "eu-1"), [], "28m"
    ),
    "an ingestor has uploaded nothing for long": Case(
        uploaded("thanos_receive", "0x60", "i-1"),
        [
            alert(
                "ThanosNoUpload",
                "thanos_receive",
                "i-1",
                "thanos_receive on i-1 has uploaded nothing for 1d 1h 28m 0s",
                "critical",
            )
        ],
        # Half an hour of what was written, and the threshold before it.
        "28m",
    ),
    "an ingestor to which nobody writes has nothing to upload": Case(
        {**uploaded("thanos_receive", "0x60", "i-1"), **each("thanos_receive", WRITTEN, "5x60", "i-1", **TENANT)}, []
    ),
    "an ingestor to which somebody has begun to write": Case(
        {
            **uploaded("thanos_receive", "0x60", "i-1"),
            **each("thanos_receive", WRITTEN, "5x40 5+30x20", "i-1", **TENANT),
        },
        [],
    ),
}


def rules(**values: t.Any) -> dict[str, str]:
    """The rule files of who watches."""
    names = ("ha_stack", "prometheus_health", "thanos_health")
    files = thanos_stack(**values)
    return {path: files[path] for path in (f"rules/{name}.yml" for name in names)}


@pytest.mark.parametrize("version", PROMETHEUS)
@pytest.mark.parametrize(
    ("cases", "options"),
    [
        *(pytest.param(cases, {}, id=name) for name, cases in CASES.items()),
        pytest.param(LATER, SOONER, id="later"),
    ],
)
def test_what_is_told_of_thanos(
    version: str, cases: dict[str, Case], options: dict[str, t.Any], tmp_path: Path
) -> None:
    tests = [
        alert_test(name, {**healthy(), **case.changes}, case.at, [WATCHDOG, *case.wanted])
        for name, case in cases.items()
    ]
    promtool(version, tmp_path, rules(prometheus_rule_package_options=options), tests)


def test_every_alert_has_a_case() -> None:
    told = {alert.name for cases in (*CASES.values(), LATER) for case in cases.values() for alert in case.wanted}
    assert told - {"PrometheusReplicaDown", "PrometheusReplicaSetDown"} == {alert.name for alert in ALERTS}


def test_thanos_is_labelled_as_it_is_scraped() -> None:
    """Else the cases would be about another stack than the target files."""
    files = thanos_stack()
    scraped, expected = {}, {}
    for component, (names, _port, _group) in MEMBERS.items():
        job = f"ha-{component.replace('_', '-')}"
        for group in yaml.safe_load(files[f"targets/{job}.yml"]):
            (address,) = group["targets"]
            own = {key: value for key, value in group["labels"].items() if value}
            scraped[component, own["ha_member"]] = {"job": job, "instance": address, **own}
        expected.update({(component, name): labels(component, name) for name in names})
    assert scraped == expected
