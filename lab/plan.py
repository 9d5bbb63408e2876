"""Which hosts a lab has and which addresses they get: pure tables, no I/O.

Addresses are fixed, since inventories, certificates and tests name them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab.errors import LabError

SUBNETS = {
    "demo": "172.30.90.0/24",
    "default": "172.30.91.0/24",
    "bench": "172.30.92.0/24",
    "dev": "172.30.93.0/24",
    "scratch": "172.30.94.0/24",
    "federation": "172.30.96.0/24",
    "rolling": "172.30.98.0/24",
    "drills": "172.30.99.0/24",
    "thanos": "172.30.100.0/24",
    "providers": "172.30.101.0/24",
}
_DEMO = ("eu-1", "eu-2", "us-1", "us-2", "am-1", "am-2", "am-3")
TOPOLOGIES = {
    "demo": _DEMO,
    # Whoever watches a change does so from a host of its own, at the end: the others keep their addresses.
    "rolling": (*_DEMO, "prober"),
    "federation": (*_DEMO, "global-1", "global-2"),
    "drills": _DEMO,
    "thanos": _DEMO,
    "providers": ("gcs-1", "gcs-2", "gcs-3", "azure-1"),
    "pair4": ("eu-1", "eu-2", "am-1", "am-2"),
}
SERVICES = "services"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_FIRST_HOST = 11


@dataclass(frozen=True)
class Host:
    """One systemd host of a lab."""

    name: str
    address: str
    container: str


@dataclass(frozen=True)
class LabPlan:
    """Everything about a lab that follows from its name and its hosts."""

    name: str
    subnet: str
    gateway: str
    network: str
    bridge: str
    services_address: str
    services_container: str
    hosts: tuple[Host, ...]

    @property
    def mirror_url(self) -> str:
        """Base URL of the release mirror, as the hosts and the controller see it."""
        return f"http://{self.services_address}:8080"

    @property
    def webhook_url(self) -> str:
        """Base URL of the webhook receiver."""
        return f"http://{self.services_address}:8090"

    @property
    def objstore(self) -> str:
        """`host:port` of the object store, where the lab has one."""
        return f"{self.services_address}:9000"

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabError(f"lab {self.name} has no host {name!r}; it has: {known}")


def check_name(kind: str, name: str) -> None:
    """Refuse a name that cannot be a host name (it becomes a path and a container, too)."""
    if not _NAME.fullmatch(name):
        raise LabError(f"{kind} {name!r}: use lower-case letters, digits and dashes, 32 at most")


def topology(name: str) -> tuple[str, ...]:
    """The hosts of a named topology."""
    try:
        return TOPOLOGIES[name]
    except KeyError:
        known = ", ".join(sorted(TOPOLOGIES))
        raise LabError(f"topology {name!r} is unknown; there are: {known}") from None


def parse_hosts(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of host names."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def make_plan(name: str, hosts: Sequence[str], subnet: str | None = None) -> LabPlan:
    """Lay out a lab: gateway .1 (the controller), services .2, hosts from .11."""
    check_name("lab name", name)
    subnet = subnet or SUBNETS.get(name)
    if subnet is None:
        known = ", ".join(sorted(SUBNETS))
        raise LabError(f"lab {name!r} has no fixed subnet ({known} have): give --subnet")
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise LabError(f"--subnet {subnet}: {error}") from None
    if not network.is_private:
        raise LabError(f"--subnet {subnet}: only private addresses, the lab talks to nobody else")
    if not hosts:
        raise LabError("a lab needs at least one host")
    if len(set(hosts)) != len(hosts):
        raise LabError(f"a host is named twice: {', '.join(hosts)}")
    if len(hosts) + _FIRST_HOST > network.num_addresses - 1:
        raise LabError(f"--subnet {subnet} is too small for {len(hosts)} hosts")
    for host in hosts:
        check_name("host", host)
        if host == SERVICES:
            raise LabError(f"host name {SERVICES!r} is taken by the lab's own container")
    return LabPlan(
        name=name,
        subnet=str(network),
        gateway=str(network[1]),
        network=f"pha-{name}",
        # Interface names are limited to 15 characters.
        bridge=f"pha-{name}"[:15],
        services_address=str(network[2]),
        services_container=f"pha-{name}-{SERVICES}",
        hosts=tuple(
            Host(host, str(network[_FIRST_HOST + index]), f"pha-{name}-{host}") for index, host in enumerate(hosts)
        ),
    )


def merge_hosts(known: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """Which hosts a lab shall have, given those it already has.

    Addresses follow the order, so a list may only grow at its end; a shorter
    one leaves the rest running. Anything else would move addresses under the
    feet of whoever uses the lab, and needs `--fresh`.
    """
    if not asked:
        return tuple(known)
    short, long = sorted((tuple(known), tuple(asked)), key=len)
    if long[: len(short)] != short:
        raise LabError(
            f"the lab runs with hosts {', '.join(known)}; {', '.join(asked)} would move addresses: "
            "use --fresh or `down` first"
        )
    return long
