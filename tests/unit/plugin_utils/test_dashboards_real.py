# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dashboards' queries on a stack that runs: every metric is there, and every panel has something to show."""

from __future__ import annotations

import contextlib
import typing as t
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import (
    ALERTMANAGER,
    PROMETHEUS,
    Running,
    alertmanager,
    free_port,
    prometheus,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_dashboards import queries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_metrics import (
    answer,
    config,
    empty,
    had,
    metrics_in,
    stored,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import stack

# Their parts are there, and nothing is down, so that there is nothing to list.
EMPTY_WHERE_ALL_IS_WELL = {
    ("ha-overview", "Replica sets", "== 0)"),
    ("ha-overview", "Meshes", "== 0)"),
    ("ha-overview", "Firing alerts", "ALERTS"),
}


def job(name: str, member: str, running: Running, **labels: str) -> dict[str, t.Any]:
    """The scrape configuration of one member, labelled as the stack's own jobs label it."""
    own = {"ha_component": name.removeprefix("ha-"), "ha_group": "us", "ha_member": member, **labels}
    return {"job_name": f"{name}-{member}", "static_configs": [{"targets": [running.url[7:]], "labels": own}]}


def notifying(version: str, folder: Path, url: str) -> contextlib.AbstractContextManager[Running]:
    """An Alertmanager that notifies at once, and is refused."""
    file = folder / "etc" / "alertmanager.yml"
    file.parent.mkdir(parents=True)
    receiver = {"name": "far", "webhook_configs": [{"url": url}]}
    route = {"receiver": "far", "group_wait": "0s", "group_interval": "1s"}
    file.write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}), encoding="utf-8")
    # From 0.30 on it waits for a minute.
    args = [] if version < "0.30" else ["--dispatch.start-delay=0s"]
    return alertmanager(version, file, f"127.0.0.1:{free_port()}", *args)


@contextlib.contextmanager
def running_stack(version: str, version_of_alertmanager: str, folder: Path) -> t.Iterator[Running]:
    """A Prometheus that watches itself, another one and an Alertmanager by the stack's rules, and federates itself."""
    rules = folder / "rules"
    for path, text in stack("us-1").items():
        if path.startswith("rules/"):
            rules.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    record = {"groups": [{"name": "federated", "rules": [{"record": "cluster:up:sum", "expr": "sum(up)"}]}]}
    (rules / "federated.yml").write_text(yaml.safe_dump(record), encoding="utf-8")
    with contextlib.ExitStack() as opened:
        enter = opened.enter_context
        other = enter(prometheus(version, empty(folder / "other"), "--web.enable-remote-write-receiver"))
        mesh = enter(notifying(version_of_alertmanager, folder / "alertmanager", f"{other.url}/nothing-there"))
        # The Alertmanager becomes known after the first alerts, which are sent again.
        watcher = enter(prometheus(version, empty(folder / "watcher"), "--rules.alert.resend-delay=1s"))
        # Its own address is known from here on.
        federate = {
            "job_name": "federate-us",
            "honor_labels": True,
            "metrics_path": "/federate",
            "params": {"match[]": ['{__name__=~"cluster:.+"}']},
            "static_configs": [{"targets": [watcher.url[7:]]}],
        }
        config(
            folder / "watcher",
            other.url,
            scrape_configs=[
                job("ha-prometheus", "us-1", watcher, ha_shard="0/1"),
                job("ha-prometheus", "us-2", other, ha_shard="0/1"),
                job("ha-alertmanager", "am-1", mesh, ha_group="default"),
                federate,
            ],
            rule_files=[f"{rules}/*.yml"],
            alerting={"alertmanagers": [{"static_configs": [{"targets": [mesh.url[7:]]}]}]},
        )
        urllib.request.urlopen(f"{watcher.url}/-/reload", data=b"", timeout=20).close()
        yield watcher


@pytest.mark.parametrize(("version", "version_of_alertmanager"), list(zip(PROMETHEUS, ALERTMANAGER)))
def test_every_metric_is_there_and_every_panel_shows_something(
    version: str, version_of_alertmanager: str, tmp_path: Path
) -> None:
    # Those of Thanos are asked where it runs: test_thanos_metrics_real.py.
    shown = [query for query in queries() if not query.uid.startswith("ha-thanos-")]
    metrics = {name for query in shown for name in metrics_in(query.expr)}
    assert len(metrics) > 60
    assert {"up", "ALERTS", "ha_config_generation", "process_open_fds", "alertmanager_silences"} <= metrics
    exprs = {
        query.expr: f"{query.uid}: {query.title}"
        for query in shown
        if not any(
            (query.uid, query.title) == where[:2] and where[2] in query.expr for where in EMPTY_WHERE_ALL_IS_WELL
        )
    }
    with running_stack(version, version_of_alertmanager, tmp_path) as watcher:
        missing = metrics - had(metrics, lambda: stored(watcher))
        assert missing == set()
        silent = set(exprs) - had(exprs, lambda: [expr for expr in exprs if answer(watcher, expr)])
        assert {exprs[expr]: expr for expr in silent} == {}


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ('a{b="c{d}"} / on (e) group_left () rate(f:g[5m])', {"a", "f:g"}),
        ('count by (x) (count_values by (x) ("hash", max(y))) > bool 1e3 or vector(0)', {"y"}),
        ('time() - timestamp({__name__=~"z.+"}) unless w', {"w"}),
    ],
)
def test_the_metrics_of_a_query(expr: str, names: set[str]) -> None:
    assert metrics_in(expr) == names
