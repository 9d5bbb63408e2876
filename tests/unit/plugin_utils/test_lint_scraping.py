# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""P13, P14 and P16: how often replicas scrape, from which hosts, and how far queries look back."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import contents, plan, prometheus, slice_of


def told(rule: str, *names: str, **values: t.Any) -> list[str]:
    found = plan(prometheus(*(names or ("p", "q")), **values)).findings
    return [str(finding) for finding in found if finding.id == rule]


def job(name: str = "j", **values: t.Any) -> dict[str, t.Any]:
    return {"job_name": name, **values}


@pytest.mark.parametrize(
    "values, variable, words",
    [
        pytest.param(
            {"prometheus_scrape_interval": "151s"},
            "prometheus_scrape_interval",
            "the global settings: scraped every 2m31s, and queries look back 5m. Do: scrape at least every 2m30s, or "
            "set query.lookback-delta to 5m2s",
            id="global",
        ),
        pytest.param(
            {"prometheus_scrape_configs": [job(), job("slow", scrape_interval="10m")]},
            "prometheus_scrape_configs",
            "job 'slow': scraped every 10m",
            id="a job",
        ),
        pytest.param(
            {"prometheus_extra_args": {"--query.lookback-delta": "59s"}},
            "prometheus_scrape_interval",
            "scraped every 30s, and queries look back 59s",
            id="a short lookback",
        ),
    ],
)
def test_p13(values: dict[str, t.Any], variable: str, words: str) -> None:
    found = told("P13", **values)
    assert len(found) == 1
    assert found[0].startswith(f"P13 warning hosts p, q, variable {variable}: ")
    assert words in found[0]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"prometheus_scrape_interval": "150s"}, id="exactly twice"),
        pytest.param({"prometheus_extra_args": {"query.lookback-delta": "1m"}}, id="exactly twice a short one"),
        pytest.param({"prometheus_scrape_interval": "1h", "prometheus_agent": True}, id="an agent answers no query"),
        pytest.param({"prometheus_scrape_interval": "1x"}, id="no duration: I07"),
        pytest.param({"prometheus_scrape_configs": [job(scrape_interval="0s")]}, id="0 counts as unset"),
    ],
)
def test_p13_passes(values: dict[str, t.Any]) -> None:
    assert told("P13", **values) == []


@pytest.mark.parametrize("names", [("prom.dc1", "prom.dc2"), ("Prom.dc1", "prom"), ("p.b.example", "p.a.example")])
def test_p14(names: tuple[str, str]) -> None:
    found = told("P14", *names)
    assert len(found) == 1
    assert found[0].startswith(f"P14 warning host {names[1]}: ")
    assert f"{names[0]} and {names[1]} of replica set default may both call themselves" in found[0]


@pytest.mark.parametrize("names", [("prom-1.dc1", "prom-2.dc1"), ("10.0.0.1", "10.0.0.2"), ("a", "b"), ("p.x",)])
def test_p14_passes(names: tuple[str, ...]) -> None:
    assert told("P14", *names) == []


def test_p14_of_two_sets() -> None:
    sets = [prometheus(f"prom.{name}", prometheus_replica_set=name) for name in ("eu", "us")]
    assert [finding for finding in plan(*sets).findings if finding.id == "P14"] == []


TIMEOUTS: list[tuple[str, dict[str, t.Any], str, str]] = [
    (
        "global",
        {"prometheus_scrape_interval": "5s"},
        "prometheus_scrape_timeout",
        "the global settings: the scrape timeout is 10s, the interval 5s.",
    ),
    (
        "merged over the variable",
        {"prometheus_config": {"global": {"scrape_timeout": "31s"}}},
        "prometheus_config",
        "the global settings: the scrape timeout is 31s, the interval 30s.",
    ),
    (
        "a job's own",
        {"prometheus_scrape_configs": [job(scrape_interval="20s", scrape_timeout="21s")]},
        "prometheus_scrape_configs",
        "job 'j': the scrape timeout is 21s, the interval 20s.",
    ),
    (
        "a job's timeout, the global interval",
        {"prometheus_scrape_configs": [job(scrape_timeout="31s")]},
        "prometheus_scrape_configs",
        "job 'j': the scrape timeout is 31s, the interval 30s.",
    ),
]
NO_TIMEOUTS: list[tuple[str, dict[str, t.Any]]] = [
    ("defaults", {}),
    ("equal", {"prometheus_scrape_interval": "10s"}),
    ("a job's interval below the global timeout", {"prometheus_scrape_configs": [job(scrape_interval="5s")]}),
    ("0 counts as unset", {"prometheus_scrape_configs": [job(scrape_interval="0s", scrape_timeout="30s")]}),
    ("global 0 counts as unset", {"prometheus_config": {"global": {"scrape_interval": "0s", "scrape_timeout": "1m"}}}),
    ("no timeout", {"prometheus_scrape_interval": "5s", "prometheus_config": {"global": {"scrape_timeout": "0s"}}}),
]


@pytest.mark.parametrize("_name, values, variable, words", TIMEOUTS, ids=[case[0] for case in TIMEOUTS])
def test_p16(_name: str, values: dict[str, t.Any], variable: str, words: str) -> None:
    found = told("P16", **values)
    assert len(found) == 1
    assert found[0].startswith(f"P16 error hosts p, q, variable {variable}: ")
    assert words in found[0]


@pytest.mark.parametrize("_name, values", NO_TIMEOUTS, ids=[case[0] for case in NO_TIMEOUTS])
def test_p16_passes(_name: str, values: dict[str, t.Any]) -> None:
    assert told("P16", **values) == []


@pytest.mark.parametrize("version", PROMETHEUS)
def test_prometheus_itself_agrees(version: str, tmp_path: Path) -> None:
    promtool = binaries("prometheus", version) / "promtool"

    def refused(values: dict[str, t.Any]) -> bool:
        rendered = contents(slice_of(plan(prometheus("p", **values)), "p"))["prometheus.yml"]
        data = {key: value for key, value in yaml.safe_load(rendered).items() if key != "rule_files"}
        (tmp_path / "p.yml").write_text(yaml.safe_dump(data), encoding="utf-8")
        argv = [str(promtool), "check", "config", str(tmp_path / "p.yml")]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 or "scrape timeout greater than scrape interval" in done.stdout + done.stderr
        return done.returncode != 0

    assert [case[0] for case in TIMEOUTS if not refused(case[1])] == []
    assert [case[0] for case in NO_TIMEOUTS if refused(case[1])] == []
