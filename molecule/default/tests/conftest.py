# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the scenario share. The files run in the order of their names: later ones change the hosts."""

from __future__ import annotations

import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import LOUD, SETS, Stack, wait_for


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The lab, whole."""
    found = Stack()
    wait_for(found.whole, 60, "the stack is whole before the tests")
    wait_for(found.quiet, 150, "the outages of a former run are over")
    return found


@pytest.fixture(scope="session")
def exporters(stack: Stack) -> t.Iterator[t.Callable[[str], float]]:
    """Stops a host's node_exporter and says when; all run again at the end."""
    stopped: list[str] = []

    def stop(name: str) -> float:
        stopped.append(name)
        since = time.time()
        stack.sh(name, "systemctl stop node_exporter")
        return since

    yield stop
    for name in stopped:
        stack.sh(name, "systemctl start node_exporter")


@pytest.fixture(scope="session")
def loud(stack: Stack, exporters: t.Callable[[str], float]) -> float:
    """Since when LOUD's exporter is down; both regions have notified it."""
    since = exporters(LOUD)

    def notified() -> bool:
        return all(stack.notified(LOUD, region, since) for region in SETS)

    wait_for(notified, 90, f"a notification for {LOUD} from each region")
    return since
