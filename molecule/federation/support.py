# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenario wants of its hosts, and what sites and global servers have in their databases."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import itertools
import time
import typing as t
import urllib.parse
from pathlib import Path

import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices
from ansible_collections.baremetal.prometheus_ha.molecule.shared.outages import Span
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import (
    REPLICAS,
    ROOT,
    SETS,
    Run,
    Stack,
    wait_for,
    write_overlay,
)

INVENTORIES = ("inventory/lab", "molecule/federation/inventory")
GLOBALS = ("global-1", "global-2")
#: Of the inventory: seconds between two scrapes, at sites and above, and between two evaluations.
SCRAPE, EVALUATION = 2.0, 1.0
#: Seconds that two busy cores may add.
SLACK = 1.0
#: How old what a site records is at its youngest when it is evaluated one layer above; seconds.
LAYER = SCRAPE + EVALUATION
#: The longest time between two samples of a recorded series above, while its source answers.
USUAL = LAYER + SLACK
#: Until Prometheus scrapes after its start: discovery hands targets over each 5 s, scraping takes them up each 5 s.
STARTED = 5 + 5 + SCRAPE
#: How long a test looks at what goes on undisturbed; seconds.
LOOK = 10.0
#: The clocks of a source's hosts, as the source has recorded them.
CLOCK = "cluster:node_time_seconds:max"
#: The clock of one host, as its exporter told it: no other replica has the same value.
OWN_CLOCK = "node_time_seconds"
RATIO = "cluster:node_cpu_utilisation:ratio_rate5m"
CPUS = "node_cpus:count"
MEMORY = "node_memory_MemTotal_bytes:sum"

Labels = t.FrozenSet[t.Tuple[str, str]]
#: By series, the value at each time, in milliseconds: as text, so that equal is equal.
Samples = t.Dict[Labels, t.Dict[int, str]]


def inventory(group: str) -> dict[str, t.Any]:
    """The scenario's variables of a group, templates as they are written."""
    text = (ROOT / f"molecule/federation/inventory/group_vars/{group}.yml").read_text()
    found: dict[str, t.Any] = yaml.safe_load(text)
    return found


MATCH: list[str] = inventory("replicas")["federation_match"]
EXPORTERS: dict[str, list[str]] = {site: inventory(site)["federation_exporters"] for site in SETS}
CLUSTERS: dict[str, str] = {site: inventory(site)["federation_cluster"] for site in SETS}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a run shall bring about.

    :ivar jobs: by host, how many targets each of its jobs has that federates.
    :ivar ways: how many series of one that a site records arrive at a global server.
    :ivar groups: variables on top of the scenario's inventory.
    """

    jobs: t.Mapping[str, t.Mapping[str, int]]
    ways: int
    groups: t.Mapping[str, t.Mapping[str, t.Any]]


BOTH = Wanted({name: {"federate-eu": 2, "federate-us": 2} for name in GLOBALS}, 4, {})
STICKY = Wanted(
    {name: {"federate-eu": 1, "federate-us": 1} for name in GLOBALS},
    2,
    {"prometheus_federation": {"federation_mode": "sticky", "federation_balancer_enabled": True}},
)
#: The second site's hosts are a region over the first one, and scrape no exporter.
LAYERS = Wanted(
    {**{name: {"federate-eu": 2} for name in SETS["us"]}, **{name: {"federate-region": 2} for name in GLOBALS}},
    4,
    {
        "us": {
            "prometheus_replica_set": "region",
            "prometheus_replica_label": "region_replica",
            "prometheus_external_labels": {"zone": "north"},
            "prometheus_scrape_configs": [],
            "prometheus_targets": {},
            "prometheus_rules": [],
            "prometheus_federate": [{"replica_set": "eu", "match": MATCH}],
        },
        "prometheus_federation": {"prometheus_federate": [{"replica_set": "region", "match": MATCH}]},
    },
)


class Federation(Stack):
    """The lab of this scenario."""

    def __init__(self, folder: Path) -> None:
        super().__init__("federation", INVENTORIES)
        self._folder = folder
        self._numbers = itertools.count(1)

    # -- what runs -------------------------------------------------------------------------------------------------

    def settle(self, wanted: Wanted) -> Run | None:
        """Bring the lab to where a test begins, wherever a former one left it; the run that took, if any."""
        run = None
        for name in (*REPLICAS, *GLOBALS):
            self.start_prometheus(name)
        if self.jobs() != wanted.jobs:
            overlay = write_overlay(self._folder / str(next(self._numbers)), groups=wanted.groups)
            run = self.site(overlay=overlay).succeeded()
            print(f"site.yml took {run.seconds:.1f} s")
            # What a job took that is gone would be there for as long as the lookback, five minutes.
            for name in (*SETS["us"], *GLOBALS):
                self.sh(name, "systemctl stop prometheus; rm -r /var/lib/prometheus/*; systemctl start prometheus")
        wait_for(self.whole, 60, "the stack is whole")
        wait_for(lambda: self.jobs() == wanted.jobs, 60, f"{wanted.jobs} are scraped")
        self.wait_until_flows(wanted, 60)
        return run

    def jobs(self) -> dict[str, dict[str, int]]:
        """By host the jobs that federate, with the number of their targets."""
        found: dict[str, dict[str, int]] = {}
        for name in (*REPLICAS, *GLOBALS):
            with contextlib.suppress(OSError):
                targets = self.prometheus(name, "targets?state=active")["activeTargets"]
                pools = [target["scrapePool"] for target in targets]
                found[name] = dict(collections.Counter(pool for pool in pools if pool.startswith("federate-")))
        return {name: jobs for name, jobs in found.items() if jobs}

    def wait_until_flows(self, wanted: Wanted, seconds: float) -> None:
        """Until every global server gets again what takes a source two scrapes of its exporters."""
        for name in GLOBALS:
            wait_for(lambda: self.ways(name) == wanted.ways, seconds, f"{name} gets all")  # noqa: B023

    def ways(self, name: str) -> int:
        """How many series it has just got of one that its sources record."""
        query = urllib.parse.urlencode({"query": f"count(last_over_time({RATIO}[{2 * USUAL:.0f}s]))"})
        found = self.prometheus(name, f"query?{query}")["result"]
        return int(found[0]["value"][1]) if found else 0

    def kill_prometheus(self, name: str) -> float:
        """kill -9, and no restart; when it was."""
        self.sh(name, "systemctl kill --signal=KILL prometheus; systemctl stop prometheus; ! pgrep -x prometheus")
        return time.time()

    def start_prometheus(self, name: str) -> None:
        self.sh(name, "systemctl reset-failed prometheus; systemctl start prometheus")

    def truth(self, site: str) -> dict[str, float]:
        """What aggregates of a site must be, by its exporters themselves."""
        texts = [self.fetch(f"http://{self.exporter(name)}/metrics").splitlines() for name in EXPORTERS[site]]
        lines = [line for text in texts for line in text]
        idle = [line for line in lines if line.startswith("node_cpu_seconds_total{") and 'mode="idle"' in line]
        memory = [float(line.split()[1]) for line in lines if line.startswith("node_memory_MemTotal_bytes ")]
        assert idle and len(memory) == len(EXPORTERS[site])
        return {CPUS: float(len(idle)), MEMORY: sum(memory)}

    # -- what is in databases ---------------------------------------------------------------------------------------

    def samples(self, name: str, selector: str, window: Span) -> Samples:
        """The raw samples of a selector after the window's begin, to its end: a hole is one, whatever the lookback."""
        length = round(1000 * (window[1] - window[0]))
        query = urllib.parse.urlencode({"query": f"{selector}[{length}ms]", "time": f"{window[1]:.3f}"})
        return {
            frozenset(one["metric"].items()): {round(1000 * float(when)): value for when, value in one["values"]}
            for one in self.prometheus(name, f"query?{query}")["result"]
        }

    def federated(self, name: str, window: Span, extra: str = "") -> Samples:
        """What all the selectors of federation find there, narrowed by one more matcher."""
        selectors = [selector[:-1] + (f",{extra}" if extra else "") + "}" for selector in MATCH]
        return {labels: points for one in selectors for labels, points in self.samples(name, one, window).items()}

    def over(self, name: str, expr: str, window: Span) -> dict[Labels, list[float]]:
        """What an expression gives, each half second of a window."""
        query = urllib.parse.urlencode({"query": expr, "start": window[0], "end": window[1], "step": 0.5})
        found = self.prometheus(name, f"query_range?{query}")["result"]
        return {frozenset(one["metric"].items()): [float(value) for _when, value in one["values"]] for one in found}

    def label_names(self, name: str) -> set[str]:
        """All that it has, of any series."""
        return set(self.prometheus(name, "labels"))

    # -- what is told ----------------------------------------------------------------------------------------------

    def told(self, alertname: str, since: float) -> list[notices.Notice]:
        """What the webhook got of an alert."""
        found = notices.notices(self.ask(f"{self.webhook}/notifications?receiver=federation"))
        return [one for one in found if one.name == alertname and one.time >= since]


def values(samples: Samples, label: str) -> set[str]:
    """The values that a label has; "" where a series lacks it."""
    return {dict(labels).get(label, "") for labels in samples}


def added(samples: Samples, labels: t.Mapping[str, str]) -> Samples:
    """With labels that federation adds where a series has none of the name: external ones, and the job that took it."""
    return {frozenset({**labels, **dict(series)}.items()): points for series, points in samples.items()}


def times(samples: Samples) -> list[float]:
    """When any of the series has a sample; seconds."""
    return sorted({when / 1000 for points in samples.values() for when in points})


def gaps(samples: Samples, window: Span) -> list[Span]:
    """The times between two samples of any of the series, longest first; the window's ends count as samples."""
    found = [window[0], *times(samples), window[1]]
    return sorted(zip(found, found[1:]), key=lambda gap: gap[0] - gap[1])


def longest(samples: Samples, window: Span) -> float:
    """Seconds."""
    begun, ended = gaps(samples, window)[0]
    return ended - begun


def only(samples: Samples) -> dict[int, str]:
    """The points of what must be one series."""
    assert len(samples) == 1, sorted(map(sorted, samples))
    return next(iter(samples.values()))


def lag(samples: Samples) -> float:
    """How far what a clock showed is behind when it was recorded, at most; seconds."""
    return max(when / 1000 - float(value) for when, value in only(samples).items())


def assert_same(above: Samples, below: Samples, what: str) -> None:
    """As many series, with the same labels, and above no value that is not below at the same time."""
    assert below and len(above) == len(below), f"{what}: {len(below)} series below, {len(above)} above"
    missing, more = below.keys() - above.keys(), above.keys() - below.keys()
    assert not (missing or more), f"{what}: above is no {sorted(map(sorted, missing))}, and {sorted(map(sorted, more))}"
    for labels, points in above.items():
        wrong = points.items() - below[labels].items()
        assert not wrong, f"{what}: {sorted(labels)}: above {sorted(wrong)}, below {sorted(below[labels].items())}"


def count(samples: Samples) -> str:
    """For a person."""
    return f"{len(samples)} series, {sum(map(len, samples.values()))} samples"
