# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules over what hosts have pending: changes that others feel until they have made theirs."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Seen


@rule(
    "A19",
    "error",
    "What a mesh's gossip depends on (cluster label, gossip TLS, cluster port) changes with consent.",
    prevents="A mesh that is split while its members restart: for some seconds nobody notifies, or two do.",
    source="alertmanager cluster/cluster.go; the collection's operations guide",
)
def a19_gossip_changes(seen: Seen) -> t.Iterator[Problem]:
    yield from _felt(
        seen,
        "peers",
        "members that have it don't hear those that don't. All restart at the same moment, and for some seconds there "
        "is no mesh",
        "A19",
    )


@rule(
    "X06",
    "error",
    "An endpoint's port (web, gRPC, remote write), path prefix, scheme or credentials change with consent.",
    prevents="Bookmarks, dashboards, balancers and scrape jobs of your own that point nowhere.",
    source="the collection's operations guide",
)
def x06_endpoint_moves(seen: Seen) -> t.Iterator[Problem]:
    yield from _felt(
        seen,
        "clients",
        "who talks to it has to know. Those that this collection configures list both places until all have moved; "
        "what you wrote yourself, it does not know",
        "X06",
    )


def _felt(seen: Seen, whom: str, why: str, rule_id: str) -> t.Iterator[Problem]:
    """One problem for all hosts of a set or mesh that make the same change."""
    groups: dict[tuple[tuple[str, str, str], str], list[str]] = {}
    for instance in seen.topology.instances:
        changes = seen.breaks.get((instance.name, instance.kind.name), {}).get(whom, ())
        if changes:
            groups.setdefault((instance.cohort, "; ".join(changes)), []).append(instance.name)
    for (cohort, changes), hosts in groups.items():
        title = seen.topology.cohorts[cohort].title
        yield Problem(
            f"host {hosts[0]}",
            f"{title}, on {', '.join(hosts)}: {changes}: {why}.",
            f"leave it, or consent: prometheus_ha_preflight_ignore: [{{id: {rule_id}, reason: ...}}].",
        )


RULES = (a19_gossip_changes, x06_endpoint_moves)
