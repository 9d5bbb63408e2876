# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations: tables of what is read and refused, and the same tables before real binaries."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    WEEK,
    YEAR,
    flag_duration,
    prometheus_duration,
    shown,
    time_or_duration,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, binaries

PROMETHEUS_GOOD = {
    "0": 0,
    "0s": 0,
    "30s": 30 * SECOND,
    "01m": MINUTE,
    "1h30m": HOUR + 30 * MINUTE,
    "1y2w3d4h5m6s7ms": YEAR + 17 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND + 7_000_000,
    "90m": 90 * MINUTE,
    "292y": 292 * YEAR,
}
PROMETHEUS_BAD = ["", "30", "30m1h", "1m1m", "1.5h", "-5m", "+5m", "1us", "1ns", "5M", "1h 30m", " 1m", "293y", "m"]
PROMETHEUS_BAD += ["\u0663s", "1m\n"]

FLAG_GOOD = {
    "0": 0,
    "-0": 0,
    "120h": 120 * HOUR,
    "30m1h": 90 * MINUTE,
    "1m1m": 2 * MINUTE,
    "1.5h": 90 * MINUTE,
    ".5h": 30 * MINUTE,
    "5.h": 5 * HOUR,
    "1h.5m": HOUR + 30 * SECOND,
    "-5m": -5 * MINUTE,
    "+5m": 5 * MINUTE,
    "5d": 5 * DAY,
    "2w": 14 * DAY,
    "1.5d": 36 * HOUR,
    "1ns": 1,
    "1us": 1_000,
    "1\u00b5s": 1_000,
    "1\u03bcs": 1_000,
    "200ms": 200_000_000,
    "9223372036854775807ns": 2**63 - 1,
    "2562047h47m16s": 2562047 * HOUR + 47 * MINUTE + 16 * SECOND,
}
FLAG_BAD = ["", "30", ".h", "h", "300y", "5M", "1D", "1h 30m", "1e3s", "9223372036854775808ns", "2562048h", "--1s", "-"]


@pytest.mark.parametrize("text, nanoseconds", PROMETHEUS_GOOD.items())
def test_prometheus_durations(text: str, nanoseconds: int) -> None:
    assert prometheus_duration(text) == nanoseconds


@pytest.mark.parametrize("text", PROMETHEUS_BAD)
def test_what_prometheus_refuses(text: str) -> None:
    with pytest.raises(HAError) as caught:
        prometheus_duration(text, "host p, variable x")
    assert caught.value.where == "host p, variable x"
    assert repr(text) in caught.value.what
    assert caught.value.do


@pytest.mark.parametrize("text, nanoseconds", FLAG_GOOD.items())
def test_durations_of_flags(text: str, nanoseconds: int) -> None:
    assert flag_duration(text) == nanoseconds


@pytest.mark.parametrize("text", FLAG_BAD)
def test_what_flags_refuse(text: str) -> None:
    with pytest.raises(HAError) as caught:
        flag_duration(text, "host a, variable x")
    assert caught.value.where == "host a, variable x"
    assert repr(text) in caught.value.what


@pytest.mark.parametrize("value", [30, 1.5, None, True, ["1m"]])
def test_only_text_is_read(value: object) -> None:
    for read in (prometheus_duration, flag_duration):
        with pytest.raises(HAError):
            read(value)


@pytest.mark.parametrize(
    "nanoseconds, text",
    [(0, "0s"), (90 * MINUTE, "1h30m"), (15 * DAY, "15d"), (-SECOND, "-1s"), (200_000_000, "200ms"), (999, "0s")],
)
def test_shown(nanoseconds: int, text: str) -> None:
    assert shown(nanoseconds) == text


def _words(*argv: object) -> str:
    done = subprocess.run([str(word) for word in argv], check=False, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "text, expected",
    [
        ("-2w", 2 * WEEK),
        ("3h", 3 * HOUR),
        ("2026-01-31T00:00:00Z", 0),
        ("2026-01-31T00:00:00.125+02:00", 0),
        ("0000-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
    ],
)
def test_times_or_durations(text: str, expected: int) -> None:
    assert time_or_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "",
        "-",
        "--2w",
        "-1.5h",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31",
        "2026-01-31T00:00:00",
        "2026-01-31 00:00:00+00:00",  # what YAML makes of an unquoted time
    ],
)
def test_neither_times_nor_durations(text: str) -> None:
    with pytest.raises(HAError, match="neither a time nor a duration") as caught:
        time_or_duration(text, "host a")
    assert caught.value.where == "host a"


@pytest.mark.parametrize("version", PROMETHEUS)
def test_prometheus_itself_agrees(version: str, tmp_path: Path) -> None:
    """On the command line; the same parser reads prometheus.yml."""
    program = binaries("prometheus", version) / "prometheus"

    def refused(text: str) -> bool:
        words = _words(program, f"--query.lookback-delta={text}", f"--config.file={tmp_path}/none")
        assert ("Error loading config" in words) != ("Error parsing command line" in words), words
        return "Error parsing command line" in words

    assert [text for text in PROMETHEUS_GOOD if refused(text)] == []
    assert [text for text in PROMETHEUS_BAD if not refused(text)] == []


def test_alertmanager_itself_agrees(tmp_path: Path) -> None:
    program = binaries("alertmanager", "0.33.1") / "alertmanager"
    aside = [f"--config.file={tmp_path}/none", f"--storage.path={tmp_path}", "--cluster.listen-address="]

    def refused(text: str) -> bool:
        words = _words(program, f"--data.retention={text}", *aside, "--web.listen-address=127.0.0.1:0")
        assert ("error loading configuration" in words) != ("error: time:" in words), words
        return "error: time:" in words

    assert [text for text in FLAG_GOOD if refused(text)] == []
    assert [text for text in FLAG_BAD if not refused(text)] == []
