# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What site.yml leaves on fresh hosts. Nothing is changed here."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import MESH, REPLICAS, SETS, Stack

ROLES = [(name, "prometheus") for name in REPLICAS] + [(name, "alertmanager") for name in MESH]


@pytest.mark.parametrize("member", MESH)
def test_every_member_sees_all_members(stack: Stack, member: str) -> None:
    cluster = stack.alertmanager(member, "status")["cluster"]
    assert cluster["status"] == "ready"
    assert {peer["address"] for peer in cluster["peers"]} == {f"{stack.addresses[name]}:9094" for name in MESH}


@pytest.mark.parametrize("replica", REPLICAS)
def test_every_prometheus_alerts_every_alertmanager(stack: Stack, replica: str) -> None:
    active = stack.prometheus(replica, "alertmanagers")["activeAlertmanagers"]
    assert sorted(item["url"] for item in active) == sorted(
        f"http://{stack.addresses[name]}:9093/api/v2/alerts" for name in MESH
    )


@pytest.mark.parametrize("replica", REPLICAS)
def test_every_replica_scrapes_every_host(stack: Stack, replica: str) -> None:
    found = stack.prometheus(replica, "query?query=up")["result"]
    assert {(item["metric"]["instance"], item["value"][1]) for item in found} == {
        (stack.exporter(name), "1") for name in stack.addresses
    }


@pytest.mark.parametrize("region", SETS)
def test_replicas_differ_in_their_label_alone(stack: Stack, region: str) -> None:
    first, second = SETS[region]
    hashes = [stack.files(name, "/etc/prometheus") for name in (first, second)]
    assert hashes[0].keys() == hashes[1].keys()
    assert {path for path in hashes[0] if hashes[0][path] != hashes[1][path]} == {"./prometheus.yml"}
    texts = [stack.sh(name, "cat /etc/prometheus/prometheus.yml").splitlines() for name in (first, second)]
    different = [(mine.strip(), other.strip()) for mine, other in zip(*texts, strict=True) if mine != other]
    assert different == [(f"replica: {first}", f"replica: {second}")]


def test_members_have_equal_files(stack: Stack) -> None:
    found = [stack.files(name, "/etc/alertmanager") for name in MESH]
    assert found[0] and found[0] == found[1] == found[2]


@pytest.mark.parametrize(("name", "role"), ROLES)
def test_files_are_not_for_everyone(stack: Stack, name: str, role: str) -> None:
    modes = stack.sh(name, f"find /etc/{role} -type f -printf '%m %u:%g\\n' | sort -u")
    assert modes == f"640 root:{role}"
    assert stack.sh(name, f"find /etc/{role} -perm /o=rwx ! -type l") == ""
    assert stack.sh(name, f"stat -c %a:%U /var/lib/prometheus_ha/{role}") == "700:root"
    assert stack.sh(name, f"stat -c %a:%U:%G /var/lib/{role}") == f"750:{role}:{role}"


@pytest.mark.parametrize(("name", "role"), ROLES)
def test_unit_is_enabled_and_runs_unprivileged(stack: Stack, name: str, role: str) -> None:
    unit = stack.host(name).service(role)
    assert unit.is_enabled
    assert unit.is_running
    user = stack.sh(name, f"ps -o user:32= -p {stack.process(name, role).pid}")
    assert user == role


@pytest.mark.parametrize(("name", "role"), ROLES)
def test_unit_is_hardened(stack: Stack, name: str, role: str) -> None:
    exposure = stack.sh(name, f"systemd-analyze security --no-pager {role} | tail -1")
    assert float(exposure.split("exposure level for")[1].split(":")[1].split()[0]) <= 1.5
