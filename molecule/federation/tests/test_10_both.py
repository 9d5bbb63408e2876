# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both replicas of both sites are federated: what is above is what is below, and a replica's death changes nothing."""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.federation.support import (
    BOTH,
    CLOCK,
    CLUSTERS,
    CPUS,
    EVALUATION,
    EXPORTERS,
    GLOBALS,
    LAYER,
    LOOK,
    MEMORY,
    SCRAPE,
    SLACK,
    STARTED,
    USUAL,
    Federation,
    added,
    assert_same,
    count,
    lag,
    longest,
    only,
    values,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import REPLICAS, SETS

VICTIM, SURVIVOR = SETS["eu"]
#: Its exporter goes while the victim is away.
QUIET = EXPORTERS["eu"][-1]
#: Until what changes at an exporter is in an aggregate above: two scrapes and two evaluations.
KNOWN = 2 * (SCRAPE + EVALUATION) + SLACK


@pytest.fixture(scope="module")
def calm(stack: Federation) -> Span:
    """Nothing happens in it."""
    stack.settle(BOTH)
    begun = time.time()
    time.sleep(LOOK)
    return begun, time.time()


def site_of(replica: str) -> str:
    return next(site for site, replicas in SETS.items() if replica in replicas)


@pytest.mark.parametrize("replica", REPLICAS)
@pytest.mark.parametrize("name", GLOBALS)
def test_every_series_and_value_of_a_replica_is_above(stack: Federation, calm: Span, name: str, replica: str) -> None:
    site = site_of(replica)
    above = stack.federated(name, calm, f'replica="{replica}"')
    below = stack.federated(replica, calm)
    labels = {"region": site, "replica": replica, "job": f"federate-{site}"}
    assert_same(above, added(below, labels), f"{replica} on {name}")
    exporter = {labels: points for labels, points in above.items() if "instance" in dict(labels)}
    assert len(exporter) > 50 * len(EXPORTERS[site]), "these are not all of an exporter's series"
    assert values(exporter, "job") == {"node"}
    assert values(exporter, "instance") == {stack.exporter(host) for host in EXPORTERS[site]}
    assert values(above, "cluster") == {CLUSTERS[site]}
    assert all(len(points) >= LOOK // SCRAPE - 2 for points in exporter.values())
    print(f"{replica} on {name}: {count(above)} equal, {len(exporter)} of the series are exporters'")


@pytest.mark.parametrize("name", GLOBALS)
def test_nothing_is_federated_besides(stack: Federation, calm: Span, name: str) -> None:
    above = stack.federated(name, calm)
    assert values(above, "replica") == set(REPLICAS)
    assert not {label for label in stack.label_names(name) if label.startswith("exported_")}


@pytest.mark.parametrize("name", GLOBALS)
def test_aggregates_above_are_right(stack: Federation, calm: Span, name: str) -> None:
    truth = {site: stack.truth(site) for site in SETS}
    for metric in (CPUS, MEMORY):
        for site in SETS:
            found = stack.samples(name, f'source:{metric}{{region="{site}"}}', calm)
            assert set(map(float, only(found).values())) == {truth[site][metric]}, (site, metric)
        total = stack.samples(name, f"global:{metric}", calm)
        assert set(map(float, only(total).values())) == {sum(one[metric] for one in truth.values())}, metric


@dataclasses.dataclass(frozen=True)
class Outage:
    """:ivar fell: when an exporter went that the victim has counted last. :ivar rose: when it was to come back."""

    window: Span
    killed: float
    fell: float
    rose: float
    truth: t.Mapping[str, float]


@pytest.fixture(scope="module")
def outage(stack: Federation, calm: Span) -> t.Iterator[Outage]:
    truth = stack.truth("eu")
    try:
        killed = stack.kill_prometheus(VICTIM)
        time.sleep(LOOK)
        stack.sh(QUIET, "systemctl stop node_exporter")
        fell = time.time()
        time.sleep(LOOK)
        rose = time.time()
        stack.sh(QUIET, "systemctl start node_exporter")
        # Before the victim starts: it goes by what it has seen last, until it scrapes again.
        time.sleep(KNOWN)
    finally:
        stack.sh(QUIET, "systemctl start node_exporter")
        stack.start_prometheus(VICTIM)
    stack.wait_until_flows(BOTH, STARTED + 30)
    yield Outage((calm[0], time.time()), killed, fell, rose, truth)


@pytest.mark.parametrize("name", GLOBALS)
def test_the_victim_was_away_above(stack: Federation, outage: Outage, name: str) -> None:
    """Else what follows says nothing."""
    away = longest(stack.samples(name, f'{CLOCK}{{replica="{VICTIM}"}}', outage.window), outage.window)
    assert away >= 2 * LOOK
    print(f"{name} had nothing of {VICTIM} for {away:.1f} s")


@pytest.mark.parametrize("name", GLOBALS)
def test_data_goes_on(stack: Federation, outage: Outage, calm: Span, name: str) -> None:
    usual = longest(stack.samples(name, f'{CLOCK}{{region="eu"}}', calm), calm)
    found = longest(stack.samples(name, f'{CLOCK}{{region="eu"}}', outage.window), outage.window)
    print(f"{name}: of either replica the longest time between two samples is {usual:.2f} s usually, {found:.2f} s now")
    assert found <= USUAL


@pytest.mark.parametrize("name", GLOBALS)
def test_aggregates_have_no_gap_and_are_not_behind(stack: Federation, outage: Outage, calm: Span, name: str) -> None:
    selector = 'source:node_time_seconds:max{region="eu"}'
    usual, found = stack.samples(name, selector, calm), stack.samples(name, selector, outage.window)
    hole, behind = longest(found, outage.window), lag(found)
    print(
        f"{name}: longest time between two samples {hole:.2f} s; behind {lag(usual):.2f} s usually, {behind:.2f} s now"
    )
    assert hole <= 2 * EVALUATION + SLACK
    # A clock is scraped, and what was recorded of it.
    assert behind <= LAYER + SCRAPE + SLACK


@pytest.mark.parametrize("metric", [CPUS, MEMORY])
@pytest.mark.parametrize("name", GLOBALS)
def test_aggregates_are_right_throughout(stack: Federation, outage: Outage, name: str, metric: str) -> None:
    found = only(stack.samples(name, f'source:{metric}{{region="eu"}}', outage.window))
    whole = outage.truth[metric]
    less = whole / len(EXPORTERS["eu"]) * (len(EXPORTERS["eu"]) - 1)
    points = [(when / 1000, float(value)) for when, value in found.items()]
    before = {value for when, value in points if when < outage.fell}
    without = {value for when, value in points if outage.fell + KNOWN < when < outage.rose}
    after = {value for when, value in points if when > outage.rose + KNOWN}
    settled = [when - outage.fell for when, value in points if outage.fell < when < outage.rose and value == less]
    lower = f"{sorted(without)} ({min(settled, default=float('nan')):.1f} s after an exporter went)"
    print(f"{name}: {metric} is {sorted(before)}, then {lower}, then {sorted(after)}")
    assert (before, without, after) == ({whole}, {less}, {whole})
