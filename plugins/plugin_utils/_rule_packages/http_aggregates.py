# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates of HTTP services: requests, errors, latency from classic histograms."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._aggregates import (
    WINDOW,
    instance_labels,
    ratios,
    sums,
    sums_above,
    without,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Group,
    Package,
    RuleData,
    Scene,
    Settings,
    quoted,
    record,
)

# What tells requests of one instance apart, by the names that are usual.
LABELS = ("code", "status", "status_code", "method", "handler", "path", "route", "uri", "endpoint")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def _of_request(settings: Settings) -> list[str]:
    code = settings.get("http_code", "code")
    return list(dict.fromkeys([code, *settings.get("http_labels", LABELS)]))


def _requests(settings: Settings) -> list[RuleData]:
    metric = settings.get("http_requests", "http_requests_total")
    by_instance = without(_of_request(settings))
    failed = f"{metric}{{{settings.get('http_code', 'code')}=~{quoted('5..')}}}"
    # Where nothing has failed yet there is no series of failures; none is not nothing.
    errors = f"sum {by_instance} (rate({failed}[{WINDOW}]))\nor\n0 * instance:http_requests:rate5m"
    return [
        *sums(settings, "http_requests", "rate5m", f"sum {by_instance} (rate({metric}[{WINDOW}]))"),
        *sums(settings, "http_request_errors", "rate5m", errors),
        # Without requests there is no share of errors.
        *ratios(
            "http_request_errors:ratio_rate5m", "http_request_errors:rate5m", "http_requests:rate5m", form="{} >= 0"
        ),
    ]


def _latency(settings: Settings) -> list[RuleData]:
    metric = settings.get("http_duration", "http_request_duration_seconds")
    by_job = without([*instance_labels(settings), *_of_request(settings)])
    bucket = "http_request_duration_seconds_bucket:rate5m"
    buckets = f"job:{bucket}"
    # Jobs have buckets of their own, and only those that all of them have can be added up.
    shared = (
        f"sum without (job) ({buckets})\nand\n(\n  count without (job) ({buckets})\n  == ignoring (le) group_left ()\n"
        f'  count without (job, le) ({buckets}{{le="+Inf"}})\n)'
    )
    rules = [
        record(buckets, f"sum {by_job} (rate({metric}_bucket[{WINDOW}]))"),
        record(f"cluster:{bucket}", shared),
    ]
    for part in ("sum", "count"):
        name = f"http_request_duration_seconds_{part}"
        of_instance = f"sum {without(_of_request(settings))} (rate({metric}_{part}[{WINDOW}]))"
        rules += sums_above(settings, name, "rate5m", of_instance)
    levels = ("job", "cluster")
    duration = "http_request_duration_seconds"
    rules += ratios(f"{duration}:mean5m", f"{duration}_sum:rate5m", f"{duration}_count:rate5m", levels, form="{} >= 0")
    rules += [
        record(f"{level}:{duration}:{name}", f"histogram_quantile({quantile}, {level}:{bucket}) >= 0")
        for level in levels
        for name, quantile in QUANTILES.items()
    ]
    return rules


def _groups(scene: Scene) -> t.Iterator[Group]:
    yield "http_requests", _requests(scene.settings)
    yield "http_latency", _latency(scene.settings)


PACKAGE = Package(
    "http_aggregates",
    "Requests, the share that failed, and latency (mean and quantiles) of HTTP services: by instance where it feeds "
    "the rest, by job, and of all.",
    _groups,
)
