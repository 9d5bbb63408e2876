# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings on the terminal: each a line of its own, as it is, whatever the callback makes of results."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible import constants
from ansible.utils.display import Display
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._findings import Finding

# Seconds after which a silent computation says what it is doing.
PATIENCE = 1.0
# A run that goes on tells so many findings that stop nothing; the preflight tells all.
MOST_WARNINGS = 20

_COLORS = {"error": "COLOR_ERROR", "warning": "COLOR_WARN", "undecided": "COLOR_WARN", "ignored": "COLOR_SKIP"}


def say(line: str, kind: str = "", *, beside: bool = False) -> None:
    """One line.

    :param kind: error, warning, undecided or ignored, for its colour.
    :param beside: on stderr, as what is not the result that was asked for.
    """
    color = vars(constants).get(_COLORS[kind]) if kind else None
    Display().display(line, color=color, stderr=beside)


def tell(findings: t.Iterable[Finding], *, beside: bool = False) -> None:
    """Every finding, in their order."""
    for finding in findings:
        say(str(finding), "ignored" if finding.ignored else finding.severity, beside=beside)


def tell_briefly(findings: t.Iterable[Finding], notes: t.Iterable[str]) -> None:
    """What a run says that was not asked for findings: errors, some warnings, notes; nothing of what is ignored.

    Errors are on stdout, as Ansible's own of a failing task are; the rest is on stderr, as its warnings are.
    """
    told = [finding for finding in findings if not finding.ignored]
    tell(finding for finding in told if finding.stops)
    others = [finding for finding in told if not finding.stops]
    tell(others[:MOST_WARNINGS], beside=True)
    if len(others) > MOST_WARNINGS:
        say(f"... and {len(others) - MOST_WARNINGS} more; baremetal.prometheus_ha.preflight lists all.", beside=True)
    for note in notes:
        say(note, beside=True)


@contextlib.contextmanager
def patience(words: str) -> t.Iterator[None]:
    """Say what is being done, if it takes longer than a moment."""
    timer = threading.Timer(PATIENCE, say, (words,), {"beside": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
