# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of the live rules: hosts that say all is well, and whatever a test makes of them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._catalogue import LIVE_RULES as LIVE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import (
    Clock,
    ComponentSeen,
    Folder,
    HostSeen,
    Passage,
    PortSeen,
    Seen,
    ways,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology

GB = 1024**3
DISK = Folder("/var/lib/x", "/var", "ext4", "/dev/vda2", False, 100 * GB, 90 * GB, 1 * GB)


def stack(**values: t.Any) -> Topology:
    """A replica set of two and a mesh of three."""
    return topology(prometheus("p-1", "p-2", **values), alertmanager("a-1", "a-2", "a-3", **values))


def component(**changes: t.Any) -> ComponentSeen:
    port = PortSeen(9094, "tcp", "0.0.0.0", "alertmanager_cluster_port", "free", "")
    return dataclasses.replace(ComponentSeen(folder=DISK, ports=(port,)), **changes)


def well(of: Topology | None = None, **components: t.Mapping[str, t.Any]) -> Seen:
    """Every host answered that all is well, and every way is open.

    :param components: by host (``_`` for ``-``), what its component says otherwise.
    """
    of = of or stack()
    hosts = {
        name: HostSeen(
            252,
            True,
            Clock(-0.05, 0.05),
            {one.kind.name: component(**components.get(name.replace("-", "_"), {})) for one in instances},
        )
        for name, instances in of.by_host.items()
    }
    open_ways = tuple(Passage(way, protocol, "ok") for way in ways(of) for protocol in way.protocols)
    return Seen(of, hosts, open_ways)


def blocked(seen: Seen, *, outcome: str = "timeout", said: str = "", **of: str) -> Seen:
    """The same, with the passages that fit (source, target, protocol, component) not open."""

    def changed(passage: Passage) -> Passage:
        has = {**dataclasses.asdict(passage.way), "protocol": passage.protocol}
        fits = all(has[key] == value for key, value in of.items())
        return dataclasses.replace(passage, outcome=outcome, said=said) if fits else passage

    return dataclasses.replace(seen, passages=tuple(map(changed, seen.passages)))


def host(seen: Seen, name: str, **changes: t.Any) -> Seen:
    """The same, with something else of a host."""
    return dataclasses.replace(seen, hosts={**seen.hosts, name: dataclasses.replace(seen.hosts[name], **changes)})


def told(seen: Seen) -> list[str]:
    """What all live rules say of it."""
    return [str(finding) for rule in LIVE for finding in rule.findings(seen)]
