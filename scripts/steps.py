# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the steps of Makefile targets: ``python -m scripts.steps TARGET...``.

Each step is announced, timed and ended when it hangs; a table of all steps and one line "N passed, N failed" close
every run, the failed and the interrupted one too. A failed step does not stop those that do not need it. What a
target opened for itself (the engine, the lab) is closed again.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
LAB_NAME = os.environ.get("LAB_NAME", "default")
#: Seconds between the polite and the hard end of a step.
GRACE = 20.0
#: Light steps at a time.
LANES = 2
#: Seconds between two looks at a running step.
POLL = 0.2
#: What tells of a failure: pytest's summary, Ansible's results and the linters' place of a finding.
TELLING = re.compile(r"(FAILED|ERROR) |E   |(fatal|\[ERROR\]|CRITICAL)[: ]|\S+\.(py|yml|md):\d+")
#: Lines of failed steps that stand below the table, and the characters of one: CI keeps only a run's last lines.
TOLD, WIDTH = 12, 300


@dataclass(frozen=True)
class Step:
    """One command.

    :ivar timeout: seconds after which the step counts as hung.
    :ivar needs: steps of the same run without which this one makes no sense.
    :ivar undo: closes what the step opened, when the run's target closes what it opens.
    :ivar open_already: exits 0 when there was something open before, which then stays open.
    :ivar light: it works on one core and times nothing: two such steps, one after the other in a target, run at a time.
    """

    name: str
    command: str
    timeout: int
    needs: tuple[str, ...] = ()
    undo: str = ""
    open_already: str = ""
    light: bool = False

    @property
    def argv(self) -> list[str]:
        """The command's words; no step needs quoting or a shell."""
        return self.command.split()


COLLECTION = "ansible_collections.baremetal.prometheus_ha"
SCENARIO = f"molecule {os.environ.get('SCENARIO', 'default')}"
STEPS = {
    step.name: step
    for step in (
        Step("ruff", "ruff check .", 60, light=True),
        Step("format", "ruff format --check .", 60, light=True),
        Step("yamllint", "yamllint --strict .", 120, light=True),
        Step("vermin", "python -m scripts.oldest", 120, light=True),
        Step("changelog", "antsibull-changelog lint", 60, light=True),
        Step("docs", "python -m scripts.docs --check", 120, light=True),
        Step("ansible-lint", "ansible-lint --nocolor", 600, light=True),
        Step("types plugins", f"mypy -p {COLLECTION}.plugins -p {COLLECTION}.molecule", 600, light=True),
        Step("types tools", "mypy -p lab -p scripts -p tests", 600, light=True),
        Step("mirror", "python -m lab mirror", 1800),
        Step("units", "python -m pytest -n 2 --dist loadfile", 1200, needs=("mirror",)),
        Step("rules", "python -m scripts.mutate_rules", 300),
        Step("sanity", "python -m scripts.sanity", 1500, light=True),
        Step("tarball", "python -m pytest tests/integration/test_tarball.py -m not(lab)", 300),
        Step(
            "engine",
            "python -m lab engine start",
            600,
            undo="python -m lab engine stop",
            open_already="docker info",
        ),
        Step(
            "lab up",
            f"python -m lab up --name {LAB_NAME} --topology demo",
            1800,
            needs=("engine", "mirror"),
            undo=f"python -m lab down --name {LAB_NAME}",
        ),
        Step("molecule default", "molecule test -s default", 1800, needs=("engine",)),
        Step("molecule rolling", "molecule test -s rolling", 2700, needs=("engine",)),
        Step(
            "rolling in CI",
            "env ROLLING_TESTS=in_ci ROLLING_SEED=985658 molecule test -s rolling",
            1800,
            needs=("engine",),
        ),
        Step("molecule federation", "molecule test -s federation", 1800, needs=("engine",)),
        Step("molecule thanos", "molecule test -s thanos", 2700, needs=("engine",)),
        Step("molecule providers", "molecule test -s providers", 1800, needs=("engine",)),
        Step("molecule drills", "molecule test -s drills", 1200, needs=("engine",)),
        Step(
            "integration",
            "python -m pytest tests/integration -m not(long) --durations=15",
            2700,
            needs=("lab up",),
            # Labs of the tests' own, which they take down unless they are ended first.
            undo="python -m lab down --name scratch live",
        ),
        Step(
            "integration long",
            "python -m pytest tests/integration -m long",
            900,
            needs=("engine", "mirror"),
            undo="python -m lab down --name long",
        ),
        Step("demo up", "python -m lab up --name demo --topology demo --thanos", 2700),
        Step(
            "demo site", "ansible-playbook -i inventory/lab -i inventory/lab_thanos site.yml", 1800, needs=("demo up",)
        ),
        Step(
            "demo plan",
            "ansible-playbook -i inventory/lab -i inventory/lab_thanos playbooks/plan.yml",
            600,
            needs=("demo site",),
        ),
        Step("demo status", "python -m lab status --name demo", 60, needs=("demo up",)),
        Step("demo down", "python -m lab down --name demo --engine", 300),
        Step("bench", "python -m scripts.bench", 9000),
    )
}

#: Cheap steps first, so that a typing error is not told after half an hour.
TARGETS = {
    "lint": ("ruff", "format", "yamllint", "vermin", "changelog", "docs", "ansible-lint"),
    "types": ("types plugins", "types tools"),
    "units": ("mirror", "units", "rules"),
    "sanity": ("sanity",),
    "tarball": ("tarball",),
    "molecule": ("engine", SCENARIO),
    "integration": ("mirror", "engine", "lab up", "integration", "integration long"),
    "demo": ("demo up", "demo site", "demo plan", "demo status"),
    "demo-down": ("demo down",),
    "bench": ("bench",),
}
TARGETS["test-fast"] = TARGETS["lint"] + TARGETS["types"] + TARGETS["units"]
# What takes long is in it as far as CI's 84 minutes go (of rolling the upgrade and the kills), and as a whole in a
# target of its own: make integration, make molecule SCENARIO=rolling, federation, thanos, providers or drills.
TARGETS["test"] = (
    # The longest of the light steps: the others go beside it.
    "sanity",
    *TARGETS["test-fast"],
    *("tarball", "engine", "molecule default", "rolling in CI", "lab up", "integration"),
)


@dataclass
class Run:
    """The results so far, the steps still to be undone, and the signal that asked the run to end."""

    results: dict[str, tuple[str, float]] = field(default_factory=dict)
    telling: list[str] = field(default_factory=list)
    opened: list[Step] = field(default_factory=list)
    signal: str = ""
    begun: float = field(default_factory=time.monotonic)

    def passed(self, name: str) -> bool:
        """Whether that step ran and succeeded."""
        return self.results.get(name, ("", 0.0))[0] == "passed"

    def step(self, step: Step) -> None:
        """Run one step, unless something that it needs is missing, or the run is to end."""
        if self.signal:
            return
        missing = [name for name in step.needs if name in self.results and not self.passed(name)]
        if missing:
            self.results[step.name] = (f"not run: {', '.join(missing)} failed", 0.0)
            say(f"=== {step.name}: not run, since {', '.join(missing)} failed")
            return
        if step.undo and not (step.open_already and quiet(step.open_already)):
            self.opened.append(step)
        self.command(step.name, step.argv, step.timeout, f"{step.name} | " if step.light else "")

    def steps(self, steps: Iterable[Step]) -> None:
        """Run steps in order, of light ones two at a time; the rest wait for these."""
        for light, run in itertools.groupby(steps, lambda step: step.light):
            with ThreadPoolExecutor(LANES if light else 1) as lanes:
                list(lanes.map(self.step, run))

    def command(self, name: str, argv: list[str], timeout: int, lead: str = "") -> None:
        """Run a command in a process group of its own and note how it ended.

        :param lead: stands before each line that it prints.
        """
        say(f"=== {name}: {' '.join(argv)}")
        start = time.monotonic()
        said: deque[str] = deque(maxlen=500)
        outcome = execute(argv, timeout, lambda: self.signal, said, lead)
        seconds = time.monotonic() - start
        if outcome != "passed":
            self.telling += telling(said)
        self.results[name] = (outcome, seconds)
        say(f"=== {name}: {outcome} ({seconds:.1f} s)")

    def undo(self) -> None:
        """Close what was opened, the last first; a failure to do so is a failed step."""
        self.signal = ""
        while self.opened:
            step = self.opened.pop()
            self.command(f"undo {step.name}", step.undo.split(), 300)

    def report(self) -> bool:
        """Print the table and the closing line; say whether all went well."""
        width = max(len(name) for name in self.results)
        total = time.monotonic() - self.begun + self.results.get("setup", ("", 0.0))[1]
        print(f"\n{'step':{width}}  {'seconds':>8}  result")
        for name, (outcome, seconds) in self.results.items():
            print(f"{name:{width}}  {seconds:8.1f}  {outcome}")
        print(f"{'all':{width}}  {total:8.1f}  wall clock")
        good = sum(self.passed(name) for name in self.results)
        for line in self.telling[:TOLD]:
            print(line)
        if failed := [name for name in self.results if not self.passed(name)]:
            print(f"failed: {', '.join(failed)}")
        print(f"{good} passed, {len(self.results) - good} failed", flush=True)
        return good == len(self.results)


def say(text: str) -> None:
    """Print at once, in order with what the steps print themselves."""
    print(text, flush=True)


def quiet(command: str) -> bool:
    """Whether a probe succeeds; one that does not exist or hangs does not."""
    try:
        done = subprocess.run(command.split(), check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def telling(said: Iterable[str]) -> list[str]:
    """The lines of a failed step's output that tell why, or its last few where none looks like that.

    pytest's summary stands last and names each failed test once; the lines of its tracebacks come before it.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("\u2502 \n") for line in said]
    summary = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    found = summary + [line for line in lines if TELLING.match(line) and line not in summary]
    return [line[:WIDTH] for line in (found[:TOLD] or lines[-5:])]


def execute(
    argv: list[str], timeout: int, stop: Callable[[], str] = str, said: deque[str] | None = None, lead: str = ""
) -> str:
    """Run one command to its end, or end it with all that it started in its process group.

    :param stop: asked several times a second; the name of a signal ends the command.
    :param said: gets the lines that the command prints; they are passed on as they come, each after ``lead``. At a
        terminal a command without a lead has it for itself, with its colours.
    :return: ``passed``, or how it failed.
    """
    deadline = time.monotonic() + timeout
    kept = said if said is not None and (lead or not sys.stdout.isatty()) else None
    pipe, errors = (None, None) if kept is None else (subprocess.PIPE, subprocess.STDOUT)
    try:
        process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=errors, start_new_session=True
        )
    except OSError as error:
        return f"failed: {error}"
    if kept is None:
        return wait(process, deadline, timeout, stop)
    reader = threading.Thread(target=pass_on, args=(process, kept, lead), daemon=True)
    reader.start()
    outcome = wait(process, deadline, timeout, stop)
    # What the step left running (the engine) may hold the pipe open for good.
    reader.join(2)
    return outcome


def pass_on(process: subprocess.Popen[bytes], said: deque[str], lead: str) -> None:
    """Print what a command prints as it comes, each line after ``lead``, and keep its last lines."""
    assert process.stdout is not None  # started with a pipe
    for line in process.stdout:
        text = line.decode(errors="replace")
        said.append(text)
        print(f"{lead}{text}", end="", flush=True)


def wait(process: subprocess.Popen[bytes], deadline: float, timeout: int, stop: Callable[[], str]) -> str:
    """Wait for the end of a command, or end it; say how it went."""
    while True:
        try:
            code = process.wait(POLL)
        except subprocess.TimeoutExpired:
            reason = f"failed: ended by {stop()}" if stop() else f"failed: hung, ended after {timeout} s"
            if stop() or time.monotonic() > deadline:
                end_group(process)
                return reason
        else:
            return "passed" if code == 0 else f"failed: exit code {code}"


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process group that a step leads, politely at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def main(targets: Iterable[str]) -> int:
    """Run the targets' steps in order, each once.

    :return: the exit code: 0 passed, 1 failed, 2 unknown target, 130 interrupted.
    """
    wanted = list(targets)
    unknown = [name for name in wanted if name not in TARGETS or not STEPS.keys() >= set(TARGETS[name])]
    if unknown or not wanted:
        print(f"unknown targets: {', '.join(unknown) or '(none given)'}; known: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    names = list(dict.fromkeys(name for target in wanted for name in TARGETS[target]))
    os.environ["LAB_NAME"] = LAB_NAME

    run = Run()

    # Only noted here: an exception could strike while a step is being started, and lose its process.
    def note(number: int, _frame: FrameType | None) -> None:
        run.signal = signal.Signals(number).name

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    if setup := os.environ.get("SETUP_SECONDS"):
        run.results["setup"] = ("passed", float(setup))
    run.steps(STEPS[name] for name in names)
    interrupted = run.signal
    if interrupted:
        say(f"=== ended by {interrupted}; cleaning up")
    # A second signal must not cut this off (`timeout` and `make` both pass theirs on).
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    run.undo()
    good = run.report()
    return 130 if interrupted else 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
