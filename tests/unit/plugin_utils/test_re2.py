# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading regexes as RE2 does: what is refused, what is not decided, and what is read otherwise than Python would."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError, negated, parse
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_relabel import COMMON_REGEXES
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("pattern", COMMON_REGEXES)
def test_what_people_write_is_read(pattern: str) -> None:
    parse(pattern, dot_all=True)


# Each was compared with Go's own regexp; test_relabel_real.py asks promtool about a part of them.
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(?=b)", "no lookaround"),
        ("(?!b)", "no lookaround"),
        ("(?<=a)b", "no lookaround"),
        ("(?<=a>b)", "no lookbehind"),
        ("(?#c)", "RE2 knows no"),
        ("(?P=x)", "RE2 knows no"),
        ("(?P<ö>a)", "is no named group"),
        ("(?<>a)", "is no named group"),
        ("(?i-:a)", "RE2 knows no"),
        ("(?x)a", "RE2 knows no"),
        ("(?:a", "has no )"),
        ("(", "has no )"),
        ("(a|(b)", "has no )"),
        ("[a", "has no ]"),
        ("[]", "has no ]"),
        ("[a-", "has no ]"),
        ("[", "has no ]"),
        ("[z-a]", "runs backwards"),
        (r"[a-\d]", r"no escape \d"),
        ("[[:alfa:]]", "no class [:alfa:]"),
        (r"[\Q]", r"no escape \Q"),
        ("*", "nothing to repeat"),
        ("a|*", "nothing to repeat"),
        ("(+a)", "nothing to repeat"),
        ("{2}", "nothing to repeat"),
        ("a**", "nothing to repeat"),
        ("a++", "nothing to repeat"),
        ("a{2}{3}", "nothing to repeat"),
        ("a*??", "nothing to repeat"),
        ("a{1001}", "goes above 1000"),
        ("a{0,1001}", "goes above 1000"),
        ("a{3,2}", "runs backwards"),
        (r"(a)\1", "no backreferences"),
        (r"\8", "no backreferences"),
        (r"\Z", r"no escape \Z"),
        (r"\C", r"no escape \C"),
        (r"\E", r"no escape \E"),
        (r"\ö", r"no escape \ö"),
        (r"\xg", r"no escape \x"),
        (r"\x{110000}", r"no escape \x"),
        (r"\Qa", r"\Q without its \E"),
        ("a\\", "no escape"),
    ],
)
def test_refused_by_re2(pattern: str, words: str) -> None:
    with pytest.raises(UndecidedError) as said:
        parse(pattern, dot_all=True)
    assert said.value.refused
    assert str(said.value).startswith("Prometheus would refuse this: ")
    assert words in str(said.value)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\pL", "Unicode's tables"),
        (r"[\P{Greek}]", "Unicode's tables"),
        ("(?i)ö", "Unicode's tables"),
        ("(?i)[a-ö]", "Unicode's tables"),
        (r"(?i)[^\x{17f}]", "Unicode's tables"),
        ("a)|(b", "out of the anchors"),
        (")", "out of the anchors"),
        ("(?P<x>a)(?P<x>b)", "two groups have the name 'x'"),
        ("a(?i)*", "follows a flag"),
        (r"a\Q\E*", "an empty quotation"),
        ("a" * 2001, "2001 characters"),
        ("(" * 60 + "a" + ")" * 60, "nests groups"),
        ("\ud800", "surrogate"),
    ],
)
def test_not_decided(pattern: str, words: str) -> None:
    with pytest.raises(UndecidedError) as said:
        parse(pattern, dot_all=True)
    assert not said.value.refused
    assert str(said.value).startswith("not decided: ")
    assert words in str(said.value)


def test_groups_are_counted_by_their_opening() -> None:
    assert parse("(a(?P<x>b)(?:c))(?<y>d)", dot_all=True)[1] == ("", "", "x", "y")


@given(st.text(alphabet="ab(){}[]|*+?^$.\\:-,<>=!PQEdwbzAZxi019ö\n", max_size=30))
def test_any_text_is_read_or_said_to_be_none(pattern: str) -> None:
    with contextlib.suppress(UndecidedError):
        parse(pattern, dot_all=False)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)).map(lambda pair: (pair[0], sum(pair))), max_size=5))
def test_negated(ranges: list[tuple[int, int]]) -> None:
    other = negated(ranges)
    for code in (*range(70), 0x10FFFF):
        inside = any(low <= code <= high for low, high in ranges)
        assert inside != any(low <= code <= high for low, high in other)
