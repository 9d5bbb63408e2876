# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a series selector as Prometheus' /federate reads its ``match[]``.

Source: promql/parser/lex.go and generated_parser.y of v2.53.3 and v3.5.3 (ParseMetricSelector), which were seen to
agree on every case of the tests. Unlike a query, /federate also serves a selector whose matchers all match nothing,
as ``{}`` and ``{job=~".*"}`` do; _selector_reach.py judges these.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

NAME = "__name__"

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r"=~|!~|!=|=")
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))?", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
# Words that PromQL takes for an operator or a number where a metric's name stands.
_RESERVED = frozenset({"atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"})


class Matcher(t.NamedTuple):
    """One condition on a label. ``operator``: ``=``, ``!=``, ``=~`` or ``!~``."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.operator}{self.value!r}"


def parse_selector(text: str) -> tuple[Matcher, ...]:
    """The matchers of a series selector; the metric's name is one on ``__name__``. Regexes are not looked at.

    :raises HAError: for what Prometheus would refuse, with the place in ``what``.
    """
    return _Reader(text).selector()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def selector(self) -> tuple[Matcher, ...]:
        self._skip()
        found: list[Matcher] = []
        name = self._take(_METRIC)
        if name:
            if name.lower() in _RESERVED:
                raise self._error(f"{name} is a word of PromQL and no metric")
            found.append(Matcher(NAME, "=", name))
        if self._at("{"):
            found += self._braces()
        elif not name:
            raise self._error("a metric's name or a { is expected")
        if self.place < len(self.text):
            raise self._error(
                f"nothing may follow the selector, and {self.text[self.place]!r} does "
                "(a selector has no range, offset, function or operator)"
            )
        return tuple(found)

    def _error(self, what: str, place: int | None = None) -> HAError:
        return HAError(f"at character {(self.place if place is None else place) + 1}, {what}")

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.place)
        self.place = found.end() if found else self.place

    def _take(self, form: re.Pattern[str]) -> str:
        """The token that begins here, "" if none does; blanks and comments after it are skipped."""
        found = form.match(self.text, self.place)
        if not found:
            return ""
        self.place = found.end()
        self._skip()
        return found[0]

    def _at(self, char: str) -> bool:
        return self.text.startswith(char, self.place)

    def _taken(self, char: str) -> bool:
        if not self._at(char):
            return False
        self.place += 1
        self._skip()
        return True

    def _braces(self) -> list[Matcher]:
        found: list[Matcher] = []
        self._taken("{")
        while not self._taken("}"):
            if found and not self._taken(","):
                raise self._error("a , or } is expected")
            if found and self._taken("}"):
                break
            found.append(self._matcher())
        return found

    def _matcher(self) -> Matcher:
        quoted = self._string()
        label = self._take(_LABEL) if quoted is None else quoted
        if quoted is None and not label:
            raise self._error("a label's name is expected")
        operator = self._take(_OPERATOR)
        if not operator:
            if quoted is not None:
                return Matcher(NAME, "=", quoted)
            raise self._error("one of = != =~ !~ is expected")
        value = self._string()
        if value is None:
            raise self._error("a value in quotes is expected")
        return Matcher(label, operator, value)

    def _string(self) -> str | None:
        """The quoted text that begins here, unquoted as Go does."""
        quote = self.text[self.place : self.place + 1]
        if not quote or quote not in "\"'`":
            return None
        start = self.place
        self.place += 1
        # Bytes, since \xc3\xa9 is one character.
        found = bytearray()
        while not self._at(quote):
            char = self.text[self.place : self.place + 1]
            if not char or (char == "\n" and quote != "`"):
                raise self._error(f"the quote {quote} is not closed", start)
            if char == "\ufffd" or "\ud800" <= char <= "\udfff":
                raise self._error("the quoted text is no Unicode text", start)
            found += self._escaped(quote) if char == "\\" and quote != "`" else self._plain(char)
        self.place += 1
        self._skip()
        return found.decode(errors="surrogateescape")

    def _plain(self, char: str) -> bytes:
        self.place += 1
        return char.encode()

    def _escaped(self, quote: str) -> bytes:
        found = _ESCAPE.match(self.text, self.place)
        value = _unescaped(found, quote) if found else None
        if found is None or value is None:
            raise self._error(f"{self.text[self.place : self.place + 2]!r} begins no escape of PromQL")
        self.place = found.end()
        return value


def _unescaped(found: re.Match[str], quote: str) -> bytes | None:
    """What an escape stands for; None if it is none."""
    octal, byte, short, long, simple = found.groups(default="")
    if simple:
        return _SIMPLE.get(simple, simple).encode() if simple in _SIMPLE or simple == quote else None
    if octal or byte:
        code = int(octal, 8) if octal else int(byte, 16)
        return bytes([code]) if code <= 0xFF else None
    code = int(short or long or "110000", 16)
    return chr(code).encode() if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else None
