# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far selectors reach: what takes everything, what takes more than aggregates, what is not judged."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._promql_selector import Matcher, parse_selector
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2_match import compile_anchored
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._selector_reach import raw_name, takes_everything
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{__name__=~".+"}',
        '{__name__!=""}',
        '{__name__!~""}',
        '{job=~".*"}',
        '{job=~".+"}',
        '{job!=""}',
        '{job!="prometheus"}',
        '{instance=~".+"}',
        '{"instance"=~"(.*)"}',
        '{job=~".|.+"}',
        '{job=~".{1,}"}',
        '{job=~"^.+$"}',
        '{job=~"(?m)^.+$"}',
        '{job=~"[^x]+|.*x.*"}',
        '{job=~"a*b*.*"}',
        '{__name__=~"..*"}',
        '{__name__=~"(?s).+"}',
        '{x=~".*"}',
        '{x=~"a?"}',
        '{x!="a"}',
        '{__name__=~".+",job!="prometheus"}',
        '{__name__=~".+",job!~"prometheus|node"}',
        '{job=~".+",instance!~"a.*",__name__!~"go_.*"}',
    ],
)
def test_takes_everything(text: str) -> None:
    assert takes_everything(parse_selector(text))


@pytest.mark.parametrize(
    "text, raw",
    [
        ("up", "up"),
        ("up:sum", None),
        ('{job="node"}', "a"),
        ('{job=~"node|mysql"}', "a"),
        ('{job=~".{2,}"}', "a"),
        ('{x=~".+"}', "a"),
        ('{x!=""}', "a"),
        ('{__name__=~"job:.*"}', None),
        ('{__name__=~"job:.+",job="a"}', None),
        ('{__name__=~".*:.*"}', None),
        ('{__name__=~"(?i)JOB:.*|CLUSTER:[a-z]+"}', None),
        ('{__name__=~"a|job:.*"}', "a"),
        ('{__name__=~"[a-z:]+"}', "a"),
        ('{__name__=~"node_.*"}', "node_"),
        ('{__name__=~"http\\\\.requests"}', "http.requests"),
        ('{__name__=~".{2,}"}', "aa"),
        ('{__name__=~"(a*)*b"}', "b"),
        ('{__name__=~"up",__name__!="up"}', None),
        ('{__name__=~"(^|x)a:"}', None),
        ('{__name__=~"a$|a:"}', "a"),
        ('{__name__=~".+",__name__!~"[^:]+"}', None),
        ('{job=~".+",__name__!~"[^:]*"}', None),
        ('{job=~".+",__name__!~"[^:x]*"}', "x"),
        ('{__name__=~"[a-z]+:.*",__name__!~".*:debug"}', None),
        ('{__name__=~"' + "|".join(f"job{number}:rate" for number in range(150)) + '"}', None),
    ],
)
def test_narrows(text: str, raw: str | None) -> None:
    matchers = parse_selector(text)
    assert not takes_everything(matchers)
    assert raw_name(matchers) == raw


@pytest.mark.parametrize(
    "regex, words",
    [
        (r"\\b.*", r"\b or \B"),
        (r"\\pL+", "Unicode's tables"),
        (r"((((a?){20}){20}){20})", "too large"),
        (r".*a.{13}b:?", "too large"),
    ],
)
def test_not_judged(regex: str, words: str) -> None:
    with pytest.raises(UndecidedError) as caught:
        raw_name(parse_selector(f'{{__name__=~"{regex}"}}'))
    assert words in caught.value.words
    assert not caught.value.refused


PIECES = st.sampled_from(
    ["a", "b", ":", ".", "[ab]", "[^a]", "(a|b:)", "a*", "b+", ".*", "x?", "(ab){1,2}", "^", "$", "|"]
)
REGEX = st.lists(PIECES, max_size=6).map("".join).filter(lambda text: not text.startswith(("*", "+")))


@given(st.lists(st.tuples(st.sampled_from(["=~", "!~"]), REGEX), min_size=1, max_size=3))
@settings(max_examples=300)
def test_against_every_short_name(conditions: list[tuple[str, str]]) -> None:
    """No name of up to four letters contradicts the verdict, and an example meets all conditions."""
    found = raw_name([Matcher("__name__", operator, regex) for operator, regex in conditions])
    taken = [name for name in _NAMES if _meets(name, conditions)]
    if found is None:
        assert taken == []
    else:
        assert _meets(found, conditions)
        assert ":" not in found
        assert not taken or len(found) <= len(min(taken, key=len))


def _short_names() -> list[str]:
    names = [""]
    for _length in range(4):
        names += [name + letter for name in names if len(name) == _length for letter in "abx"]
    return names[1:]


_NAMES = _short_names()


def _meets(name: str, conditions: list[tuple[str, str]]) -> bool:
    return all((compile_anchored(regex).match(name) is not None) == (op == "=~") for op, regex in conditions)
