# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Query: one view over all Store APIs of an environment, with replicas deduplicated."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Kind,
    Link,
    Topology,
)

# What answers the Store API with samples. Routers keep none.
STORE_APIS = ("thanos_sidecar", "thanos_store", "thanos_rule", "thanos_receive")

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_query", port=10904, grpc_port=10903, web=True),
    Option(
        "thanos_query_endpoints",
        "list",
        "Store APIs outside the inventory that are queried too, as C(host:port).",
        elements="str",
        default=[],
    ),
    Option(
        "thanos_query_replica_labels",
        "list",
        "The labels along which series are deduplicated.",
        elements="str",
        shown_default="the replica labels of every Prometheus, ruler and receiver of the environment",
    ),
    Option(
        "thanos_query_deduplication_func",
        "str",
        "How series of replicas become one. V(penalty) suits replicas that scrape on their own; V(chain) suits copies "
        "of the same samples alone, as receivers keep them.",
        default="penalty",
        choices=("penalty", "chain"),
    ),
    Option("thanos_query_auto_downsampling", "bool", "Long ranges are answered from downsampled blocks.", default=True),
    Option(
        "thanos_query_partial_response",
        "bool",
        "Whether an answer is given where a Store API does not answer, unless the request says otherwise.",
        default=False,
    ),
    Option("thanos_query_timeout", "str", "The longest that a query may take.", default="2m"),
    Option(
        "thanos_query_lookback_delta",
        "str",
        "How far back a sample still counts as the current one.",
        shown_default="C(5m), Thanos' own",
    ),
)

KIND = Kind(
    name="thanos_query",
    title="Thanos Query",
    groups=(Group("thanos_query"),),
    cohort="queriers",
    cohort_variable=None,
    options=OPTIONS,
    borrowed=_thanos.SHARED,
)


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Queriers ask all that keeps samples."""
    outside = dict.fromkeys(endpoint for each in cohort.instances for endpoint in each.opt("endpoints"))
    return [
        *_thanos.store_api_links(cohort, topology, *STORE_APIS),
        *([Link(cohort, "queries", _thanos.OUTSIDE, tuple(outside))] if outside else []),
    ]


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links)
