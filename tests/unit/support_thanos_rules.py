# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of the rules about Thanos: a stack with all of its components, and what is scraped of it."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.tests.unit import support_rules
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    contents,
    good,
    slice_of,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import Series, series
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import of, pair

# By component, its members, their HTTP port, and the group that they are labelled with.
MEMBERS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "thanos_sidecar": (("eu-1", "eu-2"), 10902, "eu"),
    "thanos_query": (("q-1", "q-2"), 10904, ""),
    "thanos_query_frontend": (("f-1", "f-2"), 10913, ""),
    "thanos_store": (("s-1", "s-2"), 10906, "default"),
    "thanos_compact": (("c-1",), 10912, "default"),
    "thanos_rule": (("r-1", "r-2"), 10911, "default"),
    "thanos_receive": (("i-1", "i-2", "i-3"), 10909, "default"),
    "thanos_receive_router": (("w-1", "w-2"), 10915, ""),
}
# What a process that runs for long has as its start, in promtool's time.
LONG_AGO = "-90000x60"
BUCKET = {"bucket": "blocks"}


def thanos_stack(**values: t.Any) -> dict[str, str]:
    """The files of a replica, by path, that watches all of Thanos: a set with sidecars, and a mesh of three."""
    packages = {"prometheus_rule_packages": ["ha_stack"], **values}
    eu = pair("eu-1", "eu-2", prometheus_replica_set="eu", prometheus_external_labels={"region": "eu"}, **packages)
    tier = [of(name.removeprefix("thanos_"), *names) for name, (names, _port, _group) in MEMBERS.items()]
    return contents(slice_of(good(eu, *tier[1:], alertmanager("am-1", "am-2", "am-3")), "eu-1"))


def labels(component: str, member: str, **more: str) -> dict[str, str]:
    """The labels of a member's series, as the target files give them."""
    _names, port, group = MEMBERS[component]
    found = {"job": f"ha-{component.replace('_', '-')}", "instance": f"{member}.example:{port}"}
    found |= {"ha_component": component, **({"ha_group": group} if group else {}), "ha_member": member}
    return {**found, **more}


def each(component: str, name: str, values: str, *members: str, **more: str) -> Series:
    """A series of a component's members, by default of all."""
    names = members or MEMBERS[component][0]
    return {series(name, labels(component, member, **more)): values for member in names}


def of_prometheus() -> Series:
    """What is scraped of the set, as far as it matters here."""
    values = {
        "up": "1x60",
        "prometheus_tsdb_head_max_time_seconds": "0+30x60",
        "prometheus_tsdb_data_replay_duration_seconds": "2x60",
    }
    members = [support_rules.labels(name) for name in ("eu-1", "eu-2")]
    return {series(name, member): text for name, text in values.items() for member in members}


def healthy() -> Series:
    """What is scraped of a stack in which all is well: half an hour of it."""
    found = of_prometheus()
    for component in MEMBERS:
        found |= each(component, "up", "1x60")
        found |= each(component, "process_start_time_seconds", LONG_AGO)
    for component in ("thanos_sidecar", "thanos_rule", "thanos_receive", "thanos_store", "thanos_compact"):
        for metric, values in {"operations_total": "0+30x60", "operation_failures_total": "0x60"}.items():
            found |= each(component, f"thanos_objstore_bucket_{metric}", values, operation="upload", **BUCKET)
    for component in ("thanos_sidecar", "thanos_rule", "thanos_receive"):
        found |= each(component, "thanos_objstore_bucket_last_successful_upload_time", "0+30x60", **BUCKET)
    return {**found, **_of_queries(), **_of_compaction(), **_of_rules(), **_of_writes()}


def _of_queries() -> Series:
    found = each("thanos_sidecar", "thanos_sidecar_prometheus_up", "1x60")
    for store_type, count in {"sidecar": 2, "store": 2, "rule": 2, "receive": 3}.items():
        who = {"external_labels": f"of {store_type}", "store_type": store_type}
        found |= each("thanos_query", "thanos_store_nodes_grpc_connections", f"{count}x60", **who)
    found |= each("thanos_query", "thanos_query_concurrent_gate_queries_in_flight", "10x60")
    found |= each("thanos_query", "thanos_query_concurrent_gate_queries_max", "20x60")
    for handler in ("query", "query_range"):
        found |= answered("thanos_query", handler, "200", "0+30x60")
    found |= answered("thanos_query_frontend", "query-frontend", "200", "0+30x60")
    for code in ("OK", "Unknown"):
        found |= asked(code, "0+30x60" if code == "OK" else "0x60")
    return found


def answered(component: str, handler: str, code: str, values: str, *members: str) -> Series:
    who = {"handler": handler, "code": code, "method": "post", "tenant": "default-tenant"}
    return each(component, "http_requests_total", values, *members, **who)


def asked(code: str, values: str, *members: str) -> Series:
    """Calls of the store gateways."""
    what = {"grpc_service": "thanos.Store", "grpc_method": "Series", "grpc_type": "server_stream", "grpc_code": code}
    return each("thanos_store", "grpc_server_handled_total", values, *members, **what)


def compacts(name: str, values: str, **more: str) -> Series:
    return each("thanos_compact", name, values, **more)


MARKED = {"marker": "deletion-mark.json", "reason": ""}
COVERED = {"state": "duplicate"}


def _of_compaction() -> Series:
    """Four blocks are compacted in the tenth minute, and are seen to be covered in the fifteenth."""
    return {
        **compacts("thanos_compact_halted", "0x60"),
        **compacts("thanos_compact_iterations_total", "0+1x60"),
        **compacts("thanos_compact_group_compaction_runs_completed_total", "0+1x60", resolution="0"),
        **compacts("thanos_compact_group_compactions_failures_total", "0x60", resolution="0"),
        **compacts("thanos_compact_garbage_collected_blocks_total", "20x20 24x40"),
        **compacts("thanos_compact_blocks_marked_total", "25x20 29x40", **MARKED),
        **compacts("thanos_blocks_meta_synced", "8x30 12x30", **COVERED),
        **compacts("thanos_blocks_meta_sync_failures_total", "0x60"),
    }


def _of_rules() -> Series:
    group = {"rule_group": "a", "strategy": "abort"}
    return {
        **each("thanos_rule", "thanos_alert_sender_alerts_dropped_total", "0x60"),
        **each("thanos_rule", "thanos_alert_queue_alerts_dropped_total", "0x60"),
        **each("thanos_rule", "thanos_rule_loaded_rules", "7x60", file="a.yml", group="a", strategy="ABORT"),
        **each("thanos_rule", "thanos_rule_config_last_reload_successful", "1x60"),
        **each("thanos_rule", "prometheus_rule_evaluations_total", "0+30x60", **group),
        **each("thanos_rule", "prometheus_rule_evaluation_failures_total", "0x60", **group),
    }


def _of_writes() -> Series:
    found = answered("thanos_receive_router", "receive", "200", "0+30x60")
    found |= each("thanos_receive_router", "thanos_receive_config_hash", "1000x60")
    found |= each("thanos_receive_router", "thanos_receive_config_last_reload_successful", "1x60")
    found |= each("thanos_receive_router", "thanos_receive_replication_factor", "3x60")
    found |= each("thanos_receive_router", "thanos_receive_replications_total", "0+90x60", result="success")
    found |= each("thanos_receive_router", "thanos_receive_replications_total", "0x60", result="error")
    # As they are where routers do the routing.
    found |= each("thanos_receive", "thanos_receive_replication_factor", "1x60")
    for result in ("success", "error"):
        found |= each("thanos_receive", "thanos_receive_replications_total", "0x60", result=result)
    appended = "prometheus_tsdb_head_samples_appended_total"
    return {**found, **each("thanos_receive", appended, "0+30x60", tenant="default-tenant", type="float")}
