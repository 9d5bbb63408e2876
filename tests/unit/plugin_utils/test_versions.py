# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions: read, refused, ordered."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import Version, parse_version
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(0, 999)
VERSIONS = st.one_of(
    st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda numbers: Version(*numbers)),
    st.builds(Version, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["alpha", "beta", "rc"]), NUMBERS),
)


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("3.5.3", (3, 5), "3.5.3"),
        ("v2.53.3", (2, 53), "2.53.3"),
        ("0.28.1", (0, 28), "0.28.1"),
        ("3.14.0-rc.1", (3, 14), "3.14.0-rc.1"),
    ],
)
def test_reads(text: str, line: tuple[int, int], shown: str) -> None:
    version = parse_version(text)
    assert (version.line, str(version)) == (line, shown)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("latest", "another release tomorrow"),
        ("LATEST", "another release tomorrow"),
        ("3.5", "major.minor.patch"),
        (3.5, "Quote it in full"),
        (None, "Quote it in full"),
        ("", "major.minor.patch"),
        ("3.5.3 ", "major.minor.patch"),
        ("3.5.3\n", "major.minor.patch"),
        ("3.05.3", "major.minor.patch"),
        ("vv3.5.3", "major.minor.patch"),
        ("3.5.3-rc1", "major.minor.patch"),
    ],
)
def test_refuses_and_names_the_place(value: object, words: str) -> None:
    with pytest.raises(HAError, match=words) as caught:
        parse_version(value, "host prom-a: prometheus_version")
    assert str(caught.value).startswith("host prom-a: prometheus_version: ")


def test_orders_as_releases_do() -> None:
    ordered = [
        "0.9.10",
        "0.10.0",
        "2.53.3",
        "3.0.0-alpha.9",
        "3.0.0-beta.0",
        "3.0.0-rc.2",
        "3.0.0-rc.10",
        "3.0.0",
        "3.0.1",
    ]
    assert sorted(sorted(ordered), key=parse_version) == ordered


@given(VERSIONS)
def test_text_and_version_are_one(version: Version) -> None:
    assert parse_version(str(version)) == version
    assert parse_version(version) == version
