# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blocks of a bucket, and what follows from them: streams, overlaps, what a retention ends, what a copy lacks.

Pure. What Thanos decides itself is decided here as it does, so that a dry run foretells it:
pkg/compact/retention.go, and ConsistencyDelayMetaFilter and DefaultDeduplicateFilter of pkg/block/fetcher.go.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

HOUR = 3600.0
DAY = 24 * HOUR
# By milliseconds between two samples of a downsampled block.
RESOLUTIONS = {0: "raw", 300_000: "5m", 3_600_000: "1h"}
# Blocks of raw samples are downsampled to 5m once they span 40h, and these to 1h once they span 10d.
# Source: thanos docs/components/compact.md.
LEAST = {"raw": 40 * HOUR, "5m": 10 * DAY}
# What the compactor made is never too fresh, whatever its age.
_OWN = ("compactor", "compactor.repair", "bucket.repair")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # ULID's alphabet
_UNITS = {"y": 365 * DAY, "w": 7 * DAY, "d": DAY, "h": HOUR, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))
_UPLOADED = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?Z")


@dataclasses.dataclass(frozen=True)
class Block:
    """A block by its meta.json.

    :ivar begin, end: milliseconds since the epoch; all of its samples are older than its end.
    :ivar made: seconds since the epoch: when it was uploaded, or where nothing says so, made.
    :ivar sources: the blocks of level 1 that it holds.
    """

    id: str
    labels: t.Mapping[str, str] = dataclasses.field(hash=False)
    resolution: str
    level: int
    begin: int
    end: int
    samples: int
    bytes: int
    sources: frozenset[str] = dataclasses.field(repr=False)
    source: str
    made: float

    @property
    def stream(self) -> str:
        """Its labels for people: ``region=eu,replica=eu-1``."""
        return stream(self.labels)

    @property
    def group(self) -> tuple[str, str]:
        """What is compacted together: its stream and resolution."""
        return self.stream, self.resolution

    @property
    def shown(self) -> dict[str, t.Any]:
        """For a module's result."""
        return {
            "id": self.id,
            "stream": self.stream,
            "resolution": self.resolution,
            "level": self.level,
            "begin": moment(self.begin / 1000),
            "end": moment(self.end / 1000),
            "samples": self.samples,
            "bytes": self.bytes,
        }


def stream(labels: t.Mapping[str, str]) -> str:
    """The name of a block stream: its labels."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "no labels"


def block(meta: t.Mapping[str, t.Any]) -> Block:
    """A block of its meta.json."""
    thanos = meta.get("thanos") or {}
    step = (thanos.get("downsample") or {}).get("resolution") or 0
    compaction = meta.get("compaction") or {}
    return Block(
        id=meta["ulid"],
        labels=dict(thanos.get("labels") or {}),
        resolution=RESOLUTIONS.get(step, f"{step // 1000}s"),
        level=compaction.get("level") or 0,
        begin=meta["minTime"],
        end=meta["maxTime"],
        samples=(meta.get("stats") or {}).get("numSamples") or 0,
        bytes=sum(file.get("size_bytes") or 0 for file in thanos.get("files") or ()),
        sources=frozenset(compaction.get("sources") or (meta["ulid"],)),
        source=thanos.get("source") or "",
        made=_uploaded(thanos.get("upload_time")) or _ulid_time(meta["ulid"]),
    )


def _uploaded(text: str | None) -> float:
    """Seconds since the epoch; 0.0 of none, which Go writes as the year 1."""
    match = _UPLOADED.fullmatch(text or "")
    if not match or match[1] == "0001":
        return 0.0
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    whole = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc)
    return whole.timestamp() + float(f"0.{match[7] or 0}")


def _ulid_time(ulid: str) -> float:
    """Seconds since the epoch: its first 48 bits are milliseconds."""
    milliseconds = 0
    for letter in ulid[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(letter)
    return milliseconds / 1000


def of_labels(blocks: t.Iterable[Block], labels: t.Mapping[str, str]) -> list[Block]:
    """Those that have all of these labels."""
    return [one for one in blocks if labels.items() <= one.labels.items()]


def _by(blocks: t.Iterable[Block], key: t.Callable[[Block], t.Any]) -> dict[t.Any, list[Block]]:
    found: dict[t.Any, list[Block]] = {}
    for one in in_order(blocks):
        found.setdefault(key(one), []).append(one)
    return found


def groups(blocks: t.Iterable[Block]) -> list[dict[str, t.Any]]:
    """By stream and resolution: how many blocks of which compaction levels, from when to when, of what size."""
    return [
        {
            "labels": dict(same[0].labels),
            "stream": same[0].stream,
            "resolution": same[0].resolution,
            "blocks": len(same),
            "levels": {str(level): len(of) for level, of in sorted(_by(same, lambda one: one.level).items())},
            "begin": moment(min(one.begin for one in same) / 1000),
            "end": moment(max(one.end for one in same) / 1000),
            "samples": sum(one.samples for one in same),
            "bytes": sum(one.bytes for one in same),
        }
        for same in _by(blocks, lambda one: one.group).values()
    ]


def superseded(blocks: t.Iterable[Block]) -> set[str]:
    """The blocks of which another of the same stream and resolution holds everything: what compaction leaves."""
    found: set[str] = set()
    for same in _by(blocks, lambda one: one.group).values():
        covering: list[Block] = []
        for one in sorted(same, key=lambda one: (-len(one.sources), one.id)):
            if any(one.sources <= other.sources for other in covering):
                found.add(one.id)
            else:
                covering.append(one)
    return found


def overlaps(blocks: t.Sequence[Block]) -> list[dict[str, t.Any]]:
    """Where blocks of one stream and resolution overlap, which halts a compactor unless it merges them.

    What compaction left behind overlaps with what it made, and is none.
    """
    left = superseded(blocks)
    found: list[dict[str, t.Any]] = []
    for same in _by((one for one in blocks if one.id not in left), lambda one: one.group).values():
        together: list[Block] = []
        begin = end = until = 0
        for one in [*same, None]:
            if one is not None and together and one.begin < until:
                begin = begin if len(together) > 1 else one.begin
                end = max(end, min(until, one.end))
                together.append(one)
                until = max(until, one.end)
                continue
            if len(together) > 1:
                found.append(
                    {
                        "stream": together[0].stream,
                        "resolution": together[0].resolution,
                        "begin": moment(begin / 1000),
                        "end": moment(end / 1000),
                        "blocks": [each.id for each in together],
                    }
                )
            if one is not None:
                together, until, end = [one], one.end, 0
    return found


def in_order(blocks: t.Iterable[Block]) -> list[Block]:
    """By stream, resolution and time."""
    return sorted(blocks, key=lambda one: (one.stream, one.resolution, one.begin, one.id))


def settled(blocks: t.Iterable[Block], fresh: float, now: float) -> list[Block]:
    """Those that were not just uploaded, which the tools that delete do not look at yet.

    :param fresh: seconds that this takes; what a compactor made is settled at once.
    :param now: seconds since the epoch.
    """
    return [one for one in blocks if one.source in _OWN or now - one.made >= fresh]


def expired(blocks: t.Sequence[Block], kept: t.Mapping[str, float], *, fresh: float, now: float) -> list[Block]:
    """What a retention marks for deletion.

    :param kept: by resolution, for how many seconds samples are kept; 0 is for ever.
    :param fresh: seconds in which a block that was just uploaded is left alone.
    :param now: seconds since the epoch.
    """
    seen = settled(blocks, fresh, now)
    left = superseded(seen)
    return [
        one
        for one in in_order(seen)
        if one.id not in left and kept.get(one.resolution) and now > one.end // 1000 + kept[one.resolution]
    ]


def last_of_their_kind(doomed: t.Sequence[Block], blocks: t.Sequence[Block]) -> list[Block]:
    """Those of raw samples of whose time nothing stays, downsampled or other."""
    gone = {one.id for one in doomed}
    staying = _by((one for one in blocks if one.id not in gone), lambda one: one.stream)
    return [
        one
        for one in doomed
        if one.resolution == "raw" and not _covered(one.begin, one.end, staying.get(one.stream, ()))
    ]


def _covered(begin: int, end: int, blocks: t.Iterable[Block]) -> bool:
    for one in sorted(blocks, key=lambda one: one.begin):
        if one.begin <= begin < one.end:
            begin = one.end
    return begin >= end


def too_short(kept: t.Mapping[str, float]) -> list[tuple[str, float]]:
    """The resolutions whose samples would go before they are downsampled, and how many seconds they need."""
    return [(name, least) for name, least in LEAST.items() if 0 < kept.get(name, 0) < least]


def layers(blocks: t.Sequence[Block]) -> t.Iterator[list[Block]]:
    """The blocks in parts in which none supersedes another."""
    rest = list(blocks)
    while rest:
        left = superseded(rest)
        yield [one for one in rest if one.id not in left]
        rest = [one for one in rest if one.id in left]


def copied(
    source: t.Sequence[Block], copy: t.Sequence[Block], *, now: float, live: t.Sequence[t.Mapping[str, str]] = ()
) -> list[dict[str, t.Any]]:
    """Each stream of a bucket in its copy.

    :param source: what the copy is to have.
    :param now: seconds since the epoch.
    :param live: label sets of what is still being written; a stream that has all labels of one is. None given: all.
    :returns: ``stream``, ``labels``, ``live``, ``blocks`` that there are to be, ids of those ``missing``, ``newest``
        (when the newest sample of the copy is from, None without one), and in seconds its ``rpo`` (what is lost where
        everything but the copy is) and how far it is ``behind`` the bucket.
    """
    there = {one.id for one in copy}
    by_stream = _by(copy, lambda one: one.stream)
    found: list[dict[str, t.Any]] = []
    for name, wanted in _by(source, lambda one: one.stream).items():
        labels = dict(wanted[0].labels)
        newest = max((one.end for one in by_stream.get(name, ())), default=None)
        latest = max(one.end for one in wanted)
        found.append(
            {
                "stream": name,
                "labels": labels,
                "live": not live or any(each.items() <= labels.items() for each in live),
                "blocks": len(wanted),
                "missing": [one.id for one in wanted if one.id not in there],
                "newest": None if newest is None else moment(newest / 1000),
                # A block may end in the time to come: its range is aligned.
                "rpo": None if newest is None else max(0.0, now - newest / 1000),
                "behind": None if newest is None else max(0.0, (latest - newest) / 1000),
            }
        )
    return found


def seconds(text: str, where: str = "") -> float:
    """A duration as Thanos reads it (prometheus/common model/time.go): ``1d12h``; units in the order y w d h m s ms.

    :param where: the option for the error.
    :raises HAError: for anything else.
    """
    match = _DURATION.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or not match:
        do = "write whole numbers with the units y w d h m s ms, in this order: 1d12h, 90m."
        raise HAError(f"{text!r} is not a duration", where=where, do=do)
    return sum(int(number) * unit for number, unit in zip(match.groups("0"), _UNITS.values()))


def moment(when: float) -> str:
    """Seconds since the epoch as RFC 3339, in UTC."""
    return datetime.datetime.fromtimestamp(int(when), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(length: float) -> str:
    """Seconds for people, by the two greatest units: ``2 h 3 min``."""
    rest, words = int(length), []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if rest >= size:
            words.append(f"{rest // size} {name}")
            rest %= size
        elif words:
            break
    return " ".join(words[:2]) or "0 s"


def size(count: int) -> str:
    """Bytes for people."""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
