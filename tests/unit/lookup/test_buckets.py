# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a bucket tool runs, as plays ask for it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.baremetal.prometheus_ha.plugins.lookup import buckets as buckets_lookup
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import CASES, ROOT, playbook


@pytest.fixture
def buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., list[str]]:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "tmp" / "run"))
    plugin = buckets_lookup.LookupModule()
    plugin._load_name = "baremetal.prometheus_ha.buckets"
    options = yaml.safe_load(buckets_lookup.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", plugin._load_name, options)
    return lambda *terms: plugin.run(list(terms), {})


def test_one_host_of_each_bucket_that_the_play_covers(buckets: t.Callable[..., list[str]]) -> None:
    _store.record_members(["a", "b", "c"])
    known = [{"title": "bucket x", "hosts": {"thanos_compact": ["a"], "thanos_store": ["b", "c"]}, "live": []}]
    _store.keep("buckets", _store.ALL, known)
    _store.keep("covered", _store.ALL, ["a", "b", "c"])
    assert buckets("verify") == ["a"]
    _store.keep("covered", _store.ALL, ["c"])
    assert buckets("verify") == ["c"]
    with pytest.raises(AnsibleLookupError, match="--limit leaves no host"):
        buckets("cleanup")


def test_without_a_plan(buckets: t.Callable[..., list[str]]) -> None:
    with pytest.raises(AnsibleLookupError, match="no plan was made in this run"):
        buckets("inspect")


@pytest.mark.parametrize("terms", [(), ("web",), ("inspect", "verify")])
def test_it_takes_a_tool(buckets: t.Callable[..., list[str]], terms: tuple[str, ...]) -> None:
    with pytest.raises(AnsibleLookupError, match="buckets takes one of verify, inspect"):
        buckets(*terms)


@pytest.mark.parametrize("option", ["--list-hosts", "--list-tasks", "--syntax-check"])
@pytest.mark.parametrize("tool", ["verify", "inspect", "replicate", "retention", "cleanup"])
def test_each_playbook_can_be_listed_without_a_plan(tmp_path: Path, tool: str, option: str) -> None:
    ran = playbook(tmp_path, CASES / "accept" / "renamed", ROOT / "playbooks" / f"bucket_{tool}.yml", option)
    assert ran.rc == 0, ran.words


def test_an_inventory_without_a_bucket_is_an_error(tmp_path: Path) -> None:
    ran = playbook(tmp_path, CASES / "accept" / "renamed", ROOT / "playbooks" / "bucket_verify.yml")
    assert ran.rc != 0
    assert "no host of the inventory has a bucket" in ran.words
