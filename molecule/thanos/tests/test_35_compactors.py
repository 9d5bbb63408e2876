# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A compactor that moves, and one that shares its streams: at no moment do two work on one stream."""

from __future__ import annotations

import functools
import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import Repeated
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import Thanos

HERE, THERE = "am-3", "am-2"
JOINS = {"thanos_compact": [THERE]}
ABSENT = {"thanos_compact_state": "absent"}
SHARDS = {
    host: {
        "thanos_compact_shard": region,
        "thanos_compact_selector_relabel_configs": [
            {"action": action, "source_labels": ["region"], "regex": "us"},
        ],
    }
    for host, region, action in ((HERE, "rest", "drop"), (THERE, "us", "keep"))
}

Seen = t.Dict[str, t.Optional[float]]


class Compactors(Repeated):
    """When those that answer were started, by host, at each look."""

    def __init__(self, stack: Thanos) -> None:
        super().__init__()
        self._stack = stack
        self.seen: list[Seen] = []

    def look(self) -> None:
        self.seen.append({host: self._started(host) for host in (HERE, THERE)})

    def _started(self, host: str) -> float | None:
        try:
            return self._stack.metric(host, 10912, "process_start_time_seconds")
        except OSError:
            return None


@pytest.fixture(scope="module", autouse=True)
def back(stack: Thanos) -> t.Iterator[None]:
    """Whatever a test leaves, the one compactor is where it was at the end."""
    yield
    stack.roll(hosts={THERE: ABSENT}, members=JOINS).succeeded()
    assert stack.metric(HERE, 10912, "process_start_time_seconds") > 0


def test_a_compactor_moves(stack: Thanos) -> None:
    with Compactors(stack) as watch:
        run = stack.roll(hosts={HERE: ABSENT}, members=JOINS).succeeded()
    watch.look()
    before, after = watch.seen[0], watch.seen[-1]
    assert before[HERE] and not before[THERE]
    assert not after[HERE] and after[THERE]
    assert [one for one in watch.seen if one[HERE] and one[THERE]] == []
    assert stack.sh(HERE, "systemctl list-unit-files 'thanos_compact*' --no-legend || true") == ""
    wait_for(lambda: compacted(stack, THERE), 60, "the new one has made a pass")
    print(f"moved in {run.seconds:.1f} s, {len(watch.seen)} looks: never two")
    again = stack.roll(hosts={HERE: ABSENT}, members=JOINS).succeeded()
    assert set(again.changed.values()) == {0}


def test_the_streams_are_shared(stack: Thanos) -> None:
    """One compactor becomes two, each with its own streams: the second starts after the first left what it takes."""
    stack.roll(hosts={THERE: ABSENT}, members=JOINS).succeeded()
    with Compactors(stack) as watch:
        begun = time.time()
        run = stack.roll(hosts=SHARDS, members=JOINS).succeeded()
    watch.look()
    whole, after = watch.seen[0][HERE], watch.seen[-1]
    assert whole and (after[HERE] or 0) > begun and (after[THERE] or 0) > begun
    assert [one for one in watch.seen if one[THERE] and one[HERE] == whole] == []
    assert "drop" in stack.sh(HERE, "cat /etc/thanos_compact/selector.yml")
    for host in (HERE, THERE):
        wait_for(functools.partial(compacted, stack, host), 60, f"{host} has made a pass")
        assert stack.metric(host, 10912, "thanos_compact_halted") == 0
    print(f"shared in {run.seconds:.1f} s, {len(watch.seen)} looks: never two on one stream")


def compacted(stack: Thanos, host: str) -> bool:
    return stack.metric(host, 10912, "thanos_compact_iterations_total") > 0
