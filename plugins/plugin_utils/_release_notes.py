# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes for people on the way from one version to another: the known traps of the releases in between.

What a rule of the preflight or the component's own checker judges for the configuration at hand is left to these.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import Version, parse_version

# The way that a trap lies on.
UP, DOWN, BOTH = "up", "down", "both"
# Hosts of one step that are named; the others are counted.
MOST_HOSTS = 5


@dataclasses.dataclass(frozen=True)
class Note:
    """A trap on somebody's way.

    :param version: at which it begins.
    :param text: what changes for the user, and what to do.
    :param source: the upstream file.
    """

    component: str
    version: str
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.version}: {self.text} ({self.source})"


@dataclasses.dataclass(frozen=True)
class Step:
    """A host whose component goes from one version to another."""

    host: str
    component: str
    former: str
    wanted: str


@dataclasses.dataclass(frozen=True)
class _Trap:
    """A row of the table.

    :param since: the release that brought it; its pre-releases have it as well.
    :param until: for a defect, the release that mended it: who lands in between is told, from wherever they come.
    :param way: up, down or both: in which direction it is told to who crosses ``since``.
    :param only_from: it is told on ways that begin at this release or later; a rule speaks of the others.
    """

    since: str
    text: str
    source: str
    until: str = ""
    way: str = UP
    only_from: str = ""

    def is_on(self, former: Version, wanted: Version) -> bool:
        since = _first(self.since)
        if self.until:
            return since <= wanted < _first(self.until) and not since <= former < _first(self.until)
        if self.only_from and former < _first(self.only_from):
            return False
        up, down = former < since <= wanted, wanted < since <= former
        return (up and self.way != DOWN) or (down and self.way != UP)


def _first(release: str) -> Version:
    """Where a release begins: before the first of its pre-releases."""
    return parse_version(release)._replace(stage="")


_MIGRATION = "prometheus docs/migration.md"
_PROMETHEUS = "prometheus CHANGELOG.md"
_ALERTMANAGER = "alertmanager CHANGELOG.md"
_THANOS = "thanos CHANGELOG.md"

_SHUFFLED = _Trap(
    "0.41.0",
    "Shuffle sharding, where the hashring has it, gives tenants other ingestors than before. Their series begin anew "
    "there, and take memory on both until the former heads are cut.",
    _THANOS,
    way=BOTH,
)

# By component, in the order of the releases.
TRAPS: dict[str, tuple[_Trap, ...]] = {
    "prometheus": (
        # P10 speaks to those who come from below 2.55, P09 of $ in external labels, P07 of Alertmanager's API.
        _Trap(
            "3.0.0",
            "The way back leads to 2.55 at the lowest: no older release reads what 3.x writes.",
            _MIGRATION,
            only_from="2.55.0",
        ),
        _Trap(
            "3.0.0",
            "A target that sends no Content-Type, or an unknown one, is not scraped any more. Look for targets that go "
            "down, and set fallback_scrape_protocol in their job.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "Ports are neither added to a target's address by its scheme nor taken off it, which changes instance. "
            "Write :80 or :443 where series and alerts shall keep their labels.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            'le and quantile are always floats: le="1" becomes le="1.0". Correct rules and dashboards that name whole '
            "numbers; those that look back across the upgrade are wrong for as long.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "Metric and label names may hold any UTF-8, as targets expose them. metric_name_validation_scheme: legacy, "
            "overall or in a job, keeps what was valid before.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "Ranges and lookback leave out a sample that lies exactly at their left end: foo[1m:1m] has one point, and "
            "its rate none. Widen such ranges in rules and dashboards, subqueries above all.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            r"A dot in a regular expression matches newlines, too, in queries and in relabelling. Write [^\n] where it "
            "must not.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "holt_winters() is double_exponential_smoothing() now, and needs "
            "--enable-feature=promql-experimental-functions. promtool finds it in rules; look through dashboards.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "--enable-feature=remote-write-receiver and otlp-write-receiver only log a warning: nothing is received. "
            "Set --web.enable-remote-write-receiver and --web.enable-otlp-receiver instead.",
            _PROMETHEUS,
        ),
        _Trap(
            "3.0.0",
            "GOMEMLIMIT and GOMAXPROCS follow the memory and the CPU quota that the process may use, without a limit "
            "the whole host's memory. Where others need the memory, set --auto-gomemlimit.ratio or "
            "--no-auto-gomemlimit.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "Remote write speaks HTTP/1.1 by default. http_config.enable_http2: true in its block keeps HTTP/2.",
            _MIGRATION,
        ),
        _Trap(
            "3.0.0",
            "Log lines look different: time=, level=INFO, source= in the place of ts=, level=info, caller=. Adapt what "
            "parses them.",
            _MIGRATION,
            way=BOTH,
        ),
        _Trap(
            "3.0.0",
            "Ranges, regular expressions, le, quantile and instance are again as in 2.x. What was adapted to 3.x in "
            "rules and dashboards needs its former form.",
            _MIGRATION,
            way=DOWN,
        ),
        _Trap(
            "3.1.0",
            "From 3.1 on prometheus_notifications_errors_total counts alerts, before it counted batches of them. Look "
            "at thresholds on it.",
            _PROMETHEUS,
            way=BOTH,
        ),
        _Trap(
            "3.7.0",
            "From 3.7 on remote write's lag is told by prometheus_remote_storage_queue_highest_timestamp_seconds; "
            "prometheus_remote_storage_highest_timestamp_in_seconds and prometheus_remote_storage_*_in_total are "
            "deprecated. Adapt rules and dashboards.",
            _PROMETHEUS,
            way=BOTH,
        ),
        _Trap(
            "3.7.0",
            "With both an external URL and a route prefix, the web pages redirect to another path than before and "
            "after. Take 3.7.3 or newer.",
            _PROMETHEUS,
            until="3.7.3",
        ),
        _Trap(
            "3.9.0",
            "--enable-feature=native-histograms does nothing any more. Set scrape_native_histograms, overall or in a "
            "job, to go on scraping them.",
            _MIGRATION,
        ),
        _Trap(
            "3.9.0",
            "keep and drop of relabelling do not work on what is scraped, and an agent crashes soon after its start. "
            "Take 3.9.1 or newer.",
            _PROMETHEUS,
            until="3.9.1",
        ),
        _Trap(
            "3.10.0",
            "From 3.10 on prometheus_notifications_dropped_total, _queue_capacity and _queue_length are one series an "
            "Alertmanager. Aggregate them in rules and dashboards.",
            _PROMETHEUS,
            way=BOTH,
        ),
        # P17 judges it where the feature is still planned.
        _Trap(
            "3.11.0",
            "What was written with --enable-feature=xor2-encoding or st-storage can't be read below: with such blocks "
            "every query fails until they are deleted. Look whether they were ever on.",
            "prometheus docs/feature_flags.md",
            way=DOWN,
        ),
        _Trap(
            "3.13.0",
            "Credentials are no longer sent along when a scrape, a remote write or an alert is redirected to another "
            "host. Name the final host where one answers with a redirect.",
            _PROMETHEUS,
        ),
    ),
    "alertmanager": (
        # P07 speaks of Prometheus, A16 and A20 of snapshots, A15 of the length of the delay.
        _Trap(
            "0.27.0",
            "The API v1 is gone, and answers 410. Scripts and dashboards must ask /api/v2.",
            _ALERTMANAGER,
        ),
        _Trap(
            "0.27.0",
            "Matchers have a new parser, and the former one where that can't read them. Look for its warnings in the "
            "log; --enable-feature=classic-mode keeps the former one alone.",
            _ALERTMANAGER,
        ),
        _Trap(
            "0.28.0",
            "Log lines look different: time=, level=INFO, source= in the place of ts=, level=info, caller=. Adapt what "
            "parses them.",
            _ALERTMANAGER,
            way=BOTH,
        ),
        _Trap(
            "0.30.0",
            "A member notifies nobody for alertmanager_dispatch_start_delay after its start. Who waits for a "
            "notification after a restart waits as much longer.",
            _ALERTMANAGER,
        ),
        _Trap(
            "0.31.0",
            "From 0.31 on group_by: [] puts all alerts of a route into one group; before, such a route had its "
            "parent's group_by. Remove it, or write what is meant.",
            _ALERTMANAGER,
            way=BOTH,
        ),
        _Trap(
            "0.33.0",
            "--enable-feature=auto-gomaxprocs is refused at the start, and alertmanager_marked_alerts is gone. Remove "
            "them from flags, rules and dashboards.",
            _ALERTMANAGER,
        ),
        _Trap(
            "0.34.0",
            "From 0.34 on alertmanager_notifications_failed_total has the reasons authError (401, 403) and rateLimited "
            "(429), which were clientError before. Adapt rules that select by reason.",
            _ALERTMANAGER,
            way=BOTH,
        ),
    ),
    # Flags that went are found by their table (_flag_tables.py); T16 speaks of Prometheus 3.
    "thanos_query": (
        _Trap(
            "0.40.0",
            "It is ready only when it has discovered its endpoints for the first time. Give load balancers and probes "
            "that long after a start.",
            _THANOS,
        ),
    ),
    "thanos_query_frontend": (
        _Trap(
            "0.39.0",
            "It is ready only while what it asks is, so that a load balancer takes it out together with the querier. "
            "Look at health checks and alerts.",
            _THANOS,
        ),
    ),
    "thanos_compact": (
        _Trap(
            "0.42.0",
            "hashmod over a block's labels leaves out the replica labels of deduplication, so that blocks may change "
            "their compactor. Stop all compactors of the bucket before the first one changes its version.",
            _THANOS,
            way=BOTH,
        ),
    ),
    "thanos_receive": (
        _SHUFFLED,
        _Trap(
            "0.42.0",
            "A shutdown leaves the latest samples unuploaded on the disk, where versions before and after upload them. "
            "Take 0.42.3 or newer.",
            _THANOS,
            until="0.42.3",
        ),
    ),
    "thanos_receive_router": (_SHUFFLED,),
}


def notes(component: str, former: str, wanted: str) -> list[Note]:
    """The traps between two versions of a component, in the order of the releases.

    Empty where a version is not known, or none: a folder of another's making names none.
    """
    try:
        now, then = parse_version(former), parse_version(wanted)
    except HAError:
        return []
    found = (trap for trap in TRAPS.get(component, ()) if trap.is_on(now, then))
    return [Note(component, trap.since, trap.text, trap.source) for trap in found]


def lines(steps: t.Iterable[Step]) -> list[str]:
    """The notes of several hosts for the terminal: one block for all that take the same step."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for step in steps:
        hosts.setdefault((step.component, step.former, step.wanted), []).append(step.host)
    found: list[str] = []
    for (component, former, wanted), names in hosts.items():
        if told := notes(component, former, wanted):
            title = _registry.component(component).kind.title
            found += [f"{title} {former} -> {wanted} on {named(names, MOST_HOSTS)}:", *(f"  {note}" for note in told)]
    return found
