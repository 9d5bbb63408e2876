# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of steps: what ends a run, what is closed again, and the lines that CI reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts import steps
from scripts.steps import Run, Step


def touch(path: Path) -> str:
    return f"touch {path}"


def test_failed_step_keeps_only_its_dependants_from_running(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = Run()
    run.step(Step("bad", "false", 10))
    run.step(Step("dependant", touch(tmp_path / "dependant"), 10, needs=("bad",)))
    run.step(Step("other", touch(tmp_path / "other"), 10))
    assert not run.report()
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    out = capfd.readouterr().out
    assert "failed: exit code 1" in out
    assert "not run: bad failed" in out
    assert out.endswith("\nfailed: bad, dependant\n1 passed, 2 failed\n")


def test_last_lines_tell_why_a_step_failed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "step.sh"
    script.write_text("echo noise; echo 'E   assert 1 == 2'; echo 'FAILED tests/test_x.py::test_y - boom'; exit 1\n")
    run = Run()
    run.step(Step("bad", f"sh {script}", 10))
    run.step(Step("good", "echo fine.py:1", 10))
    run.report()
    table, _closing, last = capfd.readouterr().out.partition("\nall ")
    assert "noise" in table
    assert last.splitlines()[1:] == [
        "FAILED tests/test_x.py::test_y - boom",
        "E   assert 1 == 2",
        "failed: bad",
        "1 passed, 1 failed",
    ]


def test_without_a_telling_line_the_last_ones_are_told() -> None:
    assert steps.telling(f"line {number}" for number in range(9)) == [f"line {number}" for number in range(4, 9)]
    assert steps.telling(["\x1b[2m\u2502\x1b[0m \x1b[31mfatal: [a1]: no\x1b[0m\n"]) == ["fatal: [a1]: no"]


def test_missing_command_is_a_failed_step() -> None:
    run = Run()
    run.step(Step("missing", "/no/such/command", 10))
    assert not run.passed("missing")
    assert "No such file" in run.results["missing"][0]


def test_hung_step_is_ended_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "hang.sh"
    script.write_text(f"sleep 600 & echo $! > {tmp_path}/pid\nwait\n")
    assert steps.execute(["sh", str(script)], 1) == "failed: hung, ended after 1 s"
    child = int((tmp_path / "pid").read_text())
    for _attempt in range(100):
        state = Path(f"/proc/{child}/stat")
        # Whoever inherits the child may leave it a zombie; that is ended, too.
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child of the hung step still runs")


def test_what_a_step_opened_is_closed_even_when_it_failed(tmp_path: Path) -> None:
    run = Run()
    run.step(Step("first", "true", 10, undo=touch(tmp_path / "first")))
    run.step(Step("second", "false", 10, undo=touch(tmp_path / "second")))
    run.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
    assert list(run.results) == ["first", "second", "undo second", "undo first"]


@pytest.mark.parametrize(("probe", "closed"), [("true", False), ("false", True), ("/no/such/probe", True)])
def test_what_was_open_before_stays_open(probe: str, closed: bool, tmp_path: Path) -> None:
    run = Run()
    run.step(Step("engine", "true", 10, undo=touch(tmp_path / "closed"), open_already=probe))
    run.undo()
    assert (tmp_path / "closed").exists() is closed


def test_signal_ends_the_step_and_still_reports(tmp_path: Path) -> None:
    code = (
        "import sys; from scripts import steps as s\n"
        f"s.STEPS = {{'slow': s.Step('slow', 'sleep 600', 700, undo='{touch(tmp_path / 'closed')}')}}\n"
        "s.TARGETS = {'slow': ('slow',)}\n"
        "sys.exit(s.main(['slow']))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "SETUP_SECONDS"}
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, cwd=steps.ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "=== slow: sleep 600\n"
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()  # to the end: the step's own copy of the pipe is closed, too
        assert process.wait(30) == 130
    assert (tmp_path / "closed").exists()
    assert "ended by SIGTERM" in rest
    assert rest.endswith("\nfailed: slow\n1 passed, 1 failed\n")


def test_every_target_names_known_steps() -> None:
    assert {name for names in steps.TARGETS.values() for name in names} <= set(steps.STEPS)
    makefile = (steps.ROOT / "Makefile").read_text(encoding="utf-8")
    assert [name for name in steps.TARGETS if f"{name}: ##" not in makefile] == []


def test_needed_steps_come_first() -> None:
    for names in steps.TARGETS.values():
        for position, name in enumerate(names):
            assert {need for need in steps.STEPS[name].needs if need in names} <= set(names[:position])


def test_light_steps_go_two_at_a_time_and_the_rest_waits(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each of the two waits for the other's file; what follows finds both."""
    script = tmp_path / "meet.sh"
    script.write_text("touch $1; for i in $(seq 200); do test -e $2 && echo met && exit; sleep 0.05; done; exit 1\n")
    one, two = tmp_path / "one", tmp_path / "two"
    run = Run()
    run.steps(
        [
            Step("left", f"sh {script} {one} {two}", 30, light=True),
            Step("right", f"sh {script} {two} {one}", 30, light=True),
            Step("after", f"ls {one} {two}", 30),
        ]
    )
    assert run.report()
    assert {"left | met", "right | met"} <= set(capfd.readouterr().out.splitlines())


def test_after_a_signal_no_step_begins(tmp_path: Path) -> None:
    run = Run(signal="SIGTERM")
    run.steps([Step("light", touch(tmp_path / "light"), 10, light=True), Step("more", touch(tmp_path / "more"), 10)])
    assert list(tmp_path.iterdir()) == [] and run.results == {}


def test_unknown_target_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert steps.main(["tset"]) == 2
    assert "unknown targets: tset; known: lint" in capsys.readouterr().err
