# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alerts and dashboards of Thanos on a Thanos that runs, in both versions of the lab: every metric is there, every
panel has something to show, and a second compactor leaves the traces that its alert looks for.

Skipped where Thanos is not built (support_thanos_running.py).
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Running
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_dashboards import queries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_metrics import answer, had, metrics_in, stored
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos_rules import thanos_stack
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos_running import (
    THANOS,
    Stack,
    compactor,
    mark_a_block,
    running_thanos,
    upload_blocks,
)

COVERED = 'thanos_blocks_meta_synced{state="duplicate"}'
COLLECTED = "thanos_compact_garbage_collected_blocks_total"
MARKED = 'thanos_compact_blocks_marked_total{marker="deletion-mark.json",reason=""}'
ITERATIONS = "thanos_compact_iterations_total"


@pytest.fixture(name="running", scope="module", params=THANOS)
def _running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Stack]:
    with running_thanos(request.param, tmp_path_factory.mktemp("thanos")) as stack:
        yield stack


def asked(stack: Stack, found: t.Callable[[], t.Collection[str]]) -> t.Callable[[], t.Collection[str]]:
    """The same, while somebody asks queries."""

    def look() -> t.Collection[str]:
        stack.ask()
        return found()

    return look


def rules() -> list[dict[str, t.Any]]:
    groups = yaml.safe_load(thanos_stack()["rules/thanos_health.yml"])["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_thanos_has_what_its_alerts_name(running: Stack) -> None:
    wanted = {name for rule in rules() for name in metrics_in(rule["expr"])}
    assert len(wanted) >= 30
    assert wanted - had(wanted, asked(running, lambda: stored(running.watcher))) == set()


def test_alerts_are_quiet_where_all_is_well(running: Stack) -> None:
    """But for what this stack lacks: an Alertmanager, and most of the members that the rules are made for."""
    lacking = {"ThanosRuleSenderIsFailingAlerts", "ThanosMemberNotWatched"}
    told: set[str] = set()

    def look() -> list[str]:
        """Rates need two scrapes, for which alerts have their `for`."""
        told.clear()
        told.update(rule["alert"] for rule in rules() if answer(running.watcher, rule["expr"]))
        return [] if told - lacking else ["quiet"]

    had(["quiet"], look)
    assert told - lacking == set()


def test_every_panel_shows_something(running: Stack) -> None:
    exprs = {query.expr: f"{query.uid}: {query.title}" for query in queries() if query.uid.startswith("ha-thanos-")}
    assert len(exprs) > 40
    answered = had(exprs, asked(running, lambda: [expr for expr in exprs if answer(running.watcher, expr)]))
    assert {exprs[expr]: expr for expr in set(exprs) - answered} == {}


# -- a second compactor ------------------------------------------------------------------------------------------------


Figures = t.Dict[str, float]


def figures(compact: Running, wanted: t.Callable[[Figures], bool]) -> Figures:
    """What a compactor says of blocks, as soon as it is what is wanted; else after a while."""
    names = {"covered": COVERED, "collected": COLLECTED, "marked": MARKED, "iterations": ITERATIONS}
    found: Figures = {}

    def look() -> list[str]:
        lines = dict(line.rsplit(" ", 1) for line in compact.get("/metrics").splitlines() if line[:1] != "#")
        found.update({name: float(lines[series]) for name, series in names.items()})
        return ["wanted"] if wanted(found) else []

    had(["wanted"], look)
    return found


@pytest.mark.parametrize("version", THANOS)
def test_blocks_that_another_one_compacts_are_covered_and_not_collected(version: str, tmp_path: Path) -> None:
    """And those that it compacts itself are both, so that one alone leaves no such trace."""
    upload_blocks(version, tmp_path, hours_ago=200)
    with compactor(version, tmp_path, "ours", interval="1h") as ours:
        alone = figures(ours, lambda found: found["iterations"] == 1 and found["covered"] > 0)
        assert alone == {"iterations": 1, "covered": 4, "collected": 4, "marked": 4}
        upload_blocks(version, tmp_path, hours_ago=300)
        with compactor(version, tmp_path, "theirs"):
            after = figures(ours, lambda found: found["covered"] >= 8)
    assert after["covered"] >= 8
    assert {**after, "covered": 4} == alone


@pytest.mark.parametrize("version", THANOS)
def test_blocks_that_another_one_marked_are_collected_and_not_marked(version: str, tmp_path: Path) -> None:
    """What is left where two compact the same blocks at the same time: who is later finds them marked."""
    upload_blocks(version, tmp_path, hours_ago=200)
    mark_a_block(version, tmp_path)
    with compactor(version, tmp_path) as ours:
        found = figures(ours, lambda found: found["collected"] >= 4)
    assert (found["collected"], found["marked"]) == (4, 3)
