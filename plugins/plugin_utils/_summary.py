# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check comes to: counts, in a line, and what is checked without being rolled out."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Topology

# The cohorts in the line for people; of most others an environment has one.
_SHOWN = ("replica set", "mesh")


@dataclasses.dataclass(frozen=True)
class Summary:
    """Counts of a checked inventory.

    :param hosts: those that hold a component.
    :param cohorts: by what a set of instances is called, how many there are.
    """

    hosts: int
    cohorts: dict[str, int]
    errors: int
    warnings: int
    undecided: int
    ignored: int

    @classmethod
    def of(cls, topology: Topology, findings: t.Iterable[Finding]) -> Summary:
        # Sidecars form the replica sets of their Prometheus.
        named = {(cohort.kind.cohort, cohort.environment, cohort.name): None for cohort in topology.cohorts.values()}
        cohorts = collections.Counter(kind for kind, _environment, _name in named)
        return cls(len(topology.by_host), dict(cohorts), 0, 0, 0, 0).counting(findings)

    def counting(self, findings: t.Iterable[Finding]) -> Summary:
        """The same inventory with these findings."""
        kinds = collections.Counter("ignored" if finding.ignored else finding.severity for finding in findings)
        return dataclasses.replace(
            self,
            errors=kinds["error"],
            warnings=kinds["warning"],
            undecided=kinds["undecided"],
            ignored=kinds["ignored"],
        )

    def __str__(self) -> str:
        cohorts = [_count(self.cohorts[name], name) for name in _SHOWN if name in self.cohorts]
        subject = [_count(self.hosts, "host"), *cohorts]
        found = [_count(self.errors, "error"), _count(self.warnings, "warning")]
        found += [f"{self.undecided} undecided"] if self.undecided else []
        return f"{', '.join(subject)}: {', '.join([*found, f'{self.ignored} ignored'])}."


def _count(number: int, name: str) -> str:
    plural = f"{name}es" if name.endswith("sh") else f"{name}s"
    return f"{number} {name if number == 1 else plural}"


def notes(topology: Topology) -> list[str]:
    """A line for each component that is modelled and not rolled out."""
    hosts: dict[str, list[str]] = {}
    for instance in topology.instances:
        if _registry.component(instance.kind.name).render is None:
            hosts.setdefault(instance.kind.title, []).append(instance.name)
    return [
        f"Checked and drawn; this version has no role that rolls out {title}: "
        f"host{'s' if len(names) > 1 else ''} {named(names)}."
        for title, names in hosts.items()
    ]


def named(names: t.Sequence[str], most: int = 10) -> str:
    """Names for people: the first ones where they are many."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
