# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Match whole texts as Go's RE2 does: its leftmost-first choice and its captures, in time linear in the text.

A tree becomes a program of a few instructions, which all threads run in step, in the order of their priority
(Thompson's and Pike's machine; https://swtch.com/~rsc/regexp/regexp2.html).
"""

from __future__ import annotations

import functools
import typing as t

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
    check_text,
    parse,
)

# Bounds of this machine. RE2 refuses counted repetitions that unfold to more than 1,000, which is within the first.
_MAX_PROGRAM = 1000
_MAX_STEPS = 500_000


class _Take(t.NamedTuple):
    """A character, then on."""

    ranges: Ranges
    then: int


class _Check(t.NamedTuple):
    """A condition, then on."""

    name: str
    then: int


class _Split(t.NamedTuple):
    """On at each of these, the first preferred."""

    ways: tuple[int, ...]


class _Save(t.NamedTuple):
    """Note the place, then on."""

    slot: int
    then: int


_Instruction = t.Union[_Take, _Check, _Split, _Save]
_Slots = t.Tuple[int, ...]
_MATCH = 0


class Match(t.NamedTuple):
    """What a pattern made of a text. ``groups[0]`` is the whole; None: the group took no part."""

    groups: tuple[str | None, ...]
    names: tuple[str, ...]


class Regex:
    """A compiled pattern, anchored at both ends."""

    def __init__(self, pattern: str, *, dot_all: bool) -> None:
        tree, self.names = parse(pattern, dot_all=dot_all)
        # The instruction 0 is the match; it is never looked at.
        self._program: list[_Instruction] = [_Split(())]
        self._work = 0
        self._start = self._compile(tree, _MATCH)

    def match(self, text: str) -> Match | None:
        """Match the whole text. :raises UndecidedError: for a text that would take too long."""
        if len(check_text(text)) * len(self._program) > _MAX_STEPS:
            raise UndecidedError(f"a value of {len(text)} characters is too long to be tried")
        return _known(self, text)

    def run(self, text: str) -> Match | None:
        """Match the whole text, however long."""
        threads = self._add([], self._start, (-1,) * (2 * len(self.names)), text, 0)
        for place, char in enumerate(text, 1):
            code = ord(char)
            moved: list[tuple[int, _Slots]] = []
            seen: set[int] = set()
            for at, slots in threads:
                step = self._program[at]
                if isinstance(step, _Take) and any(low <= code <= high for low, high in step.ranges):
                    self._add(moved, step.then, slots, text, place, seen)
            if not moved:
                return None
            threads = moved
        for at, slots in threads:
            if at == _MATCH:
                return Match((text, *(_part(text, slots, number) for number in range(1, len(self.names)))), self.names)
        return None

    def _add(
        self,
        threads: list[tuple[int, _Slots]],
        at: int,
        slots: _Slots,
        text: str,
        place: int,
        seen: set[int] | None = None,
    ) -> list[tuple[int, _Slots]]:
        """Add the threads that ``at`` leads to without a character, those first that are preferred."""
        seen = set() if seen is None else seen
        waiting = [(at, slots)]
        while waiting:
            at, slots = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            step = self._program[at]
            if at == _MATCH or isinstance(step, _Take):
                threads.append((at, slots))
            elif isinstance(step, _Split):
                waiting += [(way, slots) for way in reversed(step.ways)]
            elif isinstance(step, _Save):
                waiting.append((step.then, (*slots[: step.slot], place, *slots[step.slot + 1 :])))
            elif _holds(step.name, text, place):
                waiting.append((step.then, slots))
        return threads

    def _emit(self, step: _Instruction) -> int:
        self._program.append(step)
        return len(self._program) - 1

    def _compile(self, node: Node, then: int) -> int:
        """Put a node's instructions in front of ``then``; the first of them."""
        self._work += 1
        if self._work > _MAX_PROGRAM:
            raise UndecidedError(f"the regex unfolds to more than {_MAX_PROGRAM} steps")
        if isinstance(node, Chars):
            return self._emit(_Take(node.ranges, then))
        if isinstance(node, Assertion):
            return self._emit(_Check(node.name, then))
        if isinstance(node, Group):
            end = self._emit(_Save(2 * node.number + 1, then))
            return self._emit(_Save(2 * node.number, self._compile(node.body, end)))
        if isinstance(node, Choice):
            return self._emit(_Split(tuple(self._compile(part, then) for part in node.parts)))
        if isinstance(node, Repeat):
            return self._repeat(node, then)
        for part in reversed(node.parts):
            then = self._compile(part, then)
        return then

    def _repeat(self, node: Repeat, then: int) -> int:
        """x{2,} is xx+, x{2,4} is xx(x(x)?)?, and where x can be empty x* is (x+)?, as Go has them."""
        required = node.low
        if node.high is None:
            loop = self._emit(_Split(()))
            start = self._compile(node.body, loop)
            self._program[loop] = self._either(node, start, then)
            if required == 0:
                return self._emit(self._either(node, start, then)) if _nullable(node.body) else loop
            then, required = start, required - 1
        else:
            after = then
            for _optional in range(node.high - node.low):
                then = self._emit(self._either(node, self._compile(node.body, then), after))
        for _copy in range(required):
            then = self._compile(node.body, then)
        return then

    @staticmethod
    def _either(node: Repeat, more: int, after: int) -> _Split:
        return _Split((more, after) if node.greedy else (after, more))


def _part(text: str, slots: _Slots, number: int) -> str | None:
    begin, end = slots[2 * number], slots[2 * number + 1]
    return text[begin:end] if begin >= 0 and end >= 0 else None


def _nullable(node: Node) -> bool:
    """Whether it can match without a character."""
    if isinstance(node, Sequence):
        return all(map(_nullable, node.parts))
    if isinstance(node, Choice):
        return any(map(_nullable, node.parts))
    if isinstance(node, Repeat):
        return node.low == 0 or _nullable(node.body)
    return _nullable(node.body) if isinstance(node, Group) else isinstance(node, Assertion)


def _is_word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isascii() and (text[place].isalnum() or text[place] == "_")


def _holds(name: str, text: str, place: int) -> bool:
    """Whether an assertion holds in front of this character."""
    if name in ("begin", "line begin"):
        return place == 0 or (name == "line begin" and text[place - 1] == "\n")
    if name in ("end", "line end"):
        return place == len(text) or (name == "line end" and text[place] == "\n")
    return (_is_word(text, place - 1) != _is_word(text, place)) == (name == "word edge")


@functools.lru_cache(maxsize=10_000)
def _known(regex: Regex, text: str) -> Match | None:
    """The match, once: a thousand replicas have the same label names and most of the values."""
    return regex.run(text)


@functools.lru_cache(maxsize=1024)
def compile_anchored(pattern: str, *, dot_all: bool = True) -> Regex:
    """A relabel rule's regex, anchored as Prometheus does: ``^(?s:...)$`` since 3.0, ``^(?:...)$`` before.

    Source: NewRegexp in model/relabel/relabel.go of v2.53.3 and v3.5.3.

    :param dot_all: ``.`` matches a newline, as it does since Prometheus 3.0.
    :raises UndecidedError: for a pattern that Prometheus would refuse (``refused``), or that is not read here.
    """
    return Regex(pattern, dot_all=dot_all)
