# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: what the hosts said of their components -> one verdict a component, and where replicas differ."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _status_drift, _status_problems
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status_line import VERDICTS, Line, Problem

Slices = t.Sequence[t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Status:
    """The stack as its hosts see it.

    :param lines: one a component a host; those of a replica set or mesh stand together.
    :param drift: where replicas differ, in sentences.
    :param left_out: hosts of the plan that were not asked (``--limit``).
    :param notes: what is modelled and not rolled out.
    """

    lines: tuple[Line, ...]
    drift: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, each once."""
        return list(dict.fromkeys(problem for line in self.lines for problem in line.problems))

    @property
    def counts(self) -> dict[str, int]:
        """How many components have each verdict; those that none has are left out."""
        counts = {verdict: sum(line.verdict == verdict for line in self.lines) for verdict in VERDICTS}
        return {verdict: count for verdict, count in counts.items() if count}

    @property
    def well(self) -> bool:
        return not self.drift and all(line.verdict == "ok" for line in self.lines)


def judge(
    asked: t.Mapping[str, Slices],
    said: t.Mapping[str, t.Mapping[str, t.Any]],
    left_out: t.Sequence[str] = (),
    notes: t.Sequence[str] = (),
) -> Status:
    """Judge what was said.

    :param asked: the slices of each host, in plan order.
    :param said: by host, ``components`` (facts of the module component_info), or why there are none: ``failed``,
        ``unreachable``. Of a host that is missing nothing came back.
    """
    facts = {(host, item["name"]): item for host, answer in said.items() for item in answer.get("components") or ()}
    cohorts: dict[tuple[str, ...], list[Line]] = {}
    for host, slices in asked.items():
        for item in slices:
            line = Line(host, item["name"], tuple(item["cohort"]), item, facts.get((host, item["name"])))
            cohorts.setdefault(line.cohort, []).append(line)
    lines: list[Line] = []
    drift: list[str] = []
    for members in cohorts.values():
        judged = [_status_problems.judged(line, members, said.get(line.host, {})) for line in members]
        lines += [line for line in judged if not line.gone]
        drift += _status_drift.drift(judged)
    return Status(tuple(lines), tuple(drift), tuple(left_out), tuple(notes))
