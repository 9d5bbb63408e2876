# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus: its variables, and how a replica's slice is rendered."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import WRITE, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _balancer,
    _block_durations,
    _federation,
    _flags,
    _labels,
    _peers,
    _remote_write,
    _scraping,
    _versions,
    _watch,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import role_options
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import _catalogue
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import KEYS
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

OPTIONS: tuple[Option, ...] = (
    *role_options("prometheus", version="3.5.3", port=9090),
    Option(
        "prometheus_replica_set",
        "str",
        "Hosts with the same value are replicas of one another: they scrape and evaluate the same.",
        default="default",
        shared=True,
    ),
    Option(
        "prometheus_replica_label",
        "str",
        "The replica label of this set, where it is not the stack's.",
        shown_default="O(prometheus_ha_replica_label)",
        shared=True,
    ),
    Option("prometheus_replica", "str", "The value of the replica label.", shown_default="the inventory host name"),
    Option(
        "prometheus_external_labels",
        "dict",
        "The external labels that the whole set shares; the replica label is added.",
        default={},
        shared=True,
    ),
    Option(
        "prometheus_shard",
        "dict",
        "C({index, of}): the set scrapes the targets whose address hash falls to the index.",
        keys=("index", "of"),
    ),
    Option("prometheus_agent", "bool", "Agent mode: remote write only, no rules and no alerting.", default=False),
    Option(
        "prometheus_alertmanager_meshes",
        "list",
        "The names of the Alertmanager meshes to alert.",
        elements="str",
        shown_default="every mesh of the environment",
    ),
    Option("prometheus_scrape_interval", "str", "The global scrape interval.", default="30s"),
    Option("prometheus_scrape_timeout", "str", "The global scrape timeout.", default="10s"),
    Option("prometheus_evaluation_interval", "str", "The global interval of rule evaluation.", default="30s"),
    Option(
        "prometheus_scrape_configs",
        "list",
        "Scrape configurations, as Prometheus has them.",
        elements="dict",
        default=[],
    ),
    Option(
        "prometheus_federate",
        "list",
        "What is federated: each entry is one job. C(replica_set) names a set of the inventory, C(url) a Prometheus "
        "outside of it. C(match) lists the selectors of what is taken. C(mode) V(both) (the default) scrapes every "
        "replica and keeps the replica label; V(sticky) takes the set through one C(address), a balancer or virtual "
        "IP that leads to one replica at a time, or without one through the collection's own "
        "(O(federation_balancer_enabled)), and takes off the replica label (the set's, or C(replica_label)). "
        "C(scrape_interval), C(scrape_timeout), C(sample_limit), C(job_name), C(scheme), C(tls_config), C(basic_auth) "
        "and C(authorization) are Prometheus' own; the limit is "
        f"{_federation.SAMPLE_LIMIT} samples where none is given. Shards do not narrow these jobs.",
        elements="dict",
        default=[],
        keys=_federation.KEYS,
    ),
    Option(
        "prometheus_targets",
        "dict",
        "Target files for file-based discovery: name to a list of C({targets, labels}). Each becomes "
        "C(targets/<name>.yml) beside the configuration, for C(file_sd_configs) to name.",
        default={},
        keys=("targets", "labels"),
        named=True,
    ),
    Option("prometheus_rules", "list", "Rule groups, as in a rule file's C(groups).", elements="dict", default=[]),
    Option(
        "prometheus_rule_files",
        "list",
        "Globs of rule files on the controller. Relative ones start from the inventory's and the playbook's folder.",
        elements="str",
        default=[],
    ),
    Option(
        "prometheus_rule_packages",
        "list",
        "Rules of the collection's own: V(ha_stack) for the health of the stack itself, with V(prometheus_health), "
        "V(alertmanager_health), V(federation_health) and V(thanos_health), which can be had alone; "
        "V(node_aggregates) and V(http_aggregates) record aggregates. Each becomes C(rules/<package>.yml).",
        elements="str",
        default=[],
        shared=True,
    ),
    Option(
        "prometheus_rule_package_options",
        "dict",
        "What of the packages is changed. C(labels) are added to every alert, C(severities) maps C(critical), "
        "C(warning) and C(none) to your own, C(runbook_url) is the folder of the runbooks. C(alerts) has by alert "
        "C({enabled, for, threshold, labels}). C(instance_labels) tell the instances of a job apart (C([instance])). "
        "C(http_requests), C(http_duration), C(http_code) and C(http_labels) name the counter, the histogram (without "
        "C(_bucket)), the label of the status code and the other labels of a request.",
        default={},
        keys=KEYS,
    ),
    Option(
        "prometheus_watch_stack",
        "bool",
        "Whether the set scrapes the stack itself: its own replicas, another replica set, and meshes, so that each "
        "is watched by two sets where there are two.",
        shown_default="V(true) with V(ha_stack) and the packages of its health, else V(false)",
        shared=True,
    ),
    Option(
        "prometheus_alert_relabel_configs",
        "list",
        "Relabelling of alerts, after the rendered C(labeldrop) of the replica label where there is one.",
        elements="dict",
        default=[],
    ),
    Option("prometheus_remote_write", "list", "Remote write, as Prometheus has it.", elements="dict", default=[]),
    Option(
        "prometheus_write_to_receive",
        "bool",
        "Whether everything is also written to the Thanos receivers of the environment: the k-th replica set to the "
        "k-th router, or ingestor where there is no router.",
        default=False,
        shared=True,
    ),
    Option(
        "prometheus_receive_tenant",
        "str",
        "The tenant in whose name it writes there.",
        shown_default="O(thanos_receive_default_tenant)",
    ),
    Option(
        "prometheus_remote_write_kinds",
        "dict",
        "What receives a remote write that no host of the inventory does: C(victoriametrics), C(mimir), C(cortex) or "
        "C(other), by the endpoint's C(name), else its C(url). Where it says nothing, the URL's path does if only one "
        "of them has it: C(/api/v1/push), C(/insert/0/prometheus/api/v1/write).",
        default={},
    ),
    Option(
        "prometheus_remote_outage_budget",
        "str",
        "How long remote storage may be away without a sample lost. It is compared with what the write-ahead log can "
        "hold back.",
    ),
    Option("prometheus_remote_read", "list", "Remote read, as Prometheus has it.", elements="dict", default=[]),
    Option(
        "prometheus_config",
        "dict",
        "Merged over the rendered configuration last, for whatever no variable names.",
        default={},
    ),
    Option("prometheus_data_dir", "str", "The data folder.", default="/var/lib/prometheus"),
    Option("prometheus_retention", "str", "How long samples are kept locally.", default="15d"),
    Option("prometheus_retention_size", "str", "How much space blocks may take, for example C(50GB)."),
)

KIND = Kind(
    name="prometheus",
    title="Prometheus",
    groups=(
        Group("prometheus"),
        Group(
            "prometheus_federation",
            {"prometheus_replica_set": "federation", "prometheus_replica_label": "federation_replica"},
        ),
    ),
    cohort="replica set",
    cohort_variable="prometheus_replica_set",
    options=OPTIONS,
    borrowed=_balancer.OPTIONS,
)

CONFIG_DIR = "/etc/prometheus"
CONFIG_FILE = f"{CONFIG_DIR}/prometheus.yml"
# Hidden files are left out: a file that is being put in place is one (Go's filepath.Match lets * match a dot).
RULES = "rules/[^.]*"

# Parts of the configuration that have a variable of their own; overriding them would undo what makes replicas agree.
OWNED = {
    "global.external_labels": "prometheus_external_labels",
    "rule_files": "prometheus_rule_files and prometheus_rules",
    "alerting*": "prometheus_alertmanager_meshes and prometheus_alert_relabel_configs",
    "scrape_configs": "prometheus_scrape_configs and prometheus_federate",
    "remote_write": "prometheus_remote_write",
    "remote_read": "prometheus_remote_read",
}


# Flags that have a variable of their own.
FLAG_OWNERS = {
    "config.file": "prometheus_config",
    "storage.tsdb.path": "prometheus_data_dir",
    "storage.agent.path": "prometheus_data_dir",
    "storage.tsdb.retention.time": "prometheus_retention",
    "storage.tsdb.retention.size": "prometheus_retention_size",
    "agent": "prometheus_agent",
    "web.listen-address": "prometheus_listen_address and prometheus_port",
    "web.external-url": "prometheus_external_url",
    "web.route-prefix": "prometheus_route_prefix",
    "web.enable-lifecycle": "nothing, it is always on",
}


replica_label = _labels.replica_label_of


def replica(instance: Instance) -> str:
    """This replica's value of the replica label."""
    return str(instance.opt("replica") or instance.name)


def beside(instance: Instance) -> Instance:
    """The Prometheus that a sidecar or a balancer stands beside."""
    return Instance(KIND, instance.group, instance.host, instance.options)


def ports(instance: Instance) -> list[_base.Port]:
    return [(instance.opt("port"), "tcp", instance.opt("listen_address"), "prometheus_port")]


def _external_labels(instance: Instance) -> dict[str, str]:
    own = "prometheus_replica_label"
    setter = own if instance.options.get(own) else "prometheus_ha_replica_label"
    _labels.check_name(replica_label(instance), instance.host.where(setter))
    try:
        return _labels.external_labels(
            instance.opt("external_labels"),
            replica_label=replica_label(instance),
            replica=replica(instance),
            version=instance.opt("version"),
        )
    except HAError as problem:
        raise HAError(problem.what, where=instance.where("external_labels"), do=problem.do) from problem


def _scrape_configs(instance: Instance) -> list[dict[str, t.Any]]:
    """The scrape configurations, narrowed to the set's shard by hashmod of __address__, as prometheus-operator does."""
    shard = instance.opt("shard")
    configs: list[dict[str, t.Any]] = instance.opt("scrape_configs")
    if shard is None:
        return configs
    index, count = shard.get("index"), shard.get("of")
    if not (isinstance(index, int) and isinstance(count, int) and 0 <= index < count):
        raise HAError(
            f"a shard is {{index, of}} with 0 <= index < of, not {shard}",
            where=instance.where("shard"),
            do="for example {index: 0, of: 2}.",
        )
    narrow = [
        {"source_labels": ["__address__"], "modulus": count, "target_label": "__tmp_shard", "action": "hashmod"},
        {"source_labels": ["__tmp_shard"], "regex": str(index), "action": "keep"},
    ]
    # Before the user's own relabelling: that of a blackbox probe makes every target's __address__ the exporter's.
    return [{**config, "relabel_configs": [*narrow, *(config.get("relabel_configs") or [])]} for config in configs]


def _alerting(instance: Instance, topology: Topology) -> dict[str, t.Any]:
    """Every member of every mesh one by one, and the replica label taken off alerts."""
    relabel: list[dict[str, t.Any]] = []
    if instance.options["prometheus_ha_alert_replica_label"] == "drop":
        relabel.append({"regex": replica_label(instance), "action": "labeldrop"})
    relabel += instance.opt("alert_relabel_configs")
    members = [
        {"address": member.address, "port": port, "scheme": "http", "route_prefix": prefix}
        for mesh in topology.meshes(instance)
        for member in mesh.instances
        for port, prefix in topology.places(member)
    ]
    alerting: dict[str, t.Any] = {"alert_relabel_configs": relabel} if relabel else {}
    if members:
        alerting["alertmanagers"] = _peers.alertmanager_targets(members)
    return alerting


def config(instance: Instance, topology: Topology, _files: _base.Files | None = None) -> dict[str, t.Any]:
    """prometheus.yml as data. :raises HAError: with the variable at fault."""
    agent = instance.opt("agent")
    last = instance.opt("config")
    for path, owner in _base.reserved(last, OWNED):
        raise HAError(f"{path} has a variable of its own", where=instance.where("config"), do=f"set {owner} instead.")
    if not isinstance(last.get("global", {}), dict):
        raise HAError("global is not a mapping", where=instance.where("config"), do="correct or remove it.")
    overall: dict[str, t.Any] = {
        "scrape_interval": instance.opt("scrape_interval"),
        "scrape_timeout": instance.opt("scrape_timeout"),
    }
    if not agent:
        overall["evaluation_interval"] = instance.opt("evaluation_interval")
    rendered: dict[str, t.Any] = {"global": {**overall, "external_labels": _external_labels(instance)}}
    if agent:
        for name in ("rules", "rule_files", "rule_packages", "watch_stack", "alert_relabel_configs", "remote_read"):
            if instance.opt(name):
                raise HAError(
                    f"agent mode has no {name}", where=instance.where(name), do="remove it, or unset prometheus_agent."
                )
    else:
        rendered["rule_files"] = [RULES]
        rendered["alerting"] = _alerting(instance, topology)
    rendered["scrape_configs"] = _scrape_configs(instance) + _federation.scrape_configs(instance, topology)
    rendered["scrape_configs"] += _watch.scrape_configs(instance, topology)
    remote = {"remote_write": _remote_write.configs(instance, topology), "remote_read": instance.opt("remote_read")}
    rendered.update({name: value for name, value in remote.items() if value})
    return _base.merge({key: value for key, value in rendered.items() if value != {}}, last)


def flags(instance: Instance, topology: Topology) -> dict[str, t.Any]:
    """The command line as a dict of flags; prometheus_extra_args last. :raises HAError: with the variable at fault."""
    agent = instance.opt("agent")
    major = _versions.parse_version(instance.opt("version")).major
    wanted: dict[str, t.Any] = {
        "config.file": CONFIG_FILE,
        "web.listen-address": _base.listen(instance),
        "web.enable-lifecycle": None,
    }
    if agent:
        # 3.0 turned the feature flag into a flag of its own (flags.md).
        wanted.update({"agent": None} if major >= 3 else {"enable-feature": ["agent"]})
        wanted["storage.agent.path"] = instance.opt("data_dir")
    else:
        wanted["storage.tsdb.path"] = instance.opt("data_dir")
        wanted["storage.tsdb.retention.time"] = instance.opt("retention")
        if instance.opt("retention_size"):
            wanted["storage.tsdb.retention.size"] = instance.opt("retention_size")
        wanted.update(_block_durations.flags(instance, topology))
    if instance.opt("external_url"):
        wanted["web.external-url"] = instance.opt("external_url")
    if instance.opt("route_prefix") is not None:
        wanted["web.route-prefix"] = instance.prefix or "/"
    return _base.merge_flags(wanted, instance.opt("extra_args"), FLAG_OWNERS)


def _generation(instance: Instance, config_data: dict[str, t.Any], rules: list[dict[str, t.Any]]) -> str:
    """A name for what this set shall have loaded: the same on all its replicas, so the replica's value is left out."""
    label = replica_label(instance)
    shared = {**config_data["global"]["external_labels"], label: ""}
    content = [{**config_data, "global": {**config_data["global"], "external_labels": shared}}]
    text = json.dumps([content, [[file["path"], file["content"]] for file in rules]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _target_files(instance: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """File-based discovery: Prometheus reads these whenever they change, so no generation counts them."""
    rendered = []
    targets = {str(name): groups for name, groups in instance.opt("targets").items()}
    bad = [repr(name) for name in sorted(targets) if "/" in name or name.startswith(".")]
    if bad:
        raise HAError(
            f"{', '.join(bad)} can't name {'files' if len(bad) > 1 else 'a file'}",
            where=instance.where("targets"),
            do="use letters, digits, - and _.",
        )
    for name, groups in sorted(targets.items()):
        rendered.append(_base.file(f"targets/{name}.yml", _base.to_yaml(groups), "prometheus_targets"))
    for name, groups in _watch.targets(instance, topology).items():
        rendered.append(_base.file(f"targets/{name}.yml", _base.to_yaml(groups), "prometheus_watch_stack"))
    return rendered


def _rule_files(instance: Instance, topology: Topology, files: _base.Files) -> list[dict[str, t.Any]]:
    packages = _catalogue.groups(instance, topology)
    own = ("inline.yml", _base.GENERATION_FILE, *(f"{name}.yml" for name in packages))
    rendered = _base.copies(instance, files, "rule_files", "rules", topology.folders, taken=own)
    if instance.opt("rules"):
        inline = _base.to_yaml({"groups": instance.opt("rules")})
        rendered.append(_base.file("rules/inline.yml", inline, "prometheus_rules"))
    for name, groups in packages.items():
        text = _base.to_yaml({"groups": groups})
        rendered.append(_base.file(f"rules/{name}.yml", text, f"prometheus_rule_packages: {name}"))
    return rendered


def _marker(generation: str) -> dict[str, t.Any]:
    """The rule that shows in /api/v1/rules which configuration and rules a process has loaded."""
    text = _base.to_yaml(_base.generation_rule(generation))
    return _base.file(f"rules/{_base.GENERATION_FILE}", text, "prometheus_rules")


def render(instance: Instance, topology: Topology, files: _base.Files) -> dict[str, t.Any]:
    """A replica's slice (docs/development.md). :raises HAError: with the variable at fault."""
    data = config(instance, topology)
    rendered = _target_files(instance, topology)
    generation = None
    if not instance.opt("agent"):
        rules = _rule_files(instance, topology, files)
        generation = _generation(instance, data, rules)
        rendered += [*rules, _marker(generation)]
    sources = (
        "prometheus_scrape_configs, prometheus_federate, prometheus_alert_relabel_configs, prometheus_remote_write, "
        "prometheus_config"
    )
    rendered.insert(0, _base.file("prometheus.yml", _base.to_yaml(data), sources, masked=True))
    check = ["{release}/bin/promtool", "check", "config", *(["--agent"] if instance.opt("agent") else [])]
    try:
        wanted = flags(instance, topology)
        args = _flags.command_line_flags(wanted, component="prometheus", version=instance.opt("version"))
    except HAError as problem:
        where = problem.where or instance.where("extra_args")
        raise HAError(problem.what, where=where, do=problem.do) from problem
    service = _base.service(instance, args=args, ports=ports(instance))
    members = {
        host_port(member.address, topology.places(member)[0][0]): member.name
        for mesh in topology.meshes(instance)
        for member in mesh.instances
    }
    return {
        "name": "prometheus",
        "release": _base.release(instance, links=["promtool"]),
        "config": {
            "root": CONFIG_DIR,
            "owner": "root",
            "group": "prometheus",
            "files": rendered,
            "check": [[*check, "{root}/prometheus.yml"]],
        },
        "service": service,
        "api": {
            "kind": "prometheus",
            "url": instance.own_url,
            "http": {},
            "generation": generation,
            "config_file": CONFIG_FILE,
            "timeout": instance.opt("start_timeout"),
        },
        "expect": {
            "alertmanagers": {} if instance.opt("agent") else members,
            **_federation.expected(instance, topology, replica),
        },
        "secrets": _base.secrets(instance, data, rendered, service),
    }


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """A replica set alerts its meshes, scrapes, watches, federates and writes."""
    first = cohort.instances[0]
    meshes = [] if first.opt("agent") else topology.meshes(first)
    alerted = [Link(cohort, "alerts", mesh, tuple(member.url for member in mesh.instances)) for mesh in meshes]
    return [
        *alerted,
        *_scraping.links(cohort, topology),
        *_watch.links(cohort, topology),
        *_federation.links(cohort, topology),
        *_remote_write.links(cohort, topology),
    ]


# The one table of what a change takes. File-based discovery is read whenever a file changes.
EFFECTS = (Effect("targets/*", WRITE), *_base.WEB_EFFECTS)


def back_to(instance: Instance) -> str:
    """prometheus docs/migration.md: from 3.x the way back leads to 2.55 and newer."""
    return "2.55.0" if _versions.parse_version(instance.opt("version"), instance.where("version")).major >= 3 else ""


COMPONENT = _base.Component(
    kind=KIND, ports=ports, links=links, config=config, render=render, effects=EFFECTS, back_to=back_to
)
