# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who produces blocks for which bucket, and the labels that tell them, their replicas and the global view's apart."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _labels, _remote_write
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._buckets import Bucket
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import (
    _thanos,
    prometheus,
    thanos_receive,
    thanos_rule,
    thanos_sidecar,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology

Labels = t.Dict[str, str]


@dataclasses.dataclass(frozen=True, eq=False)
class Producer:
    """A sidecar, ruler or receiver: what it produces has these labels.

    :param labels: those of its cohort, without the replica label.
    :param tenant_label: a receiver's; each tenant's blocks are a stream of their own.
    :param tenants: the known ones; the inventory may leave open which there are.
    :param variable: the inventory variable that sets the labels.
    """

    instance: Instance
    labels: Labels
    replica_label: str
    replica: str
    variable: str
    tenant_label: str = ""
    tenants: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return self.instance.host.where(self.variable)

    @property
    def bucket(self) -> Bucket | None:
        """The bucket that it uploads to; none where it does not, or where its configuration can't be read."""
        return _thanos.usable_bucket(self.instance)

    @property
    def full(self) -> Labels:
        """Its labels, the replica label included."""
        return {**self.labels, self.replica_label: self.replica}

    def streams(self) -> t.Iterator[Labels]:
        """The label sets of its blocks."""
        if not self.tenant_label:
            yield self.full
        for tenant in self.tenants:
            yield {**self.full, self.tenant_label: tenant}


def producers(topology: Topology) -> list[Producer]:
    """All producers of blocks, of all environments, in inventory order."""
    makers = {"thanos_sidecar": _of_sidecar, "thanos_rule": _of_ruler, "thanos_receive": _of_receiver}
    return [makers[instance.kind.name](instance) for instance in topology.instances if instance.kind.name in makers]


def by_bucket(topology: Topology) -> dict[Bucket, list[Producer]]:
    """The producers of each bucket, whatever their environments."""
    found: dict[Bucket, list[Producer]] = {}
    for producer in producers(topology):
        if producer.bucket is not None:
            found.setdefault(producer.bucket, []).append(producer)
    return found


def _of_sidecar(instance: Instance) -> Producer:
    beside = thanos_sidecar.prometheus_of(instance)
    return Producer(
        instance,
        _labels.shared_labels(beside),
        _labels.replica_label_of(beside),
        prometheus.replica(beside),
        "prometheus_external_labels",
    )


def _of_ruler(instance: Instance) -> Producer:
    return Producer(
        instance,
        thanos_rule.labels(instance),
        instance.opt("replica_label"),
        _thanos.replica(instance),
        "thanos_rule_labels",
    )


def _of_receiver(instance: Instance) -> Producer:
    tenants = instance.options["thanos_tenants"]
    return Producer(
        instance,
        thanos_receive.labels(instance),
        instance.opt("replica_label"),
        _thanos.replica(instance),
        "thanos_receive_labels",
        thanos_receive.tenant_label(instance),
        tuple(tenants) if tenants else (instance.opt("default_tenant"),),
    )


@dataclasses.dataclass(frozen=True)
class ReplicaLabels:
    """The labels that tell copies of a series apart in the view of an environment's queriers, each with its origin.

    :param needed: those that queriers see.
    :param known: those that they may see: a remote write may drop what a Prometheus adds.
    """

    needed: t.Mapping[str, str]
    known: t.Mapping[str, str]


def replica_labels(topology: Topology, environment: str) -> ReplicaLabels:
    """The union over all layers: Prometheus' behind sidecars or remote write, rulers' and receivers'."""
    needed: dict[str, str] = {}
    for producer in producers(topology):
        if producer.instance.environment == environment:
            needed.setdefault(producer.replica_label, f"{producer.instance.kind.title} on {producer.instance.name}")
    known = dict(needed)
    for cohort in topology.cohorts_of("prometheus"):
        first = cohort.instances[0]
        if cohort.environment == environment and _writes_to_receivers(first, topology):
            known.setdefault(_labels.replica_label_of(first), f"Prometheus on {first.name}")
    return ReplicaLabels(needed, known)


def _writes_to_receivers(writer: Instance, topology: Topology) -> bool:
    kinds = {endpoint.kind for endpoint in _remote_write.endpoints(writer, topology)}
    return bool(kinds & {"thanos_receive", "thanos_receive_router"})


def query_replica_labels(querier: Instance, topology: Topology) -> list[str]:
    """The labels along which a querier deduplicates: the given ones, else the union over all layers."""
    given: list[str] | None = querier.opt("replica_labels")
    return sorted(replica_labels(topology, querier.environment).known) if given is None else given
