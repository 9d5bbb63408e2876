# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's part on a host: look (and stand in for what does not run yet), dial the peers, end what is left."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import (
    _foreign,
    _mesh,
    _objstore,
    _preflight_dial,
    _preflight_facts,
    _preflight_listen,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import Port
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import HttpClient, HttpOptions
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import OBJSTORE_SPEC
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner, run

# Who has a port: nobody, the component that it is for, another process, or nobody can have it.
FREE, OWN, FOREIGN, UNUSABLE = "free", "own", "foreign", "unusable"

PORT_SPEC: dict[str, t.Any] = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    "address": {"type": "str", "default": ""},
    "variable": {"type": "str", "default": ""},
    "dialled_by": {"type": "list", "elements": "str", "default": []},
}
COMPONENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "data_dir": {"type": "path"},
    "config_file": {"type": "path", "default": ""},
    "url": {"type": "str"},
    "ports": {"type": "list", "elements": "dict", "default": [], "options": PORT_SPEC},
    "objstore": {"type": "dict", "options": OBJSTORE_SPEC},
}
TARGET_SPEC: dict[str, t.Any] = {
    "id": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "protocols": {"type": "list", "elements": "str", "choices": ["tcp", "udp"], "default": ["tcp"]},
    "by": {"type": "str", "choices": ["listener", "component"], "default": "component"},
    "gossip_label": {"type": "str", "default": ""},
}


def look(params: t.Mapping[str, t.Any], runner: Runner = run, proc: str = "/proc") -> dict[str, t.Any]:
    """The host's facts; a listener stays behind on the free ports that somebody will dial.

    :param params: ``components``, ``nonce``, ``name``, ``listen`` (seconds), ``timeout`` (seconds), as the module has
        them.
    """
    _preflight_listen.end_leftovers(params["nonce"], proc)
    found = {item["name"]: _component(item, params["timeout"], runner, proc) for item in params["components"]}
    for item in params["components"]:
        if item.get("objstore"):
            found[item["name"]]["objstore"] = _objstore.look(item["objstore"], params["name"], runner)
    sockets: dict[_preflight_listen.Place, socket.socket] = {}
    expected: dict[int, list[str]] = {}
    for item in params["components"]:
        for port, seen in zip(item["ports"], found[item["name"]]["ports"]):
            if seen["state"] != FREE:
                continue
            try:
                made = _preflight_listen.bound(port["address"], port["port"], port["protocol"])
            except OSError as error:
                seen.update(state=UNUSABLE, said=str(error.strerror or error))
                continue
            if port["dialled_by"]:
                sockets[port["address"], port["port"], port["protocol"]] = made
                expected[port["port"]] = port["dialled_by"]
            else:
                made.close()
    pid = 0
    if sockets:
        pid = _preflight_listen.start(sockets, params["nonce"], params["name"], expected, params["listen"])
    return {
        "systemd": dataclasses.asdict(_preflight_facts.systemd(runner)),
        "components": found,
        "listener": pid,
    }


def _component(item: t.Mapping[str, t.Any], timeout: float, runner: Runner, proc: str) -> dict[str, t.Any]:
    name = item["name"]
    unit = f"{name}.service"
    found: dict[str, t.Any] = {
        **dataclasses.asdict(_preflight_facts.installed(name, item["config_file"], runner, proc=proc)),
        "ports": [_port(Port.from_params(port), unit, proc) for port in item["ports"]],
        "in_the_way": [],
        "folder": dataclasses.asdict(_preflight_facts.folder(item["data_dir"])) if item["data_dir"] else None,
        "mesh": None,
    }
    with contextlib.suppress(HAError):  # no systemd: another rule says so
        others = _foreign.find(
            name,
            unit=unit,
            runner=runner,
            data_dirs=[item["data_dir"]] if item["data_dir"] else [],
            config_files=[item["config_file"]] if item["config_file"] else [],
        )
        found["in_the_way"] = [{"what": one.what, "do": one.do} for one in others]
    if item["url"] and any(port["state"] == OWN for port in found["ports"]):
        found["mesh"] = _mesh.ask(item["url"], HttpClient(HttpOptions(timeout=timeout)))
    return found


def _port(port: Port, unit: str, proc: str) -> dict[str, t.Any]:
    others = _foreign.ports_in_use([port], unit, proc)
    state = FREE
    if others:
        state = FOREIGN
    elif any(_foreign.overlap(port, listener) for listener in _foreign.listeners(proc)):
        state = OWN
    said = " ".join(one.what for one in others)
    return {"port": port.port, "protocol": port.protocol, "state": state, "said": said}


def dial(params: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """How each of the ``targets`` was reached from here."""
    targets = [
        _preflight_dial.Target(**{**target, "protocols": tuple(target["protocols"])}) for target in params["targets"]
    ]
    dialler = _preflight_dial.Dialler(params["nonce"], params["name"], params["timeout"])
    return [dataclasses.asdict(reached) for reached in dialler.all(targets)]
