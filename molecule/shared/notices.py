# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the webhook was told, against what fired, and where data has a hole; pure."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span


@dataclasses.dataclass(frozen=True)
class Notice:
    """One alert of one notification. ``time``: when it arrived; seconds since the epoch, as all times here."""

    time: float
    fingerprint: str
    starts_at: float
    status: str
    labels: t.Mapping[str, str]

    @property
    def name(self) -> str:
        return self.labels["alertname"]

    @property
    def what(self) -> str:
        """For a person."""
        where = ", ".join(f"{key}={self.labels[key]}" for key in ("region", "n") if key in self.labels)
        return f"{self.name} {where}: {self.status}"


def seconds(text: str) -> float:
    """A point in time as Alertmanager writes it: with up to nine digits of a second."""
    digits = re.sub(r"(\.\d{1,6})\d*", r"\1", text.replace("Z", "+00:00"))
    padded = re.sub(r"\.(\d+)", lambda match: "." + match.group(1).ljust(6, "0"), digits)
    return datetime.datetime.fromisoformat(padded).timestamp()


def notices(items: t.Iterable[t.Mapping[str, t.Any]]) -> list[Notice]:
    """What the receiver recorded (lab/services.py), an entry for each alert."""
    return [
        Notice(item["time"], alert["fingerprint"], seconds(alert["startsAt"]), alert["status"], alert["labels"])
        for item in items
        for alert in item["body"]["alerts"]
    ]


def doubled(found: t.Iterable[Notice]) -> list[str]:
    """What was told more than once: the same fingerprint, beginning and status."""
    told: dict[tuple[str, float, str], list[Notice]] = collections.defaultdict(list)
    for notice in found:
        told[(notice.fingerprint, notice.starts_at, notice.status)].append(notice)
    return [f"{same[0].what}, {len(same)} times" for same in told.values() if len(same) > 1]


def whole_lives(
    series: t.Iterable[t.Mapping[str, t.Any]], every: float, length: float, slack: float, window: Span
) -> set[str]:
    """Which n fired on a replica for the whole time in which they had to be told, within the window.

    :param series: ALERTS of that replica as the API gives a range selector.
    :param every: seconds between two n; n begins at ``every * n`` and has to be told within ``length``.
    :param slack: seconds that the first and last sample may be off, and that may lie between two.
    """
    found = set()
    for one in series:
        begins = every * float(one["metric"]["n"])
        ends = begins + length
        times = [begins, *(when for when in map(float, next(zip(*one["values"]))) if when < ends), ends]
        if begins >= window[0] and ends <= window[1] and not holes(times, slack):
            found.add(str(one["metric"]["n"]))
    return found


def holes(times: t.Sequence[float], slack: float) -> list[Span]:
    """Where more than ``slack`` seconds lie between two samples."""
    return [(before, after) for before, after in zip(times, times[1:]) if after - before > slack]


def lost(fired: t.Iterable[str], told: t.Iterable[Notice]) -> list[str]:
    """Which n fired and were told by no notification."""
    known = {notice.labels["n"] for notice in told if notice.status == "firing"}
    return sorted(set(fired) - known)
