# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replica sets."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Topology


def p01_replica_is_unique(topology: Topology) -> t.Iterator[Finding]:
    """P01: the replica label is unique in its set, its name and every other external label are the same on all.

    Source: thanos docs/components/sidecar.md and docs/operating/troubleshooting.md.
    """
    for cohort in topology.cohorts.values():
        if cohort.kind is not prometheus.KIND:
            continue
        first = cohort.instances[0]
        holders: dict[str, str] = {}
        for instance in cohort.instances:
            value = prometheus.replica(instance)
            if value in holders:
                yield error(
                    "P01",
                    instance.where("replica"),
                    f"{cohort.title} has the replica {value!r} twice: on {holders[value]} and on {instance.name}.",
                    "give each host of the set a prometheus_replica of its own, or leave it at the host's name.",
                )
            holders.setdefault(value, instance.name)
            label = prometheus.replica_label(instance)
            if label != prometheus.replica_label(first):
                yield error(
                    "P01",
                    instance.where("replica_label"),
                    f"{cohort.title} has two replica labels: {prometheus.replica_label(first)!r} on {first.name} "
                    f"and {label!r} on {instance.name}.",
                    "set the label for the whole set, in its group.",
                )
            if instance.opt("external_labels") != first.opt("external_labels"):
                yield error(
                    "P01",
                    instance.where("external_labels"),
                    f"{cohort.title} has differing external labels: {first.opt('external_labels')} on {first.name} "
                    f"and {instance.opt('external_labels')} on {instance.name}.",
                    "set them for the whole set, in its group; only the replica label differs.",
                )
            if label in instance.opt("external_labels"):
                yield error(
                    "P01",
                    instance.where("external_labels"),
                    f"the external label {label!r} shadows the replica label.",
                    "remove it: the replica label is added; its value is prometheus_replica.",
                )


def known_meshes(topology: Topology) -> t.Iterator[Finding]:
    """P06: every Prometheus lists every Alertmanager of meshes that exist (alertmanager docs/high_availability.md)."""
    for instance in topology.instances:
        if instance.kind is not prometheus.KIND or instance.opt("alertmanager_meshes") is None:
            continue
        there = {mesh.name for mesh in topology.meshes(instance)}
        for name in instance.opt("alertmanager_meshes"):
            if name not in there:
                yield error(
                    "P06",
                    instance.where("alertmanager_meshes"),
                    f"there is no mesh {name!r} in the environment {instance.environment!r}.",
                    "name a mesh that an alertmanager_mesh of that environment sets.",
                )


RULES = (p01_replica_is_unique, known_meshes)
