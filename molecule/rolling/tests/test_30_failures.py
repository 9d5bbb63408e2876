# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that fails stops at the first replica and is taken back; one that may not begin touches nothing."""

from __future__ import annotations

import dataclasses
import urllib.request

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling import fakes
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import (
    NEW,
    Prober,
    Rolling,
    Seen,
    Wanted,
    extra_args,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import MESH, SETS, Run, wait_for

FIRST, SECOND = SETS["eu"]
SECONDS = tuple(replicas[1] for replicas in SETS.values())
#: Who is not in a first wave of replicas.
OTHERS = (*MESH, *SECONDS)
RELEASE = "prometheus/prometheus/releases/download/v{0}/prometheus-{0}.linux-amd64.tar.gz"
#: What each way to fail is told by.
SAID = {
    "dies": "FAKE prometheus: this release dies at start",
    "never_ready": "not ready",
    "replays": "segment 7 of 90",
}


@dataclasses.dataclass(frozen=True)
class Attempt:
    run: Run
    seen: Seen
    before: dict[str, str]
    after: dict[str, str]
    versions: dict[str, str]


def attempt(stack: Rolling, prober: Prober, wanted: Wanted, playbook: str = "site") -> Attempt:
    before = stack.starts()
    running = stack.begin(wanted, playbook=playbook)
    run = running.wait()
    return Attempt(run, prober.seen(running.begun), before, stack.starts(), stack.versions())


@pytest.fixture(scope="module")
def real(stack: Rolling) -> bytes:
    """The archive of what runs."""
    stack.settle(Wanted())
    with urllib.request.urlopen(f"http://{stack.subnet}.2:8080/{RELEASE.format(NEW['prometheus'])}") as answer:
        return bytes(answer.read())


@pytest.fixture(scope="module", params=fakes.FAKES)
def failure(
    request: pytest.FixtureRequest,
    stack: Rolling,
    prober: Prober,
    real: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Attempt]:
    """An upgrade to a release that fails in one way."""
    version: str = request.param
    chosen = fakes.make(version, real, NEW["prometheus"], tmp_path_factory.mktemp("fake"))
    wanted = Wanted(groups={"prometheus": {**chosen, "prometheus_start_timeout": 10}})
    return version, attempt(stack, prober, wanted)


def test_a_release_that_fails_stops_the_run_and_both_versions_are_named(failure: tuple[str, Attempt]) -> None:
    version, tried = failure
    assert tried.run.rc != 0
    assert SAID[fakes.FAKES[version]] in tried.run.output, tried.run.output
    assert f"{NEW['prometheus']} -> {version}" in tried.run.output, tried.run.output


def test_the_former_release_runs_again_and_is_ready(stack: Rolling, failure: tuple[str, Attempt]) -> None:
    version, tried = failure
    assert tried.versions == stack.expected(Wanted())
    assert tried.after[FIRST] != tried.before[FIRST], "it was tried"
    wait_for(stack.whole, 5, "the stack is whole after a failed upgrade")
    print(f"{fakes.FAKES[version]}: the run took {tried.run.seconds:.1f} s; {tried.seen.figures()}")


def test_no_other_replica_was_touched(failure: tuple[str, Attempt]) -> None:
    _version, tried = failure
    assert {name: tried.after[name] for name in OTHERS} == {name: tried.before[name] for name in OTHERS}
    tried.seen.assert_no_gap()


@pytest.fixture(scope="module")
def refusal(stack: Rolling, prober: Prober, real: bytes) -> Attempt:
    """A flag more for a set of which the other replica can't reach a member."""
    assert real
    route = f"blackhole {stack.addresses[MESH[0]]}/32"
    stack.sh(SECOND, f"ip route replace {route}")
    try:
        return attempt(stack, prober, Wanted(groups={"eu": extra_args({"query.max-concurrency": 10})}))
    finally:
        stack.sh(SECOND, f"ip route del {route}")


def test_a_peer_that_is_not_well_keeps_the_run_from_beginning(refusal: Attempt) -> None:
    assert refusal.run.rc != 0
    assert refusal.after == refusal.before
    assert "the gate before the change of prometheus stays closed" in refusal.run.output, refusal.run.output
    assert f"Alertmanagers: {SECOND} can't reach" in refusal.run.output
    assert "Nothing was changed" in refusal.run.output


@pytest.fixture(scope="module")
def corrupted(stack: Rolling, prober: Prober, real: bytes) -> tuple[Attempt, str]:
    """A restart of all, the first replica with a damaged WAL, which it reads when it starts; what it says of itself."""
    assert real
    wait_for(stack.whole, 30, "the stack is whole")
    corrupt = """
        set -e
        segment=$(find /var/lib/prometheus/wal -maxdepth 1 -type f -size +8k | sort | tail -1)
        head -c 4096 /dev/urandom | dd of=$segment bs=1 seek=$(($(stat -c %s $segment) / 2)) conv=notrunc status=none
        """
    stack.sh(FIRST, corrupt)
    try:
        tried = attempt(stack, prober, Wanted(), "restart")
        return tried, stack.fetch(f"http://{stack.addresses[FIRST]}:9090/-/ready")
    finally:
        stack.sh(FIRST, "systemctl restart prometheus")
        wait_for(stack.whole, 30, "the stack is whole after a restart")


def test_a_corrupt_wal_is_caught_although_the_replica_says_that_it_is_ready(corrupted: tuple[Attempt, str]) -> None:
    tried, ready = corrupted
    assert tried.run.rc != 0
    assert "Ready" in ready
    assert f"WAL corruption: {FIRST} found its WAL corrupt 1 times" in tried.run.output, tried.run.output


def test_after_a_corrupt_wal_no_second_replica_goes(corrupted: tuple[Attempt, str]) -> None:
    tried, _ready = corrupted
    assert tried.after[FIRST] != tried.before[FIRST], "it was restarted"
    assert {name: tried.after[name] for name in SECONDS} == {name: tried.before[name] for name in SECONDS}
    tried.seen.assert_no_gap()


@dataclasses.dataclass(frozen=True)
class Deserted:
    """:ivar after: the starts when the run was over. ``again``: the next run, and the starts after that."""

    run: Run
    seen: Seen
    after: dict[str, str]
    again: tuple[Run, dict[str, str]]


@pytest.fixture(scope="module")
def deserted(stack: Rolling, prober: Prober, real: bytes) -> Deserted:
    """A flag more for a set of which the second replica goes away as soon as the first one was changed."""
    assert real
    wait_for(stack.whole, 30, "the stack is whole")
    wanted = Wanted(groups={"eu": extra_args({"query.max-concurrency": 11})})
    before = stack.starts()
    running = stack.begin(wanted)
    wait_for(lambda: running.over or stack.starts()[FIRST] != before[FIRST], 300, f"{FIRST} is changed")
    stack.sh(SECOND, "systemctl stop prometheus")
    try:
        run = running.wait()
        after = stack.starts()
        seen = prober.seen(running.begun)
    finally:
        stack.sh(SECOND, "systemctl start prometheus")
        wait_for(stack.whole, 30, "the stack is whole again")
    return Deserted(run, seen, after, (stack.roll(wanted), stack.starts()))


def test_a_replica_that_serves_is_not_taken_back_while_its_peer_is_away(deserted: Deserted) -> None:
    assert deserted.run.rc != 0
    assert f"was left there: {SECOND} does not" in deserted.run.output, deserted.run.output
    assert len(deserted.seen.down(FIRST)) <= 1, "its own change, and no way back"


def test_the_next_run_proves_the_one_that_was_left_and_goes_on(stack: Rolling, deserted: Deserted) -> None:
    run, starts = deserted.again
    run.succeeded()
    assert starts[FIRST] == deserted.after[FIRST], "it runs what is wanted"
    for name in (FIRST, SECOND):
        words = stack.sh(name, "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID prometheus)/cmdline")
        assert "--query.max-concurrency=11" in words, (name, words)
