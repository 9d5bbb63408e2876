# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's second part: what reading, planning and checking large inventories costs. No host is contacted.

    python -m scripts.bench_plan

The steps are measured in a process of their own for each size, as CPU seconds, so that neither a warm cache nor a busy
neighbour counts; the playbook as wall clock.
"""

from __future__ import annotations

import itertools
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from scripts import large_inventory

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = (100, 500, 1000, 2000)
RUNS = 5
STEPS = ("load", "model", "render", "lint")
ABOUT = (
    "Generated inventories (`scripts/large_inventory.py`): sites of three replica pairs with sidecars, a mesh of "
    "three and a store gateway; a federation pair, and every other Thanos component once to thrice. No host is "
    "contacted. The steps are CPU seconds in a process of their own, medians of five; load is Ansible's reading and "
    "templating of variables, slices what all hosts are handed, memory what it all adds to the process; the playbook "
    "is wall clock, with what `ansible-inventory --graph` takes of it."
)
# Bounds of the design: seconds of plan and lint for 1,000 hosts; how much more 2,000 may take.
SECONDS_BOUND, GROWTH_BOUND = 5.0, 2.2


def measure(folder: pathlib.Path) -> dict[str, float]:
    """CPU seconds of each step over one inventory, the most memory of the process and the slices of all hosts (MiB),
    and how many findings."""
    sys.path.insert(0, str(ROOT / ".cache/collections"))
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _render, _topology
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Subject
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_cases

    def memory() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    marks = [time.process_time()]
    before = memory()
    snapshot, files = support_cases.load(folder)
    marks.append(time.process_time())
    topology = _topology.build(snapshot, _registry.KINDS)
    marks.append(time.process_time())
    rendered, failed = _render.render_hosts(topology, files)
    marks.append(time.process_time())
    findings = _render.check(Subject(snapshot, topology, rendered, files), failed)
    marks.append(time.process_time())
    taken = dict(zip(STEPS, (after - start for start, after in itertools.pairwise(marks)), strict=True))
    most = memory() - before
    size = sum(len(json.dumps(slices)) for slices in rendered.values()) / 2**20
    return {**taken, "memory": most, "size": size, "findings": len(findings)}


def child(folder: pathlib.Path) -> dict[str, float]:
    argv = [sys.executable, "-m", "scripts.bench_plan", "--measure", str(folder)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def playbook(folder: pathlib.Path) -> float:
    """Wall seconds of the preflight playbook, which must find nothing."""
    start = time.monotonic()
    argv = ["ansible-playbook", "-i", str(folder), "playbooks/preflight.yml"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr[-4000:])
    return time.monotonic() - start


def listed(folder: pathlib.Path) -> float:
    """Wall seconds that Ansible alone takes to read the inventory."""
    start = time.monotonic()
    subprocess.run(["ansible-inventory", "-i", str(folder), "--graph"], cwd=ROOT, capture_output=True, check=True)
    return time.monotonic() - start


def figures() -> list[str]:
    """The tables, as lines of Markdown; a bound that is not kept says MISSED."""
    lines = [
        "| hosts | load | model | render | lint | plan + lint | slices | memory | `preflight.yml` | of it Ansible's |",
        "|-|-|-|-|-|-|-|-|-|-|",
    ]
    totals: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in SIZES:
            folder = pathlib.Path(temporary, str(size))
            large_inventory.write(size, folder)
            runs = [child(folder) for _number in range(RUNS)]
            if any(run["findings"] for run in runs):
                sys.exit(
                    f"the inventory of {size} hosts has findings: see ansible-playbook -i ... playbooks/preflight.yml"
                )
            median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            totals[size] = median["model"] + median["render"] + median["lint"]
            steps = " | ".join(f"{median[step]:.2f} s" for step in STEPS)
            wall = statistics.median(playbook(folder) for _number in range(RUNS))
            own = statistics.median(listed(folder) for _number in range(RUNS))
            room = f"{median['size']:.1f} MiB | {median['memory']:.0f} MiB"
            lines.append(f"| {size:,} | {steps} | {totals[size]:.2f} s | {room} | {wall:.1f} s | {own:.1f} s |")
            print(lines[-1], flush=True)
    growth = totals[2000] / totals[1000]
    fast, linear = totals[1000] < SECONDS_BOUND, growth <= GROWTH_BOUND
    return [
        *lines,
        "",
        f"Plan and lint of 1,000 hosts: {totals[1000]:.2f} s (< {SECONDS_BOUND:g} s: {'met' if fast else 'MISSED'}); "
        f"2,000 hosts take {growth:.2f} x (<= {GROWTH_BOUND} x: {'met' if linear else 'MISSED'}).",
    ]


def main() -> int:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(pathlib.Path(sys.argv[2]))))
        return 0
    lines = figures()
    print("\n".join(lines))
    return 1 if "MISSED" in lines[-1] else 0


if __name__ == "__main__":
    sys.exit(main())
