# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readiness predicates as tables over the replies of real servers (2.53.3, 3.5.3; 0.28.1, 0.33.1)."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._ready import (
    Expect,
    alertmanager_ready,
    check,
    host_port,
    not_ready,
    prometheus_alertmanagers,
    prometheus_ready,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Verdict, Waited, wait
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Replies, Steps, reply

PROMETHEUS = Api("prometheus", "http://p")
ALERTMANAGER = Api("alertmanager", "http://a")


def mesh(status: str, *peers: str) -> dict[str, t.Any]:
    return {"cluster": {"status": status, "peers": [{"name": f"n{peer}", "address": peer} for peer in peers]}}


@pytest.mark.parametrize(
    "given, wanted",
    [
        ("http://10.0.0.1:9093/api/v2/alerts", "10.0.0.1:9093"),
        ("https://am.example/prefix", "am.example:443"),
        ("http://AM.example", "am.example:80"),
        ("AM:9093", "am:9093"),
        ("[2001:DB8:0::1]:9093", "[2001:db8::1]:9093"),
        ("http://[2001:db8::1]:9093/x", "[2001:db8::1]:9093"),
        ("am", "am"),
    ],
)
def test_host_port(given: str, wanted: str) -> None:
    assert host_port(given) == wanted


def test_host_port_refuses_nonsense() -> None:
    with pytest.raises(HAError, match="not host:port"):
        host_port("am:many")


@pytest.mark.parametrize(
    "status, replay, wanted",
    [
        (200, None, Verdict(True)),
        (
            503,
            {"min": 3, "max": 40, "current": 12},
            Verdict(False, "Prometheus is replaying the WAL: segment 12 of 40"),
        ),
        (503, {"min": 0, "max": 0, "current": 0}, Verdict(False, "Prometheus is starting (status 503)")),
        (503, None, Verdict(False, "Prometheus is starting (status 503)")),
    ],
)
def test_prometheus_ready(status: int, replay: dict[str, int] | None, wanted: Verdict) -> None:
    assert prometheus_ready(status, replay) == wanted


@pytest.mark.parametrize(
    "active, expected, missing",
    [
        (["http://10.0.0.1:9093/api/v2/alerts"], ["10.0.0.1:9093"], ""),
        (["http://10.0.0.1:9093/x", "http://10.0.0.2:9093/x"], ["10.0.0.2:9093"], ""),
        (["http://10.0.0.1:9093/x"], ["10.0.0.1:9093", "10.0.0.2:9093"], "10.0.0.2:9093 (active: 10.0.0.1:9093)"),
        ([], ["b:1", "a:1"], "a:1, b:1 (active: none)"),
        (["http://[2001:db8::1]:9093/x"], ["[2001:0db8::1]:9093"], ""),
    ],
)
def test_prometheus_alertmanagers(active: list[str], expected: list[str], missing: str) -> None:
    found = prometheus_alertmanagers({"activeAlertmanagers": [{"url": url} for url in active]}, expected)
    assert found == (
        Verdict(False, f"Prometheus does not see the Alertmanager {missing}") if missing else Verdict(True)
    )


@pytest.mark.parametrize(
    "status, members, wanted",
    [
        (mesh("ready", "a:1", "b:1"), 2, Verdict(True)),
        (mesh("ready", "a:1"), None, Verdict(True)),
        (mesh("disabled"), 1, Verdict(True)),
        (mesh("disabled"), None, Verdict(True)),
        (mesh("ready", "b:1", "a:1"), 3, Verdict(False, "Alertmanager sees 2 of 3 members: a:1, b:1")),
        (mesh("ready", "a:1", "b:1"), 1, Verdict(False, "Alertmanager sees 2 of 1 members: a:1, b:1")),
        (mesh("settling", "a:1"), 1, Verdict(False, "Alertmanager's gossip is not settled (status settling)")),
        ({}, None, Verdict(False, "Alertmanager's gossip is not settled (status None)")),
    ],
)
def test_alertmanager_ready(status: dict[str, t.Any], members: int | None, wanted: Verdict) -> None:
    assert alertmanager_ready(status, members) == wanted


def test_a_member_without_a_mesh_never_sees_three() -> None:
    assert alertmanager_ready(mesh("disabled"), 3).hopeless


@pytest.mark.parametrize(
    "api, replies, done, hopeless, says",
    [
        (PROMETHEUS, {"/-/ready": reply(200)}, True, False, ""),
        (PROMETHEUS, {"/-/ready": reply(503), "/api/v1/status/walreplay": reply(500)}, False, False, "is starting"),
        (PROMETHEUS, {"/-/ready": reply(404, "404 page not found")}, False, True, "--web.route-prefix"),
        (PROMETHEUS, {"/-/ready": reply(401, "Unauthorized")}, False, True, "credentials"),
        (PROMETHEUS, {}, False, False, "http://p does not answer: refused"),
        (ALERTMANAGER, {"/api/v2/status": reply(200, mesh("ready"))}, True, False, ""),
        (ALERTMANAGER, {"/api/v2/status": reply(502, "proxy")}, False, False, "status 502"),
        (ALERTMANAGER, {"/api/v2/status": reply(200, "hello")}, False, False, "not JSON"),
        (ALERTMANAGER, {"/api/v2/status": reply(200, [1])}, False, False, "not answered as alertmanager does"),
    ],
)
def test_check(api: Api, replies: dict[str, t.Any], done: bool, hopeless: bool, says: str) -> None:
    found = check(api, Expect(), Replies(replies))
    assert (found.done, found.hopeless) == (done, hopeless)
    assert says in found.waiting_for


def test_check_asks_for_the_alertmanagers_only_where_some_are_expected() -> None:
    expect = Expect(alertmanagers=("a:1",))
    active = {"status": "success", "data": {"activeAlertmanagers": []}}
    replies = Replies({"/-/ready": reply(200), "/api/v1/alertmanagers": reply(200, active)})
    assert check(PROMETHEUS, expect, replies).waiting_for.startswith("Prometheus does not see the Alertmanager a:1")


def look(replies: Replies) -> Waited:
    return wait(lambda: check(PROMETHEUS, Expect(), replies), timeout=3, interval=1, clock=Steps())


def test_a_wait_in_vain_says_what_it_saw_last() -> None:
    replies = Replies({"/-/ready": reply(503), "/api/v1/status/walreplay": reply(503)})
    with pytest.raises(HAError, match=r"http://p: not ready after 3\.0 s: Prometheus is starting") as caught:
        raise not_ready("http://p", look(replies))
    assert caught.value.facts["waiting_for"] == "Prometheus is starting (status 503)"
    assert len([path for path in replies.asked if path == "/-/ready"]) == 4
    replies = Replies({"/-/ready": reply(404)})
    with pytest.raises(HAError, match="will not become so"):
        raise not_ready("http://p", look(replies))
    assert replies.asked == ["/-/ready"]
