# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshot: plain values, one variable's failure alone, origins, and templates that are compiled once."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest
from ansible._internal._datatag._tags import Origin
from ansible._internal._templating._utils import Omit
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible.template import Templar, trust_as_template
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables, Snapshot, load


def trusted(value: t.Any) -> t.Any:
    """As an inventory's loader gives it: text may be a template."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return [trusted(item) for item in value] if isinstance(value, list) else value


class HostVars(dict[str, dict[str, t.Any]]):
    """Hosts with raw variables, as far as the loader uses them; counts who is asked."""

    def __init__(self, hosts: dict[str, dict[str, t.Any]]) -> None:
        super().__init__({name: trusted({"inventory_hostname": name, **raw}) for name, raw in hosts.items()})
        self.asked: list[str] = []

    def raw_get(self, host_name: str) -> dict[str, t.Any]:
        self.asked.append(host_name)
        return self[host_name]


def snapshot(hosts: dict[str, dict[str, t.Any]], *names: str) -> Snapshot:
    return load(HostVars(hosts), Templar(loader=DataLoader()), names or ("a", "b", "c"), ["/inv"])


@pytest.mark.parametrize(
    "value",
    ["text", "ünï", "", 3, 2.5, True, None, [1, "a", None], {"a": {"b": [True]}}],
    ids=repr,
)
def test_values_become_plain(value: t.Any) -> None:
    found = snapshot({"h": {"a": value}}).hosts["h"].values["a"]
    assert found == value

    def classes(item: t.Any) -> set[type]:
        inner = [*item.keys(), *item.values()] if isinstance(item, dict) else item if isinstance(item, list) else []
        return {type(item)}.union(*map(classes, inner))

    assert classes(found) <= {str, int, float, bool, type(None), list, dict}


def test_keys_become_text() -> None:
    value = {1: "a", 2.5: "b", False: "c", None: "d", datetime.date(2026, 1, 2): "e", "x": {7: "f"}}
    found = snapshot({"h": {"a": value}}).hosts["h"].values["a"]
    assert found == {"1": "a", "2.5": "b", "false": "c", "null": "d", "2026-01-02": "e", "x": {"7": "f"}}


def test_dates_become_text() -> None:
    values = snapshot({"h": {"a": {"day": datetime.date(2026, 1, 2)}}}).hosts["h"].values
    assert json.loads(json.dumps(values)) == {"a": {"day": "2026-01-02"}}


def test_templates_see_their_own_host_and_the_others() -> None:
    found = snapshot(
        {
            "h": {"a": "{{ inventory_hostname }}", "b": ["{{ hostvars['i'].x }}"], "port": 9090, "c": "{{ port + 1 }}"},
            "i": {"a": "{{ inventory_hostname }}", "x": "there"},
        }
    )
    assert found.hosts["h"].values == {"a": "h", "b": ["there"], "c": 9091}
    assert found.hosts["i"].values == {"a": "i"}
    assert found.folders == ("/inv",)


def test_one_bad_value_hits_itself_alone() -> None:
    host = snapshot({"h": {"a": "{{ no_such_thing }}", "b": "fine", "c": {"x": ["{{ 1 / 0 }}"]}}}).hosts["h"]
    assert host.values == {"b": "fine"}
    assert "no_such_thing" in host.problems["a"]
    assert "division" in host.problems["c"]
    assert "\n" not in host.problems["a"]


def test_an_omitted_value_is_as_if_unset() -> None:
    host = snapshot({"h": {"a": "{{ omit }}", "b": "fine", "omit": Omit}}).hosts["h"]
    assert host.values == {"b": "fine"}
    assert host.problems == {}


def test_variables_of_others_are_never_templated() -> None:
    host = snapshot({"h": {"a": "x", "theirs": "{{ lookup('ansible.builtin.pipe', 'touch /tmp/never') }}"}}).hosts["h"]
    assert host.values == {"a": "x"}
    assert host.problems == {}


def test_a_template_that_many_hosts_share_is_compiled_once() -> None:
    templar = Templar(loader=DataLoader())
    compiled: list[str] = []
    scoped = templar.copy_with_new_env(available_variables={})
    engine: t.Any = scoped._engine
    original = engine._compile_template

    def counting(template: str, options: t.Any) -> t.Any:
        compiled.append(template)
        return original(template, options)

    engine._compile_template = counting

    class Once:
        def copy_with_new_env(self, **_kwargs: t.Any) -> t.Any:
            return scoped

    hostvars = HostVars({f"h{number}": {"a": "{{ inventory_hostname }}-x", "n": number} for number in range(1000)})
    found = load(hostvars, Once(), ["a"])
    assert [found.hosts[name].values["a"] for name in ("h0", "h999")] == ["h0-x", "h999-x"]
    assert compiled == ["{{ inventory_hostname }}-x"]
    assert hostvars.asked == list(hostvars)


def test_another_engine_of_ansible_only_loses_the_speed() -> None:
    class Other:
        available_variables: t.ClassVar[dict[str, t.Any]] = {}

        def copy_with_new_env(self, **_kwargs: t.Any) -> t.Any:
            return self

        def template(self, value: t.Any) -> t.Any:
            return value

    assert load(HostVars({"h": {"a": "x"}}), Other(), ["a"]).hosts["h"].values == {"a": "x"}


@pytest.mark.parametrize(
    "origins, expected",
    [
        ({}, "host h, variable a"),
        ({"a": "/inv/group_vars/eu.yml:7"}, "host h, variable a (/inv/group_vars/eu.yml:7)"),
        ({"b": "/inv/hosts.yml:1"}, "host h, variable a"),
    ],
)
def test_where(origins: dict[str, str], expected: str) -> None:
    assert HostVariables("h", (), {}, {}, origins).where("a") == expected


def test_the_origin_of_a_value_is_its_file_and_line(tmp_path: t.Any) -> None:
    file = tmp_path / "vars.yml"
    file.write_text("b: 1\na: text\n")
    raw = DataLoader().load_from_file(str(file), trusted_as_template=True)

    class One(HostVars):
        def raw_get(self, host_name: str) -> dict[str, t.Any]:
            return {**super().raw_get(host_name), **raw, "group_names": ["g"]}

    host = load(One({"h": {}}), Templar(loader=DataLoader()), ["a"]).hosts["h"]
    assert host.origins == {"a": f"{file}:2"}
    assert host.groups == ("g",)


def test_what_a_role_or_play_gives_counts_more_and_has_no_origin_in_the_inventory() -> None:
    known = HostVariables("h", ("g",), {"a": 1, "b": 2}, {"c": "undefined"}, {"a": "f:1", "b": "f:2", "c": "f:3"})
    changed = Snapshot({"h": known, "i": known}).with_values("h", {"a": 9, "c": 3}, {"d": "bad"})
    host = changed.hosts["h"]
    assert host.values == {"a": 9, "b": 2, "c": 3}
    assert host.problems == {"d": "bad"}
    assert host.origins == {"b": "f:2"}
    assert changed.hosts["i"] is known


def test_a_value_that_a_role_makes_unreadable_does_not_fall_back_silently() -> None:
    known = HostVariables("h", (), {"a": 1}, {}, {})
    assert Snapshot({"h": known}).with_values("h", {}, {"a": "undefined"}).hosts["h"].problems == {"a": "undefined"}


# -- what came encrypted ----------------------------------------------------------------------------------------------

VAULT_FILE = "deep: {hook: hook-file1}\nwhole: {receiver: team-one}\nlone: lone-file1\n"
PLAIN_FILE = """
word: !vault |
  {word}
a: ["{{{{ word }}}}", open-text, {{x: "{{{{ deep.hook }}}}"}}]
b: "{{{{ whole }}}}"
c: "Bearer {{{{ lone }}}}"
d: "Bearer {{{{ word }}}}"
"""


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[DataLoader, dict[str, t.Any]]:
    """A host with an encrypted string, and with variables from a file that is encrypted as a whole."""
    secrets: list[t.Any] = [("default", VaultSecret(b"password"))]
    monkeypatch.setattr(VaultSecretsContext, "_current", None)
    VaultSecretsContext.initialize(VaultSecretsContext(secrets))
    vault, loader = VaultLib(secrets), DataLoader()
    loader.set_vault_secrets(secrets)
    word = vault.encrypt("word-string1").decode().replace("\n", "\n  ")
    (tmp_path / "plain.yml").write_text(PLAIN_FILE.format(word=word))
    (tmp_path / "vault.yml").write_bytes(vault.encrypt(VAULT_FILE))
    raw: dict[str, t.Any] = {}
    for name in ("plain.yml", "vault.yml"):
        raw.update(loader.load_from_file(str(tmp_path / name), trusted_as_template=True))
    return loader, raw


@pytest.mark.parametrize(
    "names, secrets",
    [
        (["a"], {"word-string1", "hook-file1", "lone-file1"}),
        (["a", "word", "lone"], {"word-string1", "hook-file1"}),
        (["c"], {"lone-file1", "word-string1"}),
        (["whole", "word", "lone"], {"word-string1"}),
        (["b", "word", "lone"], {"word-string1", "team-one"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),  # sets have no order of their own
)
def test_what_came_encrypted(
    encrypted: tuple[DataLoader, dict[str, t.Any]], names: list[str], secrets: set[str]
) -> None:
    """Of a whole configuration in an encrypted file, its keys say what is secret; every other word is as such."""
    loader, raw = encrypted
    hostvars = HostVars({"h": {}})
    hostvars["h"] = {**raw, "ansible_password": raw["lone"]}
    host = load(hostvars, Templar(loader=loader), names).hosts["h"]
    assert host.problems == {}
    assert set(host.secrets) == secrets


def test_what_no_password_opens_is_left_out(encrypted: tuple[DataLoader, dict[str, t.Any]]) -> None:
    _loader, raw = encrypted
    VaultSecretsContext._current = VaultSecretsContext([("default", VaultSecret(b"another"))])
    fresh = DataLoader().load_from_file(str(raw_path(raw)), trusted_as_template=True, cache="none")
    hostvars = HostVars({"h": {}})
    hostvars["h"] = {"word": fresh["word"], "c": "fine"}
    host = load(hostvars, Templar(loader=DataLoader()), ["c"]).hosts["h"]
    assert (host.values, host.secrets) == ({"c": "fine"}, ())


def raw_path(raw: dict[str, t.Any]) -> str:
    origin = Origin.get_tag(raw["c"])
    assert origin is not None
    return str(origin.path)
