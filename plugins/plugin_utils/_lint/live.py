# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules over what hosts say of themselves: ways between peers, and what holds their ports."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _preflight_dial as dial
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight import FOREIGN, UNUSABLE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import ComponentSeen, Passage, Seen, Way
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

_MOST_NAMES = 10


def names(hosts: t.Iterable[str]) -> str:
    """Hosts in words, the first ones where they are many."""
    found = list(dict.fromkeys(hosts))
    more = len(found) - _MOST_NAMES
    return ", ".join(found[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


# -- ways between peers ------------------------------------------------------------------------------------------------


@rule(
    "A04",
    "error",
    "Every member of a mesh reaches every other on the cluster port, at its address and at the one that it advertises, "
    "by TCP and by UDP, and sees all of them.",
    prevents="A split mesh, which notifies twice and does not share silences.",
    source="alertmanager docs/high_availability.md: the cluster port needs TCP and UDP",
)
def a04_mesh_is_connected(seen: Seen) -> t.Iterator[Problem]:
    yield from _blocked("A04", seen)
    for mesh in seen.topology.cohorts_of("alertmanager"):
        yield from _incomplete(mesh, seen)


@rule(
    "X04",
    "error",
    "Every component reaches the ports of the others that it connects to.",
    prevents="Alerts that are never delivered, series that are never fetched.",
    source="prometheus docs/configuration: alertmanagers, scrape_configs",
)
def x04_ports_are_reached(seen: Seen) -> t.Iterator[Problem]:
    yield from _blocked("X04", seen)


def _blocked(rule_id: str, seen: Seen) -> t.Iterator[Problem]:
    """One problem for all the hosts that fail alike at one port."""

    def alike(passage: Passage) -> tuple[str, ...]:
        return (passage.way.id, passage.protocol, passage.outcome, passage.said)

    instances = {(instance.name, instance.kind.name): instance for instance in seen.topology.instances}
    failed = [one for one in seen.passages if one.way.rule == rule_id and one.outcome != dial.OK]
    for _key, group in itertools.groupby(sorted(failed, key=alike), alike):
        passages = list(group)
        way = passages[0].way
        target = instances[way.target, way.component]
        sources = names(one.way.source for one in passages)
        what, do = _words(passages[0], sources, target, seen.timeout)
        yield Problem(target.where(way.option), what, do)
    yield from _undecided(rule_id, seen, instances)


def _undecided(rule_id: str, seen: Seen, instances: t.Mapping[tuple[str, str], Instance]) -> t.Iterator[Problem]:
    """One problem for all the hosts whose ways to one port were not tried for one reason."""
    groups: dict[tuple[str, str], list[Way]] = {}
    for one in seen.unproved:
        if one.is_within and one.way.rule == rule_id:
            groups.setdefault((one.way.id, one.why), []).append(one.way)
    for (_id, why), ways in groups.items():
        way = ways[0]
        line = f"from {names(one.source for one in ways)} to {way.target} on {host_port(way.address, way.port)}"
        yield Problem(
            instances[way.target, way.component].where(way.option),
            f"whether there is a way {line} ({', '.join(way.protocols)}) was not proved: {why}.",
            "correct that and run again.",
            "undecided",
        )


def _words(passage: Passage, sources: str, target: Instance, timeout: float) -> tuple[str, str]:
    way, protocol = passage.way, passage.protocol
    place = host_port(way.address, way.port)
    line = f"from {sources} to {way.target} by {protocol.upper()} on {place} ({way.component})"
    do = f"open {protocol} {way.port} from {sources} to {way.target}: on both hosts, and in what is between them."
    listen = _listen_address(way, target)
    if passage.outcome == dial.TIMEOUT:
        return f"nothing comes through {line}: no answer within {timeout:g} s, as where a firewall drops it.", do
    if passage.outcome == dial.REFUSED:
        return (
            f"nothing comes through {line}: it is refused though {way.component}'s port is held there on {listen}.",
            f"{do[:-1]}; or let it listen on the address that its peers use.",
        )
    if passage.outcome == dial.UNRESOLVED:
        return (
            f"there is no way {line}: {sources} can't resolve {way.address} ({passage.said}).",
            f"set prometheus_ha_address of {way.target} to an IP, or mend the name's resolution there.",
        )
    if passage.outcome == dial.STRANGER:
        return (
            f"something else answers {line}: the address leads to another host, or a proxy stands in between.",
            f"correct prometheus_ha_address or ansible_host of {way.target}, or take the proxy away.",
        )
    return f"there is no way {line}: {passage.said}.", f"mend the route from {sources} to {way.target}."


def _listen_address(way: Way, target: Instance) -> str:
    prefix = "cluster_" if way.option.startswith("cluster_") else ""
    return str(target.opt(f"{prefix}listen_address"))


def _incomplete(mesh: Cohort, seen: Seen) -> t.Iterator[Problem]:
    """A mesh of which every member runs: each says whom it sees."""
    members = {
        instance.name: (instance, component)
        for instance, _host, component in seen.instances()
        if instance.cohort == mesh.instances[0].cohort and component.runs
    }
    if len(members) < max(len(mesh.instances), 2):
        return
    for instance, component in members.values():
        view = component.mesh or {}
        do = f"see journalctl -u alertmanager on {instance.name}, and amtool cluster show."
        if not view.get("reachable"):
            what = f"Alertmanager runs and does not say whom it sees: {view.get('error') or 'no answer'}."
            yield Problem(instance.where("port"), what, do)
        elif len(view["peers"]) < len(mesh.instances):
            peers = ", ".join(str(peer["address"]) for peer in view["peers"]) or "nobody"
            what = f"{instance.name} sees {len(view['peers'])} of the {len(mesh.instances)} members of {mesh.title}"
            yield Problem(instance.where("mesh"), f"{what}: {peers}.", do)


# -- what holds a port -------------------------------------------------------------------------------------------------


@rule(
    "H01",
    "error",
    "Nothing else is in the way: every port, folder and unit of a component is free or its own.",
    prevents="A service that never starts, or data and configuration of others that are overwritten.",
    source="the kernel's /proc/net and systemd; alertmanager docs: Grafana's own gossip also wants 9094 (A17)",
)
def h01_nothing_in_the_way(seen: Seen) -> t.Iterator[Problem]:
    for instance, _host, component in seen.instances():
        yield from _ports(instance, component)
        for what, do in component.in_the_way:
            yield Problem(f"host {instance.name}", what, do)


def _ports(instance: Instance, component: ComponentSeen) -> t.Iterator[Problem]:
    for port in component.ports:
        where = instance.host.where(port.variable)
        if port.state == FOREIGN:
            yield Problem(where, port.said, f"stop it, or set {port.variable} to a free port.")
        elif port.state == UNUSABLE:
            place = f"{port.protocol} {host_port(port.address, port.port)}"
            what = f"{instance.kind.name} can't listen on {place} of {instance.name}: {port.said}."
            yield Problem(where, what, "give it an address that the host has, and a port that is free.")


@rule(
    "H02",
    "error",
    "Every host that takes part is reached and answers.",
    prevents="A run that is cut off half-way.",
    source="Ansible's connection",
)
def h02_hosts_answer(seen: Seen) -> t.Iterator[Problem]:
    for host, step in seen.lost.items():
        yield Problem(
            f"host {host}",
            f"it could not be reached or failed at the step {step}; nothing that needs it is proved.",
            "see its own error above; leave it out with --limit where that is meant.",
        )


RULES = (a04_mesh_is_connected, x04_ports_are_reached, h01_nothing_in_the_way, h02_hosts_answer)
