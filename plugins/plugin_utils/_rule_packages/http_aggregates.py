# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates of HTTP services: requests, errors, latency from classic histograms."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._aggregates import (
    WINDOW,
    Aggregate,
    Quantile,
    Ratio,
    Sum,
    rules,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Group,
    Package,
    Scene,
    Settings,
)

# What tells requests of one instance apart, by the names that are usual.
LABELS = ("status", "status_code", "method", "handler", "path", "route", "uri", "endpoint")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_DURATION = "http_request_duration_seconds"


def _sum(settings: Settings, metric: str, matchers: str = "") -> str:
    """The rate of one instance's requests, whatever tells them apart."""
    labels = dict.fromkeys([settings.get("http_code", "code"), *settings.get("http_labels", LABELS)])
    return f"sum without ({', '.join(labels)}) (rate({metric}{matchers}[{WINDOW}]))"


def _requests(settings: Settings) -> list[Aggregate]:
    metric, code = settings.get("http_requests", "http_requests_total"), settings.get("http_code", "code")
    failed = _sum(settings, metric, f'{{{code}=~"5.."}}')
    return [
        Sum("http_requests:rate5m", _sum(settings, metric)),
        # Where nothing has failed yet there is no series of failures; that is 0, and not nothing.
        Sum("http_request_errors:rate5m", f"{failed}\nor\n0 * instance:http_requests:rate5m"),
        # Without requests there is no share of errors.
        Ratio("http_request_errors:ratio_rate5m", "http_request_errors:rate5m", "http_requests:rate5m", "{} >= 0"),
    ]


def _latency(settings: Settings) -> list[Aggregate]:
    metric = settings.get("http_duration", _DURATION)
    buckets = f"{_DURATION}_bucket:rate5m"
    return [
        Sum(buckets, _sum(settings, f"{metric}_bucket"), is_histogram=True),
        Sum(f"{_DURATION}_sum:rate5m", _sum(settings, f"{metric}_sum")),
        Sum(f"{_DURATION}_count:rate5m", _sum(settings, f"{metric}_count")),
        Ratio(f"{_DURATION}:mean5m", f"{_DURATION}_sum:rate5m", f"{_DURATION}_count:rate5m", "{} >= 0"),
        *(Quantile(f"{_DURATION}:{name}", quantile, buckets) for name, quantile in QUANTILES.items()),
    ]


def _groups(scene: Scene) -> t.Iterator[Group]:
    yield "http_requests", rules(scene, _requests(scene.settings))
    yield "http_latency", rules(scene, _latency(scene.settings))


PACKAGE = Package(
    "http_aggregates", "Requests, the share that failed, and latency (mean and quantiles) of HTTP services.", _groups
)
