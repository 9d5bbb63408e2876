# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the overview's numbers say of stacks in which all is well or something is not, by promtool."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_dashboards import queries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import (
    INTERVAL,
    Series,
    healthy,
    labels,
    promtool,
    series,
)

NUMBERS = (
    "Sets with a replica down",
    "Meshes that are not whole",
    "Largest lag in a set",
    "Refused configurations",
)
AT = "10m"


def of(name: str, member: str, values: str) -> Series:
    return {series(name, labels(member)): values}


def twice(given: Series) -> Series:
    """The same, as a data source over two watchers has it."""
    return {f'{name[:-1]}, watcher="{watcher}"}}': values for name, values in given.items() for watcher in "ab"}


CASES: dict[str, tuple[Series, tuple[int, int, int, int]]] = {
    "all is well": ({}, (0, 0, 0, 0)),
    "a replica is down": (of("up", "us-1", "0x60"), (1, 0, 0, 0)),
    "a set is down": ({**of("up", "us-1", "0x60"), **of("up", "us-2", "0x60")}, (1, 0, 0, 0)),
    "both sets lack one": ({**of("up", "us-1", "0x60"), **of("up", "eu-2", "0x60")}, (2, 0, 0, 0)),
    "a member is down": (of("up", "am-1", "0x60"), (0, 1, 0, 0)),
    "a mesh is split": (of("alertmanager_cluster_members", "am-3", "1x60"), (0, 1, 0, 0)),
    "a replica lags": (of("prometheus_tsdb_head_max_time_seconds", "us-2", "0+20x60"), (0, 0, 200, 0)),
    "a replica and a member refuse": (
        {
            **of("prometheus_config_last_reload_successful", "us-2", "0x60"),
            **of("alertmanager_config_last_reload_successful", "am-2", "0x60"),
        },
        (0, 0, 0, 2),
    ),
}


@pytest.mark.parametrize("version", PROMETHEUS)
def test_numbers(version: str, tmp_path: Path) -> None:
    exprs = {query.title: query.expr for query in queries() if query.uid == "ha-overview" and query.title in NUMBERS}
    tests = []
    for name, (changes, values) in CASES.items():
        given = {**healthy(), **changes}
        for title, stack in ((name, given), (f"{name}, for two watchers", twice(given))):
            tests.append(
                {
                    "name": title,
                    "interval": INTERVAL,
                    "input_series": [{"series": each, "values": stack[each]} for each in stack],
                    "promql_expr_test": [
                        {"expr": exprs[number], "eval_time": AT, "exp_samples": [{"labels": "{}", "value": value}]}
                        for number, value in zip(NUMBERS, values)
                    ],
                }
            )
    promtool(version, tmp_path, {}, tests)
