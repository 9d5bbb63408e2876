# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which groups set a variable with equal right."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rivals import GroupValues, contenders


def group(name: str, *ancestors: str, priority: int = 1, **values: str) -> GroupValues:
    return GroupValues(name, frozenset({"all", *ancestors}), priority, values)


@pytest.mark.parametrize(
    "groups, expected",
    [
        pytest.param([], [], id="no group"),
        pytest.param([group("a", x="1")], [], id="one"),
        pytest.param([group("a", x="1"), group("b", y="2")], [], id="one of two"),
        pytest.param([group("a", x="1"), group("b", x="2")], ["a", "b"], id="two"),
        pytest.param([group("a", x="1"), group("b", x="1")], ["a", "b"], id="equal values are told apart elsewhere"),
        pytest.param([group("a", x="1"), group("b", "a", x="2")], [], id="a child overrides"),
        pytest.param([group("a", x="1"), group("c", "b", "a", x="2")], [], id="a grandchild overrides"),
        pytest.param([group("a", x="1"), group("b", "a", y="2"), group("c", x="3")], ["a", "c"], id="child without it"),
        pytest.param([group("a", x="1"), group("b", "a", x="2"), group("c", x="3")], ["b", "c"], id="child and other"),
        pytest.param([group("a", x="1"), group("b", x="2"), group("c", "a", "b", x="3")], [], id="child of both"),
        pytest.param([group("a", x="1"), group("b", x="2", priority=5)], [], id="a priority decides"),
        pytest.param([group("a", x="1", priority=5), group("b", x="2", priority=5)], ["a", "b"], id="equal priority"),
    ],
)
def test_contenders(groups: list[GroupValues], expected: list[str]) -> None:
    assert [each.name for each in contenders(groups, "x")] == expected
