# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark of Thanos makes, and which answers it takes for right."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from pathlib import Path

import pytest

from scripts import bench_thanos as bench

END = 1_800_000_000


def answer(*series: tuple[str, list[float]], **more: t.Any) -> dict[str, t.Any]:
    result = [
        {"metric": {"job": job} if job else {}, "values": [[END, str(value)] for value in values]}
        for job, values in series
    ]
    return {"status": "success", "data": {"result": result}, **more}


@pytest.mark.parametrize(
    "given, told",
    [
        pytest.param(answer(("a", [2.0, 2.0, 2.0])), "", id="right"),
        pytest.param(answer(("a", [2.0, 1.91, 2.0])), "", id="a sample less at one point"),
        pytest.param(answer(("a", [2.0, 1.89, 2.0])), "1.89 of 'a', not 2.0", id="two samples less"),
        pytest.param(answer(("a", [2.0, 2.01, 2.0])), "2.01 of 'a', not 2.0", id="more"),
        pytest.param(answer(("a", [1.91, 1.91, 2.0])), "1.91 of 'a', not 2.0", id="less at most points"),
        pytest.param(answer(("a", [2.0, 2.0])), "2 points of 'a', not 3", id="a gap"),
        pytest.param(answer(), "series of [], not of ['a']", id="nothing"),
        pytest.param(
            answer(("a", [2.0] * 3), ("b", [2.0] * 3)), "series of ['a', 'b'], not of ['a']", id="more series"
        ),
        pytest.param(
            answer(("a", [2.0] * 3), warnings=["no answer"]),
            '{"status": "success", "error": null, "warnings": ["no answer"]}',
            id="a Store API did not answer",
        ),
        pytest.param(
            {"status": "error", "error": "no"}, '{"status": "error", "error": "no", "warnings": null}', id="refused"
        ),
    ],
)
def test_what_is_wrong_with_an_answer(given: dict[str, t.Any], told: str) -> None:
    assert bench.wrong(given, {"a": 2.0}, 3, 0.05) == told


def test_without_deduplication_nothing_may_be_short() -> None:
    assert bench.wrong(answer(("a", [2.0, 1.91, 2.0])), {"a": 2.0}, 3) == "1.91 of 'a', not 2.0"


def test_an_instant_answer() -> None:
    given = {"status": "success", "data": {"result": [{"metric": {}, "value": [END, "40"]}]}}
    assert bench.wrong(given, {"": 40.0}, 1) == ""
    assert bench.wrong(given, {"": 20.0}, 1) == "40.0 of '', not 20.0"


@pytest.mark.parametrize(
    "query, pairs, dedup, expected",
    [
        (bench.COUNT, 1, True, {"": 1000.0}),
        (bench.COUNT, 20, True, {"": 20_000.0}),
        (bench.COUNT, 20, False, {"": 40_000.0}),
        (bench.FIRST, 20, True, {"": 1.0}),
        (bench.ONE, 20, True, {"": 20.0}),
    ],
)
def test_expected(query: bench.Query, pairs: int, dedup: bool, expected: dict[str, float]) -> None:
    assert query.expected(pairs, dedup=dedup) == expected


def test_the_rates_of_all_jobs() -> None:
    assert sum(bench.RANGED.expected(3, dedup=False).values()) == 6 * sum(range(1, 1001))


@pytest.mark.parametrize("shift", [0, bench.SHIFT])
def test_every_counter_rises_as_its_rate_says(shift: int) -> None:
    lines = list(bench.exposition(END, shift))
    assert lines[-1] == "# EOF\n"
    series: dict[str, list[tuple[int, int]]] = {}
    for line in lines:
        if not line.startswith("#"):
            name, value, at = line.split()
            series.setdefault(name, []).append((int(at), int(value)))
    assert len(series) == 1 + bench.SERIES
    for number in (0, 7, 999):
        values = series[f'{bench.COUNTER}{{job="job-{number % 20}",n="{number}"}}']
        first, last = values[0], values[-1]
        assert (last[1] - first[1]) / (last[0] - first[0]) == bench.slope(number)
        # The first rate of a range looks at a whole window, and the last sample is a current one.
        assert first[0] <= END - bench.RANGE - bench.WINDOW
        assert END - bench.STEP <= last[0] < END
        assert first[0] > END - bench.BLOCK


def test_a_block_that_is_over() -> None:
    assert bench.period(7200 * 5 + 1.5) == 7200 * 5


def test_requests() -> None:
    path, _mark, query = bench.RANGED.path(END, dedup=False).partition("?")
    asked = dict(urllib.parse.parse_qsl(query))
    assert path == "/api/v1/query_range"
    assert (asked["dedup"], asked["partial_response"], asked["start"]) == ("false", "false", str(END - 3600))
    assert bench.COUNT.path(END, dedup=True).startswith("/api/v1/query?query=count%28")


def test_quantiles_and_ratios() -> None:
    values = [float(number) for number in range(1, 61)]
    assert (bench.quantile(values, 0.5), bench.quantile(values, 0.95), bench.quantile([3.0], 0.95)) == (30, 57, 3)
    assert bench.ratios([2, 9, 4], [1, 3, 4]) == (1, 2, 3)


def test_ports_are_different() -> None:
    assert len(set(bench.free_ports(50))) == 50


def test_a_querier_of_some_store_apis(tmp_path: Path) -> None:
    stack = bench.Stack.of(4, tmp_path)
    (item,) = stack.slices(2, bench.querier())["querier"]
    args = bench.placed(item, tmp_path / "etc")
    assert f"--endpoint.sd-config-file={tmp_path}/etc/endpoints.yml" in args
    assert "--query.replica-label=replica" in args
    assert not [arg for arg in args if "/etc/thanos" in arg or "0.0.0.0" in arg]
    sidecars = [items[1]["service"]["args"] for items in stack.slices(4).values()]
    known = [arg.partition("=")[2] for args in sidecars for arg in args if arg.startswith("--grpc-address=")]
    assert item["expect"]["stores"] == known[:2]
    assert all(address in (tmp_path / "etc/endpoints.yml").read_text() for address in known[:2])


def test_one_frontend_of_two_has_a_cache(tmp_path: Path) -> None:
    stack = bench.Stack.of(2, tmp_path)
    found = {}
    for cached in (False, True):
        (item,) = stack.slices(2, bench.frontend("http://127.0.0.1:1", cached=cached))["frontend"]
        found[cached] = json.dumps(item["service"]["args"])
        assert "--query-frontend.downstream-url=http://127.0.0.1:1" in found[cached]
    assert ("response-cache" in found[False], "response-cache" in found[True]) == (False, True)
