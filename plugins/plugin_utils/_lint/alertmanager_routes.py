# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the routes of Alertmanager: what a notification is grouped by, and how often it is sent."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import alertmanager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    flag_duration,
    prometheus_duration,
    shown,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._relabel import relabel
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._routes import ALL, Route, walk
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance


def _routed(subject: Subject) -> t.Iterator[tuple[Cohort, Instance, str, list[Route]]]:
    """Every mesh with its routes: those of its first member (A02: of all), and the inventory path of these."""
    for mesh in subject.topology.cohorts_of("alertmanager"):
        first = mesh.instances[0]
        config = subject.config(first)
        if config is not None:
            yield mesh, first, first.host.where(alertmanager.config_variable(first)), walk(config)


def _times(route: Route) -> tuple[int, int] | None:
    """Group and repeat interval in nanoseconds; None where one is no duration (amtool says it at staging)."""
    try:
        return prometheus_duration(route.group_interval), prometheus_duration(route.repeat_interval)
    except HAError:
        return None


@rule(
    "A06",
    "warning",
    "The last member of a mesh notifies before the next flush: (members - 1) x peer timeout is below every group and "
    "repeat interval.",
    prevents="Notifications of two flushes that overtake one another, and so are sent twice.",
    source="alertmanager#488, alertmanager#1979",
)
def a06_peers_wait_less_than_a_flush(subject: Subject) -> t.Iterator[Problem]:
    for mesh, first, where, routes in _routed(subject):
        try:
            wait = (len(mesh.instances) - 1) * flag_duration(first.opt("cluster_peer_timeout"))
        except HAError:
            continue  # I07 says it
        intervals = [(min(times), route.path) for route in routes if (times := _times(route))]
        shortest, path = min(intervals, default=(wait + 1, ""))
        if wait >= shortest:
            yield Problem(
                where,
                f"{path} flushes every {shown(shortest)}, and the last of {len(mesh.instances)} members waits "
                f"{shown(wait)} for the others.",
                "lengthen its group_interval and repeat_interval, or shorten alertmanager_cluster_peer_timeout.",
            )


@rule(
    "A08",
    "error",
    "No route groups by a label that differs between the replicas of a set, as it is after alert relabelling.",
    prevents="One notification from each replica.",
    source="alertmanager docs/configuration.md, group_by; prometheus notifier/manager.go relabels before it sends",
)
def a08_grouped_without_the_replica(subject: Subject) -> t.Iterator[Problem]:
    differing: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for mesh, _first, where, routes in _routed(subject):
        sets = {prometheus.cohort: prometheus for prometheus in subject.topology.alerting(mesh)}
        for key in sets:
            if key not in differing:
                differing[key] = _differing(subject, subject.topology.cohorts[key])
        labels = {label: key for key in sets for label in differing[key]}
        for route in routes if labels else []:
            # An inherited list is told where it is written.
            found = [label for label in labels if {label, ALL} & set(route.group_by)] if "group_by" in route.own else []
            if found:
                by = "all labels" if ALL in route.group_by else f"{found[0]!r}"
                there = subject.topology.cohorts[labels[found[0]]].title
                yield Problem(
                    where,
                    f"{route.path} groups by {by}, and alerts of {there} still have {found[0]!r} by replica.",
                    f"take it off alerts (prometheus_ha_alert_replica_label: drop, or alert relabelling that makes "
                    f"{found[0]!r} equal), or do not group by it.",
                )


def _differing(subject: Subject, replicas: Cohort) -> tuple[str, ...]:
    """The external labels that still tell a set's replicas apart when alerts leave; none where it is not decided."""
    sent: list[dict[str, str]] = []
    for prometheus in replicas.instances:
        config = subject.config(prometheus)
        if config is None:
            continue
        try:
            labels = relabel(
                {**config["global"]["external_labels"], "alertname": "alert"},
                config.get("alerting", {}).get("alert_relabel_configs", []),
                version=prometheus.opt("version"),
            )
        except HAError:  # UndecidedError among them: P04 says it
            continue
        if labels is not None:
            sent.append(labels)
    names = sorted({name for labels in sent for name in labels})
    return tuple(name for name in names if len({labels.get(name) for labels in sent}) > 1)


@rule(
    "A09",
    "warning",
    "group_interval <= repeat_interval <= how long the notification log is kept (alertmanager_retention).",
    prevents="Notifications that are repeated later or earlier than repeat_interval says.",
    source="alertmanager cmd/alertmanager/main.go, which logs the same",
)
def a09_intervals_are_in_order(subject: Subject) -> t.Iterator[Problem]:
    for _mesh, first, where, routes in _routed(subject):
        try:
            kept = flag_duration(first.opt("retention"))
        except HAError:
            continue  # I07 says it
        for route in routes:
            times = _times(route)
            # What is inherited is told where it is written.
            if times is None or (route.parent and not route.own & {"group_interval", "repeat_interval"}):
                continue
            group, repeat = times
            if group > repeat:
                yield Problem(
                    where,
                    f"{route.path} repeats after {shown(repeat)}, and flushes only every {shown(group)}.",
                    "set a repeat_interval that is a multiple of its group_interval.",
                )
            if repeat > kept:
                yield Problem(
                    where,
                    f"{route.path} repeats after {shown(repeat)}, and the log of notifications is kept {shown(kept)}: "
                    "they are repeated that often.",
                    "shorten its repeat_interval, or set alertmanager_retention to more than that.",
                )


@rule(
    "A18",
    "error",
    "A mesh's configuration has receivers, each with a name of its own, and every route leads to one of them.",
    prevents="A configuration that is refused once the run has begun.",
    source="alertmanager config/config.go, UnmarshalYAML and checkReceiver; amtool says the rest on the host",
)
def a18_routes_lead_to_receivers(subject: Subject) -> t.Iterator[Problem]:
    for mesh in subject.topology.cohorts_of("alertmanager"):
        first = mesh.instances[0]
        config = subject.config(first)
        where = first.host.where(alertmanager.config_variable(first))
        for what in _without_receiver(config) if config is not None else ():
            yield Problem(where, f"{what}.", "correct it: {route: {receiver: <name>}, receivers: [{name: <name>}]}.")


def _without_receiver(config: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    receivers = config.get("receivers")
    if not isinstance(receivers, list):
        yield "receivers is not a list"
        return
    names: set[str] = set()
    for index, each in enumerate(receivers):
        name = _name(each.get("name")) if isinstance(each, dict) else None
        if not name:
            yield f"receivers[{index}] has no name"
            return
        if name in names:
            yield f"receivers[{index}] has the name {name!r}, which another one has"
        names.add(name)
    # A stack and no recursion: nobody bounds the depth of the tree.
    left: list[tuple[t.Any, str]] = [(config.get("route"), "route")]
    while left:
        route, path = left.pop()
        if not isinstance(route, dict):
            yield f"{path} is not a mapping"
            continue
        name, children = _name(route.get("receiver")), route.get("routes") or []
        if name is None:
            yield f"the receiver of {path} is not a name"
        elif name not in names and (name or path == "route"):
            yield f"{path} leads to the receiver {name!r}, which does not exist" if name else f"{path} has no receiver"
        if isinstance(children, list):
            left += reversed([(child, f"{path}.routes[{index}]") for index, child in enumerate(children)])
        else:
            yield f"{path}.routes is not a list"


def _name(given: t.Any) -> str | None:
    """A name as text, which YAML may have as a number; empty where there is none, None for what can't be one."""
    return None if isinstance(given, (dict, list)) else "" if given is None else str(given)


RULES = (
    a06_peers_wait_less_than_a_flush,
    a08_grouped_without_the_replica,
    a09_intervals_are_in_order,
    a18_routes_lead_to_receivers,
)
