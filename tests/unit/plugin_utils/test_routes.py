# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tree of Alertmanager's routes, and what real ones make of it."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._routes import Route, walk
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config

ROOT = {"receiver": "all", "group_by": ["alertname"], "group_wait": "10s", "repeat_interval": "1h"}


def only(*routes: t.Any) -> Route:
    """The last route of a chain, each the only child of the one before it."""
    tree: dict[str, t.Any] = {}
    for route in reversed(routes):
        tree = {**route, **({"routes": [tree]} if tree else {})}
    return walk({"route": tree})[-1]


@pytest.mark.parametrize(
    "routes, expected",
    [
        pytest.param([{"receiver": "a"}], ("a", (), "30s", "5m", "4h"), id="Alertmanager's defaults"),
        pytest.param([ROOT], ("all", ("alertname",), "10s", "5m", "1h"), id="its own"),
        pytest.param([ROOT, {}], ("all", ("alertname",), "10s", "5m", "1h"), id="all inherited"),
        pytest.param(
            [ROOT, {"group_interval": "1m"}, {"receiver": "b", "group_by": ["dc"]}],
            ("b", ("dc",), "10s", "1m", "1h"),
            id="from the parent and its parent",
        ),
        pytest.param([ROOT, {"group_by": ["..."]}, {}], ("all", ("...",), "10s", "5m", "1h"), id="all labels"),
        pytest.param([ROOT, {"group_by": []}], ("all", (), "10s", "5m", "1h"), id="no label"),
        pytest.param(
            [ROOT, {"receiver": None, "group_by": None}], ("all", ("alertname",), "10s", "5m", "1h"), id="null is unset"
        ),
    ],
)
def test_inheritance(routes: list[t.Any], expected: tuple[t.Any, ...]) -> None:
    route = only(*routes)
    found = (route.receiver, route.group_by, route.group_wait, route.group_interval, route.repeat_interval)
    assert found == expected


def test_order_and_paths() -> None:
    tree = {"receiver": "r", "routes": [{"routes": [{"group_by": ["x"]}]}, {}]}
    found = [(route.path, route.parent, sorted(route.own)) for route in walk({"route": tree})]
    assert found == [
        ("route", None, ["receiver"]),
        ("route.routes[0]", "route", []),
        ("route.routes[0].routes[0]", "route.routes[0]", ["group_by"]),
        ("route.routes[1]", "route", []),
    ]


@pytest.mark.parametrize("config", [{}, {"route": None}, {"route": "x"}], ids=str)
def test_what_is_no_route(config: dict[str, t.Any]) -> None:
    assert walk(config) == []


def test_routes_that_are_none_and_a_deep_tree() -> None:
    assert [route.path for route in walk({"route": {"routes": ["x", None, {}]}})] == ["route", "route.routes[2]"]
    deep: dict[str, t.Any] = {}
    for _level in range(5000):
        deep = {"routes": [deep]}
    assert len(walk({"route": deep})) == 5001


def grouped(running: support_config.Running) -> list[tuple[str, dict[str, str]]]:
    """Each alert's number, and the labels of the group that it is in."""
    groups = json.loads(running.get("/api/v2/alerts/groups"))
    return [(alert["labels"]["number"], group["labels"]) for group in groups for alert in group["alerts"]]


@pytest.mark.parametrize("version", support_config.ALERTMANAGER)
def test_alertmanager_groups_as_the_walk_says(version: str, tmp_path: Path) -> None:
    """A route for each way to inherit; the labels by which the real one groups an alert of it are the walk's."""
    routes: list[dict[str, t.Any]] = [
        {},
        {"group_by": ["dc"]},
        {"group_by": ["..."]},
        {"group_by": ["..."], "routes": [{"matchers": ["dc=eu"]}]},
        {"group_by": ["..."], "routes": [{"matchers": ["dc=eu"], "group_by": ["alertname", "dc"]}]},
    ]
    routes = [{"matchers": [f"number={index}"], **route} for index, route in enumerate(routes)]
    tree = {"receiver": "nobody", "group_by": ["alertname"], "routes": routes}
    config = {"route": tree, "receivers": [{"name": "nobody"}]}
    alerts = [{"labels": {"alertname": "A", "dc": "eu", "number": str(index)}} for index in range(len(routes))]
    wanted = []
    for index, alert in enumerate(alerts):
        last = [route for route in walk(config) if route.path.startswith(f"route.routes[{index}]")][-1]
        kept = {name: value for name, value in alert["labels"].items() if {name, "..."} & set(last.group_by)}
        wanted.append((str(index), kept))
    path = tmp_path / "etc" / "alertmanager.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(config))
    with support_config.alertmanager(version, path) as running:
        url = f"{running.url}/api/v2/alerts"
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(alerts).encode(), headers), timeout=10).close()
        found = grouped(running)
        deadline = time.monotonic() + 10
        while len(found) < len(alerts) and time.monotonic() < deadline:  # groups are made by a routine of its own
            time.sleep(0.05)
            found = grouped(running)
    assert sorted(found, key=lambda pair: pair[0]) == wanted
