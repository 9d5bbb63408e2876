# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The balancer on a federating host: HAProxy on the loopback, which leads to one ready replica of each source set.

One port for all source sets, told apart by the first word of the path, so that no set can be taken for another one
while the balancer and Prometheus change one after the other.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _haproxy
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

NAME = "federation_balancer"
# What Prometheus' rendering reads of it.
OPTIONS: tuple[Option, ...] = (
    Option(
        f"{NAME}_enabled",
        "bool",
        "Whether HAProxy of the distribution runs on the loopback of a host that federates. It leads the V(sticky) "
        "entries of O(prometheus_federate) that have no C(address) to one ready replica each.",
        default=False,
        shared=True,
    ),
    _haproxy.state_option(NAME),
    Option(f"{NAME}_port", "int", "The balancer's port on the loopback.", default=9190, shared=True),
)
# Seconds between two looks at a replica; so many in a row that fail take it out, so many that don't bring it back:
# after a start it takes Prometheus two intervals of 5 s (discovery/manager.go, scrape/manager.go) to scrape again.
CHECK_INTERVAL, FALL, RISE = 2, 2, 6


@dataclasses.dataclass(frozen=True)
class Source:
    """A source set.

    :param servers: of each replica (_haproxy.places), in the order in which they are used. All are looked at.
    """

    name: str
    prefix: str
    servers: tuple[list[tuple[str, str]], ...]


def serves(prometheus: Instance) -> bool:
    """Whether a balancer runs beside a Prometheus."""
    return bool(prometheus.options[f"{NAME}_enabled"]) and prometheus.options[f"{NAME}_state"] == "present"


def target(prometheus: Instance) -> str:
    """Where that Prometheus reaches it. :raises HAError: when the port is none."""
    where = prometheus.host.where(f"{NAME}_port")
    return host_port(_haproxy.ADDRESS, prometheus.options[f"{NAME}_port"], where)


def path(cohort: Cohort) -> str:
    """The path below which a source set answers there. :raises HAError: when its name can't be a part of one."""
    if not _haproxy.NAME.fullmatch(cohort.name):
        raise HAError(
            f"the balancer can't tell {cohort.title} by its name",
            do="use letters, digits, dot, dash and underscore in prometheus_replica_set, or an address of your own.",
        )
    return f"/{cohort.name}"


def spread(cohorts: t.Sequence[Cohort], topology: Topology) -> list[Source]:
    """The source sets with the primary of each: the k-th one's is its k-th replica, so that not all load the first."""
    found = []
    for number, cohort in enumerate(cohorts):
        first = number % len(cohort.instances)
        replicas = (*cohort.instances[first:], *cohort.instances[:first])
        servers = tuple(_haproxy.places(one, topology) for one in replicas)
        found.append(Source(cohort.name, replicas[0].prefix, servers))
    return found


def _servers(source: Source) -> t.Iterator[str]:
    for number, servers in enumerate(source.servers):
        for name, place in servers:
            yield _haproxy.server(number, name, place, " backup" if number else "")


def haproxy(sources: t.Sequence[Source], bind: str) -> str:
    """HAProxy's configuration (its configuration manual, 2.6): the primary while it is ready, else the next."""
    # A scrape that hangs on what went away ends, and the next one goes to the other.
    lines = [
        *_haproxy.head(CHECK_INTERVAL, f"fall {FALL} rise {RISE} on-marked-down shutdown-sessions"),
        "frontend federation",
        f"    bind {bind}",
        "    monitor-uri /-/ready",
        *(f"    use_backend set-{source.name} if {{ path_beg /{source.name}/ }}" for source in sources),
        "    default_backend unknown",
        "",
        "backend unknown",
        "    http-request return status 404",
    ]
    for source in sources:
        lines += [
            "",
            f"backend set-{source.name}",
            f"    http-check send meth GET uri {source.prefix}/-/ready",
            # Without a regular expression: compiling one is refused to a unit with MemoryDenyWriteExecute.
            f"    http-request set-path {source.prefix}/%[path,field(3,/,0)]",
            *_servers(source),
        ]
    return "\n".join([*lines, ""])
