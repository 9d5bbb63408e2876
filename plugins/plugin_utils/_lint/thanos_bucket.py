# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what is kept in buckets: how long, and who serves which time of it."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _bucket_blocks
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _buckets
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._buckets import Bucket
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components.thanos_sidecar import prometheus_of
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import HOUR, MINUTE, SECOND, shown
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.thanos_sidecar import duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

# As the bucket tools, which delete by hand, refuse it, too.
_LEAST = {f"retention_{name}": int(least) * SECOND for name, least in _bucket_blocks.LEAST.items()}
# A block of 2h is cut at 3h of samples (prometheus docs/storage.md), and a store gateway looks for new ones every 15m
# (thanos docs/components/store.md, --sync-block-duration).
_UPLOADED_AFTER = 3 * HOUR + 15 * MINUTE


@rule(
    "T08",
    "error",
    "A compactor that downsamples keeps raw samples for at least 40h and those of 5 minutes for at least 10d.",
    prevents="Samples that are deleted before they are downsampled, so that nothing is left of them.",
    source="thanos docs/components/compact.md, downsampling and retention",
)
def t08_kept_until_downsampled(subject: Subject) -> t.Iterator[Problem]:
    for compactor in subject.topology.of("thanos_compact"):
        if not compactor.opt("downsampling"):
            continue
        for name, least in _LEAST.items():
            kept = duration(compactor.opt(name))
            # 0 is for ever.
            if kept and kept < least:
                what = f"they are kept for {compactor.opt(name)}, and downsampled after {shown(least)}."
                do = f"write {shown(least)} or more, or 0d for ever."
                yield Problem(compactor.where(name), what, do)


@rule(
    "T09",
    "error",
    "A store gateway lets go of a block that is marked for deletion before the compactor deletes it.",
    prevents="Queries that fail with 404s of the object store.",
    source="thanos docs/components/store.md, --ignore-deletion-marks-delay; docs/components/compact.md, --delete-delay",
)
def t09_let_go_before_deletion(subject: Subject) -> t.Iterator[Problem]:
    soonest: dict[Bucket, tuple[int, Instance]] = {}
    for bucket, compactors in _thanos.of_bucket(subject.topology, "thanos_compact").items():
        delays = [(duration(each.opt("delete_delay")), number) for number, each in enumerate(compactors)]
        known = [(delay, number) for delay, number in delays if delay is not None]
        if known:
            delay, number = min(known)
            soonest[bucket] = (delay, compactors[number])
    for bucket, stores in _thanos.of_bucket(subject.topology, "thanos_store").items():
        for store in stores if bucket in soonest else []:
            delay, compactor = soonest[bucket]
            held = duration(store.opt("ignore_deletion_marks_delay"))
            if held is not None and held >= delay:
                yield Problem(
                    store.where("ignore_deletion_marks_delay"),
                    f"a block is served for {shown(held)} after it was marked, and {compactor.name} deletes it after "
                    f"{shown(delay)}.",
                    "write less than thanos_compact_delete_delay: half of it is usual.",
                )


@rule(
    "T10",
    "warning",
    "The time that a sidecar serves overlaps with the time that the store gateways of its bucket serve.",
    prevents="A gap in every graph, that wanders with the time.",
    source="thanos docs/components/store.md, time based partitioning",
)
def t10_no_seam(subject: Subject) -> t.Iterator[Problem]:
    newest = {
        bucket: ends
        for bucket, stores in _thanos.of_bucket(subject.topology, "thanos_store").items()
        if (ends := _newest(stores)) is not None
    }
    for sidecar in subject.topology.of("thanos_sidecar"):
        bucket = _thanos.usable_bucket(sidecar)
        if bucket is None or bucket not in newest:
            continue
        end, end_words = newest[bucket]
        retention = prometheus_of(sidecar).opt("retention")
        starts = [(_back(sidecar.opt("min_time")), f"thanos_sidecar_min_time is {sidecar.opt('min_time')}")]
        starts.append((duration(retention) or None, f"prometheus_retention is {retention}"))
        known = [(back, words) for back, words in starts if back is not None]
        if known and min(known)[0] < end:
            back, words = min(known)
            yield Problem(
                sidecar.where("min_time"),
                f"the sidecar serves the last {shown(back)} ({words}), and store gateways only what is older than "
                f"{shown(end)} ({end_words}).",
                "let them overlap by some hours.",
            )


def _newest(stores: list[Instance]) -> tuple[int, str] | None:
    """How far back the newest of what store gateways serve lies; None where a fixed time says it."""
    ends: list[tuple[int, str]] = []
    for store in stores:
        given = store.opt("max_time")
        back = 0 if given is None else _back(given)
        if back is None:
            return None
        words = "a block is uploaded and found that long after its first sample"
        ends.append((_UPLOADED_AFTER, words))
        if back > _UPLOADED_AFTER:
            ends[-1] = (back, f"thanos_store_max_time is {given}")
    return min(ends)


def _back(value: str | None) -> int | None:
    """A duration back from now; None for none, and for a fixed time."""
    return None if value is None else duration(value.lstrip("-"))


@rule(
    "T18",
    "warning",
    "Blocks are kept in object storage, not in a folder.",
    prevents="Blocks that are lost with a host, and that others can't see.",
    source="thanos-io/objstore README.md: FILESYSTEM is for testing and demo",
)
def t18_no_folder(subject: Subject) -> t.Iterator[Problem]:
    told: set[str] = set()
    for instance in subject.topology.instances:
        bucket = _thanos.usable_bucket(instance) if "thanos_objstore_config" in instance.options else None
        if bucket is not None and bucket.type == _buckets.FOLDER and instance.name not in told:
            told.add(instance.name)
            yield Problem(
                instance.host.where("thanos_objstore_config"),
                f"blocks would be kept in the folder {bucket.name}.",
                "use S3 or another object storage; MinIO serves it on hosts of your own.",
            )


@rule(
    "T22",
    "error",
    "Every thanos_objstore_config names a provider of Thanos and a bucket; store gateways and compactors have one.",
    prevents="A process that does not start.",
    source="thanos docs/storage.md; thanos-io/objstore client/factory.go",
)
def t22_a_bucket(subject: Subject) -> t.Iterator[Problem]:
    told: set[str] = set()
    for instance in subject.topology.instances:
        if "thanos_objstore_config" not in instance.options or instance.name in told:
            continue
        where = instance.host.where("thanos_objstore_config")
        try:
            bucket = _thanos.bucket(instance)
        except HAError as problem:
            told.add(instance.name)
            yield Problem(where, problem.what, problem.do or "")
            continue
        if bucket is None and instance.kind.name in ("thanos_store", "thanos_compact"):
            told.add(instance.name)
            yield Problem(where, f"{instance.kind.title} on {instance.name} has no object store.", "set it.")


# What of a store gateway decides which blocks it serves.
_CHOICE = ("min_time", "max_time", "selector_relabel_configs")


@rule(
    "T27",
    "error",
    "Store gateways of one shard serve the same blocks: their bucket, times and selectors are equal.",
    prevents="Answers that lack data and do not say so while one member is away, since the others pass for stand-ins.",
    source="thanos docs/components/store.md, time based partitioning and --selector.relabel-config; "
    "docs/components/query.md, strict endpoints",
)
def t27_stand_ins_serve_the_same(subject: Subject) -> t.Iterator[Problem]:
    for shard in subject.topology.cohorts_of("thanos_store"):
        first = shard.instances[0]
        for store in shard.instances[1:]:
            others = [store.where(name) for name in _CHOICE if store.opt(name) != first.opt(name)]
            buckets = {_thanos.usable_bucket(each) for each in (first, store)}
            if len(buckets - {None}) > 1:  # without one, T22 says it
                others.append(store.host.where("thanos_objstore_config"))
            for where in others:
                yield Problem(
                    where,
                    f"it is another than for {first.name}, and both are of {shard.title}: each would pass for the "
                    "other's stand-in, and serves other blocks.",
                    "set it for the whole shard, or give them a thanos_store_shard each.",
                )


RULES = (
    t08_kept_until_downsampled,
    t09_let_go_before_deletion,
    t10_no_seam,
    t18_no_folder,
    t22_a_bucket,
    t27_stand_ins_serve_the_same,
)
