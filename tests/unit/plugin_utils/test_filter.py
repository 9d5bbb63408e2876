# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all filters share."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible.template import trust_as_template
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._filter import as_filter, plain


def kinds(value: t.Any) -> set[type]:
    """Every type within a value."""
    if isinstance(value, dict):
        return {type(value)}.union(*(kinds(key) | kinds(entry) for key, entry in value.items()))
    return {type(value)}.union(*map(kinds, value)) if isinstance(value, list) else {type(value)}


def test_plain_makes_pythons_own_types() -> None:
    tagged = trust_as_template("a")
    assert tagged.__class__ is not str
    copied = plain({tagged: [tagged, ("b", 1, None, True, 1.5)]})
    assert copied == {"a": ["a", ["b", 1, None, True, 1.5]]}
    assert kinds(copied) == {dict, list, str, int, bool, float, type(None)}


def test_an_error_keeps_its_words() -> None:
    def fail(value: str) -> None:
        raise HAError(f"{value} is wrong.", where="here", do="Mend it.")

    with pytest.raises(AnsibleFilterError, match=r"here: it is wrong\. Do: Mend it\."):
        as_filter(fail)("it")


def test_other_errors_are_not_hidden() -> None:
    def fail() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        as_filter(fail)()
