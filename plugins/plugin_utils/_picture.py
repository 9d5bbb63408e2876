# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture of the topology shows, however it is drawn: places with hosts, and who connects to whom.

Replica sets, meshes and the like with the same neighbours become one node, so that a stack of hundreds of hosts has a
handful of arrows.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology

Key = t.Tuple[str, str, str]


@dataclasses.dataclass(frozen=True, eq=False)
class Domain:
    """A failure domain of a site; the name is empty where the inventory names none."""

    name: str
    hosts: dict[str, list[Instance]]


@dataclasses.dataclass(frozen=True, eq=False)
class Site:
    """A region of an environment; the name is empty where the inventory names neither."""

    name: str
    domains: list[Domain]


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """Cohorts with the same neighbours, or something outside the inventory (then ``outside`` names it).

    :param column: how many connections lie before it, at most.
    """

    cohorts: tuple[Cohort, ...]
    column: int
    outside: str = ""

    @property
    def title(self) -> str:
        if self.outside:
            return self.outside
        kind = self.cohorts[0].kind
        if len(self.cohorts) == 1:
            return f"{kind.title}: {kind.cohort} {self.cohorts[0].name}".rstrip()
        return f"{kind.title}: {len(self.cohorts)} {kind.cohort}{'es' if kind.cohort.endswith('sh') else 's'}"

    @property
    def rows(self) -> list[tuple[Cohort, str]]:
        """Its cohorts, each with what stands in front of its hosts: nothing where the title names it."""
        return [(cohort, short(cohort) if len(self.cohorts) > 1 else "") for cohort in self.cohorts]


@dataclasses.dataclass(frozen=True, eq=False)
class Edge:
    """What the cohorts of a node do to those of another; verbs in the order of the inventory."""

    source: Node
    verbs: tuple[str, ...]
    target: Node


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """All of it; edges of a node to itself (gossip) are the node's ``inner`` verbs."""

    sites: list[Site]
    nodes: list[Node]
    edges: list[Edge]
    inner: dict[int, tuple[str, ...]]


def short(cohort: Cohort) -> str:
    """A cohort's name where its component is said already; the environment stands with the site."""
    return cohort.name or cohort.kind.cohort


def cohort_key(cohort: Cohort) -> Key:
    return (cohort.kind.name, cohort.environment, cohort.name)


def _end(target: Cohort | str) -> Key:
    return ("", "", target) if isinstance(target, str) else cohort_key(target)


def picture(topology: Topology) -> Picture:
    """Topology -> Picture, linear in hosts and links."""
    links = _registry.links(topology)
    return Picture(_sites(topology), *_graph(topology, links))


def _sites(topology: Topology) -> list[Site]:
    places: dict[tuple[str, str], dict[str, dict[str, list[Instance]]]] = {}
    for instance in topology.instances:
        region = str(instance.options["prometheus_ha_region"] or "")
        domain = str(instance.options["prometheus_ha_failure_domain"] or "")
        hosts = places.setdefault((instance.environment, region), {}).setdefault(domain, {})
        hosts.setdefault(instance.name, []).append(instance)
    several = len({environment for environment, _region in places}) > 1
    return [
        Site(
            " / ".join(filter(None, (environment if several else "", region))),
            [Domain(name, hosts) for name, hosts in sorted(domains.items())],
        )
        for (environment, region), domains in sorted(places.items())
    ]


def _graph(topology: Topology, links: list[Link]) -> tuple[list[Node], list[Edge], dict[int, tuple[str, ...]]]:
    outgoing: dict[Key, set[tuple[str, Key]]] = {}
    incoming: dict[Key, set[tuple[str, Key]]] = {}
    inner: dict[Key, dict[str, None]] = {}
    for link in links:
        source, target = cohort_key(link.source), _end(link.target)
        if source == target:
            inner.setdefault(source, {})[link.verb] = None
            continue
        outgoing.setdefault(source, set()).add((link.verb, target))
        incoming.setdefault(target, set()).add((link.verb, source))

    def alike(key: Key) -> t.Hashable:
        return (key[:2], frozenset(outgoing.get(key, ())), frozenset(incoming.get(key, ())))

    groups: dict[t.Hashable, list[Key]] = {}
    keys = dict.fromkeys([*topology.cohorts, *(key for key in incoming if not key[0])])
    for key in keys:
        # What lies outside stands alone.
        groups.setdefault(alike(key) if key[0] else key, []).append(key)
    group_of = {key: number for number, members in enumerate(groups.values()) for key in members}

    edges: dict[tuple[int, int], dict[str, None]] = {}
    for link in links:
        source, target = group_of[cohort_key(link.source)], group_of[_end(link.target)]
        if cohort_key(link.source) != _end(link.target):
            edges.setdefault((source, target), {})[link.verb] = None
    columns = _columns(len(groups), edges)
    nodes = [
        Node(
            tuple(topology.cohorts[key] for key in members if key[0]),
            columns[number],
            outside="" if members[0][0] else members[0][2],
        )
        for number, members in enumerate(groups.values())
    ]
    drawn = [Edge(nodes[source], tuple(verbs), nodes[target]) for (source, target), verbs in edges.items()]
    loops = {number: tuple(inner[members[0]]) for number, members in enumerate(groups.values()) if members[0] in inner}
    return nodes, drawn, loops


def _columns(count: int, edges: t.Iterable[tuple[int, int]]) -> list[int]:
    """By node, the longest way that leads to it; a way that comes back to itself is cut where it was entered."""
    before: dict[int, list[int]] = {}
    for source, target in edges:
        before.setdefault(target, []).append(source)
    known: dict[int, int] = {}
    busy: set[int] = set()

    def column(node: int) -> int:
        if node in busy:
            return -1
        if node not in known:
            busy.add(node)
            found = max((column(source) for source in before.get(node, ())), default=-1) + 1
            busy.discard(node)
            known[node] = found
        return known[node]

    return [column(node) for node in range(count)]
