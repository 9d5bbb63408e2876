# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of variables: types as Ansible converts them, defaults, and errors that name one variable."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option, effective

TABLE = (
    Option("text", "str", "Text.", default="d"),
    Option("number", "int", "A number.", default=9090),
    Option("switch", "bool", "A switch.", default=False),
    Option("names", "list", "Names.", elements="str", default=[]),
    Option("mapping", "dict", "A mapping.", default={}),
    Option("anything", "raw", "Anything."),
    Option("word", "str", "A word.", default="drop", choices=("drop", "keep")),
    Option("nothing", "str", "Derived.", shown_default="the host's name"),
)


@pytest.mark.parametrize(
    "given, name, expected",
    [
        pytest.param({}, "text", "d", id="default"),
        pytest.param({}, "nothing", None, id="no default"),
        pytest.param({"text": None}, "text", "d", id="null is as if unset"),
        pytest.param({"text": ""}, "text", "", id="empty is a value"),
        pytest.param({"switch": False}, "switch", False, id="false is a value"),
        pytest.param({"number": 0}, "number", 0, id="zero is a value"),
        pytest.param({"number": "19090"}, "number", 19090, id="number as text, as INI inventories have it"),
        pytest.param({"switch": "yes"}, "switch", True, id="switch as text"),
        pytest.param({"names": "a,b"}, "names", ["a", "b"], id="list as text"),
        pytest.param({"names": [1, "b"]}, "names", ["1", "b"], id="elements become text"),
        pytest.param({"mapping": '{"a": 1}'}, "mapping", {"a": 1}, id="mapping as JSON"),
        pytest.param({"anything": {"a": [1]}}, "anything", {"a": [1]}, id="raw stays as it is"),
        pytest.param({"text": 3}, "text", "3", id="a number becomes text"),
        pytest.param({"of_another": 1}, "text", "d", id="unknown variables are nobody's business"),
    ],
)
def test_effective(given: dict[str, t.Any], name: str, expected: t.Any) -> None:
    values, wrong = effective(TABLE, given)
    assert values[name] == expected
    assert wrong == {}


@pytest.mark.parametrize(
    "given, words",
    [
        pytest.param({"number": "many"}, {"number": "int"}, id="int"),
        pytest.param({"switch": "perhaps"}, {"switch": "bool"}, id="bool"),
        pytest.param({"mapping": "text"}, {"mapping": "dict"}, id="dict"),
        pytest.param({"names": {"a": 1}}, {"names": "list"}, id="list"),
        pytest.param({"word": ["drop"]}, {"word": "text is wanted, and it is a list"}, id="a list for text"),
        pytest.param({"nothing": {}}, {"nothing": "text is wanted, and it is a mapping"}, id="a mapping for text"),
        pytest.param({"names": ["a", ["b"]]}, {"names": "text is wanted in each item"}, id="a list in a list of texts"),
        pytest.param({"nothing": [], "number": "x"}, {"nothing": "text", "number": "int"}, id="and another type"),
        pytest.param({"word": "loose"}, {"word": "drop, keep"}, id="choices"),
        pytest.param({"number": "x", "word": "y"}, {"number": "int", "word": "drop, keep"}, id="all at once"),
    ],
)
def test_wrong_type(given: dict[str, t.Any], words: dict[str, str]) -> None:
    values, wrong = effective(TABLE, {"text": "kept", **given})
    assert wrong.keys() == words.keys()
    for name, word in words.items():
        assert word in wrong[name]
        assert values[name] == next(option.default for option in TABLE if option.name == name)
    assert values["text"] == "kept"


def test_a_wrong_value_is_not_echoed_where_it_may_be_secret() -> None:
    _values, wrong = effective(TABLE, {"mapping": "hunter2-hunter2"})
    assert "hunter2" not in wrong["mapping"]


def test_argument_spec() -> None:
    secret = Option("a", "list", "A.", elements="dict", choices=("x",), default=["x"], secret=True)
    assert secret.argument_spec() == {
        "type": "list",
        "elements": "dict",
        "choices": ["x"],
        "default": ["x"],
        "no_log": True,
    }
    assert TABLE[-1].argument_spec() == {"type": "str"}


def test_the_argument_spec_of_a_row_keeps_a_false_or_empty_default() -> None:
    assert TABLE[2].argument_spec()["default"] is False
    assert TABLE[4].argument_spec()["default"] == {}
