# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease of a host, and the lock of its changing process: real files, real processes, a clock of the test's own."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _lease
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._disk import Disk
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import Clock

NOW = 1_750_000_000.0


def params(run: str = "a", **more: t.Any) -> dict[str, t.Any]:
    """The option as the module gets it: every suboption is there."""
    given = {name: option.get("default") for name, option in _lease.LEASE_SPEC.items()}
    named = {"run": run, "who": f"{run}@ops", "controller": "c", "boot": "b", "namespace": "n", "pid": 42, "started": 7}
    return {**given, **named, **more}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "prometheus_ha" / "lease.json")


def hold(path: str, at: float = NOW, run: str = "a", **more: t.Any) -> None:
    _lease.hold(params(run, **more), path=path, now=lambda: at)


def record(path: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = json.loads(Path(path).read_text())
    return found


def test_the_record_names_the_run_and_is_for_root_alone(path: str) -> None:
    before = os.umask(0)
    try:
        hold(path)
    finally:
        os.umask(before)
    named = {"run": "a", "who": "a@ops", "controller": "c", "boot": "b", "namespace": "n", "pid": 42, "started": 7}
    assert record(path) == {**named, "seconds": 60.0, "taken": NOW, "expires": NOW + 60}
    folder = Path(path).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_a_folder_that_others_may_read_is_closed(path: str) -> None:
    Path(path).parent.mkdir(mode=0o755)
    hold(path)
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_renewal_keeps_when_it_was_taken(path: str) -> None:
    hold(path)
    hold(path, NOW + 45)
    assert (record(path)["taken"], record(path)["expires"]) == (NOW, NOW + 105)
    hold(path, NOW + 500, seconds=5.0)  # expired meanwhile, but nobody took it
    assert (record(path)["taken"], record(path)["expires"]) == (NOW, NOW + 505)


@pytest.mark.parametrize(
    ("after", "over", "wins"),
    [
        pytest.param(0.0, None, False, id="at once"),
        pytest.param(59.9, None, False, id="just before it expires"),
        pytest.param(60.0, None, True, id="expired"),
        pytest.param(0.0, "a", True, id="its holder is known to be dead"),
        pytest.param(0.0, "x", False, id="another one is known to be dead"),
        pytest.param(0.0, "", False, id="nobody is known to be dead"),
    ],
)
def test_who_else_gets_it(path: str, after: float, over: str | None, wins: bool) -> None:
    hold(path)
    before = record(path)
    with contextlib.nullcontext() if wins else pytest.raises(HAError):
        hold(path, NOW + after, "b", over=over)
    if wins:
        assert (record(path)["run"], record(path)["taken"]) == ("b", NOW + after)
    else:
        assert record(path) == before


def test_of_two_that_know_the_holder_dead_one_gets_it(path: str) -> None:
    hold(path, run="dead")
    hold(path, NOW + 1, "b", over="dead")
    with pytest.raises(HAError, match="b@ops"):
        hold(path, NOW + 1, "c", over="dead")
    with pytest.raises(HAError, match="b@ops"):  # what the dead run left behind
        hold(path, NOW + 2, "dead")


def test_who_is_refused_reads_by_whom_for_how_long_and_what_to_do(path: str) -> None:
    hold(path)
    hold(path, NOW + 3725)
    with pytest.raises(HAError) as caught:
        hold(path, NOW + 3725 + 12.4, "b")
    assert str(caught.value) == (
        f"{path}: another run is changing this host: a@ops (process 42 there) has held its lease for 1:02:17 (h:mm:ss) "
        "and renewed it 12 s ago; without a renewal it expires in 48 s. "
        "Do: wait until that run has ended. If it is dead, run again in 48 s: nobody renews its lease."
    )
    assert caught.value.result()["lease_holder"] == record(path)


def test_a_clock_that_was_set_back_locks_nobody_out(path: str) -> None:
    """An hour back: the lease seems to last for 61 minutes. It gets its 60 s from now on, and no more."""
    hold(path)
    for after in (0, 30):
        with pytest.raises(HAError, match=f"for 0:00:00 .* expires in {60 - after} s"):
            hold(path, NOW - 3600 + after, "b")
    hold(path, NOW - 3540, "b")
    assert record(path)["run"] == "b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"run": "a", "who": ',
        "\xff\x00",
        "[]",
        "null",
        '{"run": "a"}',
        json.dumps({**params(), "taken": NOW, "expires": "never"}),
        json.dumps({**params(), "taken": NOW, "expires": float("inf")}),
        json.dumps({**params(), "taken": NOW, "expires": NOW + 60, "run": 1}),
    ],
)
def test_a_damaged_record_is_none(path: str, text: str) -> None:
    Path(path).parent.mkdir()
    Path(path).write_text(text, encoding="latin-1")
    _lease.release(params(), path=path)
    assert Path(path).exists()
    hold(path, NOW + 1, "b")
    assert record(path)["run"] == "b"


@pytest.mark.parametrize(
    ("asks", "after", "named"),
    [("b", 0, "a@ops"), ("b", 59, "a@ops"), ("b", 61, None), ("a", 0, None)],
)
def test_who_asks_is_told_who_else_is_at_it(path: str, asks: str, after: float, named: str | None) -> None:
    assert _lease.holder(asks, path=path, now=lambda: NOW) is None
    hold(path)
    found = _lease.holder(asks, path=path, now=lambda: NOW + after)
    assert (found and found["who"]) == named


def test_it_is_renewed_while_a_long_step_is_at_work(path: str) -> None:
    _lease.hold(params(seconds=0.3), path=path)
    first = record(path)["expires"]
    with _lease.renewed(params(seconds=0.3), path=path):
        time.sleep(0.8)
        assert record(path)["expires"] > first + 0.3
    last = record(path)["expires"]
    time.sleep(0.3)
    assert record(path)["expires"] == last, "no longer than the step"


def test_it_is_released_by_its_run_and_by_nobody_else(path: str) -> None:
    _lease.release(params(), path=path)
    assert not Path(path).parent.exists()  # without a lease nothing is touched
    hold(path)
    before = record(path)
    _lease.release(params("b"), path=path)
    hold(path, NOW + 1, "b", release=True, over="a")
    assert record(path) == before
    hold(path, NOW + 1, release=True)
    assert not Path(path).exists()
    hold(path, NOW + 1, "b")
    _lease.release(params("b"), path=path)
    assert not Path(path).exists()


def test_it_is_written_whole_or_not_at_all(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(path)
    before = record(path)

    def full(_disk: Disk, what: str) -> None:
        if what.startswith("write"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with monkeypatch.context() as patch:
        patch.setattr(Disk, "step", full)
        with pytest.raises(HAError, match="No space left"):
            hold(path, NOW + 1)
    assert record(path) == before
    hold(path, NOW + 2)
    assert record(path)["expires"] == NOW + 62


def _contend(path: str, run: str, start: t.Any, results: t.Any) -> None:
    def slowly() -> float:
        time.sleep(0.05)  # between reading and writing
        return NOW

    start.wait()
    try:
        _lease.hold(params(run), path=path, now=slowly)
        results.put((run, None))
    except HAError as error:
        results.put((run, error.facts["lease_holder"]["run"]))


def test_of_processes_that_race_for_it_one_wins(path: str) -> None:
    fork = multiprocessing.get_context("fork")
    for number in range(3):
        start, results = fork.Barrier(2), fork.Queue()
        lease = f"{path}{number}"
        runners = [fork.Process(target=_contend, args=(lease, run, start, results)) for run in "ab"]
        for one in runners:
            one.start()
        got = dict(results.get(timeout=30) for _one in runners)
        for one in runners:
            one.join(30)
        winner = record(lease)["run"]
        assert got == {winner: None, ({"a", "b"} - {winner}).pop(): winner}


# -- one changing process at a time ------------------------------------------------------------------------------------

_HOLDER = """
import sys, time
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _lease
with _lease.exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def other_process(lock: str) -> t.Iterator[subprocess.Popen[str]]:
    """A process that holds the lock, with a secret in its command line."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / ".cache/collections")}
    argv = [sys.executable, "-c", _HOLDER, lock, "hunter2"]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "prometheus_ha" / "component.lock")


def test_the_other_process_is_waited_for_then_named(lock: str) -> None:
    clock = Clock()
    with other_process(lock) as other:
        with pytest.raises(HAError) as caught, _lease.exclusive(lock, timeout=30, clock=clock):
            pytest.fail("two at once")
        assert clock.now == pytest.approx(1030)
        assert f"(pid {other.pid}) has been at work on this host for more than 30 s" in str(caught.value)
        assert f"ps -o pid,etime,comm -p {other.pid}" in caught.value.do
        assert "hunter2" not in str(caught.value)


def test_a_killed_process_frees_it(lock: str) -> None:
    with other_process(lock) as other:
        other.kill()
        other.wait()
        clock = Clock()
        with _lease.exclusive(lock, timeout=0, clock=clock):
            assert Path(lock).read_text() == f"{os.getpid()}\n"
    assert clock.now == 1000


def test_who_waits_gets_it_as_soon_as_it_is_free(lock: str) -> None:
    class Ending(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.now > 1005:
                other.kill()
                other.wait()

    clock = Ending()
    with other_process(lock) as other, _lease.exclusive(lock, timeout=30, clock=clock):
        assert 1005 < clock.now < 1006


def test_it_is_free_again_after_an_error_and_names_nobody(lock: str) -> None:
    with pytest.raises(OSError, match="of the body"), _lease.exclusive(lock):
        raise OSError("of the body")
    assert Path(lock).read_text() == ""
    with _lease.exclusive(lock, timeout=0):
        # The moment between lock and name: no stale pid is blamed.
        Path(lock).write_text("")
        with pytest.raises(HAError, match="fuser -v") as caught, _lease.exclusive(lock, timeout=0):
            pytest.fail("two at once")
    assert "pid" not in caught.value.what
    assert stat.S_IMODE(os.stat(lock).st_mode) == 0o600


def test_a_system_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lock = str(tmp_path / "file" / "component.lock")
    with pytest.raises(HAError, match=r"files below .*/file could not be changed"), _lease.exclusive(lock):
        pytest.fail("no lock, yet it went on")
