# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts in waves: never two of a set or a mesh at once, and a failing host stops what follows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import (
    MESH,
    REPLICAS,
    SETS,
    Run,
    Stack,
    wait_for,
    write_overlay,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import Watch

ROLES = Path(__file__).with_name("roles.yml")
COHORTS = {**SETS, "mesh": MESH}
RESEND = {"rules.alert.resend-delay": "5s"}


@dataclasses.dataclass(frozen=True)
class Rollout:
    overlay: Path
    run: Run
    watch: Watch
    before: dict[str, int]
    after: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Failure:
    run: Run
    before: dict[str, int]
    after: dict[str, int]
    units: tuple[dict[str, str], dict[str, str]]


def endpoints(stack: Stack) -> dict[str, tuple[str, int]]:
    return {name: (stack.addresses[name], 9093 if name in MESH else 9090) for name in (*REPLICAS, *MESH)}


def units(stack: Stack) -> dict[str, str]:
    return {name: stack.sh(name, "sha256sum < /etc/systemd/system/prometheus.service") for name in REPLICAS}


@pytest.fixture(scope="module")
def rollout(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Rollout:
    """A flag changes on all hosts; inventory/lab is what is wanted otherwise."""
    groups = {
        "prometheus": {"prometheus_extra_args": {**RESEND, "query.max-concurrency": 10}},
        "alertmanager": {"alertmanager_extra_args": {"web.get-concurrency": 8}},
    }
    overlay = write_overlay(tmp_path_factory.mktemp("waves"), groups=groups)
    before = stack.processes()
    with Watch(endpoints(stack)) as watch:
        run = stack.site(overlay=overlay)
    return Rollout(overlay, run.succeeded(), watch, before, stack.processes())


@pytest.fixture(scope="module")
def failure(stack: Stack, rollout: Rollout, tmp_path_factory: pytest.TempPathFactory) -> Failure:
    """A flag that every check takes, on which Prometheus dies at start."""
    extra = {**RESEND, "query.max-concurrency": 10, "query.max-samples": "many"}
    groups = {
        "prometheus": {"prometheus_extra_args": extra},
        "alertmanager": {"alertmanager_extra_args": {"web.get-concurrency": 8}},
    }
    overlay = write_overlay(tmp_path_factory.mktemp("dies"), groups=groups)
    former = units(stack)
    run = stack.site(overlay=overlay)
    return Failure(run, rollout.after, stack.processes(), (former, units(stack)))


def test_everything_was_restarted(rollout: Rollout) -> None:
    assert all(rollout.after[name] != pid for name, pid in rollout.before.items())


@pytest.mark.parametrize("cohort", COHORTS)
def test_never_two_of_a_cohort_are_down(rollout: Rollout, cohort: str) -> None:
    spans = {name: rollout.watch.down(name) for name in COHORTS[cohort]}
    assert rollout.watch.most_down(COHORTS[cohort]) <= 1, spans


def test_failing_replica_stops_the_run_with_its_own_words(failure: Failure) -> None:
    assert failure.run.rc != 0
    assert 'parsing "many": invalid syntax' in failure.run.output


def test_failing_replica_runs_its_former_unit_again(stack: Stack, failure: Failure) -> None:
    before, after = failure.units
    assert before == after
    wait_for(stack.whole, 10, "the stack is whole after a failed change")
    for replicas in SETS.values():
        first = stack.sh(replicas[0], f"tr '\\0' ' ' < /proc/{failure.after[replicas[0]]}/cmdline")
        assert "query.max-samples" not in first
        assert failure.after[replicas[0]] != failure.before[replicas[0]], "it was tried"


def test_failing_replica_leaves_the_others_alone(failure: Failure) -> None:
    others = [*MESH, *(replicas[1] for replicas in SETS.values())]
    assert {name: failure.after[name] for name in others} == {name: failure.before[name] for name in others}


def test_roles_alone_find_nothing_to_do(stack: Stack, failure: Failure, rollout: Rollout) -> None:
    assert failure.run.rc != 0
    run = stack.play(ROLES, overlay=rollout.overlay).succeeded()
    assert set(run.changed) == {*REPLICAS, *MESH}
    assert not any(run.changed.values()), run.output


def test_roles_alone_change_in_waves(stack: Stack, rollout: Rollout, tmp_path: Path) -> None:
    groups = {"prometheus": {"prometheus_extra_args": {**RESEND, "query.max-concurrency": 12}}}
    groups["alertmanager"] = {"alertmanager_extra_args": {"web.get-concurrency": 8}}
    before = stack.processes()
    with Watch(endpoints(stack)) as watch:
        run = stack.play(ROLES, overlay=write_overlay(tmp_path / "overlay", groups=groups)).succeeded()
    after = stack.processes()
    assert all(after[name] != before[name] for name in REPLICAS)
    assert all(after[name] == before[name] for name in MESH)
    assert all(watch.most_down(replicas) <= 1 for replicas in SETS.values())
    assert {name for name, count in run.changed.items() if count} == set(REPLICAS)
    assert rollout.run.rc == 0
