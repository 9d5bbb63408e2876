# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos' bucket and blocks: who uploads, what the store gateways serve, and what the compactor does."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    DOUBTFUL,
    Dashboard,
    Panel,
    Query,
    Row,
    bad_from,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    RATE,
    WHO,
    each,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._thanos import (
    WHAT,
    answering,
    chosen_of,
    every,
    members,
    process,
    variable,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import (
    _thanos_bucket,
    _thanos_members,
)

_COMPONENTS = ("thanos_sidecar", "thanos_store", "thanos_compact")
_UPLOADERS = ("thanos_sidecar", "thanos_rule", "thanos_receive")
_WITH_BUCKET = (*_UPLOADERS, "thanos_store", "thanos_compact")
_STORES, _COMPACTORS = members("thanos_store"), members("thanos_compact")
_UPLOADS, _BUCKET = chosen_of(*_UPLOADERS), chosen_of(*_WITH_BUCKET)
_DOWN = _thanos_members.DOWN

_UPLOADED = (
    Row(
        "Uploads",
        (
            Panel(
                "Age of the last upload",
                "timeseries",
                "Of one that has uploaded nothing yet, the time since its start. Blocks come every two hours.",
                (
                    Query(
                        "time() - "
                        + every(
                            f"thanos_objstore_bucket_last_successful_upload_time{{{_UPLOADS}}} > 0 or"
                            f" process_start_time_seconds{{{_UPLOADS}}}"
                        ),
                        WHAT,
                    ),
                ),
                "s",
                bad_from(_thanos_bucket.NO_UPLOAD.threshold or 0),
                alerts=(_thanos_bucket.NO_UPLOAD,),
            ),
            Panel(
                "Blocks uploaded and failed",
                "timeseries",
                "Within a rate's window. What failed is tried again within a minute.",
                (
                    Query(
                        every(f"sum without (tenant) (increase(thanos_shipper_uploads_total{{{_UPLOADS}}}{RATE}))"),
                        f"{WHAT} uploaded",
                    ),
                    Query(
                        every(
                            f"sum without (tenant) (increase(thanos_shipper_upload_failures_total{{{_UPLOADS}}}{RATE}))"
                        ),
                        f"{WHAT} failed",
                    ),
                ),
            ),
            Panel(
                "Sidecars that reach their Prometheus",
                "state-timeline",
                "A sidecar that does not answers no queries, and uploads on.",
                (Query(members("thanos_sidecar").says("thanos_sidecar_prometheus_up"), WHO),),
                "none",
                good_from(1),
                {0: "does not", 1: "reaches it"},
                (_thanos_bucket.PROMETHEUS_DOWN,),
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Operations on the bucket",
                "timeseries",
                "A second, of all that have one.",
                (
                    Query(
                        every(
                            "sum without (bucket, operation)"
                            f" (rate(thanos_objstore_bucket_operations_total{{{_BUCKET}}}{RATE}))"
                        ),
                        WHAT,
                    ),
                ),
                "ops",
            ),
            Panel(
                "Operations that fail",
                "timeseries",
                "A second, by operation. Should be none. Where all fail, it is the object store or the way to it.",
                (
                    Query(
                        every(
                            "sum without (bucket)"
                            f" (rate(thanos_objstore_bucket_operation_failures_total{{{_BUCKET}}}{RATE}))",
                            "operation",
                        ),
                        f"{WHAT} {{{{operation}}}}",
                    ),
                ),
                "ops",
                alerts=(
                    *(alert for alert, _name in _thanos_bucket.FAILED.values()),
                    _thanos_bucket.STORE_BUCKET,
                    _thanos_bucket.COMPACT_BUCKET,
                ),
            ),
        ),
    ),
)

_CALLS = "sum without (grpc_method, grpc_service, grpc_type) (rate(grpc_server_handled_total"
_SERVED = (
    Row(
        "Store gateways",
        (
            Panel(
                "Blocks loaded",
                "timeseries",
                "Gateways of one shard have the same number.",
                (Query(_STORES.says("thanos_bucket_store_blocks_loaded"), WHO),),
                "none",
            ),
            Panel(
                "Blocks that don't load",
                "timeseries",
                "Loads and drops of blocks that failed, a second. Should be none.",
                (
                    Query(_STORES.grows("thanos_bucket_store_block_load_failures_total"), f"{WHO} load"),
                    Query(_STORES.grows("thanos_bucket_store_block_drop_failures_total"), f"{WHO} drop"),
                ),
                "cps",
            ),
            Panel(
                "Calls by result",
                "timeseries",
                "Calls of the Store API a second. Anything but OK and Canceled is a query that lacks data or fails.",
                (
                    Query(
                        each(f'{_CALLS}{{{_STORES.matchers}, grpc_service="thanos.Store"}}{RATE}))', "grpc_code")
                        + " > 0",
                        f"{WHO} {{{{grpc_code}}}}",
                    ),
                ),
                "cps",
                alerts=(_thanos_bucket.STORE_GRPC,),
            ),
            Panel(
                "Series calls at once",
                "timeseries",
                "The share of --store.grpc.series-max-concurrency. At 1 queries wait for one another.",
                (
                    Query(
                        f"{_STORES.says('thanos_bucket_store_series_gate_queries_in_flight')}"
                        f" / {_STORES.says('thanos_bucket_store_series_gate_queries_max')}",
                        WHO,
                    ),
                ),
                "percentunit",
                bad_from(1, DOUBTFUL),
            ),
        ),
    ),
)

_COMPACTED = (
    Row(
        "Compactors",
        (
            Panel(
                "Halted",
                "state-timeline",
                "A compactor halts at blocks that must not be merged, and stands still until it is restarted.",
                (Query(_COMPACTORS.says("thanos_compact_halted"), WHO),),
                "none",
                bad_from(1),
                {0: "works", 1: "halted"},
                (_thanos_bucket.HALTED, _thanos_bucket.HAS_NOT_RUN),
            ),
            Panel(
                "Still to do",
                "timeseries",
                "Compactions, blocks to downsample and blocks to delete. What grows for days is a compactor that is "
                "too slow, or stands.",
                (
                    Query(_COMPACTORS.says("thanos_compact_todo_compactions"), f"{WHO} compactions"),
                    Query(_COMPACTORS.says("thanos_compact_todo_downsample_blocks"), f"{WHO} to downsample"),
                    Query(_COMPACTORS.says("thanos_compact_todo_deletion_blocks"), f"{WHO} to delete"),
                ),
                "none",
                alerts=(_thanos_bucket.HAS_NOT_RUN,),
            ),
            Panel(
                "Compactions",
                "timeseries",
                "Done and failed, by resolution, within a rate's window.",
                (
                    Query(
                        each(
                            f"increase(thanos_compact_group_compactions_total{{{_COMPACTORS.matchers}}}{RATE})",
                            "resolution",
                        ),
                        f"{WHO} {{{{resolution}}}} done",
                    ),
                    Query(
                        each(
                            "increase(thanos_compact_group_compactions_failures_total"
                            f"{{{_COMPACTORS.matchers}}}{RATE})",
                            "resolution",
                        ),
                        f"{WHO} {{{{resolution}}}} failed",
                    ),
                ),
                "none",
                alerts=(_thanos_bucket.COMPACTIONS,),
            ),
            Panel(
                "Downsampling",
                "timeseries",
                "Blocks downsampled and failed, by the resolution of their source.",
                (
                    Query(
                        _COMPACTORS.grows("thanos_compact_downsample_total", "resolution"),
                        f"{WHO} {{{{resolution}}}} done",
                    ),
                    Query(
                        _COMPACTORS.grows("thanos_compact_downsample_failures_total", "resolution"),
                        f"{WHO} {{{{resolution}}}} failed",
                    ),
                ),
                "cps",
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Blocks as the compactor sees them",
                "timeseries",
                "By state. Duplicates are covered by a larger block; they go once their mark is old enough.",
                (Query(f"{_COMPACTORS.says('thanos_blocks_meta_synced', 'state')} > 0", f"{WHO} {{{{state}}}}"),),
                "none",
                alerts=(_thanos_bucket.MULTIPLE,),
            ),
            Panel(
                "Somebody else's traces",
                "timeseries",
                "Blocks since its start. More collected than marked, or duplicates that grow while neither does, are "
                "another compactor's work.",
                (
                    Query(_COMPACTORS.says("thanos_compact_garbage_collected_blocks_total"), f"{WHO} collected"),
                    Query(
                        each(
                            "sum without (marker, reason) (thanos_compact_blocks_marked_total"
                            f'{{{_COMPACTORS.matchers}, marker="deletion-mark.json"}})'
                        ),
                        f"{WHO} marked",
                    ),
                    Query(
                        each(
                            "sum without (state) (thanos_blocks_meta_synced"
                            f'{{{_COMPACTORS.matchers}, state="duplicate"}})'
                        ),
                        f"{WHO} duplicates",
                    ),
                ),
                "none",
                alerts=(_thanos_bucket.MULTIPLE,),
            ),
            Panel(
                "Blocks deleted",
                "timeseries",
                "Within a rate's window, and how many could not be deleted.",
                (
                    Query(
                        each(f"increase(thanos_compact_blocks_cleaned_total{{{_COMPACTORS.matchers}}}{RATE})"),
                        f"{WHO} deleted",
                    ),
                    Query(
                        each(f"increase(thanos_compact_block_cleanup_failures_total{{{_COMPACTORS.matchers}}}{RATE})"),
                        f"{WHO} failed",
                    ),
                ),
                "none",
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-thanos-blocks",
    "HA Thanos bucket and blocks",
    "The way of blocks: into the bucket, through the compactor, and out of it by the store gateways.",
    variable(*_WITH_BUCKET),
    (
        answering(
            "Who answered when. The compactor stands still while the tier is rolled.",
            tuple(_DOWN[name][0] for name in _COMPONENTS),
            *_COMPONENTS,
        ),
        *_UPLOADED,
        *_SERVED,
        *_COMPACTED,
        process(*_COMPONENTS),
    ),
)
