# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about queries through Thanos: what queriers see, and whether they and the frontends answer well."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    RuleData,
    Scene,
    of,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._thanos import (
    MEMBER,
    NO_QUERIER,
    PERCENT,
    STORE_APIS,
    of_any,
    share,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

STORES = Alert(
    "ThanosQueryStoreAPIsMissing",
    "warning",
    "5m",
    "A querier is connected to fewer Store APIs than the inventory has, those that are known to be down not counted.",
)
ERRORS = Alert(
    "ThanosQueryHttpRequestQueryErrorRateHigh",
    "critical",
    "5m",
    "A querier answers queries, instant ones or of a range, with errors of its own (5xx).",
    0.05,
    "share of queries",
)
OVERLOAD = Alert(
    "ThanosQueryOverload",
    "warning",
    "15m",
    "A querier has nearly as many queries at once as it takes (--query.max-concurrent); others wait.",
    0.9,
    "share of the queries it takes",
)
FRONTEND = Alert(
    "ThanosQueryFrontendErrorRateHigh",
    "critical",
    "5m",
    "A query frontend answers with errors (5xx), and the queriers behind it do not.",
    0.05,
    "share of requests",
)
ALERTS = (STORES, ERRORS, OVERLOAD, FRONTEND)

_QUERY, _FRONTEND = of("thanos_query"), of("thanos_query_frontend")
_LABELS = ("code", "handler", "method", "tenant")


def store_apis(querier: Instance, topology: Topology) -> int:
    """How many Store APIs a querier is connected to where all is well; a name in DNS may stand for any number."""
    inside = sum(one.environment == querier.environment for one in topology.of(*STORE_APIS))
    outside = {str(each) for each in querier.opt("endpoints")}
    return inside + sum(not each.startswith("dns") for each in outside)


def _stores(scene: Scene) -> t.Iterator[RuleData | None]:
    # A sidecar whose Prometheus does not answer is no Store API (thanos cmd/thanos/sidecar.go).
    away = f"up{{{of_any(*STORE_APIS)}}} == 0\n      or\n      thanos_sidecar_prometheus_up == 0"
    for cohort in scene.watched("thanos_query"):
        own = of("thanos_query", cohort)
        # Of a querier that has none there is no series.
        seen = (
            f"  sum without (external_labels, store_type) (thanos_store_nodes_grpc_connections{{{own}}})\n"
            f"  or\n  0 * (up{{{own}}} == 1)"
        )
        wanted = min(store_apis(each, scene.topology) for each in cohort.instances)
        yield scene.alert(
            STORES,
            f"(\n{seen}\n)\n< on () group_left ()\n({wanted} - (\n    count(\n      {away}\n    ) or vector(0)\n))",
            f"The querier {MEMBER} is connected to {{{{ $value }}}} of {wanted} Store APIs",
        )


def _rules(scene: Scene) -> t.Iterator[RuleData | None]:
    yield from _stores(scene)
    query = f'{_QUERY}, handler=~"query|query_range"'
    failing = share(f'http_requests_total{{{query}, code=~"5.."}}', f"http_requests_total{{{query}}}", *_LABELS)
    failing = f"{failing}\n> {scene.threshold(ERRORS)}"
    if scene.watched("thanos_query"):
        yield scene.alert(ERRORS, failing, f"The querier {MEMBER} fails with {PERCENT} of the queries")
        yield scene.alert(
            OVERLOAD,
            f"avg_over_time(thanos_query_concurrent_gate_queries_in_flight{{{_QUERY}}}[5m])\n/\n"
            f"thanos_query_concurrent_gate_queries_max{{{_QUERY}}}\n> {scene.threshold(OVERLOAD)}",
            f"The querier {MEMBER} is busy to {PERCENT} of the queries it takes",
        )
    if scene.watched("thanos_query_frontend"):
        asked = f'{_FRONTEND}, handler="query-frontend"'
        yield scene.alert(
            FRONTEND,
            share(f'http_requests_total{{{asked}, code=~"5.."}}', f"http_requests_total{{{asked}}}", *_LABELS)
            + f"\n> {scene.threshold(FRONTEND)}\nunless on () (\n{failing}\n)\nunless on () (\n{NO_QUERIER}\n)",
            f"The query frontend {MEMBER} fails with {PERCENT} of the requests",
        )


def groups(scene: Scene) -> t.Iterator[Group]:
    yield "thanos_queries", list(_rules(scene))
