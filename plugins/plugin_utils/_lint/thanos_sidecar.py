# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Thanos sidecars and the Prometheus beside them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _block_durations, _thanos_labels, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _thanos, prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components.thanos_sidecar import prometheus_of
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import HOUR, prometheus_duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

_MIN, _MAX, _DELAY = _block_durations.MIN, _block_durations.MAX, _block_durations.DELAY_COMPACT
_BLOCK = 2 * HOUR
# Room for an outage of the object store, thanos docs/components/sidecar.md.
_LEAST_RETENTION = 6 * HOUR


def _uploading(subject: Subject) -> t.Iterator[tuple[Instance, Instance]]:
    """The sidecars that upload, each with its Prometheus."""
    for sidecar in subject.topology.of("thanos_sidecar"):
        if sidecar.options["thanos_objstore_config"]:
            yield sidecar, prometheus_of(sidecar)


def duration(value: object) -> int | None:
    """A duration in nanoseconds; None where it is none, which I07 tells."""
    try:
        return prometheus_duration(value)
    except HAError:
        return None


def _version(value: object) -> _versions.Version | None:
    try:
        return _versions.parse_version(value)
    except HAError:
        return None


def _flags(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {str(name).lstrip("-"): value for name, value in given.items()}


@rule(
    "T01",
    "error",
    "Where a sidecar uploads, Prometheus' own compaction is off: its block durations are equal (the collection makes "
    "them 2h; a warning when prometheus_extra_args make them others), or prometheus_extra_args name the sidecar's file "
    "as --storage.tsdb.delay-compact-file.path (Prometheus 3.9 and Thanos 0.41 or newer).",
    prevents="A sidecar that refuses to start, or blocks that are compacted before they are uploaded.",
    source="thanos cmd/thanos/sidecar.go (validatePrometheus), CHANGELOG of 0.41; prometheus CHANGELOG of 3.9",
)
def t01_blocks_as_the_sidecar_wants(subject: Subject) -> t.Iterator[Problem]:
    for sidecar, beside in _uploading(subject):
        try:
            flags = _flags(prometheus.flags(beside, subject.topology))
        except HAError:
            continue  # I03 says it
        where = beside.where("extra_args")
        if beside.opt("agent"):
            continue  # T23 says it
        if _DELAY in flags:
            yield from _delayed(sidecar, beside, flags[_DELAY], where)
            continue
        shortest, longest = duration(flags[_MIN]), duration(flags[_MAX])
        if shortest is None or longest is None:
            continue
        said = f"--{_MIN} is {flags[_MIN]} and --{_MAX} is {flags[_MAX]}"
        do = "take both out of prometheus_extra_args: the collection sets them to 2h where a sidecar uploads."
        if shortest != longest:
            yield Problem(where, f"{said}: Prometheus would compact by itself.", do)
        elif shortest != _BLOCK:
            yield Problem(where, f"{said}; Thanos is made for blocks of 2h.", do, "warning")


def _delayed(sidecar: Instance, beside: Instance, given: object, where: str) -> t.Iterator[Problem]:
    version = _version(sidecar.options["thanos_version"])
    if version is not None and version.line < (0, 41):
        yield Problem(
            where,
            f"--{_DELAY} is set, which Thanos {version} does not know: its sidecar wants equal block durations.",
            f"take thanos_version 0.41 or newer, or --{_MIN} and --{_MAX} of 2h in its place.",
        )
    meta = _flags(sidecar.opt("extra_args")).get("shipper.meta-file-name", "thanos.shipper.json")
    # Compared as text from 0.42 on, so a relative path is another one.
    wanted = os.path.normpath(os.path.join(beside.opt("data_dir"), str(meta)))
    if given != wanted:
        yield Problem(
            where, f"--{_DELAY} is {given}, and the sidecar's file is {wanted}.", "leave it out, or write that path."
        )


@rule(
    "T02",
    "error",
    "Whatever uploads keeps samples for at least 6h: the Prometheus beside a sidecar, a ruler, an ingestor.",
    prevents="Samples that are deleted before they are uploaded, while the object store does not answer.",
    source="thanos docs/components/sidecar.md; rulers and ingestors upload as sidecars do (pkg/shipper)",
)
def t02_retention_outlasts_an_outage(subject: Subject) -> t.Iterator[Problem]:
    others = subject.topology.of("thanos_rule", "thanos_receive")
    keepers = [beside for _sidecar, beside in _uploading(subject)]
    for keeper in (*keepers, *(one for one in others if one.options["thanos_objstore_config"])):
        kept = duration(keeper.opt("retention"))
        # 0 keeps for ever, or by size alone.
        if kept and kept < _LEAST_RETENTION:
            what = f"samples are kept for {keeper.opt('retention')}, less than 6h."
            yield Problem(keeper.where("retention"), what, "keep them for 6h or longer.")


@rule(
    "T16",
    "error",
    "Thanos' version is a pinned one, and 0.37 or newer beside Prometheus 3.",
    prevents="A sidecar that can't read the labels of a Prometheus 3.",
    source="https://github.com/thanos-io/thanos/issues/7893",
)
def t16_versions_that_fit(subject: Subject) -> t.Iterator[Problem]:
    told: set[str] = set()
    for instance in subject.topology.instances:
        if "thanos_version" not in instance.options or instance.name in told:
            continue
        where = instance.host.where("thanos_version")
        try:
            version = _versions.parse_version(instance.options["thanos_version"], where)
        except HAError as problem:
            told.add(instance.name)
            yield Problem(where, problem.what, problem.do or "")
            continue
        if instance.kind.name != "thanos_sidecar" or version.line >= (0, 37):
            continue
        beside = _version(prometheus_of(instance).opt("version"))
        if beside is not None and beside.major >= 3:
            yield Problem(
                where,
                f"Thanos {version} stands beside Prometheus {beside}.",
                f"take 0.37 or newer, as {_thanos.VERSION}.",
            )


@rule(
    "T17",
    "error",
    "A Prometheus with a sidecar has external labels besides the replica label.",
    prevents="Replica sets that become one, without a way back, once the replica label is taken off.",
    source="thanos docs/storage.md, external labels; docs/components/compact.md",
)
def t17_sets_have_labels(subject: Subject) -> t.Iterator[Problem]:
    for producer in _thanos_labels.producers(subject.topology):
        if producer.instance.kind.name == "thanos_sidecar" and not producer.labels:
            yield Problem(
                producer.where,
                f"a sidecar stands beside it, and its only external label is {producer.replica_label!r}, which tells "
                "replicas apart and not sets.",
                "name the set, as in {cluster: eu1}, for all its hosts.",
            )


@rule(
    "T23",
    "error",
    "No sidecar stands beside a Prometheus in agent mode.",
    prevents="A sidecar that never becomes ready: an agent keeps no blocks and answers no queries.",
    source="prometheus docs/prometheus_agent.md; thanos docs/components/sidecar.md",
)
def t23_no_sidecar_beside_an_agent(subject: Subject) -> t.Iterator[Problem]:
    for sidecar in subject.topology.of("thanos_sidecar"):
        if prometheus_of(sidecar).opt("agent"):
            yield Problem(
                sidecar.where("enabled"),
                "a sidecar would stand beside a Prometheus in agent mode.",
                "unset one of the two; an agent's samples reach Thanos through remote write to a router.",
            )


RULES = (
    t01_blocks_as_the_sidecar_wants,
    t02_retention_outlasts_an_outage,
    t16_versions_that_fit,
    t17_sets_have_labels,
    t23_no_sidecar_beside_an_agent,
)
