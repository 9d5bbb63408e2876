# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One notification per region for a host that is down: in peace, under a silence, and while processes are killed."""

from __future__ import annotations

import dataclasses
import datetime
import re
import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import (
    LOUD,
    MESH,
    REPLICAS,
    SETS,
    Process,
    Stack,
    wait_for,
)

#: Hosts whose exporters are stopped: under a silence, and when processes are killed.
SILENCED, VICTIM = "am-2", "am-3"
#: group_wait, peer_timeout of the two members behind the first, Prometheus' resend delay and an evaluation, a margin
#: (inventory/lab).
HOLD = 5 + 2 * 5 + 5 + 5 + 3
KILLED_REPLICA = "eu-1"
#: By region, the alerts in each notification: one notification with the one alert of both replicas.
ONE_EACH = {region: [1] for region in SETS}
NONE: dict[str, list[int]] = {region: [] for region in SETS}


@dataclasses.dataclass(frozen=True)
class Silence:
    """:ivar spread: seconds until all members knew it."""

    id: str
    spread: float


@dataclasses.dataclass(frozen=True)
class Outage:
    """What arrived after the exporters of LOUD and SILENCED stopped, one HOLD after the first notification."""

    loud: dict[str, list[int]]
    silenced: dict[str, list[int]]
    silenced_states: list[tuple[str, list[str]]]
    victim_since: float


@dataclasses.dataclass(frozen=True)
class Kill:
    """What was killed while an alert was pending, and what came of it."""

    member: str
    before: dict[str, Process]
    after: dict[str, Process]
    seconds: float
    notified: dict[str, list[int]]
    unsilenced: dict[str, list[int]]


@pytest.fixture(scope="module")
def silence(stack: Stack) -> Silence:
    def at(offset: float) -> str:
        return datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc).isoformat()

    matcher = {"name": "instance", "value": stack.exporter(SILENCED), "isRegex": False, "isEqual": True}
    body = {"matchers": [matcher], "startsAt": at(0), "endsAt": at(900), "createdBy": "molecule", "comment": "a test"}
    begun = time.monotonic()
    made: str = stack.alertmanager(MESH[0], "silences", body)["silenceID"]

    def known() -> bool:
        return all(made in [item["id"] for item in stack.alertmanager(member, "silences")] for member in MESH)

    wait_for(known, 30, "the silence is on all members")
    return Silence(made, time.monotonic() - begun)


@pytest.fixture(scope="module")
def outage(stack: Stack, silence: Silence, exporters: t.Callable[[str], float], request: t.Any) -> Outage:
    assert silence.id
    since = exporters(SILENCED)
    request.getfixturevalue("loud")
    held_until = time.monotonic() + HOLD
    time.sleep(HOLD - 8)
    # Before the hold ends, so that this one is about to fire then.
    victim_since = exporters(VICTIM)
    time.sleep(max(0.0, held_until - time.monotonic()))
    states = [
        (alert["status"]["state"], alert["status"]["silencedBy"])
        for member in MESH
        for alert in stack.alerts(member, SILENCED)
    ]
    return Outage(
        {region: stack.notified(LOUD, region, since) for region in SETS},
        {region: stack.notified(SILENCED, region, since) for region in SETS},
        states,
        victim_since,
    )


@pytest.fixture(scope="module")
def kill(stack: Stack, silence: Silence, outage: Outage) -> Kill:
    """Kill the replica and the member that would notify first (its name sorts first) while the alert is pending."""

    def pending() -> bool:
        alerts = stack.prometheus(KILLED_REPLICA, "alerts")["alerts"]
        return any(alert["labels"]["instance"] == stack.exporter(VICTIM) for alert in alerts)

    wait_for(pending, 30, f"{KILLED_REPLICA} sees {VICTIM} down")
    assert not any(stack.notified(VICTIM, region, outage.victim_since) for region in SETS), "killed too late"
    first = min(MESH, key=lambda name: str(stack.alertmanager(name, "status")["cluster"]["name"]))
    units = {KILLED_REPLICA: "prometheus", first: "alertmanager"}
    before = {name: stack.process(name, unit) for name, unit in units.items()}
    begun = time.monotonic()
    for name, process in before.items():
        stack.sh(name, f"kill -9 {process.pid}")
    wait_for(lambda: not stack.whole(), 10, "the kills are noticed")
    wait_for(stack.whole, 60, "the stack is whole after the kills")
    seconds = time.monotonic() - begun
    wait_for(
        lambda: all(stack.notified(VICTIM, region, outage.victim_since) for region in SETS),
        90,
        f"a notification for {VICTIM} from each region",
    )
    unsilenced_since = time.time()
    stack.alertmanager(MESH[-1], f"silence/{silence.id}", method="DELETE")
    time.sleep(HOLD)
    wait_for(
        lambda: all(stack.notified(SILENCED, region, unsilenced_since) for region in SETS),
        60,
        f"a notification for {SILENCED} once its silence is gone",
    )
    return Kill(
        first,
        before,
        {name: stack.process(name, unit) for name, unit in units.items()},
        seconds,
        {region: stack.notified(VICTIM, region, outage.victim_since) for region in SETS},
        {region: stack.notified(SILENCED, region, unsilenced_since) for region in SETS},
    )


def test_silence_is_everywhere_within_5_s(silence: Silence) -> None:
    assert silence.spread < 5
    print(f"a silence was on all members after {silence.spread:.2f} s")


def test_alert_of_both_replicas_notifies_once(outage: Outage) -> None:
    assert outage.loud == ONE_EACH


@pytest.mark.parametrize("replica", REPLICAS)
def test_both_replicas_did_send_it_to_every_member(stack: Stack, outage: Outage, replica: str) -> None:
    assert outage.loud
    firing = {alert["labels"]["instance"] for alert in stack.prometheus(replica, "alerts")["alerts"]}
    assert stack.exporter(LOUD) in firing
    found = re.findall(
        r'^prometheus_notifications_sent_total{alertmanager="(\S+)"} (\S+)$', stack.metrics(replica), re.M
    )
    assert {url for url, count in found if float(count) > 0} == {
        f"http://{stack.addresses[member]}:9093/api/v2/alerts" for member in MESH
    }


def test_silence_suppresses_on_every_member(silence: Silence, outage: Outage) -> None:
    assert outage.silenced_states == [("suppressed", [silence.id])] * len(MESH) * len(SETS)
    assert outage.silenced == NONE


def test_deleted_silence_notifies_once(kill: Kill) -> None:
    assert kill.unsilenced == ONE_EACH


def test_kill_loses_and_doubles_no_notification(kill: Kill) -> None:
    assert kill.notified == ONE_EACH


def test_killed_units_restart(kill: Kill) -> None:
    for name, before in kill.before.items():
        assert kill.after[name].pid not in (0, before.pid)
        assert kill.after[name].restarts == before.restarts + 1
    print(f"{KILLED_REPLICA} and {kill.member} were killed; the stack was whole again after {kill.seconds:.1f} s")
