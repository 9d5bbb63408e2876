# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spans out of samples, and the time in which several were down at once."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared import outages


def samples(text: str) -> list[tuple[float, float, bool]]:
    """A sample a character: "+" served, "-" did not; each takes 1 s, and 1 s lies between two."""
    return [(2.0 * index, 2.0 * index + 1, sign == "+") for index, sign in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("+++", []),
        ("+-+", [(2, 3)]),
        ("+--+", [(2, 5)]),
        ("-+-", [(0, 1), (4, 5)]),
        ("--", [(0, 3)]),
    ],
)
def test_down_is_from_the_first_bad_sample_to_the_end_of_the_last(text: str, spans: list[tuple[float, float]]) -> None:
    assert outages.down(samples(text)) == spans


@pytest.mark.parametrize(
    ("spans", "count", "found"),
    [
        pytest.param([[(0, 2)], [(1, 3)]], 2, [(1, 2)], id="they overlap"),
        pytest.param([[(0, 2)], [(2, 3)]], 2, [], id="one after the other"),
        pytest.param([[(0, 9)], [(1, 2), (3, 4)]], 2, [(1, 2), (3, 4)], id="twice"),
        pytest.param([[(0, 2)], [(1, 3)], [(5, 6)]], 1, [(0, 3), (5, 6)], id="at least one"),
        pytest.param([[(0, 4)], [(1, 5)], [(2, 3)]], 2, [(1, 4)], id="two or three of three"),
        pytest.param([[(0, 4)], []], 2, [], id="one alone"),
    ],
)
def test_together(spans: list[list[tuple[float, float]]], count: int, found: list[tuple[float, float]]) -> None:
    assert outages.together(spans, count) == found


def test_seconds() -> None:
    assert outages.seconds([(0, 1.5), (3, 4)]) == 2.5


def test_blind_is_the_longest_time_without_a_look() -> None:
    assert outages.blind([(0, 1, True), (1.5, 2, True), (5, 6, True)]) == 3
    assert outages.blind([]) == float("inf")
