# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real: it returns while what listens stays behind, and its documentation fits its options."""

from __future__ import annotations

import secrets
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.modules import preflight_host as module
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support


@pytest.mark.parametrize("check", [False, True])
def test_look_dial_end(check: bool) -> None:
    port = support.free_port()
    known = {"nonce": secrets.token_hex(8), "name": "me"}
    ports = [
        {"port": port, "protocol": name, "address": "127.0.0.1", "dialled_by": ["me", "other"]}
        for name in ("tcp", "udp")
    ]
    looked = support.run_module(
        "preflight_host", {**known, "step": "look", "components": [{"name": "x", "ports": ports}]}, check=check
    )
    target = {"id": "x", "address": "127.0.0.1", "port": port, "protocols": ["tcp", "udp"], "by": "listener"}
    dialled = support.run_module("preflight_host", {**known, "step": "dial", "targets": [target]}, check=check)
    ended = support.run_module("preflight_host", {**known, "step": "end"}, check=check)
    again = support.run_module("preflight_host", {**known, "step": "end"}, check=check)
    assert looked["listener"] > 1, looked
    assert dialled["reached"][0]["outcome"] == {"tcp": "ok", "udp": "ok"}
    assert (ended["heard"], again["heard"]) == ({str(port): {"me": ["tcp", "udp"]}}, None)
    assert not any(result["changed"] for result in (looked, dialled, ended))


def test_it_is_no_module_to_be_called_alone() -> None:
    failed = support.run_module("preflight_host", {"step": "look"})
    assert failed["failed"]
    assert "nonce and name are needed" in failed["msg"]


def _options(spec: t.Mapping[str, t.Any], inner: str) -> dict[str, t.Any]:
    """An argument spec or documented options as comparable data."""
    return {
        name: (
            option.get("type", "str"),
            option.get("required", False),
            option.get("default"),
            tuple(option.get("choices", ())),
            _options(option.get(inner, {}), inner),
        )
        for name, option in spec.items()
    }


def test_what_is_documented_is_what_there_is() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert _options(documented, "suboptions") == _options(module.ARGUMENTS, "options")
