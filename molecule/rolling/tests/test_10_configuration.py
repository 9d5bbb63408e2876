# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of files is a reload on every host, and one that is refused leaves the former bytes everywhere."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import (
    OLD,
    Prober,
    Rolling,
    Seen,
    Wanted,
    added,
    rerouted,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import MESH, REPLICAS, SETS, Run

BEGIN = Wanted(OLD, steady=True)
NEVER = {"alert": "NeverFires", "expr": "vector(0) > 1", "labels": {"severity": "none"}}
#: promtool takes it, since it does not open the file; Prometheus refuses it when it reloads.
REFUSED = {"prometheus_config": {"global": {"query_log_file": "/nonexistent/query.log"}}}


@dataclasses.dataclass(frozen=True)
class Change:
    run: Run
    seen: Seen
    starts: tuple[dict[str, str], dict[str, str]]
    files: tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]


def change(stack: Rolling, prober: Prober, wanted: Wanted) -> Change:
    starts, files = stack.starts(), stack.laid_down()
    running = stack.begin(wanted)
    run = running.wait()
    return Change(run, prober.seen(running.begun), (starts, stack.starts()), (files, stack.laid_down()))


@pytest.fixture(scope="module")
def groups() -> dict[str, dict[str, t.Any]]:
    """A rule on all replicas, and a route's interval on all members."""
    return {"prometheus": added(NEVER), "alertmanager": rerouted("5h")}


@pytest.fixture(scope="module")
def accepted(stack: Rolling, prober: Prober, groups: dict[str, dict[str, t.Any]]) -> Change:
    stack.settle(BEGIN)
    return change(stack, prober, dataclasses.replace(BEGIN, groups=groups))


@pytest.fixture(scope="module")
def refused(stack: Rolling, prober: Prober, groups: dict[str, dict[str, t.Any]], accepted: Change) -> Change:
    accepted.run.succeeded()
    more = {**groups, "prometheus": {**groups["prometheus"], **REFUSED}}
    return change(stack, prober, dataclasses.replace(BEGIN, groups=more))


def test_a_change_of_files_restarts_nothing(accepted: Change) -> None:
    assert all(accepted.run.succeeded().changed[name] for name in (*REPLICAS, *MESH)), accepted.run.changed
    before, after = accepted.starts
    assert before == after
    accepted.seen.assert_no_gap()
    assert not any(accepted.seen.down(name) for name in REPLICAS), accepted.seen.figures()
    print(f"a rule and a route on all hosts took {accepted.run.seconds:.1f} s; {accepted.seen.figures()}")


@pytest.mark.parametrize("replica", REPLICAS)
def test_the_new_rule_is_active_everywhere(stack: Rolling, accepted: Change, replica: str) -> None:
    assert accepted.run.rc == 0
    groups = stack.prometheus(replica, "rules?type=alert")["groups"]
    found = [rule for group in groups for rule in group["rules"] if rule["name"] == NEVER["alert"]]
    assert [rule["health"] for rule in found] == ["ok"]


@pytest.mark.parametrize("member", MESH)
def test_the_new_route_is_active_everywhere(stack: Rolling, accepted: Change, member: str) -> None:
    assert accepted.run.rc == 0
    assert "repeat_interval: 5h" in stack.alertmanager(member, "status")["config"]["original"]


def test_what_a_reload_refuses_leaves_the_former_bytes_on_every_host(refused: Change) -> None:
    assert refused.run.rc != 0, refused.run.output
    assert "/nonexistent/query.log" in refused.run.output
    before, after = refused.files
    assert before == after
    started, still = refused.starts
    assert started == still
    refused.seen.assert_no_gap()


def test_what_a_reload_refuses_stops_at_the_first_replica(stack: Rolling, refused: Change) -> None:
    assert refused.run.failed and refused.run.failed <= {replicas[0] for replicas in SETS.values()}
    for name in REPLICAS:
        assert "prometheus_config_last_reload_successful 1" in stack.metrics(name), f"{name} runs what it ran"
