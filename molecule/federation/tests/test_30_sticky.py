# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One replica at a time, through the balancer that the collection runs: it moves on when the primary dies, and back."""

from __future__ import annotations

import dataclasses
import time

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.federation.support import (
    CLOCK,
    EVALUATION,
    EXPORTERS,
    GLOBALS,
    LOOK,
    OWN_CLOCK,
    SCRAPE,
    SLACK,
    STARTED,
    STICKY,
    USUAL,
    Federation,
    added,
    assert_same,
    count,
    longest,
    values,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS, wait_for

UNIT = "federation_balancer"
#: The sources are spread over their replicas.
PRIMARIES = {"eu": "eu-1", "us": "us-2"}
VICTIM, BACKUP = SETS["eu"]
ADDED = {"region": "eu", "job": "federate-eu"}
#: The balancer looks each 2 s. Two looks that fail take a replica out, six that don't bring it back.
OUT, IN = 2 * 2.0, 6 * 2.0
#: A sample may be as old as usual when the primary dies, and the first one of the other is missed by a scrape.
HOLE = OUT + 2 * SCRAPE + EVALUATION + SLACK


@dataclasses.dataclass(frozen=True)
class Change:
    """:ivar meanwhile: while the primary was dead. :ivar after: it serves again."""

    calm: Span
    meanwhile: Span
    after: Span
    killed: float
    started: float

    @property
    def window(self) -> Span:
        return self.calm[0], self.after[1]


def origins(stack: Federation, name: str, site: str, window: Span) -> list[str]:
    """Which replicas gave what a global server got, in turn: by a host's clock, which no two of them saw alike."""
    selector = f'{OWN_CLOCK}{{job="node",instance="{stack.exporter(EXPORTERS[site][0])}"}}'
    above = stack.samples(name, selector, window)
    seen = {
        point: replica
        for replica in SETS[site]
        for points in stack.samples(replica, selector, window).values()
        for point in points.items()
    }
    found: list[str] = []
    for point in sorted(point for points in above.values() for point in points.items()):
        if not found or found[-1] != seen[point]:
            found.append(seen[point])
    return found


@pytest.fixture(scope="module")
def change(stack: Federation) -> Change:
    stack.settle(STICKY)
    begun = time.time()
    time.sleep(LOOK)
    try:
        killed = stack.kill_prometheus(VICTIM)
        time.sleep(HOLE + LOOK)
        started = time.time()
    finally:
        stack.start_prometheus(VICTIM)
    wait_for(stack.whole, 60, f"{VICTIM} is ready")
    for name in GLOBALS:
        wait_for(
            lambda: origins(stack, name, "eu", (time.time() - USUAL, time.time())) == [VICTIM],  # noqa: B023
            STARTED + IN + 30,
            f"{name} uses {VICTIM} again",
        )
    back = time.time()
    time.sleep(LOOK)
    return Change((begun, killed), (killed, started), (back, time.time()), killed, started)


@pytest.mark.parametrize("name", GLOBALS)
def test_the_balancer_runs_on_the_loopback_alone(stack: Federation, change: Change, name: str) -> None:
    assert change
    assert stack.sh(name, f"systemctl is-active {UNIT}") == "active"
    listens = stack.sh(name, "ss --tcp --listening --numeric --processes | awk '/haproxy/ {print $4}'").split()
    assert listens == ["127.0.0.1:9190"]


@pytest.mark.parametrize("site", SETS)
@pytest.mark.parametrize("name", GLOBALS)
def test_the_primary_is_used_and_sources_are_spread(stack: Federation, change: Change, name: str, site: str) -> None:
    assert origins(stack, name, site, change.calm) == [PRIMARIES[site]]


@pytest.mark.parametrize("name", GLOBALS)
def test_no_series_has_a_replica_label(stack: Federation, change: Change, name: str) -> None:
    assert values(stack.federated(name, change.window), "replica") == {""}


@pytest.mark.parametrize("name", GLOBALS)
def test_the_backup_serves_and_then_the_primary_again(stack: Federation, change: Change, name: str) -> None:
    assert origins(stack, name, "eu", change.window) == [VICTIM, BACKUP, VICTIM]
    assert origins(stack, name, "us", change.window) == [PRIMARIES["us"]]


@pytest.mark.parametrize("name", GLOBALS)
def test_the_hole_is_short(stack: Federation, change: Change, name: str) -> None:
    spans = {"died": (change.calm[0], change.started), "returned": (change.started, change.after[1])}
    holes = {what: longest(stack.samples(name, f'{CLOCK}{{region="eu"}}', span), span) for what, span in spans.items()}
    usual = longest(stack.samples(name, f'{CLOCK}{{region="eu"}}', change.calm), change.calm)
    for what, hole in holes.items():
        print(f"{name}: when the primary {what}, no new sample came for {hole:.2f} s; usually {usual:.2f} s")
    assert max(holes.values()) <= HOLE


@pytest.mark.parametrize("name", GLOBALS)
def test_the_other_source_has_no_hole(stack: Federation, change: Change, name: str) -> None:
    assert longest(stack.samples(name, f'{CLOCK}{{region="us"}}', change.window), change.window) <= USUAL


@pytest.mark.parametrize("name", GLOBALS)
def test_series_never_double(stack: Federation, change: Change, name: str) -> None:
    """As many as one replica has of its exporters, at all times; and over all the time no others."""
    below = stack.federated(BACKUP, change.window)
    above = stack.federated(name, change.window, 'region="eu"')
    assert above.keys() == added(below, ADDED).keys()
    exporters = [labels for labels in below if "job" in dict(labels)]
    counts = stack.over(name, 'count({job="node",region="eu"})', change.window)
    assert [set(found) for found in counts.values()] == [{len(exporters)}]
    print(f"{name}: {count(above)}; at all times {len(exporters)} of exporters")


@pytest.mark.parametrize("name", GLOBALS)
def test_every_value_is_one_of_a_replica(stack: Federation, change: Change, name: str) -> None:
    for replica, window in ((VICTIM, change.calm), (BACKUP, change.meanwhile), (VICTIM, change.after)):
        above = stack.federated(name, window, 'region="eu"')
        assert_same(above, added(stack.federated(replica, window), ADDED), f"{replica} on {name}")


def test_both_global_servers_agree(stack: Federation, change: Change) -> None:
    for window in (change.calm, change.meanwhile, change.after):
        first, second = (stack.federated(name, window) for name in GLOBALS)
        assert first.keys() == second.keys()
        differ = [
            sorted(labels)
            for labels, points in first.items()
            if any(second[labels].get(when, value) != value for when, value in points.items())
        ]
        assert not differ
