# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The components there are. Adding one: its file under _components/, a row here, a role."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    alertmanager,
    federation_balancer,
    grafana,
    prometheus,
    promregator,
    remote_storage,
    thanos_compact,
    thanos_query,
    thanos_query_balancer,
    thanos_query_frontend,
    thanos_receive,
    thanos_receive_router,
    thanos_rule,
    thanos_sidecar,
    thanos_store,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import Component
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Link, Topology

COMPONENTS: tuple[Component, ...] = (
    # Before the Prometheus that goes through it, so that it is there first.
    federation_balancer.COMPONENT,
    prometheus.COMPONENT,
    alertmanager.COMPONENT,
    # Thanos in the order in which it is rolled: what keeps data before what asks it, the compactor last.
    thanos_sidecar.COMPONENT,
    thanos_store.COMPONENT,
    thanos_receive.COMPONENT,
    thanos_receive_router.COMPONENT,
    thanos_rule.COMPONENT,
    thanos_query.COMPONENT,
    thanos_query_balancer.COMPONENT,
    thanos_query_frontend.COMPONENT,
    thanos_compact.COMPONENT,
    *remote_storage.COMPONENTS,
    *grafana.COMPONENTS,
    promregator.COMPONENT,
)
KINDS = tuple(component.kind for component in COMPONENTS)
NAMES = _topology.names(KINDS)
COHORT_NAMES = _topology.cohort_names(KINDS)
SHARED = _topology.shared_names(KINDS)

_BY_NAME = {component.kind.name: component for component in COMPONENTS}


def component(name: str) -> Component:
    return _BY_NAME[name]


def is_known(name: str) -> bool:
    """Whether there is such a component: a plan by hand may name others."""
    return name in _BY_NAME


def links(topology: Topology) -> list[Link]:
    """What every replica set, mesh and the like connects to, in inventory order."""
    return [
        link for cohort in topology.cohorts.values() for link in component(cohort.kind.name).links(cohort, topology)
    ]
