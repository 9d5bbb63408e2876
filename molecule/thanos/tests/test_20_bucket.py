# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks on their way: sidecar, bucket, compactor, store gateway; and the object store that is away for a while."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import (
    EXPORTERS,
    FRONTEND,
    HOUR,
    SCRAPED,
    Thanos,
)

#: What a compactor makes of blocks of 2 h in the end within a test: 2 days, aligned (thanos compact.md).
RANGE = 48 * HOUR
STEP = 300
OUTAGE = 120.0


def test_what_is_uploaded_is_compacted_downsampled_and_served(stack: Thanos) -> None:
    begin = int(time.time() - 8 * 24 * HOUR) // RANGE * RANGE
    end = begin + RANGE
    ids = stack.backfill("eu-1", "past_total", begin, end, STEP)
    assert len(ids) == 24

    def there() -> list[dict[str, t.Any]]:
        return [one for one in stack.blocks() if one["minTime"] >= begin * 1000 and one["maxTime"] <= end * 1000]

    started = time.monotonic()
    wait_for(lambda: {block for one in there() for block in one["compaction"]["sources"]} >= set(ids), 180, "uploads")
    uploaded = time.monotonic() - started

    def compacted() -> bool:
        return any(one["maxTime"] - one["minTime"] >= 40 * HOUR * 1000 for one in there())

    wait_for(compacted, 180, "one block of two days")
    whole = time.monotonic() - started
    wait_for(lambda: any(one["thanos"]["downsample"]["resolution"] == 300_000 for one in there()), 120, "downsampling")
    sampled = time.monotonic() - started
    print(f"24 blocks: uploaded after {uploaded:.0f} s, compacted {whole:.0f} s, downsampled {sampled:.0f} s")

    stack.forget("eu-1", ids)
    expression = f'count_over_time(past_total{{n="1"}}[{RANGE}s])'
    wait_for(
        lambda: stack.value(expression, host=FRONTEND, time=end - STEP) == RANGE // STEP, 60, "the gateways' answer"
    )
    local = stack.prometheus("eu-1", f"query?query=past_total&time={end - STEP}")["result"]
    assert local == [], "the replica itself still has it"
    coarse = stack.query(expression, time=end - STEP, max_source_resolution="5m")
    assert float(coarse[0]["value"][1]) > 0
    assert stack.metric("am-3", 10912, "thanos_compact_halted") == 0


def test_the_object_store_may_be_away(stack: Thanos) -> None:
    begin = int(time.time() - 4 * 24 * HOUR) // RANGE * RANGE
    stack.object_store("STOP")
    stopped = time.monotonic()
    try:
        ids = stack.backfill("us-1", "late_total", begin, begin + 2 * HOUR, STEP)
        answers = []
        while time.monotonic() - stopped < OUTAGE:
            answers.append(stack.value(f"count(up{{{SCRAPED}}})"))
            time.sleep(5)
        assert set(answers) == {2 * EXPORTERS}, answers
    finally:
        stack.object_store("CONT")

    def uploaded() -> bool:
        local = stack.sh("us-1", "cd /var/lib/prometheus && ls -d 01*/ | tr -d /").split()
        sources = {block for one in stack.blocks() for block in one["compaction"]["sources"]}
        return {*ids, *local} <= sources

    wait_for(uploaded, 180, "everything that the replica holds is in the bucket")
    print(f"away for {OUTAGE:.0f} s: {len(answers)} recent queries right, the backlog uploaded")
    stack.forget("us-1", ids)
    expression = f'count_over_time(late_total{{n="1"}}[{2 * HOUR}s])'
    wait_for(
        lambda: stack.value(expression, time=begin + 2 * HOUR - STEP) == 2 * HOUR // STEP,
        60,
        "its samples, all of them",
    )
