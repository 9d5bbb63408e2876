# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notifications that were lost or doubled, and holes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.notices import Notice


def notice(n: str = "1", status: str = "firing", starts_at: float = 5, fingerprint: str = "aa") -> Notice:
    return Notice(9, fingerprint, starts_at, status, {"alertname": "Tick", "n": n, "region": "eu"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:05Z", 5),
        ("1970-01-01T00:00:05.654Z", 5.654),
        ("1970-01-01T00:00:05.123456789Z", 5.123456),
        ("1970-01-01T01:00:05.5+01:00", 5.5),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert notices.seconds(text) == pytest.approx(seconds)


def test_every_alert_of_a_notification_is_an_entry() -> None:
    alert = {"fingerprint": "aa", "startsAt": "1970-01-01T00:00:05Z", "status": "firing", "labels": {"alertname": "A"}}
    items = [{"time": 7.0, "receiver": "x", "body": {"alerts": [alert, {**alert, "fingerprint": "bb"}]}}]
    found = notices.notices(items)
    assert [(one.time, one.fingerprint, one.starts_at, one.name) for one in found] == [
        (7, "aa", 5, "A"),
        (7, "bb", 5, "A"),
    ]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param([notice(), notice(status="resolved")], [], id="firing and resolved"),
        pytest.param([notice(), notice(starts_at=6)], [], id="it began anew"),
        pytest.param([notice(), notice(fingerprint="bb")], [], id="another alert"),
        pytest.param([notice(), notice(), notice()], ["Tick region=eu, n=1: firing, 3 times"], id="doubled"),
    ],
)
def test_doubled(found: list[Notice], told: list[str]) -> None:
    assert notices.doubled(found) == told


def series(n: int, *times: float) -> dict[str, t.Any]:
    return {"metric": {"n": str(n)}, "values": [[when, "1"] for when in times]}


@pytest.mark.parametrize(
    ("one", "whole"),
    [
        pytest.param(series(2, 10, 12, 14, 16), True, id="from its beginning to its end"),
        pytest.param(series(2, 10, 12, 14, 16, 18, 20, 40), True, id="and for longer"),
        pytest.param(series(2, 12, 14, 16), True, id="first seen within the slack"),
        pytest.param(series(2, 13, 14, 16), False, id="seen too late"),
        pytest.param(series(2, 10, 12, 13), False, id="it ended early"),
        pytest.param(series(2, 10, 14, 16), False, id="with a hole"),
        pytest.param(series(0, 0, 2, 4, 6), False, id="it began before the window"),
        pytest.param(series(3, 15, 17, 19, 21), False, id="it ends after the window"),
    ],
)
def test_whole_lives(one: dict[str, t.Any], whole: bool) -> None:
    found = notices.whole_lives([one], every=5, length=8, slack=2.5, window=(4, 20))
    assert found == ({one["metric"]["n"]} if whole else set())


def test_lost_is_what_fired_and_was_not_told_as_firing() -> None:
    told = [notice("1"), notice("2", status="resolved"), notice("9")]
    assert notices.lost(["1", "2", "3"], told) == ["2", "3"]


def test_holes() -> None:
    assert notices.holes([0, 1, 4, 5], 2) == [(1, 4)]
    assert notices.holes([], 2) == []
