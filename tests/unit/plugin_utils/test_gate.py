# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the gate is watched, what it tells meanwhile, and how it ends."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate import Open, Passed, Predicate, watch


class Clock:
    """Time passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def waiting(name: str, sentence: str, allowed: float = 10.0, component: str = "prometheus") -> Open:
    return Open(component, Predicate(name, lambda _scene: sentence, "do something."), sentence, allowed)


READY, TARGETS = waiting("ready", "segment 1"), waiting("targets", "1 of 2")


def run(
    looks: t.Sequence[t.Sequence[Open]], *, wait: bool = True, state: str = "after", interval: float = 2.0
) -> tuple[Passed, list[str]]:
    """The looks in order; the last stays."""
    left = list(looks)
    told: list[str] = []

    def look() -> t.Sequence[Open]:
        return left.pop(0) if len(left) > 1 else left[0]

    return watch(state, look, told.append, interval=interval, wait=wait, clock=Clock()), told


@pytest.mark.parametrize(
    ("looks", "seconds", "waited", "told"),
    [
        pytest.param([[]], 0.0, {}, [], id="open at once"),
        pytest.param(
            [[READY], [READY], [waiting("ready", "segment 2")], [TARGETS], []],
            8.0,
            {"prometheus ready": 6.0, "prometheus targets": 2.0},
            ["prometheus, ready: segment 1", "prometheus, ready: segment 2", "prometheus, targets: 1 of 2"],
            id="told when it changes",
        ),
        pytest.param(
            [[READY, waiting("hold", "5 s", component="alertmanager")], [READY], []],
            4.0,
            {"prometheus ready": 4.0, "alertmanager hold": 2.0},
            ["prometheus, ready: segment 1; alertmanager, hold: 5 s", "prometheus, ready: segment 1"],
            id="two components at once",
        ),
        pytest.param(
            [[READY]] * 5 + [[TARGETS]] * 5 + [[]],
            20.0,
            {"prometheus ready": 10.0, "prometheus targets": 10.0},
            ["prometheus, ready: segment 1", "prometheus, targets: 1 of 2"],
            id="each has its own time",
        ),
    ],
)
def test_the_gate_opens(looks: list[list[Open]], seconds: float, waited: dict[str, float], told: list[str]) -> None:
    passed, said = run(looks)
    assert (passed.seconds, passed.waited, passed.open) == (seconds, waited, ())
    assert said == told


@pytest.mark.parametrize(
    ("looks", "state", "words"),
    [
        pytest.param(
            [[READY]],
            "after",
            "the gate after the change of prometheus stays closed after 10.0 of 10 s: ready: segment 1. "
            "Nothing further is to be changed. Do: do something.",
            id="its time is over",
        ),
        pytest.param(
            [[READY], [TARGETS]] * 3 + [[READY]],
            "before",
            "the gate before the change of prometheus stays closed after 10.0 of 10 s: ready: segment 1. "
            "Nothing was changed. Do: do something.",
            id="times add up where it comes and goes",
        ),
        pytest.param(
            [[waiting("WAL corruption", "1 times", allowed=0.0)]],
            "after",
            "the gate after the change of prometheus stays closed: WAL corruption: 1 times. ",
            id="what will not come to hold",
        ),
    ],
)
def test_the_gate_stays_closed(looks: list[list[Open]], state: str, words: str) -> None:
    with pytest.raises(HAError) as caught:
        run(looks, state=state)
    assert str(caught.value)[: len(words)] == words
    name = looks[-1][0].predicate.name
    assert (caught.value.facts["component"], caught.value.facts["predicate"]) == ("prometheus", name)


def test_one_look() -> None:
    passed, told = run([[READY]], wait=False)
    assert (passed.seconds, passed.open, told) == (0.0, (READY,), [])
