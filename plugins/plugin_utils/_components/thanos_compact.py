# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Compact: compacts, downsamples and deletes a bucket's blocks. One for each block stream, never two."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _thanos_labels
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

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_compact", port=10912, data_dir="/var/lib/thanos/compact", web=True),
    Option(
        "thanos_compact_shard",
        "str",
        "The name of what this compactor compacts. Several compactors of a bucket have one each, and selectors that "
        "share the block streams out.",
        default="default",
        shared=True,
    ),
    Option("thanos_compact_retention_raw", "str", "How long raw samples are kept; V(0d) is for ever.", default="0d"),
    Option(
        "thanos_compact_retention_5m", "str", "How long samples of 5 minutes are kept; V(0d) is for ever.", default="0d"
    ),
    Option(
        "thanos_compact_retention_1h", "str", "How long samples of an hour are kept; V(0d) is for ever.", default="0d"
    ),
    Option("thanos_compact_downsampling", "bool", "Whether blocks are downsampled.", default=True),
    Option(
        "thanos_compact_delete_delay",
        "str",
        "How long a block stays in the bucket once it is marked for deletion.",
        default="48h",
        shared=True,
    ),
    Option(
        "thanos_compact_selector_relabel_configs",
        "list",
        "Relabelling that chooses block streams by their labels: C(keep), C(drop) and C(hashmod). Every stream of the "
        "bucket must be kept by exactly one compactor.",
        elements="dict",
        default=[],
        shared=True,
    ),
    Option(
        "thanos_compact_deduplication_replica_labels",
        "list",
        "The labels along which the blocks of replicas are merged into one, which can't be undone. None: they stay.",
        elements="str",
        default=[],
    ),
    Option(
        "thanos_compact_deduplication_func",
        "str",
        "How they are merged: V(penalty) suits replicas that scrape on their own, an empty value equal copies.",
        choices=("", "penalty"),
        shown_default="V(penalty) where O(thanos_compact_deduplication_replica_labels) names the replica label of a "
        "Prometheus or a ruler, else empty",
    ),
    Option(
        "thanos_compact_enable_vertical_compaction",
        "bool",
        "Blocks of one stream may overlap, and are merged, which can't be undone. On wherever replicas are merged.",
        default=False,
    ),
    Option("thanos_compact_concurrency", "int", "How many groups of blocks are compacted at a time.", default=1),
    Option("thanos_compact_consistency_delay", "str", "How old a block is before it is looked at.", default="30m"),
)

KIND = Kind(
    name="thanos_compact",
    title="Thanos Compact",
    groups=(Group("thanos_compact"),),
    cohort="compactor",
    cohort_variable="thanos_compact_shard",
    options=OPTIONS,
    borrowed=(*_thanos.SHARED, *_thanos.BUCKET, *_thanos.BUCKET_TOOLS),
    release=_thanos.RELEASE,
    tier="thanos_compact",
)


def vertical_compaction(instance: Instance) -> bool:
    """Whether overlapping blocks of a stream are merged; else the compactor halts at them.

    Thanos turns it on by itself where --deduplication.replica-label is given (compact.md).
    """
    return bool(instance.opt("enable_vertical_compaction") or instance.opt("deduplication_replica_labels"))


def links(cohort: Cohort, _topology: Topology) -> list[Link]:
    return _thanos.bucket_links(cohort, "compacts")


def deduplication_func(instance: Instance, topology: Topology) -> str:
    """How the blocks of replicas are merged: the given way, else penalty where some scrape on their own (T06)."""
    func: str | None = instance.opt("deduplication_func")
    if func is not None:
        return func
    merged = set(instance.opt("deduplication_replica_labels"))
    own = {
        producer.replica_label
        for producer in _thanos_labels.producers(topology)
        if producer.instance.environment == instance.environment and not producer.tenant_label
    }
    return "penalty" if merged & own else ""


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A compactor's slice. :raises HAError: with the variable at fault."""
    relabel = instance.opt("selector_relabel_configs")
    files = _thanos.objstore_files(instance)
    if relabel:
        files.append(_thanos.yaml_file("selector.yml", relabel, "thanos_compact_selector_relabel_configs"))
    merged = instance.opt("deduplication_replica_labels")
    func = deduplication_func(instance, topology)
    vertical = instance.opt("enable_vertical_compaction")
    rows = [
        _thanos.Row("data-dir", "data_dir", instance.opt("data_dir")),
        _thanos.objstore_row(instance),
        # Without it, one pass is made and the process ends.
        _thanos.Row("wait", "nothing, it is always on", None),
        _thanos.Row("retention.resolution-raw", "retention_raw", instance.opt("retention_raw")),
        _thanos.Row("retention.resolution-5m", "retention_5m", instance.opt("retention_5m")),
        _thanos.Row("retention.resolution-1h", "retention_1h", instance.opt("retention_1h")),
        _thanos.Row("delete-delay", "delete_delay", instance.opt("delete_delay")),
        _thanos.Row("consistency-delay", "consistency_delay", instance.opt("consistency_delay")),
        _thanos.Row("compact.concurrency", "concurrency", instance.opt("concurrency")),
        _thanos.Row("downsampling.disable", "downsampling", _thanos.LEFT_OUT if instance.opt("downsampling") else None),
        _thanos.Row("deduplication.replica-label", "deduplication_replica_labels", merged or _thanos.LEFT_OUT),
        _thanos.Row("deduplication.func", "deduplication_func", func or _thanos.LEFT_OUT),
        _thanos.Row(
            "compact.enable-vertical-compaction", "enable_vertical_compaction", None if vertical else _thanos.LEFT_OUT
        ),
        _thanos.Row(
            "selector.relabel-config-file",
            "selector_relabel_configs",
            f"{_thanos.folder(instance)}/selector.yml" if relabel else _thanos.LEFT_OUT,
        ),
        *_thanos.web_rows(instance),
    ]
    found = _thanos.rendered(instance, "compact", rows, files)
    # One that has halted does not end by itself (seen with 0.40.1); it may be killed at any time.
    found["service"]["unit_options"] = {"TimeoutStopSec": "30s", **found["service"]["unit_options"]}
    return found


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
