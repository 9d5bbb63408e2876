# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Federation, on the Prometheus that federates: whether its sources answer, how much they give, how old it is.

A job that federates honors the labels of its sources and has none of the stack's own, so it is known by its name.
"""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    DOUBTFUL,
    Choice,
    Dashboard,
    Panel,
    Query,
    Row,
    Text,
    bad_from,
    good_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._queries import (
    RATE,
    UP,
    WHO,
    chosen,
    each,
    or_zero,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import federation_health

_JOB = 'job=~"$job"'
_TARGET = "{{job}} {{instance}}"
_ALL = chosen("prometheus")


def _of(expr: str) -> str:
    """What is known of each target, once, whichever replica of who federates has it."""
    return f"max by (job, instance) ({expr})"


_UP = _of(f"up{{{_JOB}}}")
_SAMPLES = _of(f"scrape_samples_post_metric_relabeling{{{_JOB}}}")
_TIMES = f'timestamp({{__name__=~"$federated", {_JOB}}})'
_LIMIT = federation_health.LIMIT.threshold or 1

_SOURCES = (
    Row(
        "Sources",
        (
            Panel(
                "Sources without a target",
                "stat",
                "Jobs of which no target answers: nothing of that source is federated now.",
                (Query(or_zero(f"count(max by (job) ({_UP}) == 0)")),),
                "none",
                bad_from(1),
                alerts=(federation_health.DOWN,),
            ),
            Panel(
                "Targets down",
                "stat",
                "Replicas of sources that do not answer. Where another one of its job does, nothing is missing.",
                (Query(or_zero(f"count({_UP} == 0)")),),
                "none",
                bad_from(1, DOUBTFUL),
                alerts=(federation_health.TARGET,),
            ),
            Panel(
                "Targets that give nothing",
                "stat",
                "They answer, and have no series that the selectors match.",
                (
                    Query(
                        or_zero(
                            f"count({_of(f'scrape_samples_scraped{{{_JOB}}}')} == 0 and on (job, instance) {_UP} == 1)"
                        )
                    ),
                ),
                "none",
                bad_from(1),
                alerts=(federation_health.EMPTY,),
            ),
            Panel(
                "Nearest to its limit",
                "stat",
                "The largest share of sample_limit that a target gives. Above 1 its scrape is refused as a whole.",
                (Query(f"max({_SAMPLES}) / $sample_limit"),),
                "percentunit",
                bad_from(_LIMIT),
                alerts=(federation_health.LIMIT,),
            ),
        ),
        4,
    ),
    Row(
        "",
        (
            Panel(
                "Targets",
                "state-timeline",
                "Who answered when. All targets of a job down at the same time are a gap in the global view.",
                (Query(_UP, _TARGET),),
                "none",
                good_from(1),
                UP,
                (federation_health.DOWN, federation_health.TARGET),
            ),
            Panel(
                "Duration of a scrape",
                "timeseries",
                "Near the scrape timeout, a source is about to be lost. Fewer or cheaper selectors help.",
                (Query(_of(f"scrape_duration_seconds{{{_JOB}}}"), _TARGET),),
                "s",
            ),
        ),
    ),
)

_AMOUNT = (
    Row(
        "How much and how old",
        (
            Panel(
                "Samples of each source",
                "timeseries",
                "Replicas of a source give about the same. The line is the variable `sample_limit`, which must be what "
                "the jobs have.",
                (Query(_SAMPLES, _TARGET), Query("vector($sample_limit)", "sample_limit")),
                alerts=(federation_health.LIMIT, federation_health.EMPTY),
            ),
            Panel(
                "Series that are new",
                "timeseries",
                "Series that a scrape adds. Steady churn comes from a label that should have been aggregated away.",
                (Query(_of(f"scrape_series_added{{{_JOB}}}"), _TARGET),),
            ),
            Panel(
                "Age of what is federated",
                "timeseries",
                "Of the series that the variable `federated` names: the newest and the oldest sample of each job. "
                "Usual is up to the source's evaluation interval and the scrape interval together. After five minutes "
                "a series is no longer there.",
                (
                    Query(f"time() - max by (job) ({_TIMES})", "{{job}} newest"),
                    Query(f"time() - min by (job) ({_TIMES})", "{{job}} oldest"),
                ),
                "s",
                bad_from(120),
            ),
        ),
    ),
    Row(
        "Refused",
        (
            Panel(
                "Scrapes over sample_limit",
                "timeseries",
                "Of all jobs of each Prometheus that is scraped. Should be none; the source is down for as long.",
                (
                    Query(
                        each(f"rate(prometheus_target_scrapes_exceeded_sample_limit_total{{{_ALL}}}{RATE})"),
                        WHO,
                    ),
                ),
                "cps",
                alerts=(federation_health.LIMIT, federation_health.DOWN),
            ),
            Panel(
                "Errors of /federate",
                "timeseries",
                "On the sources: requests to /federate that failed, a second.",
                (Query(each(f"rate(prometheus_web_federation_errors_total{{{_ALL}}}{RATE})"), WHO),),
                "cps",
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "ha-federation",
    "HA federation",
    "What a Prometheus federates. The data source must be the Prometheus that federates.",
    (
        # All of these, and not all jobs.
        Choice("job", "Job", "job", 'up{job=~"federate-.+"}', everything=""),
        Text("sample_limit", "sample_limit of the jobs", str(_federation.SAMPLE_LIMIT)),
        Text("federated", "Federated names (regex)", "cluster:.+"),
    ),
    (*_SOURCES, *_AMOUNT),
)
