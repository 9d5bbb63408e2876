# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relabel configs: every action, the defaults, templates, what is refused, and what a chain writes."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2_match import Match
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._relabel import (
    emitted_names,
    expand,
    relabel,
    writes,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS
from hypothesis import given
from hypothesis import strategies as st

Config = t.Dict[str, t.Any]
REPLICA_DROPPED: list[Config] = [{"action": "labeldrop", "regex": "replica"}]
NUMBER_STRIPPED: list[Config] = [{"source_labels": ["dc"], "regex": r"(.+)\d+", "target_label": "dc"}]


@pytest.mark.parametrize("version", PROMETHEUS)
@pytest.mark.parametrize(
    ("configs", "name", "values", "expected"),
    [
        (REPLICA_DROPPED, "replica", ("prometheus-0", "prometheus-1"), {"alertname": "Down"}),
        (NUMBER_STRIPPED, "dc", ("europe1", "europe2"), {"alertname": "Down", "dc": "europe"}),
    ],
    ids=["labeldrop", "number"],
)
def test_both_idioms_make_the_replicas_alerts_equal(
    configs: list[Config], name: str, values: tuple[str, ...], expected: dict[str, str], version: str
) -> None:
    for value in values:
        assert relabel({"alertname": "Down", name: value}, configs, version=version) == expected


def test_an_idiom_that_misses_leaves_the_replicas_apart() -> None:
    configs = [{"source_labels": ["dc"], "regex": r"(.+)-\d+", "target_label": "dc"}]
    assert relabel({"dc": "europe1"}, configs) != relabel({"dc": "europe2"}, configs)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"source_labels": ["a"], "target_label": "new"}, {"a": "one", "b": "Two", "new": "one"}),
        ({"source_labels": ["a", "b", "c"], "target_label": "b"}, {"a": "one", "b": "one;Two;"}),
        ({"source_labels": ["a", "b"], "separator": "", "target_label": "b"}, {"a": "one", "b": "oneTwo"}),
        ({"source_labels": ["a"], "regex": "on", "target_label": "b"}, {"a": "one", "b": "Two"}),
        ({"source_labels": ["c"], "target_label": "a"}, {"b": "Two"}),
        ({"target_label": "a", "replacement": ""}, {"b": "Two"}),
        ({"target_label": "c", "replacement": "x"}, {"a": "one", "b": "Two", "c": "x"}),
        ({"source_labels": ["b"], "regex": "", "target_label": "a"}, {"a": "one", "b": "Two"}),
        ({"source_labels": ["a"], "target_label": "${1}_x"}, {"a": "one", "b": "Two", "one_x": "one"}),
        ({"source_labels": ["a"], "target_label": "x_$2", "replacement": "y"}, {"a": "one", "b": "Two", "x_": "y"}),
        ({"target_label": "c", "replacement": 5}, {"a": "one", "b": "Two", "c": "5"}),
        ({"target_label": "c", "replacement": True}, {"a": "one", "b": "Two", "c": "true"}),
        ({"action": "keep", "source_labels": ["a"], "regex": "one|two"}, {"a": "one", "b": "Two"}),
        ({"action": "keep", "source_labels": ["a"], "regex": "on"}, None),
        ({"action": "drop", "source_labels": ["a", "b"], "regex": "one;T.*"}, None),
        ({"action": "drop", "source_labels": ["c"], "regex": ".+"}, {"a": "one", "b": "Two"}),
        ({"action": "DROP", "source_labels": ["c"]}, None),
        ({"action": "labeldrop", "regex": "a|b"}, {}),
        ({"action": "labelkeep", "regex": "a"}, {"a": "one"}),
        ({"action": "labelmap", "regex": "(a)", "replacement": "x_$1"}, {"a": "one", "b": "Two", "x_a": "one"}),
        ({"action": "labelmap", "regex": "a", "replacement": "b"}, {"a": "one", "b": "one"}),
        ({"action": "labelmap", "regex": "(.)", "replacement": "$1"}, {"a": "one", "b": "Two"}),
        ({"action": "lowercase", "source_labels": ["b"], "target_label": "b"}, {"a": "one", "b": "two"}),
        ({"action": "uppercase", "source_labels": ["a", "b"], "target_label": "a"}, {"a": "ONE;TWO", "b": "Two"}),
        ({"action": "lowercase", "source_labels": ["c"], "target_label": "a"}, {"b": "Two"}),
        ({"action": "keepequal", "source_labels": ["a"], "target_label": "b"}, None),
        ({"action": "keepequal", "source_labels": ["c"], "target_label": "d"}, {"a": "one", "b": "Two"}),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "b"}, {"a": "one", "b": "Two"}),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "a"}, None),
        # md5sum of "one" ends with 2, and 8 divides 16.
        (
            {"action": "hashmod", "source_labels": ["a"], "target_label": "h", "modulus": 8},
            {"a": "one", "b": "Two", "h": "2"},
        ),
    ],
)
def test_actions(config: Config, expected: dict[str, str] | None) -> None:
    labels = {"b": "Two", "a": "one", "empty": ""}
    for version in PROMETHEUS:
        assert relabel(labels, [config], version=version) == expected
    assert labels == {"b": "Two", "a": "one", "empty": ""}


def test_rules_run_in_order() -> None:
    chain: list[Config] = [
        {"source_labels": ["a"], "target_label": "b"},
        {"action": "labeldrop", "regex": "a"},
        {"action": "keep", "source_labels": ["b"], "regex": "x"},
    ]
    assert relabel({"a": "x"}, chain) == {"b": "x"}
    assert relabel({"a": "x"}, chain[::-1]) is None
    assert relabel({"z": "1", "a": "x"}, []) == {"a": "x", "z": "1"}


# Printed by Go 1.26.8's Regexp.ExpandString.
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$1-$2", "one-"),
        ("${1}x", "onex"),
        ("$1x", ""),
        ("$name.${name}", "one.one"),
        ("$0", "whole"),
        ("$01", ""),
        ("$7", ""),
        ("$9999999999", ""),
        ("$$1", "$1"),
        ("$$$1", "$one"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("${", "${"),
        ("${1", "${1"),
        ("${}", "${}"),
        ("$-", "$-"),
        ("ö", "ö"),
        ("", ""),
    ],
)
def test_expand(template: str, expected: str) -> None:
    assert expand(template, Match(("whole", "one", None), ("", "name", ""))) == expected


def test_a_number_of_ten_digits_is_a_name() -> None:
    assert expand("$1234567890", Match(("whole", "one"), ("", "1234567890"))) == "one"


@pytest.mark.parametrize("template", ["$ö", "$1ö", "${ö}", "${1ö}"])
def test_names_of_groups_beyond_ascii_are_not_decided(template: str) -> None:
    with pytest.raises(UndecidedError, match="not decided: "):
        expand(template, Match(("whole", "one"), ("", "")))


@pytest.mark.parametrize(
    ("configs", "words"),
    [
        ("replica", "are no list"),
        ([None], "rule 1, it is no mapping"),
        ([{"target": "x"}], "no field 'target'"),
        ([{"action": "keep"}, {"action": "keeep"}], "rule 2, there is no action 'keeep'"),
        ([{"action": ["keep"]}], "action is no text"),
        ([{}], "replace needs a target_label"),
        ([{"target_label": ""}], "replace needs a target_label"),
        ([{"action": "lowercase"}], "lowercase needs a target_label"),
        ([{"target_label": "x", "source_labels": "a"}], "source_labels is no list"),
        ([{"target_label": "x", "source_labels": [""]}], "'' is no label name"),
        ([{"target_label": "x", "regex": "("}], "has no )"),
        ([{"target_label": "x", "modulus": "8"}], "modulus is '8'"),
        ([{"target_label": "x", "modulus": 2**64}], "modulus is"),
        ([{"action": "hashmod", "target_label": "x"}], "hashmod needs a modulus"),
        ([{"action": "labelmap", "replacement": ""}], "labelmap makes no label names"),
        ([{"action": "labeldrop", "source_labels": []}], "labeldrop takes no source_labels"),
        ([{"action": "labelkeep", "target_label": "x"}], "labelkeep takes no target_label"),
        ([{"action": "labeldrop", "separator": ","}], "labeldrop takes no separator"),
        ([{"action": "labeldrop", "modulus": 1}], "labeldrop takes no modulus"),
        ([{"action": "labelkeep", "replacement": "x"}], "labelkeep takes no replacement"),
        ([{"action": "keepequal", "target_label": "x", "regex": "(.*)"}], "keepequal takes no regex"),
        ([{"action": "dropequal", "target_label": "x", "modulus": 1}], "dropequal takes no modulus"),
        ([{"action": "dropequal", "target_label": "x", "separator": ""}], "dropequal takes no separator"),
        ([{"action": "uppercase", "target_label": "x", "replacement": "y"}], "uppercase takes no replacement"),
    ],
)
def test_refused(configs: t.Any, words: str) -> None:
    with pytest.raises(UndecidedError) as said:
        relabel({"a": "b"}, configs)
    assert said.value.refused
    assert str(said.value).startswith("Prometheus would refuse this: ")
    assert words in str(said.value)


@pytest.mark.parametrize(
    ("labels", "config", "words"),
    [
        ({"a": "ö"}, {"action": "uppercase", "source_labels": ["a"], "target_label": "a"}, "Unicode's tables"),
        ({"a": "x"}, {"action": "labelmap", "regex": "a"}, "an empty name of the label 'a'"),
        ({"a": "x", "b": "y"}, {"action": "labelmap", "regex": ".", "replacement": "c"}, "'c' of several that differ"),
        ({"a": "x"}, {"target_label": "a", "regex": None}, "regex is None"),
        ({"a": "x"}, {"target_label": "a", "replacement": 1.5}, "replacement is 1.5"),
        ({"a": "\ud800"}, {"target_label": "a"}, "surrogate"),
        ({"a": "x"}, {"target_label": "a", "replacement": "\ud800"}, "surrogate"),
        ({"a": "x"}, {"target_label": "a", "regex": r"\pL"}, "Unicode's tables"),
        ({"a": "x" * 1_000_000}, {"source_labels": ["a"], "target_label": "a"}, "too long"),
    ],
)
def test_not_decided(labels: dict[str, str], config: Config, words: str) -> None:
    with pytest.raises(UndecidedError) as said:
        relabel(labels, [config])
    assert not said.value.refused
    assert str(said.value).startswith("not decided: ")
    assert words in str(said.value)


def test_labelmap_may_make_one_of_several_equal_labels() -> None:
    config = {"action": "labelmap", "regex": "[ab]", "replacement": "c"}
    assert relabel({"a": "x", "b": "x"}, [config]) == {"a": "x", "b": "x", "c": "x"}


@pytest.mark.parametrize(
    "config",
    [
        {"target_label": "my.label", "replacement": "x"},
        {"target_label": "my.$1", "replacement": "x"},
        {"action": "hashmod", "modulus": 2, "target_label": "my.label"},
        {"action": "labelmap", "regex": "(a)", "replacement": "my.$1"},
        {"action": "drop", "source_labels": ["my.label"], "regex": "x"},
    ],
)
def test_names_of_prometheus_2(config: Config) -> None:
    assert relabel({"a": "x"}, [config], version="3.5.3") is not None
    for version, utf8 in (("2.53.3", None), ("3.13.0", False)):
        with pytest.raises(UndecidedError, match="Prometheus would refuse this"):
            relabel({"a": "x"}, [config], version=version, utf8=utf8)


def test_a_made_name_that_is_none_writes_nothing() -> None:
    config = {"source_labels": ["a"], "target_label": "x_$1"}
    assert relabel({"a": "my.host"}, [config], version="2.53.3") == {"a": "my.host"}
    assert relabel({"a": "my.host"}, [config], version="3.5.3") == {"a": "my.host", "x_my.host": "my.host"}
    assert relabel({"a": "\n"}, [{"source_labels": ["a"], "target_label": "$1"}], version="2.53.3") == {"a": "\n"}


def test_a_version_that_is_none_is_an_error() -> None:
    with pytest.raises(HAError, match="is not a version"):
        relabel({}, [], version="three")


@pytest.mark.parametrize(
    ("configs", "expected", "names"),
    [
        ([], False, set()),
        ([{"target_label": "replica", "replacement": "x"}], True, {"replica"}),
        ([{"target_label": "replica", "replacement": ""}], False, set()),
        ([{"target_label": "other"}], False, {"other"}),
        ([{"action": "lowercase", "target_label": "replica"}], True, {"replica"}),
        ([{"action": "uppercase", "target_label": "replica"}], True, {"replica"}),
        ([{"action": "hashmod", "target_label": "replica", "modulus": 2}], True, {"replica"}),
        ([{"action": "keep", "target_label": "replica"}], False, set()),
        ([{"action": "keepequal", "target_label": "replica"}], False, set()),
        ([{"action": "labelmap", "regex": "x", "replacement": "replica"}], True, {"replica"}),
        ([{"action": "labelmap", "regex": "__meta_(.+)"}], None, set()),
        ([{"action": "labelmap", "regex": "__meta_(.+)", "replacement": "meta_$1"}], False, set()),
        ([{"source_labels": ["a"], "target_label": "rep$1"}], None, set()),
        ([{"source_labels": ["a"], "target_label": "${1}lica$2"}], None, set()),
        ([{"source_labels": ["a"], "target_label": "${1}_replica"}], False, set()),
        # The group "1replica", and a second one: there are none, so they are empty.
        ([{"source_labels": ["a"], "target_label": "$1replica"}], False, set()),
        ([{"source_labels": ["a"], "target_label": "rep$2"}], False, set()),
        ([{"source_labels": ["a"], "target_label": "replica$2"}], True, set()),
        # A group that spells its texts out is decided, an open one is not.
        ([{"action": "labelmap", "regex": "__meta_label_(app|team)"}], False, set()),
        ([{"action": "labelmap", "regex": "__meta_label_(app|replica)"}], True, set()),
        ([{"action": "labelmap", "regex": "__meta_label_(?i:(app|Replica))"}], True, set()),
        ([{"action": "labelmap", "regex": "(?P<x>a|rep)(lica)?", "replacement": "$x$2"}], True, set()),
        ([{"action": "labelmap", "regex": "(lica)?.*", "replacement": "replica$1"}], True, set()),
        ([{"action": "labelmap", "regex": "(lica)?.*", "replacement": "rep$x"}], False, set()),
        ([{"action": "labelmap", "regex": "(?:x|(s))", "replacement": "replica$1"}], True, set()),
        ([{"action": "labelmap", "regex": "x(s)", "replacement": "replica$1"}], False, set()),
        ([{"action": "labelmap", "regex": "__meta_(app|x.+)"}], False, set()),
        ([{"action": "labelmap", "regex": "__meta_(app|r.+)"}], None, set()),
        ([{"action": "labelmap", "regex": "__meta_([a-z]{8})"}], False, set()),
        ([{"action": "labelmap", "regex": "__meta_([a-z]{7})"}], None, set()),
        ([{"action": "labelmap", "regex": "__meta_(.+)", "replacement": "$0"}], False, set()),
        ([{"target_label": "replica"}, {"action": "labeldrop", "regex": "rep.*"}], False, set()),
        ([{"target_label": "replica"}, {"action": "labelkeep", "regex": "job|b"}, {"target_label": "b"}], False, {"b"}),
        ([{"target_label": "replica"}, {"action": "labeldrop", "regex": "rep"}], True, {"replica"}),
        ([{"action": "labeldrop", "regex": "replica"}, {"target_label": "replica"}], True, {"replica"}),
        ([{"target_label": "replica"}, {"action": "labelmap", "regex": "__meta_(.+)"}], True, {"replica"}),
    ],
)
def test_what_a_chain_writes(configs: list[Config], expected: bool | None, names: set[str]) -> None:
    assert writes(configs, "replica") is expected
    assert emitted_names(configs) == names


def test_what_a_chain_writes_may_not_be_decided() -> None:
    for ask in (lambda: writes([{"action": "x"}], "a"), lambda: emitted_names([{"action": "x"}])):
        with pytest.raises(UndecidedError, match="no action 'x'"):
            ask()


@pytest.mark.parametrize("regex", ["((a{0,30}){0,30}){0,30}b", "(?=x)y", r"\p{Greek}"])
def test_a_plain_target_is_decided_whatever_the_regex(regex: str) -> None:
    assert writes([{"regex": regex, "target_label": "y"}], "replica") is False
    assert writes([{"regex": regex, "target_label": "replica"}], "replica") is True
    assert writes([{"regex": regex, "action": "labeldrop"}], "replica") is False
    with pytest.raises(UndecidedError, match="in rule 2"):
        writes([{"target_label": "replica"}, {"regex": regex, "action": "labeldrop"}], "replica")


@pytest.mark.parametrize("regex", ["((((x{0,1000}){1000}){1000}){1000}){1000}", "(((r*)*)*|eplica){900}"])
def test_a_template_of_a_costly_regex_is_decided_soon(regex: str) -> None:
    assert writes([{"action": "labelmap", "regex": regex, "replacement": "replic$0"}], "replica") is False


TEXT = st.text(alphabet="ab1$.({})*+\\|é\n", max_size=6) | st.text(max_size=3)
LABELS = st.dictionaries(st.sampled_from(["a", "b", "dc", "replica", "__x"]), TEXT, max_size=5)
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(TEXT, max_size=2)
ACTIONS = st.sampled_from(["replace", "keep", "drop", "labelmap", "labeldrop", "labelkeep", "hashmod", "lowercase"])
CONFIGS = st.lists(
    ANYTHING
    | st.fixed_dictionaries(
        {},
        optional={
            "action": ACTIONS | ANYTHING,
            "source_labels": st.lists(st.sampled_from(["a", "dc"]) | TEXT, max_size=2) | ANYTHING,
            "target_label": st.sampled_from(["a", "new", "$1"]) | ANYTHING,
            "regex": st.sampled_from(["a|(b)", "(.*)"]) | ANYTHING,
            "replacement": ANYTHING,
            "separator": ANYTHING,
            "modulus": st.integers(1, 9) | ANYTHING,
            "other": ANYTHING,
        },
    ),
    max_size=4,
)


@given(LABELS, CONFIGS | ANYTHING, st.sampled_from([None, *PROMETHEUS]))
def test_any_config_has_an_outcome_or_is_not_decided(
    labels: dict[str, str], configs: t.Any, version: str | None
) -> None:
    with contextlib.suppress(UndecidedError):
        found = relabel(labels, configs, version=version)
        assert found is None or all(found.values())
        assert found is None or list(found) == sorted(found)


@given(LABELS, st.sampled_from(["a|b", "dc", "__.*", "[a-d]+", ""]))
def test_labeldrop_and_labelkeep_part_the_labels(labels: dict[str, str], regex: str) -> None:
    drop, keep = ([{"action": action, "regex": regex}] for action in ("labeldrop", "labelkeep"))
    dropped, kept = relabel(labels, drop), relabel(labels, keep)
    assert dropped is not None and kept is not None
    assert {**dropped, **kept} == {name: value for name, value in labels.items() if value}
    assert not dropped.keys() & kept.keys()
    assert relabel(dropped, drop) == dropped
    assert relabel(kept, keep) == kept


@given(LABELS, st.sampled_from(["", "a*", "(a|1)+", "[^b]*", ".+"]), st.sampled_from(["a", "dc"]))
def test_a_target_is_kept_or_dropped(labels: dict[str, str], regex: str, name: str) -> None:
    found = [
        relabel(labels, [{"action": action, "source_labels": [name], "regex": regex}]) for action in ("keep", "drop")
    ]
    assert sorted(labels is None for labels in found) == [False, True]


@given(LABELS, st.integers(1, 2**64 - 1))
def test_hashmod_is_below_its_modulus(labels: dict[str, str], modulus: int) -> None:
    config = {"action": "hashmod", "source_labels": ["a", "b"], "target_label": "h", "modulus": modulus}
    found = relabel(labels, [config])
    assert found is not None
    assert 0 <= int(found["h"]) < modulus
    assert found == relabel(
        {**labels, "unrelated": "x", "h": "y"}, [config, {"action": "labeldrop", "regex": "unrel.*"}]
    )
