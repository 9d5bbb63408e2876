# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus replica set: what each replica does, and where one differs from the others."""

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
    SET,
    UP,
    WHO,
    Members,
    choice,
    chosen,
    each,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import prometheus_health
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import of

_CHOSEN = chosen("prometheus", ha_group="replica_set", ha_shard="shard", ha_member="member")
# The others of a set count where a replica is compared with them.
_SETS = chosen("prometheus", ha_group="replica_set", ha_shard="shard")


_of, _rate = Members(_CHOSEN).says, Members(_CHOSEN).grows

_NEWEST = each(f"prometheus_tsdb_head_max_time_seconds{{{_SETS}}}")

_REPLICAS = (
    Row(
        "Replicas",
        (
            Panel(
                "Replicas",
                "state-timeline",
                "Who answered when. During a roll one replica of a set is down at a time.",
                (Query(_of("up"), WHO),),
                "none",
                good_from(1),
                UP,
                (prometheus_health.REPLICA_DOWN, prometheus_health.SET_DOWN),
            ),
            Panel(
                "Versions and starts",
                "table",
                "Replicas of a set run the same version, but for a roll. A young one restarted.",
                (
                    Query(
                        f"(time() - {_of('process_start_time_seconds')}) * on (ha_group, ha_member) group_right ()"
                        f" {each(f'prometheus_build_info{{{_CHOSEN}}}', 'version')}",
                        "runs since",
                        "s",
                    ),
                ),
            ),
            Panel(
                "Last reload that worked",
                "timeseries",
                "Age of what each replica has loaded. Lines of a set fall together; one that does not was not "
                "reloaded, or refused.",
                (Query(f"time() - {_of('prometheus_config_last_reload_success_timestamp_seconds')}", WHO),),
                "s",
                alerts=(prometheus_health.BAD_CONFIG,),
            ),
        ),
    ),
    Row(
        "",
        (
            Panel(
                "Lag behind the others",
                "timeseries",
                "How much older a replica's newest sample is than that of the foremost one of its set.",
                (
                    Query(
                        f"max {SET} ({_NEWEST}) - on (ha_group) group_right ()"
                        f" {_of('prometheus_tsdb_head_max_time_seconds')}",
                        WHO,
                    ),
                ),
                "s",
                bad_from(prometheus_health.LAG.threshold or 0),
                alerts=(prometheus_health.LAG,),
            ),
            Panel(
                "Age of the newest sample",
                "timeseries",
                "About a scrape interval. Where all replicas of a set rise together, nothing is ingested.",
                (Query(f"time() - {_of('prometheus_tsdb_head_max_time_seconds')}", WHO),),
                "s",
                bad_from(prometheus_health.NOT_INGESTING.threshold or 0),
                alerts=(prometheus_health.NOT_INGESTING,),
            ),
            Panel(
                "Configuration generation",
                "timeseries",
                "Replicas that have each generation, as far as this data source sees them: a Prometheus sees itself. "
                "During a roll they move from one hash to the next.",
                (Query("count by (sha256) (ha_config_generation)", "{{sha256}}"),),
                "none",
            ),
        ),
    ),
)

_SCRAPING = (
    Row(
        "Scraping",
        (
            Panel(
                "Targets",
                "timeseries",
                "Targets of all jobs. Replicas of a set have the same number; where one has fewer, its discovery "
                "differs.",
                (
                    Query(
                        each(f"sum without (scrape_job) (prometheus_target_scrape_pool_targets{{{_CHOSEN}}})"),
                        WHO,
                    ),
                ),
            ),
            Panel(
                "Samples ingested",
                "timeseries",
                "Samples a second. Replicas of a set are about equal.",
                (Query(_rate("prometheus_tsdb_head_samples_appended_total", over="type"), WHO),),
                "cps",
                alerts=(prometheus_health.NOT_INGESTING,),
            ),
            Panel(
                "Samples and scrapes refused",
                "timeseries",
                "Should be none. Duplicates and samples out of order come from two targets with the same labels; "
                "limits refuse a scrape as a whole.",
                (
                    Query(_rate("prometheus_target_scrapes_sample_out_of_order_total"), f"{WHO} out of order"),
                    Query(_rate("prometheus_target_scrapes_sample_duplicate_timestamp_total"), f"{WHO} duplicate"),
                    Query(_rate("prometheus_target_scrapes_sample_out_of_bounds_total"), f"{WHO} out of bounds"),
                    Query(_rate("prometheus_target_scrapes_exceeded_sample_limit_total"), f"{WHO} over sample_limit"),
                ),
                "cps",
            ),
        ),
    ),
)

_FAILURES = {
    "prometheus_tsdb_wal_writes_failed_total": "WAL writes",
    "prometheus_tsdb_checkpoint_creations_failed_total": "checkpoints",
    "prometheus_tsdb_compactions_failed_total": "compactions",
    "prometheus_tsdb_head_truncations_failed_total": "truncations",
}
_STORAGE = (
    Row(
        "Storage",
        (
            Panel(
                "Head series",
                "timeseries",
                "Series in memory. A jump is a label with too many values, a job that is new, or a roll of what is "
                "scraped.",
                (Query(_of("prometheus_tsdb_head_series"), WHO),),
            ),
            Panel(
                "Series created",
                "timeseries",
                "New series a second. Steady churn costs memory; every restart of a replica shows, too.",
                (Query(_rate("prometheus_tsdb_head_series_created_total"), WHO),),
                "cps",
            ),
            Panel(
                "Size on disk",
                "timeseries",
                "Blocks, and the write-ahead log. A log that grows over hours is one whose checkpoint fails.",
                (
                    Query(_of("prometheus_tsdb_storage_blocks_bytes"), f"{WHO} blocks"),
                    Query(_of("prometheus_tsdb_wal_storage_size_bytes"), f"{WHO} WAL"),
                ),
                "bytes",
                alerts=(prometheus_health.CHECKPOINT,),
            ),
            Panel(
                "Storage failures",
                "timeseries",
                "In the last hour; should be none. Corruptions count once a start.",
                (
                    *(
                        Query(each(f"increase({metric}{{{_CHOSEN}}}[1h])"), f"{WHO} {what}")
                        for metric, what in _FAILURES.items()
                    ),
                    Query(_of("prometheus_tsdb_wal_corruptions_total"), f"{WHO} WAL corruptions"),
                ),
                "none",
                alerts=(prometheus_health.WAL, prometheus_health.CHECKPOINT),
            ),
        ),
    ),
)

_RULES = (
    Row(
        "Rules",
        (
            Panel(
                "Rules loaded",
                "timeseries",
                "Replicas of a set have the same number, but during a roll.",
                (Query(each(f"sum without (rule_group) (prometheus_rule_group_rules{{{_CHOSEN}}})"), WHO),),
            ),
            Panel(
                "Slowest group against its interval",
                "timeseries",
                "The share of its interval that a rule group takes. From 1 on it misses evaluations.",
                (
                    Query(
                        each(
                            f"prometheus_rule_group_last_duration_seconds{{{_CHOSEN}}}"
                            f" / prometheus_rule_group_interval_seconds{{{_CHOSEN}}}"
                        ),
                        WHO,
                    ),
                ),
                "percentunit",
                bad_from(1),
            ),
            Panel(
                "Failed and missed evaluations",
                "timeseries",
                "Should be none. A rule that fails is named in the replica's log and on its page of rules.",
                (
                    Query(_rate("prometheus_rule_evaluation_failures_total", over="rule_group"), f"{WHO} failed"),
                    Query(_rate("prometheus_rule_group_iterations_missed_total", over="rule_group"), f"{WHO} missed"),
                ),
                "cps",
            ),
        ),
    ),
)

_ALERTING = (
    Row(
        "Alerts to Alertmanager",
        (
            Panel(
                "Alertmanagers known",
                "timeseries",
                "As many as the meshes of the set have members. Each replica sends to all of them.",
                (Query(_of("prometheus_notifications_alertmanagers_discovered"), WHO),),
                "none",
                alerts=(prometheus_health.NOT_CONNECTED,),
            ),
            Panel(
                "Notification queue",
                "timeseries",
                "The share of the queue that is full. What does not fit is dropped.",
                (
                    Query(
                        f"{_of('prometheus_notifications_queue_length')}"
                        f" / {_of('prometheus_notifications_queue_capacity')}",
                        WHO,
                    ),
                ),
                "percentunit",
                bad_from(0.5, DOUBTFUL),
            ),
            Panel(
                "Alerts that fail or are dropped",
                "timeseries",
                "Should be none. Where one Alertmanager fails and the others get the alerts, nothing is lost.",
                (
                    Query(
                        _rate("prometheus_notifications_errors_total", "alertmanager"),
                        f"{WHO} to {{{{alertmanager}}}}",
                    ),
                    Query(_rate("prometheus_notifications_dropped_total", over="alertmanager"), f"{WHO} dropped"),
                ),
                "cps",
                alerts=(prometheus_health.SENDING, prometheus_health.SENDING_TO_ANY),
            ),
        ),
    ),
)

_REMOTE = (
    Row(
        "Remote write",
        (
            Panel(
                "Age of the newest sample sent",
                "timeseries",
                "About a scrape interval. A line that rises is a queue that does not keep up, or a receiver that is "
                "down.",
                (
                    Query(
                        "time() - "
                        + each(
                            f"prometheus_remote_storage_queue_highest_sent_timestamp_seconds{{{_CHOSEN}}}",
                            "remote_name",
                        ),
                        f"{WHO} to {{{{remote_name}}}}",
                    ),
                ),
                "s",
                bad_from(prometheus_health.REMOTE_WRITE.threshold or 0),
                alerts=(prometheus_health.REMOTE_WRITE,),
            ),
            Panel(
                "Samples pending and failed",
                "timeseries",
                "Pending ones wait in the queue; failed ones are lost to the receiver.",
                (
                    Query(
                        each(f"prometheus_remote_storage_samples_pending{{{_CHOSEN}}}", "remote_name"),
                        f"{WHO} to {{{{remote_name}}}} pending",
                    ),
                    Query(
                        each(
                            f"increase(prometheus_remote_storage_samples_failed_total{{{_CHOSEN}}}{RATE})",
                            "remote_name",
                        ),
                        f"{WHO} to {{{{remote_name}}}} failed",
                    ),
                ),
            ),
            Panel(
                "Shards against their maximum",
                "timeseries",
                "The share of the shards that a queue may have. At 1 it can't become faster.",
                (
                    Query(
                        each(
                            f"prometheus_remote_storage_shards{{{_CHOSEN}}}"
                            f" / prometheus_remote_storage_shards_max{{{_CHOSEN}}}",
                            "remote_name",
                        ),
                        f"{WHO} to {{{{remote_name}}}}",
                    ),
                ),
                "percentunit",
                bad_from(1, DOUBTFUL),
            ),
        ),
    ),
)

_PROCESS = (
    Row(
        "Process",
        (
            Panel(
                "Memory",
                "timeseries",
                "Resident memory. It follows the head series, with peaks at compaction and large queries.",
                (Query(_of("process_resident_memory_bytes"), WHO),),
                "bytes",
            ),
            Panel(
                "CPU",
                "timeseries",
                "Processors in use. Replicas of a set need about the same, whom people ask excepted.",
                (Query(_rate("process_cpu_seconds_total"), WHO),),
            ),
            Panel(
                "Open files",
                "timeseries",
                "The share of the limit. At 1 scrapes, queries and blocks fail.",
                (Query(f"{_of('process_open_fds')} / {_of('process_max_fds')}", WHO),),
                "percentunit",
                bad_from(0.8),
            ),
            Panel(
                "Queries at once",
                "timeseries",
                "The share of --query.max-concurrency. At 1 queries and rules wait for each other.",
                (
                    Query(
                        f"{_of('prometheus_engine_queries')} / {_of('prometheus_engine_queries_concurrent_max')}", WHO
                    ),
                ),
                "percentunit",
                bad_from(1, DOUBTFUL),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-prometheus",
    "HA Prometheus replica set",
    "What each replica of a set does. Replicas of a set do the same, so lines that part are what to look for.",
    (
        choice("replica_set", "Replica set", "ha_group", of("prometheus")),
        choice("shard", "Shard", "ha_shard", chosen("prometheus", ha_group="replica_set")),
        choice("member", "Replica", "ha_member", _SETS),
    ),
    (*_REPLICAS, *_SCRAPING, *_STORAGE, *_RULES, *_ALERTING, *_REMOTE, *_PROCESS),
)
