# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of blocks: what overlaps, what a retention ends, what a copy lacks, and how old it is."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _bucket_blocks
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_blocks import HOUR, Block
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

EU, US = {"region": "eu"}, {"region": "us"}
NOW = 1_000 * HOUR


def made(name: str, begin: float, end: float, labels: t.Mapping[str, str] | None = None, **more: t.Any) -> Block:
    """A block from hour to hour."""
    known: dict[str, t.Any] = {
        "resolution": "raw",
        "level": 1,
        "samples": 10,
        "bytes": 100,
        "sources": frozenset([name]),
        "source": "sidecar",
        "made": 0.0,
    }
    milliseconds = {"begin": int(begin * HOUR * 1000), "end": int(end * HOUR * 1000)}
    return Block(id=name, labels=labels or EU, **{**known, **milliseconds, **more})


def compacted(name: str, begin: float, end: float, *sources: str, **more: t.Any) -> Block:
    return made(name, begin, end, level=2, source="compactor", sources=frozenset(sources), **more)


def ids(found: t.Iterable[Block]) -> list[str]:
    return [one.id for one in found]


META = {
    "ulid": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "minTime": 0,
    "maxTime": 7_200_000,
    "stats": {"numSamples": 24},
    "compaction": {"level": 2, "sources": ["A", "B"]},
    "thanos": {
        "labels": {"replica": "a", "region": "eu"},
        "downsample": {"resolution": 300000},
        "source": "compactor",
        "files": [{"rel_path": "index", "size_bytes": 5}, {"rel_path": "meta.json"}],
        "upload_time": "2026-01-01T00:00:00.5Z",
    },
}


def test_a_meta_json() -> None:
    found = _bucket_blocks.block(META)
    assert (found.stream, found.resolution, found.level, found.bytes) == ("region=eu,replica=a", "5m", 2, 5)
    assert found.sources == {"A", "B"}
    assert found.made == 1767225600.5


@pytest.mark.parametrize("given", [None, "0001-01-01T00:00:00Z"])
def test_without_a_time_of_upload_that_of_the_id_counts(given: str | None) -> None:
    thanos = {**t.cast(t.Dict[str, t.Any], META["thanos"]), "upload_time": given}
    assert _bucket_blocks.block({**META, "thanos": thanos}).made == 1469922850.259


def test_groups() -> None:
    found = _bucket_blocks.groups(
        [
            made("B", 2, 4),
            made("A", 0, 2),
            compacted("C", 4, 8, "x", "y"),
            made("D", 0, 2, US),
            made("E", 0, 8, resolution="5m"),
        ]
    )
    assert [(one["stream"], one["resolution"], one["blocks"], one["levels"], one["samples"]) for one in found] == [
        ("region=eu", "5m", 1, {"1": 1}, 10),
        ("region=eu", "raw", 3, {"1": 2, "2": 1}, 30),
        ("region=us", "raw", 1, {"1": 1}, 10),
    ]
    assert (found[1]["begin"], found[1]["end"]) == ("1970-01-01T00:00:00Z", "1970-01-01T08:00:00Z")


@pytest.mark.parametrize(
    ("blocks", "found"),
    [
        pytest.param([made("A", 0, 2), made("B", 2, 4)], [], id="one after the other"),
        pytest.param([made("A", 0, 2), made("B", 0, 2, US)], [], id="two streams"),
        pytest.param([made("A", 0, 2), made("B", 0, 2, resolution="5m")], [], id="two resolutions"),
        pytest.param([made("A", 0, 2), compacted("C", 0, 4, "A", "B")], [], id="what compaction left"),
        pytest.param([made("A", 0, 2), made("B", 1, 3)], [("AB", 1, 2)], id="in part"),
        pytest.param([made("A", 0, 8), made("B", 1, 2), made("C", 5, 6)], [("ABC", 1, 6)], id="within"),
        pytest.param(
            [made("A", 0, 2), made("B", 0, 2), made("C", 2, 4), made("D", 3, 5), made("E", 6, 8)],
            [("AB", 0, 2), ("CD", 3, 4)],
            id="in two places",
        ),
    ],
)
def test_overlaps(blocks: list[Block], found: list[tuple[str, int, int]]) -> None:
    shown = _bucket_blocks.overlaps(blocks[::-1])
    assert [("".join(one["blocks"]), one["begin"], one["end"]) for one in shown] == [
        (names, f"1970-01-01T0{begin}:00:00Z", f"1970-01-01T0{end}:00:00Z") for names, begin, end in found
    ]


def test_superseded_and_layers() -> None:
    blocks = [made("A", 0, 2), made("B", 2, 4), compacted("C", 0, 4, "A", "B"), compacted("D", 0, 8, "A", "B", "E")]
    assert _bucket_blocks.superseded(blocks) == {"A", "B", "C"}
    assert [ids(part) for part in _bucket_blocks.layers(blocks)] == [["D"], ["C"], ["A", "B"]]
    assert list(_bucket_blocks.layers([])) == []


@pytest.mark.parametrize(
    ("block", "goes"),
    [
        pytest.param(made("A", 899, 899.99), True, id="older"),
        pytest.param(made("A", 898, 900), False, id="just not older"),
        pytest.param(made("A", 0, 2, resolution="5m"), False, id="of another resolution"),
        pytest.param(made("A", 0, 2, made=NOW - 60), False, id="too fresh"),
        pytest.param(made("A", 0, 2, made=NOW - 60, source="compactor"), True, id="fresh, and the compactor's"),
    ],
)
def test_what_a_retention_ends(block: Block, goes: bool) -> None:
    kept = {"raw": 100 * HOUR, "5m": 0.0}
    assert bool(_bucket_blocks.expired([block], kept, fresh=1800, now=NOW)) is goes


def test_a_retention_leaves_to_the_compactor_what_it_superseded() -> None:
    blocks = [made("A", 0, 2), compacted("C", 0, 4, "A", "B")]
    assert ids(_bucket_blocks.expired(blocks, {"raw": HOUR}, fresh=0, now=NOW)) == ["C"]


@pytest.mark.parametrize(
    ("others", "last"),
    [
        pytest.param([], ["A"], id="nothing else"),
        pytest.param([made("S", 0, 4, resolution="5m")], [], id="downsampled"),
        pytest.param([made("S", 0, 1, resolution="5m"), made("T", 1, 4, resolution="1h")], [], id="in two parts"),
        pytest.param([made("S", 0, 1, resolution="5m")], ["A"], id="in part"),
        pytest.param([made("S", 0, 4, US, resolution="5m")], ["A"], id="another stream"),
    ],
)
def test_of_what_nothing_stays(others: list[Block], last: list[str]) -> None:
    gone = made("A", 0, 2)
    assert ids(_bucket_blocks.last_of_their_kind([gone], [gone, *others])) == last


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"raw": 40 * HOUR, "5m": 240 * HOUR, "1h": 1}, []),
        ({"raw": 0, "5m": 0}, []),
        ({"raw": 39 * HOUR, "5m": 239 * HOUR}, ["raw", "5m"]),
    ],
)
def test_what_would_go_before_it_is_downsampled(kept: dict[str, float], told: list[str]) -> None:
    assert [name for name, _least in _bucket_blocks.too_short(kept)] == told


def test_a_copy() -> None:
    source = [made("A", 0, 2), made("B", 2, 4), made("C", 0, 990, US), made("D", 0, 2, {"x": "y"})]
    copy = [made("A", 0, 2), made("C", 0, 990, US), made("Z", 0, 1, US)]
    found = {one["stream"]: one for one in _bucket_blocks.copied(source, copy, now=NOW, live=[US])}
    assert found["region=eu"]["missing"] == ["B"]
    assert (found["region=eu"]["rpo"], found["region=eu"]["behind"]) == (998 * HOUR, 2 * HOUR)
    assert (found["region=us"]["rpo"], found["region=us"]["behind"], found["region=us"]["missing"]) == (
        10 * HOUR,
        0,
        [],
    )
    assert [found[name]["live"] for name in ("region=eu", "region=us", "x=y")] == [False, True, False]
    assert (found["x=y"]["rpo"], found["x=y"]["newest"], found["x=y"]["missing"]) == (None, None, ["D"])


def test_without_live_ones_all_streams_are() -> None:
    (found,) = _bucket_blocks.copied([made("A", 0, 2)], [made("A", 998, 1001)], now=NOW)
    assert (found["live"], found["rpo"]) == (True, 0.0)


@pytest.mark.parametrize(
    ("text", "length"), [("0", 0), ("0d", 0), ("90m", 5400), ("1d12h", 129_600), ("1w", 604_800), ("500ms", 0.5)]
)
def test_durations(text: str, length: float) -> None:
    assert _bucket_blocks.seconds(text) == length


@pytest.mark.parametrize("text", ["", "3", "1.5h", "-1h", "h", "1m2h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(HAError, match=r"rpo: .* is not a duration"):
        _bucket_blocks.seconds(text, "rpo")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (7380, "2 h 3 min"),
        (7200, "2 h"),
        (86_461, "1 d"),
        (97_200, "1 d 3 h"),
    ],
)
def test_spans_for_people(length: float, words: str) -> None:
    assert _bucket_blocks.span(length) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")])
def test_sizes_for_people(count: int, words: str) -> None:
    assert _bucket_blocks.size(count) == words
