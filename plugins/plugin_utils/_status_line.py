# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line of the status: one component of one host."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry

# The least serious one first.
VERDICTS = ("ok", "pending", "degraded", "unknown", "down")


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with a component or, where ``component`` is empty, with a host."""

    host: str
    component: str
    verdict: str
    what: str
    do: str

    def __str__(self) -> str:
        subject = f"{self.host}, {self.component}" if self.component else self.host
        return f"{subject}: {self.what} Do: {self.do}"


@dataclasses.dataclass(frozen=True)
class Line:
    """One component of one host.

    :param cohort: component, environment and name of the set that it belongs to.
    :param planned: its slice.
    :param facts: what the host said of it; None when it said nothing.
    """

    host: str
    name: str
    cohort: tuple[str, ...]
    planned: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    facts: t.Mapping[str, t.Any] | None = dataclasses.field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def verdict(self) -> str:
        """The most serious of its problems'."""
        return max((problem.verdict for problem in self.problems), key=VERDICTS.index, default="ok")

    @property
    def title(self) -> str:
        return _registry.component(self.name).kind.title

    @property
    def cohort_title(self) -> str:
        """As the plan names it."""
        _name, environment, name = self.cohort
        scope = "" if environment == "default" else f" of {environment}"
        return f"{_registry.component(self.name).kind.cohort} {name}".rstrip() + scope

    @property
    def answers(self) -> bool:
        """Whether it said something of itself."""
        return bool(self.facts and self.facts["answers"])

    @property
    def gone(self) -> bool:
        """Whether it was to leave, and has."""
        return bool(self.facts and self.facts["leaves"] and self.facts["pending"] == "none")
