# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof that no rule can vanish unnoticed: it must fail where one can."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import _catalogue, inventory
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Rule

from scripts import mutate_rules

HERE = Problem("here", "w", "d")


def rule(name: str) -> Rule[t.Any]:
    return Rule(name, "error", "", "", "", lambda _subject: iter([HERE]))


def test_a_rule_is_off_only_as_long_as_it_is_mutated() -> None:
    one = rule("A99")
    with pytest.raises(RuntimeError), mutate_rules.switched_off(one):
        assert list(one.findings(None)) == []
        raise RuntimeError
    assert len(list(one.findings(None))) == 1


def test_each_rule_is_off_alone() -> None:
    one, two = rule("A98"), rule("A99")

    def off(_rule: Rule[t.Any]) -> str:
        return " ".join(each.id for each in (one, two) if not list(each.findings(None)))

    assert mutate_rules.mutate([one, two], off) == [("A98", "A98"), ("A99", "A99")]


def test_without_its_rule_a_case_of_its_own_is_red() -> None:
    with mutate_rules.switched_off(inventory.i06_groups_agree):
        red = mutate_rules.red_case(inventory.i06_groups_agree)
    assert red is not None
    assert red.startswith("reject/I06")


@pytest.mark.parametrize(
    "red, code, words",
    [
        pytest.param(lambda each: each.id or None, 0, "of {count} rules are missed", id="all are missed"),
        pytest.param(
            lambda each: None if each.id == "I06" else each.id or None, 1, "I06       NOTHING", id="one is not"
        ),
        pytest.param(lambda _each: "reject/x.yml", 1, "is red with all rules on", id="red before"),
    ],
)
def test_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    red: t.Callable[[Rule[t.Any]], str | None],
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(mutate_rules, "red_case", red)
    monkeypatch.setattr(mutate_rules, "red_live_test", red)
    assert mutate_rules.main() == code
    count = sum(map(len, (_catalogue.RULES, _catalogue.LAST_RULES, _catalogue.LIVE_RULES)))
    assert words.format(count=count) in capsys.readouterr().out


def test_without_tests_of_live_rules_nothing_else_is_run_in_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutate_rules, "LIVE_TESTS", "tests/unit/no_such_folder/*.py")
    assert mutate_rules.red_live_test(rule("A99")) is None
