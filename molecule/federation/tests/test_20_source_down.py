# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site that is down as a whole: the other one goes on, and an alert says which one it is."""

from __future__ import annotations

import dataclasses
import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.federation.support import (
    BOTH,
    CLOCK,
    CPUS,
    EVALUATION,
    GLOBALS,
    LOOK,
    SCRAPE,
    SLACK,
    USUAL,
    Federation,
    longest,
    only,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS, wait_for

ALERT = "FederationSourceDown"
LABELS = {"alertname": ALERT, "job": "federate-eu", "severity": "critical"}
#: Until the alert is told: a scrape fails, it is seen and waits, and Alertmanager waits (of the inventory: `for` and
#: group_interval, where it was told before).
TOLD = SCRAPE + EVALUATION + 5 + 15 + 4


@dataclasses.dataclass(frozen=True)
class Down:
    """:ivar firing: by global server, what its API said."""

    window: Span
    killed: float
    told: list[notices.Notice]
    firing: dict[str, list[dict[str, t.Any]]]
    truth: dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def down(stack: Federation) -> Down:
    stack.settle(BOTH)
    truth = {site: stack.truth(site) for site in SETS}
    begun = time.time()
    try:
        killed = max([stack.kill_prometheus(name) for name in SETS["eu"]])
        wait_for(lambda: stack.told(ALERT, begun), TOLD, f"{ALERT} is told")
        # Time for a second notification, which there must not be.
        time.sleep(LOOK)
        firing = {
            name: [alert for alert in stack.prometheus(name, "alerts")["alerts"] if alert["state"] == "firing"]
            for name in GLOBALS
        }
        window = (begun, time.time())
    finally:
        for name in SETS["eu"]:
            stack.start_prometheus(name)
    return Down(window, killed, stack.told(ALERT, begun), firing, truth)


@pytest.mark.parametrize("name", GLOBALS)
def test_the_alert_names_the_source(down: Down, name: str) -> None:
    assert [{**alert["labels"]} for alert in down.firing[name]] == [LABELS]


def test_the_alert_is_told_once(down: Down) -> None:
    told = [one for one in down.told if one.status == "firing"]
    print(f"{ALERT} was told {told[0].time - down.killed:.1f} s after the last replica's death: {dict(told[0].labels)}")
    assert [one.labels for one in told] == [LABELS]


@pytest.mark.parametrize("name", GLOBALS)
def test_the_other_source_goes_on(stack: Federation, down: Down, name: str) -> None:
    found = longest(stack.samples(name, f'{CLOCK}{{region="us"}}', down.window), down.window)
    print(f"{name}: of the other site the longest time between two samples is {found:.2f} s")
    assert found <= USUAL
    aggregate = stack.samples(name, f'source:{CPUS}{{region="us"}}', down.window)
    assert longest(aggregate, down.window) <= 2 * EVALUATION + SLACK
    assert set(map(float, only(aggregate).values())) == {down.truth["us"][CPUS]}


@pytest.mark.parametrize("name", GLOBALS)
def test_what_is_missing_is_not_counted(stack: Federation, down: Down, name: str) -> None:
    gone = down.killed + SCRAPE + EVALUATION + SLACK
    assert not stack.samples(name, f'source:{CPUS}{{region="eu"}}', (gone, down.window[1]))
    total = only(stack.samples(name, f"global:{CPUS}", (gone, down.window[1])))
    assert set(map(float, total.values())) == {down.truth["us"][CPUS]}
