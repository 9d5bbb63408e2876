# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Query Frontend: splits and caches queries in front of the queriers."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    _base,
    _thanos,
    thanos_query_balancer,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Group,
    Instance,
    Kind,
    Topology,
)

_CACHE = ("type", "config")

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_query_frontend", port=10913),
    Option(
        "thanos_query_frontend_external_url",
        "str",
        "The URL under which users reach the global view: a frontend, or a balancer before several.",
        shared=True,
    ),
    thanos_query_balancer.DOWNSTREAM,
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
    borrowed=(*_thanos.SHARED, *thanos_query_balancer.PLACE),
    release=_thanos.RELEASE,
    tier="thanos_query_frontend",
)


def render(instance: Instance, _topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A frontend's slice. :raises HAError: with the variable at fault."""
    cache = _thanos.cache(instance, "cache_config")
    folder = _thanos.folder(instance)
    files = [_thanos.yaml_file("cache.yml", cache, "thanos_query_frontend_cache_config")] if cache else []
    cache_file = f"{folder}/cache.yml" if cache else _thanos.LEFT_OUT
    retries = instance.opt("max_retries")
    rows = [
        _thanos.Row(
            "query-frontend.downstream-url",
            "downstream_url",
            instance.opt("downstream_url") or f"http://{thanos_query_balancer.target(instance)}",
        ),
        _thanos.Row("query-range.response-cache-config-file", "cache_config", cache_file),
        _thanos.Row("labels.response-cache-config-file", "cache_config", cache_file),
        _thanos.Row("query-range.split-interval", "split_interval", instance.opt("split_interval")),
        _thanos.Row("query-range.max-retries-per-request", "max_retries", retries),
        _thanos.Row("labels.max-retries-per-request", "max_retries", retries),
    ]
    return _thanos.rendered(instance, "query-frontend", rows, files, data_dirs=())


COMPONENT = _base.Component(
    kind=KIND, ports=_thanos.ports, links=_thanos.query_links, render=render, effects=_thanos.EFFECTS
)
