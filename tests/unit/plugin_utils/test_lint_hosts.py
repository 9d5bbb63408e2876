# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what shares a host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    AM_CONFIG,
    alertmanager,
    findings,
    good,
    hosts,
    prometheus,
    warnings,
)


def both(**values: t.Any) -> t.Any:
    return hosts("a", groups=["prometheus", "alertmanager"], alertmanager_config=AM_CONFIG, **values)


@pytest.mark.parametrize(
    "values, where, words",
    [
        pytest.param(
            {"alertmanager_port": 9090},
            "alertmanager_port",
            "alertmanager and prometheus would both use the tcp port 9090 (the other one by prometheus_port)",
            id="web ports",
        ),
        pytest.param(
            {"prometheus_port": 9094}, "alertmanager_cluster_port", "both use the tcp port 9094", id="web and gossip"
        ),
        pytest.param(
            {"alertmanager_cluster_port": 9093}, "alertmanager_cluster_port", "tcp port 9093", id="within a component"
        ),
        pytest.param(
            {"alertmanager_data_dir": "/var/lib/prometheus"},
            "alertmanager_data_dir",
            "both use the folder /var/lib/prometheus",
            id="data folders",
        ),
        pytest.param(
            {"alertmanager_data_dir": "/var/lib/prometheus/"},
            "alertmanager_data_dir",
            "both use the folder /var/lib/prometheus",
            id="data folders, spelled differently",
        ),
    ],
)
def test_x03(values: dict[str, t.Any], where: str, words: str) -> None:
    found = findings(both(**values))
    assert [line.partition(": ")[0] for line in found] == [f"X03 error host a, variable {where}"], found
    assert words in found[0]


LOOPBACK = {"prometheus_listen_address": "127.0.0.1", "alertmanager_port": 9090}


@pytest.mark.parametrize(
    "listens, clash",
    [
        pytest.param("127.0.0.1", True, id="the same"),
        pytest.param("0.0.0.0", True, id="all of IPv4"),
        pytest.param("::", True, id="all, as IPv6"),
        pytest.param("[::]", True, id="all, in brackets"),
        pytest.param("10.0.0.1", False, id="another"),
        pytest.param("::1", False, id="another family"),
    ],
)
def test_x03_counts_the_address(listens: str, clash: bool) -> None:
    found = findings(both(**LOOPBACK, alertmanager_listen_address=listens), alertmanager("b"))
    assert [line.partition(" ")[0] for line in found] == (["X03"] if clash else [])


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([both()], id="the defaults"),
        pytest.param([prometheus("a"), alertmanager("b", alertmanager_port=9090)], id="two hosts"),
        pytest.param([both(prometheus_state="absent", alertmanager_port=9090)], id="one leaves"),
    ],
)
def test_x03_passes(parts: list[t.Any]) -> None:
    good(*parts)


def test_every_clash_at_once() -> None:
    values = {"alertmanager_port": 9090, "alertmanager_data_dir": "/var/lib/prometheus"}
    assert len(findings(both(**values))) == 2


def test_x01_two_of_a_set_at_one_address() -> None:
    (found,) = findings(prometheus("p-1", "p-2", ansible_host="192.0.2.1"))
    assert found.startswith("X01 error host p-2, variable ansible_host: ")
    assert "p-1 and p-2 of replica set default have the same address 192.0.2.1" in found


@pytest.mark.parametrize(
    "values, where",
    [
        pytest.param({"prometheus_ha_address": "10.0.0.9"}, "host p, variable prometheus_ha_address", id="given"),
        pytest.param({"ansible_host": "10.0.0.9"}, "host p, variable ansible_host", id="Ansible's"),
        # Another port makes no other host of it.
        pytest.param(
            {"ansible_host": "10.0.0.9", "prometheus_port": 19090}, "host p, variable ansible_host", id="port"
        ),
    ],
)
def test_x01_names_where_the_address_is_from(values: dict[str, t.Any], where: str) -> None:
    found = findings(prometheus("10.0.0.9", ansible_host=None), prometheus("p", **values))
    assert [line.partition(": ")[0] for line in found] == [f"X01 error {where}"]


def test_x01_hosts_that_are_known_by_their_names_alone() -> None:
    good(prometheus("10.0.0.9", "10.0.0.10", "p", ansible_host=None))


def domains(*given: str | None, groups: tuple[str, ...] = ("prometheus",)) -> t.Any:
    """One host for each failure domain."""
    return [
        hosts(f"h-{number}", groups=groups, prometheus_ha_failure_domain=domain) for number, domain in enumerate(given)
    ]


@pytest.mark.parametrize(
    "given, severity, words",
    [
        pytest.param(("a", "a"), "error", "h-0, h-1 of replica set default stand in one failure domain, 'a'", id="all"),
        pytest.param(("a", "b", "a"), "warning", "h-0, h-2 of replica set default stand in one", id="two of three"),
        pytest.param(("a", None, "a"), "warning", "h-0, h-2 of replica set default", id="and one of which none knows"),
    ],
)
def test_x01_failure_domains(given: tuple[str | None, ...], severity: str, words: str) -> None:
    told = [line for line in (findings if severity == "error" else warnings)(*domains(*given)) if "X01" in line]
    assert len(told) == 1, told
    assert told[0].startswith(f"X01 {severity} host h-{len(given) - 1}, variable prometheus_ha_failure_domain: ")
    assert words in told[0]


@pytest.mark.parametrize("given", [("a", "b"), (None, None), ("a", None), ("a",)], ids=str)
def test_x01_passes_for_failure_domains_apart(given: tuple[str | None, ...]) -> None:
    assert not [line for line in [*findings(*domains(*given)), *warnings(*domains(*given))] if "X01" in line]


def test_x02() -> None:
    (told,) = warnings(prometheus("p"))
    assert told.startswith("X02 warning host p, variable prometheus_replica_set: replica set default has one member, p")
    assert not warnings(prometheus("p", "q"))


def test_x01_passes_for_hosts_apart_and_for_two_components_of_one_host() -> None:
    good(prometheus("p-1", ansible_host="192.0.2.1"), prometheus("p-2", ansible_host="192.0.2.2"))
    good(both(ansible_host="192.0.2.1"), alertmanager("b", ansible_host="192.0.2.2"))


@pytest.mark.parametrize(
    "folder, words",
    [
        ("data", "'data' is not an absolute path"),
        ("", "'' is not an absolute path"),
        ("~/data", "is not an absolute path"),
        ("/", "/ is a folder of the system"),
        ("//", "/ is a folder of the system"),
        ("/var/lib/../../etc/.", "/etc is a folder of the system"),
        ("/etc/prometheus", "/etc/prometheus is a folder of the system"),
        ("/var/lib", "/var/lib is a folder of the system"),
        ("/data", ""),
        ("/srv/metrics/", ""),
        ("/etcetera", ""),
    ],
)
def test_i12(folder: str, words: str) -> None:
    found = findings(prometheus("p", "q", prometheus_data_dir=folder))
    assert [line.partition(": ")[0] for line in found] == ["I12 error hosts p, q, variable prometheus_data_dir"] * bool(
        words
    )
    assert all(words in line for line in found)


LOCAL = {"prometheus_ha_address": "127.0.0.1"}
LISTENS = {"alertmanager_listen_address": "::1"}


@pytest.mark.parametrize(
    "parts, words",
    [
        pytest.param(
            [prometheus("p"), alertmanager("a", **LISTENS)], "alertmanager listens on ::1 alone, where p", id="l"
        ),
        pytest.param([prometheus("p", prometheus_agent=True), alertmanager("a", **LISTENS)], "", id="nobody calls"),
        pytest.param([both(**LISTENS)], "", id="one host"),
        pytest.param(
            [prometheus("p"), alertmanager("a", alertmanager_cluster_advertise_address="10.0.0.1", **LOCAL)],
            "the address of a is 127.0.0.1, where p can't reach it",
            id="an address, and another for gossip",
        ),
        pytest.param(
            [prometheus("p", **LOCAL), prometheus("q", ansible_host="q.example")],
            "the address of p is 127.0.0.1, where q can't reach it",
            id="replicas",
        ),
        pytest.param(
            [prometheus("p", prometheus_replica_set="x", **LOCAL), prometheus("q")], "", id="sets that do not meet"
        ),
        pytest.param([prometheus("p", ansible_host="localhost"), prometheus("q")], "p is localhost", id="by name"),
        pytest.param([prometheus("p", ansible_host="localhost.example"), prometheus("q")], "", id="a name like it"),
        pytest.param([prometheus("p", "q", prometheus_listen_address="127.0.0.1")], "", id="behind proxies"),
    ],
)
def test_x05(parts: list[t.Any], words: str) -> None:
    found = [line for line in findings(*parts) if line.startswith("X05")]
    assert len(found) == bool(words), found
    assert all(words in line for line in found)


@pytest.mark.parametrize(
    ("make", "versions", "words"),
    [
        (prometheus, ["3.5.0", "3.5.0", "3.5.3"], "replica set default is pinned to several versions: 3.5.0 on h0, h1"),
        (prometheus, ["3.10.0", "3.9.1"], ": 3.9.1 on h1; 3.10.0 on h0."),
        (alertmanager, ["0.33.1", "0.34.0"], "mesh default is pinned to several versions: 0.33.1 on h0; 0.34.0 on h1."),
        (prometheus, ["3.5.3", "v3.5.3"], ""),
        (alertmanager, ["0.33.1", "0.33.1"], ""),
        (prometheus, ["3.5.3"], ""),
        (prometheus, ["3.5.3", "latest"], ""),  # I03 says it
    ],
)
def test_x07(make: t.Callable[..., t.Any], versions: list[str], words: str) -> None:
    name = f"{make.__name__}_version"
    parts = [make(f"h{number}", **{name: version}) for number, version in enumerate(versions)]
    found = [line for line in warnings(*parts) if line.startswith("X07")]
    assert len(found) == bool(words), found
    assert all(words in line for line in found)


def test_x07_names_the_host_that_is_alone() -> None:
    parts = [prometheus("p", "q", prometheus_version="3.5.0"), prometheus("r", prometheus_version="3.5.3")]
    (found,) = [line for line in warnings(*parts) if line.startswith("X07")]
    assert found.startswith("X07 warning host r, variable prometheus_version: ")
