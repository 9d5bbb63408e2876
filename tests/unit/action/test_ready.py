# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The short proof that the plan expects of a host: real runs against components that are played on loopback."""

from __future__ import annotations

import http.server
import json
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.action import ready as action
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import AM_CONFIG, Ran, local, playbook, write

PLAYED = [{"id": "X05", "reason": "both are played on loopback, by one process"}]


class Stack(http.server.ThreadingHTTPServer):
    """Answers as a Prometheus and as an Alertmanager at once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), Answer)
        self.alertmanager = f"127.0.0.2:{self.server_address[1]}"
        self.active = [f"http://{self.alertmanager}/api/v2/alerts"]
        self.peers = 1
        self.asked: list[str] = []


class Answer(http.server.BaseHTTPRequestHandler):
    server: Stack

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        replies: dict[str, t.Any] = {
            "/-/ready": "ready",
            "/api/v1/alertmanagers": {"data": {"activeAlertmanagers": [{"url": url} for url in self.server.active]}},
            "/api/v2/status": {"cluster": {"status": "ready", "peers": [{"name": "x"}] * self.server.peers}},
        }
        self.send_response(200 if self.path in replies else 404)
        self.end_headers()
        self.wfile.write(json.dumps(replies.get(self.path, "")).encode())

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def stack() -> t.Iterator[Stack]:
    with Stack() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def prove(folder: Path, stack: Stack, *, values: dict[str, t.Any] | None = None, **args: t.Any) -> Ran:
    port = stack.server_address[1]
    values = {"prometheus_ha_preflight_ignore": PLAYED, **(values or {})}
    hosts = {
        "prometheus": {"hosts": local("p", prometheus_port=port, prometheus_listen_address="127.0.0.1", **values)},
        "alertmanager": {
            "hosts": local(
                "am",
                ansible_host="127.0.0.2",
                alertmanager_config=AM_CONFIG,
                alertmanager_listen_address="127.0.0.1",
                **{"alertmanager_port": port, **values},
            )
        },
    }
    task = {"baremetal.prometheus_ha.ready": {"timeout": 1, **args}, "register": "proof"}
    plays = [{"hosts": "p", "gather_facts": False, "tasks": [task, write(folder, "proof")]}]
    return playbook(folder, hosts, plays)


def test_what_the_plan_expects_is_proved(tmp_path: Path, stack: Stack) -> None:
    ran = prove(tmp_path, stack)
    assert ran.rc == 0, ran.words
    assert ran.results["changed"] is False
    assert set(stack.asked) == {"/-/ready", "/api/v1/alertmanagers"}


def test_what_is_missing_is_named_with_the_host(tmp_path: Path, stack: Stack) -> None:
    stack.active = []
    ran = prove(tmp_path, stack)
    assert ran.rc != 0
    assert "host p: " in ran.words
    assert f"does not see the Alertmanager {stack.alertmanager} (active: none)" in ran.words


def test_an_alertmanager_that_is_active_and_out_of_reach(tmp_path: Path, stack: Stack) -> None:
    """Prometheus calls every static target active."""
    stack.active = ["http://127.0.0.2:1/api/v2/alerts"]
    ran = prove(tmp_path, stack, values={"alertmanager_port": 1})
    assert ran.rc != 0
    assert "can't open a connection to the Alertmanager 127.0.0.2:1 ([Errno 111] Connection refused)" in ran.words


@pytest.mark.parametrize("state", ["staged", "absent"])
def test_what_is_not_to_run_is_not_asked(tmp_path: Path, stack: Stack, state: str) -> None:
    ran = prove(tmp_path, stack, values={"prometheus_state": state})
    assert ran.rc == 0, ran.words
    assert ran.results["skipped"] is True
    assert stack.asked == []


def test_with_a_url_of_its_own_no_plan_is_needed(tmp_path: Path, stack: Stack) -> None:
    url = f"http://127.0.0.1:{stack.server_address[1]}"
    ran = prove(tmp_path, stack, values={"prometheus_version": "latest"}, kind="prometheus", url=url)
    assert ran.rc == 0, ran.words
    assert stack.asked == ["/-/ready"]


def test_a_problem_of_the_inventory(tmp_path: Path, stack: Stack) -> None:
    ran = prove(tmp_path, stack, values={"prometheus_version": "latest"})
    assert ran.rc != 0
    assert "variable prometheus_version" in ran.words
    assert stack.asked == []


@pytest.mark.parametrize(
    ("limit", "wanted"), [(None, ["192.0.2.1:9093", "192.0.2.2:9093"]), ("p,am-1", ["192.0.2.1:9093"])]
)
def test_a_limited_run_proves_what_it_covers(limit: str | None, wanted: list[str]) -> None:
    members = {"192.0.2.1:9093": "am-1", "192.0.2.2:9093": "am-2"}
    expect = {"alertmanagers": members, "federates": {"federate-eu": {}}}  # the latter is for the status alone
    found = action._expected(expect, {"ansible_limit": limit, "ansible_play_hosts_all": ["p", "am-1"]})
    assert found == {"alertmanagers": wanted}
    assert action._expected({"members": 3}, {"ansible_limit": limit}) == {"members": 3}
