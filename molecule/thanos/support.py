# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenario asks of its hosts: the global view, the bucket, the object store's process."""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.molecule.shared import blocks
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import Run, Stack, wait_for, write_overlay
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics

INVENTORIES = ("inventory/lab", "inventory/lab_thanos", "molecule/thanos/inventory")
QUERIERS = ("am-1", "am-2")
FRONTEND = "am-3"
INGESTORS = ("eu-1", "us-1", "am-1")
ROUTERS = ("am-2", "am-3")
#: Every host has an exporter, and both regions scrape all of them.
EXPORTERS = 7
#: Of inventory/lab: seconds between two scrapes.
SCRAPE = 5.0
OLD, NEW = "0.40.1", "0.42.4"
HOUR = 3600
#: Not what came by remote write.
SCRAPED = 'job="node", receive_cluster=""'
WRITTEN = 'job="node", receive_cluster!=""'

Samples = t.Dict[str, t.List[float]]


class Thanos(Stack):
    """The lab of this scenario."""

    def __init__(self, folder: Path) -> None:
        super().__init__("thanos", INVENTORIES)
        self._folder = folder
        self._numbers = itertools.count(1)

    # -- runs ------------------------------------------------------------------------------------------------------

    def roll(
        self,
        *args: str,
        groups: t.Mapping[str, t.Any] | None = None,
        hosts: t.Mapping[str, t.Any] | None = None,
        members: t.Mapping[str, t.Sequence[str]] | None = None,
    ) -> Run:
        """site.yml with variables of groups and hosts on top, and further members of groups."""
        folder = self._folder / str(next(self._numbers))
        overlay = write_overlay(folder, groups=groups or {}, hosts=hosts or {}, joins=members)
        return self.site(*args, overlay=overlay)

    # -- the global view -------------------------------------------------------------------------------------------

    def query(self, expression: str, *, host: str = QUERIERS[0], dedup: bool = True, **more: t.Any) -> list[t.Any]:
        """The result of an instant query. :raises OSError: where it is refused."""
        port = 10913 if host == FRONTEND else 10904
        words = urllib.parse.urlencode({"query": expression, "dedup": str(dedup).lower(), **more})
        found: list[t.Any] = self.ask(f"http://{self.addresses[host]}:{port}/api/v1/query?{words}")["data"]["result"]
        return found

    def value(self, expression: str, **options: t.Any) -> float | None:
        """Of a query with one result."""
        found = self.query(expression, **options)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def times(self, selector: str, window: str, **options: t.Any) -> list[float]:
        """When there are samples of any series, in order."""
        found = self.query(f"{selector}[{window}]", **options)
        return sorted({float(when) for series in found for when, _value in series["values"]})

    def stores(self, host: str = QUERIERS[0]) -> dict[str, list[dict[str, t.Any]]]:
        """What a querier says of the Store APIs, by component."""
        data = self.ask(f"http://{self.addresses[host]}:10904/api/v1/stores")["data"]
        return {kind: stores or [] for kind, stores in data.items()}

    def metric(self, host: str, port: int, name: str) -> float:
        """The sum of a metric's samples on an endpoint of a host."""
        text = self.fetch(f"http://{self.addresses[host]}:{port}/metrics")
        return sum(_metrics.samples(text, name))

    # -- the bucket ------------------------------------------------------------------------------------------------

    def blocks(self) -> list[dict[str, t.Any]]:
        """The meta.json of every block in the bucket."""
        return blocks.in_bucket(self, QUERIERS[0])

    def object_store(self, signal: str) -> None:
        """Have the object store's process stand still (STOP), or go on (CONT)."""
        command = ["docker", "exec", "pha-thanos-services", "sh", "-c", f"kill -{signal} $(cat /run/minio.pid)"]
        subprocess.run(command, check=True)

    def backfill(self, host: str, name: str, begin: int, end: int, step: int = 300) -> list[str]:
        """Have a replica's Prometheus hold a series of the past: the ids of its blocks."""
        return blocks.backfill(self, host, name, begin, end, step)

    def forget(self, host: str, ids: t.Sequence[str]) -> None:
        """Remove blocks of a replica's Prometheus."""
        blocks.forget(self, host, ids)
        wait_for(self.whole, 60, "the replica is back")


class Load:
    """Ten queries a second at the queriers in turn; one that fails is asked once more, of the other."""

    def __init__(self, stack: Thanos, expression: str, wanted: float) -> None:
        self._stack = stack
        self._expression = expression
        self._wanted = wanted
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.count = 0
        self.retried = 0
        self.failed: list[str] = []
        self.wrong: list[tuple[float, float | None]] = []

    def __enter__(self) -> Load:
        self._begin = threading.Thread(target=self._run)
        self._begin.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._begin.join()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            thread = threading.Thread(target=self._ask, args=(len(self._threads),))
            thread.start()
            self._threads.append(thread)

    def _ask(self, number: int) -> None:
        self.count += 1
        said = ""
        for attempt in range(2):
            try:
                found = self._stack.value(self._expression, host=QUERIERS[(number + attempt) % 2])
            except (OSError, ValueError) as error:
                said = f"{time.time():.1f}: {error!r}"
                self.retried += attempt == 0
                continue
            if found != self._wanted:
                self.wrong.append((time.time(), found))
            return
        self.failed.append(said)
