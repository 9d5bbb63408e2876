# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Sidecar: beside a Prometheus; answers the Store API from it, and uploads its blocks."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, _thanos, prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Instance,
    Kind,
    Link,
    Topology,
)

OPTIONS: tuple[Option, ...] = (
    Option(
        "thanos_sidecar_enabled",
        "bool",
        "Whether a sidecar runs beside the host's Prometheus.",
        default=False,
        shared=True,
    ),
    *_thanos.role_options("thanos_sidecar", port=10902, grpc_port=10901),
    Option(
        "thanos_sidecar_min_time",
        "str",
        "Only samples after this are served: a time as in C(2026-01-31T00:00:00Z), or a duration back from now as in "
        "C(-12h). Older ones are a store gateway's.",
    ),
)

KIND = Kind(
    name="thanos_sidecar",
    title="Thanos Sidecar",
    groups=prometheus.KIND.groups,
    cohort=prometheus.KIND.cohort,
    cohort_variable=prometheus.KIND.cohort_variable,
    options=OPTIONS,
    enabled_by="thanos_sidecar_enabled",
    borrowed=(*_thanos.SHARED, *_thanos.BUCKET, *prometheus.OPTIONS),
    release=_thanos.RELEASE,
)


def prometheus_of(sidecar: Instance) -> Instance:
    """The Prometheus that a sidecar stands beside."""
    return prometheus.beside(sidecar)


def links(cohort: Cohort, _topology: Topology) -> list[Link]:
    return _thanos.bucket_links(cohort, "uploads to")


def render(instance: Instance, _topology: Topology, _files: _base.Files) -> dict[str, t.Any]:
    """A sidecar's slice. It runs as its Prometheus does: it links the blocks that it uploads, and the kernel refuses
    that of another's files (thanos#6811). :raises HAError: with the variable at fault.
    """
    beside = prometheus_of(instance)
    folder = beside.opt("data_dir")
    rows = [
        _thanos.Row("prometheus.url", "prometheus_port", beside.own_url),
        _thanos.Row("tsdb.path", "prometheus_data_dir", folder),
        _thanos.Row("min-time", "min_time", _thanos.given(instance.opt("min_time"))),
        _thanos.objstore_row(instance),
    ]
    return _thanos.rendered(
        instance,
        "sidecar",
        rows,
        _thanos.objstore_files(instance),
        user=prometheus.KIND.name,
        data_dirs=(),
        shared_dirs=(folder,),
    )


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
