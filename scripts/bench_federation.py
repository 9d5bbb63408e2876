# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's fourth part: what federation costs a global server as its sources grow.

    python -m scripts.bench_federation

Real Prometheus processes on loopback, one a source, each with 1,000 aggregate series; the global one runs the
configuration that the collection renders for it.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time
import typing as t
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = "3.5.3"
SIZES = (1, 10, 50)
SERIES = 1000
# Seconds: between two scrapes of a source, and for how long each size is looked at.
INTERVAL, WINDOW = 5, 60
METRIC = "job:bench_requests:rate5m"


class _Exporter(http.server.BaseHTTPRequestHandler):
    """Gives the series of a source, as its recording rules would have made them."""

    def do_GET(self) -> None:  # the name is the library's
        value = time.time() % 1000
        lines = [f'{METRIC}{{job="job-{n % 20}",n="{n}"}} {value + n}' for n in range(SERIES)]
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(("\n".join(lines) + "\n").encode())

    def log_message(self, *_args: t.Any) -> None:
        """Nothing: it is asked all the time."""


@contextlib.contextmanager
def _exporter() -> t.Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@functools.lru_cache(maxsize=1)
def _support() -> t.Any:
    sys.path.insert(0, str(ROOT / ".cache/collections"))
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config

    return support_config


def rendered(ports: t.Sequence[int]) -> str:
    """The global server's prometheus.yml for sources at these ports of the loopback."""
    _support()
    from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _render
    from ansible_collections.baremetal.prometheus_ha.tests.unit import support_plan

    names = [f"source-{number}" for number, _port in enumerate(ports)]
    leaves = [
        support_plan.prometheus(
            name,
            prometheus_replica_set=name,
            prometheus_external_labels={"site": name},
            prometheus_port=port,
            prometheus_ha_address="127.0.0.1",
        )
        for name, port in zip(names, ports, strict=True)
    ]
    match = [f'{{__name__="{METRIC}"}}']
    top = support_plan.hosts(
        "global-1",
        groups=("prometheus_federation",),
        prometheus_external_labels={"site": "global"},
        prometheus_federate=[
            {"replica_set": name, "match": match, "scrape_interval": f"{INTERVAL}s", "scrape_timeout": f"{INTERVAL}s"}
            for name in names
        ],
    )
    plan = _render.plan(support_plan.snapshot(*leaves, top), support_plan.Controller())
    return str(support_plan.contents(support_plan.slice_of(plan, "global-1"))["prometheus.yml"])


@contextlib.contextmanager
def _prometheus(folder: pathlib.Path, name: str, config: str) -> t.Iterator[t.Any]:
    support = _support()
    home = folder / name / "etc"
    home.mkdir(parents=True)
    path = home / "prometheus.yml"
    path.write_text(config)
    url = f"http://127.0.0.1:{support.free_port()}"
    argv = [
        str(support.binaries("prometheus", VERSION) / "prometheus"),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / name / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with support.process(argv, url, path) as running:
        yield running


def _leaf(name: str, port: int) -> str:
    job = {"job_name": "exporter", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    labels = {"site": name, "replica": name}
    # JSON is YAML.
    return json.dumps({"global": {"scrape_interval": "15s", "external_labels": labels}, "scrape_configs": [job]})


def _value(running: t.Any, expr: str) -> float:
    query = urllib.parse.urlencode({"query": expr})
    result = json.loads(running.get(f"/api/v1/query?{query}"))["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def measure(folder: pathlib.Path, leaves: t.Sequence[t.Any]) -> dict[str, float]:
    """What the global server says of itself after a while with these sources.

    :raises AssertionError: when it has not all of their series.
    """
    config = rendered([int(leaf.url.rpartition(":")[2]) for leaf in leaves])
    own = "  - job_name: self\n    scrape_interval: 5s\n    static_configs: [{targets: ['%s']}]\n"
    with _prometheus(folder, f"global-{len(leaves)}", config) as running:
        text = running.config.read_text()
        target = running.url.removeprefix("http://")
        text = text + own % target if "scrape_configs:" in text else f"{text}scrape_configs:\n{own % target}"
        running.config.write_text(text)
        os.kill(running.pid, signal.SIGHUP)  # it reloads
        time.sleep(WINDOW)
        window = f"[{WINDOW - 3 * INTERVAL}s]"
        series = _value(running, f'count({{__name__="{METRIC}"}})')
        assert series == SERIES * len(leaves), f"{series:.0f} series of {len(leaves)} sources"
        jobs = '{job=~"federate-.*"}'
        return {
            "series": series,
            "mean": _value(running, f"avg(avg_over_time(scrape_duration_seconds{jobs}{window}))"),
            "max": _value(running, f"max(max_over_time(scrape_duration_seconds{jobs}{window}))"),
            "memory": _value(running, f'max_over_time(process_resident_memory_bytes{{job="self"}}{window})') / 2**20,
            "cpu": _value(running, f'rate(process_cpu_seconds_total{{job="self"}}{window})'),
        }


def figures() -> list[str]:
    """Lines of Markdown."""
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary, _exporter() as port, contextlib.ExitStack() as stack:
        folder = pathlib.Path(temporary)
        leaves: list[t.Any] = []
        for size in SIZES:
            while len(leaves) < size:
                name = f"source-{len(leaves)}"
                leaves.append(stack.enter_context(_prometheus(folder, name, _leaf(name, port))))
            time.sleep(20)  # every source has scraped once
            found[size] = measure(folder, leaves[:size])
            print(f"{size} sources: {found[size]}", flush=True)
    return [
        "| sources | series | a scrape, mean | a scrape, longest | resident memory | of a core |",
        "|-|-|-|-|-|-|",
        *(
            f"| {size} | {one['series']:.0f} | {1000 * one['mean']:.1f} ms | {1000 * one['max']:.1f} ms "
            f"| {one['memory']:.0f} MiB | {100 * one['cpu']:.1f} % |"
            for size, one in found.items()
        ),
    ]


def main() -> int:
    print("\n".join(figures()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
