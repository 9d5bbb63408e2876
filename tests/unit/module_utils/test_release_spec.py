# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted: names, URLs, checksums, and what is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import (
    Checksum,
    ReleaseSpec,
    detect_arch,
    parse_sums,
)

A, B = "a" * 64, "b" * 64


def spec(**params: t.Any) -> ReleaseSpec:
    return ReleaseSpec.from_params({"name": "prometheus", "version": "3.5.3", **params})


@pytest.mark.parametrize(
    ("params", "url"),
    [
        ({}, "https://github.com/prometheus/prometheus/releases/download/v3.5.3/prometheus-3.5.3.linux-arm64.tar.gz"),
        (
            {"name": "thanos", "version": "0.42.0-rc.1", "source": "http://m:81/gh/"},
            "http://m:81/gh/thanos-io/thanos/releases/download/v0.42.0-rc.1/thanos-0.42.0-rc.1.linux-arm64.tar.gz",
        ),
    ],
)
def test_a_mirror_replaces_only_the_base(params: dict[str, t.Any], url: str) -> None:
    wanted = spec(**params)
    assert wanted.url(wanted.archive_name("arm64")) == url


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"name": "prometeus"}, "'prometeus' is known"),
        ({"version": "latest"}, "'latest' is never used"),
        ({"version": "v3.5.3"}, "without a leading v"),
        ({"version": 3.5}, "'3.5' is not a pinned version"),
        ({"version": "3.5.3/../.."}, "not a pinned version"),
        ({"checksum": "abc"}, "'abc' is no SHA-256"),
        ({"checksums": {"amd64": "md5:1"}, "checksum_from": "prometheus_checksum"}, r"prometheus_checksum\.amd64"),
        ({"checksums": {"x86_64": A}}, "x86_64: no architecture"),
        ({"checksum": A, "checksums": {"amd64": A}}, "both given"),
        ({"keep": -1}, "-1 versions"),
        ({"links": ["../x"]}, "no name of an executable"),
        ({"source": "mirror.example.com"}, "no source of releases"),
        ({"source": "ftp://mirror"}, "no source of releases"),
        ({"source": "/srv/releases", "fetch": "target"}, "lies on the controller"),
    ],
)
def test_values_that_cannot_be(params: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HAError, match=words):
        spec(**params)


@pytest.mark.parametrize(
    ("params", "arch", "expected"),
    [
        ({}, "amd64", None),
        ({"checksum": "sha256:" + A.upper()}, "arm64", Checksum(A, "checksum")),
        ({"checksum": A, "checksum_from": "x_checksum"}, "arm64", Checksum(A, "x_checksum")),
        ({"checksums": {"amd64": A, "arm64": f"sha256:{B}"}}, "arm64", Checksum(B, "checksums")),
    ],
)
def test_the_checksum_given(params: dict[str, t.Any], arch: str, expected: Checksum | None) -> None:
    assert spec(**params).expected(arch) == expected


def test_a_checksum_for_other_architectures_only_is_no_permission_to_go_without() -> None:
    with pytest.raises(HAError, match=r"prometheus_checksum: no checksum of prometheus 3\.5\.3 is given for arm64"):
        spec(checksums={"amd64": A}, checksum_from="prometheus_checksum").expected("arm64")


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "armv7")])
def test_known_machines(machine: str, arch: str) -> None:
    assert detect_arch(machine) == arch


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(HAError, match="'riscv64' is not known"):
        detect_arch("riscv64")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{A}  x.tar.gz\n{B}  y.tar.gz\n", B),
        (f"{B.upper()} *y.tar.gz\r\n", B),
        (f"{B}  ./dist/y.tar.gz", B),
        (f"{A}  zy.tar.gz\n{A}  y.tar.gz.asc\n", None),
        ("<html>y.tar.gz</html>", None),
        ("abc  y.tar.gz", None),
        ("", None),
    ],
)
def test_parse_sums(text: str, found: str | None) -> None:
    assert parse_sums(text, "y.tar.gz") == found
