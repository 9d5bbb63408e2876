# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over the way from the version that a host has to the one that is planned."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._live import PortSeen
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import stack, told, well
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology

READ_BY = "what 3.x wrote is read by 2.55 and newer only"
FORWARD = "upstream promises that a newer release reads what an older one wrote"
EVERY_ALERT = "leaves out what releases before 0.32 read of a silence, and there it silences every alert"
FIRST_SET = "releases before 0.32 know only the first set of matchers of a silence"
NOTHING = "upstream promises nothing of the way back for silences and the notification log"


def of_prometheus(now: str, planned: str, **values: t.Any) -> list[str]:
    """What is told where one of two replicas has another version than the planned one."""
    return told(well(topology(prometheus("p-1", "p-2", prometheus_version=planned, **values)), p_1={"version": now}))


def of_alertmanager(now: str, planned: str) -> list[str]:
    """The same of a member; its version alone may be one of those that A16 warns of."""
    return told(well(topology(alertmanager("a-1", "a-2", alertmanager_version=planned)), a_1={"version": now}))


def only(found: list[str], words: str) -> None:
    """One finding with these words, or none where there are none."""
    assert len(found) == bool(words), found
    assert not words or words in found[0]


@pytest.mark.parametrize(
    "now, planned, is_told",
    [
        ("2.53.3", "3.5.3", True),
        ("2.54.9", "3.0.0-rc.1", True),
        ("2.55.0", "3.5.3", False),
        ("2.53.3", "2.55.1", False),
        ("3.5.3", "3.6.0", False),
        ("", "3.5.3", False),
        ("current", "3.5.3", False),
    ],
)
def test_the_way_to_3(now: str, planned: str, is_told: bool) -> None:
    found = told(well(stack(prometheus_version=planned), p_1={"version": now}, a_1={"version": "0.28.1"}))
    only(found, "upstream documents a way back to 2.55 and newer only. Do: go to 2.55.1 first, " if is_told else "")
    if is_told:
        assert found[0].startswith(
            f"P10 error host p-1, variable prometheus_version: Prometheus {now} is installed there, and {planned} is "
        )
        assert "or consent: prometheus_ha_preflight_ignore: [{id: P10, reason: ...}]" in found[0]


@pytest.mark.parametrize(("now", "planned", "rule"), [("2.53.3", "3.5.3", "P10"), ("3.5.3", "2.53.3", "P17")])
def test_what_runs_is_told_as_running(now: str, planned: str, rule: str) -> None:
    mine = (PortSeen(9090, "tcp", "0.0.0.0", "prometheus_port", "own", ""),)
    found = told(well(stack(prometheus_version=planned), p_1={"version": now, "ports": mine}))
    only(found, f"Prometheus {now} runs there, and {planned} is planned")
    assert found[0].startswith(f"{rule} error host p-1, variable prometheus_version: ")
    assert f"or consent: prometheus_ha_preflight_ignore: [{{id: {rule}, reason: ...}}]" in found[0]


@pytest.mark.parametrize(
    ("now", "planned", "words"),
    [
        ("3.5.3", "2.53.5", READ_BY),
        ("3.0.0-rc.1", "2.54.1", READ_BY),
        ("4.0.0", "2.53.3", READ_BY),
        ("3.13.0", "2.55.1", ""),
        ("3.13.0", "3.5.3", ""),
        ("3.5.3", "3.5.0", ""),
        ("3.5.0", "3.5.0-rc.1", ""),
        ("2.53.3", "2.53.0", ""),
        ("2.55.1", "2.54.1", FORWARD),
        ("2.53.3", "2.45.0", FORWARD),
        ("4.0.0", "3.13.0", FORWARD),
        ("4.0.1", "4.0.0", ""),
        ("3.5.3", "3.5.3", ""),
        ("2.55.1", "3.5.3", ""),
        ("", "2.53.3", ""),
        ("current", "2.53.3", ""),
    ],
)
def test_an_older_prometheus(now: str, planned: str, words: str) -> None:
    only(of_prometheus(now, planned), words and f"P17 error host p-1, variable prometheus_version: Prometheus {now} ")
    only(of_prometheus(now, planned), words)


@pytest.mark.parametrize(
    ("feature", "now", "planned", "is_told"),
    [
        ("xor2-encoding", "3.13.0", "3.10.0", True),
        (["native-histograms", "auto-gomemlimit,st-storage"], "3.11.0", "2.55.1", True),
        ("xor2-encoding", "3.13.0", "3.11.0", False),
        ("xor2-encoding", "3.10.0", "3.9.1", False),
        ("native-histograms", "3.13.0", "3.10.0", False),
        (None, "3.13.0", "3.10.0", False),
    ],
)
def test_what_a_feature_wrote(feature: object, now: str, planned: str, is_told: bool) -> None:
    found = of_prometheus(now, planned, prometheus_extra_args={"--enable-feature": feature})
    only(found, "no release before 3.11 reads what the feature" if is_told else "")


@pytest.mark.parametrize(
    ("now", "planned", "words", "do"),
    [
        ("0.33.0", "0.31.1", f"0.33.0 {EVERY_ALERT}", "go to 0.33.1 first"),
        ("0.32.2", "0.28.1", f"0.32.2 {EVERY_ALERT}", "go to 0.32.3 first"),
        ("0.32.3", "0.31.1", FIRST_SET, "leave the version"),
        ("0.33.1", "0.28.1", FIRST_SET, "leave the version"),
        ("0.34.0", "0.33.1", NOTHING, "leave the version"),
        ("0.33.0", "0.32.3", NOTHING, "leave the version"),
        ("0.31.1", "0.28.1", NOTHING, "leave the version"),
        ("0.33.1", "0.33.0", "", ""),
        ("0.28.1", "0.28.0", "", ""),
        ("0.28.1", "0.33.1", "", ""),
        ("0.28.1", "0.28.1", "", ""),
        ("", "0.28.1", "", ""),
        ("current", "0.28.1", "", ""),
    ],
)
def test_an_older_alertmanager(now: str, planned: str, words: str, do: str) -> None:
    found = of_alertmanager(now, planned)
    only(found, words)
    if words:
        assert found[0].startswith("A20 error host a-1, variable alertmanager_version: Alertmanager ")
        assert f"Do: {do}, " in found[0]
        assert "or consent: prometheus_ha_preflight_ignore: [{id: A20, reason: ...}]" in found[0]
