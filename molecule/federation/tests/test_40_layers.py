# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three layers: a site, a region that federates it, global servers that federate the region."""

from __future__ import annotations

import time
import urllib.parse

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.federation.support import (
    CPUS,
    EVALUATION,
    GLOBALS,
    LAYERS,
    LOOK,
    MEMORY,
    SCRAPE,
    SLACK,
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
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS

SITE, REGION = SETS["eu"], SETS["us"]
#: A replica of each layer, that goes.
VICTIMS = (SITE[0], REGION[1])


@pytest.fixture(scope="module")
def calm(stack: Federation) -> Span:
    stack.settle(LAYERS)
    begun = time.time()
    time.sleep(LOOK)
    return begun, time.time()


@pytest.fixture(scope="module")
def outage(stack: Federation, calm: Span) -> Span:
    """With the calm before it."""
    try:
        for name in VICTIMS:
            stack.kill_prometheus(name)
        time.sleep(LOOK)
        ended = time.time()
    finally:
        for name in VICTIMS:
            stack.start_prometheus(name)
    return calm[0], ended


@pytest.mark.parametrize("replica", SITE)
@pytest.mark.parametrize("region", REGION)
@pytest.mark.parametrize("name", GLOBALS)
def test_every_series_and_value_of_a_site_is_at_the_top(
    stack: Federation, calm: Span, name: str, region: str, replica: str
) -> None:
    """With its labels as they were, and with a replica label of each layer on the way."""
    above = stack.federated(name, calm, f'replica="{replica}",region_replica="{region}"')
    labels = {"region": "eu", "replica": replica, "job": "federate-eu", "zone": "north", "region_replica": region}
    assert_same(above, added(stack.federated(replica, calm), labels), f"{replica} by {region} on {name}")
    print(f"{replica} by {region} on {name}: {count(above)} equal")


@pytest.mark.parametrize("name", GLOBALS)
def test_nothing_else_is_at_the_top(stack: Federation, calm: Span, name: str) -> None:
    above = stack.federated(name, calm)
    assert values(above, "replica") == set(SITE)
    assert values(above, "region_replica") == set(REGION)
    assert not {label for one in (name, *REGION) for label in stack.label_names(one) if label.startswith("exported_")}


@pytest.mark.parametrize("name", GLOBALS)
def test_each_layer_has_its_own_replica_label(stack: Federation, calm: Span, name: str) -> None:
    """As a fourth layer would get them."""
    assert calm
    query = urllib.parse.urlencode({"match[]": f'cluster:{CPUS}{{region="eu"}}'})
    text = stack.fetch(f"http://{stack.addresses[name]}:9090/federate?{query}")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(SITE) * len(REGION), text
    for site in SITE:
        for region in REGION:
            wanted = {f'replica="{site}"', f'region_replica="{region}"', f'federation_replica="{name}"'}
            found = [line for line in lines if wanted <= set(line.partition("{")[2].partition("}")[0].split(","))]
            assert len(found) == 1, text


@pytest.mark.parametrize("name", GLOBALS)
def test_aggregates_at_the_top_are_right(stack: Federation, outage: Span, name: str) -> None:
    """Also while one replica of the site and one of the region are down."""
    truth = stack.truth("eu")
    for metric in (CPUS, MEMORY):
        for level in ("source", "global"):
            found = stack.samples(name, f"{level}:{metric}", outage)
            assert longest(found, outage) <= 2 * EVALUATION + SLACK, (level, metric)
            assert set(map(float, only(found).values())) == {truth[metric]}, (level, metric)
    clock = stack.samples(name, "source:node_time_seconds:max", outage)
    print(f"{name}: a host's clock is behind {lag(clock):.2f} s at most, two layers above its site")
    # Three scrapes, and what the site has recorded.
    assert lag(clock) <= 3 * SCRAPE + EVALUATION + SLACK
