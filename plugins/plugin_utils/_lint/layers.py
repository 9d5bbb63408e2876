# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the layers of federation: their labels, their order and their intervals (F04, F06)."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import known, shown
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._federation import Job
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.federation import all_jobs
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.prometheus import within
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance

_Key = t.Tuple[str, str, str]
# By replica set, the sets that it federates, each with a job that does.
_Graph = t.Dict[_Key, t.Dict[_Key, Job]]


def _graph(subject: Subject) -> _Graph:
    graph: _Graph = {}
    for job in all_jobs(subject):
        sources = graph.setdefault(job.reader.cohort, {})
        for cohort in job.sets:
            sources.setdefault(cohort.instances[0].cohort, job)
    return graph


@rule(
    "F04",
    "error",
    "Each layer of federation has a replica label of its own, and a host is in one layer only.",
    prevents="A source's replica label in the place of the server's own: series of its replicas collide, in remote "
    "storage as samples out of order.",
    source="thanos docs/operating/troubleshooting.md; prometheus web/federate.go: external labels are only added where "
    "there is none of the name",
)
def f04_layers(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        mapped = instance.options["prometheus_ha_groups"]
        names = [mapped.get(group.name, group.name) for group in prometheus.KIND.groups]
        names = [name for name in names if name in instance.host.groups]
        if len(names) > 1:
            yield Problem(
                f"host {instance.name}",
                f"it is in the groups {' and '.join(names)}; one Prometheus can't be in two layers.",
                "take it out of one of them; a global server has a host of its own.",
            )
    graph = _graph(subject)
    for reader in graph:
        cohort = subject.topology.cohorts[reader]
        label = prometheus.replica_label(cohort.instances[0])
        below = next((key for key in _below(graph, reader) if _label(subject, key) == label), None)
        if below:
            source = subject.topology.cohorts[below].title
            for instance in cohort.instances:
                yield Problem(
                    instance.where("replica_label"),
                    f"{cohort.title} federates from {source}, and both have the replica label {label!r}.",
                    f"set another prometheus_replica_label for {cohort.title}, in its group.",
                )


def _label(subject: Subject, key: _Key) -> str:
    return prometheus.replica_label(subject.topology.cohorts[key].instances[0])


def _below(graph: _Graph, reader: _Key) -> t.Iterator[_Key]:
    """What a set federates, directly or through others, without itself: a cycle is F06's."""
    seen = {reader}
    waiting = collections.deque([reader])
    while waiting:
        for source in graph.get(waiting.popleft(), {}):
            if source not in seen:
                seen.add(source)
                waiting.append(source)
                yield source


@rule(
    "F06",
    "error",
    "Federation has no cycle; no job asks more often than its source evaluates rules; its timeout is at most its "
    "interval; it has a sample_limit.",
    prevents="Series that go round and grow a label each time, the same value scraped twice and rates that jump, a "
    "selector that floods the global server.",
    source="prometheus docs/federation.md and docs/configuration/configuration.md (scrape_config)",
)
def f06_order_and_intervals(subject: Subject) -> t.Iterator[Problem]:
    yield from _cycles(subject, _graph(subject))
    for job in all_jobs(subject):
        interval = known(job.config.get("scrape_interval") or _overall(subject, job.reader, "scrape_interval"))
        timeout = known(job.config.get("scrape_timeout"))
        if interval is not None:
            yield from _too_often(subject, job, interval)
        # P16 says it of jobs that are written by hand.
        if interval is not None and timeout is not None and timeout > interval and job.variable == "federate":
            yield Problem(
                job.where,
                f"{job.title}: the scrape timeout is {shown(timeout)}, the interval {shown(interval)}.",
                "make the timeout at most as long as the interval.",
            )
        if not (job.config.get("sample_limit") or _overall(subject, job.reader, "sample_limit")):
            yield Problem(
                job.where,
                f"{job.title}: there is no sample_limit.",
                "set it to some times the series that are expected.",
            )


def _too_often(subject: Subject, job: Job, interval: int) -> t.Iterator[Problem]:
    for cohort in job.sets:
        evaluated = known(_overall(subject, cohort.instances[0], "evaluation_interval"))
        if evaluated is not None and interval < evaluated:
            yield Problem(
                job.where,
                f"{job.title}: it is scraped every {shown(interval)}, and {cohort.title} evaluates its rules every "
                f"{shown(evaluated)}.",
                f"set a scrape_interval of {shown(evaluated)} or more.",
            )


def _overall(subject: Subject, instance: Instance, name: str) -> t.Any:
    """A global setting, as it is rendered; where nothing can be, as its variable says."""
    config = subject.config(instance)
    return instance.options.get(f"prometheus_{name}") if config is None else within(config, "global", name)


def _cycles(subject: Subject, graph: _Graph) -> t.Iterator[Problem]:
    """Depth first, without recursion: a chain of layers may be long. Every cycle has a job that closes it."""
    done: set[_Key] = set()
    for start in graph:
        path: list[_Key] = []
        ways: list[t.Iterator[_Key]] = [iter([start])]
        while ways:
            key = next(ways[-1], None)
            if key is None:
                ways.pop()
                if path:
                    done.add(path.pop())
            elif key in path:
                ring = [*path[path.index(key) :], key]
                titles = " -> ".join(subject.topology.cohorts[one].title for one in ring)
                where = graph[path[-1]][key].where
                yield Problem(where, f"federation goes round: {titles}.", "take one of these steps out.")
            elif key not in done:
                path.append(key)
                ways.append(iter(graph.get(key, {})))


RULES = (f04_layers, f06_order_and_intervals)
