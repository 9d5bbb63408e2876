# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos Rule: rules over the global view; a producer of blocks and alerts like a Prometheus."""

from __future__ import annotations

import hashlib
import json
import typing as t
import urllib.parse

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
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

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
    borrowed=(*_thanos.SHARED, *_thanos.BUCKET),
    release=_thanos.RELEASE,
    tier="thanos_rule",
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


def _queriers(ruler: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """What query.yml lists: the given query APIs, else the environment's queriers. :raises HAError: unusable."""
    urls: list[str] | None = ruler.opt("query_urls")
    if urls is None:
        found = [
            f"http://{host_port(querier.address, port, querier.where('port'))}{prefix}"
            for cohort in _modelled.of_environment(topology, ruler.environment, "thanos_query")
            for querier in cohort.instances
            for port, prefix in topology.places(querier)
        ]
    else:
        found = [url if "://" in url else f"http://{url}" for url in urls]
    entries: dict[tuple[str, str], list[str]] = {}
    for url in found:
        parts = urllib.parse.urlsplit(url)
        entries.setdefault((parts.scheme, parts.path.rstrip("/")), []).append(parts.netloc)
    return [
        {"static_configs": places, "scheme": scheme, **({"path_prefix": path} if path else {})}
        for (scheme, path), places in entries.items()
    ]


def _alertmanagers(ruler: Instance, topology: Topology) -> dict[str, t.Any]:
    """What alertmanagers.yml says. :raises HAError: when a member's address or port is not usable."""
    given: dict[str, t.Any] | None = ruler.opt("alertmanagers_config")
    if given is not None:
        return given
    places: dict[str, list[str]] = {}
    for mesh in topology.meshes(ruler):
        for member in mesh.instances:
            for port, prefix in topology.places(member):
                places.setdefault(prefix, []).append(host_port(member.address, port))
    return {
        "alertmanagers": [
            {
                "api_version": "v2",
                "scheme": "http",
                "static_configs": found,
                "timeout": "10s",
                **({"path_prefix": prefix} if prefix else {}),
            }
            for prefix, found in places.items()
        ]
    }


def _rule_files(ruler: Instance, topology: Topology, files: _base.Files) -> list[_thanos.Text]:
    """The rules, and the one that shows in /api/v1/rules which of them a process has loaded."""
    copied = _base.copies(
        ruler, files, "rule_files", "rules", topology.folders, taken=("inline.yml", _base.GENERATION_FILE)
    )
    found = [_thanos.Text(file["path"], file["content"], file["source"]) for file in copied]
    if ruler.opt("rules"):
        found.append(_thanos.yaml_file("rules/inline.yml", {"groups": ruler.opt("rules")}, "thanos_rule_rules"))
    return found


def generation(files: t.Sequence[_thanos.Text]) -> str:
    """A name for the rules that a ruler set shall have loaded."""
    return hashlib.sha256(repr([[file.path, file.content] for file in files]).encode()).hexdigest()


def render(instance: Instance, topology: Topology, files: _base.Files) -> dict[str, t.Any]:
    """A ruler's slice. :raises HAError: with the variable at fault."""
    folder = _thanos.folder(instance)
    rules = _rule_files(instance, topology, files)
    mark = generation(rules)
    rules.append(_thanos.yaml_file(f"rules/{_base.GENERATION_FILE}", _base.generation_rule(mark), "thanos_rule_rules"))
    texts = [
        *_thanos.objstore_files(instance),
        _thanos.yaml_file("query.yml", _queriers(instance, topology), "thanos_rule_query_urls"),
        _thanos.yaml_file("alertmanagers.yml", _alertmanagers(instance, topology), "thanos_rule_alertmanagers_config"),
        *rules,
    ]
    own = {**labels(instance), instance.opt("replica_label"): _thanos.replica(instance)}
    frontend = next(
        (
            one.opt("external_url") or one.url
            for one in topology.of("thanos_query_frontend")
            if one.environment == instance.environment
        ),
        None,
    )
    rows = [
        _thanos.Row("data-dir", "data_dir", instance.opt("data_dir")),
        _thanos.objstore_row(instance),
        # Go's %q, as Thanos reads it; of printable text it is JSON's.
        _thanos.Row("label", "labels", [f"{name}={json.dumps(value)}" for name, value in own.items()]),
        _thanos.Row("alert.label-drop", "alert_label_drop", alert_label_drop(instance)),
        _thanos.Row("alert.query-url", "thanos_query_frontend_external_url", _thanos.given(frontend)),
        _thanos.Row("alertmanagers.config-file", "alertmanagers_config", f"{folder}/alertmanagers.yml"),
        _thanos.Row("query.config-file", "query_urls", f"{folder}/query.yml"),
        # As Prometheus': hidden files are left out, one that is being put in place is one.
        _thanos.Row("rule-file", "rule_files", f"{folder}/rules/[^.]*"),
        _thanos.Row("eval-interval", "evaluation_interval", instance.opt("evaluation_interval")),
        _thanos.Row("tsdb.retention", "retention", instance.opt("retention")),
        *_thanos.web_rows(instance),
    ]
    api = {
        "kind": "thanos_rule",
        "prefix": instance.prefix,
        "generation": mark,
        "config_file": f"{folder}/rules/{_base.GENERATION_FILE}",
    }
    check = [["{release}/bin/thanos", "tools", "rules-check", "--rules={root}/rules/*.yml"]]
    return _thanos.rendered(instance, "rule", rows, texts, api=api, check=check)


COMPONENT = _base.Component(kind=KIND, ports=_thanos.ports, links=links, render=render, effects=_thanos.EFFECTS)
