# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what shares a host."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.inventory import unusable


@rule(
    "X03",
    "error",
    "No two services of a host share a port or a data folder.",
    prevents="A service that never starts.",
    source="prometheus and alertmanager --help: web.listen-address, cluster.listen-address, storage.tsdb.path",
)
def x03_nothing_is_shared(subject: Subject) -> t.Iterator[Problem]:
    hosts: dict[str, dict[tuple[t.Any, ...], tuple[str, str]]] = {}
    for instance in subject.topology.instances:
        taken = hosts.setdefault(instance.name, {})
        claims: list[tuple[tuple[t.Any, ...], str, str]] = [
            ((port, protocol), f"{protocol} port {port}", variable)
            for port, protocol, _address, variable in _registry.component(instance.kind.name).ports(instance)
        ]
        variable = f"{instance.kind.name}_data_dir"
        if instance.options.get(variable):
            folder = os.path.normpath(instance.options[variable])
            claims.append((("folder", folder), f"folder {folder}", variable))
        for key, what, variable in claims:
            if key in taken:
                other, other_variable = taken[key]
                yield Problem(
                    instance.host.where(variable),
                    f"{instance.kind.name} and {other} would both use the {what} (the other one by {other_variable}).",
                    f"give {variable} or {other_variable} another value.",
                )
            taken.setdefault(key, (instance.kind.name, variable))


@rule(
    "X01",
    "error",
    "No two of a replica set or mesh share a host.",
    prevents="Redundancy that is none: they would be one peer, one target, and fail as one.",
    source="the collection's inventory contract",
)
def x01_replicas_are_apart(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts.values():
        holders: dict[tuple[str, int], str] = {}
        for instance in cohort.instances:
            if unusable(instance):
                continue
            place = (instance.address, instance.opt("port"))
            if place in holders:
                yield Problem(
                    instance.host.where("prometheus_ha_address"),
                    f"{holders[place]} and {instance.name} of {cohort.title} have the same address {place[0]}.",
                    "give each its own prometheus_ha_address or ansible_host.",
                )
            holders.setdefault(place, instance.name)


RULES = (x01_replicas_are_apart, x03_nothing_is_shared)
