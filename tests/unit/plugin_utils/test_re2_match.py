# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matching as RE2 does: captures, and never more than a bound of steps."""

from __future__ import annotations

import contextlib
import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _re2_match
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2_match import compile_anchored
from hypothesis import given
from hypothesis import strategies as st


def groups(pattern: str, text: str, *, dot_all: bool = True) -> tuple[str | None, ...] | None:
    found = compile_anchored(pattern, dot_all=dot_all).match(text)
    return found and found.groups


# The expectations were printed by Go 1.26.8's regexp for ^(?s:pattern)$.
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"(.+)\d+", "europe1", ("europe1", "europe")),
        (r"(.+)\d+", "europe12", ("europe12", "europe1")),
        (r"(.+?)(\d*)", "europe12", ("europe12", "europe", "12")),
        ("a|ab", "ab", ("ab",)),
        ("(a|ab)(c|bcd)?", "abcd", ("abcd", "a", "bcd")),
        ("(a*)*", "aa", ("aa", "aa")),
        ("(a*)+", "aa", ("aa", "aa")),
        ("(a|b*)*", "ab", ("ab", "b")),
        ("(|a)*(a*)", "aa", ("aa", "", "aa")),
        ("(|a)+(a*)", "aa", ("aa", "", "aa")),
        ("(?:(a)|b)*", "ab", ("ab", "a")),
        ("(a)?(ab)?", "ab", ("ab", None, "ab")),
        ("(a){0}b", "b", ("b", None)),
        ("(a){2}", "aa", ("aa", "a")),
        ("(?U)(a+)(a*)", "aaa", ("aaa", "a", "aa")),
        ("(?U)(a+?)(a*)", "aaa", ("aaa", "aaa", "")),
        ("a{,2}", "a{,2}", ("a{,2}",)),
        ("a{02}", "a{02}", ("a{02}",)),
        ("a||b", "", ("",)),
        ("", "a", None),
        ("prod", "prod ", None),
        ("prod$", "prod\n", None),
        ("prod$.", "prod\n", None),
        (r"prod\n", "prod\n", ("prod\n",)),
        ("(?m)a$.^b", "a\nb", ("a\nb",)),
        ("a$.b", "a\nb", None),
        ("(?-s)a.b", "a\nb", None),
        ("(?i)k", "\u212a", ("\u212a",)),
        (r"(?i)\w[[:lower:]]", "\u017fS", ("\u017fS",)),
        ("(?i)s", "\u017f", ("\u017f",)),
        ("(?i)[^k]", "\u212a", None),
        ("a(?i)b|C", "c", ("c",)),
        ("(?:(?i)b)c", "BC", None),
        (r"\s", "\v", None),
        (r"[[:space:]]", "\v", ("\v",)),
        (r"\d", "\u0663", None),
        (r"\w", "\u00f6", None),
        (r"\W", "\u00f6", ("\u00f6",)),
        ("\u00f6\\b.", "\u00f6x", ("\u00f6x",)),
        (r"a\B.", "a\u00f6", None),
        (r"\Aa\z", "a", ("a",)),
        (r"\Qa.\E+", "a..", ("a..",)),
        (r"[]a\]-]+", "]a-", ("]a-",)),
        (r"[\d-b]+", "1-b", ("1-b",)),
        (r"\x41\x{42}\103\_", "ABC_", ("ABC_",)),
        (r"[[:^alpha:]\n[:x]+", "1\n[:x", ("1\n[:x",)),
    ],
)
def test_match(pattern: str, text: str, expected: tuple[str | None, ...] | None) -> None:
    assert groups(pattern, text) == expected


def test_the_dot_matches_a_newline_since_prometheus_3() -> None:
    assert groups("a.b", "a\nb", dot_all=True)
    assert not groups("a.b", "a\nb", dot_all=False)


class _Counting(_re2_match.Regex):
    """A regex that counts how often it follows an instruction."""

    steps = 0

    def _add(self, *args: t.Any) -> t.Any:
        self.steps += 1
        return super()._add(*args)

    @property
    def size(self) -> int:
        return len(self._program)


@pytest.mark.parametrize(
    "pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)b", "(?:a?){50}a{50}b", "((a+)+)+b", "(a{1,9}){1,9}b"]
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    regex = _Counting(pattern, dot_all=True)
    text = "a" * 300
    assert regex.match(text) is None
    assert 0 < regex.steps <= regex.size * (len(text) + 1)


@pytest.mark.parametrize(
    ("pattern", "text", "words"),
    [
        ("(?:(?:a{100}){100}){100}", "a", "unfolds to more than"),
        ("(?:(?:){1000}){1000}", "", "unfolds to more than"),
        (".*", "a" * 1_000_000, "too long"),
        (".*", "\udc80", "surrogate"),
    ],
)
def test_what_would_take_too_long_is_not_decided(pattern: str, text: str, words: str) -> None:
    with pytest.raises(UndecidedError, match=words) as said:
        groups(pattern, text)
    assert not said.value.refused


# Where Python's reading is the same by definition: no loops in loops, no empty loops, ASCII, whole texts.
SIMPLE = st.lists(st.sampled_from(["a", "b", "[ab]", "a*", "b+", "(a|b)", "(ab?)", ".*", "(.+?)", "a??"]), max_size=6)


@given(SIMPLE.map("".join), st.text(alphabet="abc", max_size=8))
def test_python_agrees_on_simple_patterns(pattern: str, text: str) -> None:
    found = re.compile(pattern).fullmatch(text)
    assert groups(pattern, text) == ((found[0], *found.groups()) if found else None)


@given(st.text(alphabet="ab(){}[]|*+?^$.\\d", max_size=20), st.text(alphabet="ab1\n", max_size=8))
def test_any_pattern_ends_within_its_steps(pattern: str, text: str) -> None:
    with contextlib.suppress(UndecidedError):
        regex = _Counting(pattern, dot_all=True)
        regex.match(text)
        assert regex.steps <= regex.size * (len(text) + 1)
