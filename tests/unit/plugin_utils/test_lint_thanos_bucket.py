# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what is kept in buckets."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import OBJSTORE, Part, of, pair, told

OTHER = {**OBJSTORE, "prefix": "other"}


@pytest.mark.parametrize(
    "values, where",
    [
        pytest.param({"retention_raw": "39h"}, "retention_raw", id="raw"),
        pytest.param({"retention_5m": "9d"}, "retention_5m", id="5m"),
        pytest.param({"retention_raw": "40h", "retention_5m": "10d", "retention_1h": "1d"}, "", id="just so"),
        pytest.param({"retention_raw": "0d", "retention_5m": "0s"}, "", id="for ever"),
        pytest.param({"retention_raw": "1d", "downsampling": False}, "", id="no downsampling"),
        pytest.param({"retention_raw": "soon"}, "", id="no duration, as I07 says"),
    ],
)
def test_t08(values: dict[str, t.Any], where: str) -> None:
    found = told(of("compact", **{f"thanos_compact_{name}": value for name, value in values.items()}))
    assert [line.partition(":")[0] for line in found] == [
        f"T08 error host compact-1, variable thanos_compact_{where}"
    ] * bool(where)


@pytest.mark.parametrize(
    "held, kept, words",
    [
        ("48h", "48h", "served for 2d after it was marked, and compact-1 deletes it after 2d"),
        ("24h", "12h", "deletes it after 12h"),
        ("24h", "0s", "deletes it after 0s"),
        ("24h", "25h", ""),
        ("1x", "25h", ""),
        ("24h", "1x", ""),
    ],
)
def test_t09(held: str, kept: str, words: str) -> None:
    store = of("store", thanos_store_ignore_deletion_marks_delay=held)
    found = told(store, of("compact", thanos_compact_delete_delay=kept))
    assert [line[:3] for line in found] == ["T09"] * bool(words)
    assert all(words in line for line in found)


def test_t09_is_about_one_bucket_and_its_quickest_compactor() -> None:
    store, slow = of("store"), of("compact", "slow", thanos_compact_delete_delay="72h")
    quick = {"thanos_compact_delete_delay": "1h"}
    assert told(store, slow, of("compact", "quick", thanos_objstore_config=OTHER, **quick)) == []
    (found,) = told(store, slow, of("compact", "quick", **quick))
    assert "quick deletes it after 1h" in found


@pytest.mark.parametrize(
    "sidecar, stores, words",
    [
        pytest.param(
            {"thanos_sidecar_min_time": "-3h"}, [{}], "last 3h (thanos_sidecar_min_time is -3h)", id="too new"
        ),
        pytest.param({"thanos_sidecar_min_time": "4h"}, [{}], "", id="just so, without a sign"),
        pytest.param({}, [{}], "", id="nothing by hand"),
        pytest.param(
            {"prometheus_retention": "12h"},
            [{"thanos_store_max_time": "-1d"}],
            "last 12h (prometheus_retention is 12h)|older than 1d (thanos_store_max_time is -1d)",
            id="too short",
        ),
        pytest.param(
            {"prometheus_retention": "12h"},
            [{"thanos_store_max_time": "-1d"}, {"thanos_store_max_time": "-6h"}],
            "",
            id="another shard serves it",
        ),
        pytest.param({"thanos_sidecar_min_time": "-1h"}, [{"thanos_objstore_config": OTHER}], "", id="another bucket"),
        pytest.param(
            {"thanos_sidecar_min_time": "-1h"},
            [{"thanos_store_max_time": "2026-01-31T00:00:00Z"}],
            "",
            id="a fixed time, which nobody can tell",
        ),
        pytest.param({"thanos_sidecar_min_time": "2026-01-31T00:00:00Z"}, [{}], "", id="a fixed time of the sidecar"),
        pytest.param(
            {"thanos_sidecar_min_time": "-1h"},
            [{"thanos_store_max_time": "-30m"}],
            "store gateways only what is older than 3h15m (a block is uploaded and found",
            id="newer than any block",
        ),
    ],
)
def test_t10(sidecar: dict[str, t.Any], stores: list[dict[str, t.Any]], words: str) -> None:
    gateways: list[Part] = [
        of("store", f"s-{number}", **{"thanos_store_shard": str(number), **store})
        for number, store in enumerate(stores)
    ]
    found = told(pair(**sidecar), of("compact"), *gateways)
    assert [line[:11] for line in found] == ["T10 warning"] * bool(words)
    assert all(part in line for line in found for part in words.split("|"))


def test_t18_once_a_host() -> None:
    folder = {"type": "filesystem", "config": {"directory": "/srv/blocks"}}
    host = of("store", "a", thanos_objstore_config=folder)
    both = {"a": type(host["a"])("a", ("thanos_store", "thanos_compact"), host["a"].values, {}, {})}
    (found,) = told(both)
    assert found.startswith("T18 warning host a, variable thanos_objstore_config: ")
    assert "in the folder /srv/blocks" in found


@pytest.mark.parametrize(
    "part, words",
    [
        pytest.param(
            of("store", thanos_objstore_config=None), "Thanos Store on store-1 has no object store", id="store"
        ),
        pytest.param(of("compact", thanos_objstore_config={}), "Thanos Compact on compact-1 has no", id="compactor"),
        pytest.param(
            of("store", thanos_objstore_config={"type": "s4"}), "type is 's4', which Thanos has not", id="type"
        ),
        pytest.param(
            of("receive", thanos_objstore_config={"type": "S3", "config": {"secret_key": "hush"}}),
            "set config.bucket",
            id="no bucket",
        ),
        pytest.param(of("receive", thanos_objstore_config=None), "", id="a receiver needs none"),
    ],
)
def test_t22(part: Part, words: str) -> None:
    found = told(part)
    assert [line[:3] for line in found] == ["T22"] * bool(words)
    assert all(words in line and "variable thanos_objstore_config" in line for line in found)


KEEP = [{"action": "keep", "source_labels": ["region"], "regex": "eu"}]


@pytest.mark.parametrize(
    "first, second, variable",
    [
        pytest.param({"max_time": "-30d"}, {}, "thanos_store_max_time", id="one without an end"),
        pytest.param({"min_time": "-30d"}, {"min_time": "-31d"}, "thanos_store_min_time", id="two starts"),
        pytest.param({}, {"selector_relabel_configs": KEEP}, "thanos_store_selector_relabel_configs", id="selectors"),
        pytest.param({}, {"objstore": OTHER}, "thanos_objstore_config", id="two buckets"),
        pytest.param({"min_time": "-1d"}, {"min_time": "-1d"}, "", id="alike"),
        pytest.param({"max_time": "-30d"}, {"min_time": "-31d", "shard": "new"}, "", id="two shards"),
        pytest.param({}, {"objstore": None}, "", id="no bucket, as T22 says"),
    ],
)
def test_t27(first: dict[str, t.Any], second: dict[str, t.Any], variable: str) -> None:
    def store(name: str, values: dict[str, t.Any]) -> Part:
        bucket = {"thanos_objstore_config": values.pop("objstore")} if "objstore" in values else {}
        return of("store", name, **{f"thanos_store_{key}": value for key, value in values.items()}, **bucket)

    found = [line for line in told(store("s-1", {**first}), store("s-2", {**second})) if "T22" not in line]
    assert [line.partition(": ")[0] for line in found] == [f"T27 error host s-2, variable {variable}"] * bool(variable)
    assert all("it is another than for s-1, and both are of store shard default" in line for line in found)
