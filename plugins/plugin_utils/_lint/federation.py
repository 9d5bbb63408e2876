# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about federation: what is taken (F01, F05), and how (F02, F03, F07). Those of its layers: layers.py."""

from __future__ import annotations

import functools
import json
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._federation import Job
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._series import relabelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._promql_selector import parse_selector
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._selector_reach import (
    check_regexes,
    raw_name,
    takes_everything,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import split_host_port


# Every rule here looks at the jobs; those of the last inventory are kept.
@functools.lru_cache(maxsize=1)
def all_jobs(subject: Subject) -> tuple[Job, ...]:
    """Every job that federates, prometheus_federate's and those written by hand."""
    return tuple(
        job for instance in subject.topology.of("prometheus") for job in _federation.jobs(instance, subject.topology)
    )


class _Verdict(t.NamedTuple):
    """What is wrong with a selector: what, and what to do. ``raw``: a metric that it takes and that is no aggregate."""

    what: str = ""
    do: str = ""
    certain: bool = True
    raw: str | None = None


@functools.lru_cache(maxsize=4096)
def _judged(selector: str) -> _Verdict:
    try:
        matchers = parse_selector(selector)
        check_regexes(matchers)
        if takes_everything(matchers):
            what = "takes everything, or everything but what it excludes"
            return _Verdict(what, 'select the aggregates that are needed, as in {__name__=~"job:.*"}.')
        return _Verdict(raw=raw_name(matchers))
    except UndecidedError as problem:
        if problem.refused:
            return _Verdict(f"is none that Prometheus takes: {problem.words.rstrip('.')}", "correct the regex.")
        what = f"is not judged: {problem.words.rstrip('.')}"
        return _Verdict(what, "write its regex in another way, or see that it does not take everything.", certain=False)
    except HAError as problem:
        return _Verdict(f"is none that Prometheus takes: {problem.what.rstrip('.')}", "correct it.")


def _selectors(job: Job) -> list[str]:
    given = job.selectors
    return [selector for selector in given if isinstance(selector, str)] if isinstance(given, list) else []


@rule(
    "F01",
    "error",
    "Every federated job has selectors (match[]) that Prometheus can read, and none that takes everything.",
    prevents="A global server that falls over under all series of all sites; and without a selector, a scrape that "
    "succeeds and takes nothing.",
    source='prometheus docs/federation.md; promql/parser; web/federate.go, which also serves {} and {job=~".*"}',
)
def f01_selectors(subject: Subject) -> t.Iterator[Problem]:
    for job in all_jobs(subject):
        found = _selectors(job)
        if not found or found != job.selectors:
            yield Problem(
                job.where,
                f"{job.title}: {'match' if job.variable == 'federate' else 'params.match[]'} is no list of selectors.",
                "list what is federated, as in ['{__name__=~\"job:.*\"}'].",
            )
        for selector in found:
            verdict = _judged(selector)
            if verdict.what:
                what = f"{job.title}: the selector {selector} {verdict.what}."
                yield Problem(job.where, what, verdict.do, None if verdict.certain else "warning")


@rule(
    "F02",
    "error",
    "Every federated job has honor_labels: true.",
    prevents="exported_job and exported_instance in the place of job and instance, which then name the source.",
    source="prometheus docs/federation.md",
)
def f02_labels_are_honored(subject: Subject) -> t.Iterator[Problem]:
    for job in all_jobs(subject):
        if job.config.get("honor_labels") is not True:
            yield Problem(job.where, f"{job.title}: honor_labels is not true.", "set honor_labels: true.")


@rule(
    "F03",
    "error",
    "A replica set is federated from all its replicas with the replica label kept, or from one at a time through an "
    "address that moves.",
    prevents="Samples of two replicas in one series; or a gap on the global server while the one replica is down.",
    source="thanos docs/operating/troubleshooting.md; https://github.com/prometheus-operator/prometheus-operator/"
    "issues/4312",
)
def f03_replicas(subject: Subject) -> t.Iterator[Problem]:
    alike: dict[tuple[str, tuple[str, str, str], str], list[Job]] = {}
    for job in all_jobs(subject):
        if job.variable == "federate":
            yield from _sticky(subject, job)
            continue
        for cohort in job.sets:
            # Two jobs may share the replicas of a set, if they take the same.
            taken = json.dumps(job.selectors, sort_keys=True, default=str)
            alike.setdefault((job.reader.name, cohort.instances[0].cohort, taken), []).append(job)
    for (_reader, key, _taken), jobs in alike.items():
        yield from _by_hand(subject.topology.cohorts[key], jobs)


def _sticky(subject: Subject, job: Job) -> t.Iterator[Problem]:
    problem = _federation.unaddressed(job)
    if problem:
        yield Problem(problem.where, problem.what, problem.do)
    if job.sources or not job.targets or not job.sets or len(job.sets[0].instances) == 1:
        return
    source = subject.topology.by_endpoint.get(split_host_port(job.targets[0]))
    if source in job.sets[0].instances:
        yield Problem(
            job.where,
            f"{job.title}: the sticky address {job.targets[0]} is the replica {source.name} itself.",
            "name a balancer or virtual IP that leads to another replica when this one is down, or use mode both.",
        )


def _by_hand(cohort: Cohort, jobs: t.Sequence[Job]) -> t.Iterator[Problem]:
    title = " and ".join(job.title for job in jobs)
    where = jobs[0].where
    taken: list[tuple[Instance, dict[str, str]]] = []
    try:
        for job in jobs:
            configs = job.config.get("metric_relabel_configs") or []
            for source in (one for one in job.sources if one.cohort == cohort.instances[0].cohort):
                labels = relabelled(source, configs, by=job.reader)
                if labels is not None:
                    taken.append((source, labels))
    except UndecidedError as problem:
        yield Problem(
            where,
            f"{title}: undecided whether the replica label stays: {problem.words.rstrip('.')}.",
            "write that metric_relabel_configs in another way, or use prometheus_federate.",
            "error" if problem.refused else "warning",
        )
        return
    names = sorted({source.name for source, _labels in taken})
    if len(names) == 1 < len(cohort.instances) and all(job.complete for job in jobs):
        yield Problem(
            where,
            f"{title}: of {cohort.title} it takes the replica {names[0]} alone.",
            "scrape every replica and keep the replica label, as prometheus_federate does.",
        )
    holders: dict[str, str] = {}
    for source, labels in taken:
        series = json.dumps(labels)
        holder = holders.setdefault(series, source.name)
        if holder != source.name:
            yield Problem(
                where,
                f"{title}: after metric_relabel_configs the series of {holder} and {source.name} of {cohort.title} are "
                f"the same; the label {prometheus.replica_label(source)!r} is gone.",
                "keep the replica label, and aggregate it away in a recording rule.",
            )
            return


@rule(
    "F05",
    "warning",
    "Only aggregates (level:metric:operation) are federated.",
    prevents="The cardinality of every site, copied upward.",
    source="prometheus docs/federation.md; docs/practices/rules.md: a recorded name has colons",
)
def f05_aggregates(subject: Subject) -> t.Iterator[Problem]:
    for job in all_jobs(subject):
        for selector in _selectors(job):
            raw = _judged(selector).raw
            if raw is not None:
                yield Problem(
                    job.where,
                    f"{job.title}: the selector {selector} takes more than aggregates: a metric {raw!r}, for one.",
                    "record aggregates at the source and select these by name; or ignore F05 with the reason why this "
                    "is few series.",
                )


@rule(
    "F07",
    "error",
    "Every entry of prometheus_federate names one source that exists, and can be rendered.",
    prevents="A site that is missing on the global server.",
    source="the collection's inventory contract",
)
def f07_entries(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        where = instance.where("federate")
        for entry in _federation.entries(instance, subject.topology):
            # Of a source that has no usable address, I03 speaks.
            if isinstance(entry, HAError) and entry.where == where:
                yield Problem(where, entry.what, entry.do)


RULES = (f01_selectors, f02_labels_are_honored, f03_replicas, f05_aggregates, f07_entries)
