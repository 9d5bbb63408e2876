# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A few values out of Prometheus' text exposition format.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import contextlib
import re
import typing as t

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?[ \t]+(?P<value>\S+)(?:[ \t]+-?\d+)?$", re.ASCII)
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"', re.ASCII)
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def _unescape(value: str) -> str:
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found.group(), found.group()), value)


def samples(text: str, name: str, labels: t.Mapping[str, str] | None = None) -> t.Iterator[float]:
    """The samples of exactly that name whose labels include the given ones; what is no number is left out."""
    wanted = dict(labels or {})
    for line in text.splitlines():
        if not line.startswith(name):
            continue
        found = _LINE.match(line.strip())
        if not found or found["name"] != name:
            continue
        has = {key: _unescape(raw) for key, raw in _LABEL.findall(found["labels"] or "")}
        if all(has.get(key) == what for key, what in wanted.items()):
            with contextlib.suppress(ValueError):
                yield float(found["value"])  # Go's +Inf, -Inf and NaN are Python's too


def value(text: str, name: str, labels: t.Mapping[str, str] | None = None) -> float | None:
    """The first of these samples; None when there is none."""
    return next(samples(text, name, labels), None)


def total(text: str, name: str, labels: t.Mapping[str, str] | None = None) -> float | None:
    """The sum of these samples; None when there is none."""
    found = list(samples(text, name, labels))
    return sum(found) if found else None
