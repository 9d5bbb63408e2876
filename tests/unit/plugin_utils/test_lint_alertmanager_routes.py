# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about routes: what a notification is grouped by, and how often it is sent."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    findings,
    prometheus,
    warnings,
)

DC = {"source_labels": ["dc"], "regex": "(.+?)\\d+", "target_label": "dc"}


def config(route: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"route": {"receiver": "nobody", **route}, "receivers": [{"name": "nobody"}]}


def told(rule: str, *parts: t.Any) -> list[str]:
    return [line for line in [*findings(*parts), *warnings(*parts)] if line.startswith(f"{rule} ")]


@pytest.mark.parametrize(
    "members, timeout, route, words",
    [
        pytest.param(3, "15s", {}, None, id="defaults"),
        pytest.param(3, "150s", {}, "route flushes every 5m, and the last of 3 members waits 5m", id="as long as"),
        pytest.param(3, "149s", {}, None, id="a second less"),
        pytest.param(1, "1h", {}, None, id="nobody to wait for"),
        pytest.param(
            2,
            "15s",
            {"group_interval": "1h", "routes": [{"group_interval": "20s"}, {"group_interval": "10s"}]},
            "route.routes[1] flushes every 10s, and the last of 2 members waits 15s",
            id="the shortest",
        ),
        pytest.param(2, "15s", {"repeat_interval": "15s"}, "route flushes every 15s", id="a repeat"),
        pytest.param(2, "15s", {"group_interval": "often"}, None, id="no duration"),
    ],
)
def test_a06(members: int, timeout: str, route: dict[str, t.Any], words: str | None) -> None:
    names = [f"a-{number}" for number in range(members)]
    mesh = alertmanager(*names, alertmanager_cluster_peer_timeout=timeout, alertmanager_config=config(route))
    found = told("A06", mesh)
    assert len(found) == (words is not None), found
    assert all(line.startswith("A06 warning host a-0, variable alertmanager_config: ") for line in found)
    assert all((words or "") in line for line in found), found


def test_routes_of_a_file_are_told_by_its_variable() -> None:
    mesh = alertmanager("a", "b", alertmanager_config=None, alertmanager_config_file="am.yml")
    files = {"/inv/am.yml": "route: {receiver: x, group_interval: 10s}\nreceivers: [{name: x}]\n"}
    (found,) = [line for line in warnings(mesh, files=files) if line.startswith("A06")]
    assert found.startswith("A06 warning host a, variable alertmanager_config_file: ")


@pytest.mark.parametrize(
    "values, route, words",
    [
        pytest.param({}, {"group_by": ["replica"]}, "route groups by 'replica'", id="by the label"),
        pytest.param({}, {"group_by": ["..."]}, "route groups by all labels", id="by all"),
        pytest.param(
            {},
            {"group_by": ["a"], "routes": [{"group_by": ["a", "replica"], "routes": [{}]}]},
            "route.routes[0] groups by 'replica', and alerts of replica set default still have 'replica' by replica",
            id="where it is written",
        ),
        pytest.param({}, {"group_by": ["alertname"]}, None, id="by others"),
        pytest.param({}, {}, None, id="by nothing"),
        pytest.param({"prometheus_ha_alert_replica_label": "drop"}, {"group_by": ["replica"]}, None, id="dropped"),
        pytest.param({"prometheus_ha_alert_replica_label": "drop"}, {"group_by": ["..."]}, None, id="dropped, by all"),
        pytest.param(
            {"prometheus_alert_relabel_configs": [{"regex": "replica", "action": "labeldrop"}]},
            {"group_by": ["replica"]},
            None,
            id="dropped by hand",
        ),
        pytest.param(
            {"prometheus_alert_relabel_configs": [{"source_labels": ["replica"], "target_label": "who"}]},
            {"group_by": ["who"]},
            "route groups by 'who'",
            id="copied to another label",
        ),
        pytest.param(
            {"prometheus_alert_relabel_configs": [{"source_labels": ["replica"], "regex": "(", "target_label": "x"}]},
            {"group_by": ["replica"]},
            None,
            id="not decided: P04 says it",
        ),
        pytest.param(
            {"prometheus_agent": True, "prometheus_remote_write": [{"url": "http://x"}]},
            {"group_by": ["..."]},
            None,
            id="agents",
        ),
        pytest.param({"prometheus_alertmanager_meshes": []}, {"group_by": ["..."]}, None, id="who alerts nobody"),
    ],
)
def test_a08(values: dict[str, t.Any], route: dict[str, t.Any], words: str | None) -> None:
    replicas = prometheus("p", "q", **{"prometheus_ha_alert_replica_label": "keep", **values})
    found = told("A08", replicas, alertmanager("a", "b", alertmanager_config=config(route)))
    assert len(found) == (words is not None), found
    assert all(line.startswith("A08 error host a, variable alertmanager_config: ") for line in found)
    assert all((words or "") in line for line in found), found


@pytest.mark.parametrize("version", ["2.53.3", "3.5.3"])
@pytest.mark.parametrize(
    "relabelling, other, bad",
    [([DC], "europe2", False), ([], "europe2", True), ([DC], "asia1", True)],
    ids=["number stripped", "as it is", "another place"],
)
def test_a08_by_data_center(relabelling: list[t.Any], other: str, bad: bool, version: str) -> None:
    common = {
        "prometheus_version": version,
        "prometheus_ha_replica_label": "dc",
        "prometheus_ha_alert_replica_label": "keep",
        "prometheus_alert_relabel_configs": relabelling,
    }
    replicas = [
        prometheus("p", prometheus_replica="europe1", **common),
        prometheus("q", prometheus_replica=other, **common),
    ]
    mesh = alertmanager("a", "b", alertmanager_config=config({"group_by": ["dc"]}))
    assert len(told("A08", *replicas, mesh)) == bad


def test_a08_a_label_of_whole_sets_differs_between_sets_alone() -> None:
    sets = [
        prometheus(f"{site}-1", f"{site}-2", prometheus_replica_set=site, prometheus_external_labels={"site": site})
        for site in ("fra", "nyc")
    ]
    assert not told("A08", *sets, alertmanager("a", "b", alertmanager_config=config({"group_by": ["site"]})))


@pytest.mark.parametrize(
    "retention, route, words",
    [
        pytest.param("120h", {}, None, id="defaults"),
        pytest.param("120h", {"repeat_interval": "5d"}, None, id="as long as the log"),
        pytest.param("120h", {"repeat_interval": "5d1s"}, "repeats after 5d1s", id="longer than the log"),
        pytest.param("1h", {}, "route repeats after 4h, and the log of notifications is kept 1h", id="a short log"),
        pytest.param(
            "120h",
            {"group_interval": "2h", "repeat_interval": "1h"},
            "route repeats after 1h, and flushes only every 2h",
            id="flushes later than it repeats",
        ),
        pytest.param("120h", {"group_interval": "5m", "repeat_interval": "5m"}, None, id="equal"),
        pytest.param(
            "120h",
            {"repeat_interval": "1h", "routes": [{"group_interval": "2h", "routes": [{"receiver": "nobody"}]}]},
            "route.routes[0] repeats after 1h",
            id="half inherited, told once",
        ),
    ],
)
def test_a09(retention: str, route: dict[str, t.Any], words: str | None) -> None:
    found = told("A09", alertmanager("a", "b", alertmanager_retention=retention, alertmanager_config=config(route)))
    assert len(found) == (words is not None), found
    assert all((words or "") in line for line in found), found


@pytest.mark.parametrize(
    "given, words",
    [
        pytest.param({"route": [1], "receivers": 5}, ["receivers is not a list"], id="no list"),
        pytest.param({"receivers": [{"name": "x"}]}, ["route is not a mapping"], id="no route"),
        pytest.param({"route": {}, "receivers": [{"name": "x"}]}, ["route has no receiver"], id="no default"),
        pytest.param({"route": {"receiver": "x"}, "receivers": [5]}, ["receivers[0] has no name"], id="no mapping"),
        pytest.param(
            {"route": {"receiver": "x"}, "receivers": [{"name": ["x"]}]}, ["receivers[0] has no name"], id="no text"
        ),
        pytest.param(
            {"route": {"receiver": "x"}, "receivers": [{"name": "x"}, {"name": "x"}]},
            ["receivers[1] has the name 'x', which another one has"],
            id="twice",
        ),
        pytest.param(
            {"route": {"receiver": "x", "routes": [5, {"routes": [{"receiver": "y"}]}]}, "receivers": [{"name": "x"}]},
            ["route.routes[0] is not a mapping", "route.routes[1].routes[0] leads to the receiver 'y', which does not"],
            id="deep",
        ),
        pytest.param(
            {"route": {"receiver": ["x"], "routes": {"a": 1}}, "receivers": [{"name": "x"}]},
            ["the receiver of route is not a name", "route.routes is not a list"],
            id="of other shapes",
        ),
        pytest.param({"route": {"receiver": "x", "routes": None}, "receivers": [{"name": "x"}]}, [], id="sound"),
    ],
)
def test_a18(given: dict[str, t.Any], words: list[str]) -> None:
    found = [line for line in findings(alertmanager("a", "b", alertmanager_config=given)) if line.startswith("A18")]
    assert len(found) == len(words), found
    for line, word in zip(found, words):
        assert line.startswith("A18 error host a, variable alertmanager_config: ")
        assert word in line
