# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who talks to whom: the gossip peers of a mesh, the Alertmanagers of a Prometheus. Every member alone, never a VIP."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import (
    host_port,
    normal_address,
    normal_port,
    normal_prefix,
    split_host_port,
)

CLUSTER_PORT = 9094  # Alertmanager's default of --cluster.listen-address
WEB_PORT = 9093  # Alertmanager's default of --web.listen-address

Member = t.Union[str, t.Mapping[str, t.Any]]
_Endpoint = t.Tuple[str, int]


def _endpoint(member: object, port_key: str, default: int, where: str) -> _Endpoint:
    if isinstance(member, str):
        address, port = split_host_port(member, default, where)
    elif isinstance(member, t.Mapping) and "address" in member:
        address, port = normal_address(member["address"], where), normal_port(member.get(port_key, default), where)
    else:
        raise HAError(
            f"The member {member!r} has no address.",
            where=where,
            do=f"Write host:port, or a mapping with address and {port_key}.",
        )
    try:
        if ipaddress.ip_address(address).is_unspecified:
            raise HAError(f"{address} is no address that others can reach.", where=where, do="Name the host's own.")
    except ValueError:
        pass  # a name
    return address, port


def _order(endpoint: _Endpoint) -> tuple[int, int, str, int]:
    """IPv4 by number, then IPv6 by number, then names."""
    address, port = endpoint
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return 9, 0, address, port
    return ip.version, int(ip), address, port


def _members(members: object, where: str) -> t.Sequence[Member]:
    if isinstance(members, (str, t.Mapping)) or not isinstance(members, t.Iterable):
        raise HAError(f"The members are {members!r}.", where=where, do="Write a list of them.")
    return list(members)


def cluster_peers(
    members: t.Sequence[Member],
    own: Member | None = None,
    include_own: bool = False,
    port: int = CLUSTER_PORT,
    where: str = "",
) -> list[str]:
    """The ``--cluster.peer=`` flags of a mesh member: all peers, each once, in an order that the input does not change.

    :param members: ``host``, ``host:port`` or ``{address, cluster_port}``.
    :param own: this member, as one of the above.
    :param include_own: whether this member is in its own list; Alertmanager tolerates it.
    :param port: the gossip port of members that name none.
    :raises HAError: when a member has no usable address or port.
    """
    peers = {_endpoint(member, "cluster_port", port, where) for member in _members(members, where)}
    if own is not None:
        self_ = {_endpoint(own, "cluster_port", port, where)}
        peers = peers | self_ if include_own else peers - self_
    return [f"--cluster.peer={host_port(*peer)}" for peer in sorted(peers, key=_order)]


def alertmanager_targets(members: t.Sequence[Member], port: int = WEB_PORT, where: str = "") -> list[dict[str, t.Any]]:
    """The ``alerting.alertmanagers`` of a Prometheus: every member by itself, one entry for each scheme and prefix.

    :param members: ``host``, ``host:port`` or ``{address, port, scheme, route_prefix}``.
    :param port: the web port of members that name none.
    :raises HAError: when a member is not usable.
    """
    groups: dict[tuple[str, str], set[_Endpoint]] = {}
    for member in _members(members, where):
        settings: t.Mapping[str, t.Any] = member if isinstance(member, t.Mapping) else {}
        scheme = settings.get("scheme", "http")
        if scheme not in ("http", "https"):
            raise HAError(f"{scheme!r} is not a scheme of an Alertmanager.", where=where, do="Write http or https.")
        prefix = normal_prefix(settings.get("route_prefix", ""), where) or "/"
        groups.setdefault((str(scheme), prefix), set()).add(_endpoint(member, "port", port, where))
    return [
        {
            "scheme": scheme,
            "path_prefix": prefix,
            "api_version": "v2",
            "static_configs": [{"targets": [host_port(*member) for member in sorted(endpoints, key=_order)]}],
        }
        for (scheme, prefix), endpoints in sorted(groups.items())
    ]
