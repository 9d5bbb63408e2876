# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change takes, and who feels it: the table of effects over files and flags that differ."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _effects
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import (
    NONE,
    RELOAD,
    RESTART,
    WRITE,
    Due,
    Effect,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry

ROWS = _effects.table(
    [
        {"match": "targets/*", "action": WRITE},
        {"match": "mesh.yml", "action": RELOAD, "at_once": True},
        {"match": "boot.yml", "action": RESTART},
        {"match": "--label", "action": RESTART, "at_once": True, "breaks": "peers"},
        {"match": "--gossip", "action": RESTART, "part": "port", "at_once": True, "breaks": "peers"},
        {"match": "--web.listen-address", "action": RESTART, "part": "port", "breaks": "clients"},
        {"match": "--web.route-prefix", "action": RESTART, "part": "prefix", "breaks": "clients"},
        {"match": "--web.external-url", "action": RESTART, "part": "prefix", "breaks": "clients"},
    ]
)


@pytest.mark.parametrize(
    ("paths", "action", "at_once"),
    [
        pytest.param([], NONE, False, id="nothing differs"),
        pytest.param(["targets/node.yml"], WRITE, False, id="the process reads it by itself"),
        pytest.param(["rules/a.yml"], RELOAD, False, id="any other file"),
        pytest.param(["targets/node.yml", "rules/a.yml"], RELOAD, False, id="the strongest counts"),
        pytest.param(["boot.yml", "targets/node.yml", "rules/a.yml"], RESTART, False, id="whatever the order"),
        pytest.param(["rules/a.yml", "mesh.yml"], RELOAD, True, id="one for all makes all at once"),
        pytest.param(["sub/targets/node.yml"], RELOAD, False, id="a glob begins at the root"),
    ],
)
def test_files(paths: list[str], action: str, at_once: bool) -> None:
    found = _effects.of_files(ROWS, paths)
    assert found == Due(action, tuple(f"{path} differs" for path in paths), at_once, {})


LISTEN, ROUTE, EXTERNAL = "--web.listen-address", "--web.route-prefix", "--web.external-url"


@pytest.mark.parametrize(
    ("now", "wanted", "at_once", "breaks"),
    [
        pytest.param(["--x=1"], ["--x=1"], False, {}, id="equal"),
        pytest.param(["--x=1", "--bare"], ["--x=2"], False, {}, id="nobody feels any other flag"),
        pytest.param(["--label=a"], ["--label=b"], True, {"peers": ["--label: a -> b"]}, id="all members at once"),
        pytest.param(["--label=a"], [], True, {"peers": ["--label: a -> none"]}, id="one that goes"),
        pytest.param([], ["--label=b"], True, {"peers": ["--label: none -> b"]}, id="one that comes"),
        pytest.param(["--gossip=0.0.0.0:1"], ["--gossip=192.0.2.1:1"], False, {}, id="the same port"),
        pytest.param(
            ["--gossip=0.0.0.0:1"],
            ["--gossip=0.0.0.0:2"],
            True,
            {"peers": ["--gossip: 0.0.0.0:1 -> 0.0.0.0:2"]},
            id="another port",
        ),
        pytest.param([f"{LISTEN}=0.0.0.0:9090"], [f"{LISTEN}=[::]:9090"], False, {}, id="the same port of IPv6"),
        pytest.param(
            [f"{LISTEN}=:9090", f"{LISTEN}=:9091"],
            [f"{LISTEN}=:9090"],
            False,
            {"clients": [f"{LISTEN}: :9090, :9091 -> :9090"]},
            id="one of two ports goes",
        ),
        pytest.param([f"{EXTERNAL}=http://a/x"], [f"{EXTERNAL}=https://b/x/"], False, {}, id="the same path"),
        pytest.param(
            [f"{EXTERNAL}=http://a/x"], [f"{EXTERNAL}=http://a/x", f"{ROUTE}=/x/"], False, {}, id="said once more"
        ),
        pytest.param(
            [f"{EXTERNAL}=http://a/x"],
            [f"{EXTERNAL}=http://a/x", f"{ROUTE}=/"],
            False,
            {"clients": [f"{ROUTE}: none -> /"]},
            id="the route prefix counts before the URL's path",
        ),
        pytest.param(
            [f"{EXTERNAL}=http://a/x", f"{ROUTE}=/"],
            [f"{EXTERNAL}=http://a/y", f"{ROUTE}=/"],
            False,
            {},
            id="the URL's path does not count beside a route prefix",
        ),
        pytest.param(
            ["--label=a", f"{LISTEN}=:1"],
            ["--label=b", f"{LISTEN}=:2"],
            True,
            {"peers": ["--label: a -> b"], "clients": [f"{LISTEN}: :1 -> :2"]},
            id="both",
        ),
    ],
)
def test_flags(now: list[str], wanted: list[str], at_once: bool, breaks: dict[str, list[str]]) -> None:
    assert _effects.of_flags(ROWS, now, wanted) == Due(RESTART, (), at_once, breaks)


def test_without_a_table_every_flag_restarts_and_every_file_reloads() -> None:
    for rows in (_effects.table(None), _effects.table([])):
        assert _effects.of_files(rows, ["targets/x.yml"]).action == RELOAD
        assert _effects.of_flags(rows, ["--label=a", f"{LISTEN}=:1"], []) == Due(RESTART)


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("prometheus", "targets/node.yml", (WRITE, False)),
        ("prometheus", "prometheus.yml", (RELOAD, False)),
        ("prometheus", "rules/a.yml", (RELOAD, False)),
        ("alertmanager", "alertmanager.yml", (RELOAD, True)),
        ("alertmanager", "templates/a.tmpl", (RELOAD, True)),
    ],
)
def test_the_tables_of_files(name: str, path: str, expected: tuple[str, bool]) -> None:
    found = _effects.of_files((*_registry.component(name).effects, *_effects.DEFAULT), [path])
    assert (found.action, found.at_once) == expected


@pytest.mark.parametrize(
    ("name", "now", "wanted", "expected"),
    [
        ("prometheus", "--web.listen-address=:1", "--web.listen-address=:2", (False, ["clients"])),
        ("prometheus", "--web.config.file=/a", "--x", (False, ["clients"])),
        ("prometheus", "--storage.tsdb.retention.time=1d", "--storage.tsdb.retention.time=2d", (False, [])),
        ("alertmanager", "--web.external-url=http://a/x", "--web.external-url=http://a/y", (False, ["clients"])),
        ("alertmanager", "--cluster.label=a", "--cluster.label=b", (True, ["peers"])),
        ("alertmanager", "--cluster.tls-config=a", "--x", (True, ["peers"])),
        ("alertmanager", "--cluster.listen-address=:1", "--cluster.listen-address=:2", (True, ["peers"])),
        ("alertmanager", "--cluster.listen-address=0.0.0.0:1", "--cluster.listen-address=:1", (False, [])),
        ("alertmanager", "--cluster.peer=a:1", "--cluster.peer=b:1", (False, [])),
    ],
)
def test_the_tables_of_flags(name: str, now: str, wanted: str, expected: tuple[bool, list[str]]) -> None:
    found = _effects.of_flags((*_registry.component(name).effects, *_effects.DEFAULT), [now], [wanted])
    assert (found.at_once, list(found.breaks)) == expected


def test_a_row_of_a_slice_is_a_row_of_the_table() -> None:
    row = Effect("--x", RESTART, "port", at_once=True, breaks="peers")
    given: dict[str, t.Any] = {"match": "--x", "action": RESTART, "part": "port", "at_once": True, "breaks": "peers"}
    assert _effects.table([given])[0] == row


@pytest.mark.parametrize(
    ("args", "prefix"),
    [
        ([], ""),
        (["--web.route-prefix=/"], ""),
        (["--web.route-prefix=p/q/"], "/p/q"),
        (["--web.external-url=http://h:1/p/"], "/p"),
        (["--web.external-url=http://h:1"], ""),
        (["--web.external-url=/p"], "/p"),
        (["--web.external-url=http://h/p", "--web.route-prefix="], ""),
    ],
)
def test_prefix(args: list[str], prefix: str) -> None:
    assert _effects.prefix(_effects.flags(args)) == prefix


@pytest.mark.parametrize(
    ("args", "endpoint"),
    [
        ([], None),
        (["--web.listen-address=nowhere"], None),
        (["--web.listen-address=0.0.0.0:9090"], {"port": 9090, "prefix": ""}),
        (["--web.listen-address=[::1]:9093", "--web.external-url=http://h/am/"], {"port": 9093, "prefix": "/am"}),
        (["--web.listen-address=:1", "--web.listen-address=:2"], {"port": 1, "prefix": ""}),
        (["--http-address=0.0.0.0:1", "--grpc-address=[::]:2", "--web.route-prefix=/p"], {"port": 1, "grpc_port": 2}),
        (["--http-address=0.0.0.0:1"], {"port": 1, "grpc_port": 0}),
    ],
)
def test_endpoint(args: list[str], endpoint: dict[str, t.Any] | None) -> None:
    assert _effects.endpoint(args) == endpoint


@pytest.mark.parametrize(
    ("url", "found", "expected"),
    [
        ("http://127.0.0.1:9090/x", None, "http://127.0.0.1:9090/x"),
        ("http://127.0.0.1:9090/x", {"port": 1, "prefix": ""}, "http://127.0.0.1:1"),
        ("https://h.example:9090", {"port": 2, "prefix": "/p"}, "https://h.example:2/p"),
        ("http://[::1]:9090/x", {"port": 3, "prefix": "/p"}, "http://[::1]:3/p"),
    ],
)
def test_url_at(url: str, found: dict[str, t.Any] | None, expected: str) -> None:
    assert _effects.url_at(url, found) == expected
