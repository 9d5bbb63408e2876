# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Store: answers the Store API from a bucket's blocks."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
)

_TIME = "A time as in C(2026-01-31T00:00:00Z), or a duration back from now as in C(-12h)."

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_store", port=10906, grpc_port=10905, data_dir="/var/lib/thanos/store"),
    Option(
        "thanos_store_shard",
        "str",
        "Store gateways with the same value serve the same blocks and stand in for one another.",
        default="default",
        shared=True,
    ),
    Option("thanos_store_min_time", "str", f"Only blocks with samples after this are served. {_TIME}"),
    Option("thanos_store_max_time", "str", f"Only blocks with samples before this are served. {_TIME}", shared=True),
    Option(
        "thanos_store_selector_relabel_configs",
        "list",
        "Relabelling that chooses blocks by their labels, for shards: C(keep), C(drop) and C(hashmod).",
        elements="dict",
        default=[],
    ),
    Option(
        "thanos_store_ignore_deletion_marks_delay",
        "str",
        "How long a block that is marked for deletion is still served. Less than O(thanos_compact_delete_delay).",
        default="24h",
    ),
    Option(
        "thanos_store_index_cache_config",
        "dict",
        "The index cache, as Thanos documents it: C({type, config}) with the type C(IN-MEMORY), C(MEMCACHED) or "
        "C(REDIS).",
        keys=("type", "config", "enabled_items", "ttl"),
        secret=True,
    ),
    Option("thanos_store_index_cache_size", "str", "The size of the index cache in memory.", default="250MB"),
    Option("thanos_store_chunk_pool_size", "str", "The memory for chunks of all queries.", default="2GB"),
)

KIND = Kind(
    name="thanos_store",
    title="Thanos Store",
    groups=(Group("thanos_store"),),
    cohort="store shard",
    cohort_variable="thanos_store_shard",
    options=OPTIONS,
    borrowed=(*_thanos.SHARED, *_thanos.BUCKET, *_thanos.BUCKET_TOOLS),
    release=_thanos.RELEASE,
    tier="thanos_store",
)


def links(cohort: Cohort, _topology: Topology) -> list[Link]:
    return _thanos.bucket_links(cohort, "reads from")


def render(instance: Instance, _topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A store gateway's slice. :raises HAError: with the variable at fault."""
    cache = _thanos.cache(instance, "index_cache_config")
    relabel = instance.opt("selector_relabel_configs")
    folder = _thanos.folder(instance)
    files = _thanos.objstore_files(instance)
    if cache:
        files.append(_thanos.yaml_file("index-cache.yml", cache, "thanos_store_index_cache_config"))
    if relabel:
        files.append(_thanos.yaml_file("selector.yml", relabel, "thanos_store_selector_relabel_configs"))
    rows = [
        _thanos.Row("data-dir", "data_dir", instance.opt("data_dir")),
        _thanos.objstore_row(instance),
        _thanos.Row("min-time", "min_time", _thanos.given(instance.opt("min_time"))),
        _thanos.Row("max-time", "max_time", _thanos.given(instance.opt("max_time"))),
        _thanos.Row(
            "index-cache.config-file", "index_cache_config", f"{folder}/index-cache.yml" if cache else _thanos.LEFT_OUT
        ),
        _thanos.Row(
            "index-cache-size", "index_cache_size", _thanos.LEFT_OUT if cache else instance.opt("index_cache_size")
        ),
        _thanos.Row("chunk-pool-size", "chunk_pool_size", instance.opt("chunk_pool_size")),
        _thanos.Row(
            "selector.relabel-config-file",
            "selector_relabel_configs",
            f"{folder}/selector.yml" if relabel else _thanos.LEFT_OUT,
        ),
        _thanos.Row(
            "ignore-deletion-marks-delay", "ignore_deletion_marks_delay", instance.opt("ignore_deletion_marks_delay")
        ),
    ]
    return _thanos.rendered(instance, "store", rows, files)


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
