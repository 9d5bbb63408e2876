# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The federation balancer: HAProxy of the distribution beside a Prometheus that federates."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _balancer, _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _haproxy, prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Instance,
    Kind,
    Link,
    Topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

OPTIONS: tuple[Option, ...] = (*_balancer.OPTIONS, *_haproxy.unit_options(_balancer.NAME))

KIND = Kind(
    name=_balancer.NAME,
    title="Federation balancer",
    groups=prometheus.KIND.groups,
    cohort=prometheus.KIND.cohort,
    cohort_variable=prometheus.KIND.cohort_variable,
    options=OPTIONS,
    enabled_by="federation_balancer_enabled",
    leaves_with="prometheus_state",
    borrowed=prometheus.OPTIONS,
)


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A balancer's slice (docs/development.md). :raises HAError: with the variable at fault."""
    sources = _balancer.spread(_federation.balanced(prometheus.beside(instance), topology), topology)
    bind = host_port(_haproxy.ADDRESS, instance.port(), instance.where("port"))
    return _haproxy.rendered(instance, _balancer.haproxy(sources, bind), "prometheus_federate")


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Where the balancers of a replica set lead to."""
    return [
        Link(cohort, "leads to", source, tuple(host_port(one.address, one.port()) for one in source.instances))
        for source in _federation.balanced(prometheus.beside(cohort.instances[0]), topology)
    ]


COMPONENT = _base.Component(
    kind=KIND, ports=_haproxy.ports, links=links, render=render, effects=_haproxy.EFFECTS, package=_haproxy.PACKAGE
)
