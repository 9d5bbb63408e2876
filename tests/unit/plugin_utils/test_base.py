# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the renderers share: YAML as Go reads it back, merging, and what the user may not override."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from hypothesis import given
from hypothesis import strategies as st

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(TREES)
def test_yaml_is_read_back_as_it_was(data: t.Any) -> None:
    text = _base.to_yaml(data)
    assert text.startswith(_base.MANAGED)
    assert yaml.safe_load(text) == data


@pytest.mark.parametrize(
    "data, text",
    [
        ({"b": 1, "a": [1, {"x": None}]}, "b: 1\na:\n  - 1\n  - x: null\n"),
        ({"a": "1", "b": "true", "c": "1.5", "d": "null", "e": ""}, "a: '1'\nb: 'true'\nc: '1.5'\nd: 'null'\ne: ''\n"),
        ({"a": "x" * 300}, f"a: {'x' * 300}\n"),
        ({"a": "one\ntwo\n"}, "a: |\n  one\n  two\n"),
        ({"a": "ünï"}, "a: ünï\n"),
    ],
    ids=["order and indentation", "text stays text", "no line is folded", "several lines", "unicode"],
)
def test_yaml_looks_as_written_by_hand(data: t.Any, text: str) -> None:
    assert _base.to_yaml(data) == _base.MANAGED + text


def test_yaml_has_no_aliases() -> None:
    shared = {"a": [1]}
    assert "&" not in _base.to_yaml([shared, shared])


@pytest.mark.parametrize(
    "base, last, expected",
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": {"x": 1}}, {"a": 3}, {"a": 3}),
        ({"a": 3}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ],
)
def test_merge(base: dict[str, t.Any], last: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    before = repr((base, last))
    assert _base.merge(base, last) == expected
    assert repr((base, last)) == before


OWNERS = {"path": "x_data_dir", "level": "x_level"}


@pytest.mark.parametrize(
    "extra, expected",
    [
        ({}, {"path": "/x", "feature": ["a"]}),
        ({"new": "1"}, {"path": "/x", "feature": ["a"], "new": "1"}),
        ({"feature": "b"}, {"path": "/x", "feature": ["a", "b"]}),
        ({"--feature": ["b", "c"]}, {"path": "/x", "feature": ["a", "b", "c"]}),
    ],
)
def test_merge_flags(extra: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert _base.merge_flags({"path": "/x", "feature": ["a"]}, extra, OWNERS) == expected


@pytest.mark.parametrize("extra", [{"path": "/y"}, {"--path": "/y"}, {"-path": None}])
def test_a_flag_of_a_variable_is_refused(extra: dict[str, t.Any]) -> None:
    with pytest.raises(HAError, match="--path has a variable of its own: set x_data_dir"):
        _base.merge_flags({"path": "/x"}, extra, OWNERS)


def test_all_refused_flags_are_named() -> None:
    with pytest.raises(HAError) as caught:
        _base.merge_flags({"path": "/x"}, {"level": "debug", "path": "/y", "fine": 1}, OWNERS)
    assert "x_level" in caught.value.what
    assert "x_data_dir" in caught.value.what
    assert "fine" not in caught.value.what


@pytest.mark.parametrize(
    "given_config, expected",
    [
        ({}, []),
        ({"global": {"scrape_interval": "1s"}, "tracing": {}}, []),
        ({"global": {"external_labels": {}}}, [("global.external_labels", "labels")]),
        ({"alerting": {}}, [("alerting", "meshes")]),
        ({"alerting": {"alertmanagers": []}}, [("alerting", "meshes"), ("alerting.alertmanagers", "meshes")]),
    ],
)
def test_reserved(given_config: dict[str, t.Any], expected: list[tuple[str, str]]) -> None:
    assert _base.reserved(given_config, {"global.external_labels": "labels", "alerting*": "meshes"}) == expected
