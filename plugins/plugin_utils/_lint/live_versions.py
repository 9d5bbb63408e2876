# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules over the way from the version that a host has of a component to the one that is planned."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.alertmanager import UNREADABLE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import Seen
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import Version, parse_version

# prometheus docs/migration.md, "TSDB format and downgrade": the oldest line that reads what 3.x wrote.
READS_3 = (2, 55)
# Features whose blocks or WAL no line before this one reads (prometheus docs/feature_flags.md; CHANGELOG.md of 3.11.0).
FEATURES = ("xor2-encoding", "st-storage")
READS_FEATURES = (3, 11)
# The first line of Alertmanager that knows silences with several sets of matchers (CHANGELOG.md).
MATCHER_SETS = (0, 32)


class _Way(t.NamedTuple):
    """From what a host has to what is planned for it."""

    instance: Instance
    now: Version
    wanted: Version
    runs: bool

    def problem(self, why: str, do: str, rule_id: str) -> Problem:
        return Problem(
            self.instance.host.where(self.instance.version_variable),
            f"{self.instance.kind.title} {self.now} {'runs' if self.runs else 'is installed'} there, and {self.wanted} "
            f"is planned: {why}.",
            f"{do}, or consent: prometheus_ha_preflight_ignore: [{{id: {rule_id}, reason: ...}}].",
        )


def _ways(seen: Seen, name: str) -> t.Iterator[_Way]:
    """Those of one component to another version."""
    for instance, _host, component in seen.instances():
        if instance.kind.name != name or not component.version:
            continue
        try:
            now, wanted = parse_version(component.version), parse_version(instance.version)
        except HAError:  # a folder of another's making; a wrong wanted version is told by the plan
            continue
        if now != wanted:
            yield _Way(instance, now, wanted, component.runs)


@rule(
    "P10",
    "error",
    "Prometheus goes from below 2.55 to 3.x by way of 2.55, or with consent.",
    prevents="There is no documented way back.",
    source="prometheus docs/migration.md",
)
def p10_way_back_from_3(seen: Seen) -> t.Iterator[Problem]:
    for way in _ways(seen, "prometheus"):
        if way.now.line < READS_3 and way.wanted.major >= 3:
            why = "upstream documents a way back to 2.55 and newer only"
            yield way.problem(why, "go to 2.55.1 first", "P10")


@rule(
    "P17",
    "error",
    "Prometheus goes back within its minor line, or from 3.x to 2.55 and newer unless a feature writes what that can't "
    "read; any other way to an older version needs consent.",
    prevents="Data that the older release can't read.",
    source="prometheus docs/migration.md: TSDB format and downgrade; docs/stability.md: on-disk format; "
    "docs/feature_flags.md: xor2-encoding, st-storage",
)
def p17_older_prometheus(seen: Seen) -> t.Iterator[Problem]:
    for way in _ways(seen, "prometheus"):
        now, wanted = way.now, way.wanted
        if wanted > now:
            continue
        wrote = _features(way.instance) if wanted.line < READS_FEATURES <= now.line else []
        if wrote:
            why = f"no release before 3.11 reads what the feature {wrote[0]} wrote; until it is deleted queries fail"
            yield way.problem(why, "stay on 3.11 or newer", "P17")
        elif now.major >= 3 and wanted.line < READS_3:
            why = "what 3.x wrote is read by 2.55 and newer only"
            yield way.problem(why, "go back to 2.55.1 at the lowest", "P17")
        elif wanted.line != now.line and now.major != 3:
            why = "upstream promises that a newer release reads what an older one wrote, and nothing of the way back"
            yield way.problem(why, "leave the version", "P17")


def _features(instance: Instance) -> list[str]:
    given = _base.extra_arg(instance, "enable-feature")
    entries = given if isinstance(given, list) else [given]
    enabled = {name for entry in entries if isinstance(entry, str) for name in entry.split(",")}
    return [name for name in FEATURES if name in enabled]


@rule(
    "A20",
    "error",
    "Alertmanager goes back within its minor line; any other way to an older version needs consent.",
    prevents="Silences that are lost, or that silence every alert.",
    source="alertmanager CHANGELOG.md: 0.32.0, 0.32.3, 0.33.1; silence/silence.go",
)
def a20_older_alertmanager(seen: Seen) -> t.Iterator[Problem]:
    for way in _ways(seen, "alertmanager"):
        now, wanted = way.now, way.wanted
        if wanted.line >= now.line:
            continue
        do = "leave the version"
        if wanted.line >= MATCHER_SETS or now.line < MATCHER_SETS:
            why = "upstream promises nothing of the way back for silences and the notification log"
        elif now.patch < UNREADABLE.get(now.line, 0):
            # Seen: 0.28.1 and 0.31.1 with a snapshot of 0.33.0's; without matchers a silence is for everything.
            why = f"{now} leaves out what releases before 0.32 read of a silence, and there it silences every alert"
            do = f"go to {now.major}.{now.minor}.{UNREADABLE[now.line]} first, which writes what they read"
        else:
            why = "releases before 0.32 know only the first set of matchers of a silence"
        yield way.problem(why, do, "A20")


RULES = (p10_way_back_from_3, p17_older_prometheus, a20_older_alertmanager)
