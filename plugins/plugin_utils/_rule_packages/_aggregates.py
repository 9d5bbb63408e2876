# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates as ``level:metric:operation``: sums, ratios of sums and quantiles of summed histograms, on every level.

=========  =============================================================================================
instance   one target
job        the instances of a job
cluster    all of a Prometheus' own
source     what is federated of one source, whichever of its replicas has it; where something is federated
global     all sources
=========  =============================================================================================

A ratio is never averaged or summed: on each level the sum of what is above the line is divided by the sum of what is
below it, so that a large host counts more than a small one. The first three levels are made of the instance's series
alone, so that federated series of the same names are not counted as one's own.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _federation, _labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    RuleData,
    Scene,
    record,
)

# At least four scrapes of the usual intervals, so that one may fail.
WINDOW = "5m"


@dataclasses.dataclass(frozen=True)
class Sum:
    """Something to add up.

    :param name: ``metric:operation``. :param of_instance: the expression of one instance's.
    :param is_histogram: its series are the buckets of classic histograms, by ``le``.
    """

    name: str
    of_instance: str
    is_histogram: bool = False


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The quotient of two sums. :param form: what is made of it."""

    name: str
    above: str
    below: str
    form: str = "{}"


@dataclasses.dataclass(frozen=True)
class Quantile:
    """A quantile of the histogram that a sum of buckets is."""

    name: str
    quantile: float
    buckets: str


Aggregate = t.Union[Sum, Ratio, Quantile]


@dataclasses.dataclass(frozen=True)
class Level:
    """A level of aggregation.

    :param parts: the expression of what it adds up, of a metric.
    :param over: how the parts are added up; "": there is one.
    :param of_infinity: the same where the label le is left out, too.
    """

    name: str
    parts: t.Callable[[str], str]
    over: str = ""
    of_infinity: str = ""

    def sum(self, name: str) -> str:
        parts = self.parts(name)
        return f"sum {self.over} ({parts})" if self.over else parts

    def buckets(self, name: str) -> str:
        """A sum of buckets. Parts have buckets of their own, and only those that all of them have can be added up."""
        if not self.over:
            return self.sum(name)
        every, total = self.parts(name), self.parts(f'{name}{{le="+Inf"}}')
        return (
            f"{self.sum(name)}\nand\n(\n  count {self.over} ({every})\n  == ignoring (le) group_left ()\n"
            f"  count {self.of_infinity} ({total})\n)"
        )


def levels(scene: Scene) -> list[Level]:
    """Those of a Prometheus."""
    instance = ", ".join(scene.settings.get("instance_labels", ["instance"]))
    found = [
        Level("instance", "instance:{}".format),
        Level("job", f"sum without ({instance}) (instance:{{}})".format),
        Level("cluster", f"sum without ({instance}) (instance:{{}})".format, "without (job)", "without (job, le)"),
    ]
    jobs = _federation.jobs(scene.prometheus, scene.topology)
    if jobs:
        once = f"max without ({', '.join(_replica_labels(scene, jobs))}) (cluster:{{}})".format
        found += [Level("source", once), Level("global", once, "by (le)", "by ()")]
    return found


def _replica_labels(scene: Scene, jobs: t.Iterable[_federation.Job]) -> list[str]:
    """The labels that tell the replicas of sources apart, of those below them as well."""
    found = {str(scene.prometheus.options["prometheus_ha_replica_label"])}
    seen = {scene.prometheus.cohort}
    waiting = collections.deque(cohort for job in jobs for cohort in job.sets)
    while waiting:
        first = waiting.popleft().instances[0]
        if first.cohort not in seen:
            seen.add(first.cohort)
            found.add(_labels.replica_label_of(first))
            waiting += [cohort for job in _federation.jobs(first, scene.topology) for cohort in job.sets]
    return sorted(found)


def rules(scene: Scene, aggregates: t.Iterable[Aggregate]) -> list[RuleData]:
    """Every aggregate on every level; the instances' come first, since the others are made of them."""
    of_scene = levels(scene)
    return [
        record(f"{level.name}:{aggregate.name}", _expression(aggregate, level))
        for aggregate in aggregates
        for level in of_scene
    ]


def _expression(aggregate: Aggregate, level: Level) -> str:
    if isinstance(aggregate, Ratio):
        return aggregate.form.format(f"{level.sum(aggregate.above)} / {level.sum(aggregate.below)}")
    if isinstance(aggregate, Quantile):
        # Without observations there is no quantile.
        return f"histogram_quantile({aggregate.quantile},\n{level.buckets(aggregate.buckets)}\n) >= 0"
    if level.name == "instance":
        return aggregate.of_instance
    return level.buckets(aggregate.name) if aggregate.is_histogram else level.sum(aggregate.name)
