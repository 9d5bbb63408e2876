# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own checksums: where they come in, and that each names its source."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._pins import PINS, Pin, with_pins

A, B = "a" * 64, "b" * 64
TABLE = {("prometheus", "3.5.3"): Pin("https://example.org/sums", {"amd64": A})}
BASE = {"name": "prometheus", "version": "3.5.3"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            BASE,
            {**BASE, "checksums": {"amd64": A}, "checksum_from": "the collection's pin from https://example.org/sums"},
        ),
        ({**BASE, "checksum": B}, {**BASE, "checksum": B}),
        ({**BASE, "checksums": {"amd64": B}}, {**BASE, "checksums": {"amd64": B}}),
        ({**BASE, "version": "3.5.4"}, {**BASE, "version": "3.5.4"}),
        ({"name": "prometheus", "state": "absent"}, {"name": "prometheus", "state": "absent"}),
    ],
)
def test_a_checksum_given_comes_before_a_pin(params: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert with_pins(params, TABLE) == expected


def test_an_empty_dict_of_checksums_is_none_given() -> None:
    assert with_pins({**BASE, "checksums": {}}, TABLE)["checksums"] == {"amd64": A}


def faults(pins: t.Mapping[tuple[str, str], Pin]) -> list[tuple[str, str]]:
    return [
        key
        for key, pin in pins.items()
        if not pin.source.startswith("https://")
        or not pin.checksums
        or any(not re.fullmatch("[0-9a-f]{64}", value) for value in pin.checksums.values())
    ]


def test_no_source_no_pin() -> None:
    assert faults(PINS) == []
    assert faults(TABLE) == []
    assert faults({("x", "1.0.0"): Pin("", {"amd64": A}), ("y", "1.0.0"): Pin("https://x", {"amd64": "?"})}) == [
        ("x", "1.0.0"),
        ("y", "1.0.0"),
    ]
