# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time, a canary first, and changes that neighbours feel: refused, then done with consent."""

from __future__ import annotations

import dataclasses
import getpass
import json
import re
import time
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import (
    MOVED,
    NOTIFIED,
    Prober,
    Rolling,
    Seen,
    Wanted,
    extra_args,
    soon,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import MESH, REPLICAS, SETS, Run, wait_for

FIRST = SETS["eu"][0]
FLAG = Wanted(groups={"all": {"prometheus_ha_canary": "eu"}, "prometheus": extra_args({"query.max-concurrency": 12})})
LABEL = {"alertmanager": {"alertmanager_cluster_label": "rolling-renamed"}}


@dataclasses.dataclass(frozen=True)
class Canary:
    """:ivar second: a run that was begun while the first one changed its canary. ``entries``: the first's summary."""

    run: Run
    second: Run
    between: tuple[dict[str, str], dict[str, str]]
    entries: list[dict[str, t.Any]]
    seen: Seen


@dataclasses.dataclass(frozen=True)
class Flip:
    refused: Run
    untouched: bool
    run: Run
    before: dict[str, str]
    after: dict[str, str]
    seen: Seen
    window: Span


@pytest.fixture(scope="module")
def canary(stack: Rolling, prober: Prober, tmp_path_factory: pytest.TempPathFactory) -> Canary:
    stack.settle(Wanted())
    summary = tmp_path_factory.mktemp("canary") / "summary.json"
    before = stack.starts()
    running = stack.begin(FLAG, "-e", f"prometheus_ha_summary_file={summary}")
    wait_for(lambda: running.over or stack.starts()[FIRST] != before[FIRST], 300, f"{FIRST} is changed")
    assert not running.over, running.output
    meanwhile = stack.starts()
    second = stack.roll(FLAG)
    assert not running.over, "the first run was over too early to be in the way"
    run = running.wait().succeeded()
    entries = json.loads(summary.read_text())
    return Canary(run, second, (before, meanwhile), entries, prober.seen(running.begun))


def test_a_second_run_is_refused_with_who_is_at_it_and_since_when(canary: Canary) -> None:
    assert canary.second.rc != 0
    assert f"{getpass.getuser()}@" in canary.second.output, canary.second.output
    assert re.search(r"has held its lease for \d+:\d\d:\d\d", canary.second.output), canary.second.output


def test_the_canary_goes_alone_and_the_others_follow(canary: Canary) -> None:
    before, meanwhile = canary.between
    assert [name for name in before if before[name] != meanwhile[name]] == [FIRST]
    waves: dict[int, list[str]] = {}
    for entry in canary.entries:
        if entry["wave"]:
            waves.setdefault(entry["wave"], []).append(entry["host"])
    assert waves[1] == [FIRST], waves
    assert sorted(host for hosts in waves.values() for host in hosts) == sorted(REPLICAS), waves
    assert not any(set(replicas) <= set(hosts) for hosts in waves.values() for replicas in SETS.values()), waves
    canary.seen.assert_no_gap()


def flip(stack: Rolling, prober: Prober, wanted: Wanted, consent: str) -> Flip:
    """A change that neighbours feel, without consent and with it."""
    before = stack.starts()
    refused = stack.roll(wanted)
    untouched = stack.starts() == before
    running = stack.begin(dataclasses.replace(wanted, consents=[consent]))
    run = running.wait()
    ended = time.time()
    seen = prober.seen(running.begun, ended)
    time.sleep(NOTIFIED)
    return Flip(refused, untouched, run, before, stack.starts(), seen, (running.begun, ended + NOTIFIED))


@pytest.fixture(scope="module")
def ticking(stack: Rolling, canary: Canary) -> Wanted:
    """Where the flips begin: with Ticks."""
    assert canary.run
    begin = Wanted(since=soon())
    stack.settle(begin)
    return begin


@pytest.fixture(scope="module")
def renamed(stack: Rolling, prober: Prober, ticking: Wanted) -> Flip:
    return flip(stack, prober, dataclasses.replace(ticking, groups=LABEL), "A19")


def test_another_label_is_refused_without_consent(renamed: Flip) -> None:
    assert renamed.refused.rc != 0
    assert "A19" in renamed.refused.output, renamed.refused.output
    assert renamed.untouched


def test_with_consent_all_members_go_together_and_the_mesh_is_whole(stack: Rolling, renamed: Flip) -> None:
    renamed.run.succeeded()
    assert stack.whole()
    assert [name for name in MESH if renamed.before[name] == renamed.after[name]] == []
    assert {name: renamed.before[name] for name in REPLICAS} == {name: renamed.after[name] for name in REPLICAS}
    flags = {
        name: stack.sh(name, "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID alertmanager)/cmdline") for name in MESH
    }
    assert all("--cluster.label=rolling-renamed" in words for words in flags.values()), flags
    split = re.findall(r"were split for ([0-9.]+) s at most", renamed.run.output)
    assert split, renamed.run.output
    print(f"another label: split for {max(map(float, split)):.1f} s at most, it says; {renamed.seen.figures()}")


@pytest.fixture(scope="module")
def moved(stack: Rolling, prober: Prober, ticking: Wanted, renamed: Flip) -> Flip:
    assert renamed.run.rc == 0
    groups = {"alertmanager": {**LABEL["alertmanager"], "alertmanager_port": MOVED}}
    return flip(stack, prober, dataclasses.replace(ticking, groups=groups), "X06")


def test_another_port_is_refused_without_consent(moved: Flip) -> None:
    assert moved.refused.rc != 0
    assert "X06" in moved.refused.output, moved.refused.output
    assert moved.untouched


@pytest.mark.parametrize("region", SETS)
def test_no_alert_is_lost_while_the_port_moves(stack: Rolling, moved: Flip, region: str) -> None:
    moved.run.succeeded()
    fired, lost = stack.lost(region, moved.window)
    print(f"{region}: {len(fired)} alerts fired while the port moved, {len(lost)} of them were not told")
    assert not lost


def test_everybody_alerts_the_new_port_alone(stack: Rolling, moved: Flip) -> None:
    assert moved.run.rc == 0
    wanted = sorted(f"http://{stack.addresses[name]}:{MOVED}/api/v2/alerts" for name in MESH)
    for name in REPLICAS:
        active = stack.prometheus(name, "alertmanagers")["activeAlertmanagers"]
        assert sorted(item["url"] for item in active) == wanted
