# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting, with a clock of the test's own."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import SystemClock, Verdict, wait


@dataclasses.dataclass
class Clock:
    now: float = 100.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


NO, YES, NEVER = Verdict(False, "it starts"), Verdict(True), Verdict(False, "refused", hopeless=True)


@pytest.mark.parametrize(
    ("verdicts", "timeout", "looks", "done", "seconds"),
    [
        pytest.param([YES], 10.0, 1, True, 0.0, id="at once"),
        pytest.param([NO, NO, YES], 10.0, 3, True, 2.0, id="after two"),
        pytest.param([NO] * 99, 2.5, 4, False, 2.5, id="a last look when time is over"),
        pytest.param([NO] * 99, 0.0, 1, False, 0.0, id="looks at least once"),
        pytest.param([NO, NEVER, YES], 10.0, 2, False, 1.0, id="hopeless ends it"),
    ],
)
def test_wait(verdicts: list[Verdict], timeout: float, looks: int, done: bool, seconds: float) -> None:
    seen = iter(verdicts)
    waited = wait(lambda: next(seen), timeout=timeout, interval=1.0, clock=Clock())
    assert (waited.done, waited.seconds) == (done, seconds)
    assert len(verdicts) - len(list(seen)) == looks


def test_the_system_s_clock_is_monotonic() -> None:
    clock = SystemClock()
    before = clock.time()
    clock.sleep(0.01)
    assert clock.time() >= before + 0.01
