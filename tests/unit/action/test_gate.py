# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate of a host: real runs against replicas that are played on loopback; each asks only what is its own."""

from __future__ import annotations

import http.server
import json
import threading
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.baremetal.prometheus_ha.plugins.action import gate as gate_action
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate, _store
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import Ran, local, playbook, write
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_store import begin_run, part, task_vars, templar_of

READY = {
    "targets": {"activeTargets": [{"scrapePool": "n", "labels": {"instance": "a:1"}, "health": "up"}]},
    "rules": {"groups": []},
}


class Replica(http.server.ThreadingHTTPServer):
    """A Prometheus that alerts nobody, and is not ready for so many questions."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), Answer)
        self.port = self.server_address[1]
        self.not_ready = 0
        self.asked: list[str] = []


class Answer(http.server.BaseHTTPRequestHandler):
    server: Replica

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        status = 200
        if path == "/-/ready" and self.server.not_ready > 0:
            self.server.not_ready -= 1
            status = 503
        started = f"process_start_time_seconds {time.time() - 600}\nprometheus_config_last_reload_successful 1\n"
        replies: dict[str, t.Any] = {
            "/-/ready": "ready",
            "/metrics": started,
            "/api/v1/targets": json.dumps({"data": READY["targets"]}),
            "/api/v1/rules": json.dumps({"data": READY["rules"]}),
            "/api/v1/alertmanagers": json.dumps({"data": {}}),
        }
        self.send_response(status if path in replies else 404)
        self.end_headers()
        self.wfile.write(replies.get(path, "").encode())

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def pair() -> t.Iterator[list[Replica]]:
    servers = [Replica(), Replica()]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def gate(folder: Path, pair: list[Replica], *options: str, values: t.Any = None, **args: t.Any) -> Ran:
    """On the first of two; the other has another port, so what is asked where shows."""
    replicas = {
        f"p-{number}": {
            **local("x")["x"],
            "prometheus_port": server.port,
        }
        for number, server in enumerate(pair, 1)
    }
    common = {
        "prometheus_ha_gate_before_timeout": 1.5,
        "prometheus_ha_gate_timeout": 1.5,
        "prometheus_alertmanager_meshes": [],
        **(values or {}),
    }
    hosts = {
        "all": {"vars": common},
        "prometheus": {"hosts": replicas},
    }
    task: dict[str, t.Any] = {
        "baremetal.prometheus_ha.gate": {"state": "before", "interval": 0.2, **args},
        "register": "found",
    }
    # What a user may write at a task does not hold for the questions to its peers.
    task.update(
        {"timeout": 120, "until": "found is success", "retries": 1, "delay": 0, "when": "inventory_hostname == 'p-1'"}
    )
    block = {"block": [task], "always": [write(folder, "found")]}
    plays = [{"hosts": "p-1", "gather_facts": False, "tasks": [block]}]
    return playbook(folder, hosts, plays, "--limit", "p-1", *options)


def test_a_peer_outside_of_the_limit_is_asked_on_itself(tmp_path: Path, pair: list[Replica]) -> None:
    ran = gate(tmp_path, pair)
    assert ran.rc == 0, ran.words
    assert (ran.results["open"], ran.results["changed"], ran.results["waiting_for"]) == (True, False, [])
    for server in pair:
        assert {"/-/ready", "/metrics", "/api/v1/targets", "/api/v1/rules"} <= set(server.asked)


def test_what_it_waits_for_is_shown(tmp_path: Path, pair: list[Replica]) -> None:
    pair[1].not_ready = 1
    ran = gate(tmp_path, pair, values={"prometheus_ha_gate_before_timeout": 30})
    assert ran.rc == 0, ran.words
    assert "p-1: waiting before the change: prometheus, ready: p-2 is starting (status 503)" in ran.words
    assert list(ran.results["waited"]) == ["prometheus ready"]


def test_a_peer_that_is_away(tmp_path: Path, pair: list[Replica]) -> None:
    pair[1].shutdown()
    pair[1].server_close()
    ran = gate(tmp_path, pair)
    assert ran.rc != 0
    assert "host p-1: the gate before the change of prometheus stays closed" in ran.words
    assert "answer: p-2 does not answer" in ran.words
    assert (ran.results["component"], ran.results["predicate"]) == ("prometheus", "answer")


def test_check_mode_looks_once(tmp_path: Path, pair: list[Replica]) -> None:
    pair[1].not_ready = 100
    ran = gate(tmp_path, pair, "--check", "--diff")
    assert ran.rc == 0, ran.words
    assert "waiting before the change" not in ran.words
    assert pair[1].asked.count("/-/ready") == 1


def test_a_peer_that_cannot_be_reached_by_ansible(tmp_path: Path, pair: list[Replica]) -> None:
    assert gate(tmp_path, pair).rc == 0
    hosts = json.loads((tmp_path / "hosts.yml").read_text())
    hosts["prometheus"]["hosts"]["p-2"].update(
        ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1, prometheus_ha_address="p-2"
    )
    ran = playbook(tmp_path, hosts, tmp_path / "play.yml", "--limit", "p-1")
    assert ran.rc != 0
    assert "answer: p-2 does not answer: " in ran.words and "onnection refused" in ran.words, ran.words


@pytest.mark.parametrize("state", ["staged", "absent"])
def test_what_is_not_to_run_has_no_gate(tmp_path: Path, pair: list[Replica], state: str) -> None:
    ran = gate(tmp_path, pair, values={"prometheus_state": state})
    assert ran.rc == 0, ran.words
    assert ran.results["skipped"] is True
    assert pair[0].asked == pair[1].asked == []


def test_rules_of_another_generation(tmp_path: Path, pair: list[Replica]) -> None:
    ran = gate(tmp_path, pair, state="after")
    assert ran.rc != 0
    assert "the gate after the change of prometheus stays closed" in ran.words
    assert "rules: p-1 evaluates 0 rules of generation none; the plan's is" in ran.words


def test_a_problem_of_the_inventory(tmp_path: Path, pair: list[Replica]) -> None:
    ran = gate(tmp_path, pair, values={"prometheus_version": "latest"})
    assert ran.rc != 0
    assert "variable prometheus_version" in ran.words
    assert pair[0].asked == []


# -- of a phase -------------------------------------------------------------------------------------------------------

BOTH = support_plan.hosts(
    "a-1", "a-2", groups=("prometheus", "alertmanager"), alertmanager_config=support_plan.AM_CONFIG
)


@pytest.mark.parametrize(
    ("prometheus", "alertmanager", "args", "asked"),
    [
        pytest.param("restart", "reload", {"phase": "together"}, ["alertmanager"], id="together"),
        pytest.param("restart", "reload", {"phase": "change"}, ["prometheus"], id="change"),
        pytest.param("none", "none", {}, ["prometheus", "alertmanager"], id="of no phase: all"),
        pytest.param("restart", "none", {"phase": "together"}, [], id="nothing has its turn"),
        pytest.param("restart", "reload", {"phase": "together", "name": "prometheus"}, [], id="not what is asked for"),
    ],
)
def test_whose_gate_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prometheus: str,
    alertmanager: str,
    args: dict[str, t.Any],
    asked: list[str],
) -> None:
    begin_run(tmp_path, monkeypatch)
    found = {"prometheus": part(prometheus), "alertmanager": part(alertmanager, at_once=alertmanager == "reload")}
    _store.record_pending("a-1", found)
    passed: list[str] = []

    class Played(gate_action.ActionModule):
        def pass_gate(
            self, state: str, components: t.Any, task_vars: dict[str, t.Any], interval: float = 0.0
        ) -> _gate.Passed:
            del state, task_vars, interval
            passed.extend(one.name for one in components)
            return _gate.Passed(0.0, {})

    variables = task_vars("a-1", BOTH)
    task: t.Any = types.SimpleNamespace(
        action="baremetal.prometheus_ha.gate", args={"state": "before", **args}, check_mode=False, async_val=0
    )
    connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None))
    made = Played(task, connection, t.cast(t.Any, None), DataLoader(), templar_of(variables))
    result = made.run(task_vars=variables)
    assert "failed" not in result, result.get("msg")
    assert (passed, result.get("skipped", False)) == (asked, not asked)
