# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Thanos sidecars and the Prometheus beside them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import flags, plan, prometheus, slice_of
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import Part, of, pair, told

COMPACT = of("compact")
MIN, MAX, DELAY = (
    "storage.tsdb.min-block-duration",
    "storage.tsdb.max-block-duration",
    "storage.tsdb.delay-compact-file.path",
)
FILE = "/var/lib/prometheus/thanos.shipper.json"
NEW = {"prometheus_version": "3.13.0"}


@pytest.mark.parametrize(
    "given, values, words",
    [
        pytest.param(
            {MIN: "2h", MAX: "6h"}, {}, "T01 error|min-block-duration is 2h and|max-block-duration is 6h", id="unequal"
        ),
        pytest.param({f"--{MAX}": "6h"}, {}, "T01 error|min-block-duration is 2h", id="one of them, with dashes"),
        pytest.param({MIN: "1h", MAX: "60m"}, {}, "T01 warning|made for blocks of 2h", id="equal and short"),
        pytest.param({DELAY: FILE}, {**NEW, "thanos_version": "0.40.1"}, "T01 error|Thanos 0.40.1", id="old Thanos"),
        pytest.param({DELAY: "thanos.shipper.json"}, NEW, f"T01 error|the sidecar's file is {FILE}.", id="relative"),
        pytest.param(
            {DELAY: FILE}, {**NEW, "prometheus_data_dir": "/srv/p/"}, "T01 error|file is /srv/p/thanos", id="elsewhere"
        ),
        pytest.param(
            {DELAY: FILE},
            {**NEW, "thanos_sidecar_extra_args": {"shipper.meta-file-name": "m.json"}},
            "T01 error|file is /var/lib/prometheus/m.json",
            id="another name",
        ),
    ],
)
def test_t01(given: dict[str, str], values: dict[str, t.Any], words: str) -> None:
    (found,) = told(pair(prometheus_extra_args=given, **values), COMPACT)
    assert all(part in found for part in words.split("|")), found
    assert "hosts p-1, p-2, variable prometheus_extra_args:" in found


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([pair(), COMPACT], id="nothing by hand"),
        pytest.param([pair(prometheus_retention="30d"), COMPACT], id="a long retention"),
        pytest.param([pair(prometheus_extra_args={MAX: "2h"}), COMPACT], id="one of them"),
        pytest.param([pair(prometheus_extra_args={MIN: "2h", MAX: "120m"}), COMPACT], id="spelled otherwise"),
        pytest.param([pair(prometheus_extra_args={DELAY: FILE, MAX: "6h"}, **NEW), COMPACT], id="the sidecar's file"),
        pytest.param([pair(prometheus_extra_args={MAX: "6h"}, thanos_objstore_config=None)], id="no upload"),
        pytest.param([pair(prometheus_extra_args={MAX: "long"}), COMPACT], id="no duration, as I07 says"),
        pytest.param([prometheus("a", prometheus_extra_args={MAX: "6h"})], id="no sidecar"),
    ],
)
def test_t01_passes(parts: list[Part]) -> None:
    assert told(*parts) == []


RENDERED = {f"--{MIN}": ["2h"], f"--{MAX}": ["2h"]}


@pytest.mark.parametrize(
    "values, expected",
    [
        pytest.param({}, RENDERED, id="uploads"),
        pytest.param({"thanos_objstore_config": None}, {}, id="does not upload"),
        pytest.param({"thanos_sidecar_enabled": False}, {}, id="no sidecar"),
        pytest.param({"thanos_sidecar_state": "absent"}, {}, id="a sidecar that leaves"),
        pytest.param({"thanos_sidecar_enabled": False, "prometheus_agent": True}, {}, id="an agent"),
        pytest.param(
            {"prometheus_extra_args": {f"--{MAX}": "4h"}}, {**RENDERED, f"--{MAX}": ["4h"]}, id="the user's own counts"
        ),
        pytest.param(
            {**NEW, "prometheus_extra_args": {DELAY: FILE}}, {f"--{DELAY}": [FILE]}, id="Prometheus waits for uploads"
        ),
    ],
)
def test_block_durations_are_rendered(values: dict[str, t.Any], expected: dict[str, list[str]]) -> None:
    argv = flags(slice_of(plan(pair(**values)), "p-1"))
    assert {name: value for name, value in argv.items() if name.lstrip("-") in (MIN, MAX, DELAY)} == expected


@pytest.mark.parametrize(
    "retention, rule", [("5h59m", ["T02"]), ("6h", []), ("15d", []), ("0", []), ("some", []), ("359m", ["T02"])]
)
def test_t02(retention: str, rule: list[str]) -> None:
    assert [line[:3] for line in told(pair(prometheus_retention=retention), COMPACT)] == rule
    assert told(pair(prometheus_retention=retention, thanos_objstore_config=None)) == []


@pytest.mark.parametrize("name", ["rule", "receive"])
@pytest.mark.parametrize("retention, count", [("5h59m", 1), ("6h", 0), ("0d", 0)])
def test_t02_of_rulers_and_ingestors(name: str, retention: str, count: int) -> None:
    values = {f"thanos_{name}_retention": retention}
    found = told(of(name, "a", **values), of("query", thanos_query_endpoints=["b:1"]), COMPACT)
    assert [line.partition(": ")[0] for line in found] == [
        f"T02 error host a, variable thanos_{name}_retention"
    ] * count
    assert told(of(name, thanos_objstore_config=None, **values), of("query")) == []


@pytest.mark.parametrize(
    "thanos, prometheus_version, words",
    [
        ("0.36.1", "3.5.3", "Thanos 0.36.1 stands beside Prometheus 3.5.3"),
        ("0.36.1", "2.53.3", ""),
        ("0.37.0", "3.5.3", ""),
        ("latest", "3.5.3", "'latest' is refused"),
        ("0.42", "3.5.3", "'0.42' is not a version"),
    ],
)
def test_t16(thanos: str, prometheus_version: str, words: str) -> None:
    found = told(pair(thanos_version=thanos, prometheus_version=prometheus_version), COMPACT)
    assert [line[:3] for line in found] == ["T16"] * bool(words)
    assert all(words in line and "hosts p-1, p-2, variable thanos_version" in line for line in found)


def test_t16_once_a_host() -> None:
    host = of("query", "a", thanos_version="latest", thanos_query_endpoints=["b:1"])
    both = {"a": type(host["a"])("a", ("thanos_query", "thanos_query_frontend"), host["a"].values, {}, {})}
    (found,) = told(both)
    assert found.startswith("T16 error host a,")


@pytest.mark.parametrize("upload", [True, False])
def test_t17(upload: bool) -> None:
    values: dict[str, t.Any] = {} if upload else {"thanos_objstore_config": None}
    (found,) = told(pair(prometheus_external_labels={}, **values), *([COMPACT] if upload else []))
    assert found.startswith("T17 error hosts p-1, p-2, variable prometheus_external_labels: ")
    assert "only external label is 'replica'" in found


def test_t17_passes_without_a_sidecar() -> None:
    assert told(prometheus("p-1", "p-2")) == []


def test_t23() -> None:
    (found,) = told(pair(prometheus_agent=True), COMPACT)
    assert found.startswith("T23 error hosts p-1, p-2, variable thanos_sidecar_enabled")
