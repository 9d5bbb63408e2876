# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure predicates over API replies: is a component ready, and does it see what it shall see."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import socket
import typing as t
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import (
    Api,
    fetch,
    fetch_data,
    fetch_object,
    refused,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http, HttpUnreachableError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Verdict, Waited

REACH_TIMEOUT = 2.0  # seconds; within a site or between sites, a TCP handshake takes a fraction of one

EXPECT_SPEC: dict[str, t.Any] = {
    "type": "dict",
    "options": {
        "alertmanagers": {"type": "list", "elements": "str"},
        "members": {"type": "int"},
    },
}


@dataclasses.dataclass(frozen=True)
class Expect:
    """What a ready component must see.

    :param alertmanagers: ``host:port`` that a Prometheus must have among its active Alertmanagers.
    :param members: of the mesh, an Alertmanager itself included; None: not looked at.
    """

    alertmanagers: tuple[str, ...] = ()
    members: int | None = None

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any] | None) -> Expect:
        """From an option of the shape EXPECT_SPEC."""
        params = params or {}
        return cls(tuple(params.get("alertmanagers") or ()), params.get("members"))


def host_port(address: str) -> str:
    """``host:port`` of an address or URL, comparable: lower case, IP addresses in their short form."""
    parts = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    host = parts.hostname or ""
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError as error:
        raise HAError(f"{address!r} is not host:port", said=str(error)) from error
    with contextlib.suppress(ValueError):
        host = ipaddress.ip_address(host).compressed
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def prometheus_ready(status: int, walreplay: t.Mapping[str, t.Any] | None) -> Verdict:
    """From the status of /-/ready and the data of /api/v1/status/walreplay, which shows how far the start is."""
    if status == 200:
        return Verdict(True)
    if walreplay and walreplay.get("max"):
        return Verdict(False, f"Prometheus is replaying the WAL: segment {walreplay['current']} of {walreplay['max']}")
    return Verdict(False, f"Prometheus is starting (status {status})")


def prometheus_alertmanagers(data: t.Mapping[str, t.Any], expected: t.Collection[str]) -> Verdict:
    """From the data of /api/v1/alertmanagers."""
    active = {host_port(item["url"]) for item in data.get("activeAlertmanagers") or []}
    missing = sorted(address for address in expected if host_port(address) not in active)
    if not missing:
        return Verdict(True)
    has = ", ".join(sorted(active)) or "none"
    return Verdict(False, f"Prometheus does not see the Alertmanager {', '.join(missing)} (active: {has})")


def alertmanager_ready(status: t.Mapping[str, t.Any], members: int | None) -> Verdict:
    """From /api/v2/status; its /-/ready answers 200 from the start, so it proves nothing."""
    cluster = status.get("cluster") or {}
    state, peers = cluster.get("status"), cluster.get("peers") or []
    if state == "disabled":  # clustering off: a member alone
        if members is None or members == 1:
            return Verdict(True)
        why = f"Alertmanager runs without a mesh (--cluster.listen-address is empty), expected {members} members"
        return Verdict(False, why, hopeless=True)
    if state != "ready":
        return Verdict(False, f"Alertmanager's gossip is not settled (status {state})")
    if members is None or len(peers) == members:
        return Verdict(True)
    seen = ", ".join(sorted(peer.get("address") or peer.get("name", "?") for peer in peers)) or "none"
    return Verdict(False, f"Alertmanager sees {len(peers)} of {members} members: {seen}")


def reach(address: str) -> str:
    """Why this host can't open a connection to host:port; "" when it can. Prometheus calls any static target active."""
    host, _colon, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_TIMEOUT).close()
    except OSError as error:
        return str(error)
    return ""


def _prometheus(api: Api, expect: Expect, http: Http) -> Verdict:
    ready = http.request("GET", api.at("/-/ready"))
    if 400 <= ready.status < 500:
        raise refused(ready, "GET", api.at("/-/ready"))
    if ready.status != 200:
        replay = http.request("GET", api.at("/api/v1/status/walreplay"))
        return prometheus_ready(ready.status, replay.json().get("data") if replay.status == 200 else None)
    if not expect.alertmanagers:
        return Verdict(True)
    active = prometheus_alertmanagers(fetch_data(api, http, "/api/v1/alertmanagers"), expect.alertmanagers)
    failing = {address: why for address in expect.alertmanagers if (why := reach(address))} if active.done else {}
    if not failing:
        return active
    said = ", ".join(f"{address} ({why})" for address, why in failing.items())
    return Verdict(False, f"Prometheus' host can't open a connection to the Alertmanager {said}")


def _alertmanager(api: Api, expect: Expect, http: Http) -> Verdict:
    return alertmanager_ready(fetch_object(api, http, "/api/v2/status"), expect.members)


def _haproxy(api: Api, _expect: Expect, http: Http) -> Verdict:
    """From the monitor-uri of its configuration; that says nothing of the servers behind it."""
    fetch(api, http, "/-/ready")
    return Verdict(True)


def _thanos(api: Api, _expect: Expect, http: Http) -> Verdict:
    """Any component of Thanos: 503 until it is ready, with its own words (thanos pkg/prober)."""
    found = http.request("GET", api.at("/-/ready"))
    if 400 <= found.status < 500:
        raise refused(found, "GET", api.at("/-/ready"))
    if found.status == 200:
        return Verdict(True)
    return Verdict(False, f"it is not ready (status {found.status}): {found.text.strip()[:300]}")


_KINDS: dict[str, t.Callable[[Api, Expect, Http], Verdict]] = {
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "thanos": _thanos,
    "thanos_rule": _thanos,
    "haproxy": _haproxy,
}


def check(api: Api, expect: Expect, http: Http) -> Verdict:
    """One look. No answer is a reason to wait; a refusal (401, 404 ...) is not, it is hopeless."""
    try:
        return _KINDS[api.kind](api, expect, http)
    except HttpUnreachableError as error:
        return Verdict(False, f"{api.url} does not answer: {error.said}")
    except HAError as error:
        sentence = ". ".join(part.rstrip(".") for part in (error.what, error.said, error.do) if part)
        return Verdict(False, sentence, hopeless=400 <= error.facts.get("status", 0) < 500)


def not_ready(where: str, waited: Waited) -> HAError:
    """The error for a wait that ended without success."""
    after = "and will not become so" if waited.verdict.hopeless else f"after {waited.seconds:.1f} s"
    return HAError(
        f"not ready {after}: {waited.verdict.waiting_for}",
        where=where,
        do="Look at its last log lines (journalctl -u with its unit) and at the peers it names.",
        waiting_for=waited.verdict.waiting_for,
        seconds=round(waited.seconds, 2),
    )
