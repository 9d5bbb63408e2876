# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, ports and URLs: IPv6 in brackets, one form of a route prefix."""

from __future__ import annotations

import functools
import ipaddress
import re
import urllib.parse

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

# RFC 1123 names, with the underscore that resolvers accept, and a final dot.
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")


def normal_address(address: object, where: str = "") -> str:
    """An address without a port in its one spelling: names in lower case, IPs compressed, IPv6 without brackets.

    :raises HAError: for anything but a host name, an IPv4 or an IPv6 address.
    """
    if not isinstance(address, str):
        raise HAError(f"The address {address!r} is not text.", where=where, do="Write a host name or an IP address.")
    found = _spelling(address)
    if found is None:
        raise HAError(
            f"{address!r} is not an address.",
            where=where,
            do="Write a host name or an IP address alone, without scheme, port or path.",
        )
    return found


# A plan asks for each address dozens of times.
@functools.lru_cache(maxsize=65_536)
def _spelling(address: str) -> str | None:
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if bare == address and _NAME.fullmatch(bare) and not re.fullmatch(r"[\d.]+", bare):
        return bare.lower()
    return None


def normal_port(port: object, where: str = "") -> int:
    """A TCP port as a number; text of digits is accepted, as templates give it.

    :raises HAError: for anything else.
    """
    number = int(port) if isinstance(port, str) and port.isascii() and port.isdigit() else port
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 65535:
        raise HAError(f"{port!r} is not a port.", where=where, do="Write a number from 1 to 65535.")
    return int(number)


def host_port(address: object, port: object, where: str = "") -> str:
    """``host:port``, with brackets around IPv6.

    :raises HAError: when the address or the port is not one.
    """
    host = normal_address(address, where)
    return f"{f'[{host}]' if ':' in host else host}:{normal_port(port, where)}"


def split_host_port(text: str, default: int | None = None, where: str = "") -> tuple[str, int]:
    """Take ``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 apart.

    :param default: the port where the text names none.
    :raises HAError: when a part is not what it should be, or no port is known.
    """
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*):([^:/]*)", text)
    if match:
        return normal_address(match[1], where), normal_port(match[2], where)
    address = normal_address(text, where)
    if default is None:
        raise HAError(f"{text!r} has no port.", where=where, do=f"Write it as {host_port(address, 9090)}.")
    return address, normal_port(default, where)


def normal_prefix(prefix: object, where: str = "") -> str:
    """A route prefix in its one form: empty, or ``/a/b`` without a final slash.

    :raises HAError: when it is no path: blanks, a query, a URL, dots that climb.
    """
    if prefix is None:
        return ""
    if isinstance(prefix, str):
        trimmed = prefix.strip("/")
        path = f"/{trimmed}" if trimmed else ""
        if _PREFIX.fullmatch(path) and not {".", ".."} & set(path.split("/")):
            return path
    raise HAError(f"{prefix!r} is not a route prefix.", where=where, do="Write a path alone, as in /prometheus.")


def url_path(url: str, where: str = "") -> str:
    """A URL's path. :raises HAError: when the URL can't be read, as of an IPv6 address without its bracket."""
    try:
        return urllib.parse.urlsplit(url).path
    except ValueError as problem:
        what = f"{url!r} is not a URL."
        raise HAError(what, where=where, do="Write it as in https://name.example/path.") from problem


def join_url(scheme: str, address: object, port: object, prefix: object = "", where: str = "") -> str:
    """The base URL of a web endpoint, without a final slash: ``https://[2001:db8::1]:9090/prometheus``.

    :raises HAError: when a part is not what it should be.
    """
    if scheme not in ("http", "https"):
        raise HAError(f"{scheme!r} is not a scheme of a web endpoint.", where=where, do="Write http or https.")
    # RFC 6874: the zone of a link-local address is written %25 within a URL.
    return f"{scheme}://{host_port(address, port, where).replace('%', '%25')}{normal_prefix(prefix, where)}"
