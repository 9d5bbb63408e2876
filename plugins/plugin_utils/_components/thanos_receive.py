# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Receive, an ingestor: takes its part of what is written, keeps it and uploads it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _versions, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled, _thanos
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
# thanos CHANGELOG.md, 0.37.0.
CAPNPROTO_SINCE = (0, 37)

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


def capnproto_options(role: str, *, port: int) -> tuple[Option, ...]:
    """The rows of the endpoint that every receiver has, whether it is used or not (thanos cmd/thanos/receive.go)."""
    return (
        Option(
            f"{role}_capnproto_listen_address",
            "str",
            "The address that replication by Cap'n Proto listens on; whoever reaches it may write. Where those that "
            "route have C(receive.replication-protocol: capnproto) in their C(extra_args), ingestors need "
            "C(0.0.0.0) or an address that these reach.",
            default="127.0.0.1",
        ),
        Option(
            f"{role}_capnproto_port",
            "int",
            "The port of replication by Cap'n Proto. Those that route by it ask ingestors at V(19391), unless "
            "O(thanos_receive_hashrings) has their C(capnproto_address).",
            default=port,
        ),
    )


OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_receive", port=10909, grpc_port=10907, data_dir="/var/lib/thanos/receive"),
    Option(
        "thanos_receive_remote_write_listen_address", "str", "The address remote write listens on.", default="0.0.0.0"
    ),
    Option("thanos_receive_remote_write_port", "int", "The port of remote write.", default=10908, shared=True),
    *capnproto_options("thanos_receive", port=19391),
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
    borrowed=(*_thanos.SHARED, *_thanos.BUCKET, _thanos.TENANTS),
    release=_thanos.RELEASE,
    tier="thanos_receive",
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


def endpoints(ring: t.Mapping[str, t.Any]) -> list[str]:
    """The endpoints of a hashring as Thanos' file has it: text, or a mapping with an address."""
    given = ring.get("endpoints")
    found = [
        each.get("address") if isinstance(each, dict) else each for each in (given if isinstance(given, list) else ())
    ]
    return [str(each) for each in found if each]


def hashrings(instance: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """What hashrings.json says, the same for all routers and ingestors of an environment (T12).

    :raises HAError: when an ingestor's address or port is not usable.
    """
    given: list[dict[str, t.Any]] | None = instance.options["thanos_receive_hashrings"]
    if given is not None:
        return given
    rings = _modelled.of_environment(topology, instance.environment, "thanos_receive")
    return [
        {
            "hashring": ring.name,
            "algorithm": instance.options["thanos_receive_hashring_algorithm"],
            **({"tenants": tenants(ring)} if tenants(ring) else {}),
            "endpoints": [_member(ingestor) for ingestor in ring.instances],
        }
        # The first that fits takes a write (thanos pkg/receive/hashring.go, multiHashring).
        for ring in sorted(rings, key=lambda each: not tenants(each))
    ]


def tenants(ring: Cohort) -> list[str]:
    """What a hashring of the inventory takes, as all of its ingestors say (T12); none: whatever no other takes."""
    return list(map(str, ring.instances[0].options["thanos_tenants"] or ()))


def _member(ingestor: Instance) -> dict[str, str]:
    """Of two zones, copies go to both (thanos docs/components/receive.md, availability zones)."""
    zone = ingestor.options["prometheus_ha_failure_domain"]
    return {"address": local_endpoint(ingestor), **({"az": str(zone)} if zone else {})}


def routing(instance: Instance, topology: Topology) -> tuple[list[_thanos.Row], list[_thanos.Text]]:
    """The flags and the file of one that knows the hashrings."""
    rings = hashrings(instance, topology)
    path = _waves.HASHRINGS
    text = _thanos.Text(path, json.dumps(rings, indent=2) + "\n", "thanos_receive_hashrings")
    sizes = [len(endpoints(ring)) for ring in rings]
    rows = [
        _thanos.Row("receive.hashrings-file", "thanos_receive_hashrings", f"{_thanos.folder(instance)}/{path}"),
        # Where the file's change is not seen at once (thanos pkg/receive/config.go); 5m by default.
        _thanos.Row("receive.hashrings-file-refresh-interval", "thanos_receive_hashrings", "10s"),
        _thanos.Row(
            "receive.replication-factor",
            "thanos_receive_replication_factor",
            replication_factor(instance, min(sizes, default=1)),
        ),
    ]
    return rows, [text]


def taking(instance: Instance) -> list[_thanos.Row]:
    """The flags of all that take remote write."""
    line = _versions.parse_version(instance.version, instance.host.where(instance.version_variable)).line
    capnproto = _base.listen(instance, "capnproto_") if line >= CAPNPROTO_SINCE else _thanos.LEFT_OUT
    return [
        _thanos.Row("remote-write.address", "remote_write_port", _base.listen(instance, "remote_write_")),
        _thanos.Row("receive.capnproto-address", "capnproto_port", capnproto),
        _thanos.Row("receive.tenant-label-name", _TENANT_LABEL, tenant_label(instance)),
        _thanos.Row(
            "receive.default-tenant-id",
            "thanos_receive_default_tenant",
            instance.options["thanos_receive_default_tenant"],
        ),
    ]


def render(instance: Instance, topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """An ingestor's slice. Where there are routers, these alone know the hashrings: an ingestor that does would route
    as well (thanos cmd/thanos/receive.go, determineMode). :raises HAError: with the variable at fault.
    """
    own = {**labels(instance), instance.opt("replica_label"): _thanos.replica(instance)}
    window = instance.opt("out_of_order_time_window")
    rows = [
        *taking(instance),
        _thanos.Row("tsdb.path", "data_dir", instance.opt("data_dir")),
        _thanos.Row("tsdb.retention", "retention", instance.opt("retention")),
        _thanos.Row(
            "tsdb.out-of-order.time-window", "out_of_order_time_window", _thanos.LEFT_OUT if window == "0s" else window
        ),
        _thanos.Row("label", "labels", [f"{name}={json.dumps(value)}" for name, value in own.items()]),
        _thanos.objstore_row(instance),
    ]
    files = _thanos.objstore_files(instance)
    if not any(one.environment == instance.environment for one in topology.of("thanos_receive_router")):
        more, texts = routing(instance, topology)
        rows += [*more, _thanos.Row("receive.local-endpoint", "local_endpoint", local_endpoint(instance))]
        files += texts
    return _thanos.rendered(instance, "receive", rows, files)


def zone(instance: Instance, topology: Topology) -> str:
    """Its zone, where no two copies of a series are in one: then a zone may be down, and the quorum is kept.

    Copies go to as many zones as there are (thanos pkg/receive/hashring.go, ketama), and of two or more, one may miss
    (pkg/receive/handler.go, writeQuorum).
    """
    if instance.options["thanos_receive_hashrings"] is not None or instance.opt("hashring_algorithm") != "ketama":
        return ""
    ring = topology.cohorts.get(instance.cohort)  # none, where all of it leave
    members = ring.instances if ring else ()
    zones = {str(one.options["prometheus_ha_failure_domain"] or "") for one in members}
    copies = replication_factor(instance, len(members))
    own = str(instance.options["prometheus_ha_failure_domain"] or "")
    return own if copies > 1 and "" not in zones and len(zones) >= copies else ""


def uploads(instance: Instance) -> dict[str, str] | None:
    """What it still holds as it leaves, nobody asks for afterwards."""
    if not instance.options["thanos_objstore_config"]:
        return None
    return {"data_dir": str(instance.opt("data_dir")), "url": _thanos.probe_url(instance)}


COMPONENT = _base.Component(
    kind=KIND,
    ports=_thanos.ports,
    links=links,
    render=render,
    effects=_thanos.EFFECTS,
    zone=zone,
    uploads=uploads,
)
