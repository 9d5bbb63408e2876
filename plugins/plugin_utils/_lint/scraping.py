# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about when replicas scrape, how often, and how far queries look back."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    MINUTE,
    SECOND,
    prometheus_duration,
    shown,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.prometheus import within
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, ip_literal


class _Scraping(t.NamedTuple):
    """A job's interval and timeout in nanoseconds; ``by``: the option (without its prefix) that sets the timeout."""

    title: str
    interval: int
    timeout: int
    by: str


def _duration(value: t.Any, instead: int) -> int:
    """In nanoseconds; ``instead`` of none and of what is no duration (I07 says so)."""
    with contextlib.suppress(HAError):
        return prometheus_duration(str(value)) or instead if value is not None else instead
    return instead


def _scrapings(subject: Subject, instance: Instance) -> t.Iterator[_Scraping]:
    """The global one first, then those of jobs with values of their own.

    A job without a timeout has the global one, or its interval where that is less, so it can't be wrong
    (ScrapeConfig.Validate() of prometheus config/config.go).
    """
    config = subject.config(instance) or {}
    interval = _duration(within(config, "global", "scrape_interval"), MINUTE)
    timeout = _duration(within(config, "global", "scrape_timeout"), min(10 * SECOND, interval))
    by = "config" if within(instance.opt("config"), "global", "scrape_timeout") is not None else "scrape_timeout"
    yield _Scraping("the global settings", interval, timeout, by)
    given = {str(job.get("job_name")) for job in instance.opt("scrape_configs")}
    for job in config.get("scrape_configs") or ():
        if isinstance(job, dict) and ("scrape_interval" in job or "scrape_timeout" in job):
            own = _duration(job.get("scrape_interval"), interval)
            limit = _duration(job.get("scrape_timeout"), min(timeout, own))
            name = str(job.get("job_name"))
            yield _Scraping(f"job {name!r}", own, limit, "scrape_configs" if name in given else "federate")


@rule(
    "P16",
    "error",
    "No scrape timeout is longer than its scrape interval.",
    prevents="Prometheus does not load the configuration.",
    source="prometheus config/config.go: GlobalConfig.UnmarshalYAML(), ScrapeConfig.Validate()",
)
def p16_timeouts(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        for scraping in _scrapings(subject, instance):
            if scraping.timeout > scraping.interval and scraping.by != "federate":  # F06 says so
                yield Problem(
                    instance.where(scraping.by),
                    f"{scraping.title}: the scrape timeout is {shown(scraping.timeout)}, the interval "
                    f"{shown(scraping.interval)}.",
                    "make the timeout at most as long as the interval.",
                )


# Prometheus' default of --query.lookback-delta.
_LOOKBACK = 5 * MINUTE


@rule(
    "P13",
    "warning",
    "Queries look back at least twice the slowest scrape interval (query.lookback-delta, 5m by default).",
    prevents="Gaps: one scrape that fails or is late, and the series is stale.",
    source="thanos docs/components/query.md",
)
def p13_lookback(subject: Subject) -> t.Iterator[Problem]:
    for instance in subject.topology.of("prometheus"):
        if instance.opt("agent") or subject.config(instance) is None:
            continue
        flags = {str(name).lstrip("-"): value for name, value in instance.opt("extra_args").items()}
        lookback = _duration(flags.get("query.lookback-delta"), _LOOKBACK)
        slowest = max(_scrapings(subject, instance), key=lambda scraping: scraping.interval)
        if lookback < 2 * slowest.interval:
            option = slowest.by if slowest.by in ("scrape_configs", "federate") else "scrape_interval"
            yield Problem(
                instance.where(option),
                f"{slowest.title}: scraped every {shown(slowest.interval)}, and queries look back {shown(lookback)}.",
                f"scrape at least every {shown(lookback // 2)}, or set query.lookback-delta to "
                f"{shown(2 * slowest.interval)} in prometheus_extra_args (and on Thanos Query).",
            )


@rule(
    "P14",
    "warning",
    "The hosts of a replica set have names of their own, without their domains too.",
    prevents="Replicas that scrape every target at the same moment and are told apart by nobody who reads their logs: "
    "Prometheus spreads its scrapes by the host's name and the external labels.",
    source="prometheus scrape/manager.go: setOffsetSeed(); util/osutil/hostname.go",
)
def p14_host_names(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        holders: dict[str, str] = {}
        for instance in cohort.instances:
            name = _host_name(instance)
            if name is not None and name in holders:
                yield Problem(
                    f"host {instance.name}",
                    f"{holders[name]} and {instance.name} of {cohort.title} may both call themselves {name!r}; then "
                    "only the replica label keeps them from scraping at the same moment.",
                    "give each host a name of its own before the first dot; where the hosts' own names (hostname -f) "
                    "do differ, ignore this with that reason.",
                )
            if name is not None:
                holders.setdefault(name, instance.name)


def _host_name(instance: Instance) -> str | None:
    """What a host is called as far as its name in the inventory tells; None for an address."""
    if ip_literal(instance.name):
        return None
    return instance.name.partition(".")[0].lower()


RULES = (p13_lookback, p14_host_names, p16_timeouts)
