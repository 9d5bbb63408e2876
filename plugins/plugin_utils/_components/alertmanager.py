# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alertmanager: its variables, and how a mesh member's slice is rendered."""

from __future__ import annotations

import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import RELOAD, RESTART, Effect
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _flags, _peers, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import role_options
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import (
    Cohort,
    Group,
    Instance,
    Kind,
    Link,
    Topology,
    ip_literal,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

OPTIONS: tuple[Option, ...] = (
    *role_options("alertmanager", version="0.28.1", port=9093),
    Option("alertmanager_mesh", "str", "Hosts with the same value form one mesh.", default="default", shared=True),
    Option("alertmanager_config", "dict", "The configuration, as Alertmanager has it."),
    Option(
        "alertmanager_config_file",
        "str",
        "The configuration as a YAML file on the controller, plain or encrypted by ansible-vault. "
        "Used where O(alertmanager_config) is not set.",
    ),
    Option(
        "alertmanager_templates",
        "list",
        "Globs of notification templates on the controller. They become C(templates/<name>) beside the configuration, "
        "which lists that folder.",
        elements="str",
        default=[],
    ),
    Option(
        "alertmanager_data_dir",
        "str",
        "Where silences and the notification log are kept.",
        default="/var/lib/alertmanager",
    ),
    Option("alertmanager_retention", "str", "How long silences and the notification log are kept.", default="120h"),
    Option("alertmanager_cluster_listen_address", "str", "The address gossip listens on.", default="0.0.0.0"),
    Option("alertmanager_cluster_port", "int", "The port of gossip, TCP and UDP.", default=9094, shared=True),
    Option(
        "alertmanager_cluster_advertise_address",
        "str",
        "The IP that peers are told. Never a name.",
        shown_default="O(prometheus_ha_address) where it is an IP, else the host's own address towards its peers",
    ),
    Option(
        "alertmanager_cluster_label",
        "str",
        "Members only talk to members of the same label.",
        shown_default="C(<environment>-<mesh>)",
        shared=True,
    ),
    Option(
        "alertmanager_cluster_peer_timeout",
        "str",
        "How long a member waits for the one before it.",
        default="15s",
        shared=True,
    ),
    Option("alertmanager_cluster_gossip_interval", "str", "The interval of gossip.", default="200ms", shared=True),
    Option(
        "alertmanager_cluster_pushpull_interval",
        "str",
        "The interval of full state exchange.",
        default="60s",
        shared=True,
    ),
    Option(
        "alertmanager_cluster_settle_timeout",
        "str",
        "How long a start waits for gossip to settle.",
        default="60s",
        shared=True,
    ),
    Option(
        "alertmanager_dispatch_start_delay",
        "str",
        "For how long after its start a member holds notifications back, so that it knows all alerts again and "
        "inhibits what others inhibit: Prometheus' C(rules.alert.resend-delay). A reload within that time is answered "
        "at its end. From Alertmanager 0.30 on; older ones notify at once.",
        default="1m",
    ),
)

KIND = Kind(
    name="alertmanager",
    title="Alertmanager",
    groups=(Group("alertmanager"),),
    cohort="mesh",
    cohort_variable="alertmanager_mesh",
    options=OPTIONS,
)

CONFIG_DIR = "/etc/alertmanager"
CONFIG_FILE = f"{CONFIG_DIR}/alertmanager.yml"
# Hidden files are left out: a file that is being put in place is one (Go's filepath.Match lets * match a dot).
TEMPLATES = "templates/[^.]*"

# Flags that have a variable of their own.
FLAG_OWNERS = {
    "config.file": "alertmanager_config",
    "storage.path": "alertmanager_data_dir",
    "data.retention": "alertmanager_retention",
    "web.listen-address": "alertmanager_listen_address and alertmanager_port",
    "web.external-url": "alertmanager_external_url",
    "web.route-prefix": "alertmanager_route_prefix",
    "cluster.listen-address": "alertmanager_cluster_listen_address and alertmanager_cluster_port",
    "cluster.advertise-address": "alertmanager_cluster_advertise_address",
    "cluster.label": "alertmanager_cluster_label",
    "cluster.peer": "alertmanager_mesh",
    "cluster.peer-timeout": "alertmanager_cluster_peer_timeout",
    "cluster.gossip-interval": "alertmanager_cluster_gossip_interval",
    "cluster.pushpull-interval": "alertmanager_cluster_pushpull_interval",
    "cluster.settle-timeout": "alertmanager_cluster_settle_timeout",
    "dispatch.start-delay": "alertmanager_dispatch_start_delay",
}


def gossip_protocols(instance: Instance) -> tuple[str, ...]:
    """What gossip takes: with TLS TCP alone (alertmanager docs/high_availability.md, cluster/tls_transport.go)."""
    return ("tcp", "udp") if _base.extra_arg(instance, "cluster.tls-config") is None else ("tcp",)


def ports(instance: Instance) -> list[_base.Port]:
    port, address = instance.opt("cluster_port"), instance.opt("cluster_listen_address")
    return [
        (instance.opt("port"), "tcp", instance.opt("listen_address"), "alertmanager_port"),
        *((port, protocol, address, "alertmanager_cluster_port") for protocol in gossip_protocols(instance)),
    ]


def config_variable(instance: Instance) -> str:
    """The name of the variable that the configuration is from."""
    return "alertmanager_config" if instance.opt("config") is not None else "alertmanager_config_file"


def config(instance: Instance, topology: Topology, files: _base.Files) -> dict[str, t.Any]:
    """alertmanager.yml as data. :raises HAError: where there is none, or it is not a mapping."""
    data: dict[str, t.Any] | None = instance.opt("config")
    if data is None:
        path = instance.opt("config_file")
        if not path:
            raise HAError(
                "this mesh member has no configuration",
                where=instance.where("config"),
                do="set alertmanager_config or alertmanager_config_file.",
            )
        found = files.find(path, topology.folders)
        if len(found) != 1:
            raise HAError(
                f"{path!r} names {len(found)} files on the controller",
                where=instance.where("config_file"),
                do="name one file; a relative path starts from the inventory's and the playbook's folder.",
            )
        try:
            data = yaml.safe_load(_base.read(instance, files, "config_file", found[0]))
        except yaml.YAMLError as problem:
            raise HAError(
                f"{found[0]} is not YAML", where=instance.where("config_file"), said=str(problem)
            ) from problem
        if not isinstance(data, dict):
            raise HAError(f"{found[0]} is not a mapping", where=instance.where("config_file"), do="correct the file.")
    if instance.opt("templates") and TEMPLATES not in (data.get("templates") or []):
        data = {**data, "templates": [*(data.get("templates") or []), TEMPLATES]}
    return data


def cluster_label(instance: Instance) -> str:
    """What members must share to talk to one another."""
    return str(instance.opt("cluster_label") or "-".join(instance.cohort[1:]))


def has_start_delay(instance: Instance) -> bool:
    """Whether the version can hold notifications back after a start (alertmanager CHANGELOG: 0.30)."""
    return _versions.parse_version(instance.opt("version"), instance.where("version")).line >= (0, 30)


def advertise(instance: Instance) -> str | None:
    """The IP that peers are told, where the inventory knows one. :raises HAError: for a name."""
    given = instance.opt("cluster_advertise_address")
    if given is None:
        return ip_literal(instance.address)
    address = ip_literal(given)
    if address is None:
        raise HAError(
            f"the advertise address is an IP, not {given!r}: Alertmanager does not resolve it and would not join",
            where=instance.where("cluster_advertise_address"),
            do="give the IP, without a port.",
        )
    return address


def flags(instance: Instance, topology: Topology) -> dict[str, t.Any]:
    """The command line as a dict of flags; alertmanager_extra_args last."""
    mesh = topology.cohort(instance)
    cluster_port = instance.port("cluster_port")
    known = advertise(instance)
    if known is None and len(mesh.instances) == 1:
        known = "127.0.0.1"  # alone, no peer needs it, and there is none to find the host's own address towards
    wanted: dict[str, t.Any] = {
        "config.file": CONFIG_FILE,
        "storage.path": instance.opt("data_dir"),
        "data.retention": instance.opt("retention"),
        "web.listen-address": _base.listen(instance),
        "cluster.listen-address": _base.listen(instance, "cluster_"),
        # Host without a known IP: the member fills in its own address on the way to its peers.
        "cluster.advertise-address": host_port(known, cluster_port) if known else f"{{host_ip}}:{cluster_port}",
        "cluster.label": cluster_label(instance),
        "cluster.peer-timeout": instance.opt("cluster_peer_timeout"),
        "cluster.gossip-interval": instance.opt("cluster_gossip_interval"),
        "cluster.pushpull-interval": instance.opt("cluster_pushpull_interval"),
        "cluster.settle-timeout": instance.opt("cluster_settle_timeout"),
    }
    if has_start_delay(instance):
        wanted["dispatch.start-delay"] = instance.opt("dispatch_start_delay")
    if instance.opt("external_url"):
        wanted["web.external-url"] = instance.opt("external_url")
    if instance.opt("route_prefix") is not None:
        wanted["web.route-prefix"] = instance.prefix or "/"
    return _base.merge_flags(wanted, instance.opt("extra_args"), FLAG_OWNERS)


def _member(instance: Instance) -> dict[str, t.Any]:
    return {"address": instance.address, "cluster_port": instance.port("cluster_port")}


def _members(instances: t.Iterable[Instance]) -> list[dict[str, t.Any]]:
    return [_member(instance) for instance in instances]


def render(instance: Instance, topology: Topology, files: _base.Files) -> dict[str, t.Any]:
    """A member's slice (docs/development.md). :raises HAError: with the variable at fault."""
    rendered = _base.copies(instance, files, "templates", "templates", topology.folders)
    data = config(instance, topology, files)
    main = _base.file("alertmanager.yml", _base.to_yaml(data), config_variable(instance), masked=True)
    rendered.insert(0, main)
    mesh = topology.cohort(instance)
    others = [member.address for member in mesh.instances if member is not instance]
    try:
        wanted = flags(instance, topology)
        args = _flags.command_line_flags(wanted, component="alertmanager", version=instance.opt("version"))
        args += _peers.cluster_peers(_members(mesh.instances), own=_member(instance))
    except HAError as problem:
        where = problem.where or instance.where("extra_args")
        raise HAError(problem.what, where=where, do=problem.do) from problem
    service = _base.service(instance, args=args, ports=ports(instance), host_ip_towards=others)
    return {
        "name": "alertmanager",
        "release": _base.release(instance, links=["amtool"]),
        "config": {
            "root": CONFIG_DIR,
            "owner": "root",
            "group": "alertmanager",
            "files": rendered,
            "check": [["{release}/bin/amtool", "check-config", "{root}/alertmanager.yml"]],
        },
        "service": service,
        "api": {
            "kind": "alertmanager",
            "url": instance.own_url,
            "http": {},
            "generation": None,
            "config_file": CONFIG_FILE,
            "timeout": instance.opt("start_timeout"),
        },
        "expect": {"members": len(mesh.instances)},
        "secrets": _base.secrets(instance, data, rendered, service),
    }


def links(cohort: Cohort, _topology: Topology) -> list[Link]:
    """A mesh gossips with itself."""
    peers = tuple(host_port(peer.address, peer.opt("cluster_port")) for peer in cohort.instances)
    return [Link(cohort, "gossips in", cohort, peers)]


# The one table of what a change takes. A mesh whose members run two configurations has two kinds of group keys, so all
# take up a new one at once; and members whose gossip differs don't hear one another.
EFFECTS = (
    Effect("alertmanager.yml", RELOAD, at_once=True),
    Effect("templates/*", RELOAD, at_once=True),
    Effect("--cluster.label", RESTART, at_once=True, breaks="peers"),
    Effect("--cluster.tls-config", RESTART, at_once=True, breaks="peers"),
    Effect("--cluster.listen-address", RESTART, part="port", at_once=True, breaks="peers"),
    *_base.WEB_EFFECTS,
)

# Versions in whose snapshots older ones find silences that match everything (alertmanager CHANGELOG; seen with 0.33.0).
_OWN_SNAPSHOTS = ("0.32.0", "0.32.1", "0.32.2", "0.33.0")


def back_to(instance: Instance) -> str:
    version = str(instance.opt("version"))
    return version if version in _OWN_SNAPSHOTS else ""


COMPONENT = _base.Component(
    kind=KIND, ports=ports, links=links, config=config, render=render, effects=EFFECTS, back_to=back_to
)
