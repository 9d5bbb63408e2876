# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flags: written as kingpin reads them, and judged by what a version has."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._help_flags import check_argv
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._flag_tables import INSTEAD, TABLES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._flags import command_line_flags, known_flags
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import parse_line
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}([.-][a-z0-9]{1,5}){0,2}", fullmatch=True).filter(
    lambda name: not name.startswith("no-")
)
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
VALUES = st.one_of(st.none(), st.booleans(), TEXTS, st.lists(TEXTS, min_size=2))


def from_argv(argv: list[str]) -> dict[str, t.Any]:
    """What kingpin makes of an argv of long flags, in the terms of the filter's input."""
    flags: dict[str, t.Any] = {}
    for word in argv:
        name, has_value, value = word[2:].partition("=")
        if not has_value:
            flags.update({name[3:]: False} if name.startswith("no-") else {name: True})
        elif name in flags:
            flags[name] = [*(flags[name] if isinstance(flags[name], list) else [flags[name]]), value]
        else:
            flags[name] = value
    return flags


@given(st.dictionaries(NAMES, VALUES))
def test_round_trip(flags: dict[str, t.Any]) -> None:
    argv = command_line_flags(flags)
    assert from_argv(argv) == {name: True if value is None else value for name, value in flags.items()}
    assert list(from_argv(argv)) == list(flags)


@given(st.data())
def test_what_a_table_accepts_its_help_accepts(data: st.DataObject) -> None:
    known = known_flags("prometheus", "3.5.3")
    assert known is not None
    chosen = data.draw(st.lists(st.sampled_from(sorted(known.flags)), unique=True))
    flags = {name: data.draw(st.booleans()) if known.flags[name].boolean else data.draw(TEXTS) for name in chosen}
    assert check_argv(command_line_flags(flags, "prometheus", "3.5.3"), known.flags) == []


@pytest.mark.parametrize(
    ("flags", "component", "version", "expected"),
    [
        ({}, None, None, []),
        ({"b": "1", "a": 2, "c": 0.9}, None, None, ["--b=1", "--a=2", "--c=0.9"]),
        ({"--b": "1", "-a": None}, None, None, ["--b=1", "--a"]),
        ({"a": True, "b": False, "c": ""}, None, None, ["--a", "--no-b", "--c="]),
        ({"a": ["x", 1], "b": []}, None, None, ["--a=x", "--a=1"]),
        ({"a": 'x y "z" $HOME %n'}, None, None, ['--a=x y "z" $HOME %n']),
        ({"web.enable-lifecycle": None}, "prometheus", "3.5.3", ["--web.enable-lifecycle"]),
        ({"no-web.enable-lifecycle": None}, "prometheus", "3.5.3", ["--no-web.enable-lifecycle"]),
        ({"storage.tsdb.no-lockfile": False}, "prometheus", "3.5.3", ["--no-storage.tsdb.no-lockfile"]),
        ({"storage.tsdb.min-block-duration": "2h"}, "prometheus", "3.5.3", ["--storage.tsdb.min-block-duration=2h"]),
        ({"storage.tsdb.retention": "3d"}, "prometheus", "2.53.3", ["--storage.tsdb.retention=3d"]),
        (
            {"web.listen-address": ["a", "b"]},
            "prometheus",
            "2.55.1",
            ["--web.listen-address=a", "--web.listen-address=b"],
        ),
        (
            {"enable-feature": "agent,exemplar-storage"},
            "prometheus",
            "2.53.3",
            ["--enable-feature=agent,exemplar-storage"],
        ),
        ({"agent": True}, "prometheus", "3.0.0-rc.1", ["--agent"]),
        ({"config.auto-reload": True}, "prometheus", "v3.12.0", ["--config.auto-reload"]),
        ({"cluster.peer-name": "a"}, "alertmanager", "0.33.1", ["--cluster.peer-name=a"]),
        (
            {"compact.enable-vertical-compaction": None},
            "thanos_compact",
            "0.42.4",
            ["--compact.enable-vertical-compaction"],
        ),
        ({"from.the-future": 1}, "prometheus", "3.99.0", ["--from.the-future=1"]),
        ({"from.the-past": 1}, "prometheus", "2.40.0", ["--from.the-past=1"]),
        ({"anything": 1}, "grafana", "11.0.0", ["--anything=1"]),
        ({"nope": 1}, "prometheus", None, ["--nope=1"]),
    ],
)
def test_argv(flags: dict[str, t.Any], component: str | None, version: str | None, expected: list[str]) -> None:
    assert command_line_flags(flags, component, version) == expected


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"": 1}, "'' is not the name of a flag"),
        ({"a=b": None}, "'a=b' is not the name of a flag: the value stands after the colon"),
        ({"---a": 1}, "'---a' is not the name"),
        ({"a b": 1}, "'a b' is not the name"),
        ({1: 1}, "1 is not the name"),
        ({"a": 1, "--a": 2}, "--a is given twice"),
        ({"a": True, "no-a": None}, "--a is given twice"),
        ({"no-a": False}, "write a: true"),
        ({"a": {"b": 1}}, "{'b': 1} is no text or number"),
        ({"a": [None]}, "None is no text or number"),
        ({"a": [True]}, "True is no text or number"),
        ({"a": "x\ny"}, "holds a line break"),
        (["--a"], "mapping of flags to values"),
    ],
)
def test_refuses(flags: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HAError, match=re.escape(words)):
        command_line_flags(flags)


@pytest.mark.parametrize(
    ("flags", "component", "version", "words"),
    [
        (
            {"storage.tsdb.retention": "3d"},
            "prometheus",
            "3.5.3",
            "Prometheus 3.5.3 has no --storage.tsdb.retention (removed in 3.0): use --storage.tsdb.retention.time",
        ),
        (
            {"storage.tsdb.delay-compact-file.path": "/x"},
            "prometheus",
            "3.8.1",
            "Prometheus 3.8.1 has no --storage.tsdb.delay-compact-file.path (added in 3.9)",
        ),
        ({"scrape.name-escaping-scheme": "x"}, "prometheus", "3.0.1", "(added in 2.55 and removed in 3.0)"),
        ({"alertmanager.timeout": "1s"}, "prometheus", "3.99.0", "(removed in 3.0): leave it out"),
        ({"agent": True}, "prometheus", "2.20.0", "(added in 3.0)"),
        ({"no-agent": None}, "prometheus", "2.53.3", "has no --agent (added in 3.0)"),
        ({"enable-feature": ["agent"]}, "prometheus", "3.0.0", "no feature agent (removed in 3.0): use --agent"),
        ({"enable-feature": "a,agent"}, "prometheus", "3.0.0", "no feature agent (removed in 3.0): use --agent"),
        ({"cluster.name": "x"}, "alertmanager", "0.33.1", "has no --cluster.name: is --cluster.peer-name meant?"),
        ({"log.silences": True}, "alertmanager", "0.28.1", "(added in 0.32)"),
        ({"store": "x"}, "thanos_query", "0.42.4", "(removed in 0.38): use --endpoint"),
        ({"debug.advertise-compatibility-label": True}, "thanos_store", "0.42.4", "(removed in 0.42)"),
        ({"web.enable-lifecycel": True}, "prometheus", "3.5.3", "is --web.enable-lifecycle meant?"),
        ({"entirely-different": True}, "prometheus", "3.5.3", "has no --entirely-different."),
        ({"web.enable-lifecycle": "true"}, "prometheus", "3.5.3", "--web.enable-lifecycle takes no value"),
        ({"config.file": None}, "prometheus", "3.5.3", "--config.file takes a value, not nothing"),
        ({"config.file": True}, "prometheus", "3.5.3", "--config.file takes a value, not true"),
        ({"no-config.file": "x"}, "prometheus", "3.5.3", "--config.file takes a value: there is no --no-config.file"),
        ({"config.file": ["a", "b"]}, "prometheus", "3.5.3", "--config.file may be given only once, not 2 times"),
        ({"web.listen-address": ["a", "b"]}, "prometheus", "2.53.3", "--web.listen-address may be given only once"),
        ({"a": 1}, "prometheus", "latest", "another release tomorrow"),
    ],
)
def test_judges_by_version(flags: dict[str, t.Any], component: str, version: str, words: str) -> None:
    with pytest.raises(HAError, match=re.escape(words)) as caught:
        command_line_flags(flags, component, version, where="host a: prometheus_extra_args")
    assert caught.value.where == "host a: prometheus_extra_args"


def test_names_every_flag_at_fault() -> None:
    with pytest.raises(HAError) as caught:
        command_line_flags({"nope": 1, "config.file": ["a", "b"], "a=b": 1}, "prometheus", "3.5.3")
    assert all(words in caught.value.what for words in ("--nope", "--config.file", "'a=b'"))


def test_a_component_without_a_table_is_unknown() -> None:
    assert known_flags("grafana", "11.0.0") is None


@pytest.mark.parametrize(
    ("component", "version", "complete"),
    [
        ("prometheus", "2.52.9", False),
        ("prometheus", "2.53.0", True),
        ("prometheus", "3.15.9", True),
        ("prometheus", "3.16.0", False),
        ("thanos_query", "0.42.4", False),
    ],
)
def test_only_versions_that_were_read_are_complete(component: str, version: str, complete: bool) -> None:
    known = known_flags(component, version)
    assert known is not None
    assert known.complete is complete


@pytest.mark.parametrize("component", TABLES)
def test_a_flag_has_one_kind_at_a_time(component: str) -> None:
    spans: dict[str, list[tuple[tuple[int, int], tuple[int, int]]]] = {}
    for row in TABLES[component].rows:
        assert row.kind in ("switch", "value", "repeated")
        span = parse_line(row.since or "0.0"), parse_line(row.until or "99.0")
        assert span[0] < span[1], row
        for name in row.names.split():
            spans.setdefault(name, []).append(span)
    for name, found in spans.items():
        found.sort()
        assert all(former[1] <= later[0] for former, later in zip(found, found[1:])), name


def test_advice_is_about_flags_that_went() -> None:
    for component, name in INSTEAD:
        assert any(name in row.names.split() and row.until for row in TABLES[component].rows), (component, name)
