# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's third part: what an upgrade of two replica pairs and a mesh of three takes, and what kills do to it.

    python -m scripts.bench_roll

On the lab of the Molecule scenario `rolling`, with its inventory, its prober and its test of killed upgrades
(ROLLING_KILLS, 20 here).
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAB = "rolling"
KILLS = 20
PINGS = 3
# Bound of the design: the run's own work, in pings of the same hosts.
OWN_BOUND = 30
TESTS = "molecule/rolling/tests/test_40_interrupted.py"


def split(entries: t.Iterable[t.Mapping[str, t.Any]], wall: float) -> tuple[float, float]:
    """The seconds of a run that it waited for gates, and those of its own work.

    Hosts of a wave go side by side, so a wave waits as long as the gates of the host that takes it the longest.

    :param entries: of the run's summary; a host's gates are those of all its components together.
    :param wall: seconds of the whole run.
    """
    hosts: dict[tuple[int, str], dict[str, float]] = {}
    for entry in entries:
        if entry["wave"] is not None:
            host = hosts.setdefault((entry["wave"], entry["host"]), {"own": 0.0, "gates": 0.0})
            host["own"] += entry["seconds"]
            host["gates"] = (entry["gate_before"] or 0.0) + (entry["gate_after"] or 0.0)
    longest: dict[int, dict[str, float]] = {}
    for (wave, _name), host in hosts.items():
        longest[wave] = max(longest.get(wave, host), host, key=lambda one: one["own"] + one["gates"])
    waited = sum(host["gates"] for host in longest.values())
    return waited, wall - waited


def _lab(*args: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *args], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def _upgrade() -> tuple[float, list[dict[str, t.Any]], str, dict[str, float]]:
    """Seconds of the run, its summary, and what the prober saw: all of it, and seconds out of service by host."""
    from ansible_collections.baremetal.prometheus_ha.molecule.rolling import support

    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        stack = support.Rolling(folder)
        stack.settle(support.Wanted(support.OLD))
        summary = folder / "summary.json"
        prober = support.Prober(stack)
        begun = time.time()
        wanted = support.Wanted(support.NEW, consents=support.CONSENTS)
        run = stack.roll(wanted, "-e", f"prometheus_ha_summary_file={summary}").succeeded()
        seen = prober.seen(begun)
        prober.end()
        seen.assert_no_gap()
        away = {name: seen.out_of_service(name) for name in support.UNITS}
        return run.seconds, json.loads(summary.read_text()), seen.figures(), away


def _ping() -> float:
    """Seconds of `ansible -m ping` over the same hosts."""
    argv = ["ansible", "-i", "inventory/lab", "-e", "lab_subnet=172.30.98", "all", "-m", "ping"]
    start = time.monotonic()
    subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def _killed() -> str:
    """The test's own last line. Ends the benchmark where an upgrade did not come to its end."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:pytest-ansible", "-s", TESTS, "-k", "killed"]
    env = {"ROLLING_KILLS": str(KILLS), **os.environ}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(f"{TESTS} failed:\n{done.stderr[-4000:]}")
    seed = re.search(r"ROLLING_SEED=(\d+)", done.stdout)
    return f"{env['ROLLING_KILLS']} kills at random moments (seed {seed.group(1) if seed else '?'})"


def figures() -> list[str]:
    """Lines of Markdown; a bound that is not kept says MISSED."""
    sys.path.insert(0, str(ROOT / ".cache/collections"))
    _lab("up", "--name", LAB, "--topology", LAB, "--fresh")
    try:
        seconds, entries, seen, away = _upgrade()
        unit = statistics.median(_ping() for _number in range(PINGS))
        kills = _killed()
    finally:
        _lab("down", "--name", LAB)
    print(seen, flush=True)
    waited, own = split(entries, seconds)
    verdict = "met" if own <= OWN_BOUND * unit else "MISSED"
    return [
        "| figure | measured | in pings | bound |",
        "|-|-|-|-|",
        f"| `ansible -m ping` | {unit:.2f} s | | |",
        f"| upgrade of 2 x 2 + 3 hosts | {seconds:.1f} s | {seconds / unit:.1f} x | |",
        f"| of it waiting for gates | {waited:.1f} s | | |",
        f"| of it own work | {own:.1f} s | {own / unit:.1f} x | <= {OWN_BOUND} x: {verdict} |",
        *(f"| out of service: {name} | {gone:.1f} s | | |" for name, gone in away.items()),
        "| no replica of a set ready, or fewer than two members | 0 s | | 0 s: met |",
        f"| {kills}, each followed by a rerun | all converged, never two down | | met |",
    ]


def main() -> int:
    lines = figures()
    print("\n".join(lines))
    return 1 if "MISSED" in "\n".join(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
