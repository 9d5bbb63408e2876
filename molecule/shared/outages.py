# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What samples say of outages; pure. A sample counts from its beginning to its end."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.molecule.shared.prober import Sample

# From when to when; seconds.
Span = t.Tuple[float, float]


def down(samples: t.Iterable[Sample]) -> list[Span]:
    """The spans in which no sample was good, from the first bad sample to the end of the last."""
    spans: list[Span] = []
    former = True
    for begun, ended, served in samples:
        if not served:
            spans.append((begun, ended) if former else (spans.pop()[0], ended))
        former = served
    return spans


def together(spans: t.Iterable[t.Iterable[Span]], count: int) -> list[Span]:
    """The spans in which at least ``count`` of several were down, given the spans of each."""
    edges = sorted(edge for one in spans for begun, ended in one for edge in ((begun, 1), (ended, -1)))
    found: list[Span] = []
    now, since = 0, 0.0
    for when, step in edges:
        if step > 0 and now + 1 == count:
            since = when
        elif step < 0 and now == count:
            found.append((since, when))
        now += step
    return found


def seconds(spans: t.Iterable[Span]) -> float:
    return sum(ended - begun for begun, ended in spans)


def blind(samples: t.Sequence[Sample]) -> float:
    """The longest time between two samples, in which nobody looked; seconds."""
    return max((after[0] - before[1] for before, after in zip(samples, samples[1:])), default=float("inf"))
