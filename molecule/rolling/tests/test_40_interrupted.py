# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upgrades that are cut off anywhere: killed, without a connection, with a host that reboots; a rerun finishes them.

ROLLING_KILLS (3) says how many are killed, ROLLING_SEED when. Each goes the other way than the one before it, so that
there is always something to roll.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import NEW, OLD, Prober, Rolling, Wanted
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS, Running, wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import blocked

KILLS = int(os.environ.get("ROLLING_KILLS", "3"))
SEED = int(os.environ.get("ROLLING_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
#: What is taken for the length of an upgrade until one was measured; seconds.
EXPECTED = 45.0
FIRST = SETS["eu"][0]


class Length:
    """How long an upgrade takes that nobody disturbs, as the last that was seen."""

    def __init__(self) -> None:
        self.seconds = EXPECTED


@pytest.fixture(scope="module")
def length() -> Length:
    return Length()


@pytest.fixture(scope="module")
def dice() -> random.Random:
    print(f"ROLLING_SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture
def wanted(stack: Rolling) -> Wanted:
    return other(stack)


def other(stack: Rolling) -> Wanted:
    """The versions that do not run, with consent to go there."""
    runs = stack.versions()[FIRST]
    versions = OLD if runs == NEW["prometheus"] else NEW
    return Wanted(versions, consents=["P10", "P17", "A20"])


@pytest.fixture(scope="module", autouse=True)
def settled(stack: Rolling) -> None:
    stack.settle(Wanted())


def finish(stack: Rolling, prober: Prober, wanted: Wanted, cut: Running) -> float:
    """Run again, and look at what came of it: the seconds that it took."""
    run = stack.roll(wanted).succeeded()
    seen = prober.seen(cut.begun)
    assert stack.versions() == stack.expected(wanted)
    # An alert that begins makes replicas differ for as long as one evaluation takes.
    wait_for(lambda: stack.roll(wanted, playbook="status").rc == 0, 30, "status.yml finds nothing to be done")
    seen.assert_no_gap()
    print(f"the rerun took {run.seconds:.1f} s; {seen.figures()}")
    return run.seconds


@pytest.mark.in_ci
@pytest.mark.parametrize("number", range(1, KILLS + 1))
def test_a_killed_upgrade_is_finished_by_the_next_run(
    stack: Rolling, prober: Prober, dice: random.Random, length: Length, number: int
) -> None:
    for _attempt in range(3):
        wanted = other(stack)
        moment = dice.uniform(1.0, length.seconds)
        cut = stack.begin(wanted)
        with contextlib.suppress(subprocess.TimeoutExpired):
            cut.process.wait(moment)
        if not cut.over:
            break
        # It was over before the kill, which proves nothing: another one, the other way.
        length.seconds = cut.wait().succeeded().seconds
    assert not cut.over, "three upgrades were over before they were to be killed"
    cut.kill()
    where = cut.output.rpartition("\nTASK [")[2].partition("]")[0] or "before the first task"
    print(f"kill {number} of {KILLS} (ROLLING_SEED={SEED}) after {moment:.1f} s, in: {where}")
    length.seconds = max(length.seconds, finish(stack, prober, wanted, cut))


def changing(stack: Rolling, wanted: Wanted) -> Running:
    """An upgrade whose first replica is away, or answers with its new version and is still looked at."""
    before = stack.prometheus(FIRST, "status/buildinfo")["version"]

    def begun() -> bool:
        try:
            return bool(stack.prometheus(FIRST, "status/buildinfo")["version"] != before)
        except OSError:
            return True

    cut = stack.begin(wanted)
    wait_for(lambda: begun() or cut.over, 300, f"{FIRST} is being changed")
    assert not cut.over, cut.output
    return cut


def test_an_upgrade_that_loses_its_connection_is_finished_by_the_next_run(
    stack: Rolling, prober: Prober, wanted: Wanted
) -> None:
    cut = changing(stack, wanted)
    with blocked(f"{stack.addresses[FIRST]}/32", "22", silently=True):
        run = cut.wait()
    assert run.rc != 0 and FIRST in run.failed, run.output
    print(f"the run without a connection to {FIRST} ended after {run.seconds:.1f} s")
    finish(stack, prober, wanted, cut)


def test_an_upgrade_whose_host_reboots_is_finished_by_the_next_run(
    stack: Rolling, prober: Prober, wanted: Wanted
) -> None:
    cut = changing(stack, wanted)
    subprocess.run(["docker", "restart", "--time", "20", stack.container(FIRST)], check=True, capture_output=True)
    run = cut.wait()
    print(f"{FIRST} rebooted; the run ended with {run.rc} after {run.seconds:.1f} s")
    wait_for(lambda: stack.host(FIRST).run("true").rc == 0, 60, f"{FIRST} is up again")
    finish(stack, prober, wanted, cut)
