# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about block streams: who produces them for a bucket, and who compacts them."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _relabel
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._buckets import Bucket
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._thanos_labels import Labels, Producer, by_bucket
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

# What Thanos takes in --selector.relabel-config, and the label that it gives each block there. Source: thanos
# pkg/block/fetcher.go.
_SELECTORS = ("keep", "drop", "hashmod")
_BLOCK_ID = "__block_id"


@rule(
    "T03",
    "error",
    "All that produce blocks for a bucket, of whatever environment, have labels of their own; and without the replica "
    "label, of its set alone.",
    prevents="Blocks of several producers that are taken for one's, merged without a way back, or a halted compactor.",
    source="thanos docs/components/compact.md, groups; docs/storage.md, external labels",
)
def t03_labels_tell_producers_apart(subject: Subject) -> t.Iterator[Problem]:
    for bucket, producers in by_bucket(subject.topology).items():
        whole: dict[frozenset[tuple[str, str]], Producer] = {}
        sets: dict[frozenset[tuple[str, str]], Producer] = {}
        for producer in producers:
            first = whole.setdefault(frozenset(producer.full.items()), producer)
            if first is not producer:
                yield from _same(producer, first, bucket)
                continue
            first = sets.setdefault(frozenset(producer.labels.items()), producer)
            if first.instance.cohort != producer.instance.cohort and not _shards(first, producer):
                yield from _same_set(producer, first, bucket)


def _same(producer: Producer, first: Producer, bucket: Bucket) -> t.Iterator[Problem]:
    # Of one replica set, P01 and T13 say it.
    if first.instance.cohort == producer.instance.cohort and producer.instance.kind.name != "thanos_receive":
        return
    yield Problem(
        producer.where,
        f"{first.instance.name} and {producer.instance.name} both upload to {bucket.title} with the labels "
        f"{_words(producer.full)}.",
        "give each set external labels of its own, and each host of a set a replica of its own.",
    )


def _same_set(producer: Producer, first: Producer, bucket: Bucket) -> t.Iterator[Problem]:
    # T17 says it of a sidecar without labels.
    if producer.labels or producer.instance.kind.name != "thanos_sidecar":
        yield Problem(
            producer.where,
            f"{first.instance.name} and {producer.instance.name} upload to {bucket.title}, are not replicas of one "
            f"another, and have the same labels {_words(producer.labels)} besides the replica label.",
            "give each set external labels of its own.",
        )


def _shards(one: Producer, other: Producer) -> bool:
    """Whether they are shards of one set of targets: these share labels, and no series."""
    shards = [producer.instance.options.get("prometheus_shard") for producer in (one, other)]
    return all(shards) and shards[0] != shards[1] and one.instance.environment == other.instance.environment


def _words(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


@rule(
    "T04",
    "error",
    "Each block stream of a bucket is kept by the selectors of exactly one compactor (a warning where there is no "
    "compactor, and where it can't be decided).",
    prevents="Two compactors that overwrite one another, or blocks that nobody compacts, downsamples and deletes.",
    source="thanos docs/components/compact.md: a singleton for each stream of blocks; pkg/block/fetcher.go",
)
def t04_one_compactor_a_stream(subject: Subject) -> t.Iterator[Problem]:
    compactors = _thanos.of_bucket(subject.topology, "thanos_compact")
    for bucket, producers in by_bucket(subject.topology).items():
        if bucket not in compactors:
            yield Problem(
                producers[0].instance.host.where("thanos_objstore_config"),
                f"blocks are uploaded to {bucket.title}, and no host of the inventory compacts it.",
                "put a host into thanos_compact; without one blocks stay small, are kept for ever and not downsampled.",
                "warning",
            )
            continue
        selections = [_selection(compactor) for compactor in compactors[bucket]]
        problems = [selection for selection in selections if isinstance(selection, Problem)]
        yield from problems
        if not problems:
            chains = t.cast("list[list[_relabel.Rule]]", selections)
            yield from _shared_out(bucket, producers, list(zip(compactors[bucket], chains)))


def _selection(compactor: Instance) -> list[_relabel.Rule] | Problem:
    """A compactor's selectors, or why they are none."""
    where = compactor.where("selector_relabel_configs")
    try:
        chain = _relabel.rules(compactor.opt("selector_relabel_configs"))
    except UndecidedError as problem:
        return _undecided(where, problem)
    for number, step in enumerate(chain, 1):
        if step.action not in _SELECTORS:
            what = f"rule {number} has the action {step.action}, which Thanos refuses here."
            return Problem(where, what, f"use {', '.join(_SELECTORS)}.")
        if _BLOCK_ID in step.source_labels:
            what = f"rule {number} looks at {_BLOCK_ID}, so blocks of one stream go to several compactors."
            return Problem(where, what, "choose by external labels.")
    return chain


def _undecided(where: str, problem: UndecidedError) -> Problem:
    if problem.refused:
        return Problem(where, f"Thanos would refuse the selectors: {problem.words}.", "correct them.")
    return Problem(
        where,
        f"it is not decided what the selectors keep: {problem.words}.",
        "write them in a simpler way.",
        "warning",
    )


def _shared_out(
    bucket: Bucket, producers: list[Producer], compactors: list[tuple[Instance, list[_relabel.Rule]]]
) -> t.Iterator[Problem]:
    """Streams that none or several compactors keep; one problem for all that go wrong in the same way."""
    wrong: dict[tuple[int, ...], list[Labels]] = {}
    for producer in producers:
        open_label = _open_label(producer)
        for compactor, chain in compactors:
            if open_label and any(open_label in step.source_labels for step in chain):
                yield Problem(
                    compactor.where("selector_relabel_configs"),
                    f"it is not decided which streams of {producer.instance.name} are kept: the selectors look at "
                    f"{open_label}, and thanos_tenants does not say which tenants there are.",
                    "list them in thanos_tenants.",
                    "warning",
                )
                return
        for labels in producer.streams():
            try:
                kept = [number for number, (_c, chain) in enumerate(compactors) if _keeps(chain, labels)]
            except UndecidedError as problem:
                yield _undecided(compactors[0][0].where("selector_relabel_configs"), problem)
                return
            if len(kept) != 1:
                wrong.setdefault(tuple(kept), []).append(labels)
    for numbers, streams in wrong.items():
        keepers = [compactors[number][0] for number in numbers]
        count = f"{len(streams)} block stream{'s' if len(streams) > 1 else ''} of {bucket.title}, as "
        by = "by none of its compactors" if not keepers else f"by {' and '.join(each.name for each in keepers)}"
        yield Problem(
            (keepers or [compactors[0][0]])[-1].where("selector_relabel_configs"),
            f"{count}{_words(streams[0])}, {'are' if len(streams) > 1 else 'is'} kept {by}.",
            "let the selectors of the compactors share the streams out: none twice, none left.",
        )


def _open_label(producer: Producer) -> str:
    """The label of which it is not known what values there are."""
    return "" if producer.instance.options.get("thanos_tenants") else producer.tenant_label


def _keeps(chain: list[_relabel.Rule], labels: Labels) -> bool:
    return not chain or _relabel.run(chain, labels) is not None


@rule(
    "T06",
    "error",
    "A compactor that merges replicas of a Prometheus or a ruler does it by the function penalty.",
    prevents="Samples of both replicas in one series, without a way back.",
    source="thanos docs/components/compact.md, vertical compaction use cases",
)
def t06_merged_with_penalty(subject: Subject) -> t.Iterator[Problem]:
    producers = by_bucket(subject.topology)
    for compactor in subject.topology.of("thanos_compact"):
        given: list[str] = compactor.opt("deduplication_replica_labels")
        func = compactor.opt("deduplication_func")
        bucket = _thanos.usable_bucket(compactor)
        if func == "penalty" and not given:
            yield Problem(
                compactor.where("deduplication_func"),
                "the function penalty is set, and no replica label: the compactor would not start.",
                "set thanos_compact_deduplication_replica_labels, or remove it.",
            )
        if func != "" or bucket is None:
            continue
        for producer in producers.get(bucket, []):
            if producer.replica_label in given and not producer.tenant_label:
                yield Problem(
                    compactor.where("deduplication_func"),
                    f"replicas are merged along {producer.replica_label!r}, which {producer.instance.name} has, and "
                    "the function is the one for equal copies.",
                    "write penalty, or leave it out.",
                )
                break


RULES = (
    t03_labels_tell_producers_apart,
    t04_one_compactor_a_stream,
    t06_merged_with_penalty,
)
