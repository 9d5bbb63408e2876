# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings: how they read, and one for all the hosts of a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import MASK
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import (
    Finding,
    InventoryError,
    Place,
    error,
    grouped,
    masked,
    ordered,
    warning,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_cases import cases, load


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
        pytest.param(["host a", "hosts a, b", "host b"], ["hosts a, b"], id="a host that is told twice"),
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


@pytest.mark.parametrize(
    "where, place",
    [
        ("host a, variable p (/i/f.yml:12)", Place(("a",), ", variable p (/i/f.yml:12)", "p", "/i/f.yml", 12)),
        ("host a, variable p (/i (1)/f.yml:1)", Place(("a",), ", variable p (/i (1)/f.yml:1)", "p", "/i (1)/f.yml", 1)),
        ("host a, variable p (/i/f.yml)", Place(("a",), ", variable p (/i/f.yml)", "p", "/i/f.yml")),
        ("hosts a, 2001:db8::1, variable p", Place(("a", "2001:db8::1"), ", variable p", "p")),
        ("host a, variable p[0].x (f:1)", Place(("a",), ", variable p[0].x (f:1)", "p[0].x", "f", 1)),
        ("host a, variable p or q", Place(("a",), ", variable p or q", "p")),
        ("host a b", Place(("a b",))),
        ("hosts a", Place(("a",))),
        ("the inventory", Place(rest="the inventory")),
        ("", Place()),
    ],
)
def test_an_inventory_path_as_data(where: str, place: Place) -> None:
    assert error("I", where, "w", "d").place == place


def test_a_finding_of_several_hosts_is_one_of_each() -> None:
    finding = error("I", "hosts a, b, variable x (f:1)", "w", "d")
    assert [(host, alone.where) for host, alone in finding.by_host()] == [
        ("a", "host a, variable x (f:1)"),
        ("b", "host b, variable x (f:1)"),
    ]
    assert grouped(alone for _host, alone in finding.by_host()) == [finding]
    assert list(error("I", "all", "w", "d").by_host()) == [("", error("I", "all", "w", "d"))]


def test_many_hosts_are_counted_where_people_read() -> None:
    (finding,) = grouped(error("I", f"host h{number}, variable x (f:1)", "w", "d") for number in range(1000))
    assert str(finding).startswith(
        "I error hosts h0, h1, h2, h3, h4, h5, h6, h7, h8, h9 and 990 more, variable x (f:1): "
    )
    assert len(finding.place.hosts) == 1000


def test_errors_come_first_and_what_is_ignored_last() -> None:
    ignored = Finding("A", "error", "host a", "w", "d", "meant")
    found = [warning("W", "host a", "w", "d"), ignored, error("E", "host a", "w", "d"), error("F", "host a", "w", "d")]
    assert [finding.id for finding in ordered(found)] == ["E", "F", "W", "A"]
    assert str(ignored).endswith("Do: d Ignored: meant")
    assert [finding.id for finding in found if finding.stops] == ["E", "F"]


@pytest.mark.parametrize(
    "secret, shown",
    [
        ("hunter2", "hunter2"),
        ("it's", repr({"k": "it's"})),
        ("two\nlines", repr(["two\nlines"])),
        ("back\\slash", repr("back\\slash")),
        ("\x1b[0m", json.dumps("\x1b[0m")),
    ],
)
def test_no_secret_is_in_a_finding_however_it_is_quoted(secret: str, shown: str) -> None:
    bad = Finding("P01", "error", "host hunter2, variable p", f"it is {shown}!", f"no {shown}.", f"as {shown}")
    (finding,) = masked([bad], [secret, "elsewhere"])
    assert shown not in f"{finding.what}{finding.do}{finding.ignored}"
    assert finding.what.count(MASK) == finding.do.count(MASK) == finding.ignored.count(MASK) == 1
    assert finding.where == bad.where  # names of hosts and files can be searched for
    assert (finding.what[:6], finding.what[-1]) == ("it is ", "!")


def test_short_words_are_no_secrets() -> None:
    """They would be masked in other words, as in the files of a slice."""
    finding = error("I", "host a", "a bad value", "mend it.")
    assert masked([finding], ["bad", ""]) == [finding]


@pytest.mark.parametrize("path", cases("reject"), ids=lambda path: path.stem)
def test_the_hosts_of_a_finding_are_hosts_of_the_inventory(path: Path) -> None:
    """Whatever a rule calls its place: what is not read as hosts can be ignored for none of them."""
    snapshot, files = load(path)
    for finding in _render.plan(snapshot, files).findings:
        # What is about groups, and no host is in them, is ignored by an entry that names no hosts.
        assert finding.place.hosts or (finding.id, finding.where) == ("I09", "inventory"), finding.where
        assert set(finding.place.hosts) <= set(snapshot.hosts), finding.where


@pytest.mark.parametrize("count, words", [(1, "has 1 problem;"), (2, "has 2 problems;")])
def test_the_failure_counts(count: int, words: str) -> None:
    text = str(InventoryError(count))
    assert words in text
    assert "no host was touched" in text
