# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what all members of a mesh must have alike."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import AM_CONFIG, alertmanager, findings, good

FILES = {
    "/inv/a/site.tmpl": "one\ntwo\nthree\n",
    "/inv/b/site.tmpl": "one\nzwei\nthree\n",
    "/inv/c/site.tmpl": "one\ntwo\nthree\nfour\n",
    "/inv/a/more.tmpl": "more\n",
    "/inv/am.yml": "receivers: [{name: nobody}]\nroute: {receiver: nobody}\n",
}


def config(**route: t.Any) -> dict[str, t.Any]:
    return {"route": {"receiver": "nobody", **route}, "receivers": [{"name": "nobody"}, {"name": "mail"}]}


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            {"alertmanager_config": config(group_by=["a"])},
            {"alertmanager_config": config(group_by=["a", "b"])},
            "alertmanager_config",
            "alertmanager.yml is not that of a: it differs at route.group_by.",
            id="a list",
        ),
        pytest.param(
            {"alertmanager_config": config(routes=[{}, {"receiver": "mail"}])},
            {"alertmanager_config": config(routes=[{}, {"receiver": "hunter2"}])},
            "alertmanager_config",
            "it differs at route.routes[1].receiver.",
            id="deep",
        ),
        pytest.param(
            {"alertmanager_config": config()},
            {"alertmanager_config": config(group_wait="1s")},
            "alertmanager_config",
            "it differs at route.group_wait.",
            id="on one alone",
        ),
        pytest.param(
            {},
            {"alertmanager_config": None, "alertmanager_config_file": "am.yml"},
            "alertmanager_config_file",
            "it differs in the order of its keys.",
            id="another order, from a file",
        ),
        pytest.param(
            {"alertmanager_templates": ["a/site.tmpl"]},
            {"alertmanager_templates": ["b/site.tmpl"]},
            "alertmanager_templates",
            "templates/site.tmpl is not that of a: it differs in line 2.",
            id="a template",
        ),
        pytest.param(
            {"alertmanager_templates": ["a/site.tmpl"]},
            {"alertmanager_templates": ["c/site.tmpl"]},
            "alertmanager_templates",
            "it differs in its length.",
            id="a longer template",
        ),
        pytest.param(
            {"alertmanager_templates": ["a/*.tmpl"]},
            {"alertmanager_templates": ["a/site.tmpl"]},
            "alertmanager_templates",
            "templates/more.tmpl is on a and not on b.",
            id="a template less",
        ),
        pytest.param(
            {"alertmanager_templates": ["a/site.tmpl"]},
            {"alertmanager_templates": ["a/*.tmpl"]},
            "alertmanager_templates",
            "templates/more.tmpl is on b and not on a.",
            id="a template more",
        ),
    ],
)
def test_a02(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    (found,) = findings(alertmanager("a", **first), alertmanager("b", **second), files=FILES)
    assert found.startswith(f"A02 error host b, variable {where}: ")
    assert words in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([alertmanager("a", "b", alertmanager_templates=["a/*.tmpl"])], id="all alike"),
        pytest.param(
            [alertmanager("a"), alertmanager("b", alertmanager_config=config(), alertmanager_mesh="other")],
            id="another mesh",
        ),
        pytest.param(
            [alertmanager("a"), alertmanager("b", alertmanager_config=config(), alertmanager_state="absent")],
            id="one that leaves",
        ),
    ],
)
def test_a02_passes(parts: list[t.Any]) -> None:
    found = findings(*parts, files=FILES)
    assert not [line for line in found if line.startswith("A02")], found


def test_a02_compares_with_the_first_that_can_be_rendered() -> None:
    parts = [alertmanager("a", alertmanager_config=None), alertmanager("b"), alertmanager("c")]
    assert [line.partition(" ")[0] for line in findings(*parts)] == ["I03"]
    parts.append(alertmanager("d", alertmanager_config=config()))
    assert [line for line in findings(*parts) if line.startswith("A02 error host d,") and "not that of b" in line]


@pytest.mark.parametrize(
    "first, second, where, words",
    [
        pytest.param(
            {"alertmanager_cluster_peer_timeout": "20s"},
            {},
            "alertmanager_cluster_peer_timeout",
            "mesh default has differing values of cluster_peer_timeout: '20s' on a and '15s' on b",
            id="peer timeout",
        ),
        pytest.param(
            {},
            {"alertmanager_cluster_gossip_interval": "1s"},
            "alertmanager_cluster_gossip_interval",
            "'200ms' on a and '1s' on b",
            id="gossip",
        ),
        pytest.param(
            {},
            {"alertmanager_cluster_pushpull_interval": "61s"},
            "alertmanager_cluster_pushpull_interval",
            "'60s' on a and '61s' on b",
            id="push and pull",
        ),
        pytest.param(
            {},
            {"alertmanager_cluster_label": "x"},
            "alertmanager_cluster_label",
            "'default-default' on a and 'x' on b",
            id="label",
        ),
        pytest.param(
            {"alertmanager_extra_args": {"cluster.tls-config": "/etc/a"}},
            {},
            "alertmanager_extra_args",
            "of cluster.tls-config: 'on' on a and nothing on b",
            id="TLS",
        ),
        pytest.param(
            {"alertmanager_extra_args": {"cluster.probe-interval": "1s"}},
            {"alertmanager_extra_args": {"--cluster.probe-interval": "2s"}},
            "alertmanager_extra_args",
            "of cluster.probe-interval: '1s' on a and '2s' on b",
            id="a further flag",
        ),
    ],
)
def test_a05(first: dict[str, t.Any], second: dict[str, t.Any], where: str, words: str) -> None:
    (found,) = findings(alertmanager("a", **first), alertmanager("b", **second))
    assert found.startswith(f"A05 error host b, variable {where}: ")
    assert words in found


@pytest.mark.parametrize(
    "first, second",
    [
        pytest.param(
            {"alertmanager_cluster_peer_timeout": "1m"}, {"alertmanager_cluster_peer_timeout": "60s"}, id="spelling"
        ),
        pytest.param({"alertmanager_cluster_label": "default-default"}, {}, id="the default, written out"),
        pytest.param({"alertmanager_cluster_settle_timeout": "10s"}, {}, id="a member's own patience"),
        pytest.param(
            {"alertmanager_extra_args": {"cluster.tls-config": "/etc/a"}},
            {"alertmanager_extra_args": {"cluster.tls-config": "/etc/b"}},
            id="the file of TLS",
        ),
        pytest.param({"alertmanager_extra_args": {"log.level": "debug"}}, {}, id="no flag of gossip"),
        pytest.param(
            {"alertmanager_extra_args": {"cluster.allow-insecure-public-advertise-address-discovery": None}},
            {},
            id="a host's own need",
        ),
    ],
)
def test_a05_passes(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    good(alertmanager("a", **first), alertmanager("b", **second))


def test_a07() -> None:
    def member(name: str, peer: str, **values: t.Any) -> t.Any:
        args = {"cluster.peer-name": peer}
        return alertmanager(name, alertmanager_version="0.33.1", alertmanager_extra_args=args, **values)

    (found,) = findings(member("a", "x"), member("b", "y"), member("c", "x"))
    assert found.startswith("A07 error host c, variable alertmanager_extra_args: a and c of mesh default both have")
    good(member("a", "x"), member("b", "y"))
    good(member("a", "x"), member("b", "x", alertmanager_mesh="other"))
    good(alertmanager("a", "b", alertmanager_config=AM_CONFIG, alertmanager_version="0.33.1"))
