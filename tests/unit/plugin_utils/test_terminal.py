# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed of findings: all where they were asked for, the little that matters where they were not."""

from __future__ import annotations

import time

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _terminal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding, error, warning

ERRORS = [error("P01", f"host e{number}", "bad.", "mend.") for number in range(30)]
WARNINGS = [warning("X02", f"host w{number}", "odd.", "look.") for number in range(30)]
IGNORED = [Finding("P01", "error", "host i", "bad.", "mend.", "meant")]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_what_was_asked_for_is_on_stdout_whole_and_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    everything = [*ERRORS, *WARNINGS, *IGNORED]
    _terminal.tell(everything)
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(finding) for finding in everything]
    assert told.err == ""


def test_a_run_tells_all_errors_some_warnings_the_notes_and_nothing_of_what_is_ignored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _terminal.tell_briefly([*ERRORS, *WARNINGS, *IGNORED], ["a note"])
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(finding) for finding in ERRORS]
    lines = told.err.splitlines()
    assert lines[:20] == [str(finding) for finding in WARNINGS[:20]]
    assert lines[20:] == ["... and 10 more; baremetal.prometheus_ha.preflight lists all.", "a note"]


def test_few_warnings_are_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    _terminal.tell_briefly(WARNINGS[:20], [])
    assert capsys.readouterr().err.splitlines() == [str(finding) for finding in WARNINGS[:20]]


@pytest.mark.parametrize("takes, words", [(0.0, ""), (0.3, "reading\n")], ids=["short", "long"])
def test_patience(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, takes: float, words: str
) -> None:
    monkeypatch.setattr(_terminal, "PATIENCE", 0.05)
    with _terminal.patience("reading"):
        time.sleep(takes)
    time.sleep(0.1)
    assert capsys.readouterr().err == words
