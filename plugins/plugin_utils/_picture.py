# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture of the topology shows, however it is drawn: places with hosts, and who connects to whom.

Replica sets, meshes and the like with the same part in the stack become one node, so that a stack of hundreds of
hosts has a handful of arrows; a row of a node says to which of another's its own arrows go.
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
    """Cohorts with the same part, or something outside the inventory (then ``outside`` names it).

    :param column: how many connections lie before it, at most.
    :param chosen: by cohort, in the node's order, those it connects to where it does not connect to a node's all.
    """

    cohorts: tuple[Cohort, ...]
    column: int
    outside: str = ""
    chosen: tuple[tuple[str, ...], ...] = ()

    @property
    def title(self) -> str:
        if self.outside:
            return self.outside
        kind = self.cohorts[0].kind
        if len(self.cohorts) == 1:
            return f"{kind.title}: {kind.cohort} {self.cohorts[0].name}".rstrip()
        return f"{kind.title}: {len(self.cohorts)} {kind.cohort}{'es' if kind.cohort.endswith('sh') else 's'}"

    @property
    def rows(self) -> list[tuple[Cohort, str, str]]:
        """Its cohorts, each with what stands before its hosts (nothing where the title names it) and behind them."""
        several = len(self.cohorts) > 1
        return [
            (cohort, short(cohort) if several else "", f"→ {', '.join(names)}" if names else "")
            for cohort, names in zip(self.cohorts, self.chosen, strict=True)
        ]


@dataclasses.dataclass(frozen=True, eq=False)
class Edge:
    """What the cohorts of a node do to those of another; verbs in the order of the inventory."""

    source: Node
    verbs: tuple[str, ...]
    target: Node


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """All of it; what a cohort does to itself (gossip) is its node's ``inner`` verbs.

    :param neighbours: by cohort, those it connects to and those that connect to it.
    """

    sites: list[Site]
    nodes: list[Node]
    edges: list[Edge]
    inner: dict[int, tuple[str, ...]]
    neighbours: dict[Key, set[Key]]


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


def _classes(keys: t.Sequence[Key], links: t.Sequence[tuple[Key, str, Key]]) -> dict[Key, int]:
    """By cohort, the number of its part: alike are those of one kind that do the same to alike ones, and have it done.

    Refined from the kinds on until nothing splits any more, as a colouring of a graph is.
    """
    around: dict[Key, list[tuple[str, bool, Key]]] = {key: [] for key in keys}
    for source, verb, target in links:
        around[source].append((verb, True, target))
        around[target].append((verb, False, source))
    # What lies outside stands alone.
    parts: dict[Key, t.Hashable] = {key: key[:2] if key[0] else key for key in keys}
    while True:
        numbers = {part: number for number, part in enumerate(dict.fromkeys(parts.values()))}
        found = {key: numbers[part] for key, part in parts.items()}
        parts = {
            key: (found[key], frozenset((verb, away, found[other]) for verb, away, other in around[key]))
            for key in keys
        }
        if len(set(parts.values())) == len(numbers):
            return found


def _graph(
    topology: Topology, all_links: list[Link]
) -> tuple[list[Node], list[Edge], dict[int, tuple[str, ...]], dict[Key, set[Key]]]:
    links = [(cohort_key(link.source), link.verb, _end(link.target)) for link in all_links]
    keys = list(dict.fromkeys([*topology.cohorts, *(target for _source, _verb, target in links)]))
    number_of = _classes(keys, links)
    members: dict[int, list[Key]] = {}
    for key in keys:
        members.setdefault(number_of[key], []).append(key)

    neighbours: dict[Key, set[Key]] = {key: set() for key in keys}
    reached: dict[Key, dict[int, set[Key]]] = {key: {} for key in keys}
    edges: dict[tuple[int, int], dict[str, None]] = {}
    inner: dict[int, dict[str, None]] = {}
    for source, verb, target in links:
        if source == target:
            inner.setdefault(number_of[source], {})[verb] = None
            continue
        neighbours[source].add(target)
        neighbours[target].add(source)
        reached[source].setdefault(number_of[target], set()).add(target)
        edges.setdefault((number_of[source], number_of[target]), {})[verb] = None

    def chosen(key: Key) -> tuple[str, ...]:
        partly = [others for number, others in reached[key].items() if len(others) < len(members[number])]
        return tuple(dict.fromkeys(short(topology.cohorts[other]) for others in partly for other in sorted(others)))

    columns = _columns(len(members), [edge for edge in edges if edge[0] != edge[1]])
    nodes = [
        Node(
            tuple(topology.cohorts[key] for key in members[number] if key[0]),
            columns[number],
            outside="" if members[number][0][0] else members[number][0][2],
            chosen=tuple(chosen(key) for key in members[number] if key[0]),
        )
        for number in sorted(members)
    ]
    drawn = [Edge(nodes[source], tuple(verbs), nodes[target]) for (source, target), verbs in edges.items()]
    return nodes, drawn, {number: tuple(verbs) for number, verbs in inner.items()}, neighbours


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
