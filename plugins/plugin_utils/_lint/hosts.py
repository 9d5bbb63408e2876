# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what shares a host, and what must not."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.inventory import unusable
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Instance,
    Link,
    Topology,
    ip_literal,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import Version, parse_version

# A process that listens on one of these holds the port on all of its host's addresses: Go, of which all components
# are, takes 0.0.0.0 for both families (seen with alertmanager 0.33.1).
_ALL = ("0.0.0.0", "::", "")


@rule(
    "X01",
    "error",
    "No two of a replica set or mesh share a host, and not all of a replica set a declared failure domain.",
    prevents="Redundancy that is none: they would be one peer, one target, and fail as one.",
    source="the collection's inventory contract: prometheus_ha_address, prometheus_ha_failure_domain",
)
def x01_replicas_are_apart(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts.values():
        holders: dict[str, str] = {}
        for instance in cohort.instances:
            if unusable(instance):
                continue
            other = holders.setdefault(instance.address, instance.name)
            if other != instance.name:
                yield Problem(
                    instance.address_where,
                    f"{other} and {instance.name} of {cohort.title} have the same address {instance.address}.",
                    "give each its own prometheus_ha_address or ansible_host.",
                )
        if cohort.kind.name != "alertmanager":  # A01 says it of a mesh
            yield from _one_domain(cohort)


def _one_domain(cohort: Cohort) -> t.Iterator[Problem]:
    """Domains that members share: all of them, or two of a replica set of which others are apart."""
    domains: dict[str, list[Instance]] = {}
    for instance in cohort.instances:
        domain = instance.options["prometheus_ha_failure_domain"]
        if domain is not None:
            domains.setdefault(domain, []).append(instance)
    for domain, instances in domains.items():
        alike = len(instances) == len(cohort.instances)
        # Shards, rings and the like have more members than there are racks.
        if len(instances) > 1 and (alike or cohort.kind.name == "prometheus"):
            names = ", ".join(instance.name for instance in instances)
            yield Problem(
                instances[-1].host.where("prometheus_ha_failure_domain"),
                f"{names} of {cohort.title} stand in one failure domain, {domain!r}.",
                "put them apart, and name for each the rack, row or site with which it fails.",
                None if alike else "warning",
            )


@rule(
    "X02",
    "warning",
    "A replica set has more than one member (A01 says it of a mesh).",
    prevents="Gaps in series and alerts while the one is changed, restarted or lost.",
    source="prometheus docs: high availability is two identical servers",
)
def x02_more_than_one(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        if len(cohort.instances) == 1:
            instance = cohort.instances[0]
            yield Problem(
                instance.where("replica_set"),
                f"{cohort.title} has one member, {instance.name}: nothing stands in for it.",
                "put a second host into the set.",
            )


@rule(
    "X03",
    "error",
    "No two services of a host share a port or a data folder.",
    prevents="A service that never starts.",
    source="--help of the components: web.listen-address, cluster.listen-address, storage.tsdb.path and their kin",
)
def x03_nothing_is_shared(subject: Subject) -> t.Iterator[Problem]:
    for clash in _clashes(subject):
        if not clash.of_gossip:
            yield clash.problem()


@rule(
    "A17",
    "error",
    "The gossip of an Alertmanager and that of a Grafana on the same host have ports of their own: both want 9094.",
    prevents="Whichever of the two starts later never starts.",
    source="grafana docs, alerting high availability: ha_listen_address; alertmanager --help: cluster.listen-address",
)
def a17_gossip_of_grafana(subject: Subject) -> t.Iterator[Problem]:
    for clash in _clashes(subject):
        if clash.of_gossip and "tcp" in clash.what:  # the same by UDP is no other problem
            yield clash.problem()


class _Claim(t.NamedTuple):
    """What an instance takes of its host, on an address; and the variable to change."""

    address: str
    instance: Instance
    variable: str


class _Clash(t.NamedTuple):
    """Two that want the same of a host: the port or folder in words."""

    what: str
    one: _Claim
    other: _Claim

    @property
    def of_gossip(self) -> bool:
        return {self.one.variable, self.other.variable} == {"alertmanager_cluster_port", "grafana_ha_port"}

    def problem(self) -> Problem:
        one, other = self.one, self.other
        return Problem(
            one.instance.host.where(one.variable),
            f"{one.instance.kind.name} and {other.instance.kind.name} would both use the {self.what} "
            f"(the other one by {other.variable}).",
            f"give {one.variable} or {other.variable} another value.",
        )


def _clashes(subject: Subject) -> t.Iterator[_Clash]:
    """By claim, the first other one that wants the same on an address that both listen on."""
    taken: dict[tuple[str, str], list[_Claim]] = {}
    for what, claim in _claims(subject.topology.instances):
        others = taken.setdefault((claim.instance.name, what), [])
        for other in others:
            if claim.address == other.address or not {claim.address, other.address}.isdisjoint(_ALL):
                yield _Clash(what, claim, other)
                break
        others.append(claim)


def _claims(instances: t.Iterable[Instance]) -> t.Iterator[tuple[str, _Claim]]:
    for instance in instances:
        for port, protocol, listens, variable in _registry.component(instance.kind.name).ports(instance):
            yield f"{protocol} port {port}", _Claim(ip_literal(str(listens)) or str(listens), instance, variable)
        variable = f"{instance.kind.name}_data_dir"
        if instance.options.get(variable):
            yield f"folder {os.path.normpath(instance.options[variable])}", _Claim("", instance, variable)


# Folders that belong to the system as they are, and trees that nothing may keep its data in.
_SYSTEM = (
    *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root"),
    *("/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/local", "/var", "/var/lib", "/var/log", "/var/tmp"),
)
_NO_DATA_BELOW = ("/boot/", "/etc/", "/proc/", "/sys/", "/usr/bin/", "/usr/lib/")


@rule(
    "I12",
    "error",
    "Every data folder is an absolute path, to a folder of its component alone and not to one of the system's.",
    prevents="Data that lands where nobody looks for it, and a system folder that becomes a component's.",
    source="systemd.exec, ReadWritePaths; Filesystem Hierarchy Standard 3.0",
)
def i12_folders_of_their_own(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.instances:
        given = instance.options.get(f"{instance.kind.name}_data_dir")
        if given is None:
            continue
        # POSIX leaves two leading slashes as they are.
        folder = "/" + os.path.normpath(given).lstrip("/")
        if not given.startswith("/"):
            what = f"{given!r} is not an absolute path."
        elif folder in _SYSTEM or folder.startswith(_NO_DATA_BELOW):
            what = f"{folder} is a folder of the system."
        else:
            continue
        yield Problem(instance.where("data_dir"), what, f"name one of its own, as /var/lib/{instance.kind.name}.")


@rule(
    "X05",
    "error",
    "What other hosts connect to has an address, and listens on one, that they can reach (A03 and A04 say it of "
    "gossip).",
    prevents="Alerts, series and queries that each host sends to itself.",
    source="RFC 1122, 3.2.1.3, and RFC 6761, 6.3: loopback addresses and localhost are each host's own",
)
def x05_reached_by_others(subject: Subject) -> t.Iterator[Problem]:
    suspects = [(instance, list(_loopback(instance))) for instance in subject.topology.instances]
    suspects = [(instance, found) for instance, found in suspects if found]
    callers = _callers(subject.topology) if suspects else {}
    told: set[str] = set()
    for instance, found in suspects:
        names = set(callers.get(instance.cohort, ()))
        for where, what, do in found:
            # Of replicas each is one that people and the gate ask, whoever else does.
            peers = {each.name for each in subject.topology.cohort(instance).instances}
            others = sorted((names | peers if where == instance.address_where else names) - {instance.name})
            if others and where not in told:
                told.add(where)
                yield Problem(where, f"{what}, where {others[0]} can't reach it.", do)


def _loopback(instance: Instance) -> t.Iterator[tuple[str, str, str]]:
    """Which of an instance's addresses are each host's own: where, what, and what to do."""
    if unusable(instance):
        return
    name = instance.kind.name
    # A03 says it of a member of a mesh that has no address of its own for gossip.
    gossips = name == "alertmanager" and instance.opt("cluster_advertise_address") is None
    if _own(instance.address) and not gossips:
        what = f"the address of {instance.name} is {instance.address}"
        yield instance.address_where, what, "give one that other hosts can reach, as prometheus_ha_address."
    listens = instance.listen_address
    if name in ("prometheus", "alertmanager") and _own(listens):
        what = f"{name} listens on {listens} alone"
        yield instance.where("listen_address"), what, "leave it at 0.0.0.0, or give an address that others can reach."


def _own(address: str) -> bool:
    literal = ip_literal(address)
    return address == "localhost" if literal is None else ipaddress.ip_address(literal).is_loopback


def _callers(topology: Topology) -> dict[tuple[str, str, str], set[str]]:
    """By cohort, the hosts that connect to it; gossip has an address of its own."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for cohort in topology.cohorts.values():
        links: list[Link] = []
        with contextlib.suppress(HAError):  # I03 says it
            links = _registry.component(cohort.kind.name).links(cohort, topology)
        for link in links:
            if isinstance(link.target, Cohort) and link.verb != "gossips in":
                names = found.setdefault(link.target.instances[0].cohort, set())
                names.update(each.name for each in link.source.instances)
    return found


@rule(
    "X07",
    "warning",
    "All hosts of a replica set or mesh are pinned to one version.",
    prevents="Replicas that make different things of the same rules and configuration; members that do not understand "
    "one another's silences.",
    source="prometheus docs/migration.md: PromQL; alertmanager CHANGELOG.md: 0.32.3",
)
def x07_one_version(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of(*_PINNED):
        versions: dict[Version, list[Instance]] = {}
        for instance in cohort.instances:
            with contextlib.suppress(HAError):  # I03 says it
                versions.setdefault(parse_version(instance.version), []).append(instance)
        if len(versions) > 1:
            named_by = ((version, [one.name for one in versions[version]]) for version in sorted(versions))
            each = "; ".join(f"{version} on {named(names)}" for version, names in named_by)
            fewest = min(versions.values(), key=len)
            yield Problem(
                fewest[0].host.where(fewest[0].version_variable),
                f"{cohort.title} is pinned to several versions: {each}.",
                "set one for the whole of it, in its group. While you go through an upgrade host by host, ignore X07 "
                "with that reason.",
            )


_PINNED = (
    *("prometheus", "alertmanager", "thanos_sidecar", "thanos_query", "thanos_query_frontend", "thanos_store"),
    *("thanos_rule", "thanos_receive", "thanos_receive_router"),
)


RULES = (
    i12_folders_of_their_own,
    x01_replicas_are_apart,
    x02_more_than_one,
    x03_nothing_is_shared,
    x05_reached_by_others,
    x07_one_version,
    a17_gossip_of_grafana,
)
