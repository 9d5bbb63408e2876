# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves: which hosts may change at the same time."""

from __future__ import annotations

import typing as t


def waves(pending: t.Mapping[str, t.Collection[t.Any]]) -> list[list[str]]:
    """Group hosts so that no wave holds two members of a cohort, in as few waves as the largest cohort needs.

    :param pending: the hosts in plan order, each with the cohorts of its components that change.
    :returns: the waves; the k-th member of every cohort goes with the k-th of every other, where no host is in two
        cohorts. A host in several takes the first wave that is free for all of them.
    """
    result: list[list[str]] = []
    taken: list[set[t.Any]] = []
    for host, cohorts in pending.items():
        mine = set(cohorts)
        for index, busy in enumerate(taken):
            if not busy & mine:
                result[index].append(host)
                busy |= mine
                break
        else:
            result.append([host])
            taken.append(mine)
    return result
