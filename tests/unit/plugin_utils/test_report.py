# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan as a person reads it."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _report
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, good, prometheus


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([["A", "B"]], ["A  B"]),
        ([["A", "B"], ["longer", "x"]], ["A       B", "longer  x"]),
        ([["A", "B"], ["x", ""]], ["A  B", "x"]),
    ],
)
def test_columns(rows: t.Sequence[t.Sequence[str]], expected: list[str]) -> None:
    assert _report.columns(rows) == expected


def test_what_runs_where_and_what_connects_to_what() -> None:
    text = _report.table(
        good(
            prometheus("eu-1", prometheus_replica_set="eu", ansible_host="2001:db8::1"),
            prometheus("eu-2", prometheus_replica_set="eu", ansible_host="2001:db8::2"),
            prometheus("agent", prometheus_replica_set="edge", prometheus_agent=True),
            alertmanager("am-1", "am-2"),
            alertmanager("am-3", alertmanager_state="absent"),
        )
    )
    parts = text.strip().split("\n\n")
    hosts, links, leaving = (part.splitlines() for part in parts)
    assert hosts[0].split() == ["HOST", "COMPONENT", "VERSION", "MEMBER", "OF", "ENDPOINT", "PORTS"]
    assert hosts[1].split() == [
        *("eu-1", "Prometheus", "3.5.3", "replica", "set", "eu"),
        *("http://[2001:db8::1]:9090", "9090/tcp"),
    ]
    assert hosts[-1].split()[-4:] == ["http://am-2.example:9093", "9093/tcp,", "9094/tcp,", "9094/udp"]
    assert [re.split(r" {2,}", line) for line in links] == [
        ["FROM", "MEMBERS", "TO", "EACH OF"],
        [
            "replica set eu",
            "eu-1, eu-2",
            "alerts mesh default",
            "http://am-1.example:9093, http://am-2.example:9093",
        ],
        [
            "mesh default",
            "am-1, am-2",
            "gossips in mesh default",
            "am-1.example:9094, am-2.example:9094",
        ],
    ]
    assert leaving == ["am-3: Alertmanager leaves"]


def test_without_links_there_is_no_heading_for_them() -> None:
    assert "FROM" not in _report.table(good(prometheus("a")))


def test_only_what_leaves() -> None:
    assert "a: Prometheus leaves" in _report.table(good(prometheus("a", prometheus_state="absent")))
