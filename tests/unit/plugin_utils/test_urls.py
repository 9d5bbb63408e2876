# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, ports, prefixes and the URLs made of them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import (
    host_port,
    join_url,
    normal_address,
    normal_port,
    normal_prefix,
    split_host_port,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("10.0.0.1", 9093, "10.0.0.1:9093"),
        ("10.0.0.1", "9093", "10.0.0.1:9093"),
        ("2001:DB8:0::1", 9093, "[2001:db8::1]:9093"),
        ("[::1]", 9093, "[::1]:9093"),
        ("fe80::1%eth0", 9094, "[fe80::1%eth0]:9094"),
        ("Prom-A.example.net", 9090, "prom-a.example.net:9090"),
        ("prom_a", 9090, "prom_a:9090"),
    ],
)
def test_host_port(address: str, port: object, expected: str) -> None:
    assert host_port(address, port) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "a b",
        "http://a",
        "a:9090",
        "a/b",
        "[a]",
        "[::1",
        "10.0.0",
        "10.0.0.256",
        "-a",
        "a-",
        "a..b",
        None,
        7,
        "a\n",
    ],
)
def test_no_address(address: object) -> None:
    with pytest.raises(HAError, match="host name or an IP") as caught:
        normal_address(address, "here")
    assert caught.value.where == "here"


@pytest.mark.parametrize("port", [0, 65536, -1, "http", "", True, None, 1.5, "9090 ", "²"])
def test_no_port(port: object) -> None:
    with pytest.raises(HAError, match="from 1 to 65535"):
        normal_port(port)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ""),
        ("/", ""),
        (None, ""),
        ("prom", "/prom"),
        ("/prom/", "/prom"),
        ("a/b/", "/a/b"),
        ("//a", "/a"),
    ],
)
def test_prefix(prefix: object, expected: str) -> None:
    assert normal_prefix(prefix) == expected


@pytest.mark.parametrize("prefix", ["a b", "/a?b", "/a#b", "http://x/y", "/a//b", "/a/../b", 5])
def test_no_prefix(prefix: object) -> None:
    with pytest.raises(HAError, match="a path alone"):
        normal_prefix(prefix)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("http", "127.0.0.1", 9090), "http://127.0.0.1:9090"),
        (("https", "2001:db8::1", 9090, "prometheus/"), "https://[2001:db8::1]:9090/prometheus"),
        (("http", "fe80::1%eth0", 9090, "/"), "http://[fe80::1%25eth0]:9090"),
    ],
)
def test_join_url(parts: tuple[t.Any, ...], expected: str) -> None:
    assert join_url(*parts) == expected


def test_join_url_refuses_other_schemes() -> None:
    with pytest.raises(HAError, match="'ftp' is not a scheme"):
        join_url("ftp", "a", 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:1", ("a", 1)),
        ("[::1]:9093", ("::1", 9093)),
        ("::1", ("::1", 7)),
        ("[::1]", ("::1", 7)),
        ("10.0.0.1", ("10.0.0.1", 7)),
    ],
)
def test_split(text: str, expected: tuple[str, int]) -> None:
    assert split_host_port(text, 7) == expected


@pytest.mark.parametrize("text", ["a:", ":1", "a:b", "http://a:1", "[::1]x:1", "a"])
def test_split_refuses(text: str) -> None:
    with pytest.raises(HAError):
        split_host_port(text)


@given(
    st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z][a-z0-9]{0,9}(\.[a-z]{1,5})?", fullmatch=True)),
    st.integers(1, 65535),
)
def test_split_undoes_host_port(address: str, port: int) -> None:
    assert split_host_port(host_port(address, port)) == (normal_address(address), port)
