# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Rule: rules over the global view; a producer of blocks and alerts like a Prometheus."""

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

LABEL = "ruler"

OPTIONS: tuple[Option, ...] = (
    *_thanos.role_options("thanos_rule", port=10911, grpc_port=10910, data_dir="/var/lib/thanos/rule", web=True),
    Option(
        "thanos_rule_replica_set",
        "str",
        "Rulers with the same value are replicas of one another: they evaluate the same.",
        default="default",
        shared=True,
    ),
    Option(
        "thanos_rule_labels",
        "dict",
        "The labels that the whole set's results get; the replica label is added. They replace labels of the same name "
        "of what the rules look at.",
        shown_default=f"C({LABEL}=<environment>-<replica set>)",
        shared=True,
    ),
    Option(
        "thanos_rule_replica_label",
        "str",
        "The label that tells the rulers of a set apart.",
        default="rule_replica",
        shared=True,
    ),
    Option("thanos_rule_replica", "str", "The value of the replica label.", shown_default="the inventory host name"),
    Option(
        "thanos_rule_alert_label_drop",
        "list",
        "The labels that alerts lose on the way to the Alertmanagers, so that those of replicas are equal.",
        elements="str",
        shown_default="O(thanos_rule_replica_label)",
    ),
    Option("thanos_rule_rules", "list", "Rule groups, as in a rule file's C(groups).", elements="dict", default=[]),
    Option(
        "thanos_rule_rule_files",
        "list",
        "Globs of rule files on the controller. Relative ones start from the inventory's and the playbook's folder.",
        elements="str",
        default=[],
    ),
    Option("thanos_rule_evaluation_interval", "str", "The interval of rule evaluation.", default="30s"),
    Option(
        "thanos_rule_query_urls",
        "list",
        "The query APIs that are asked.",
        elements="str",
        shown_default="the environment's queriers",
    ),
    Option(
        "thanos_rule_alertmanager_meshes",
        "list",
        "The names of the Alertmanager meshes to alert.",
        elements="str",
        shown_default="every mesh of the environment",
    ),
    Option(
        "thanos_rule_alertmanagers_config",
        "dict",
        "The Alertmanagers, as Thanos documents it, in place of the meshes of the inventory.",
        keys=("api_version", "scheme", "path_prefix", "timeout", "http_config", "static_configs", "file_sd_configs"),
        named=True,
        secret=True,
    ),
    Option("thanos_rule_retention", "str", "How long results are kept locally.", default="48h"),
)

KIND = Kind(
    name="thanos_rule",
    title="Thanos Rule",
    groups=(Group("thanos_rule"),),
    cohort="ruler set",
    cohort_variable="thanos_rule_replica_set",
    options=OPTIONS,
    borrowed=(*_thanos.SHARED, _thanos.OBJSTORE),
)


def labels(instance: Instance) -> dict[str, str]:
    """The labels of its set, without the replica label."""
    return _thanos.labels(instance, LABEL)


def alert_label_drop(instance: Instance) -> list[str]:
    """The labels that its alerts lose."""
    given: list[str] | None = instance.opt("alert_label_drop")
    return [instance.opt("replica_label")] if given is None else given


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """Rulers ask the queriers, alert their meshes and upload."""
    first = cohort.instances[0]
    meshes = topology.meshes(first) if first.opt("alertmanagers_config") is None else []
    return [
        *(_thanos.query_links(cohort, topology) if first.opt("query_urls") is None else []),
        *(Link(cohort, "alerts", mesh, tuple(member.url for member in mesh.instances)) for mesh in meshes),
        *_thanos.bucket_links(cohort, "uploads to"),
    ]


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links)
