# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External labels: what a replica gets, and every reason to refuse."""

from __future__ import annotations

import re

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._labels import external_labels
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(min_size=1)


@pytest.mark.parametrize(
    ("labels", "replica_label", "version", "escape", "expected"),
    [
        ({"region": "eu", "cluster": "a"}, "replica", "3.5.3", False, {"cluster": "a", "region": "eu", "replica": "r"}),
        ({}, "replica", None, False, {"replica": "r"}),
        ({"cluster": "a"}, "__replica__", "3.5.3", False, {"__replica__": "r", "cluster": "a"}),
        ({"price": "5$"}, "replica", "2.53.3", False, {"price": "5$", "replica": "r"}),
        ({"price": "5$$"}, "replica", "3.5.3", False, {"price": "5$$", "replica": "r"}),
        ({"price": "5$"}, "replica", "3.5.3", True, {"price": "5$$", "replica": "r"}),
        ({"price": "5$"}, "replica", "2.53.3", True, {"price": "5$", "replica": "r"}),
    ],
)
def test_labels(
    labels: dict[str, str], replica_label: str, version: str | None, escape: bool, expected: dict[str, str]
) -> None:
    result = external_labels(labels, replica_label, "r", version, escape)
    assert list(result.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("labels", "replica_label", "replica", "words"),
    [
        ({"replica": "b"}, "replica", "a", "the external label 'replica' is the replica label"),
        ({"my.label": "b"}, "replica", "a", "'my.label' holds characters other than"),
        ({"1a": "b"}, "replica", "a", "begins with a digit"),
        ({"é": "b"}, "replica", "a", "Prometheus 3 itself would take it"),
        ({"a\n": "b"}, "replica", "a", "holds characters"),
        ({"": "b"}, "replica", "a", "a label name is empty"),
        ({7: "b"}, "replica", "a", "name 7 is not text"),
        ({"__meta": "b"}, "replica", "a", "'__meta' is reserved"),
        ({"a": 5}, "replica", "a", "the value of 'a' is 5 and not text"),
        ({"a": True}, "replica", "a", "the value of 'a' is True and not text"),
        ({"a": None}, "replica", "a", "the value of 'a' is None and not text"),
        ({"a": ""}, "replica", "a", "the value of 'a' is empty"),
        ({"a": "$HOME"}, "replica", "a", "'$HOME' of 'a' holds a lone $: a literal $ must be written $$"),
        ({"a": "$$$"}, "replica", "a", "a lone $"),
        ({}, "re-plica", "a", "as the replica label the label name 're-plica'"),
        ({}, "replica", "", "the value of 'replica' is empty"),
        (["a"], "replica", "a", "mapping of names"),
    ],
)
def test_refuses(labels: dict[str, str], replica_label: str, replica: str, words: str) -> None:
    with pytest.raises(HAError, match="(?i)" + re.escape(words)):
        external_labels(labels, replica_label, replica, "3.5.3")


def test_names_every_label_at_fault_and_the_place() -> None:
    with pytest.raises(HAError) as caught:
        external_labels({"a": 1, "b-c": "x", "d": ""}, "replica", "a", where="group eu: prometheus_external_labels")
    assert all(name in caught.value.what for name in ("'a'", "'b-c'", "'d'"))
    assert caught.value.where == "group eu: prometheus_external_labels"


def test_replicas_differ_in_the_replica_label_alone() -> None:
    one, two = (external_labels({"cluster": "eu", "a": "b"}, "replica", name) for name in ("a", "b"))
    assert {name for name in one if one[name] != two[name]} == {"replica"}


@given(st.dictionaries(NAMES, VALUES), VALUES)
def test_prometheus_reads_back_what_was_meant(labels: dict[str, str], replica: str) -> None:
    labels.pop("replica", None)
    full = external_labels(labels, "replica", replica, "3.5.3", escape_dollar=True)
    # Go's os.Expand with a mapping that turns "$" into "$", as config.go does; an unescaped $ would match neither.
    assert not re.search(r"\$", re.sub(r"\$\$", "", "".join(full.values())))
    assert {name: value.replace("$$", "$") for name, value in full.items()} == {**labels, "replica": replica}
    assert list(full) == sorted(full)
