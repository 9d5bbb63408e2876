# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark: what a roll-out costs, measured against `ansible -m ping` over the same hosts in the same run.

    make bench

Four real hosts (a replica pair and a mesh of two) over SSH, forks 20, pipelining, the release mirror local. Prints a
table and writes it to docs/benchmarks.md. Every figure is a whole process, wall clock seconds.
"""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

from scripts import bench_federation, bench_plan, bench_roll, bench_thanos

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAB, SUBNET = "bench", "172.30.92"
INVENTORY = "tests/bench/inventory"
EXTRA = ["-i", INVENTORY, "-e", f"lab_subnet={SUBNET}"]
FIRST_RUNS, RUNS = 3, 5
# Bounds of the design, in pings; exposure as systemd-analyze counts it.
FIRST_BOUND, RERUN_BOUND, EXPOSURE_BOUND = 25, 4, 1.5


def run(argv: list[str], **env: str) -> tuple[float, str]:
    """Seconds and output of a command that must succeed."""
    start = time.monotonic()
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, **env},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    seconds = time.monotonic() - start
    if done.returncode:
        sys.exit(f"{' '.join(argv)} failed:\n{done.stdout[-4000:]}")
    return seconds, done.stdout


def say(text: str) -> None:
    print(f"[bench {time.strftime('%H:%M:%S')}] {text}", flush=True)


def lab(*args: str) -> None:
    run([sys.executable, "-m", "lab", *args])


def ping() -> float:
    return run(["ansible", *EXTRA, "all", "-m", "ping"])[0]


def site(**env: str) -> tuple[float, str]:
    return run(["ansible-playbook", *EXTRA, "site.yml"], **env)


def first_converges() -> list[float]:
    """Fresh hosts and an empty cache of releases on the controller each time."""
    taken = []
    for number in range(1, FIRST_RUNS + 1):
        lab("up", "--name", LAB, "--topology", "pair4", "--fresh")
        with tempfile.TemporaryDirectory() as cache:
            seconds, output = site(XDG_CACHE_HOME=cache)
        if "failed=0" not in output:
            sys.exit(output)
        taken.append(seconds)
        say(f"first converge {number} of {FIRST_RUNS}: {seconds:.1f} s")
    return taken


def reruns() -> list[float]:
    taken = []
    for number in range(1, RUNS + 1):
        seconds, output = site()
        if re.search(r"changed=[1-9]", output):
            sys.exit(f"a rerun changed something:\n{output}")
        taken.append(seconds)
        say(f"rerun {number} of {RUNS}: {seconds:.2f} s")
    return taken


def counts() -> tuple[int, int]:
    """Tasks of a rerun, and its remote calls over all hosts (ssh executions and transfers, by -vvv)."""
    output = run(["ansible-playbook", *EXTRA, "site.yml", "-vvv"])[1]
    return len(re.findall(r"^TASK \[", output, re.MULTILINE)), len(re.findall(r"> SSH: EXEC|> PUT ", output))


def exposures() -> dict[str, float]:
    """systemd-analyze security of each unit, by unit; with it, that ProcSubset=all and its metric are there."""
    found = {}
    for host, unit, port in (("eu-1", "prometheus", 9090), ("am-1", "alertmanager", 9093)):
        script = (
            f"systemd-analyze security --no-pager {unit}.service | tail -1;"
            f" systemctl show -p ProcSubset {unit}.service;"
            f" curl -s http://127.0.0.1:{port}/metrics | grep ^process_start_time_seconds"
        )
        output = run([sys.executable, "-m", "lab", "exec", "--name", LAB, host, "--", "sh", "-c", script])[1]
        exposure = re.search(r"exposure level for \S+: ([0-9.]+)", output)
        if not exposure or "ProcSubset=all" not in output or "process_start_time_seconds" not in output:
            sys.exit(f"{unit} on {host}: {output}")
        found[unit] = float(exposure.group(1))
    return found


def row(what: str, value: str, pings: float | None = None, bound: float | None = None) -> str:
    shown = "" if pings is None else f"{pings:.1f} x"
    verdict = "" if bound is None or pings is None else f"<= {bound:g} x: {'met' if pings <= bound else 'MISSED'}"
    return f"| {what} | {value} | {shown} | {verdict} |"


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} s (min {min(values):.2f}, max {max(values):.2f}, n = {len(values)})"


def main() -> int:
    lab("up", "--name", LAB, "--topology", "pair4", "--fresh")
    try:
        ping()  # opens the connections, as any earlier run does
        pings = []
        firsts = first_converges()
        again = []
        for seconds in reruns():
            again.append(seconds)
            pings.append(ping())
        say(f"ping: {spread(pings)}")
        tasks, calls = counts()
        exposed = exposures()
    finally:
        lab("down", "--name", LAB)
    unit = statistics.median(pings)
    first, rerun = statistics.median(firsts), statistics.median(again)
    lines = [
        "| figure | measured | in pings | bound |",
        "|-|-|-|-|",
        row("`ansible -m ping`", spread(pings)),
        row("first converge, mesh settled and proved", spread(firsts), first / unit, FIRST_BOUND),
        row("rerun without a change, with the proof", spread(again), rerun / unit, RERUN_BOUND),
        row("tasks of a rerun", str(tasks)),
        row("remote calls of a rerun, 4 hosts", str(calls)),
    ]
    for name, exposure in exposed.items():
        met = "met" if exposure <= EXPOSURE_BOUND else "MISSED"
        lines.append(f"| exposure of {name}.service | {exposure} | | <= {EXPOSURE_BOUND}: {met} |")
    table = "\n".join(lines)
    print(table)
    rolling = "\n".join(bench_roll.figures())
    print(rolling)
    federation = "\n".join(bench_federation.figures())
    thanos = "\n".join(bench_thanos.figures())
    planning = "\n".join(bench_plan.figures())
    (ROOT / "docs" / "benchmarks.md").write_text(
        "# Benchmarks\n\n"
        "Four hosts (a replica pair and a mesh of two) over SSH as an unprivileged user with sudo, forks 20, "
        "pipelining, the release mirror local. Medians; every figure is a whole process, wall clock.\n\n"
        f"Written by `make bench` on {datetime.date.today():%Y-%m-%d}: {os.cpu_count()} cores shared by the "
        f"controller and all hosts, Python {platform.python_version()}.\n\n{table}\n\n"
        "Both units keep `ProcSubset=all`, and `process_start_time_seconds` is there: the benchmark stops otherwise."
        "\n\n"
        "## An upgrade without a gap\n\n"
        "Prometheus 2.53.3 to 3.5.3 on two pairs and Alertmanager 0.28.1 to 0.33.1 on a mesh of three in one run, with "
        "the inventory of `molecule/rolling` (resend delay 5 s). Out of service is what a prober saw that asks each "
        "every 100 ms: until a replica is ready, and until a member has joined its mesh.\n\n"
        f"{rolling}\n\n"
        "## What federation costs\n\n"
        f"A global Prometheus {bench_federation.VERSION} with its rendered configuration over sources of "
        f"{bench_federation.SERIES:,} aggregate series each, scraped each {bench_federation.INTERVAL} s; sources and "
        "global are real processes on the same two cores.\n\n"
        f"{federation}\n\n"
        f"## What Thanos Query costs\n\n{bench_thanos.ABOUT}\n\n{thanos}\n\n"
        "## Reading and checking an inventory\n\n"
        f"{bench_plan.ABOUT}\n\n"
        f"{planning}\n"
    )
    return 1 if "MISSED" in table + rolling + planning else 0


if __name__ == "__main__":
    sys.exit(main())
