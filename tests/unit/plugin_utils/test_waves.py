# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves never hold two of a cohort, and are as few as the largest cohort needs."""

from __future__ import annotations

import collections

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._waves import waves
from hypothesis import given
from hypothesis import strategies as st

EU, US, MESH = ("prometheus", "default", "eu"), ("prometheus", "default", "us"), ("alertmanager", "default", "default")
SIX = {f"eu-{number}": [EU] for number in range(1, 7)}
NINE = {f"am-{number}": [MESH] for number in range(1, 10)}


@pytest.mark.parametrize(
    "pending, expected",
    [
        pytest.param({}, [], id="nothing pending"),
        pytest.param({"eu-1": [EU]}, [["eu-1"]], id="one host"),
        pytest.param(
            {"eu-1": [EU], "eu-2": [EU], "us-1": [US], "us-2": [US], "am-1": [MESH], "am-2": [MESH], "am-3": [MESH]},
            [["eu-1", "us-1", "am-1"], ["eu-2", "us-2", "am-2"], ["am-3"]],
            id="the k-th of each together",
        ),
        pytest.param({"eu-2": [EU], "us-1": [US]}, [["eu-2", "us-1"]], id="only what is pending counts"),
        pytest.param(
            {"both": [EU, MESH], "eu-2": [EU], "am-2": [MESH]},
            [["both"], ["eu-2", "am-2"]],
            id="a host in two cohorts",
        ),
        pytest.param(
            {"a": [EU], "b": [MESH], "both": [EU, MESH]}, [["a", "b"], ["both"]], id="first wave free for all"
        ),
        pytest.param(SIX, [[name] for name in SIX], id="a set of six"),
        pytest.param(NINE, [[name] for name in NINE], id="a mesh of nine"),
        pytest.param(
            {**SIX, **NINE},
            [[*pair] for pair in zip(SIX, NINE, strict=False)] + [["am-7"], ["am-8"], ["am-9"]],
            id="both to their ends",
        ),
    ],
)
def test_waves(pending: dict[str, list[tuple[str, str, str]]], expected: list[list[str]]) -> None:
    assert waves(pending) == expected


COHORTS = st.integers(0, 5)


@given(st.lists(COHORTS, max_size=40))
def test_one_cohort_a_host(cohorts: list[int]) -> None:
    pending = {f"h{number}": [cohort] for number, cohort in enumerate(cohorts)}
    found = waves(pending)
    assert len(found) == max(collections.Counter(cohorts).values(), default=0)
    for cohort in set(cohorts):
        members = [name for name, mine in pending.items() if mine == [cohort]]
        # The k-th member goes in the k-th wave.
        assert [[name for name in wave if name in members] for wave in found[: len(members)]] == [[m] for m in members]


@given(st.lists(st.sets(COHORTS, min_size=1, max_size=3), max_size=30))
def test_never_two_of_a_cohort(cohorts: list[set[int]]) -> None:
    pending = {f"h{number}": sorted(mine) for number, mine in enumerate(cohorts)}
    found = waves(pending)
    assert sorted(name for wave in found for name in wave) == sorted(pending)
    for wave in found:
        assert wave
        taken = [cohort for name in wave for cohort in pending[name]]
        assert len(taken) == len(set(taken))
        assert wave == [name for name in pending if name in wave]
