# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run remembers of a component that it staged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Outcome
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _converge, _store
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan, support_store

PAIR = support_plan.prometheus("p-1", "p-2", prometheus_replica_set="eu", prometheus_version="3.5.3")
OURS, FORMER = ["prometheus", "default", "eu"], ["prometheus", "default", "us"]


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    support_store.begin_run(tmp_path, monkeypatch)


def test_what_the_host_found_and_where_the_plan_has_it() -> None:
    slices = support_store.obtain(support_store.task_vars("p-2", PAIR)).slices("p-2")
    found = Outcome(pending="restart", reasons=["x"], serves=True, runs="2.53.3", files=["a"], keeps="2.53.3")
    _converge.record("p-2", slices, {"prometheus": found.result()})
    (part,) = _store.due(["p-2"])["p-2"].values()
    assert part.keys() == support_store.part().keys(), "tests play what there is"
    kept = {key: value for key, value in dataclasses.asdict(found).items() if key in part}
    assert {key: part[key] for key in kept} == kept
    assert (part["cohorts"], part["version"], part["watched"]) == ([OURS], "3.5.3", False)
    assert part["order"] > 0, "the second of the plan"


def test_one_that_moves_between_sets_is_missed_by_neither() -> None:
    (item,) = support_store.obtain(support_store.task_vars("p-1", PAIR)).slices("p-1")
    assert _converge.part(item, Outcome(former_cohort=FORMER).result())["cohorts"] == [OURS, FORMER]


def test_of_one_that_leaves_no_version_is_wanted() -> None:
    gone = support_plan.prometheus("p-3", prometheus_replica_set="eu", prometheus_state="absent")
    (item,) = support_store.obtain(support_store.task_vars("p-3", PAIR, gone)).slices("p-3")
    assert _converge.part(item, Outcome(pending="remove", runs="3.5.3").result())["version"] == ""
