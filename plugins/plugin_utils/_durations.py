# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as the components read them: Prometheus' own syntax, and that of flags which take Go's durations.

==================================================================  ==========================
where                                                               syntax
==================================================================  ==========================
prometheus.yml, rule files, alertmanager.yml; Prometheus' flags     :func:`prometheus_duration`
Alertmanager's flags; Thanos' where the help does not say "model"   :func:`flag_duration`
Thanos' flags of a minimum or maximum time                          :func:`time_or_duration`
==================================================================  ==========================

Sources: ParseDuration() of prometheus/common model/time.go; kingpin's values.go, which hands flags of the type
time.Duration to xhit/go-str2duration since kingpin 2.3 (Go's time.ParseDuration() with days and weeks). Compared with
prometheus 2.53.3 and 3.5.3, and alertmanager 0.33.1. A build with an older kingpin, as Debian's alertmanager 0.28.1,
knows no ``d`` and ``w``; upstream's releases of all versions that the collection supports do.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from fractions import Fraction

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

MICROSECOND = 1_000
MILLISECOND = 1_000 * MICROSECOND
SECOND = 1_000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365 * DAY

# time.Duration is an int64 of nanoseconds: some 292 years.
_LONGEST = 2**63 - 1

_UNITS = {"y": YEAR, "w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND}
_PROMETHEUS = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))
# Both of Unicode's letters for micro, as Go has it.
_SMALL_UNITS = {"us": MICROSECOND, "\u00b5s": MICROSECOND, "\u03bcs": MICROSECOND, "ns": 1}
_FLAG_UNITS = {**{unit: size for unit, size in _UNITS.items() if unit != "y"}, **_SMALL_UNITS}
# ms before m.
_TERM = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(sorted(_FLAG_UNITS, key=len, reverse=True))})")


def prometheus_duration(value: object, where: str = "") -> int:
    """A duration in nanoseconds, as Prometheus reads it: ``1h30m``; units in the order y w d h m s ms, no fractions.

    :param where: the inventory path for the error.
    :raises HAError: for anything else.
    """
    text = _text(value, where, "5m or 1h30m")
    if text == "0":
        return 0
    match = _PROMETHEUS.fullmatch(text)
    if not match or not text:
        raise HAError(
            f"{text!r} is not a duration.",
            where=where,
            do="Write whole numbers with the units y w d h m s ms, each at most once and in this order: 1d12h, 90s.",
        )
    return _within(sum(int(number) * unit for number, unit in zip(match.groups("0"), _UNITS.values())), text, where)


def flag_duration(value: object, where: str = "") -> int:
    """A duration in nanoseconds, as a flag of the type time.Duration takes it: ``1.5h``, ``1h30m``, ``-1m``, ``5d``.

    :param where: the inventory path for the error.
    :raises HAError: for anything else.
    """
    text = _text(value, where, "120h or 15s")
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return 0
    total, place = Fraction(0), 0
    while term := _TERM.match(unsigned, place):
        total += int(Fraction(f"0{term[1]}") * _FLAG_UNITS[term[2]])
        place = term.end()
    if not place or place != len(unsigned):
        raise HAError(
            f"{text!r} is not a duration.",
            where=where,
            do="Write numbers with the units w d h m s ms us ns: 120h, 1h30m, 1.5s.",
        )
    return _within(int(total) * (-1 if text.startswith("-") else 1), text, where)


# Go's time.RFC3339, which takes fractions of a second, too.
_RFC3339 = re.compile(
    r"([0-9]{4})(-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def time_or_duration(value: object, where: str = "") -> int:
    """How far from now a time is in nanoseconds, as Thanos reads it: ``-2w``, ``3h``; 0 of a fixed RFC 3339 one.

    :param where: the inventory path for the error.
    :raises HAError: for anything else.

    Source: thanos pkg/model/timeduration.go.
    """
    text = _text(value, where, "-2w")
    match = _RFC3339.fullmatch(text)
    try:
        if match:
            # Go has a year 0, and it is a leap year.
            datetime.datetime.fromisoformat(f"{'2000' if match[1] == '0000' else match[1]}{match[2]}{match[3]}")
            return 0
        return prometheus_duration(text[1:] if text.startswith("-") else text)
    except (ValueError, HAError) as problem:
        raise HAError(
            f"{text!r} is neither a time nor a duration back from now.",
            where=where,
            do="Write '2026-01-31T00:00:00Z', in quotes, or a duration as -2w.",
        ) from problem


def _text(value: object, where: str, example: str) -> str:
    if isinstance(value, str):
        return value
    raise HAError(f"{value!r} is not a duration but a number or something else.", where=where, do=f"Write {example}.")


def _within(nanoseconds: int, text: str, where: str) -> int:
    if abs(nanoseconds) > _LONGEST:
        raise HAError(f"The duration {text!r} is too long.", where=where, do="Write less than 292 years.")
    return nanoseconds


def known(value: object, read: t.Callable[[object], int] | None = None) -> int | None:
    """In nanoseconds; None of nothing, and of what is no duration: I07 says so.

    :param read: prometheus_duration, where it is not another of the readers here.
    """
    try:
        return None if value is None else (read or prometheus_duration)(value)
    except HAError:
        return None


def shown(nanoseconds: int) -> str:
    """A duration for people, in Prometheus' units: ``1h30m``; what is shorter than a millisecond is left out."""
    rest, words = abs(nanoseconds), []
    for unit, size in _UNITS.items():
        if unit not in ("y", "w") and rest >= size:
            words.append(f"{rest // size}{unit}")
            rest %= size
    return ("-" if nanoseconds < 0 else "") + "".join(words) if words else "0s"
