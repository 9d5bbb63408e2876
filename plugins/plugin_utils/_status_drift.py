# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: where the members of a replica set or mesh, which stand in for one another, differ."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status_line import Line
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named

Facts = t.Mapping[str, t.Any]


def _firing(facts: Facts) -> str | None:
    found = facts.get("firing")
    if found is None:
        return None
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"


def _targets(key: str) -> t.Callable[[Facts], str | None]:
    return lambda facts: str(facts["targets"][key]) if facts.get("targets") else None


# What is compared, and how its value is had; None where a component does not have it.
_COMPARED: tuple[tuple[str, t.Callable[[Facts], str | None]], ...] = (
    ("versions", lambda facts: facts["version"]["running"] or None),
    ("configurations", lambda facts: facts["generation"]["running"][:8] or None),
    ("numbers of targets", _targets("total")),
    ("numbers of targets that are up", _targets("up")),
    ("firing alerts", _firing),
    ("numbers of active silences", lambda facts: None if facts.get("silences") is None else str(facts["silences"])),
)


def drift(members: t.Sequence[Line]) -> list[str]:
    """A sentence for each way in which those that answer differ. Linear in the members."""
    found = []
    for what, value_of in _COMPARED:
        hosts: dict[str, list[str]] = {}
        for line in members:
            value = value_of(line.facts) if line.facts and line.answers and not line.facts["leaves"] else None
            if value is not None:
                hosts.setdefault(value, []).append(line.host)
        if len(hosts) > 1:
            each = "; ".join(f"{value} on {named(names)}" for value, names in hosts.items())
            found.append(f"{members[0].cohort_title}: different {what}: {each}.")
    return found
