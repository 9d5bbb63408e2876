# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which traps lie on which way, and how they are told for many hosts."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._release_notes import (
    TRAPS,
    Note,
    Step,
    lines,
    notes,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import parse_version

LEFT_OPEN = "Ranges and lookback"
AS_BEFORE = "are again as in 2.x"
WAY_BACK = "The way back leads to 2.55"
KEEP_DROP = "keep and drop of relabelling do not work"
XOR2 = "xor2-encoding"
LAG = "remote write's lag"
LOGS = "Log lines look different"


@pytest.mark.parametrize(
    ("component", "former", "wanted", "words", "is_told"),
    [
        ("prometheus", "2.53.3", "3.5.3", LEFT_OPEN, True),
        ("prometheus", "2.53.3", "3.0.0-rc.1", LEFT_OPEN, True),
        ("prometheus", "3.0.0-rc.1", "3.0.0", LEFT_OPEN, False),
        ("prometheus", "2.53.3", "2.55.1", LEFT_OPEN, False),
        ("prometheus", "3.0.0", "3.5.3", LEFT_OPEN, False),
        ("prometheus", "3.5.3", "2.53.3", LEFT_OPEN, False),
        # The way back takes back what the way there told.
        ("prometheus", "3.5.3", "2.55.1", AS_BEFORE, True),
        ("prometheus", "2.55.1", "3.5.3", AS_BEFORE, False),
        ("prometheus", "3.5.3", "2.55.1", LOGS, True),
        ("prometheus", "2.55.1", "3.5.3", LOGS, True),
        # P10 speaks of it to those who come from below.
        ("prometheus", "2.55.0", "3.5.3", WAY_BACK, True),
        ("prometheus", "2.54.1", "3.5.3", WAY_BACK, False),
        # A defect is told to who lands in it, whatever the way.
        ("prometheus", "3.5.3", "3.9.0", KEEP_DROP, True),
        ("prometheus", "3.13.0", "3.9.0", KEEP_DROP, True),
        ("prometheus", "3.5.3", "3.9.1", KEEP_DROP, False),
        ("prometheus", "3.5.3", "3.13.0", KEEP_DROP, False),
        ("prometheus", "3.7.0", "3.7.2", "redirect to another path", False),
        ("prometheus", "3.5.3", "3.7.2", "redirect to another path", True),
        ("prometheus", "3.13.0", "3.5.3", XOR2, True),
        ("prometheus", "3.5.3", "3.13.0", XOR2, False),
        ("prometheus", "3.13.0", "3.11.0", XOR2, False),
        ("prometheus", "3.5.3", "3.7.0", LAG, True),
        ("prometheus", "3.7.0", "3.6.0", LAG, True),
        ("prometheus", "3.7.0", "3.7.3", LAG, False),
        ("alertmanager", "0.26.0", "0.28.1", "/api/v2", True),
        ("alertmanager", "0.27.0", "0.28.1", "/api/v2", False),
        ("alertmanager", "0.28.1", "0.33.1", "alertmanager_dispatch_start_delay", True),
        ("alertmanager", "0.33.1", "0.28.1", "alertmanager_dispatch_start_delay", False),
        ("alertmanager", "0.33.1", "0.28.1", "group_by: []", True),
        ("alertmanager", "0.33.1", "0.34.0", "authError", True),
        ("thanos_query", "0.39.2", "0.42.4", "discovered its endpoints", True),
        ("thanos_receive", "0.40.1", "0.42.2", "A shutdown leaves", True),
        ("thanos_receive", "0.40.1", "0.42.4", "A shutdown leaves", False),
    ],
)
def test_what_is_told(component: str, former: str, wanted: str, words: str, is_told: bool) -> None:
    found = [note.text for note in notes(component, former, wanted) if words in note.text]
    assert len(found) == is_told


@pytest.mark.parametrize(
    ("component", "former", "wanted"),
    [
        ("prometheus", "3.5.3", "3.5.3"),
        ("prometheus", "3.5.0", "3.5.3"),
        ("prometheus", "", "3.5.3"),
        ("prometheus", "current", "3.5.3"),
        ("grafana", "10.0.0", "12.0.0"),
    ],
)
def test_nothing_is_told(component: str, former: str, wanted: str) -> None:
    assert notes(component, former, wanted) == []


def test_a_note_says_where_it_is_from() -> None:
    (note,) = notes("thanos_query_frontend", "0.38.0", "0.39.0")
    assert (note.component, note.version, note.source) == ("thanos_query_frontend", "0.39.0", "thanos CHANGELOG.md")
    assert str(Note("x", "1.2.0", "It differs.", "x CHANGELOG.md")) == "1.2.0: It differs. (x CHANGELOG.md)"


@pytest.mark.parametrize("component", list(TRAPS))
def test_the_table(component: str) -> None:
    """Of components that there are, in the order of the releases, each with sentences and a source."""
    assert _registry.component(component)
    traps = TRAPS[component]
    assert list(traps) == sorted(traps, key=lambda trap: parse_version(trap.since))
    for trap in traps:
        assert trap.text.endswith("."), trap.text
        assert trap.source.endswith(".md"), trap.text
        assert not trap.until or parse_version(trap.until) > parse_version(trap.since)


def test_hosts_with_the_same_step_share_a_block() -> None:
    many = [Step(f"eu-{number}", "prometheus", "3.5.3", "3.7.3") for number in range(1, 201)]
    others = [Step("us-1", "prometheus", "3.6.0", "3.7.3"), Step("am-1", "alertmanager", "0.33.1", "0.34.0")]
    untold = [Step("us-2", "prometheus", "3.5.0", "3.5.3"), Step("us-3", "prometheus", "", "3.5.3")]
    found = lines([*many, *untold, *others])
    assert [line for line in found if not line.startswith("  ")] == [
        "Prometheus 3.5.3 -> 3.7.3 on eu-1, eu-2, eu-3, eu-4, eu-5 and 195 more:",
        "Prometheus 3.6.0 -> 3.7.3 on us-1:",
        "Alertmanager 0.33.1 -> 0.34.0 on am-1:",
    ]
    (lag,) = notes("prometheus", "3.5.3", "3.7.3")
    assert found[1] == f"  {lag}"
    assert len(found) == 6


def test_nothing_to_tell_is_no_line() -> None:
    assert lines([Step("eu-1", "prometheus", "3.5.0", "3.5.3")]) == []
