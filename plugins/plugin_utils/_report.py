# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: what runs where, and what connects to what."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named

if t.TYPE_CHECKING:
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._render import Plan
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort


def columns(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Rows as aligned lines; the first one is the heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def table(plan: Plan) -> str:
    """Hosts with their components, cohorts and ports, then which set connects to which."""
    topology = plan.topology
    rows = [["HOST", "COMPONENT", "VERSION", "MEMBER OF", "ENDPOINT", "PORTS"]]
    for instance in topology.instances:
        cohort = topology.cohort(instance)
        ports = _registry.component(instance.kind.name).ports(instance)
        shown = ", ".join(f"{port}/{protocol}" for port, protocol, _address, _variable in ports)
        # A component that is only modelled has no version.
        version = instance.options.get(f"{instance.kind.name}_version", "")
        rows.append([instance.name, instance.kind.title, version, cohort.title, instance.url, shown])
    links = [["FROM", "MEMBERS", "TO", "EACH OF"]]
    links += [
        [link.source.title, _names(link.source), f"{link.verb} {link.target_title}", ", ".join(link.endpoints)]
        for link in _registry.links(topology)
    ]
    leaving = [f"{instance.name}: {instance.kind.title} leaves" for instance in topology.leaving]
    parts = [columns(rows), columns(links) if len(links) > 1 else [], leaving]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _names(cohort: Cohort) -> str:
    return named([instance.name for instance in cohort.instances])
