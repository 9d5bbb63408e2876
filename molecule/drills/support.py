# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something is broken on purpose; what the webhook is told of it, and how many seconds later."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import REPLICAS, Stack, wait_for

INVENTORIES = ("inventory/lab", "molecule/drills/inventory")
#: Seconds. Of the inventory: the `for` of what a drill expects, two scrapes and two evaluations before it; then a
#: notification: group_wait, and two members before the one that tells it.
LATEST = 15 + 4 * 5 + 1 + 2 * 5
#: How long nothing else may come: all that waits no longer than what is expected has had its time.
WATCHED = 20
WATCHDOG = "Watchdog"


@dataclasses.dataclass(frozen=True)
class Told:
    """What a drill's outage came to.

    :param seconds: by alert and who it is about, until the webhook was told first.
    """

    seconds: t.Mapping[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{what} after {after:.1f} s" for what, after in self.seconds.items()) or "nothing"


class Drills(Stack):
    """The lab of this scenario."""

    def __init__(self) -> None:
        super().__init__("drills", INVENTORIES)

    def told(self) -> list[notices.Notice]:
        """What the webhook got."""
        return notices.notices(self.ask(f"{self.webhook}/notifications?receiver=drills"))

    def notices(self) -> list[notices.Notice]:
        """What the webhook got but the Watchdog."""
        return [one for one in self.told() if one.name != WATCHDOG]

    def watchdogs(self) -> set[str]:
        """The regions from which the Watchdog was told."""
        return {one.labels["region"] for one in self.told() if one.name == WATCHDOG and one.status == "firing"}

    def firing(self) -> set[str]:
        """What was told and not told as over."""
        last = {(one.name, *sorted(one.labels.items())): one for one in self.notices()}
        return {one.what for one in last.values() if one.status == "firing"}

    def pending(self) -> set[str]:
        """What fires or is about to on any replica."""
        found = set()
        for name in REPLICAS:
            alerts = self.prometheus(name, "alerts")["alerts"]
            found |= {one["labels"]["alertname"] for one in alerts} - {WATCHDOG}
        return found

    def await_calm(self) -> None:
        wait_for(self.whole, 60, "the stack is whole")
        wait_for(lambda: not self.pending() and not self.firing(), 180, "no alert is there but the Watchdog")

    def drill(self, outage: t.ContextManager[None], expected: t.Collection[str]) -> Told:
        """Cause an outage, wait until all that is expected was told, and for as long as anything else might be.

        :param expected: as :func:`about` gives them.
        """
        self.await_calm()
        begun = time.time()
        with outage:
            deadline = begun + LATEST
            while time.time() < deadline and not set(expected) <= self.since(begun).keys():
                time.sleep(0.5)
            time.sleep(WATCHED)
            told = Told(self.since(begun))
        self.await_calm()
        return told

    def since(self, begun: float) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in self.notices():
            if one.time >= begun and one.status == "firing":
                found.setdefault(about(one), one.time - begun)
        return found

    # -- outages ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def stopped(self, *names: str, unit: str) -> t.Iterator[None]:
        """These hosts' services are stopped meanwhile."""
        try:
            for name in names:
                self.sh(name, f"systemctl stop {unit}")
            yield
        finally:
            for name in names:
                self.sh(name, f"systemctl start {unit}")

    @contextlib.contextmanager
    def edited(self, name: str, path: str, text: str) -> t.Iterator[None]:
        """Somebody adds a file to a Prometheus' configuration by hand and reloads it, which it refuses."""
        reload = "systemctl kill --signal=HUP --kill-whom=main prometheus"
        try:
            self.sh(name, f"printf '%s' '{text}' > {path} && chgrp prometheus {path} && chmod 0640 {path} && {reload}")
            yield
        finally:
            self.sh(name, f"rm -f {path} && {reload}")


def about(one: notices.Notice) -> str:
    """Which alert, of which set or mesh, and of which member where it is about one, as which region tells it."""
    labels = one.labels
    who = "/".join(labels[key] for key in ("ha_group", "ha_member") if key in labels)
    return f"{one.name} {who} by {labels['region']}"
