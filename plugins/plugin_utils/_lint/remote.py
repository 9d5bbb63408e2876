# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about remote write and the storage behind it (R01 to R04), and about dashboards (G01)."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _remote_write
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import grafana
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    HOUR,
    flag_duration,
    known,
    prometheus_duration,
    shown,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._series import Labels, relabelled
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.prometheus import within
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote_write import Endpoint
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance

# The labels by which the HA tracker of Mimir and Cortex knows replicas (the defaults of their limits).
_CLUSTER, _REPLICA = "cluster", "__replica__"


def _pairs(subject: Subject, *kinds: str) -> t.Iterator[tuple[Cohort, Endpoint]]:
    """The endpoints of some kinds that more than one replica writes to, each with the set, as its first member has it.

    That the others have the same is P02's.
    """
    for cohort in subject.topology.cohorts_of("prometheus"):
        if len(cohort.instances) > 1:
            for endpoint in _remote_write.endpoints(cohort.instances[0], subject.topology):
                if endpoint.kind in kinds:
                    yield cohort, endpoint


def _written(cohort: Cohort, endpoint: Endpoint) -> list[tuple[Instance, Labels]]:
    """A series of each replica as it arrives. :raises UndecidedError: when it is not certain."""
    configs = endpoint.config.get("write_relabel_configs") or []
    found = ((replica, relabelled(replica, configs, by=replica)) for replica in cohort.instances)
    return [(replica, labels) for replica, labels in found if labels is not None]


def _undecided(cohort: Cohort, endpoint: Endpoint, problem: UndecidedError) -> Problem:
    words = problem.words.rstrip(".")
    if problem.refused:
        what = f"{endpoint.title}: Prometheus would refuse write_relabel_configs: {words}."
        return Problem(endpoint.where, what, "correct it.", "error")
    return Problem(
        endpoint.where,
        f"{endpoint.title}: undecided what write_relabel_configs make of the replicas of {cohort.title}: {words}.",
        "write that rule in another way.",
        "undecided",
    )


def _difference(written: t.Sequence[tuple[Instance, Labels]], apart: str = "") -> str:
    """The first label, but for the one that is meant to, in which two replicas' series differ; "" for none."""
    first, labels = written[0] if written else (None, {})
    for other, others in written[1:]:
        for name in sorted({*labels, *others}):
            if name != apart and labels.get(name) != others.get(name):
                return (
                    f"{name!r} is {labels.get(name)!r} for {first.name if first else ''} and {others.get(name)!r} for "
                    f"{other.name}"
                )
    return ""


@rule(
    "R01",
    "error",
    "What replicas write to VictoriaMetrics has no replica label, and VictoriaMetrics deduplicates by the scrape "
    "interval (-dedup.minScrapeInterval, the same on vmselect and vmstorage).",
    prevents="Every series once a replica, or twice as many samples.",
    source="https://github.com/VictoriaMetrics/VictoriaMetrics/issues/1298; VictoriaMetrics docs, Deduplication",
)
def r01_victoriametrics(subject: Subject) -> t.Iterator[Problem]:
    told: set[Problem] = set()
    for cohort, endpoint in _pairs(subject, _remote_write.VICTORIAMETRICS):
        try:
            difference = _difference(_written(cohort, endpoint))
        except UndecidedError as problem:
            yield _undecided(cohort, endpoint, problem)
            continue
        if difference:
            yield Problem(
                endpoint.where,
                f"{endpoint.title}: to VictoriaMetrics the replicas of {cohort.title} write different series: "
                f"{difference}.",
                "drop the replica label in that endpoint's write_relabel_configs: {regex: <the label>, action: "
                "labeldrop}.",
            )
        wrong = [one for one in _deduplication(subject, cohort, endpoint) if one not in told]
        told.update(wrong)
        yield from wrong


def _deduplication(subject: Subject, cohort: Cohort, endpoint: Endpoint) -> t.Iterator[Problem]:
    if endpoint.receiver is None:
        return
    parts = [endpoint.receiver]
    if endpoint.receiver.kind.name == "vminsert":
        environment = endpoint.receiver.environment
        parts = [one for one in subject.topology.cohorts_of("vmselect", "vmstorage") if one.environment == environment]
    interval = _scrape_interval(subject, cohort.instances[0])
    for storage in (instance for part in parts for instance in part.instances):
        given = storage.opt("dedup_min_scrape_interval")
        if interval is not None and _window(given) not in (None, interval):
            yield Problem(
                storage.where("dedup_min_scrape_interval"),
                f"-dedup.minScrapeInterval is {given or 'not set'}, and {cohort.title} scrapes every "
                f"{shown(interval)}.",
                f"set {storage.kind.name}_dedup_min_scrape_interval to {shown(interval)} (one interval for all sets "
                "that write there).",
            )


def _window(given: str | None) -> int | None:
    """-dedup.minScrapeInterval in nanoseconds, 0 where it is not set; None of what is no duration (I07 says so)."""
    with contextlib.suppress(HAError):
        return flag_duration(given or "0")
    return None


def _scrape_interval(subject: Subject, prometheus: Instance) -> int | None:
    config = subject.config(prometheus)
    given = prometheus.opt("scrape_interval") if config is None else within(config, "global", "scrape_interval")
    with contextlib.suppress(HAError):
        return prometheus_duration(given)
    return None


@rule(
    "R02",
    "error",
    "What replicas write to Mimir or Cortex has the labels cluster and __replica__, which alone tells them apart, and "
    "the HA tracker is on.",
    prevents="Samples out of order that are refused, or every series once a replica.",
    source="grafana.com/docs/mimir: configure high-availability deduplication; cortexmetrics.io: HA pair handling",
)
def r02_ha_tracker(subject: Subject) -> t.Iterator[Problem]:
    told: set[str] = set()
    for cohort, endpoint in _pairs(subject, "mimir", "cortex"):
        try:
            written = _written(cohort, endpoint)
        except UndecidedError as problem:
            yield _undecided(cohort, endpoint, problem)
            continue
        words = _tracking(written)
        if words:
            yield Problem(
                endpoint.where,
                f"{endpoint.title}: {cohort.title} writes to the HA tracker, and {words}.",
                "name the set by the external label cluster, and move the replica label to __replica__ in that "
                "endpoint's write_relabel_configs (a replace, then a labeldrop).",
            )
        for receiver in endpoint.receiver.instances if endpoint.receiver else ():
            if not receiver.opt("ha_tracker_enabled") and receiver.name not in told:
                told.add(receiver.name)
                yield Problem(
                    receiver.where("ha_tracker_enabled"),
                    f"{cohort.title} has {len(cohort.instances)} replicas that write there, and the HA tracker is off.",
                    f"set {receiver.kind.name}_ha_tracker_enabled: true, and accept HA samples of the tenant.",
                )


def _tracking(written: t.Sequence[tuple[Instance, Labels]]) -> str:
    """What keeps the HA tracker from its work; "" for nothing."""
    for replica, labels in written:
        lost = [name for name in (_CLUSTER, _REPLICA) if not labels.get(name)]
        if lost:
            return f"the series of {replica.name} have no label {' and '.join(lost)}"
    holders: dict[str, str] = {}
    for replica, labels in written:
        holder = holders.setdefault(labels[_REPLICA], replica.name)
        if holder != replica.name:
            return f"{holder} and {replica.name} have the same {_REPLICA}, {labels[_REPLICA]!r}"
    difference = _difference(written, apart=_REPLICA)
    return f"not {_REPLICA} alone tells its replicas apart: {difference}" if difference else ""


# The head is cut every two hours, and with it the log that remote write reads; an agent keeps up to four.
# Source: prometheus docs/practices/remote_write.md; --storage.agent.retention.max-time.
_WAL = 2 * HOUR
_AGENT_WAL = 4 * HOUR
_AGENT_FLAG = "storage.agent.retention.max-time"


@rule(
    "R03",
    "warning",
    "The outage of remote storage that must not lose a sample (prometheus_remote_outage_budget) is no longer than what "
    "Prometheus holds back: two hours, by its write-ahead log, an agent four; less with a sample_age_limit.",
    prevents="Lost samples.",
    source="prometheus docs/practices/remote_write.md; prometheus --help: storage.agent.retention.max-time",
)
def r03_outage_budget(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        budget = known(instance.opt("remote_outage_budget"))
        if budget is None:
            continue
        flags = {str(name).lstrip("-"): value for name, value in instance.opt("extra_args").items()}
        log = (known(flags.get(_AGENT_FLAG)) or _AGENT_WAL) if instance.opt("agent") else _WAL
        for endpoint in _remote_write.endpoints(instance, subject.topology):
            age = known(within(endpoint.config, "queue_config", "sample_age_limit"))
            held = min(log, age or log)
            if budget > held:
                yield Problem(
                    instance.where("remote_outage_budget"),
                    f"{endpoint.title} may be away for {shown(budget)}, and {shown(held)} are held back.",
                    "plan with less, or put in front of it what holds samples back for longer, as Kafka or vmagent do.",
                )


@rule(
    "R04",
    "error",
    "prometheus_remote_write_kinds says victoriametrics, mimir, cortex or other, of endpoints that exist.",
    prevents="Rules about remote storage that are silent, because they don't know what it is.",
    source="the collection's inventory contract",
)
def r04_kinds(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        known = {str(config.get(key)) for config in instance.opt("remote_write") for key in ("name", "url")}
        where = instance.where("remote_write_kinds")
        for name, kind in instance.opt("remote_write_kinds").items():
            # A URL may hold a password.
            title = "a URL" if "://" in str(name) else repr(name)
            if kind not in _remote_write.HINTS:
                what = f"{title} is said to be {kind!r}."
                yield Problem(where, what, f"write one of {', '.join(_remote_write.HINTS)}.")
            if str(name) not in known:
                yield Problem(
                    where,
                    f"{title} is the name or url of no endpoint of prometheus_remote_write.",
                    "write it as that endpoint has it, or take it out.",
                )


@rule(
    "G01",
    "error",
    "Several Grafanas share one database (MySQL or PostgreSQL) and agree, by gossip or Redis, on who sends an alert.",
    prevents="Sessions and dashboards that are only on one of them, and every notification once an instance.",
    source="grafana.com/docs: set up Grafana for high availability; alerting high availability",
)
def g01_grafana(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("grafana"):
        if len(cohort.instances) == 1:
            continue
        environment = cohort.environment
        there = {one.kind.name for one in subject.topology.cohorts.values() if one.environment == environment}
        for instance in cohort.instances:
            yield from _database(instance, cohort, "grafana_database" in there)
            yield from _agreement(instance, cohort, "grafana_cache" in there)


def _database(instance: Instance, cohort: Cohort, group: bool) -> t.Iterator[Problem]:
    """Of URLs nothing is shown but the scheme: they hold the password."""
    scheme = grafana.database_scheme(instance)
    if scheme is None and not group:
        what = f"{len(cohort.instances)} Grafanas have no database that they share."
    elif scheme is not None and scheme not in grafana.SHARED_DATABASES:
        what = f"the database {scheme!r} is none that {len(cohort.instances)} Grafanas can share."
    elif instance.opt("database_url") != cohort.instances[0].opt("database_url"):
        what = f"{instance.name} and {cohort.instances[0].name} have different databases."
    else:
        return
    do = "fill the group grafana_database, or set one grafana_database_url (postgres:// or mysql://) for all."
    yield Problem(instance.where("database_url"), what, do)


def _agreement(instance: Instance, cohort: Cohort, group: bool) -> t.Iterator[Problem]:
    way = instance.opt("alerting_ha")
    where = instance.where("alerting_ha")
    if way == "none":
        what = f"{len(cohort.instances)} Grafanas would each send every alert."
        yield Problem(where, what, "set grafana_alerting_ha to gossip or redis for all of them.")
    elif way != cohort.instances[0].opt("alerting_ha"):
        first = cohort.instances[0]
        what = f"{instance.name} agrees by {way}, {first.name} by {first.opt('alerting_ha')}."
        yield Problem(where, what, "set one grafana_alerting_ha for all of them.")
    elif way == "redis" and not group and not instance.opt("alerting_redis_address"):
        what = "there is no Redis to agree by."
        yield Problem(where, what, "fill the group grafana_cache, or set grafana_alerting_redis_address.")


RULES = (r01_victoriametrics, r02_ha_tracker, r03_outage_budget, r04_kinds, g01_grafana)
