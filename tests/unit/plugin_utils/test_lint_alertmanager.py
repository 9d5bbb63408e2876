# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Alertmanager meshes: who is in them, where they stand, and how they are run."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    findings,
    good,
    hosts,
    prometheus,
    warnings,
)

RULES = [{"name": "up", "rules": [{"record": "x", "expr": "up"}, {"alert": "Down", "expr": "up == 0"}]}]


def told(rule: str, *parts: t.Any, files: t.Mapping[str, str] | None = None) -> list[str]:
    """What a rule says of an inventory: errors, then warnings."""
    everything = [*findings(*parts, files=files), *warnings(*parts, files=files)]
    return [line for line in everything if line.startswith(f"{rule} ")]


def spread(*domains: str | None) -> list[t.Any]:
    """A member for each failure domain."""
    return [alertmanager(f"a-{number}", prometheus_ha_failure_domain=each) for number, each in enumerate(domains)]


@pytest.mark.parametrize(
    "parts, expected",
    [
        pytest.param(
            [alertmanager("a")], "A01 warning host a, variable alertmanager_mesh: mesh default has one", id="1"
        ),
        pytest.param(
            [alertmanager("a"), prometheus("p")], "A01 warning host a, variable alertmanager_mesh", id="1 for 1"
        ),
        pytest.param(
            [alertmanager("a"), prometheus("p", "q")], "A01 error host a, variable alertmanager_mesh", id="1 for 2"
        ),
        pytest.param(
            [alertmanager("a"), prometheus("p"), prometheus("q", prometheus_agent=True)], "A01 warning", id="an agent"
        ),
        pytest.param(
            [alertmanager("a"), prometheus("p"), prometheus("q", prometheus_alertmanager_meshes=[])],
            "A01 warning",
            id="one that alerts nobody",
        ),
        pytest.param([alertmanager("a"), alertmanager("b", alertmanager_state="absent")], "A01 warning", id="1 stays"),
        pytest.param(
            spread("x", "x"),
            "A01 error host a-0, variable prometheus_ha_failure_domain: all 2 members of mesh default stand in 'x'",
            id="one domain",
        ),
        pytest.param(spread("x", "x", "y"), None, id="two of three in one domain"),
        pytest.param(spread("x", None), None, id="one of which none knows"),
        pytest.param(spread(None, None), None, id="none is known"),
        pytest.param(spread(*"abcde"), None, id="5"),
        pytest.param(spread(*"abcdef"), "A01 warning host a-0, variable alertmanager_mesh: mesh default has 6", id="6"),
        pytest.param(
            [prometheus("p", "q", prometheus_rules=RULES)],
            "A01 warning hosts p, q, variable prometheus_rules: rules alert, and the environment 'default' has no",
            id="nobody to tell",
        ),
        pytest.param([prometheus("p", prometheus_rules=RULES[:0])], None, id="no rules"),
        pytest.param(
            [prometheus("p", prometheus_rules=[{"name": "g", "rules": [{"record": "x", "expr": "up"}]}])],
            None,
            id="no alerts",
        ),
        pytest.param(
            [prometheus("p", prometheus_rules=RULES, prometheus_alertmanager_meshes=[])], None, id="nobody wanted"
        ),
        pytest.param(
            [prometheus("p", prometheus_rules=RULES), alertmanager("a", "b", prometheus_ha_environment="test")],
            "A01 warning host p, variable prometheus_rules",
            id="a mesh of another environment",
        ),
    ],
)
def test_a01(parts: list[t.Any], expected: str | None) -> None:
    found = told("A01", *parts)
    assert len(found) == (expected is not None), found
    assert all(line.startswith(expected or "") for line in found), found


def test_a01_names_the_file_of_rules() -> None:
    files = {"/inv/r.yml": "groups: [{name: g, rules: [{alert: A, expr: up}]}]", "/inv/bad.yml": "a: ["}
    (found,) = told("A01", prometheus("p", prometheus_rule_files=["*.yml"]), files=files)
    assert found.startswith("A01 warning host p, variable prometheus_rule_files: ")


@pytest.mark.parametrize(
    "values, where, words",
    [
        pytest.param(
            {"alertmanager_cluster_advertise_address": "am-1.example"},
            "alertmanager_cluster_advertise_address",
            "'am-1.example' is not an IP",
            id="a name",
        ),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "10.0.0.1:9094"},
            "alertmanager_cluster_advertise_address",
            "'10.0.0.1:9094' is not an IP",
            id="with a port",
        ),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "0.0.0.0"},
            "alertmanager_cluster_advertise_address",
            "can't reach 0.0.0.0, which is no address",
            id="every address",
        ),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "fe80::1"},
            "alertmanager_cluster_advertise_address",
            "can't reach fe80::1, which counts on one link alone",
            id="link-local",
        ),
        pytest.param(
            {"alertmanager_cluster_advertise_address": "224.0.0.1"},
            "alertmanager_cluster_advertise_address",
            "224.0.0.1, which is of many hosts",
            id="multicast",
        ),
        pytest.param({"prometheus_ha_address": "127.0.0.1"}, "prometheus_ha_address", "each host's own", id="loopback"),
        pytest.param({"prometheus_ha_address": "::1"}, "prometheus_ha_address", "each host's own", id="IPv6 loopback"),
        pytest.param({"ansible_host": "127.0.1.1"}, "ansible_host", "each host's own", id="Ansible's"),
        pytest.param({"ansible_host": "localhost"}, "ansible_host", "each host's own", id="by its name"),
        pytest.param({"ansible_host": "169.254.1.1"}, "ansible_host", "one link", id="IPv4 link-local"),
    ],
)
def test_a03(values: dict[str, t.Any], where: str, words: str) -> None:
    found = findings(alertmanager("a", **values), alertmanager("b"))
    assert [line.partition(": ")[0] for line in found] == [f"A03 error host a, variable {where}"], found
    assert words in found[0]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([alertmanager("a", ansible_host="127.0.0.1")], id="alone, nobody has to reach it"),
        pytest.param(
            [alertmanager("a", prometheus_ha_address="127.0.0.1", alertmanager_cluster_advertise_address="10.0.0.1")],
            id="another is advertised",
        ),
        pytest.param([alertmanager("a", ansible_host="8.8.8.8"), alertmanager("b")], id="a public IP"),
        pytest.param([alertmanager("a", ansible_host="2001:db8::1"), alertmanager("b")], id="IPv6"),
    ],
)
def test_a03_passes(parts: list[t.Any]) -> None:
    good(*parts)


def test_an_address_that_nobody_reaches_is_told_once_and_where_it_is_set() -> None:
    parts = [alertmanager("a", prometheus_ha_address="0.0.0.0"), alertmanager("b"), prometheus("p", "q")]
    (found,) = findings(*parts)
    assert found.startswith("I03 error host a, variable prometheus_ha_address: 0.0.0.0 is no address that others")


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1", "localhost"])
def test_a04_gossip_for_oneself(listens: str) -> None:
    (found,) = told("A04", alertmanager("a", alertmanager_cluster_listen_address=listens), alertmanager("b"))
    assert found.startswith("A04 error host a, variable alertmanager_cluster_listen_address: ")


@pytest.mark.parametrize("listens", ["0.0.0.0", "::", "[::]", "10.0.0.1"])
def test_a04_gossip_for_peers(listens: str) -> None:
    parts = alertmanager("a", "b", alertmanager_cluster_listen_address=listens)
    assert not told("A04", parts)
    assert not told("A04", alertmanager("a", alertmanager_cluster_listen_address="127.0.0.1"))


@pytest.mark.parametrize(
    "folder, bad",
    [
        ("/tmp", True),
        ("/tmp/../tmp/am", True),
        ("/var/tmp/am", True),
        ("/run/am", True),
        ("/var/run/am", True),
        ("/dev/shm/am", True),
        ("/tmpfoo", False),
        ("/srv/tmp", False),
        ("/var/lib/alertmanager", False),
    ],
)
def test_a10(folder: str, bad: bool) -> None:
    found = told("A10", alertmanager("a", "b", alertmanager_data_dir=folder))
    assert [line.partition(": ")[0] for line in found] == (
        ["A10 error hosts a, b, variable alertmanager_data_dir"] if bad else []
    )


def test_a13_labels_that_are_alike_only_once_they_are_made() -> None:
    one = alertmanager("a", "b", prometheus_ha_environment="x-y", alertmanager_mesh="z")
    two = alertmanager("c", "d", prometheus_ha_environment="x", alertmanager_mesh="y-z")
    (found,) = told("A13", one, two)
    assert found.startswith("A13 warning host c, variable alertmanager_cluster_label: ")
    assert "mesh z of x-y and mesh y-z of x share the cluster label 'x-y-z'" in found
    assert not told("A13", one)


def test_a14_says_what_is_seen_and_for_how_long() -> None:
    gone = alertmanager("c", alertmanager_state="absent")
    (found,) = told("A14", alertmanager("a", "b"), gone, prometheus("p", "q", prometheus_state="absent"))
    assert found.startswith("A14 warning host c, variable alertmanager_state: c leaves mesh default")
    assert "6h" in found
    assert not told("A14", gone)


@pytest.mark.parametrize(
    "values, resend, expected",
    [
        pytest.param({}, None, "", id="defaults"),
        pytest.param(
            {"alertmanager_dispatch_start_delay": "59s"}, None, "59s; p sends its alerts again after 1m", id="less"
        ),
        pytest.param({"alertmanager_dispatch_start_delay": "0"}, None, "0s; p", id="none"),
        pytest.param({}, {"--rules.alert.resend-delay": "2m"}, "1m; q sends its alerts again after 2m", id="by dashes"),
        pytest.param({"alertmanager_dispatch_start_delay": "2m"}, {"rules.alert.resend-delay": "2m"}, "", id="as long"),
        pytest.param({"alertmanager_dispatch_start_delay": "0", "alertmanager_version": "0.29.0"}, None, "", id="0.29"),
    ],
)
def test_a15(values: dict[str, t.Any], resend: dict[str, str] | None, expected: str) -> None:
    members = alertmanager("a", "b", **{"alertmanager_version": "0.33.1", **values})
    found = told("A15", members, prometheus("p"), prometheus("q", prometheus_extra_args=resend or {}))
    assert [line.partition(": ")[0] for line in found] == (
        ["A15 warning hosts a, b, variable alertmanager_dispatch_start_delay"] if expected else []
    )
    assert all(expected in line for line in found), found


def test_a15_counts_those_that_alert_the_mesh() -> None:
    slow = prometheus(
        "p", prometheus_extra_args={"rules.alert.resend-delay": "5m"}, prometheus_alertmanager_meshes=["x"]
    )
    parts = [
        alertmanager("a", "b", alertmanager_version="0.33.1"),
        alertmanager("c", "d", alertmanager_version="0.33.1", alertmanager_mesh="x"),
    ]
    (found,) = told("A15", *parts, slow)
    assert found.startswith("A15 warning hosts c, d, ")


@pytest.mark.parametrize(
    "version, bad",
    [
        ("0.31.1", False),
        ("0.32.0", True),
        ("0.32.2", True),
        ("0.32.3", False),
        ("0.33.0", True),
        ("0.33.1", False),
        ("0.34.0", False),
    ],
)
def test_a16(version: str, bad: bool) -> None:
    assert len(told("A16", alertmanager("a", "b", alertmanager_version=version))) == bad


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"alertmanager_version": "latest"}, id="version"),
        pytest.param({"alertmanager_cluster_peer_timeout": "soon"}, id="peer timeout"),
        pytest.param({"alertmanager_retention": "5 days"}, id="retention"),
        pytest.param({"alertmanager_dispatch_start_delay": "x", "alertmanager_version": "0.33.1"}, id="start delay"),
        pytest.param({"alertmanager_config": None}, id="no configuration"),
        pytest.param({"ansible_host": "http://x"}, id="address"),
        pytest.param({"alertmanager_cluster_port": 99999}, id="port"),
    ],
)
def test_what_the_rules_on_values_say_is_said_by_no_rule_on_meshes(values: dict[str, t.Any]) -> None:
    one = hosts("c", groups=["alertmanager"], **{"alertmanager_config": {"route": {}}, **values})
    found = findings(alertmanager("b", alertmanager_config=None), one, prometheus("p", "q"))
    assert {line[0] for line in found if "host c," in line} <= {"I"}, found
