# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about the way of blocks: into the bucket, out of it, and what the compactor makes of them."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    RuleData,
    Scene,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._thanos import (
    MEMBER,
    PERCENT,
    UPLOADERS,
    bucket_failures,
    share,
)

PROMETHEUS_DOWN = Alert(
    "ThanosSidecarPrometheusDown",
    "critical",
    "5m",
    "A sidecar does not reach its Prometheus, which answers those that scrape it and has replayed its WAL.",
)
# By component, the alert and what the summary calls it.
FAILED: dict[str, tuple[Alert, str]] = {
    "thanos_sidecar": (
        Alert("ThanosSidecarBucketOperationsFailed", "critical", "10m", "A sidecar's operations on its bucket fail."),
        "sidecar",
    ),
    "thanos_rule": (
        Alert("ThanosRuleBucketOperationsFailed", "critical", "10m", "A ruler's operations on its bucket fail."),
        "ruler",
    ),
    "thanos_receive": (
        Alert("ThanosReceiveBucketOperationsFailed", "critical", "10m", "An ingestor's operations on its bucket fail."),
        "ingestor",
    ),
}
NO_UPLOAD = Alert(
    "ThanosNoUpload",
    "critical",
    "15m",
    "A sidecar, ruler or ingestor uploaded nothing for longer than a block takes, never since its start included, "
    "and no operation on the bucket fails.",
    4 * 3600,
    "seconds",
)
STORE_BUCKET = Alert(
    "ThanosStoreBucketHighOperationFailures",
    "warning",
    "15m",
    "A store gateway's operations on its bucket fail.",
    0.05,
    "share of operations",
)
STORE_GRPC = Alert(
    "ThanosStoreGrpcErrorRate",
    "warning",
    "5m",
    "A store gateway fails with what queriers ask, though its bucket answers.",
    0.05,
    "share of calls",
)
HALTED = Alert(
    "ThanosCompactHalted", "warning", "5m", "A compactor halted at blocks that must not be merged, and stands still."
)
MULTIPLE = Alert(
    "ThanosCompactMultipleRunning",
    "critical",
    "10m",
    "Somebody else compacts the block streams of a compactor: blocks are replaced that it did not compact, or those "
    "that it compacts are replaced already.",
)
HAS_NOT_RUN = Alert(
    "ThanosCompactHasNotRun",
    "warning",
    "",
    "A compactor runs, and has come to no end of anything for long.",
    24 * 3600,
    "seconds",
)
COMPACTIONS = Alert(
    "ThanosCompactHighCompactionFailures", "warning", "15m", "Compactions fail again and again.", 3, "failures an hour"
)
COMPACT_BUCKET = Alert(
    "ThanosCompactBucketHighOperationFailures",
    "warning",
    "15m",
    "A compactor's operations on its bucket fail.",
    0.05,
    "share of operations",
)
ALERTS = (
    *(PROMETHEUS_DOWN, *(alert for alert, _name in FAILED.values()), NO_UPLOAD),
    *(STORE_BUCKET, STORE_GRPC, HALTED, MULTIPLE, HAS_NOT_RUN, COMPACTIONS, COMPACT_BUCKET),
)

# Codes for which the gateway is to blame, not who asks (grpc/codes).
_GRPC = 'grpc_code=~"Unknown|Internal|Unavailable|DataLoss|DeadlineExceeded"'
_STORE, _COMPACT = of("thanos_store"), of("thanos_compact")


def _failing(matchers: str) -> str:
    """That operations on a bucket fail."""
    counter = f"thanos_objstore_bucket_operation_failures_total{{{matchers}}}"
    return f"sum without (bucket, operation) (rate({counter}[5m])) > 0"


def _uploading(scene: Scene) -> list[str]:
    """The components with a bucket of which some are watched."""
    return [
        component
        for component in UPLOADERS
        if any(cohort.instances[0].options["thanos_objstore_config"] for cohort in scene.watched(component))
    ]


def _uploads(scene: Scene) -> t.Iterator[RuleData | None]:
    if scene.watched("thanos_sidecar"):
        known = of("prometheus")
        yield scene.alert(
            PROMETHEUS_DOWN,
            f"last_over_time(thanos_sidecar_prometheus_up{{{of('thanos_sidecar')}}}[5m]) == 0\n"
            f"unless on ({_watch.MEMBER}) (\n  up{{{known}}} == 0\n"
            f"  or\n  prometheus_tsdb_data_replay_duration_seconds{{{known}}} == 0\n)",
            f"The sidecar on {MEMBER} does not reach its Prometheus",
        )
    uploading = _uploading(scene)
    for component in uploading:
        alert, name = FAILED[component]
        yield scene.alert(alert, _failing(of(component)), f"Operations of the {name} on {MEMBER} on its bucket fail")
    if uploading:
        yield scene.alert(
            NO_UPLOAD,
            "\nor\n".join(_not_uploading(scene, component) for component in uploading),
            f"{{{{ $labels.ha_component }}}} on {MEMBER} has uploaded nothing for {{{{ $value | humanizeDuration }}}}",
        )


def _not_uploading(scene: Scene, component: str) -> str:
    """No block was uploaded for long; of one that never did, since its start, when the gauge is 0."""
    own, limit = of(component), scene.threshold(NO_UPLOAD)
    last = f"max without (bucket) (thanos_objstore_bucket_last_successful_upload_time{{{own}}}) > 0"
    expr = f"time() - (\n  {last}\n  or\n  process_start_time_seconds{{{own}}}\n) > {limit}\n"
    if component == "thanos_receive":  # one to which nobody writes has nothing to upload
        written = f"sum without (tenant, type) (rate(prometheus_tsdb_head_samples_appended_total{{{own}}}[30m]"
        expr += f"and\n{written} offset {seconds(limit)})) > 0\nand\n{written})) > 0\n"
    if component == "thanos_sidecar":
        expr += f"unless\nthanos_sidecar_prometheus_up{{{own}}} == 0\n"
    return f"{expr}unless\n{_failing(own)}"


def seconds(number: str) -> str:
    """A threshold as a duration of PromQL, which has no fractions."""
    return f"{max(1, round(float(number)))}s"


def _gateways(scene: Scene) -> t.Iterator[RuleData | None]:
    failing = f"{bucket_failures('thanos_store')}\n> {scene.threshold(STORE_BUCKET)}"
    yield scene.alert(
        STORE_BUCKET, failing, f"The store gateway {MEMBER} fails with {PERCENT} of its operations on the bucket"
    )
    calls = f'grpc_server_handled_total{{{_STORE}, grpc_service="thanos.Store"'
    yield scene.alert(
        STORE_GRPC,
        share(f"{calls}, {_GRPC}}}", f"{calls}}}", "grpc_code", "grpc_method", "grpc_service", "grpc_type")
        + f"\n> {scene.threshold(STORE_GRPC)}\nunless (\n{failing}\n)",
        f"The store gateway {MEMBER} fails with {PERCENT} of what it is asked",
    )


def _compactors(scene: Scene) -> t.Iterator[RuleData | None]:
    halted = f"last_over_time(thanos_compact_halted{{{_COMPACT}}}[5m]) == 1"
    who = "The compactor {{ $labels.ha_group }}"
    yield scene.alert(HALTED, halted, f"{who} has halted on {MEMBER}")
    yield scene.alert(MULTIPLE, _somebody_else(), f"Somebody else compacts what {who[0].lower()}{who[1:]} compacts")
    limit = seconds(scene.threshold(HAS_NOT_RUN))
    done = f"thanos_compact_group_compaction_runs_completed_total{{{_COMPACT}}}"
    yield scene.alert(
        HAS_NOT_RUN,
        f"increase(thanos_compact_iterations_total{{{_COMPACT}}}[{limit}]) == 0\n"
        f"unless\nsum without (resolution) (increase({done}[{limit}])) > 0\n"
        f"and\ntime() - process_start_time_seconds{{{_COMPACT}}} > {limit[:-1]}\nunless\n{halted}",
        f"{who} on {MEMBER} has come to no end of anything for long",
    )
    failures = f"increase(thanos_compact_group_compactions_failures_total{{{_COMPACT}}}[1h])"
    yield scene.alert(
        COMPACTIONS,
        f"sum without (resolution) ({failures}) > {scene.threshold(COMPACTIONS)}\nunless\n{halted}",
        f"Compactions of {who[0].lower()}{who[1:]} fail again and again",
    )
    yield scene.alert(
        COMPACT_BUCKET,
        f"{bucket_failures('thanos_compact')}\n> {scene.threshold(COMPACT_BUCKET)}",
        f"{who} on {MEMBER} fails with {PERCENT} of its operations on the bucket",
    )


def _somebody_else() -> str:
    """What a compactor's own counters and its view of the bucket prove of another one (thanos pkg/compact/compact.go,
    pkg/block/block.go; seen with two processes on one bucket).

    It counts each source of a compaction as collected, and as marked only where nobody marked it before: more collected
    than marked are sources that somebody else marked. And blocks that become duplicates, since a larger one covers
    them, are sources of a compaction: more of these than it collected, in twice that time, are somebody else's. At
    its start, and after a sync that failed, its view begins anew.
    """
    collected = f"thanos_compact_garbage_collected_blocks_total{{{_COMPACT}}}"
    marked = f'thanos_compact_blocks_marked_total{{{_COMPACT}, marker="deletion-mark.json"}}'
    covered = f'thanos_blocks_meta_synced{{{_COMPACT}, state="duplicate"}}'
    return (
        f"(\n  increase({collected}[1h]) > sum without (marker, reason) (increase({marked}[1h]))\n  or\n"
        f"  sum without (state) ({covered} - min_over_time({covered}[1h])) > increase({collected}[2h])\n"
        f"  unless\n  increase(thanos_blocks_meta_sync_failures_total{{{_COMPACT}}}[2h]) > 0\n)\n"
        f"and\ntime() - process_start_time_seconds{{{_COMPACT}}} > {2 * 3600}"
    )


def groups(scene: Scene) -> t.Iterator[Group]:
    yield "thanos_uploads", list(_uploads(scene))
    if scene.watched("thanos_store"):
        yield "thanos_store", list(_gateways(scene))
    if scene.watched("thanos_compact"):
        yield "thanos_compact", list(_compactors(scene))
