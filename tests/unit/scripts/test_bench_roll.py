# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run's time is split into waiting for gates and its own work."""

from __future__ import annotations

import typing as t

import pytest

from scripts import bench_roll


def entry(host: str, wave: int | None, seconds: float, before: float | None, after: float | None) -> dict[str, t.Any]:
    return {"host": host, "wave": wave, "seconds": seconds, "gate_before": before, "gate_after": after}


@pytest.mark.parametrize(
    ("entries", "waited"),
    [
        pytest.param([], 0, id="nothing rolled"),
        pytest.param([entry("a", 1, 3, 1, 5)], 6, id="one host"),
        pytest.param([entry("a", 1, 3, 1, 5), entry("b", 1, 1, 1, 9)], 10, id="the longest of a wave"),
        pytest.param([entry("a", 1, 9, 1, 5), entry("b", 1, 1, 1, 9)], 6, id="the longest with its own work"),
        pytest.param([entry("a", 1, 3, 1, 5), entry("b", 2, 3, 1, 2)], 9, id="a wave after the other"),
        pytest.param([entry("a", 1, 3, 1, 5), entry("a", 1, 4, 1, 5)], 6, id="two components share their gates"),
        pytest.param([entry("a", None, 3, None, None)], 0, id="a first start"),
        pytest.param([entry("a", 1, 3, None, 5)], 5, id="one gate"),
    ],
)
def test_split(entries: list[dict[str, t.Any]], waited: float) -> None:
    assert bench_roll.split(entries, 20) == (waited, 20 - waited)
