# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Model: Snapshot -> Topology: which component runs where, and which hosts stand in for one another."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import ipaddress
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables, Snapshot
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option, effective
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import (
    join_url,
    normal_address,
    normal_port,
    normal_prefix,
    url_path,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """An inventory group that holds a component.

    :param defaults: what the options of its hosts are where the inventory does not set them, if not the table's.
    """

    name: str
    defaults: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Kind:
    """What the model must know of a component; the rest is in its file under _components/.

    :param groups: the inventory groups that hold it; of several that a host is in, the first counts.
    :param cohort: what a set of instances that stand in for one another is called.
    :param cohort_variable: the variable that names an instance's cohort; None: an environment has one.
    :param enabled_by: a bool option without which the groups' hosts do not run it; None: they all do.
    :param enabled_unless: an option with which it is not run, whatever the other says.
    :param leaves_with: the state of what it serves alone: where that is absent, so is this one.
    :param release: the upstream release that has its program, where that is of another name: several components may
        share one, and its version.
    :param tier: components of one tier change together, tiers one after the other (_waves.TIERS).
    :param borrowed: variables that it reads and shares with other components, which its own table leaves to them.
    """

    name: str
    title: str
    groups: tuple[Group, ...]
    cohort: str
    cohort_variable: str | None
    options: tuple[Option, ...]
    enabled_by: str | None = None
    enabled_unless: str | None = None
    leaves_with: str | None = None
    release: str | None = None
    tier: str = ""
    borrowed: tuple[Option, ...] = ()

    @functools.cached_property
    def table(self) -> tuple[Option, ...]:
        """Every variable that it reads."""
        return (*COMMON, *self.options, *self.borrowed)


@dataclasses.dataclass(frozen=True)
class Instance:
    """One component on one host. ``options`` holds the value of every option, by the variable's full name."""

    kind: Kind
    group: Group
    host: HostVariables
    options: t.Mapping[str, t.Any] = dataclasses.field(repr=False)

    def opt(self, name: str) -> t.Any:
        """The component's own option: ``opt("port")`` is prometheus_port."""
        return self.options[f"{self.kind.name}_{name}"]

    def where(self, name: str) -> str:
        """The inventory path of the component's own option."""
        return self.host.where(f"{self.kind.name}_{name}")

    @property
    def version_variable(self) -> str:
        """The variable that pins its version."""
        return f"{self.kind.release or self.kind.name}_version"

    @property
    def version(self) -> t.Any:
        """The pinned version, as the inventory has it."""
        return self.options[self.version_variable]

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def environment(self) -> str:
        return str(self.options["prometheus_ha_environment"])

    @property
    def cohort(self) -> tuple[str, str, str]:
        """The component, the environment and the name of the replica set or mesh it belongs to."""
        variable = self.kind.cohort_variable
        return (self.kind.name, self.environment, "" if variable is None else str(self.options[variable]))

    @property
    def listen_address(self) -> str:
        """What its web endpoint listens on; a component without the variable, on the loopback."""
        return str(self.options.get(f"{self.kind.name}_listen_address", "127.0.0.1"))

    def port(self, name: str = "port") -> int:
        """One of its ports. :raises HAError: when it is none."""
        return normal_port(self.opt(name), self.where(name))

    @functools.cached_property
    def address(self) -> str:
        """The address that peers use. :raises HAError: when it is neither a name nor an IP, or nobody's."""
        variable = self._address_variable
        given = self.host.name if variable is None else self.options.get(variable) or self.host.values[variable]
        address = normal_address(str(given), self.address_where)
        if address in ("0.0.0.0", "::"):
            what = f"{address} is no address that others can reach."
            raise HAError(what, where=self.address_where, do="name the host's own.")
        return address

    @property
    def known_as(self) -> list[str]:
        """What else of the inventory names its host: ansible_host, and the inventory's name itself."""
        found: list[str] = []
        for given in (self.host.values.get("ansible_host"), self.host.name):
            with contextlib.suppress(HAError):
                found += [normal_address(str(given))] if given else []
        return found

    @property
    def address_where(self) -> str:
        """The inventory path of the address."""
        return f"host {self.name}" if self._address_variable is None else self.host.where(self._address_variable)

    @property
    def _address_variable(self) -> str | None:
        known = ("prometheus_ha_address", "ansible_host")
        return next((name for name in known if self.options.get(name) or self.host.values.get(name)), None)

    @property
    def prefix(self) -> str:
        """The path below which the web endpoint answers: /-style, without a trailing slash, empty for the root.

        :raises HAError: when it is no path.

        Prometheus and Alertmanager take the external URL's path where no route prefix is given
        (--help of both: web.route-prefix "Defaults to path of --web.external-url"). A component without the variable
        answers at the root.
        """
        if f"{self.kind.name}_route_prefix" not in self.options:
            return ""
        given = self.opt("route_prefix")
        if given is not None:
            return normal_prefix(str(given), self.where("route_prefix"))
        where = self.where("external_url")
        return normal_prefix(url_path(self.opt("external_url") or "", where), where)

    @property
    def own_url(self) -> str:
        """The web endpoint as the host itself reaches it. :raises HAError: when a part of it is not usable."""
        listen = normal_address(self.listen_address, self.where("listen_address"))
        return self._url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen, listen))

    @property
    def url(self) -> str:
        """The web endpoint as peers and people reach it: from the host alone, where it listens on the loopback.

        :raises HAError: when a part of it is not usable.
        """
        return self._url(self.address) if f"{self.kind.name}_listen_address" in self.options else self.own_url

    def _url(self, address: str) -> str:
        return join_url("http", address, self.port(), self.prefix)


@functools.lru_cache(maxsize=65_536)
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
        return f"{self.kind.cohort} {self.name}".rstrip() + scope


@dataclasses.dataclass(frozen=True)
class Link:
    """One cohort's connections to another, or to something outside the inventory.

    :param verb: what it does there: alerts, gossips in, federates, leads to, queries, writes to, scrapes, watches,
        uploads to.
    :param target: the other cohort (its own for gossip), or the name of what lies outside.
    :param endpoints: what is connected to, for people: URLs or host:port.
    """

    source: Cohort
    verb: str
    target: Cohort | str
    endpoints: tuple[str, ...]

    @property
    def target_title(self) -> str:
        return self.target if isinstance(self.target, str) else self.target.title


@dataclasses.dataclass(frozen=True)
class Unusable:
    """A variable whose value can't be used by a host that needs it, and why."""

    host: HostVariables
    variable: str
    why: str


class Place(t.NamedTuple):
    """Where an instance answers.

    :param prefix: None where it is the planned one.
    :param grpc_port: 0 where it has none.
    """

    port: int
    prefix: str | None = None
    grpc_port: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Topology:
    """Everything that is to run. ``leaving``: instances whose state is absent, which no peer counts on.

    :param unreadable: values that could not be had: undefined, cyclic, encrypted without a password.
    :param mistyped: values of another type than the table says.
    :param former: by host and component, where it answers until it has moved; those who talk to it list both places.
        Empty but in the midst of such a change.
    """

    instances: tuple[Instance, ...]
    leaving: tuple[Instance, ...] = ()
    folders: tuple[str, ...] = ()
    unreadable: tuple[Unusable, ...] = ()
    mistyped: tuple[Unusable, ...] = ()
    former: t.Mapping[tuple[str, str], Place] = dataclasses.field(default_factory=dict)

    def places(self, instance: Instance) -> list[tuple[int, str]]:
        """The port and path prefix at which an instance answers: the planned one last. :raises HAError: unusable."""
        former = self.former.get((instance.name, instance.kind.name))
        planned = (instance.port(), instance.prefix)
        before = planned
        if former:
            before = (former.port, instance.prefix if former.prefix is None else former.prefix)
        return [*([before] if before != planned else []), planned]

    def grpc_ports(self, instance: Instance) -> list[int]:
        """The ports of its gRPC endpoint: the planned one last. :raises HAError: when that is not usable."""
        former = self.former.get((instance.name, instance.kind.name))
        planned = instance.port("grpc_port")
        return [*([former.grpc_port] if former and former.grpc_port not in (0, planned) else []), planned]

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

    @functools.cached_property
    def by_endpoint(self) -> dict[tuple[str, int], Instance]:
        """The instances by port and any of their hosts' names; those without a usable port are left out.

        People write the address that peers use, or another that the host is known by; the former counts first.
        """
        found: dict[tuple[str, int], Instance] = {}
        others: dict[tuple[str, int], list[Instance]] = {}
        for instance in self.instances:
            with contextlib.suppress(HAError):
                ports = [instance.port()]
                if f"{instance.kind.name}_remote_write_port" in instance.options:
                    ports.append(instance.port("remote_write_port"))
                for port in ports:
                    found.setdefault((instance.address, port), instance)
                    for name in instance.known_as:
                        others.setdefault((name, port), []).append(instance)
        # What several hosts are connected to by, a gateway for one, names none of them.
        return {key: known[0] for key, known in others.items() if len({one.name for one in known}) == 1} | found

    def cohort(self, instance: Instance) -> Cohort:
        return self.cohorts[instance.cohort]

    def of(self, *kinds: str) -> list[Instance]:
        """The instances of components, by the components' names, in inventory order."""
        return [instance for instance in self.instances if instance.kind.name in kinds]

    def cohorts_of(self, *kinds: str) -> list[Cohort]:
        """The replica sets, meshes and the like of components, by the components' names."""
        return [cohort for cohort in self.cohorts.values() if cohort.kind.name in kinds]

    def meshes(self, prometheus: Instance) -> list[Cohort]:
        """The Alertmanager meshes that a Prometheus alerts: the named ones, else every mesh of its environment."""
        found = self._meshes.get(prometheus.environment, [])
        named = prometheus.opt("alertmanager_meshes")
        return list(found) if named is None else [mesh for mesh in found if mesh.name in named]

    def alerting(self, mesh: Cohort) -> list[Instance]:
        """The Prometheus that alert a mesh, in inventory order; agents alert none."""
        return self._alerting.get(mesh.instances[0].cohort, [])

    @functools.cached_property
    def _meshes(self) -> dict[str, list[Cohort]]:
        meshes: dict[str, list[Cohort]] = {}
        for mesh in self.cohorts_of("alertmanager"):
            meshes.setdefault(mesh.environment, []).append(mesh)
        return meshes

    @functools.cached_property
    def _alerting(self) -> dict[tuple[str, str, str], list[Instance]]:
        alerting: dict[tuple[str, str, str], list[Instance]] = {}
        for prometheus in self.of("prometheus"):
            for mesh in [] if prometheus.opt("agent") else self.meshes(prometheus):
                alerting.setdefault(mesh.instances[0].cohort, []).append(prometheus)
        return alerting


def shared_names(kinds: t.Iterable[Kind]) -> frozenset[str]:
    """The variables that other hosts' slices depend on."""
    return frozenset(option.name for kind in kinds for option in kind.table if option.shared)


def names(kinds: t.Iterable[Kind]) -> frozenset[str]:
    """Every variable the model reads."""
    return frozenset([*(option.name for kind in kinds for option in kind.table), "ansible_host"])


def cohort_names(kinds: t.Iterable[Kind]) -> frozenset[str]:
    """The variables that say which instances stand in for one another; a host has one value of each."""
    own = {kind.cohort_variable for kind in kinds if kind.cohort_variable is not None}
    return frozenset({*own, "prometheus_ha_environment"})


def build(snapshot: Snapshot, kinds: t.Sequence[Kind]) -> Topology:
    """Snapshot -> Topology; a variable that can't be used has its default, and is told in the topology."""
    instances: list[Instance] = []
    leaving: list[Instance] = []
    unreadable: dict[tuple[str, str], Unusable] = {}
    mistyped: dict[tuple[str, str], Unusable] = {}

    def note(host: HostVariables, options: t.Iterable[Option], wrong: t.Mapping[str, str]) -> None:
        # By variable, since a host of two components reads what is common twice.
        mistyped.update({(host.name, name): Unusable(host, name, why) for name, why in wrong.items()})
        if host.problems:
            read = {option.name for option in options} | {"ansible_host"}
            found = {name: why for name, why in host.problems.items() if name in read}
            unreadable.update({(host.name, name): Unusable(host, name, why) for name, why in found.items()})

    for host in snapshot.hosts.values():
        # The names of the groups are read before it is known whether a host has any.
        groups, wrong = effective(_GROUPS, host.values)
        note(host, _GROUPS, wrong)
        for kind in kinds:
            mapped = groups["prometheus_ha_groups"]
            group = next((group for group in kind.groups if mapped.get(group.name, group.name) in host.groups), None)
            if group is None:
                continue
            table = kind.table
            options, wrong = effective(table, {**group.defaults, **host.values})
            if kind.enabled_by is not None and not options[kind.enabled_by]:
                continue
            if kind.enabled_unless is not None and options[kind.enabled_unless]:
                continue
            note(host, table, wrong)
            if kind.leaves_with is not None and options[kind.leaves_with] == "absent":
                options = {**options, f"{kind.name}_state": "absent"}
            instance = Instance(kind, group, host, options)
            (leaving if instance.opt("state") == "absent" else instances).append(instance)
    return Topology(
        tuple(instances), tuple(leaving), snapshot.folders, tuple(unreadable.values()), tuple(mistyped.values())
    )


_GROUPS = tuple(option for option in COMMON if option.name == "prometheus_ha_groups")
