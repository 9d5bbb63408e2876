# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's steps on a host, on loopback: look, dial, end."""

from __future__ import annotations

import secrets
import socket
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _preflight, _preflight_listen
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed


def systemctl(argv: t.Sequence[str], **_options: t.Any) -> Completed:
    """A host run by systemd on which no unit is known."""
    if "--version" in argv:
        return Completed(0, "systemd 252 (252)\n", "")
    if argv[:2] == ["systemctl", "show"]:
        return Completed(0, "\n\n".join("LoadState=not-found" for name in argv if name.endswith(".service")), "")
    return Completed(1, "", "not asked")


class Host(t.NamedTuple):
    params: dict[str, t.Any]
    port: int
    proc: str

    def look(self) -> dict[str, t.Any]:
        return _preflight.look(self.params, systemctl, self.proc)

    def dial(self, by: str = "listener") -> dict[str, str]:
        target = {"id": "x", "address": "127.0.0.1", "port": self.port, "protocols": ["tcp", "udp"], "by": by}
        [found] = _preflight.dial({**self.params, "name": "peer", "targets": [{**target, "gossip_label": ""}]})
        outcome: dict[str, str] = found["outcome"]
        return outcome


@pytest.fixture
def host(tmp_path: Path) -> t.Iterator[Host]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports = [
        {"port": port, "protocol": name, "address": "127.0.0.1", "variable": "x_port", "dialled_by": ["peer"]}
        for name in ("tcp", "udp")
    ]
    item = {"name": "x", "data_dir": str(tmp_path / "data"), "config_file": "", "url": None, "ports": ports}
    # The real tables, without what other tests on this machine left in them.
    (tmp_path / "net").mkdir()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        (tmp_path / "net" / name).symlink_to(f"/proc/net/{name}")
    (tmp_path / "net" / "unix").write_text("")
    params: dict[str, t.Any] = {
        "components": [item],
        "nonce": secrets.token_hex(8),
        "name": "me",
        "listen": 20.0,
        "timeout": 1.0,
    }
    yield Host(params, port, str(tmp_path))
    _preflight_listen.end(params["nonce"], "me")


def states(found: t.Mapping[str, t.Any]) -> list[str]:
    return [port["state"] for port in found["components"]["x"]["ports"]]


def test_free_ports_are_listened_on_until_the_peers_came(host: Host) -> None:
    found = host.look()
    assert (states(found), found["listener"] > 1) == (["free", "free"], True)
    assert found["systemd"]["version"] == 252
    assert found["components"]["x"]["folder"]["size"] > 0
    assert host.dial() == {"tcp": "ok", "udp": "ok"}
    # It ends by itself, but not within the moment in which the last goodbye is answered.
    deadline = time.monotonic() + 10
    while Path("/proc", str(found["listener"]), "exe").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _preflight_listen.end(host.params["nonce"], "me") is None


def test_ports_that_nobody_dials_are_only_tried(host: Host) -> None:
    for port in host.params["components"][0]["ports"]:
        port["dialled_by"] = []
    found = host.look()
    assert (states(found), found["listener"]) == (["free", "free"], 0)
    assert host.dial(by="component")["tcp"] == "refused"


def test_a_port_of_another_process(host: Host) -> None:
    with _preflight_listen.bound("127.0.0.1", host.port, "tcp"):
        found = host.look()
        assert states(found) == ["foreign", "free"]
        assert f"The port tcp/{host.port} is in use by " in found["components"]["x"]["ports"][0]["said"]
        assert _preflight_listen.end(host.params["nonce"], "me") == {}


def test_an_address_that_the_host_does_not_have(host: Host) -> None:
    host.params["components"][0]["ports"][0]["address"] = "192.0.2.1"
    found = host.look()
    assert states(found) == ["unusable", "free"]
    assert found["components"]["x"]["ports"][0]["said"] == "Cannot assign requested address"


def test_a_host_without_peers_is_left_without_a_process(host: Host) -> None:
    host.params["components"] = []
    assert host.look()["listener"] == 0
    assert _preflight.dial({**host.params, "targets": []}) == []
