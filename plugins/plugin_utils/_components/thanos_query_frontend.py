# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Query Frontend: splits and caches queries in front of the queriers."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Group, Kind

_CACHE = ("type", "config")

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_query_frontend", port=10913),
    Option(
        "thanos_query_frontend_external_url",
        "str",
        "The URL under which users reach the global view: a frontend, or a balancer before several.",
        shared=True,
    ),
    Option(
        "thanos_query_frontend_downstream_url",
        "str",
        "What is asked: a querier, or a balancer before several.",
        shown_default="the environment's queriers",
    ),
    Option(
        "thanos_query_frontend_cache_config",
        "dict",
        "The cache of range queries and label requests, as Thanos documents it: C({type, config}) with the type "
        "C(IN-MEMORY), C(MEMCACHED) or C(REDIS).",
        keys=_CACHE,
        secret=True,
    ),
    Option(
        "thanos_query_frontend_split_interval",
        "str",
        "Range queries are split into parts of this length.",
        default="24h",
    ),
    Option("thanos_query_frontend_max_retries", "int", "How often a failed part is asked again.", default=5),
)

KIND = Kind(
    name="thanos_query_frontend",
    title="Thanos Query Frontend",
    groups=(Group("thanos_query_frontend"),),
    cohort="frontends",
    cohort_variable=None,
    options=OPTIONS,
    borrowed=_thanos.SHARED,
)

COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=_thanos.query_links)
