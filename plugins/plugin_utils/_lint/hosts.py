# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what shares a host."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology


def usable_endpoints(topology: Topology) -> t.Iterator[Finding]:
    """I03: every endpoint has an address and a port that others can use, named once and not by each peer."""
    for problem in filter(None, map(_unusable, topology.instances)):
        yield error("I03", problem.where, problem.what, problem.do)


def _unusable(instance: Instance) -> HAError | None:
    try:
        str((instance.url, instance.own_url))
    except HAError as problem:
        return problem
    return None


def x03_nothing_is_shared(topology: Topology) -> t.Iterator[Finding]:
    """X03: no two services of a host share a port or a data folder: one of them would never start."""
    hosts: dict[str, dict[tuple[t.Any, ...], tuple[str, str]]] = {}
    for instance in topology.instances:
        taken = hosts.setdefault(instance.name, {})
        claims: list[tuple[tuple[t.Any, ...], str, str]] = [
            ((port, protocol), f"{protocol} port {port}", variable)
            for port, protocol, _address, variable in _registry.component(instance.kind.name).ports(instance)
        ]
        folder = os.path.normpath(instance.opt("data_dir"))
        claims.append((("folder", folder), f"folder {folder}", f"{instance.kind.name}_data_dir"))
        for key, what, variable in claims:
            if key in taken:
                other, other_variable = taken[key]
                yield error(
                    "X03",
                    instance.host.where(variable),
                    f"{instance.kind.name} and {other} would both use the {what} (the other one by {other_variable}).",
                    f"give {variable} or {other_variable} another value.",
                )
            taken.setdefault(key, (instance.kind.name, variable))


def x01_replicas_are_apart(topology: Topology) -> t.Iterator[Finding]:
    """X01: no two of a set or mesh share a host: they would be one peer, one target, and fail as one."""
    for cohort in topology.cohorts.values():
        holders: dict[tuple[str, int], str] = {}
        for instance in cohort.instances:
            if _unusable(instance):
                continue
            place = (instance.address, instance.opt("port"))
            if place in holders:
                yield error(
                    "X01",
                    instance.host.where("prometheus_ha_address"),
                    f"{holders[place]} and {instance.name} of {cohort.title} have the same address {place[0]}.",
                    "give each its own prometheus_ha_address or ansible_host.",
                )
            holders.setdefault(place, instance.name)


RULES = (usable_endpoints, x01_replicas_are_apart, x03_nothing_is_shared)
