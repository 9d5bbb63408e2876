# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Thanos components have in common: shared variables, ports, and who is in one environment."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _buckets, _common
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _modelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

VERSION = "0.42.4"
OUTSIDE = "Store APIs outside the inventory"

# One binary is all of Thanos, so its version is one variable; a group may set another for its hosts.
_RELEASE = tuple(
    option
    for option in _common.role_options("thanos", version=VERSION, port=0)
    if option.name in ("thanos_version", "thanos_checksum")
)
SHARED: tuple[Option, ...] = _RELEASE
OBJSTORE = Option(
    "thanos_objstore_config",
    "dict",
    "The object store, as Thanos documents it: C({type, config, prefix}). Sidecars, rulers and receivers upload their "
    "blocks to it where it is set; store gateways and compactors need it. Keep its keys in a vault.",
    keys=_buckets.KEYS,
    secret=True,
    shared=True,
)
TENANTS = Option(
    "thanos_tenants",
    "list",
    "The tenants that remote write may name.",
    elements="str",
    shown_default="any",
    shared=True,
)
# The variables that no single Thanos component owns.
TABLE: tuple[Option, ...] = (*SHARED, OBJSTORE, TENANTS)


def role_options(
    role: str, *, port: int, grpc_port: int | None = None, data_dir: str | None = None, web: bool = False
) -> tuple[Option, ...]:
    """The rows that every Thanos component has, under its role's prefix.

    :param grpc_port: the default of its gRPC port; None: it has none.
    :param data_dir: the default of its data folder; None: it keeps nothing.
    :param web: it has pages for people, whose path can be chosen.
    """
    left_out = {f"{role}_version", f"{role}_checksum"}
    if not web:
        left_out |= {f"{role}_external_url", f"{role}_route_prefix"}
    rows = [option for option in _common.role_options(role, version=VERSION, port=port) if option.name not in left_out]
    if grpc_port is not None:
        rows += [
            Option(
                f"{role}_grpc_listen_address", "str", "The address the gRPC endpoint listens on.", default="0.0.0.0"
            ),
            Option(f"{role}_grpc_port", "int", "The port of the gRPC endpoint.", default=grpc_port, shared=True),
        ]
    if data_dir is not None:
        rows.append(Option(f"{role}_data_dir", "str", "The data folder.", default=data_dir))
    return tuple(rows)


def ports(instance: Instance) -> list[_base.Port]:
    """HTTP, and gRPC and remote write where the component has them."""
    name = instance.kind.name
    return [
        (instance.opt(f"{prefix}port"), "tcp", instance.opt(f"{prefix}listen_address"), f"{name}_{prefix}port")
        for prefix in ("", "grpc_", "remote_write_")
        if f"{name}_{prefix}port" in instance.options
    ]


def grpc_endpoint(instance: Instance) -> str:
    """``host:port`` at which peers reach the gRPC endpoint. :raises HAError: when a part of it is not usable."""
    return host_port(instance.address, instance.port("grpc_port"), instance.where("grpc_port"))


def bucket(instance: Instance) -> _buckets.Bucket | None:
    """The bucket of an instance, if it has one. :raises HAError: with the variable, when it can't be read."""
    config = instance.options["thanos_objstore_config"]
    return _buckets.bucket(config, instance.host.where("thanos_objstore_config")) if config else None


def usable_bucket(instance: Instance) -> _buckets.Bucket | None:
    """As :func:`bucket`; none where it can't be read, which T22 tells."""
    try:
        return bucket(instance)
    except HAError:
        return None


def of_bucket(topology: Topology, kind: str) -> dict[_buckets.Bucket, list[Instance]]:
    """The instances of a component by their bucket, whatever their environments."""
    found: dict[_buckets.Bucket, list[Instance]] = {}
    for instance in topology.of(kind):
        place = usable_bucket(instance)
        if place is not None:
            found.setdefault(place, []).append(instance)
    return found


def bucket_links(cohort: Cohort, verb: str) -> list[Link]:
    """A cohort's connection to its bucket."""
    found = usable_bucket(cohort.instances[0])
    return [Link(cohort, verb, found.title, (found.title,))] if found else []


def store_api_links(cohort: Cohort, topology: Topology, *names: str) -> list[Link]:
    """What a cohort asks by the Store API: every member of some components of its environment."""
    return [
        Link(cohort, "queries", target, tuple(map(grpc_endpoint, target.instances)))
        for target in _modelled.of_environment(topology, cohort.environment, *names)
    ]


def query_links(cohort: Cohort, topology: Topology) -> list[Link]:
    """What a cohort asks by HTTP: the queriers of its environment."""
    queriers = _modelled.of_environment(topology, cohort.environment, "thanos_query")
    return [_modelled.link(cohort, "queries", target) for target in queriers]


def labels(instance: Instance, name: str) -> dict[str, str]:
    """The labels that tell a ruler's or a receiver's cohort from all other producers, without the replica label.

    :param name: of the one label that stands there where the inventory sets none.
    """
    given: t.Mapping[str, t.Any] | None = instance.opt("labels")
    if given is None:
        return {name: f"{instance.cohort[1]}-{instance.cohort[2]}"}
    return {str(key): str(value) for key, value in given.items()}


def replica(instance: Instance) -> str:
    """A ruler's or a receiver's value of its replica label."""
    return str(instance.opt("replica") or instance.name)
