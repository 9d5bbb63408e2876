# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts about federation, on the Prometheus that federates: which source is missing, empty, or too large."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    Alert,
    Group,
    Package,
    RuleData,
    Scene,
    quoted,
)

DOWN = Alert("FederationSourceDown", "critical", "5m", "No target of a federated source answers.")
TARGET = Alert(
    "FederationTargetDown",
    "warning",
    "15m",
    "A target of a federated source fails, and another one of it gives what is needed.",
)
EMPTY = Alert(
    "FederationEmpty",
    "warning",
    "15m",
    "A federated target answers, and gives no series: it records none of those that are selected.",
)
LIMIT = Alert(
    "FederationSampleLimitNear",
    "warning",
    "15m",
    "A federated target gives nearly as many samples as its job takes; beyond that it is refused as a whole.",
    0.8,
    "share of the limit",
)
ALERTS = (DOWN, TARGET, EMPTY, LIMIT)


def _groups(scene: Scene) -> t.Iterator[Group]:
    jobs = _federation.jobs(scene.prometheus, scene.topology)
    if jobs:
        yield "federation", [*_targets(scene, _jobs(jobs)), *_limits(scene, jobs)]


def _jobs(jobs: t.Iterable[_federation.Job]) -> str:
    """The matcher of their series."""
    return f"job=~{quoted('|'.join(re.escape(str(job.config.get('job_name'))) for job in jobs))}"


def _targets(scene: Scene, jobs: str) -> t.Iterator[RuleData | None]:
    answering = f"sum without (instance) (up{{{jobs}}})"
    yield scene.alert(DOWN, f"{answering} == 0", "Nothing is federated by the job {{ $labels.job }}")
    yield scene.alert(
        TARGET,
        f"(up{{{jobs}}} == 0)\n+ ignoring (instance) group_left ()\n({answering} > 0)",
        "{{ $labels.instance }} is not federated by the job {{ $labels.job }}; {{ $value }} left",
    )
    yield scene.alert(
        EMPTY,
        f"scrape_samples_scraped{{{jobs}}} == 0\nand\nup{{{jobs}}} == 1",
        "{{ $labels.instance }} gives the job {{ $labels.job }} nothing to federate",
    )


def _limits(scene: Scene, jobs: t.Iterable[_federation.Job]) -> t.Iterator[RuleData | None]:
    limited: dict[int, list[_federation.Job]] = {}
    for job in jobs:
        if job.config.get("sample_limit"):
            limited.setdefault(job.config["sample_limit"], []).append(job)
    for limit, alike in limited.items():
        yield scene.alert(
            LIMIT,
            f"scrape_samples_post_metric_relabeling{{{_jobs(alike)}}} / {limit} > {scene.threshold(LIMIT)}",
            "{{ $labels.instance }} gives the job {{ $labels.job }} {{ $value | humanizePercentage }} of what it takes",
        )


PACKAGE = Package("federation_health", "What is federated, on the Prometheus that federates.", _groups, ALERTS)
