# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replica sets."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule


@rule(
    "P01",
    "error",
    "The replica label is unique in its replica set; its name and every other external label are the same on all.",
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


RULES = (p01_replica_is_unique, p06_known_meshes)
