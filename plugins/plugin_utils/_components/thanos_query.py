# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Query: one view over all Store APIs of an environment, with replicas deduplicated."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _thanos_labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled, _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
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
        "Whether an answer is given where a Store API does not answer, with a warning in it, unless the request says "
        "otherwise. Without it every query fails while a replica is away, the other replica or not.",
        default=True,
    ),
    Option("thanos_query_timeout", "str", "The longest that a query may take.", default="2m", shared=True),
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
    release=_thanos.RELEASE,
    tier="thanos_query",
)


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Queriers ask all that keeps samples."""
    outside = dict.fromkeys(endpoint for each in cohort.instances for endpoint in each.opt("endpoints"))
    return [
        *_thanos.store_api_links(cohort, topology, *STORE_APIS),
        *([Link(cohort, "queries", _thanos.OUTSIDE, tuple(outside))] if outside else []),
    ]


def endpoints(querier: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """What endpoints.yml lists. :raises HAError: when an address or port is not usable.

    One that nobody stands in for is strict: while it is away, each answer says so. Another is left out then, since its
    equals answer for it (thanos docs/components/query.md, strict and non-strict endpoints). One that is about to move
    is listed at both places, of which one is away.
    """
    found: list[dict[str, t.Any]] = []
    for cohort in _modelled.of_environment(topology, querier.environment, *STORE_APIS):
        for member in cohort.instances:
            places = _thanos.grpc_endpoints(member, topology)
            strict = {"strict": True} if len(cohort.instances) == 1 and len(places) == 1 else {}
            found += [{"address": place, **strict} for place in places]
    return found + [{"address": str(each)} for each in querier.opt("endpoints")]


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A querier's slice. :raises HAError: with the variable at fault."""
    path = "endpoints.yml"
    asked = endpoints(instance, topology)
    file = _thanos.yaml_file(path, {"endpoints": asked}, "thanos_query_endpoints")
    rows = [
        _thanos.Row("endpoint.sd-config-file", "endpoints", f"{_thanos.folder(instance)}/{path}"),
        # 5m by default: so long a new sidecar would not be seen.
        _thanos.Row("endpoint.sd-config-reload-interval", "endpoints", "10s"),
        _thanos.Row("query.replica-label", "replica_labels", _thanos_labels.query_replica_labels(instance, topology)),
        _thanos.Row("deduplication.func", "deduplication_func", instance.opt("deduplication_func")),
        _thanos.Row("query.auto-downsampling", "auto_downsampling", instance.opt("auto_downsampling")),
        _thanos.Row("query.partial-response", "partial_response", instance.opt("partial_response")),
        _thanos.Row("query.timeout", "timeout", instance.opt("timeout")),
        _thanos.Row("query.lookback-delta", "lookback_delta", _thanos.given(instance.opt("lookback_delta"))),
        *_thanos.web_rows(instance),
    ]
    found = _thanos.rendered(instance, "query", rows, [file], data_dirs=(), api={"prefix": instance.prefix})
    return {**found, "expect": {"stores": [entry["address"] for entry in asked]}}


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
