# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A compactor that finds blocks which overlap: it halts, status.yml says at which, and it goes on without them."""

from __future__ import annotations

import time

from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import ROOT, wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import HOUR, Thanos

COMPACTOR = "am-3"
RANGE = 8 * HOUR


def test_a_compactor_that_halts_is_told_with_the_blocks(stack: Thanos) -> None:
    begin = int(time.time() - 20 * 24 * HOUR) // (48 * HOUR) * (48 * HOUR)
    ids = [
        block for name in ("once_total", "twice_total") for block in stack.backfill("us-1", name, begin, begin + RANGE)
    ]

    def halted() -> bool:
        return stack.metric(COMPACTOR, 10912, "thanos_compact_halted") == 1

    wait_for(halted, 240, "the compactor finds the overlap")
    try:
        run = stack.play(ROOT / "playbooks/status.yml")
        assert run.rc != 0
        told = next(line for line in run.output.splitlines() if "the compactor has halted" in line)
        print(told.strip())
        assert COMPACTOR in told
        assert any(block in told for block in ids)
    finally:
        stack.forget("us-1", ids)
        # What was uploaded, or made of it meanwhile, of the time before anything else.
        for block in stack.blocks():
            if begin * 1000 <= block["minTime"] and block["maxTime"] <= (begin + 48 * HOUR) * 1000:
                mark = f"--id={block['ulid']} --marker=deletion-mark.json --details=overlaps"
                stack.sh(
                    "am-1", f"thanos tools bucket mark --objstore.config-file=/etc/thanos_store/objstore.yml {mark}"
                )
        stack.sh(COMPACTOR, "systemctl restart thanos_compact")
    wait_for(lambda: stack.metric(COMPACTOR, 10912, "thanos_compact_iterations_total") > 0, 120, "it compacts again")
    assert not halted()
