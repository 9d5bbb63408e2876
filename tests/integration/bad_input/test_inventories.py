# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories that the plan refuses: no host is touched, every problem says its path."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_support import Lab, plan_error


def vaulted(text: str) -> str:
    """A vaulted value as a line of YAML."""
    sealed = VaultLib([("default", VaultSecret(b"a password"))]).encrypt(text).decode()
    return "!vault |\n" + "".join(f"  {line}\n" for line in sealed.splitlines())


CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "an external label shadows the replica label": (
        {
            "host_vars/p-1.yml": "prometheus_external_labels:\n  replica: x\n",
            "host_vars/p-2.yml": "prometheus_external_labels:\n  replica: x\n",
        },
        (
            *plan_error("P01", "host p-1, variable prometheus_external_labels ("),
            "host_vars/p-1.yml:2",
            "the external label 'replica' shadows the replica label",
            "remove it",
        ),
    ),
    "a replica twice in a set": (
        {"host_vars/p-2.yml": "prometheus_replica: p-1\n"},
        (
            *plan_error("P01", "host p-2, variable prometheus_replica ("),
            "host_vars/p-2.yml:1",
            "has the replica 'p-1' twice: on p-1 and on p-2",
        ),
    ),
    "latest": (
        {"group_vars/prometheus/version.yml": "prometheus_version: latest\n"},
        (*plan_error("", "p-1"), "variable prometheus_version", "version.yml:1", "latest"),
    ),
    "a vaulted value without the password": (
        {"host_vars/a-1.yml": "alertmanager_external_url: " + vaulted("http://hunter2/")},
        (*plan_error("I01", "host a-1, variable alertmanager_external_url ("), "host_vars/a-1.yml:1", "vault"),
    ),
    "a vaulted value deep inside, without the password": (
        {
            "host_vars/p-1.yml": "prometheus_remote_write:\n- url: http://x/\n  basic_auth:\n    password: "
            + vaulted("hunter2").replace("\n  ", "\n      ")
        },
        (*plan_error("I01", "host p-1, variable prometheus_remote_write ("), "host_vars/p-1.yml", "vault"),
    ),
    "an undefined variable": (
        {"host_vars/p-1.yml": 'prometheus_external_url: "http://{{ nowhere }}/"\n'},
        (
            *plan_error("I01", "host p-1, variable prometheus_external_url ("),
            "host_vars/p-1.yml:1",
            "'nowhere' is undefined",
        ),
    ),
    "a wrong type": (
        {"host_vars/p-1.yml": "prometheus_port: ninety\n"},
        (*plan_error("I02", "host p-1, variable prometheus_port ("), "host_vars/p-1.yml:1", "ninety"),
    ),
    "a checksum that is none": (
        {"host_vars/p-1.yml": "prometheus_checksum: abc\n"},
        ("host p-1", "prometheus_checksum", "'abc' is no SHA-256", "Do: "),
    ),
    "a flag that this version lacks": (
        {"host_vars/p-1.yml": "prometheus_extra_args: {storage.remote.write-magic: 1}\n"},
        ("p-1", "prometheus_extra_args", "storage.remote.write-magic", "Do: "),
    ),
    "two problems at once": (
        {"host_vars/p-1.yml": "prometheus_port: ninety\nprometheus_agent: perhaps\n"},
        ("the inventory has 2 problems", "prometheus_port", "prometheus_agent", "host_vars/p-1.yml:2"),
    ),
    "no host in a group of ours": (
        {"hosts.yml": "all: {hosts: {x-1: {ansible_host: 172.30.94.11}}}\n"},
        ("no host of the inventory runs anything of this collection", "prometheus_ha_groups", "Do: "),
    ),
    "an empty inventory": (
        {"hosts.yml": "all:\n"},
        ("the inventory has no host", "Do: see ansible-inventory --graph"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_before_any_host_is_touched(lab: Lab, case: str) -> None:
    overlay, told = CASES[case]
    with lab.unharmed():
        lab.site(overlay).refused(*told)


def test_the_corrected_inventory_passes(lab: Lab) -> None:
    """Once for all of the above: none of them reached a host."""
    lab.is_whole()


def test_a_host_in_no_group_of_ours_is_left_alone(lab: Lab) -> None:
    hosts = {"all": {"hosts": {"x-1": {"ansible_host": "192.0.2.1"}}}}
    with lab.unharmed():
        lab.site({"zz_more.yml": hosts}).passed(changed=False)


def test_a_limit_that_leaves_no_host_of_the_plan_is_no_success(lab: Lab) -> None:
    hosts = {"all": {"hosts": {"x-1": {"ansible_host": "192.0.2.1"}}}}
    lab.site({"zz_more.yml": hosts}, "--limit", "x-1").refused(
        "--limit x-1 leaves no host", "Do: limit to some of p-1, p-2, a-1, a-2"
    )
