# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a regex as Go's RE2 reads it: syntax tree, and a typed error for what is not decided here.

The rules are those of Go's regexp/syntax/parse.go with the flags syntax.Perl, which Prometheus compiles with.
Python's own ``re`` reads many patterns otherwise (``\\Z``, ``{,3}``, ``$`` before a final newline, ``\\s``, captures of
empty loops) and can take for ever, so nothing is handed to it; _re2_match.py runs the tree in linear time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

Ranges = t.Tuple[t.Tuple[int, int], ...]

_MAX_CODE = 0x10FFFF
# regexp/syntax: a counted repetition above this is refused.
_MAX_REPEAT = 1000
# Bounds of this reader, not of RE2: far above what people write, and below Python's recursion limit.
_MAX_PATTERN = 2000
_MAX_DEPTH = 50

_DIGITS: Ranges = ((0x30, 0x39),)
_UPPER: Ranges = ((0x41, 0x5A),)
_LOWER: Ranges = ((0x61, 0x7A),)
_WORD: Ranges = (*_DIGITS, *_UPPER, (0x5F, 0x5F), *_LOWER)
_PERL = {"d": _DIGITS, "w": _WORD, "s": ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))}
_POSIX: dict[str, Ranges] = {
    "alnum": (*_DIGITS, *_UPPER, *_LOWER),
    "alpha": (*_UPPER, *_LOWER),
    "ascii": ((0x00, 0x7F),),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x00, 0x1F), (0x7F, 0x7F)),
    "digit": _DIGITS,
    "graph": ((0x21, 0x7E),),
    "lower": _LOWER,
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": _UPPER,
    "word": _WORD,
    "xdigit": (*_DIGITS, (0x41, 0x46), (0x61, 0x66)),
}
# Unicode's simple folding joins these with k and s; no other ASCII letter folds beyond ASCII.
_FOLDED_BEYOND = {0x6B: 0x212A, 0x73: 0x017F}

_COUNT = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_NAMED = re.compile(r"\(\?P?<([^>]*)>")
_FLAG_GROUP = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAME = re.compile(r"[0-9A-Za-z_]+")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_ASSERTIONS = {"A": "begin", "z": "end", "b": "word edge", "B": "no word edge"}


class UndecidedError(HAError):
    """What Prometheus makes of it is not decided here.

    :param refused: Prometheus would refuse it: promtool says so when the files are staged.
    """

    def __init__(self, what: str, *, refused: bool = False) -> None:
        super().__init__(f"Prometheus would refuse this: {what}" if refused else f"not decided: {what}")
        self.words = what
        self.refused = refused

    def within(self, number: int) -> UndecidedError:
        """The same of a rule in a chain, counted from 1."""
        return UndecidedError(f"in rule {number}, {self.words}", refused=self.refused)


@dataclasses.dataclass(frozen=True)
class Chars:
    """One character of these code points."""

    ranges: Ranges


@dataclasses.dataclass(frozen=True)
class Assertion:
    """A condition on the place between two characters."""

    name: str


@dataclasses.dataclass(frozen=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Choice:
    """The first that leads to a match."""

    parts: tuple[Node, ...]


@dataclasses.dataclass(frozen=True)
class Group:
    """A capture."""

    number: int
    body: Node


@dataclasses.dataclass(frozen=True)
class Repeat:
    """``high``: None for no bound."""

    body: Node
    low: int
    high: int | None
    greedy: bool


Node = t.Union[Chars, Assertion, Sequence, Choice, Group, Repeat]


def parse(pattern: str, *, dot_all: bool) -> tuple[Node, tuple[str, ...]]:
    """A pattern as a tree, and the names of its groups by number ("" where there is none; 0 is the whole match).

    :param dot_all: ``.`` matches a newline too.
    :raises UndecidedError: for what RE2 refuses, and for what depends on Unicode tables or is too large.
    """
    if len(pattern) > _MAX_PATTERN:
        raise UndecidedError(f"the regex has {len(pattern)} characters, more than the {_MAX_PATTERN} that are read")
    return _Parser(pattern, dot_all).parse()


def check_text(text: str) -> str:
    """The text itself. :raises UndecidedError: when it is not Unicode text, which YAML could not carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UndecidedError(f"{text!r} holds half of a surrogate pair") from None
    return text


def negated(ranges: t.Iterable[tuple[int, int]]) -> Ranges:
    """All other code points."""
    found: list[tuple[int, int]] = []
    free = 0
    for low, high in sorted(ranges):
        if low > free:
            found.append((free, low - 1))
        free = max(free, high + 1)
    return (*found, (free, _MAX_CODE)) if free <= _MAX_CODE else tuple(found)


def _folded(ranges: Ranges) -> Ranges:
    """These code points in either case."""
    if any(high > 0x7F for _low, high in ranges):
        raise UndecidedError("(?i) over characters beyond ASCII depends on Unicode's tables, which change")
    found = list(ranges)
    for lower in range(_LOWER[0][0], _LOWER[0][1] + 1):
        cases = [lower, lower - 0x20, *([_FOLDED_BEYOND[lower]] if lower in _FOLDED_BEYOND else [])]
        if any(low <= case <= high for case in cases for low, high in ranges):
            found += [(case, case) for case in cases]
    return tuple(found)


def _refused(what: str) -> UndecidedError:
    return UndecidedError(what, refused=True)


@dataclasses.dataclass(frozen=True)
class _Flags:
    fold: bool = False
    many_lines: bool = False
    dot_all: bool = False
    lazy: bool = False


_FLAGS = {"i": "fold", "m": "many_lines", "s": "dot_all", "U": "lazy"}


class _Parser:
    """Recursive descent; a flag set in a group holds to the group's end."""

    def __init__(self, pattern: str, dot_all: bool) -> None:
        self.text = check_text(pattern)
        self.place = 0
        self.flags = _Flags(dot_all=dot_all)
        self.names = [""]

    def parse(self) -> tuple[Node, tuple[str, ...]]:
        tree = self._choice(0)
        if self._more():
            # "a)|(b" is such a one: it compiles within Prometheus' own parentheses, and is no longer anchored.
            raise UndecidedError("a ) without its ( takes the regex out of the anchors that Prometheus puts around it")
        return tree, tuple(self.names)

    def _more(self) -> bool:
        return self.place < len(self.text)

    def _at(self, start: str) -> bool:
        return self.text.startswith(start, self.place)

    def _take(self, form: re.Pattern[str]) -> re.Match[str] | None:
        found = form.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return found

    def _choice(self, depth: int) -> Node:
        """Up to the end or the ) that closes this group."""
        if depth > _MAX_DEPTH:
            raise UndecidedError(f"the regex nests groups more than {_MAX_DEPTH} deep")
        branches: list[Node] = []
        parts: list[Node] = []
        repeatable = repeated = False
        while self._more() and not self._at(")"):
            if self._at("|"):
                self.place += 1
                branches.append(Sequence(tuple(parts)))
                parts, repeatable, repeated = [], False, False
                continue
            count = self._count()
            if count:
                if repeated or not parts:
                    raise _refused(f"the repetition at character {self.place} of the regex has nothing to repeat")
                if not repeatable:
                    raise UndecidedError("a repetition that follows a flag or an empty quotation is not read here")
                parts[-1] = Repeat(parts[-1], *count)
                repeated = True
                continue
            found = self._item(depth)
            repeatable, repeated = bool(found), False
            parts += found
        branches.append(Sequence(tuple(parts)))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _count(self) -> tuple[int, int | None, bool] | None:
        """The repetition that begins here: at least, at most, greedy."""
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.text[self.place], (-1, None))
        if low >= 0:
            self.place += 1
        else:
            found = self._take(_COUNT)
            if not found:
                return None
            low = int(found[1])
            high = (int(found[3]) if found[3] else None) if found[2] else low
            if low > _MAX_REPEAT or (high is not None and not low <= high <= _MAX_REPEAT):
                raise _refused(f"the repetition {found[0]} runs backwards or goes above {_MAX_REPEAT}")
        lazy = self._at("?")
        self.place += lazy
        return low, high, lazy == self.flags.lazy

    def _item(self, depth: int) -> list[Node]:
        """What is between two operators: several for a quotation, none for a flag."""
        char = self.text[self.place]
        if char == "(":
            return self._parenthesis(depth)
        if char == "[":
            return [Chars(self._class())]
        if char == "\\":
            return self._escape()
        self.place += 1
        if char == "^":
            return [Assertion("line begin" if self.flags.many_lines else "begin")]
        if char == "$":
            return [Assertion("line end" if self.flags.many_lines else "end")]
        if char == ".":
            return [Chars(((0, _MAX_CODE),) if self.flags.dot_all else negated(((10, 10),)))]
        return [self._literal(ord(char))]

    def _literal(self, code: int) -> Chars:
        return Chars(self._cases(((code, code),)))

    def _cases(self, ranges: Ranges) -> Ranges:
        return _folded(ranges) if self.flags.fold else ranges

    def _parenthesis(self, depth: int) -> list[Node]:
        number = 0
        outer = self.flags
        named = self._take(_NAMED)
        if named:
            if not _NAME.fullmatch(named[1]):
                raise _refused(f"{named[0]} is no named group, and RE2 has no lookbehind")
            if named[1] in self.names:
                raise UndecidedError(f"two groups have the name {named[1]!r}")
            self.names.append(named[1])
            number = len(self.names) - 1
        elif self._at("(?"):
            if self._flags():
                return []
        else:
            self.place += 1
            self.names.append("")
            number = len(self.names) - 1
        body = self._choice(depth + 1)
        self.flags = outer
        if not self._at(")"):
            raise _refused("a ( has no )")
        self.place += 1
        return [Group(number, body) if number else body]

    def _flags(self) -> bool:
        """Read ``(?flags)`` or ``(?flags:``; whether it was the first, which holds for what follows."""
        found = self._take(_FLAG_GROUP)
        if not found:
            raise _refused(f"RE2 knows no {self.text[self.place : self.place + 4]!r} (it has no lookaround)")
        changes = {_FLAGS[flag]: True for flag in found[1]}
        changes.update({_FLAGS[flag]: False for flag in found[2] or ""})
        self.flags = dataclasses.replace(self.flags, **changes)
        return found[3] == ")"

    def _escape(self) -> list[Node]:
        char = self.text[self.place + 1 : self.place + 2]
        if char in _ASSERTIONS and char:
            self.place += 2
            return [Assertion(_ASSERTIONS[char])]
        if char == "Q":
            quoted, end, rest = self.text[self.place + 2 :].partition("\\E")
            if not end:
                raise _refused("a \\Q without its \\E quotes the anchors that Prometheus puts around a regex")
            self.place = len(self.text) - len(rest)
            return [self._literal(ord(each)) for each in quoted]
        group = self._group_of_chars()
        return [Chars(group)] if group is not None else [self._literal(self._escaped())]

    def _group_of_chars(self) -> Ranges | None:
        """``\\d`` and its kin, where one begins here."""
        char = self.text[self.place + 1 : self.place + 2]
        if not self._at("\\") or not char:
            return None
        if char in "pP":
            raise UndecidedError(f"\\{char} depends on Unicode's tables, which change")
        if char.lower() not in _PERL:
            return None
        self.place += 2
        ranges = self._cases(_PERL[char.lower()])
        return ranges if char.islower() else negated(ranges)

    def _escaped(self) -> int:
        """The one character that an escape stands for."""
        char = self.text[self.place + 1 : self.place + 2]
        octal = self._take(_OCTAL)
        if octal:
            return int(octal[1], 8)
        code = self._take(_HEX)
        if code and int(code[1] or code[2], 16) <= _MAX_CODE:
            return int(code[1] or code[2], 16)
        if char in _CONTROL and char:
            self.place += 2
            return _CONTROL[char]
        if not char or not char.isascii() or char.isalnum():
            raise _refused(f"RE2 knows no escape \\{char}" + (" (it has no backreferences)" * char.isdigit()))
        self.place += 2
        return ord(char)

    def _class(self) -> Ranges:
        self.place += 1
        negative = self._at("^")
        self.place += negative
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._at("]"):
            first = False
            group = self._posix() if self._at("[:") else self._group_of_chars()
            if group is not None:
                ranges += group
                continue
            low = high = self._class_char()
            if self._at("-") and not self._at("-]") and self.place + 1 < len(self.text):
                self.place += 1
                high = self._class_char()
            if high < low:
                raise _refused("a range in [] runs backwards")
            ranges += self._cases(((low, high),))
        self.place += 1
        return negated(ranges) if negative else tuple(ranges)

    def _class_char(self) -> int:
        if not self._more():
            raise _refused("a [ has no ]")
        if self._at("\\"):
            return self._escaped()
        self.place += 1
        return ord(self.text[self.place - 1])

    def _posix(self) -> Ranges | None:
        """``[:alpha:]`` and its kin; None where the [ is an ordinary character."""
        end = self.text.find(":]", self.place + 2)
        if end < 0:
            return None
        name = self.text[self.place + 2 : end]
        negative = name.startswith("^")
        if name[negative:] not in _POSIX:
            raise _refused(f"RE2 knows no class [:{name}:]")
        self.place = end + 2
        ranges = self._cases(_POSIX[name[negative:]])
        return negated(ranges) if negative else ranges
