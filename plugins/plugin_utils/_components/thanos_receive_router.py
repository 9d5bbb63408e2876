# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Receive as a router: takes remote write and hands each series to its ingestors."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    _base,
    _modelled,
    _thanos,
    thanos_receive,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
)

# Ports of its own, so that a router may stand beside an ingestor.
OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options(
        "thanos_receive_router", port=10915, grpc_port=10914, data_dir="/var/lib/thanos/receive-router"
    ),
    Option(
        "thanos_receive_router_remote_write_listen_address",
        "str",
        "The address remote write listens on.",
        default="0.0.0.0",
    ),
    Option("thanos_receive_router_remote_write_port", "int", "The port of remote write.", default=10916, shared=True),
    *thanos_receive.capnproto_options("thanos_receive_router", port=10918),
)

KIND = Kind(
    name="thanos_receive_router",
    title="Thanos Receive router",
    groups=(Group("thanos_receive_router"),),
    cohort="routers",
    cohort_variable=None,
    options=OPTIONS,
    borrowed=(*_thanos.SHARED, _thanos.TENANTS, *thanos_receive.RING),
    release=_thanos.RELEASE,
    tier="thanos_receive_router",
)


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Routers write to every hashring of their environment."""
    return [
        Link(cohort, "writes to", ring, tuple(map(_thanos.grpc_endpoint, ring.instances)))
        for ring in _modelled.of_environment(topology, cohort.environment, "thanos_receive")
    ]


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A router's slice. :raises HAError: with the variable at fault."""
    rows, files = thanos_receive.routing(instance, topology)
    own = {"receive_router": instance.name}
    rows = [
        *thanos_receive.taking(instance),
        *rows,
        # It keeps nothing, and Thanos wants both of every receiver.
        _thanos.Row("label", "nothing, a router keeps no series", [f'{k}="{v}"' for k, v in own.items()]),
        _thanos.Row("tsdb.path", "data_dir", instance.opt("data_dir")),
    ]
    return _thanos.rendered(instance, "receive", rows, files)


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
