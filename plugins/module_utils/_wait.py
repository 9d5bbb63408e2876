# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a predicate, with the clock injected."""

from __future__ import annotations

import dataclasses
import time
import typing as t


class Clock(t.Protocol):
    def time(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """Monotonic seconds: a step of the wall clock must not end a wait."""

    def time(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One look at what is waited for. ``waiting_for`` is a sentence; ``hopeless`` ends the wait at once."""

    done: bool
    waiting_for: str = ""
    hopeless: bool = False


@dataclasses.dataclass(frozen=True)
class Waited:
    """How a wait ended: the last verdict and the seconds it took."""

    verdict: Verdict
    seconds: float

    @property
    def done(self) -> bool:
        return self.verdict.done


def wait(
    look: t.Callable[[], Verdict], *, timeout: float, interval: float = 0.25, clock: Clock | None = None
) -> Waited:
    """Look until done, hopeless or ``timeout`` seconds are over; always looks at least once, and once at the end."""
    clock = clock or SystemClock()
    start = clock.time()
    while True:
        verdict = look()
        seconds = clock.time() - start
        if verdict.done or verdict.hopeless or seconds >= timeout:
            return Waited(verdict, seconds)
        clock.sleep(min(interval, max(timeout - seconds, 0.0)))
