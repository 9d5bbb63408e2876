# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove that no rule of the preflight can vanish unnoticed: ``python -m scripts.mutate_rules``.

Each rule is switched off in turn, and its tests run until one is red: the cases of tests/cases, those with its id
first; for a live rule, which no inventory can break by itself, the unit tests of the live rules.
"""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import _catalogue  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_cases  # noqa: E402 - after sys.path

#: Tests that the live rules are called in.
LIVE_TESTS = "tests/unit/plugin_utils/test_lint_live*.py"

#: Says which test is red, or None while all are green.
Tests = Callable[[Rule[Any]], "str | None"]


@contextlib.contextmanager
def switched_off(rule: Rule[Any]) -> Iterator[None]:
    """The rule finds nothing, wherever it is looked at."""
    check = rule.check
    object.__setattr__(rule, "check", lambda _subject: iter(()))
    try:
        yield
    finally:
        object.__setattr__(rule, "check", check)


@functools.cache
def _loaded(path: Path) -> tuple[Any, Any]:
    return support_cases.load(path)


def red_case(rule: Rule[Any]) -> str | None:
    """The first case in which other rules are found than its name says."""
    every = [(path, support_cases.ids(path)) for path in support_cases.cases("reject")]
    every += [(path, set()) for path in support_cases.cases("accept")]
    for path, expected in sorted(every, key=lambda each: rule.id not in support_cases.ids(each[0])):
        if {finding.id for finding in _render.plan(*_loaded(path)).findings} != expected:
            return f"{path.parent.name}/{path.name}"
    return None


class _Reds:
    """Notes the first test that failed."""

    def __init__(self) -> None:
        self.name: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.name is None:
            self.name = report.nodeid.partition("[")[0].rpartition("/")[2]


def red_live_test(_rule: Rule[Any]) -> str | None:
    """The first unit test of the live rules that fails."""
    files = [str(path) for path in sorted(ROOT.glob(LIVE_TESTS))]
    if not files:  # pytest would run all that there are
        return None
    reds = _Reds()
    # The modules stay loaded from one run to the next, and with them the rule that is switched off.
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *files], plugins=[reds])
    return reds.name


def mutate(rules: Iterable[Rule[Any]], tests: Tests) -> list[tuple[str, str | None]]:
    """For each rule what went red without it; None: nothing did."""
    found = []
    for rule in rules:
        with switched_off(rule):
            found.append((rule.id, tests(rule)))
    return found


def main() -> int:
    """Print what went red for each rule.

    :return: the exit code; 1 when a rule can vanish unnoticed, or when a test is red with all rules on.
    """
    static: tuple[Rule[Any], ...] = (*_catalogue.RULES, *_catalogue.LAST_RULES)
    nothing: Rule[Any] = Rule("", "", "", "", "", lambda _subject: iter(()))
    for tests in (red_case, red_live_test):
        if red := tests(nothing):
            print(f"{red} is red with all rules on; nothing is proved by it")
            return 1
    results = mutate(static, red_case)
    results += [(f"{name} live", red) for name, red in mutate(_catalogue.LIVE_RULES, red_live_test)]
    for name, red in results:
        print(f"{name:8}  {red or 'NOTHING went red without it'}")
    unnoticed = [name for name, red in results if red is None]
    print(f"{len(results) - len(unnoticed)} of {len(results)} rules are missed when they are switched off")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
