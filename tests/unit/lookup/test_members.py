# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the plan, as plays ask for them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.baremetal.prometheus_ha.plugins.lookup import members as members_lookup
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import CASES, playbook, write

QUERY = "query('baremetal.prometheus_ha.members')"


@pytest.fixture
def members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., list[str]]:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "tmp" / "run"))
    plugin = members_lookup.LookupModule()
    plugin._load_name = "baremetal.prometheus_ha.members"
    options = yaml.safe_load(members_lookup.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", plugin._load_name, options)
    return lambda *terms: plugin.run(list(terms), {})


def test_the_plan_s_hosts_in_its_order(members: t.Callable[..., list[str]]) -> None:
    _store.record_members(["b", "a"])
    assert members() == ["b", "a"]


def test_without_a_plan(members: t.Callable[..., list[str]]) -> None:
    with pytest.raises(AnsibleLookupError, match="no plan was made in this run"):
        members()


def test_it_takes_nothing(members: t.Callable[..., list[str]]) -> None:
    with pytest.raises(AnsibleLookupError, match="takes nothing"):
        members("prometheus")


def test_a_play_targets_them_although_it_cannot_see_group_variables(tmp_path: Path) -> None:
    plays = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"baremetal.prometheus_ha.plan": None}]},
        {"hosts": "{{ " + QUERY + " }}", "gather_facts": False, "tasks": [write(tmp_path, "ansible_play_hosts_all")]},
    ]
    ran = playbook(tmp_path, CASES / "accept" / "renamed", plays)
    assert ran.rc == 0, ran.words
    assert list(ran.results) == ["m-1", "m-2", "a-1"]


@pytest.mark.parametrize("option", ["--list-hosts", "--list-tasks", "--syntax-check"])
def test_a_playbook_can_be_listed_without_a_plan(tmp_path: Path, option: str) -> None:
    plays = [{"hosts": "{{ " + QUERY + " }}", "gather_facts": False, "tasks": []}]
    ran = playbook(tmp_path, CASES / "accept" / "renamed", plays, option)
    assert ran.rc == 0, ran.words
