# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates as ``level:metric:operation``: sums from instance to job to cluster, and ratios of sums on each level.

A ratio is never averaged, and never summed: on each level the sum of what is above the line is divided by the sum of
what is below it, so that a large host counts more than a small one.
"""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (
    RuleData,
    Settings,
    record,
)

LEVELS = ("instance", "job", "cluster")
# At least four scrapes of the usual intervals, so that one may fail.
WINDOW = "5m"


def without(labels: t.Iterable[str]) -> str:
    return f"without ({', '.join(labels)})"


def instance_labels(settings: Settings) -> list[str]:
    """The labels that tell a job's instances apart."""
    found: list[str] = settings.get("instance_labels", ["instance"])
    return found


def sums(settings: Settings, metric: str, operation: str, of_instance: str) -> list[RuleData]:
    """A sum on every level; that of the instance is recorded, since the others are made of it."""
    return [
        record(f"instance:{metric}:{operation}", of_instance),
        *sums_above(settings, metric, operation, f"instance:{metric}:{operation}"),
    ]


def sums_above(settings: Settings, metric: str, operation: str, of_instance: str) -> list[RuleData]:
    """A sum on the levels above the instance, whose own value there is already."""
    return [
        record(f"job:{metric}:{operation}", f"sum {without(instance_labels(settings))} ({of_instance})"),
        record(f"cluster:{metric}:{operation}", f"sum without (job) (job:{metric}:{operation})"),
    ]


def ratios(name: str, above: str, below: str, levels: t.Sequence[str] = LEVELS, form: str = "{}") -> list[RuleData]:
    """A ratio on every level of two sums that are recorded there.

    :param name: ``metric:operation``. :param form: what is made of the quotient.
    """
    return [record(f"{level}:{name}", form.format(f"{level}:{above} / {level}:{below}")) for level in levels]
