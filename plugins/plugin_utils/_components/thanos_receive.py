# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Receive, an ingestor: takes its part of what is written, keeps it and uploads it."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _thanos
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
)

LABEL = "receive_cluster"
_TENANT_LABEL = "thanos_receive_tenant_label"

# What routers and ingestors must agree on.
RING: tuple[Option, ...] = (
    Option(
        "thanos_receive_default_tenant",
        "str",
        "The tenant of what is written without one.",
        default="default-tenant",
        shared=True,
    ),
    Option(
        _TENANT_LABEL,
        "str",
        "The label that each tenant's series and blocks have.",
        default="tenant_id",
        shared=True,
    ),
    Option(
        "thanos_receive_replication_factor",
        "int",
        "How many ingestors keep each series. A write is good once a quorum has it: one of 2, two of 3.",
        shown_default="the number of ingestors of the hashring, at most 3",
        shared=True,
    ),
    Option(
        "thanos_receive_hashring_algorithm",
        "str",
        "How series are shared out over the ingestors.",
        default="ketama",
        choices=("ketama", "hashmod"),
        shared=True,
    ),
    Option(
        "thanos_receive_hashrings",
        "list",
        "The hashrings, as Thanos' file has them, in place of those that the inventory makes.",
        elements="dict",
        keys=(
            "hashring",
            "endpoints",
            "algorithm",
            "tenants",
            "tenant_matcher_type",
            "external_labels",
            "shuffle_sharding_config",
        ),
        shown_default="one for each O(thanos_receive_hashring), with its ingestors and their failure domains as zones",
        shared=True,
    ),
)

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_receive", port=10909, grpc_port=10907, data_dir="/var/lib/thanos/receive"),
    Option(
        "thanos_receive_remote_write_listen_address", "str", "The address remote write listens on.", default="0.0.0.0"
    ),
    Option("thanos_receive_remote_write_port", "int", "The port of remote write.", default=10908, shared=True),
    *RING,
    Option(
        "thanos_receive_hashring",
        "str",
        "Ingestors with the same value form one hashring.",
        default="default",
        shared=True,
    ),
    Option(
        "thanos_receive_local_endpoint",
        "str",
        "The ingestor as the hashrings name it, as C(host:port).",
        shown_default="C(prometheus_ha_address) and O(thanos_receive_grpc_port)",
        shared=True,
    ),
    Option(
        "thanos_receive_labels",
        "dict",
        "The external labels of what the whole hashring keeps; the replica and tenant labels are added.",
        shown_default=f"C({LABEL}=<environment>-<hashring>)",
        shared=True,
    ),
    Option(
        "thanos_receive_replica_label",
        "str",
        "The label that tells the copies of a series apart.",
        default="receive_replica",
        shared=True,
    ),
    Option(
        "thanos_receive_replica",
        "str",
        "The value of the replica label.",
        shown_default="the inventory host name",
        shared=True,
    ),
    Option("thanos_receive_retention", "str", "How long samples are kept locally.", default="15d"),
    Option(
        "thanos_receive_out_of_order_time_window",
        "str",
        "How late a sample may be; V(0s) takes none that is out of order.",
        default="0s",
    ),
)

KIND = Kind(
    name="thanos_receive",
    title="Thanos Receive",
    groups=(Group("thanos_receive"),),
    cohort="hashring",
    cohort_variable="thanos_receive_hashring",
    options=OPTIONS,
    borrowed=(*_thanos.SHARED, _thanos.OBJSTORE, _thanos.TENANTS),
)


def labels(instance: Instance) -> dict[str, str]:
    """The labels of its hashring, without those of the replica and the tenant."""
    return _thanos.labels(instance, LABEL)


def tenant_label(instance: Instance) -> str:
    """The name of the label that holds the tenant; also of a router."""
    return str(instance.options[_TENANT_LABEL])


def local_endpoint(instance: Instance) -> str:
    """An ingestor as the hashrings name it. :raises HAError: when its address or port is not usable."""
    return str(instance.opt("local_endpoint") or _thanos.grpc_endpoint(instance))


def replication_factor(instance: Instance, ingestors: int) -> int:
    """How many copies a router or an ingestor makes, in a hashring of so many ingestors."""
    given: int | None = instance.options["thanos_receive_replication_factor"]
    return min(ingestors, 3) if given is None else given


def links(cohort: Cohort, _topology: Topology) -> list[Link]:
    return _thanos.bucket_links(cohort, "uploads to")


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links)
