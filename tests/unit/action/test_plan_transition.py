# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for the time in which web endpoints move: who has to list both places, and what can't be done in one run."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.baremetal.prometheus_ha.plugins.action import plan
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan as support
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import begin_run, part, task_vars, templar_of
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import of, pair

FEDERATION = support.hosts(
    "g-1",
    groups=["prometheus_federation"],
    prometheus_federate=[{"replica_set": "leaves", "match": ["up"]}],
    prometheus_alertmanager_meshes=[],
    prometheus_ha_preflight_ignore=[{"id": "A01", "reason": "a test"}],
)
STACK = (
    support.prometheus("l-1", "l-2", prometheus_replica_set="leaves"),
    FEDERATION,
    support.alertmanager("am-1", "am-2", "am-3"),
)
THERE = {"port": 9999, "prefix": ""}
LEAVES, TOP = ("prometheus", "default", "leaves"), ("prometheus", "default", "federation")


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_run(tmp_path, monkeypatch)


def moves(name: str, *hosts: str) -> None:
    for host in hosts:
        _store.record_pending(host, {name: part("restart", endpoint=THERE)})


def action(host: str = "l-1", **args: t.Any) -> dict[str, t.Any]:
    variables = task_vars(host, *STACK)
    task: t.Any = types.SimpleNamespace(action="baremetal.prometheus_ha.plan", args=args, check_mode=False, async_val=0)
    connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    made = plan.ActionModule(task, connection, t.cast(t.Any, None), DataLoader(), templar_of(variables))
    return made.run(task_vars=variables)


@pytest.mark.parametrize(
    ("name", "hosts", "clients"),
    [
        pytest.param("alertmanager", ("am-1",), {"l-1": [LEAVES], "l-2": [LEAVES]}, id="a member: who alerts its mesh"),
        pytest.param("prometheus", ("l-1", "l-2"), {"g-1": [TOP]}, id="a replica: who federates it"),
        pytest.param("prometheus", ("g-1",), {}, id="to whom nobody talks"),
        pytest.param("prometheus", (), {}, id="nothing moves"),
    ],
)
def test_who_lists_both_places(name: str, hosts: tuple[str, ...], clients: dict[str, t.Any]) -> None:
    moves(name, *hosts)
    result = action(transition=True)
    assert "failed" not in result, result.get("msg")
    assert (result["clients"], result["changed"]) == (list(clients), False)
    assert {host: list(parts) for host, parts in _store.clients().items()} == clients


THANOS = (
    pair(),
    support.alertmanager("am-1", "am-2"),
    of("query", "q-1"),
    of("query_frontend", "f-1"),
    of("rule", "r-1", thanos_rule_rules=[{"name": "x", "rules": [{"record": "a:b", "expr": "vector(1)"}]}]),
)


@pytest.mark.parametrize(
    ("name", "host", "clients"),
    [
        ("thanos_sidecar", "p-1", {"q-1": {"thanos_query": ["endpoints.yml"]}}),
        (
            "thanos_query",
            "q-1",
            {"f-1": {"thanos_query_balancer": ["haproxy.cfg"]}, "r-1": {"thanos_rule": ["query.yml"]}},
        ),
        ("thanos_query_frontend", "f-1", {}),
    ],
)
def test_who_of_thanos_lists_both_places(
    name: str, host: str, clients: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "STACK", THANOS)
    _store.record_pending(host, {name: part("restart", endpoint={"port": 9999, "grpc_port": 9998})})
    result = action("q-1", transition=True)
    assert "failed" not in result, result.get("msg")
    assert {one: {cohort[0]: paths for cohort, paths in parts.items()} for one, parts in _store.clients().items()} == (
        clients
    )


def test_a_client_that_moves_itself_is_for_a_run_of_its_own() -> None:
    moves("alertmanager", "am-1")
    moves("prometheus", "l-2")
    result = action(transition=True)
    assert result["failed"] is True
    assert result["msg"].startswith("host l-2: the web endpoint of prometheus moves, and so does one that it talks to.")
    assert _store.clients() == {}


def test_a_mesh_that_moves_and_splits_is_for_two_runs() -> None:
    """Members move one after the other; each would be alone until the last has moved."""
    breaks = {"clients": ["--web.listen-address: :1 -> :2"], "peers": ["--cluster.label: a -> b"]}
    _store.record_pending("am-2", {"alertmanager": part("restart", endpoint=THERE, at_once=True, breaks=breaks)})
    result = action(transition=True)
    assert result["failed"] is True
    assert result["msg"].startswith("host am-2: the web endpoint of alertmanager moves, and what it talks to its peers")


def test_an_ordinary_plan_says_nothing_of_clients() -> None:
    moves("alertmanager", "am-1")
    result = action()
    assert "clients" not in result
    assert _store.clients() == {}
