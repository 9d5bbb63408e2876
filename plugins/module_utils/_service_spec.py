# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as it should be: the slice's ``service`` and the options of the module of that name."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _unit
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._foreign import Port

SERVICE_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "group": {"type": "str"},
    "executable": {"type": "str", "required": True},
    "args": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "data_dirs": {"type": "list", "elements": "str", "default": []},
    "shared_dirs": {"type": "list", "elements": "str", "default": []},
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
            "address": {"type": "str", "default": ""},
            "variable": {"type": "str", "default": ""},
        },
    },
    "unit_options": {"type": "dict", "default": {}},
    "host_ip_towards": {"type": "list", "elements": "str", "default": []},
    "start_timeout": {"type": "float", "default": 600.0},
}


def source_address(towards: str) -> str:
    """This host's own address on the way to a peer (a name or address, with or without a port); sends no packet.

    :raises HAError: when there is no way there, or only one that no other host could use.
    """
    where = "host_ip_towards"
    do = "Name a peer that this host reaches, or set the address itself."
    peer = towards[1:].partition("]")[0] if towards.startswith("[") else towards
    if not towards.startswith("[") and towards.count(":") == 1:
        peer = towards.partition(":")[0]
    try:
        family, kind, _protocol, _name, target = socket.getaddrinfo(peer, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)
            found = str(probe.getsockname()[0]).partition("%")[0]
    except (OSError, UnicodeError) as error:
        what = f"this host knows no way to {towards}"
        raise HAError(what, where=where, said=str(error), do=do, option="host_ip_towards") from error
    address = ipaddress.ip_address(found)
    if address.is_loopback or address.is_unspecified:
        what = f"towards {towards} this host has only {address}, which peers cannot use"
        raise HAError(what, where=where, do=do, option="host_ip_towards")
    return found


def _with_host_ip(args: t.Sequence[str], towards: t.Sequence[str], source: t.Callable[[str], str]) -> list[str]:
    if not any("{host_ip}" in arg for arg in args):
        return list(args)
    if not towards:
        raise HAError("args use {host_ip}, but no peer is named", where="host_ip_towards", do="Name a peer.")
    found = source(towards[0])
    found = f"[{found}]" if ":" in found else found
    return [arg.replace("{host_ip}", found) for arg in args]


@dataclasses.dataclass(frozen=True)
class ServiceSpec:
    """A service as it should be.

    :param component: names the state folder ``/var/lib/prometheus_ha/<component>``.
    :param start_timeout: seconds until it must be ready.
    """

    unit: _unit.UnitSpec
    component: str
    ports: tuple[Port, ...] = ()
    start_timeout: float = 600.0

    @classmethod
    def from_params(
        cls,
        params: t.Mapping[str, t.Any],
        *,
        component: str = "",
        release: str = "",
        source: t.Callable[[str], str] = source_address,
    ) -> ServiceSpec:
        """From the slice's ``service``, which has the shape of the options of the module ``service``.

        :param component: default: the service's name.
        :param release: what ``{release}`` in the executable, the arguments and the environment becomes.
        :param source: finds ``{host_ip}``.
        :raises HAError: for a value that no unit can hold, or where ``{host_ip}`` cannot be known.
        """

        def fill(text: t.Any) -> str:
            if "{release}" in str(text) and not release:
                raise HAError(f"{text} uses {{release}}, but no release is given", where="release")
            return str(text).replace("{release}", release)

        filled = {
            **params,
            "executable": fill(params["executable"]),
            "args": _with_host_ip(
                [fill(arg) for arg in params.get("args") or ()], params.get("host_ip_towards") or (), source
            ),
            "environment": {key: fill(value) for key, value in (params.get("environment") or {}).items()},
        }
        return cls(
            unit=_unit.UnitSpec.from_params(filled),
            component=component or params["name"],
            ports=tuple(Port.from_params(port) for port in params.get("ports") or ()),
            start_timeout=float(params.get("start_timeout") or 600.0),
        )
