# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over changes that others feel: consent is asked for once a set or mesh, with what changes."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live_run, _store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import stack, told, well
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import begin_run, part

LABEL = {"peers": ["--cluster.label: a -> b"]}
PORT = {"clients": ["--web.listen-address: 0.0.0.0:9093 -> 0.0.0.0:9193"]}
MESH = ("a-1", "a-2", "a-3")


def breaking(**hosts: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """What is told where these members (``_`` for ``-``) have such changes pending."""
    breaks = {(host.replace("_", "-"), "alertmanager"): changes for host, changes in hosts.items()}
    return told(dataclasses.replace(well(), breaks=breaks))


def test_what_gossip_depends_on() -> None:
    (found,) = breaking(a_1=LABEL, a_2=LABEL, a_3=LABEL)
    assert found.startswith(
        "A19 error host a-1: mesh default, on a-1, a-2, a-3: --cluster.label: a -> b: members that have it don't hear "
        "those that don't."
    )
    assert "or consent: prometheus_ha_preflight_ignore: [{id: A19, reason: ...}]" in found


def test_a_web_endpoint_that_moves() -> None:
    (found,) = breaking(a_2=PORT)
    assert found.startswith(
        "X06 error host a-2: mesh default, on a-2: --web.listen-address: 0.0.0.0:9093 -> 0.0.0.0:9193: who talks to it "
        "has to know."
    )
    assert "[{id: X06, reason: ...}]" in found


def test_all_changes_of_a_member_are_named_at_once() -> None:
    more = {"peers": [*LABEL["peers"], "--cluster.tls-config: none -> /x"]}
    (found,) = breaking(a_1=more)
    assert ": --cluster.label: a -> b; --cluster.tls-config: none -> /x: " in found


def test_both_kinds_are_two_rules() -> None:
    assert [line[:3] for line in breaking(a_1={**LABEL, **PORT})] == ["A19", "X06"]


def test_each_set_is_told() -> None:
    of = topology(prometheus("p-1", "p-2"), prometheus("q-1", prometheus_replica_set="q"), alertmanager(*MESH))
    breaks = {(host, "prometheus"): PORT for host in ("p-1", "p-2", "q-1")}
    found = told(dataclasses.replace(well(of), breaks=breaks))
    assert [line.partition(": --web")[0] for line in found] == [
        "X06 error host p-1: replica set default, on p-1, p-2",
        "X06 error host q-1: replica set q, on q-1",
    ]


@pytest.mark.parametrize("changes", [{}, {"peers": []}, {"clients": []}])
def test_what_nobody_feels(changes: dict[str, list[str]]) -> None:
    assert breaking(a_1=changes) == []


def test_what_is_felt_is_what_the_hosts_of_the_play_were_found_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_run(tmp_path, monkeypatch)
    for host in ("a-1", "a-2"):
        _store.record_pending(host, {"alertmanager": part("restart", breaks=LABEL)})
    assert _live_run.seen(stack(), ["p-1"], 3.0).breaks == {}
    found = _live_run.seen(stack(), ["p-1", "a-1"], 3.0).breaks
    assert {key: value for key, value in found.items() if value} == {("a-1", "alertmanager"): LABEL}
