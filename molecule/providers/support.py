# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenario asks of its hosts: blocks of the past in two buckets, and queries over them by either way."""

from __future__ import annotations

import dataclasses
import itertools
import time
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.molecule.shared import blocks
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import Run, Stack, wait_for, write_overlay
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics

INVENTORY = "molecule/providers/inventory"
#: By provider, the host that uploads to it and queries it.
HOSTS = {"gcs": "gcs-1", "azure": "azure-1"}
#: The hosts of each shard of store gateways over GCS.
SHARDS = (("gcs-1",), ("gcs-2", "gcs-3"))
QUERY, STORE, FRONTEND = 10904, 10906, 10913
HOUR = 3600
#: What is backfilled: 24 blocks of two hours, aligned as a compactor would merge them.
RANGE, STEP = 48 * HOUR, 300
SAMPLES = RANGE // STEP


@dataclasses.dataclass(frozen=True)
class Past:
    """A series of the past that is in a bucket, and in no Prometheus any more.

    :ivar seconds: from its blocks' appearance beside Prometheus until the bucket listed them.
    """

    host: str
    begin: int
    ids: tuple[str, ...]
    seconds: float

    @property
    def end(self) -> int:
        return self.begin + RANGE

    @property
    def counted(self) -> str:
        """How many samples of it there are, asked at its end."""
        return f'count_over_time(past_total{{n="1"}}[{RANGE}s])'


class Providers(Stack):
    """The lab of this scenario."""

    def __init__(self, folder: Path) -> None:
        super().__init__("providers", (INVENTORY,))
        self._folder = folder
        self._numbers = itertools.count(1)

    def roll(self, groups: t.Mapping[str, t.Any]) -> Run:
        """site.yml with variables of groups on top."""
        return self.site(overlay=write_overlay(self._folder / str(next(self._numbers)), groups=groups))

    def upload(self, provider: str) -> Past:
        """Have a Prometheus' blocks of the past uploaded, and then forgotten by it; once for a lab."""
        host = HOSTS[provider]
        begin = int(time.time() - 8 * 24 * HOUR) // RANGE * RANGE
        there = self.sources(host, begin)
        if there:
            return Past(host, begin, tuple(there), 0.0)
        ids = blocks.backfill(self, host, "past_total", begin, begin + RANGE, STEP)
        started = time.monotonic()
        wait_for(lambda: self.sources(host) >= set(ids), 180, f"uploads to {provider}")
        seconds = time.monotonic() - started
        blocks.forget(self, host, ids)
        wait_for(lambda: self.answers(host, 9090, "-/ready"), 60, "the replica is back")
        return Past(host, begin, tuple(ids), seconds)

    def sources(self, host: str, begin: int | None = None) -> set[str]:
        """The blocks that what is in the bucket was made of; with ``begin`` those of the past from then on."""
        return {
            source
            for meta in blocks.in_bucket(self, host)
            if begin is None or begin * 1000 <= meta["minTime"] < (begin + RANGE) * 1000
            for source in meta["compaction"]["sources"]
        }

    def answers(self, host: str, port: int, path: str) -> bool:
        try:
            self.fetch(f"http://{self.addresses[host]}:{port}/{path}")
        except OSError:
            return False
        return True

    def value(self, past: Past, *, host: str, port: int = QUERY) -> float:
        """How many samples of the past a query gets; no answer of instant queries is cached."""
        words = urllib.parse.urlencode({"query": past.counted, "time": past.end - STEP})
        found = self.ask(f"http://{self.addresses[host]}:{port}/api/v1/query?{words}")["data"]["result"]
        return float(found[0]["value"][1]) if found else 0

    def whole_past(self, past: Past, *, host: str) -> bool:
        """Whether a querier gets all of it, within the seconds that a fetch may take."""
        try:
            return self.value(past, host=host) == SAMPLES
        except OSError:
            return False

    def range(self, past: Past, expression: str, *, host: str, port: int) -> list[t.Any]:
        """A range query over the past: its series and samples."""
        words = urllib.parse.urlencode({"query": expression, "start": past.begin, "end": past.end - STEP, "step": STEP})
        url = f"http://{self.addresses[host]}:{port}/api/v1/query_range?{words}"
        found: list[t.Any] = self.ask(url)["data"]["result"]
        return found

    def metric(self, host: str, port: int, name: str, labels: t.Mapping[str, str] | None = None) -> float:
        """The sum of a metric's samples that have these labels, on an endpoint of a host."""
        text = self.fetch(f"http://{self.addresses[host]}:{port}/metrics")
        wanted = "\n".join(
            line
            for line in text.splitlines()
            if all(f'{key}="{value}"' in line for key, value in (labels or {}).items())
        )
        return sum(_metrics.samples(wanted, name))
