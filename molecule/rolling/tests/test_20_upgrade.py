# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both sets and the mesh to new versions in one run, under alerts: first refused, then with consent, without a gap."""

from __future__ import annotations

import dataclasses
import time

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import (
    NEW,
    NOTIFIED,
    OLD,
    PEER_TIMEOUT,
    SCRAPE,
    Prober,
    Rolling,
    Seen,
    Wanted,
    rerouted,
    soon,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span, together
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import MESH, REPLICAS, SETS, Run

pytestmark = pytest.mark.in_ci

#: Seconds that Prometheus itself takes from its start to a first scrape: discovery hands targets over each
#: 5 s, scraping takes them up each 5 s (discovery/manager.go, scrape/manager.go), and an interval.
FIRST_SCRAPE = 5 + 5 + SCRAPE


@dataclasses.dataclass(frozen=True)
class Refusal:
    run: Run
    before: tuple[object, ...]
    after: tuple[object, ...]


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """:ivar rolled: the time of the run. :ivar told: of alerts that fired then, from their beginning on."""

    run: Run
    seen: Seen
    silence: str
    rolled: Span
    told: list[notices.Notice]
    versions: dict[str, str]


@pytest.fixture(scope="module")
def since() -> int:
    """The beginning of the Ticks."""
    return soon()


@pytest.fixture(scope="module")
def refusal(stack: Rolling, since: int) -> Refusal:
    stack.settle(Wanted(OLD, steady=True, since=since))
    before = (stack.starts(), stack.laid_down())
    run = stack.roll(Wanted(NEW, steady=True, since=since))
    return Refusal(run, before, (stack.starts(), stack.laid_down()))


@pytest.fixture(scope="module")
def upgrade(stack: Rolling, prober: Prober, refusal: Refusal, since: int) -> Upgrade:
    assert refusal.run.rc != 0
    steady = stack.steady()
    silence = stack.silence("Hushed")
    begun = time.time()
    groups = {"alertmanager": rerouted("5h")}
    run = stack.begin(Wanted(NEW, steady=True, since=since, consents=["P10"], groups=groups)).wait(600)
    ended = time.time()
    seen = prober.seen(begun, ended)
    # Time for what began at the end of the run to be told, and to be told again.
    time.sleep(2 * NOTIFIED)
    told = [
        one
        for one in stack.notices()
        if one.starts_at >= (steady[one.labels["region"]] if one.name == "Steady" else since)
    ]
    return Upgrade(run, seen, silence, (begun, ended), told, stack.versions())


def test_a_way_without_a_way_back_is_refused_first(refusal: Refusal) -> None:
    assert refusal.run.rc != 0
    assert "P10" in refusal.run.output, refusal.run.output
    assert "prometheus_ha_preflight_ignore" in refusal.run.output
    assert refusal.before == refusal.after


def test_with_consent_all_hosts_run_the_new_versions(stack: Rolling, upgrade: Upgrade) -> None:
    upgrade.run.succeeded()
    assert upgrade.versions == stack.expected(Wanted(NEW))
    print(f"the upgrade of 2 x 2 + 3 hosts took {upgrade.run.seconds:.1f} s; {upgrade.seen.figures()}")


def test_the_new_route_went_to_all_members_at_the_same_moment(stack: Rolling, upgrade: Upgrade) -> None:
    """Before the first of them restarted: they would have had two configurations from then to the end of the roll."""
    loads, restarts = [], []
    for member in MESH:
        since = f"journalctl --unit=alertmanager --output=short-unix --no-pager --since=@{int(upgrade.rolled[0])}"
        lines = stack.sh(member, since).splitlines()
        loads.append(next(float(line.split()[0]) for line in lines if "Completed loading of configuration" in line))
        restarts.append(next(float(line.split()[0]) for line in lines if "Starting Alertmanager" in line))
    print(f"all members took up the new route within {max(loads) - min(loads):.1f} s")
    assert max(loads) - min(loads) <= PEER_TIMEOUT
    assert max(loads) < min(restarts)


def test_everything_was_away_once(upgrade: Upgrade) -> None:
    """Else the prober saw nothing, and what follows says nothing."""
    assert {name for name in (*REPLICAS, *MESH) if upgrade.seen.down(name)} == {*REPLICAS, *MESH}


def test_never_two_of_a_set_or_mesh_were_away(upgrade: Upgrade) -> None:
    upgrade.seen.assert_no_gap()


@pytest.mark.parametrize("region", SETS)
def test_no_notification_was_lost(stack: Rolling, upgrade: Upgrade, region: str) -> None:
    fired, lost = stack.lost(region, (upgrade.rolled[0], upgrade.rolled[1] + NOTIFIED))
    print(f"{region}: {len(fired)} alerts began during the roll, {len(lost)} of them were not told")
    assert not lost


def test_no_notification_was_doubled(upgrade: Upgrade) -> None:
    doubled = notices.doubled(upgrade.told)
    print(f"{len(upgrade.told)} notifications, {len(doubled)} doubled")
    assert not doubled


@pytest.mark.parametrize("region", SETS)
def test_what_fires_throughout_was_told_once(upgrade: Upgrade, region: str) -> None:
    told = [one.status for one in upgrade.told if one.name == "Steady" and one.labels["region"] == region]
    assert told == ["firing"]


@pytest.mark.parametrize("member", MESH)
def test_the_silence_is_still_there(stack: Rolling, upgrade: Upgrade, member: str) -> None:
    assert upgrade.silence in stack.silences(member)


def test_what_is_silenced_was_not_told(stack: Rolling, upgrade: Upgrade) -> None:
    begun = stack.raw(REPLICAS[0], 'ALERTS{alertname="Hushed"}', upgrade.rolled)
    assert len(begun) > 1, "nothing began that would have been told"
    assert [one.what for one in upgrade.told if one.name == "Hushed" and one.time >= upgrade.rolled[0]] == []


@pytest.mark.parametrize("region", SETS)
def test_data_has_a_hole_on_the_replica_that_was_rolled_alone(stack: Rolling, upgrade: Upgrade, region: str) -> None:
    holes: dict[str, list[Span]] = {}
    for name in SETS[region]:
        series = stack.raw(name, 'up{job="node"}', upgrade.rolled)
        assert {one["metric"]["instance"] for one in series} >= {stack.exporter(host) for host in (*REPLICAS, *MESH)}
        found = [notices.holes([float(when) for when, _value in one["values"]], 1.5 * SCRAPE) for one in series]
        # One restart, so one hole at most in each series.
        assert all(len(spans) <= 1 for spans in found), (name, found)
        holes[name] = [span for spans in found for span in spans]
        longest = max((ended - begun for begun, ended in holes[name]), default=0.0)
        away = upgrade.seen.out_of_service(name)
        print(f"{name}: out of service {away:.1f} s, the longest hole in a series is {longest:.1f} s")
        assert longest <= away + SCRAPE + FIRST_SCRAPE
    first, second = (together([spans], 1) for spans in holes.values())
    assert together([first, second], 2) == []


def test_each_replica_answers_over_the_roll(stack: Rolling, upgrade: Upgrade) -> None:
    """A query over both: what one lacks the other has."""
    for names in SETS.values():
        times = sorted(
            float(when)
            for name in names
            for one in stack.raw(name, f'up{{instance="{stack.exporter(MESH[0])}"}}', upgrade.rolled)
            for when, _value in one["values"]
        )
        assert notices.holes(times, 1.5 * SCRAPE) == []
