# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what all members of an Alertmanager mesh must have alike, and what each has for itself."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, alertmanager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import flag_duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance


@rule(
    "A02",
    "error",
    "All members of a mesh have the same configuration and the same templates.",
    prevents="Groups with other keys, which every member notifies for itself; templates are not in "
    "alertmanager_config_hash.",
    source="alertmanager config/coordinator.go and notify/notify.go: the group's key is of the route",
)
def a02_members_are_configured_alike(subject: Subject) -> t.Iterator[Problem]:
    for mesh in subject.topology.cohorts_of("alertmanager"):
        first: Instance | None = None
        known: dict[str, t.Mapping[str, t.Any]] = {}
        for member in mesh.instances:
            rendered = subject.rendered(member)
            if rendered is None:
                continue
            files = {file["path"]: file for file in rendered["config"]["files"]}
            if first is None:
                first, known = member, files
            for path in known.keys() | files.keys():
                problem = _unlike(subject, path, (first, known.get(path)), (member, files.get(path)))
                if problem:
                    yield problem


Side = t.Tuple[Instance, t.Optional[t.Mapping[str, t.Any]]]


def _unlike(subject: Subject, path: str, one: Side, other: Side) -> Problem | None:
    """How a file of a member differs from that of another one; nothing of its content is shown."""
    (first, known), (member, file) = one, other
    do = "set it for the whole mesh, in its group, to what is the same on every host."
    if known is None or file is None:
        there = first if file is None else member
        missing = member if file is None else first
        return Problem(member.where("templates"), f"{path} is on {there.name} and not on {missing.name}.", do)
    if known["content"] == file["content"]:
        return None
    if path == "alertmanager.yml":
        place = _place(subject.config(first), subject.config(member))
    else:
        lines = zip(known["content"].splitlines(), file["content"].splitlines())
        common = next((number for number, (left, right) in enumerate(lines, 1) if left != right), None)
        place = f"in line {common}" if common else "in its length"
    where = member.host.where(file["source"].partition(":")[0])
    return Problem(where, f"{path} is not that of {first.name}: it differs {place}.", do)


def _place(one: t.Any, other: t.Any, path: str = "") -> str:
    """The path of the first difference between two configurations."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            below = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                return f"at {below}"
            if one[key] != other[key]:
                return _place(one[key], other[key], below)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            if left != right:
                return _place(left, right, f"{path}[{index}]")
    return f"at {path}" if one != other else "in the order of its keys"


# Options that all members of a mesh must have alike.
_ALIKE = ("cluster_peer_timeout", "cluster_gossip_interval", "cluster_pushpull_interval")
# Flags that are a member's own.
_OWN = ("cluster.peer-name", "cluster.allow-insecure-public-advertise-address-discovery")


@rule(
    "A05",
    "error",
    "All members of a mesh have the same peer timeout, gossip intervals, label and TLS mode.",
    prevents="Members that notify at the same time, or do not talk to one another at all.",
    source="alertmanager docs/high_availability.md",
)
def a05_members_gossip_alike(subject: Subject) -> t.Iterator[Problem]:
    for mesh in subject.topology.cohorts_of("alertmanager"):
        first = mesh.instances[0]
        known = _gossip(first)
        for member in mesh.instances[1:]:
            own = _gossip(member)
            for name in [name for name in known | own if _unequal(name, known.get(name), own.get(name))]:
                option = name if f"alertmanager_{name}" in member.options else "extra_args"
                yield Problem(
                    member.where(option),
                    f"{mesh.title} has differing values of {name}: {_said(known, name)} on {first.name} and "
                    f"{_said(own, name)} on {member.name}.",
                    "set it for the whole mesh, in its group.",
                )


def _gossip(member: Instance) -> dict[str, t.Any]:
    """How a member gossips: options by their names, and the flags of gossip that have none."""
    settings: dict[str, t.Any] = {name: member.opt(name) for name in _ALIKE}
    settings["cluster_label"] = alertmanager.cluster_label(member)
    for key, value in member.opt("extra_args").items():
        flag = str(key).lstrip("-")
        if flag.startswith("cluster.") and flag not in _OWN and flag not in alertmanager.FLAG_OWNERS:
            # The paths of its file may differ, the mode may not.
            settings[flag] = "on" if flag == "cluster.tls-config" else value
    return settings


def _said(settings: t.Mapping[str, t.Any], name: str) -> str:
    return repr(settings[name]) if name in settings else "nothing"


def _unequal(name: str, one: t.Any, other: t.Any) -> bool:
    """Whether two values differ, as durations where they are some."""
    try:
        return flag_duration(one) != flag_duration(other)
    except HAError:
        return bool(one != other) and name not in _ALIKE  # I07 says that these are none


@rule(
    "A07",
    "error",
    "No two members of a mesh have the same cluster.peer-name (Alertmanager 0.30 and later).",
    prevents="Members that take one another for themselves.",
    source="alertmanager cluster/delegate.go",
)
def a07_peer_names_are_unique(subject: Subject) -> t.Iterator[Problem]:
    for mesh in subject.topology.cohorts_of("alertmanager"):
        holders: dict[str, str] = {}
        for member in mesh.instances:
            name = _base.extra_arg(member, "cluster.peer-name")
            if name is None:
                continue
            if str(name) in holders:
                yield Problem(
                    member.where("extra_args"),
                    f"{holders[str(name)]} and {member.name} of {mesh.title} both have the cluster.peer-name {name!r}.",
                    "give each its own, for example {{ inventory_hostname }}, or leave it out: each makes one up.",
                )
            holders.setdefault(str(name), member.name)


RULES = (a02_members_are_configured_alike, a05_members_gossip_alike, a07_peer_names_are_unique)
