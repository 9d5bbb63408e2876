# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML that is put together from pieces is what PyYAML would have written, and reads back as what it was."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _yaml
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="ab \n\t-:#'\"|>{}[]&*!%@`?,\\\x85\u2028é0", max_size=30),
    st.sampled_from(
        ["", "yes", "null", "~", "1", "1e3", "0o7", "2026-01-01", "a: b", " a", "a ", "\n", "a\n\n b\n", "- x"]
    ),
)
SCALARS = st.one_of(TEXT, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=20,
)


@given(DATA)
def test_it_is_what_pyyaml_would_have_written(data: t.Any) -> None:
    expected = _yaml._whole(data)
    assert _yaml.dump(data) == (expected[:-4] if expected.endswith("\n...\n") else expected)


@given(DATA)
def test_it_reads_back(data: t.Any) -> None:
    assert yaml.safe_load(_yaml.dump(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        {"k" * 200: [1]},
        {"a\nb": {"c": [1]}},
        {"rules": [{"alert": "A", "expr": "sum(\n  x\n)\n\n> 1"}, {"alert": "B", "labels": {}}]},
        [[["a", []], {}], [{"b": [[1]]}]],
        {1: {"a": [True, 1, 1.0, "1", None]}},
        {"a": [True, 1, 1.0, "1", None], "b": True, "c": 1},
        ({"a": ("b",)},),
        {"words": "word " * 3000},
    ],
)
def test_what_is_written_in_another_way(data: t.Any) -> None:
    assert _yaml.dump(data) == _yaml._whole(data)


def test_a_width_folds_lines() -> None:
    assert "\n" in _yaml.dump({"a": "word " * 30}, width=40).strip()
