# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replica sets: their labels, what they alert, and what their version makes of a configuration."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _labels, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    _thanos,
    prometheus,
    thanos_compact,
    thanos_sidecar,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import prometheus_duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance


@rule(
    "P01",
    "error",
    "The replica label is unique in its replica set; its name and every other external label are the same on all, and "
    "none is empty.",
    prevents="The sidecar exits, the compactor halts on overlaps, nothing is deduplicated.",
    source="thanos docs/components/sidecar.md and docs/operating/troubleshooting.md",
)
def p01_replica_is_unique(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        first = cohort.instances[0]
        holders: dict[str, str] = {}
        for instance in cohort.instances:
            value = prometheus.replica(instance)
            if value in holders:
                yield Problem(
                    instance.where("replica"),
                    f"{cohort.title} has the replica {value!r} twice: on {holders[value]} and on {instance.name}.",
                    "give each host of the set a prometheus_replica of its own, or leave it at the host's name.",
                )
            holders.setdefault(value, instance.name)
            label = prometheus.replica_label(instance)
            if label != prometheus.replica_label(first):
                yield Problem(
                    instance.where("replica_label"),
                    f"{cohort.title} has two replica labels: {prometheus.replica_label(first)!r} on {first.name} "
                    f"and {label!r} on {instance.name}.",
                    "set the label for the whole set, in its group.",
                )
            if instance.opt("external_labels") != first.opt("external_labels"):
                yield Problem(
                    instance.where("external_labels"),
                    f"{cohort.title} has differing external labels: {first.opt('external_labels')} on {first.name} "
                    f"and {instance.opt('external_labels')} on {instance.name}.",
                    "set them for the whole set, in its group; only the replica label differs.",
                )
            if label in instance.opt("external_labels"):
                yield Problem(
                    instance.where("external_labels"),
                    f"the external label {label!r} shadows the replica label.",
                    "remove it: the replica label is added; its value is prometheus_replica.",
                )
            empty = [name for name, text in instance.opt("external_labels").items() if text == ""]
            if empty and not _other_wrongs(instance, "", "x"):
                yield Problem(
                    instance.where("external_labels"),
                    f"the external label {empty[0]!r} is empty, which is the same as none.",
                    "give it a value, or remove it.",
                )


def _other_wrongs(instance: Instance, wrong: str, right: str) -> bool:
    """Whether the labels would be refused even with one wrong text put right: then I03 lists all that is wrong.

    :param wrong: a text within the values; "": empty values.
    """

    def mended(value: t.Any) -> t.Any:
        if not isinstance(value, str):
            return value
        return value.replace(wrong, right) if wrong else value or right

    labels = {name: mended(value) for name, value in instance.opt("external_labels").items()}
    try:
        _labels.external_labels(
            labels, prometheus.replica_label(instance), mended(prometheus.replica(instance)), instance.opt("version")
        )
    except HAError:
        return True
    return False


def _blocks(subject: Subject, instance: Instance) -> list[dict[str, t.Any]]:
    """The alertmanagers blocks: those rendered, and those that prometheus_config would bring by hand.

    The renderer refuses the latter (the members of the meshes are listed by it), but the reason here says more.
    """
    found: list[dict[str, t.Any]] = []
    for config in (subject.config(instance) or {}, instance.opt("config")):
        alerting = config.get("alerting")
        blocks = alerting.get("alertmanagers") if isinstance(alerting, dict) else None
        found += [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return found


def _mappings(items: t.Any) -> list[dict[str, t.Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


# Relabel actions that only choose; all others change labels.
_CHOOSING = ("keep", "drop", "keepequal", "dropequal")


@rule(
    "P05",
    "error",
    "Before Prometheus 3.7, no alertmanagers block has alert_relabel_configs that change labels.",
    prevents="Alerts that reach the blocks after it with the labels that were meant for this one.",
    source="https://github.com/prometheus/prometheus/pull/17063",
)
def p05_no_relabelling_for_one_alertmanager(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        version = _version(instance)
        if version is None or version.line >= (3, 7):
            continue
        actions = {
            str(config.get("action", "replace")).lower()
            for block in _blocks(subject, instance)
            for config in _mappings(block.get("alert_relabel_configs"))
        }
        changing = sorted(actions.difference(_CHOOSING))
        if changing:
            yield Problem(
                instance.where("config"),
                f"an alertmanagers block changes alerts by {', '.join(changing)}, and Prometheus {version} hands the "
                "changed alerts to the blocks after it.",
                "remove it; relabel for all meshes by prometheus_alert_relabel_configs.",
            )


@rule(
    "P06",
    "error",
    "Every Prometheus lists every Alertmanager of meshes that exist, each by itself.",
    prevents="A single point of failure, missed alerts.",
    source="alertmanager docs/high_availability.md",
)
def p06_known_meshes(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        if instance.opt("alertmanager_meshes") is None:
            continue
        there = {mesh.name for mesh in subject.topology.meshes(instance)}
        for name in instance.opt("alertmanager_meshes"):
            if name not in there:
                yield Problem(
                    instance.where("alertmanager_meshes"),
                    f"there is no mesh {name!r} in the environment {instance.environment!r}.",
                    "name a mesh that an alertmanager_mesh of that environment sets.",
                )


@rule(
    "P07",
    "error",
    "No Alertmanager is spoken to by api_version v1.",
    prevents="Alerts that are refused: Alertmanager 0.27 and later answer 410, and Prometheus 3 does not start.",
    source="CHANGELOG.md of alertmanager 0.27 and prometheus 3.0",
)
def p07_api_v2(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        if any(block.get("api_version") == "v1" for block in _blocks(subject, instance)):
            yield Problem(
                instance.where("config"),
                "an alertmanagers block has api_version v1, which Alertmanager has no more.",
                "remove it: the meshes of prometheus_alertmanager_meshes are listed, with v2.",
            )


@rule(
    "P09",
    "error",
    "With Prometheus 3, a literal $ in an external label is written $$.",
    prevents="A label that ends where the $ begins: what follows is looked up in the environment of the process.",
    source="https://prometheus.io/docs/prometheus/latest/migration/",
)
def p09_dollars(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        version = _version(instance)
        if version is None or version.major < 3:
            continue
        labels = {**instance.opt("external_labels"), prometheus.replica_label(instance): prometheus.replica(instance)}
        lone = {name: value for name, value in labels.items() if "$" in str(value).replace("$$", "")}
        if lone and not _other_wrongs(instance, "$", "$$"):
            name, value = min(lone.items())
            by = ", by prometheus_replica," if name == prometheus.replica_label(instance) else ""
            yield Problem(
                instance.where("external_labels"),
                f"the external label {name!r} is{by} {value!r}: Prometheus {version} takes what follows the $ for the "
                "name of an environment variable.",
                f"write {str(value).replace('$', '$$')!r}, or leave the $ out.",
            )


def _version(instance: Instance) -> _versions.Version | None:
    """The version; None where it is none (I03 says so)."""
    with contextlib.suppress(HAError):
        return _versions.parse_version(instance.opt("version"))
    return None


def within(config: t.Any, *keys: str) -> t.Any:
    """A value within nested mappings; None where there is none."""
    for key in keys:
        config = config.get(key) if isinstance(config, dict) else None
    return config


@rule(
    "P11",
    "error",
    "The configuration file sets a retention only from Prometheus 3.11 on.",
    prevents="A full disk: until 3.11 a retention in the file was taken for a million times as long, or refused.",
    source="https://github.com/prometheus/prometheus/pull/18200",
)
def p11_retention_by_flags(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        version = _version(instance)
        retention = within(instance.opt("config"), "storage", "tsdb", "retention")
        if retention is not None and version is not None and version.line < (3, 11):
            yield Problem(
                instance.where("config"),
                f"storage.tsdb.retention is {retention}, and the version is {version}.",
                "remove it and set prometheus_retention and prometheus_retention_size, which become flags.",
            )


@rule(
    "P15",
    "error",
    "Where samples are taken out of order, the compactors of the bucket merge overlapping blocks "
    "(vertical compaction).",
    prevents="A compactor that halts on the overlapping blocks.",
    source="thanos docs/components/receive.md and compact.md",
)
def p15_vertical_compaction(subject: Subject) -> t.Iterator[Problem]:
    takers = {_thanos.usable_bucket(instance): told for instance, told in _out_of_order(subject)}
    for compactor in subject.topology.of("thanos_compact"):
        bucket = _thanos.usable_bucket(compactor)
        told = takers.get(bucket)
        if bucket and told and not thanos_compact.vertical_compaction(compactor):
            yield Problem(
                compactor.where("enable_vertical_compaction"),
                f"it is off, and {told}, in blocks of the same bucket.",
                "set it to true, or take no samples out of order.",
            )


def _out_of_order(subject: Subject) -> t.Iterator[tuple[Instance, str]]:
    """What uploads blocks with samples out of order, and who takes them within which window."""
    for sidecar in subject.topology.of("thanos_sidecar"):
        config = subject.config(thanos_sidecar.prometheus_of(sidecar))
        window = within(config, "storage", "tsdb", "out_of_order_time_window")
        if _lasts(window):
            yield sidecar, f"{sidecar.name} has storage.tsdb.out_of_order_time_window: {window} in prometheus_config"
    for receiver in subject.topology.of("thanos_receive"):
        window = receiver.opt("out_of_order_time_window")
        if _lasts(window):
            yield receiver, f"{receiver.name} has thanos_receive_out_of_order_time_window: {window}"


def _lasts(window: t.Any) -> bool:
    """Whether a duration is longer than none; what is no duration is told by I07."""
    with contextlib.suppress(HAError):
        return window is not None and prometheus_duration(str(window)) > 0
    return False


RULES = (
    p01_replica_is_unique,
    p05_no_relabelling_for_one_alertmanager,
    p06_known_meshes,
    p07_api_v2,
    p09_dollars,
    p11_retention_by_flags,
    p15_vertical_compaction,
)
