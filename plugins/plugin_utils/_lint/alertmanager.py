# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Alertmanager meshes: who is in them, where they stand, and how they are run."""

from __future__ import annotations

import ipaddress
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, alertmanager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    flag_duration,
    known,
    shown,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, ip_literal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import parse_version

# Each further member delays a notification that the others miss by a peer timeout, and every pair gossips.
MOST_MEMBERS = 5
# Emptied by a reboot; the first and the last also by each start, since the units have PrivateTmp.
VOLATILE = ("/tmp", "/run", "/var/run", "/dev", "/var/tmp")
# By line, the first release that writes snapshots which older versions can read again (alertmanager CHANGELOG.md).
UNREADABLE = {(0, 32): 3, (0, 33): 1}
# Prometheus' default of --rules.alert.resend-delay.
RESEND_DELAY = "1m"


def meshes(subject: Subject) -> list[Cohort]:
    """The meshes of the inventory, those that leave left out."""
    return subject.topology.cohorts_of("alertmanager")


@rule(
    "A01",
    "error",
    "A mesh has two to five members that do not all stand in one failure domain; alerting rules have a mesh to go to.",
    prevents="One loss after which nobody is notified any more.",
    source="alertmanager docs/high_availability.md; members gossip and do not vote, so an odd count is not needed",
)
def a01_enough_members_apart(subject: Subject) -> t.Iterator[Problem]:
    for mesh in meshes(subject):
        first, count = mesh.instances[0], len(mesh.instances)
        domains = {member.options["prometheus_ha_failure_domain"] for member in mesh.instances}
        if count == 1:
            few = len(subject.topology.alerting(mesh)) <= 1
            yield Problem(
                first.where("mesh"),
                f"{mesh.title} has one member, {first.name}: while it is down, nobody is notified.",
                "put a second host into the group of Alertmanagers.",
                "warning" if few else None,
            )
        elif len(domains) == 1 and None not in domains:
            yield Problem(
                first.host.where("prometheus_ha_failure_domain"),
                f"all {count} members of {mesh.title} stand in {domains.pop()!r}, so its loss is the mesh's.",
                "put a member elsewhere, and name its rack, row or site.",
            )
        if count > MOST_MEMBERS:
            yield Problem(
                first.where("mesh"),
                f"{mesh.title} has {count} members: each waits a peer timeout longer than the one before it.",
                f"keep {MOST_MEMBERS} or fewer, and make meshes of the rest by alertmanager_mesh.",
                "warning",
            )
    yield from _alerts_to_nobody(subject)


def _alerts_to_nobody(subject: Subject) -> t.Iterator[Problem]:
    served = {mesh.environment for mesh in meshes(subject)}
    for instance in subject.topology.of("prometheus"):
        # An empty list of meshes says that it is meant.
        if instance.environment in served or instance.opt("alertmanager_meshes") == []:
            continue
        for source, group in subject.rule_groups(instance):
            if any(isinstance(each, dict) and "alert" in each for each in group.get("rules") or []):
                yield Problem(
                    instance.host.where(source.partition(":")[0]),
                    f"rules alert, and the environment {instance.environment!r} has no Alertmanager to tell.",
                    "put hosts into the group alertmanager, or say by prometheus_alertmanager_meshes: [] that none is "
                    "wanted.",
                    "warning",
                )
                break


@rule(
    "A03",
    "error",
    "The address that a member advertises is an IP at which its peers can reach it.",
    prevents="A member that starts, and that nobody ever finds.",
    source="alertmanager cluster/advertise.go; a host whose address is a name finds its own on the way to its peers",
)
def a03_advertised_address(subject: Subject) -> t.Iterator[Problem]:
    for mesh in meshes(subject):
        for member in mesh.instances:
            given = member.opt("cluster_advertise_address")
            try:
                address = member.address if given is None else str(given)
            except HAError:
                continue  # I03 says it
            if given is not None and ip_literal(address) is None:
                yield Problem(
                    member.where("cluster_advertise_address"),
                    f"{given!r} is not an IP: Alertmanager does not resolve it and would not join.",
                    "give the IP, without a port, or leave it out.",
                )
                continue
            why = _unreachable(address)
            if why and len(mesh.instances) > 1:
                where = member.address_where if given is None else member.where("cluster_advertise_address")
                yield Problem(
                    where,
                    f"the peers of {member.name} can't reach {address}, {why}.",
                    "give an IP that they can reach.",
                )


def _unreachable(address: str) -> str:
    """Why no other host reaches an address, or nothing."""
    if address == "localhost":
        return "which is each host's own"
    known = ip_literal(address)
    if known is None:
        return ""
    ip = ipaddress.ip_address(known)
    kinds = {
        "which is no address": ip.is_unspecified,
        "which is each host's own": ip.is_loopback,
        "which counts on one link alone": ip.is_link_local,
        "which is of many hosts": ip.is_multicast,
    }
    return next((words for words, holds in kinds.items() if holds), "")


@rule(
    "A04",
    "error",
    "Every member of a mesh has all others as its peers, and listens where they can reach it.",
    prevents="A split mesh, which notifies twice and does not share silences.",
    source="alertmanager docs/high_availability.md",
)
def a04_all_are_peers(subject: Subject) -> t.Iterator[Problem]:
    for mesh in meshes(subject):
        if len(mesh.instances) < 2:
            continue
        try:
            at = {member.name: host_port(member.address, member.port("cluster_port")) for member in mesh.instances}
        except HAError:
            continue  # I03 says it
        everybody = set(at.values())
        for member in mesh.instances:
            listens = str(member.opt("cluster_listen_address"))
            if _unreachable(listens) and ip_literal(listens) not in ("0.0.0.0", "::"):
                yield Problem(
                    member.where("cluster_listen_address"),
                    f"gossip listens on {listens} alone, where the peers of {member.name} can't reach it.",
                    "leave it at 0.0.0.0, or give an address of the host that its peers reach.",
                )
            rendered = subject.rendered(member)
            if rendered is None:
                continue
            given = [arg.partition("=")[2] for arg in rendered["service"]["args"] if arg.startswith("--cluster.peer=")]
            missing = everybody - {at[member.name], *given}
            if missing:
                yield Problem(
                    member.where("mesh"),
                    f"{member.name} is not told of its peers {', '.join(sorted(missing))}.",
                    "leave the peers to the collection: they are the members of the mesh.",
                )


@rule(
    "A10",
    "error",
    "Silences and the notification log are kept on a filesystem that outlives a restart.",
    prevents="Notifications that are sent again, and silences that are forgotten, after every restart.",
    source="alertmanager docs/high_availability.md; systemd.exec, PrivateTmp",
)
def a10_data_stays(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("alertmanager"):
        folder = os.path.normpath(str(instance.opt("data_dir")))
        above = next((top for top in VOLATILE if f"{folder}/".startswith(f"{top}/")), None)
        if above:
            yield Problem(
                instance.where("data_dir"),
                f"{folder} is below {above}, which is emptied.",
                "leave it at /var/lib/alertmanager, or name a folder on a disk.",
            )


@rule(
    "A13",
    "warning",
    "Every mesh has a cluster label of its own, so that it never joins another, by a wrong address or an address of "
    "former times.",
    prevents="Alerts of a test environment that page, and silences of one that hold in the other.",
    source="alertmanager cmd/alertmanager/main.go: cluster.label",
)
def a13_labels_are_distinct(subject: Subject) -> t.Iterator[Problem]:
    holders: dict[str, Cohort] = {}
    for mesh in meshes(subject):
        first = mesh.instances[0]
        label = alertmanager.cluster_label(first)
        other = holders.setdefault(label, mesh)
        if other is not mesh:
            yield Problem(
                first.where("cluster_label"),
                f"{other.title} and {mesh.title} share the cluster label {label!r}.",
                "give each its own, or leave it out: it is made of the environment and the mesh.",
            )


@rule(
    "A14",
    "warning",
    "A member that leaves is known to leave: its peers look for it until they are restarted or six hours are over.",
    prevents="An alert about alertmanager_cluster_failed_peers that nobody can explain.",
    source="alertmanager cluster/cluster.go: cluster.reconnect-timeout, 6h",
)
def a14_members_that_leave(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.leaving:
        mesh = subject.topology.cohorts.get(instance.cohort) if instance.kind.name == "alertmanager" else None
        if mesh:
            yield Problem(
                instance.where("state"),
                f"{instance.name} leaves {mesh.title}: the run takes it off every peer list; a member that is not "
                "restarted after that counts it as failed for 6h (alertmanager_cluster_failed_peers).",
                f"expect it; take {instance.name} out of the inventory once the run is through.",
            )


@rule(
    "A15",
    "warning",
    "A member holds notifications back after a start until every Prometheus has sent its alerts again (Alertmanager "
    "0.30 and later; the collection sets a minute by itself).",
    prevents="A notification after a restart about what another alert inhibits.",
    source="alertmanager#4704; alertmanager --help: dispatch.start-delay",
)
def a15_start_delay(subject: Subject) -> t.Iterator[Problem]:
    for mesh in meshes(subject):
        longest, sender = 0, ""
        for prometheus in subject.topology.alerting(mesh):
            delay = known(_base.extra_arg(prometheus, "rules.alert.resend-delay") or RESEND_DELAY)
            if delay and delay > longest:
                longest, sender = delay, prometheus.name
        for member in mesh.instances:
            try:
                held = known(member.opt("dispatch_start_delay"), flag_duration)
                told = held is not None and held < longest and alertmanager.has_start_delay(member)
            except HAError:
                continue  # I03 says what is wrong with the version
            if told:
                yield Problem(
                    member.where("dispatch_start_delay"),
                    f"notifications are held back for {shown(held or 0)}; {sender} sends its alerts again "
                    f"after {shown(longest)} (rules.alert.resend-delay).",
                    f"set {shown(longest)} or more, or a shorter resend delay.",
                )


@rule(
    "A16",
    "warning",
    "The Alertmanager is none of 0.32.0 to 0.32.2 and 0.33.0.",
    prevents="Snapshots in which versions before 0.32 find silences that match every alert: going back mutes all.",
    source="alertmanager CHANGELOG.md",
)
def a16_versions_to_avoid(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("alertmanager"):
        try:
            version = parse_version(instance.opt("version"))
        except HAError:
            continue  # I03 says it
        if version.patch < UNREADABLE.get(version.line, 0):
            yield Problem(
                instance.where("version"),
                f"{version} writes snapshots in which versions before 0.32 find silences that match every alert.",
                "pin a release before 0.32, or 0.33.1 or later; go back from it by way of 0.32.3 or 0.33.1.",
            )


RULES = (
    a01_enough_members_apart,
    a03_advertised_address,
    a04_all_are_peers,
    a10_data_stays,
    a13_labels_are_distinct,
    a14_members_that_leave,
    a15_start_delay,
    a16_versions_to_avoid,
)
