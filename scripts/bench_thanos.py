# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's fifth part: what Thanos Query costs as its Store APIs grow, and what deduplication costs.

    python -m scripts.bench_thanos

Real processes on loopback, each with the files and the command line that the collection renders for it: replica pairs
of Prometheus, a sidecar beside each, a querier over the first 2, 10 and 40 of them, and two frontends. All of them run
from the first to the last query, and what is compared is asked in turn, so that they share whatever else goes on. An
answer that is not the expected one ends the benchmark. Start and one round took 68 s beside other work: of the 9,000 s
that scripts/steps.py gives the benchmark, allow ten minutes. A Thanos that is not in the lab's cache is built first.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import http.client
import json
import math
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.parse

from lab import golang, releases

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMETHEUS, THANOS = "3.5.3", "0.42.4"
#: Store APIs that a querier has: replica pairs, so even numbers, each the first ones of the next.
SIZES = (2, 10, 40)
#: Rounds that count; one more goes before them.
ROUNDS = 20
#: Of each Prometheus. Their jobs are what the answers are summed by.
SERIES, JOBS = 1000, 20
#: Seconds: between two samples, from one replica's sample to the other's, of a range query, and of its rates.
STEP, SHIFT, RANGE, WINDOW = 15, 7, 3600, 300
#: promtool makes blocks of two hours, on their even hours.
BLOCK = 7200
#: Seconds until a querier must know its Store APIs, and of one answer.
PATIENCE = 60
#: How far a float may be from what it should be, as a part of that.
EXACT = 1e-9
#: What one sample is of a rate: so much a deduplicated one may lack where Thanos goes on with the other replica, since
#: it leaves a sample out there (seen with 0.42.4: 4.8 % less at one point of 241).
SAMPLE = STEP / WINDOW
LOOPBACK = "127.0.0.1"
COUNTER, UP = "bench_requests_total", "bench_up"
SUM = f"sum by (job) (rate({COUNTER}[{WINDOW}s]))"


@dataclasses.dataclass(frozen=True)
class Query:
    """A question, and what is true of its answer.

    :param expr: PromQL.
    :param ranged: over the last RANGE seconds in steps of STEP, else at their end alone.
    :param value: by label value of job ("" where there is none), one replica's share of the answer.
    :param pairs: how many pairs have a part in it; None: all that the querier has.
    """

    title: str
    expr: str
    ranged: bool
    value: t.Mapping[str, float]
    pairs: int | None = None

    def path(self, end: int, *, dedup: bool) -> str:
        """The request, of a kind that fails where a Store API does not answer. Prometheus ignores what it has not."""
        common = {"query": self.expr, "dedup": str(dedup).lower(), "partial_response": "false"}
        times = {"start": end - RANGE, "end": end, "step": STEP} if self.ranged else {"time": end}
        return f"/api/v1/query{'_range' if self.ranged else ''}?{urllib.parse.urlencode({**common, **times})}"

    def expected(self, pairs: int, *, dedup: bool) -> dict[str, float]:
        """The value of each series of the answer, at all of its times."""
        copies = (pairs if self.pairs is None else self.pairs) * (1 if dedup else 2)
        return {name: share * copies for name, share in self.value.items()}


def slope(number: int) -> int:
    """What a series grows by a second."""
    return number + 1


def rates() -> dict[str, float]:
    """By job, the rate of one Prometheus."""
    return {f"job-{job}": float(sum(map(slope, range(job, SERIES, JOBS)))) for job in range(JOBS)}


ABOUT = (
    f"Replica pairs of Prometheus {PROMETHEUS} with {SERIES:,} series each, a Thanos {THANOS} sidecar beside each, and "
    f"queriers over the first {', '.join(map(str, SIZES))} of them, configured as the collection renders them. All are "
    f"real processes on one machine that run all the time; what is compared is asked in turn ({ROUNDS} rounds), and "
    "each answer is checked. Simulated are the hosts: there is no network between them, and all Store APIs share the "
    "cores, where on hosts of their own they would work side by side. So latencies over many of them are what their "
    "work adds up to. The series of an answer grow with the Store APIs, except in the first query."
)

ONE = Query("one series of each", f"count({UP})", False, {"": 1.0})
FIRST = Query("one series of one pair", f'count({UP}{{site="site-00"}})', False, {"": 1.0}, pairs=1)
COUNT = Query("all series, counted", f"count({COUNTER})", False, {"": float(SERIES)})
INSTANT = Query("all series, rates summed", SUM, False, rates())
RANGED = Query("the same over 1 h, step 15 s", SUM, True, rates())
FAN_OUT = (FIRST, ONE, COUNT, INSTANT, RANGED)
DEDUPLICATION = (COUNT, INSTANT, RANGED)


def period(now: float) -> int:
    """The end of the last hour of the last block that is over: seconds, Unix time."""
    return int(now) // BLOCK * BLOCK


def exposition(end: int, shift: int) -> t.Iterator[str]:
    """What promtool makes a block of: RANGE and what the first rates reach back to, each counter a straight line."""
    times = range(end - RANGE - 2 * WINDOW + shift, end, STEP)
    yield f"# TYPE {UP} gauge\n"
    yield from (f"{UP} 1 {at}\n" for at in times)
    yield f"# TYPE {COUNTER.removesuffix('_total')} counter\n"
    for number in range(SERIES):
        name = f'{COUNTER}{{job="job-{number % JOBS}",n="{number}"}}'
        yield from (f"{name} {slope(number) * (at - end + BLOCK)} {at}\n" for at in times)
    yield "# EOF\n"


def wrong(answer: t.Mapping[str, t.Any], expected: t.Mapping[str, float], points: int, short: float = 0.0) -> str:
    """What an answer of the HTTP API has other than it should, or nothing.

    :param expected: by job, the value at each of so many points.
    :param short: the part of it that is lacking at fewer than half of the points, at most.
    """
    if answer.get("status") != "success" or answer.get("warnings"):
        return json.dumps({key: answer.get(key) for key in ("status", "error", "warnings")})
    found = {}
    for series in answer["data"]["result"]:
        values = [float(value) for _at, value in series.get("values", [series.get("value")])]
        found[series["metric"].get("job", "")] = values
    if found.keys() != expected.keys():
        return f"series of {sorted(found)}, not of {sorted(expected)}"
    for name, value in expected.items():
        if len(found[name]) != points:
            return f"{len(found[name])} points of {name!r}, not {points}"
        for one, lowest in ((statistics.median(found[name]), 1.0), *((each, 1 - short) for each in found[name])):
            if not lowest - EXACT <= one / value <= 1 + EXACT:
                return f"{one} of {name!r}, not {value}"
    return ""


def quantile(values: t.Sequence[float], of: float) -> float:
    """The smallest value that so large a part of them does not exceed."""
    return sorted(values)[max(math.ceil(of * len(values)) - 1, 0)]


def ratios(values: t.Sequence[float], base: t.Sequence[float]) -> tuple[float, float, float]:
    """Of values to those of the same rounds: the least, the median and the greatest."""
    each = [value / one for value, one in zip(values, base, strict=True)]
    return min(each), statistics.median(each), max(each)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, of which /proc/PID/stat knows hundredths alone."""
    spent = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def memory(pid: int) -> float:
    """The most that a process has had in memory, in MiB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, all different: each is held until all are known."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _number in range(count)]
        for one in held:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in held]


@functools.lru_cache(maxsize=1)
def _support() -> t.Any:
    sys.path.insert(0, str(ROOT / ".cache/collections"))
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config

    return support_config


def _here(role: str, *names: str) -> dict[str, t.Any]:
    """Variables that have a role listen on free ports of the loopback."""
    ports = dict(zip((f"{role}_{name}port" for name in names), free_ports(len(names)), strict=True))
    return {**ports, **{f"{role}_{name}listen_address": LOOPBACK for name in names}}


@dataclasses.dataclass(frozen=True)
class Stack:
    """An inventory of replica pairs with sidecars on this machine.

    :param hosts: as the plan takes them.
    """

    hosts: tuple[t.Any, ...]

    @classmethod
    def of(cls, count: int, folder: pathlib.Path) -> Stack:
        """So many Prometheus, their data below a folder."""
        _support()
        from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan

        ports = iter(free_ports(3 * count))
        made = []
        for number in range(count):
            name, site = f"p-{number:02}", f"site-{number // 2:02}"
            made.append(
                support_plan.prometheus(
                    name,
                    prometheus_ha_address=LOOPBACK,
                    prometheus_replica_set=site,
                    prometheus_external_labels={"site": site},
                    prometheus_listen_address=LOOPBACK,
                    prometheus_port=next(ports),
                    prometheus_data_dir=str(folder / name / "data"),
                    thanos_sidecar_enabled=True,
                    thanos_sidecar_listen_address=LOOPBACK,
                    thanos_sidecar_port=next(ports),
                    thanos_sidecar_grpc_listen_address=LOOPBACK,
                    thanos_sidecar_grpc_port=next(ports),
                )
            )
        return cls(tuple(made))

    def slices(self, size: int, *more: t.Any) -> dict[str, list[dict[str, t.Any]]]:
        """What is rendered by host, of the first so many Prometheus and other hosts. :raises AssertionError: not all"""
        from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render, _topology
        from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._registry import KINDS
        from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan

        topology = _topology.build(support_plan.snapshot(*self.hosts[:size], *more), KINDS)
        rendered, failed = _render.render_hosts(topology, support_plan.Controller())
        assert not failed, "\n".join(map(str, failed))
        return rendered


def querier() -> t.Any:
    """A host of thanos_query."""
    _support()
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan

    values = {"prometheus_ha_address": LOOPBACK, **_here("thanos_query", "", "grpc_")}
    return support_plan.hosts("querier", groups=["thanos_query"], **values)


def frontend(downstream: str, *, cached: bool) -> t.Any:
    """A host of thanos_query_frontend before a querier."""
    _support()
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan

    cache = {"type": "IN-MEMORY", "config": {"max_size": "256MB"}}
    values = {
        "prometheus_ha_address": LOOPBACK,
        **_here("thanos_query_frontend", ""),
        "thanos_query_frontend_downstream_url": downstream,
        "thanos_query_frontend_cache_config": cache if cached else None,
    }
    return support_plan.hosts("frontend", groups=["thanos_query_frontend"], **values)


def placed(item: t.Mapping[str, t.Any], folder: pathlib.Path) -> list[str]:
    """The arguments of a slice's service; its files lie below a folder instead of /etc."""
    root = item["config"]["root"]
    for file in item["config"]["files"]:
        path = folder / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file["content"])
    folder.mkdir(parents=True, exist_ok=True)
    return [re.sub(rf"(^|=){re.escape(root)}/", rf"\g<1>{folder}/", arg) for arg in item["service"]["args"]]


def binary(name: str) -> pathlib.Path:
    """A program in the lab's cache."""
    if name != "thanos":
        return pathlib.Path(_support().binaries("prometheus", PROMETHEUS)) / name
    module = next(release.module for release in releases.THANOS if release.version == THANOS)
    assert module is not None  # it is built
    return golang.ensure(module)


@contextlib.contextmanager
def _running(item: t.Mapping[str, t.Any], folder: pathlib.Path) -> t.Iterator[t.Any]:
    """The process of a slice, ready."""
    home = folder / item["name"] / "etc"
    argv = [str(binary("prometheus" if item["name"] == "prometheus" else "thanos")), *placed(item, home)]
    # Where it is no directory, process() starts in its folder.
    with _support().process(argv, item["api"]["url"], home / "config") as running:
        yield running


def _blocks(folder: pathlib.Path, end: int) -> list[pathlib.Path]:
    """The data of a first and of a second replica, as blocks of Prometheus."""
    made = []
    for number, shift in enumerate((0, SHIFT)):
        text = folder / f"{number}.om"
        with text.open("w") as file:
            file.writelines(exposition(end, shift))
        blocks = folder / f"blocks-{number}"
        argv = [str(binary("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        text.unlink()
        made.append(blocks)
    return made


def _copy(blocks: pathlib.Path, target: pathlib.Path) -> None:
    """Blocks as links, which Prometheus never writes to."""
    for path in blocks.rglob("*"):
        if path.is_file():
            place = target / path.relative_to(blocks)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)


class Asked:
    """A connection that stays open to one endpoint, and what its answers took.

    :param pid: of the process that answers.
    """

    def __init__(self, running: t.Any, pairs: int, *, dedup: bool = True, copies: bool = True) -> None:
        self.url, self.pid, self.pairs, self.dedup = running.url, running.pid, pairs, dedup
        # Prometheus itself has its own series once, whatever it is asked for.
        self.once = dedup or not copies
        self.short = SAMPLE if dedup and copies else 0.0
        self.connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=PATIENCE)
        self.seconds: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def get(self, path: str) -> dict[str, t.Any]:
        self.connection.request("GET", path)
        answer: dict[str, t.Any] = json.loads(self.connection.getresponse().read())
        return answer

    def ask(self, query: Query, end: int, *, counts: bool) -> None:
        """Ends the benchmark where the answer is wrong. :param counts: else it goes before those that do."""
        path = query.path(end, dedup=self.dedup)
        spent, start = cpu_seconds(self.pid), time.perf_counter()
        self.connection.request("GET", path)
        body = self.connection.getresponse().read()
        took, spent = time.perf_counter() - start, cpu_seconds(self.pid) - spent
        points = RANGE // STEP + 1 if query.ranged else 1
        problem = wrong(json.loads(body), query.expected(self.pairs, dedup=self.once), points, self.short)
        if problem:
            sys.exit(f"{self.url}{path}: {problem}")
        if counts:
            self.seconds.setdefault(query.title, []).append(took)
            self.cpu.setdefault(query.title, []).append(spent)


def _know(asked: Asked, size: int) -> None:
    """Wait until a querier has all its Store APIs. Ends the benchmark where it does not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        known = asked.get("/api/v1/stores")["data"].get("sidecar", [])
        if len(known) == size and not any(store["lastError"] for store in known):
            return
        if time.monotonic() > deadline:
            sys.exit(f"{asked.url} knows {len(known)} Store APIs of {size}: {known}")
        time.sleep(0.5)


def _hits(asked: Asked) -> float:
    """How many answers a frontend has had in its cache."""
    asked.connection.request("GET", "/metrics")
    text = asked.connection.getresponse().read().decode()
    return sum(map(float, re.findall(r"^cortex_cache_hits_total\{[^}]*\} (\S+)$", text, re.MULTILINE)))


def _rounds(queries: t.Sequence[Query], all_asked: t.Sequence[Asked], end: int, rounds: int) -> None:
    """Each query of each in turn."""
    for number in range(rounds + 1):
        for query in queries:
            for asked in all_asked:
                asked.ask(query, end, counts=number > 0)


def _measured(asked: Asked, base: Asked, query: Query) -> str:
    """The cells that both tables have."""
    taken = asked.seconds[query.title]
    half, most = (f"{1000 * quantile(taken, of):.1f} ms" for of in (0.5, 0.95))
    low, middle, high = ratios(taken, base.seconds[query.title])
    return f"{half} | {most} | {'' if asked is base else f'{middle:.2f} x ({low:.2f} to {high:.2f})'} |"


def fan_out(sizes: t.Mapping[int, Asked]) -> list[str]:
    """The table of queriers, by their number of Store APIs."""
    base = sizes[min(sizes)]
    lines = [
        f"| query | Store APIs | p50 | p95 | to {min(sizes)} Store APIs: median (min to max) | CPU of the querier |",
        "|-|-|-|-|-|-|",
    ]
    for query in FAN_OUT:
        for size, asked in sizes.items():
            cpu = 1000 * statistics.mean(asked.cpu[query.title])
            lines.append(f"| {query.title} | {size} | {_measured(asked, base, query)} {cpu:.1f} ms |")
    return lines


def deduplication(ways: t.Mapping[str, Asked]) -> list[str]:
    """The table of ways to one pair's series; the first one is what the others are measured by."""
    base = next(iter(ways.values()))
    lines = ["| query | asked | p50 | p95 | to the direct query: median (min to max) |", "|-|-|-|-|-|"]
    for query in DEDUPLICATION:
        for way, asked in ways.items():
            lines.append(f"| {query.title} | {way} | {_measured(asked, base, query)}")
    return lines


def figures(sizes: t.Sequence[int] = SIZES, rounds: int = ROUNDS) -> list[str]:
    """Lines of Markdown."""
    end = period(time.time())
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        folder = pathlib.Path(temporary)
        inventory = Stack.of(max(sizes), folder)
        blocks = _blocks(folder, end)
        first: t.Any = None
        for number, (name, items) in enumerate(inventory.slices(max(sizes)).items()):
            _copy(blocks[number % 2], folder / name / "data")
            for item in items:  # Prometheus, then its sidecar
                running = stack.enter_context(_running(item, folder / name))
                first = first or running
        print(f"{max(sizes)} Prometheus with sidecars run", flush=True)
        queriers = {}
        for size in sizes:
            (item,) = inventory.slices(size, querier())["querier"]
            running = stack.enter_context(_running(item, folder / f"querier-{size}"))
            queriers[size] = running
        by_size = {size: Asked(running, size // 2) for size, running in queriers.items()}
        for size, asked in by_size.items():
            _know(asked, size)
        _rounds(FAN_OUT, list(by_size.values()), end, rounds)

        pair = queriers[min(sizes)]
        ways = {
            "Prometheus itself": Asked(first, 1, copies=False),
            "Query, both replicas' series": Asked(pair, 1, dedup=False),
            "Query, deduplicated": Asked(pair, 1),
        }
        for cached in (False, True):
            (item,) = inventory.slices(2, frontend(pair.url, cached=cached))["frontend"]
            running = stack.enter_context(_running(item, folder / f"frontend-{cached}"))
            ways[f"frontend {'with' if cached else 'without'} a cache, deduplicated"] = Asked(running, 1)
        _rounds(DEDUPLICATION, list(ways.values()), end, rounds)
        hits = _hits(list(ways.values())[-1])
        if hits < rounds:
            sys.exit(f"the cache had {hits:.0f} answers of {rounds} range queries")
        most = ", ".join(f"{memory(asked.pid):.0f} MiB with {size}" for size, asked in by_size.items())
        return [
            *fan_out(by_size),
            "",
            f"The most memory of a querier: {most} Store APIs.",
            "",
            *deduplication(ways),
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few Store APIs and rounds: whether it works")
    quick = parser.parse_args().quick
    print("\n".join(figures((2, 4), 5) if quick else figures()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
