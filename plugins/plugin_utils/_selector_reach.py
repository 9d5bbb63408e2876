# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a selector reaches: whether it narrows anything, and which metrics it can take that are no aggregates.

Decided on the languages of its regexes, not on how they are written: the automata of all matchers on a label run side
by side, from the empty text breadth first, so that the first text found is a shortest one.
"""

from __future__ import annotations

import collections
import functools
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._promql_selector import NAME, Matcher
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import (
    Assertion,
    Chars,
    Choice,
    Group,
    Node,
    Ranges,
    Repeat,
    Sequence,
    UndecidedError,
    parse,
)

# Every scraped series has these; others may lack any label.
_EVERYWHERE = (NAME, "job", "instance")
# The characters of values that are looked at, those first that make an example readable. Control characters, line ends
# among them, are in no name, and whether a regex's . takes a line end depends on Prometheus' version.
_PRINTABLE: Ranges = ((0x61, 0x7A), (0x41, 0x5A), (0x5F, 0x5F), (0x30, 0x39), (0x20, 0xD7FF), (0xE000, 0x10FFFF))
# Without the colon that an aggregate's name has.
_RAW: Ranges = (*_PRINTABLE[:4], (0x20, 0x39), (0x3B, 0xD7FF), (0xE000, 0x10FFFF))
# Far above what people write; the languages of a pathological regex grow exponentially.
_MAX_STATES = 5000

# What is still to be matched, and all the ways of it at once.
_Rest = t.Tuple[Node, ...]
_State = t.FrozenSet[_Rest]
_Condition = t.Tuple[Node, bool]


def takes_everything(matchers: t.Sequence[Matcher]) -> bool:
    """Whether nothing narrows the selector: it takes every series, or every one but what it excludes.

    A matcher narrows if it does not match a missing label (the test that Prometheus has for queries and /federate has
    not), and refuses some value of a label that every scraped series has. Exclusions that leave aggregates alone
    narrow as well.

    :raises UndecidedError: for a regex that Prometheus would refuse (``refused``), or that is not read.
    """
    return not any(_narrows(matcher) for matcher in matchers) and raw_name(matchers) is not None


def raw_name(matchers: t.Sequence[Matcher]) -> str | None:
    """A metric's name without a colon that the selector can take; None if it only takes ``level:metric:operation``.

    :raises UndecidedError: for a regex that Prometheus would refuse (``refused``), or that is not read.
    """
    conditions = [_condition(matcher) for matcher in matchers if matcher.label == NAME]
    return _shortest(tuple(conditions), _RAW)


def check_regexes(matchers: t.Sequence[Matcher]) -> None:
    """:raises UndecidedError: for a regex that Prometheus would refuse (``refused``), or that is not read."""
    for matcher in matchers:
        _condition(matcher)


def _condition(matcher: Matcher) -> _Condition:
    """A matcher as a regex, and whether it is to match."""
    if matcher.operator in ("=", "!="):
        # Half of a surrogate pair stands for a byte that is no UTF-8, so no label has it.
        node: Node = Sequence(tuple(Chars(((ord(char), ord(char)),)) for char in matcher.value))
    else:
        node, _names = parse(matcher.value, dot_all=True)
    return node, matcher.operator in ("=", "=~")


def _narrows(matcher: Matcher) -> bool:
    node, wanted = _condition(matcher)
    if _accepts(frozenset({(node,)}), begin=True) == wanted:
        return False
    return matcher.label not in _EVERYWHERE or _shortest(((node, not wanted),), _PRINTABLE) is not None


@functools.lru_cache(maxsize=1024)
def _shortest(conditions: tuple[_Condition, ...], alphabet: Ranges) -> str | None:
    """A shortest text of one character or more, of the alphabet, that meets the conditions; None if there is none."""
    letters = _letters([node for node, _wanted in conditions], alphabet)
    start: tuple[_State, ...] = tuple(frozenset({(node,)}) for node, _wanted in conditions)
    waiting = collections.deque([(start, "")])
    seen: set[tuple[_State, ...]] = set()
    while waiting:
        states, text = waiting.popleft()
        takers = [_takers(state, begin=not text) for state in states]
        for letter in letters:
            after = tuple(_after(taker, letter) for taker in takers)
            if after in seen:
                continue
            seen.add(after)
            if all(_accepts(state, begin=False) == wanted for state, (_node, wanted) in zip(after, conditions)):
                return text + chr(letter)
            waiting.append((after, text + chr(letter)))
        if len(seen) > _MAX_STATES:
            raise _too_large()
    return None


def _too_large() -> UndecidedError:
    return UndecidedError("the regexes together are too large to be judged")


def _letters(nodes: t.Sequence[Node], alphabet: Ranges) -> list[int]:
    """One character for each set of characters that the regexes do not tell apart."""
    edges = sorted({edge for node in nodes for low, high in _ranges(node) for edge in (low, high + 1)})
    found: dict[int, int] = {}
    for low, high in alphabet:
        for code in (low, *(edge for edge in edges if low < edge <= high)):
            # Between the same two edges all characters are alike, so the first, more readable one is enough.
            found.setdefault(sum(edge <= code for edge in edges), code)
    return list(found.values())


def _ranges(node: Node) -> t.Iterator[tuple[int, int]]:
    if isinstance(node, Chars):
        yield from node.ranges
    elif isinstance(node, (Sequence, Choice)):
        for part in node.parts:
            yield from _ranges(part)
    elif isinstance(node, (Group, Repeat)):
        yield from _ranges(node.body)


def _takers(state: _State, begin: bool) -> list[tuple[Ranges, _Rest]]:
    """What takes a character next, and what is to be matched after it."""
    ways = _unfolded(state, begin, end=False)
    return [(rest[0].ranges, rest[1:]) for rest in ways if rest and isinstance(rest[0], Chars)]


def _after(takers: t.Sequence[tuple[Ranges, _Rest]], letter: int) -> _State:
    return frozenset(rest for ranges, rest in takers if any(low <= letter <= high for low, high in ranges))


def _accepts(state: _State, begin: bool) -> bool:
    """Whether the text may end here. ``begin``: it is empty."""
    return () in _unfolded(state, begin, end=True)


def _unfolded(state: _State, begin: bool, end: bool) -> set[_Rest]:
    """Every way on that no longer begins with anything but a character.

    :param begin: nothing came before. :param end: nothing comes after.
    """
    seen: set[_Rest] = set()
    waiting = list(state)
    while waiting:
        rest = waiting.pop()
        if rest in seen:
            continue
        seen.add(rest)
        if len(seen) > _MAX_STATES:
            raise _too_large()
        if rest:
            waiting += _ways(rest[0], rest[1:], begin, end)
    return seen


def _ways(node: Node, rest: _Rest, begin: bool, end: bool) -> list[_Rest]:
    if isinstance(node, Sequence):
        return [(*node.parts, *rest)]
    if isinstance(node, Choice):
        return [(part, *rest) for part in node.parts]
    if isinstance(node, Group):
        return [(node.body, *rest)]
    if isinstance(node, Assertion):
        if node.name not in ("begin", "line begin", "end", "line end"):
            raise UndecidedError(r"a regex with \b or \B is not judged")
        # There are no line ends within the texts that are looked at.
        return [rest] if (begin if node.name.endswith("begin") else end) else []
    if isinstance(node, Repeat):
        return _repeated(node, rest)
    return []


def _repeated(node: Repeat, rest: _Rest) -> list[_Rest]:
    if node.high == 0:
        return [rest]
    fewer = Repeat(node.body, max(node.low - 1, 0), None if node.high is None else node.high - 1, node.greedy)
    more = (node.body, fewer, *rest)
    return [more] if node.low else [rest, more]
