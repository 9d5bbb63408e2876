# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what shares a host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    alertmanager,
    findings,
    good,
    hosts,
    prometheus,
)


def both(**values: t.Any) -> t.Any:
    return hosts("a", groups=["prometheus", "alertmanager"], alertmanager_config=AM_CONFIG, **values)


@pytest.mark.parametrize(
    "values, where, words",
    [
        pytest.param(
            {"alertmanager_port": 9090},
            "alertmanager_port",
            "alertmanager and prometheus would both use the tcp port 9090 (the other one by prometheus_port)",
            id="web ports",
        ),
        pytest.param(
            {"prometheus_port": 9094}, "alertmanager_cluster_port", "both use the tcp port 9094", id="web and gossip"
        ),
        pytest.param(
            {"alertmanager_cluster_port": 9093}, "alertmanager_cluster_port", "tcp port 9093", id="within a component"
        ),
        pytest.param(
            {"alertmanager_data_dir": "/var/lib/prometheus"},
            "alertmanager_data_dir",
            "both use the folder /var/lib/prometheus",
            id="data folders",
        ),
        pytest.param(
            {"alertmanager_data_dir": "/var/lib/prometheus/"},
            "alertmanager_data_dir",
            "both use the folder /var/lib/prometheus",
            id="data folders, spelled differently",
        ),
    ],
)
def test_x03(values: dict[str, t.Any], where: str, words: str) -> None:
    found = findings(both(**values))
    assert [line.partition(": ")[0] for line in found] == [f"X03 error host a, variable {where}"], found
    assert words in found[0]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([both()], id="the defaults"),
        pytest.param([prometheus("a"), alertmanager("b", alertmanager_port=9090)], id="two hosts"),
        pytest.param([both(prometheus_state="absent", alertmanager_port=9090)], id="one leaves"),
    ],
)
def test_x03_passes(parts: list[t.Any]) -> None:
    good(*parts)


def test_every_clash_at_once() -> None:
    values = {"alertmanager_port": 9090, "alertmanager_data_dir": "/var/lib/prometheus"}
    assert len(findings(both(**values))) == 2


def test_x01_two_of_a_set_at_one_address() -> None:
    (found,) = findings(prometheus("p-1", "p-2", ansible_host="192.0.2.1"))
    assert found.startswith("X01 error host p-2, variable prometheus_ha_address")
    assert "p-1 and p-2 of replica set default have the same address 192.0.2.1" in found


def test_x01_passes_for_hosts_apart_and_for_two_components_of_one_host() -> None:
    good(prometheus("p-1", ansible_host="192.0.2.1"), prometheus("p-2", ansible_host="192.0.2.2"))
    good(both(ansible_host="192.0.2.1"), alertmanager("b", ansible_host="192.0.2.2"))
