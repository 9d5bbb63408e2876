# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who writes to which remote storage, and what each sample is labelled there."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port, normal_address

# Whoever takes remote write of Thanos: routers before ingestors.
_RECEIVERS = ("thanos_receive_router", "thanos_receive")
OUTSIDE = "remote storage outside the inventory"
# vminsert is the way into VictoriaMetrics' cluster.
VICTORIAMETRICS = "victoriametrics"
_KINDS = {"vminsert": VICTORIAMETRICS}
# What prometheus_remote_write_kinds may say.
HINTS = (VICTORIAMETRICS, "mimir", "cortex", "other")
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# How the paths end that only one kind of storage takes writes at. Sources: grafana.com/docs/mimir, HTTP API (Grafana
# Cloud is Mimir at /api/prom/push); docs.victoriametrics.com, Cluster version: URL format. /api/v1/write says nothing.
_PATHS = (
    (re.compile(r".*/insert/[^/]+/prometheus/api/v1/(?:write|push)"), VICTORIAMETRICS),
    (re.compile(r".*/api/(?:v1|prom)/push"), "mimir"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Endpoint:
    """One endpoint of prometheus_remote_write.

    :param title: what people know it by; holds no secret of its URL.
    :param kind: victoriametrics, mimir, cortex, another component's name, or "" where neither a hint nor the path says.
    :param receiver: the cohort of the inventory that answers there, if one does.
    """

    writer: Instance
    title: str
    config: t.Mapping[str, t.Any]
    kind: str
    receiver: Cohort | None

    @property
    def where(self) -> str:
        return self.writer.where("remote_write")


def configs(prometheus: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """The blocks of prometheus.yml: the given ones, and where it is asked for the environment's receivers.

    The k-th set writes to the k-th router, all its replicas alike. While that is away, their write-ahead logs keep what
    they have for it (two hours of it).

    :raises HAError: where there is no receiver, or its address or port is not usable.
    """
    given: list[dict[str, t.Any]] = prometheus.opt("remote_write")
    if not prometheus.opt("write_to_receive"):
        return given
    there = [one for one in topology.of(*_RECEIVERS) if one.environment == prometheus.environment]
    routers = [one for one in there if one.kind.name == _RECEIVERS[0]] or there
    if not routers:
        raise HAError(
            f"the environment {prometheus.environment!r} has no receiver to write to",
            where=prometheus.where("write_to_receive"),
            do="put hosts into thanos_receive, or set it to false.",
        )
    sets = [one for one in topology.cohorts_of("prometheus") if one.environment == prometheus.environment]
    turn = [one.name for one in sets].index(topology.cohort(prometheus).name)
    router = routers[turn % len(routers)]
    place = host_port(router.address, router.port("remote_write_port"), router.where("remote_write_port"))
    tenant = prometheus.opt("receive_tenant")
    block: dict[str, t.Any] = {"url": f"http://{place}/api/v1/receive", "name": "thanos-receive"}
    return [*given, {**block, **({"headers": {"THANOS-TENANT": tenant}} if tenant else {})}]


def endpoints(prometheus: Instance, topology: Topology) -> list[Endpoint]:
    """What a Prometheus writes to."""
    hints = prometheus.opt("remote_write_kinds")
    found: list[Endpoint] = []
    try:
        every = configs(prometheus, topology)
    except HAError:  # rendering says so
        every = prometheus.opt("remote_write")
    for number, config in enumerate(every, 1):
        place = _place(config.get("url"), prometheus)
        instance = topology.by_endpoint.get(place) if place else None
        receiver = topology.cohort(instance) if instance else None
        hint = hints.get(str(config.get("name"))) or hints.get(str(config.get("url"))) or _assumed(config.get("url"))
        kind = _KINDS.get(receiver.kind.name, receiver.kind.name) if receiver else str(hint)
        name = config.get("name") or (place[0] if place else f"endpoint {number}")
        found.append(Endpoint(prometheus, str(name), config, kind, receiver))
    return found


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Where a replica set writes to."""
    found: dict[t.Any, tuple[Cohort | str, list[str]]] = {}
    for endpoint in endpoints(cohort.instances[0], topology):
        end: Cohort | str = endpoint.receiver or OUTSIDE
        key = endpoint.receiver.instances[0].cohort if endpoint.receiver else None
        found.setdefault(key, (end, []))[1].append(endpoint.title)
    return [Link(cohort, "writes to", end, tuple(titles)) for end, titles in found.values()]


def _assumed(url: object) -> str:
    """The kind that the path alone tells; "" where it tells none."""
    with contextlib.suppress(ValueError):
        path = urllib.parse.urlsplit(str(url)).path
        return next((kind for form, kind in _PATHS if form.fullmatch(path.rstrip("/"))), "")
    return ""


def _place(url: object, writer: Instance) -> tuple[str, int] | None:
    """Address and port of a URL; None where it is none."""
    try:
        parts = urllib.parse.urlsplit(str(url))
        address = normal_address(parts.hostname or "")
        return writer.address if address in _LOOPBACK else address, parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError, HAError):
        return None
