# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Model: Snapshot -> Topology: which component runs where, and which hosts stand in for one another."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables, Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option, effective
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the model must know of a component; the rest is in its file under _components/.

    :param group: the inventory group that holds it.
    :param cohort: what a set of instances that stand in for one another is called.
    :param cohort_variable: the variable that names an instance's cohort.
    """

    name: str
    title: str
    group: str
    cohort: str
    cohort_variable: str
    options: tuple[Option, ...]


@dataclasses.dataclass(frozen=True)
class Instance:
    """One component on one host. ``options`` holds the value of every option, by the variable's full name."""

    kind: Kind
    host: HostVariables
    options: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    def opt(self, name: str) -> t.Any:
        """The component's own option: ``opt("port")`` is prometheus_port."""
        return self.options[f"{self.kind.name}_{name}"]

    def where(self, name: str) -> str:
        """The inventory path of the component's own option."""
        return self.host.where(f"{self.kind.name}_{name}")

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def environment(self) -> str:
        return str(self.options["prometheus_ha_environment"])

    @property
    def cohort(self) -> tuple[str, str, str]:
        """The component, the environment and the name of the replica set or mesh it belongs to."""
        return (self.kind.name, self.environment, str(self.options[self.kind.cohort_variable]))

    @property
    def address(self) -> str:
        """The address that peers use."""
        given = self.options["prometheus_ha_address"] or self.host.values.get("ansible_host")
        return str(given or self.host.name)

    @property
    def prefix(self) -> str:
        """The path below which the web endpoint answers: /-style, without a trailing slash, empty for the root.

        Prometheus and Alertmanager take the external URL's path where no route prefix is given
        (--help of both: web.route-prefix "Defaults to path of --web.external-url").
        """
        given = self.opt("route_prefix")
        path = given if given is not None else urllib.parse.urlsplit(self.opt("external_url") or "").path
        path = "/" + str(path).strip("/")
        return "" if path == "/" else path

    @property
    def own_url(self) -> str:
        """The web endpoint as the host itself reaches it."""
        listen = str(self.opt("listen_address"))
        loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1", "[::]": "::1"}
        return f"http://{host_port(loopback.get(listen, listen), self.opt('port'))}{self.prefix}"

    @property
    def url(self) -> str:
        """The web endpoint as peers and people reach it."""
        return f"http://{host_port(self.address, self.opt('port'))}{self.prefix}"


def ip_literal(address: str) -> str | None:
    """The address where it is an IP, else None."""
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:
        return None


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Instances that stand in for one another: a replica set, a mesh. Never two of them down at once."""

    kind: Kind
    environment: str
    name: str
    instances: tuple[Instance, ...]

    @property
    def title(self) -> str:
        scope = "" if self.environment == "default" else f" of {self.environment}"
        return f"{self.kind.cohort} {self.name}{scope}"


@dataclasses.dataclass(frozen=True)
class Topology:
    """Everything that is to run. ``leaving``: instances whose state is absent, which no peer counts on."""

    instances: tuple[Instance, ...]
    leaving: tuple[Instance, ...] = ()
    folders: tuple[str, ...] = ()

    @functools.cached_property
    def cohorts(self) -> dict[tuple[str, str, str], Cohort]:
        """The replica sets and meshes, in inventory order."""
        members: dict[tuple[str, str, str], list[Instance]] = {}
        for instance in self.instances:
            members.setdefault(instance.cohort, []).append(instance)
        return {key: Cohort(instances[0].kind, key[1], key[2], tuple(instances)) for key, instances in members.items()}

    @functools.cached_property
    def by_host(self) -> dict[str, list[Instance]]:
        """The instances of each host, those that leave included."""
        hosts: dict[str, list[Instance]] = {}
        for instance in (*self.instances, *self.leaving):
            hosts.setdefault(instance.name, []).append(instance)
        return hosts

    def cohort(self, instance: Instance) -> Cohort:
        return self.cohorts[instance.cohort]

    def meshes(self, prometheus: Instance) -> list[Cohort]:
        """The Alertmanager meshes that a Prometheus alerts: the named ones, else every mesh of its environment."""
        found = [
            cohort
            for (component, environment, _), cohort in self.cohorts.items()
            if component == "alertmanager" and environment == prometheus.environment
        ]
        named = prometheus.opt("alertmanager_meshes")
        return found if named is None else [mesh for mesh in found if mesh.name in named]


def names(kinds: t.Iterable[Kind]) -> frozenset[str]:
    """Every variable the model reads."""
    options = [option.name for kind in kinds for option in kind.options]
    return frozenset([*options, *(option.name for option in COMMON), "ansible_host"])


def build(snapshot: Snapshot, kinds: t.Sequence[Kind]) -> tuple[Topology, list[Finding]]:
    """Snapshot -> Topology, and what is wrong with single variables (I01 can't be read, I02 of the wrong type)."""
    instances: list[Instance] = []
    leaving: list[Instance] = []
    bad: dict[tuple[str, str, str, str], list[HostVariables]] = {}
    for host in snapshot.hosts.values():
        renamed = host.values.get("prometheus_ha_groups") or {}
        for kind in kinds:
            if renamed.get(kind.group, kind.group) not in host.groups:
                continue
            table = (*COMMON, *kind.options)
            options, wrong = effective(table, host.values)
            mine = {option.name for option in table} | {"ansible_host"}
            for rule, problems in (("I01", host.problems), ("I02", wrong)):
                for variable, why in problems.items():
                    if variable in mine:
                        hosts = bad.setdefault((rule, variable, host.origins.get(variable, ""), why), [])
                        hosts += [] if host in hosts else [host]
            instance = Instance(kind, host, options)
            (leaving if instance.opt("state") == "absent" else instances).append(instance)
    findings = [_unusable(rule, variable, why, hosts) for (rule, variable, _, why), hosts in bad.items()]
    return Topology(tuple(instances), tuple(leaving), snapshot.folders), findings


def _unusable(rule: str, variable: str, why: str, hosts: t.Sequence[HostVariables]) -> Finding:
    """One finding for all the hosts that one line of the inventory is wrong for."""
    where = hosts[0].where(variable)
    if len(hosts) > 1:
        others = ", ".join(host.name for host in hosts[1:])
        where = where.replace(f"host {hosts[0].name}", f"hosts {hosts[0].name}, {others}", 1)
    if rule == "I02":
        return error(rule, where, f"{why.rstrip('.')}.", "give a value of that type.")
    return error(rule, where, f"the value can't be read: {why.rstrip('.')}.", "define what it uses, or correct it.")
