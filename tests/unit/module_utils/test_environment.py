# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of environment variables; the scenario providers has systemd read one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _environment
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\"\\`$%' #"))


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read_back(variables: dict[str, str]) -> None:
    assert _environment.read(_environment.write(variables)) == variables


def test_how_it_is_written() -> None:
    assert _environment.write({"A": 'a"b', "N": 1, "P": "$x `\\"}) == 'A="a\\"b"\nN="1"\nP="\\$x \\`\\\\"\n'
    assert _environment.read("# A=1\n\nB=2\n") == {}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"A-B": "hush"}, "'A-B' is no name"),
        ({"1": "hush"}, "'1' is no name"),
        ({"A": "hush\nB=1"}, "the value of A holds a control character"),
    ],
)
def test_what_no_file_can_hold(variables: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HAError, match=words) as error:
        _environment.write(variables)
    assert "hush" not in str(error.value.result())
