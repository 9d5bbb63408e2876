# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack scrapes itself: which replica set watches what, and the jobs and target files that it does so by.

A replica set watches itself, and another one watches it, so that there is somebody to tell when all of its replicas are
down. A mesh, and whatever else there is, is watched by two sets.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Link, Topology
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

# The rule packages whose alerts are about what these jobs scrape.
PACKAGES = ("ha_stack", "prometheus_health", "alertmanager_health", "federation_health", "thanos_health")
COMPONENT, GROUP, MEMBER, SHARD = "ha_component", "ha_group", "ha_member", "ha_shard"
# What tells the members of a set or mesh apart.
OF_MEMBER = ("instance", MEMBER)

# By component, whether its /metrics lies below the route prefix; what has none, as a database, is not watched.
_IS_PREFIXED = {
    **dict.fromkeys(("prometheus", "alertmanager", "victoriametrics", "vminsert", "vmselect", "vmstorage"), True),
    **dict.fromkeys(("thanos_sidecar", "thanos_query", "thanos_query_frontend", "thanos_store"), False),
    **dict.fromkeys(("thanos_compact", "thanos_rule", "thanos_receive", "thanos_receive_router"), False),
    **dict.fromkeys(("mimir", "cortex", "grafana"), False),
}
_KEPT = (COMPONENT, GROUP, MEMBER, SHARD, "instance", "job")

_Key = t.Tuple[str, str, str]


def job_name(component: str) -> str:
    """The name of the job for a component, and of its target file."""
    return f"ha-{component.replace('_', '-')}"


def watches(prometheus: Instance) -> bool:
    """Whether a Prometheus scrapes the stack; an agent, which has no rules, does not."""
    given = prometheus.opt("watch_stack")
    if given is None:
        given = any(name in PACKAGES for name in prometheus.opt("rule_packages"))
    return bool(given) and not prometheus.opt("agent")


def watched(prometheus: Instance, topology: Topology) -> list[Cohort]:
    """What a Prometheus' set watches, its own set included."""
    return _watched(topology).get(prometheus.cohort, []) if watches(prometheus) else []


@functools.lru_cache(maxsize=1)
def _watched(topology: Topology) -> dict[_Key, list[Cohort]]:
    """By replica set, what it watches."""
    watchers: dict[str, list[Cohort]] = {}
    for cohort in topology.cohorts_of("prometheus"):
        if watches(cohort.instances[0]):
            watchers.setdefault(cohort.environment, []).append(cohort)
    turns: dict[tuple[str, bool], int] = {}
    found: dict[_Key, list[Cohort]] = {}
    for cohort in topology.cohorts_of(*_IS_PREFIXED):
        is_set = cohort.kind.name == "prometheus"
        # Sets are counted by themselves, so that each is watched by the next one where all of them watch.
        turn = turns[cohort.environment, is_set] = turns.get((cohort.environment, is_set), -1) + 1
        for watcher in _watchers(cohort, turn, watchers.get(cohort.environment, []), topology):
            found.setdefault(watcher.instances[0].cohort, []).append(cohort)
    return found


def _watchers(cohort: Cohort, turn: int, among: t.Sequence[Cohort], topology: Topology) -> list[Cohort]:
    """Who watches one: itself and the next in turn, or the next two; of a mesh those that alert it come first."""
    if cohort.kind.name == "alertmanager":
        alerting = {instance.cohort for instance in topology.alerting(cohort)}
        among = [each for each in among if each.instances[0].cohort in alerting] or among
    in_turn = [among[(turn + step) % len(among)] for step in range(min(2, len(among)))]
    if cohort.kind.name != "prometheus":
        return in_turn
    own = [cohort] if watches(cohort.instances[0]) else []
    return own + [each for each in in_turn if each is not cohort][:1]


def scrape_configs(prometheus: Instance, topology: Topology) -> list[dict[str, t.Any]]:
    """The jobs, one a component. A shard does not narrow them: who watches whom is said already."""
    return [
        {"job_name": name, "file_sd_configs": [{"files": [f"targets/{name}.yml"]}]}
        for name in targets(prometheus, topology)
    ]


def targets(prometheus: Instance, topology: Topology) -> dict[str, list[dict[str, t.Any]]]:
    """By job, what becomes its target file. :raises HAError: when a target is not usable, or a name is taken."""
    found: dict[str, list[dict[str, t.Any]]] = {}
    for cohort in watched(prometheus, topology):
        for instance in cohort.instances:
            labels = labels_of(cohort, prometheus)
            labels[MEMBER] = str(instance.name)  # Ansible tags names, and YAML is not made of tagged text
            if _IS_PREFIXED[cohort.kind.name] and instance.prefix:
                labels["__metrics_path__"] = f"{instance.prefix}/metrics"
            target = {"targets": [host_port(instance.address, instance.port())], "labels": labels}
            found.setdefault(job_name(cohort.kind.name), []).append(target)
    _check_names(prometheus, found)
    return found


def labels_of(cohort: Cohort, watcher: Instance) -> dict[str, str]:
    """What all members of a set or mesh are labelled with, where they are watched.

    A set's own external labels are among them: so its alerts are the same, whether it sends them or its watcher does.
    """
    first = cohort.instances[0]
    labels = {COMPONENT: cohort.kind.name, GROUP: cohort.name}
    if cohort.kind.name == "prometheus":
        shard = first.opt("shard")
        if shard is not None:
            labels[SHARD] = f"{shard.get('index')}/{shard.get('of')}"
        hidden = (*_KEPT, _labels.replica_label_of(watcher))
        shared = _labels.shared_labels(first)
        labels.update({name: shared[name] for name in shared if name not in hidden and not name.startswith("__")})
    return labels


def _check_names(prometheus: Instance, own: t.Collection[str]) -> None:
    label = _labels.replica_label_of(prometheus)
    if own and label in _KEPT:
        what = f"the replica label {label!r} is one that tells the targets of the stack apart"
        raise HAError(what, where=prometheus.where("replica_label"), do="give it another name.")
    for option in ("scrape_configs", "federate"):
        for job in prometheus.opt(option):
            if str(job.get("job_name")) in own:
                what = f"the job {job['job_name']!r} is the collection's own, by which the stack watches itself"
                raise HAError(what, where=prometheus.where(option), do="give yours another name.")
    for name in prometheus.opt("targets"):
        if name in own:
            what = f"targets/{name}.yml is the collection's own, by which the stack watches itself"
            raise HAError(what, where=prometheus.where("targets"), do="give yours another name.")


def links(cohort: Cohort, topology: Topology) -> list[Link]:
    """What a replica set watches, besides itself."""
    others = [each for each in watched(cohort.instances[0], topology) if each is not cohort]
    return [
        Link(cohort, "watches", each, tuple(host_port(member.address, member.port()) for member in each.instances))
        for each in others
    ]
