# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An Alertmanager mesh as its members see it."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, fetch, fetch_object
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http


def ask(url: str, http: Http) -> dict[str, t.Any]:
    """What one member answers; ``reachable`` is False and ``error`` says why when it does not."""
    api = Api("alertmanager", url.rstrip("/"))
    member: dict[str, t.Any] = {
        "url": url,
        "reachable": True,
        "error": "",
        "name": "",
        "status": "",
        "peers": [],
        "version": "",
        "config_hash": 0,
    }
    try:
        status = fetch_object(api, http, "/api/v2/status")
        metrics = fetch(api, http, "/metrics").text
    except HAError as error:
        return {**member, "reachable": False, "error": ": ".join(part for part in (error.what, error.said) if part)}
    cluster = status.get("cluster") or {}
    peers = [{"name": peer.get("name", ""), "address": peer.get("address", "")} for peer in cluster.get("peers") or []]
    return {
        **member,
        "name": cluster.get("name") or "",
        "status": cluster.get("status") or "",
        "peers": sorted(peers, key=lambda peer: str(peer["address"])),
        "version": (status.get("versionInfo") or {}).get("version", ""),
        "config_hash": int(_metrics.value(metrics, "alertmanager_config_hash") or 0),
    }


def disagreements(members: t.Sequence[t.Mapping[str, t.Any]], expected: int | None) -> list[str]:
    """Why the members do not form one mesh with one configuration; empty when they do.

    :param expected: members of the mesh; None: as many as were asked, when more than one was.
    """
    found = [f"{member['url']} does not answer: {member['error']}" for member in members if not member["reachable"]]
    there = [member for member in members if member["reachable"]]
    if expected is None and len(members) > 1:
        expected = len(members)
    for member in there:
        if member["status"] == "disabled" and expected in (None, 1):
            continue
        if member["status"] != "ready":
            found.append(f"{member['url']} is not settled (status {member['status'] or 'unknown'})")
        elif expected is not None and len(member["peers"]) != expected:
            found.append(f"{member['url']} sees {len(member['peers'])} of {expected} members")
    views = {tuple(peer["name"] for peer in sorted(member["peers"], key=str)) for member in there}
    if len(views) > 1:
        found.append("they see different members: the mesh is split")
    hashes = {member["config_hash"] for member in there}
    if len(hashes) > 1:
        each = ", ".join(f"{member['url']} {member['config_hash']}" for member in there)
        found.append(f"they run different configurations (hashes: {each})")
    return found
