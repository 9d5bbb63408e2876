# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: how they read, and one for all the hosts of a line."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import (
    Finding,
    InventoryError,
    error,
    grouped,
    warning,
)


def test_how_a_finding_reads() -> None:
    assert str(error("X03", "host a, variable p (f:1)", "It is taken.", "choose another.")) == (
        "X03 error host a, variable p (f:1): It is taken. Do: choose another."
    )
    assert str(warning("X02", "host a", "It is alone.", "add one.")).startswith("X02 warning host a: ")


@pytest.mark.parametrize(
    "wheres, expected",
    [
        pytest.param([], [], id="none"),
        pytest.param(["host a, variable x"], ["host a, variable x"], id="one"),
        pytest.param(
            ["host a, variable x", "host b, variable x", "host c, variable x"],
            ["hosts a, b, c, variable x"],
            id="all hosts of a line",
        ),
        pytest.param(
            ["host a, variable x (f:1)", "host b, variable x (g:1)"],
            ["host a, variable x (f:1)", "host b, variable x (g:1)"],
            id="two lines",
        ),
        pytest.param(["host a", "host b"], ["hosts a, b"], id="hosts without a variable"),
        pytest.param(["inventory", "inventory"], ["inventory"], id="no host"),
        pytest.param(["host a.example:22 x"], ["host a.example:22 x"], id="not a path of ours"),
    ],
)
def test_grouped(wheres: list[str], expected: list[str]) -> None:
    assert [finding.where for finding in grouped(error("I", where, "w", "d") for where in wheres)] == expected


def test_what_differs_is_not_grouped() -> None:
    different = [error("I", "host a", "one", "d"), error("I", "host b", "two", "d"), warning("I", "host c", "one", "d")]
    assert grouped(different) == different


def test_the_order_is_that_of_the_first() -> None:
    found = grouped([error("I", "host a", "x", ""), error("I", "host a", "y", ""), error("I", "host b", "x", "")])
    assert [(finding.where, finding.what) for finding in found] == [("hosts a, b", "x"), ("host a", "y")]


@pytest.mark.parametrize("count, words", [(1, "has 1 problem;"), (2, "has 2 problems;")])
def test_all_errors_at_once_and_no_warnings(count: int, words: str) -> None:
    bad = [error("P01", f"host h{number}", f"bad {number}.", "change it.") for number in range(count)]
    failure = InventoryError([warning("X02", "host w", "alone", "add"), *bad])
    text = str(failure)
    assert words in text
    assert "no host was touched" in text
    assert [line for line in text.splitlines() if line.startswith("  | ")] == [f"  | {finding}" for finding in bad]
    assert isinstance(failure.findings[0], Finding)
