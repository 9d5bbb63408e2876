# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dashboards' tier: Grafana, its database and cache, and the load balancer in front."""

from __future__ import annotations

import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

# Databases that several instances can share; the default, SQLite, is a file of one host.
# Source: Grafana docs, "Set up Grafana for high availability".
SHARED_DATABASES = ("mysql", "postgres")

KIND = _modelled.kind(
    "grafana",
    "Grafana",
    "Grafana",
    3000,
    Option(
        "grafana_database_url",
        "str",
        "The database, as C(postgres://user:password@host/grafana), where it is none of the group grafana_database.",
        secret=True,
    ),
    Option(
        "grafana_alerting_ha",
        "str",
        "How several instances agree on who sends an alert: V(gossip) among themselves, or V(redis).",
        default="none",
        choices=("gossip", "redis", "none"),
    ),
    Option(
        "grafana_alerting_redis_address",
        "str",
        "The Redis of V(grafana_alerting_ha=redis) as host:port, where it is none of the group grafana_cache.",
    ),
    Option("grafana_ha_listen_address", "str", "The address alerting's gossip listens on.", default="0.0.0.0"),
    Option("grafana_ha_port", "int", "The port of alerting's gossip, TCP and UDP.", default=9094, shared=True),
)

DATABASE = _modelled.kind(
    "grafana_database",
    "Grafana's database",
    "database",
    5432,
    Option(
        "grafana_database_type",
        "str",
        "What the group grafana_database runs.",
        default="postgres",
        choices=SHARED_DATABASES,
    ),
)
CACHE = _modelled.kind("grafana_cache", "Grafana's Redis", "cache", 6379)
LOADBALANCER = _modelled.kind("loadbalancer", "Load balancer", "load balancer", 80)


def database_scheme(instance: Instance) -> str | None:
    """Which kind of database grafana_database_url names; None where it is not set. Shows nothing else of it."""
    url = instance.opt("database_url")
    if url is None:
        return None
    try:
        # postgres and postgresql are one: grafana reads the first word.
        return urllib.parse.urlsplit(str(url)).scheme.replace("postgresql", "postgres")
    except ValueError:  # of a host that opens a bracket and does not close it
        return ""


def ports(instance: Instance) -> list[_base.Port]:
    found = _modelled.ports(instance)
    if instance.opt("alerting_ha") == "gossip":
        address = instance.opt("ha_listen_address")
        found += [(instance.opt("ha_port"), protocol, address, "grafana_ha_port") for protocol in ("tcp", "udp")]
    return found


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Grafana queries Thanos where there is one, else every replica set; it stores in its database."""
    environment = cohort.environment
    first = cohort.instances[0]
    queried: list[Cohort] = []
    for names in (("thanos_query_frontend",), ("thanos_query",), ("prometheus",)):
        queried = queried or _modelled.of_environment(topology, environment, *names)
    queried = [one for one in queried if one.kind.name != "prometheus" or not one.instances[0].opt("agent")]
    queried += _modelled.of_environment(topology, environment, "mimir", "cortex", "victoriametrics", "vmselect")
    found = [_modelled.link(cohort, "queries", one) for one in queried]
    stores = _modelled.of_environment(topology, environment, "grafana_database")
    found += [_modelled.link(cohort, "stores in", one) for one in stores]
    if first.opt("database_url") and not stores:
        found.append(Link(cohort, "stores in", "database outside the inventory", ()))
    if first.opt("alerting_ha") == "redis":
        caches = _modelled.of_environment(topology, environment, "grafana_cache")
        found += [_modelled.link(cohort, "agrees by", one) for one in caches]
    if first.opt("alerting_ha") == "gossip":
        peers = tuple(host_port(peer.address, peer.opt("ha_port")) for peer in cohort.instances)
        found.append(Link(cohort, "gossips in", cohort, peers))
    return found


def balanced(cohort: Cohort, topology: Topology) -> list[Link]:
    """A load balancer leads to Grafana."""
    return [
        _modelled.link(cohort, "leads to", one)
        for one in _modelled.of_environment(topology, cohort.environment, "grafana")
    ]


COMPONENTS = (
    _base.Component(kind=KIND, ports=ports, links=links),
    _modelled.component(DATABASE),
    _modelled.component(CACHE),
    _base.Component(kind=LOADBALANCER, ports=_modelled.ports, links=balanced),
)
