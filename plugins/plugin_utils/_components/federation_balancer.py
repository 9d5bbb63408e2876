# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The federation balancer: HAProxy of the distribution beside a Prometheus that federates."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import RESTART, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _balancer, _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Instance,
    Kind,
    Link,
    Topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

OPTIONS: tuple[Option, ...] = (
    *_balancer.OPTIONS,
    Option(
        "federation_balancer_unit_options",
        "dict",
        "Further settings of the unit's C([Service]) section, merged last. A list repeats a setting, V(null) removes "
        "one.",
        default={},
    ),
    Option("federation_balancer_start_timeout", "int", "Seconds a start may take.", default=30),
)

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

PACKAGE = _base.Package("haproxy", "/usr/sbin/haproxy")
CONFIG_FILE = "haproxy.cfg"


def ports(instance: Instance) -> list[_base.Port]:
    return [(instance.opt("port"), "tcp", _balancer.ADDRESS, "federation_balancer_port")]


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A balancer's slice (docs/development.md). :raises HAError: with the variable at fault."""
    sources = _balancer.spread(_federation.balanced(prometheus.beside(instance), topology), topology)
    bind = host_port(_balancer.ADDRESS, instance.port(), instance.where("port"))
    folder = f"/etc/{KIND.name}"
    text = _base.MANAGED + _balancer.haproxy(sources, bind)
    return {
        "config": {
            "root": folder,
            "owner": "root",
            "group": KIND.name,
            "files": [_base.file(CONFIG_FILE, text, "prometheus_federate")],
            "check": [[PACKAGE.executable, "-c", "-f", f"{{root}}/{CONFIG_FILE}"]],
        },
        "service": {
            "name": KIND.name,
            "user": KIND.name,
            "group": KIND.name,
            "executable": PACKAGE.executable,
            # In the foreground, without a master process: systemd is that.
            "args": ["-db", "-f", f"{folder}/{CONFIG_FILE}"],
            # It tells nobody what it has loaded: this way, its unit does.
            "environment": {"CONFIGURATION_SHA256": hashlib.sha256(text.encode()).hexdigest()},
            "data_dirs": [],
            "ports": _base.port_options(ports(instance)),
            "unit_options": instance.opt("unit_options"),
            "start_timeout": instance.opt("start_timeout"),
        },
        "api": {
            "kind": "haproxy",
            "url": instance.own_url,
            "http": {},
            "config_file": f"{folder}/{CONFIG_FILE}",
            "timeout": instance.opt("start_timeout"),
        },
        "expect": {},
        "secrets": [],
    }


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Where the balancers of a replica set lead to."""
    return [
        Link(cohort, "leads to", source, tuple(host_port(one.address, one.port()) for one in source.instances))
        for source in _federation.balanced(prometheus.beside(cohort.instances[0]), topology)
    ]


COMPONENT = _base.Component(
    kind=KIND, ports=ports, links=links, render=render, effects=(Effect("*", RESTART),), package=PACKAGE
)
