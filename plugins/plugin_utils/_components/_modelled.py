# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What components have in common that are checked and drawn, and that no role rolls out."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
)


def kind(name: str, title: str, cohort: str, port: int, *options: Option) -> Kind:
    """A component whose instances of one environment stand in for one another.

    :param port: the default of its port.
    """
    endpoint = (
        Option(
            f"{name}_state", "str", "V(absent) takes the host out.", default="present", choices=("present", "absent")
        ),
        Option(f"{name}_listen_address", "str", "The address it listens on.", default="0.0.0.0"),
        Option(f"{name}_port", "int", "The port it listens on.", default=port, shared=True),
        Option(f"{name}_external_url", "str", "The URL under which users reach it.", shared=True),
        Option(
            f"{name}_route_prefix",
            "str",
            "The path below which it answers.",
            shown_default=f"the path of O({name}_external_url)",
            shared=True,
        ),
    )
    return Kind(name, title, (Group(name),), cohort, None, (*endpoint, *options))


def ports(instance: Instance) -> list[_base.Port]:
    name = instance.kind.name
    return [(instance.opt("port"), "tcp", instance.opt("listen_address"), f"{name}_port")]


def component(of: Kind) -> _base.Component:
    """A component of one port that connects to nothing that is modelled."""
    return _base.Component(kind=of, ports=ports)


def of_environment(topology: Topology, environment: str, *names: str) -> list[Cohort]:
    """The cohorts of some components in an environment."""
    return [cohort for cohort in topology.cohorts_of(*names) if cohort.environment == environment]


def link(source: Cohort, verb: str, target: Cohort) -> Link:
    """A cohort's connection to every member of another."""
    return Link(source, verb, target, tuple(member.url for member in target.instances))
