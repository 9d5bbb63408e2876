# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: what runs where, and what connects to what."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._render import Plan


def columns(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Rows as aligned lines; the first one is the heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def table(plan: Plan) -> str:
    """Hosts with their components, cohorts and ports, then who connects to whom."""
    topology = plan.topology
    rows = [["HOST", "COMPONENT", "VERSION", "MEMBER OF", "ENDPOINT", "PORTS"]]
    links: list[list[str]] = [["FROM", "TO", "FOR"]]
    slices = {(host, item["name"]): item for host, items in plan.hosts.items() for item in items}
    for instance in topology.instances:
        item = slices.get((instance.name, instance.kind.name))
        if item is None:
            continue
        ports = ", ".join(f"{port['port']}/{port['protocol']}" for port in item["service"]["ports"])
        cohort = topology.cohort(instance)
        rows.append([instance.name, instance.kind.title, instance.opt("version"), cohort.title, instance.url, ports])
        if instance.kind.name == "prometheus" and not instance.opt("agent"):
            links += [
                [instance.name, member.url, f"alerts to {mesh.title}"]
                for mesh in topology.meshes(instance)
                for member in mesh.instances
            ]
        if instance.kind.name == "alertmanager":
            links += [
                [instance.name, f"{peer.address}:{peer.opt('cluster_port')} tcp+udp", f"gossip of {cohort.title}"]
                for peer in cohort.instances
                if peer is not instance
            ]
    leaving = [f"{instance.name}: {instance.kind.title} leaves" for instance in topology.leaving]
    sets = [
        f"{cohort.title}: {', '.join(member.name for member in cohort.instances)}"
        for cohort in topology.cohorts.values()
    ]
    parts = [columns(rows), sets, columns(links) if len(links) > 1 else [], leaving]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
