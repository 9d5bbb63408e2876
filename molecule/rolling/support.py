# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenario wants of its hosts, the prober on its own host, and what the webhook was told."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import itertools
import time
import typing as t
import urllib.parse
from pathlib import Path

import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.shared import notices, outages, prober
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import (
    MESH,
    REPLICAS,
    ROOT,
    SETS,
    Run,
    Running,
    Stack,
    wait_for,
    write_overlay,
)

INVENTORIES = ("inventory/lab", "molecule/rolling/inventory")
PLAYBOOKS = ROOT / "playbooks"
UNITS = {**dict.fromkeys(REPLICAS, "prometheus"), **dict.fromkeys(MESH, "alertmanager")}
OLD = {"prometheus": "2.53.3", "alertmanager": "0.28.1"}
NEW = {"prometheus": "3.5.3", "alertmanager": "0.33.1"}
#: Rules that refuse what the tests do: a way without a documented way back, ways back, and the two flips.
CONSENTS = ("P10", "P17", "A20", "A19", "X06")
#: Of the inventory: seconds between two Ticks, between two evaluations, between two scrapes.
TICK, EVALUATION, SCRAPE = 5, 1.0, 2.0
#: Of the inventory, too, in seconds.
PEER_TIMEOUT = 5
#: Where a test moves the mesh's web endpoints.
MOVED = 9193
#: Seconds until a notification is out for certain: group_wait, two members before it, what the webhook takes.
NOTIFIED = 1 + 2 * 5 + 4
#: A figure counts only while the prober looks: seconds that may lie between two samples.
BLIND = 2.0


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a run shall bring about, on top of the scenario's inventory.

    :ivar since: from when there are Ticks; 0: there are none.
    :ivar consents: ids of rules that may not refuse it.
    :ivar groups: further variables by group.
    """

    versions: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: NEW)
    steady: bool = False
    since: int = 0
    consents: t.Sequence[str] = ()
    groups: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)


class Rolling(Stack):
    """The lab of this scenario."""

    def __init__(self, folder: Path) -> None:
        super().__init__("rolling", INVENTORIES)
        self._folder = folder
        self._numbers = itertools.count(1)
        self._running: list[Running] = []
        self._sums: dict[str, t.Any] = self.ask(f"http://{self.subnet}.2:8080/checksums.json")

    # -- runs ------------------------------------------------------------------------------------------------------

    def overlay(self, wanted: Wanted) -> Path:
        consents = [{"id": rule, "reason": "a test of this very change"} for rule in wanted.consents]
        groups: dict[str, dict[str, t.Any]] = {
            "all": {"prometheus_ha_preflight_ignore": consents},
            "prometheus": {"rolling_steady": wanted.steady, "rolling_since": wanted.since},
            "alertmanager": {},
        }
        for name, version in wanted.versions.items():
            groups[name][f"{name}_version"] = version
            groups[name][f"{name}_checksum"] = self._sums[name][version]["amd64"]
        for name, values in wanted.groups.items():
            groups[name] = {**groups.get(name, {}), **values}
        return write_overlay(self._folder / str(next(self._numbers)), groups=groups)

    def begin(self, wanted: Wanted, *args: str, playbook: str = "site") -> Running:
        self._running.append(self.start(PLAYBOOKS / f"{playbook}.yml", *args, overlay=self.overlay(wanted)))
        return self._running[-1]

    def roll(self, wanted: Wanted, *args: str, playbook: str = "site", seconds: float = 400) -> Run:
        return self.begin(wanted, *args, playbook=playbook).wait(seconds)

    def end(self) -> None:
        """End what a failed test left running."""
        for running in self._running:
            if not running.over:
                running.kill()

    def settle(self, wanted: Wanted) -> None:
        """Bring the lab to where a test begins, wherever a former one left it."""
        consented = dataclasses.replace(wanted, consents=CONSENTS)
        if self._moved():
            # A mesh moves and gets another label in two runs.
            self.roll(dataclasses.replace(consented, groups={"alertmanager": {"alertmanager_port": MOVED}})).succeeded()
        self.roll(consented).succeeded()
        wait_for(self.whole, 60, "the stack is whole")

    def _moved(self) -> bool:
        try:
            self.fetch(f"http://{self.addresses[MESH[0]]}:{MOVED}/-/ready")
        except OSError:
            return False
        return True

    # -- what runs -------------------------------------------------------------------------------------------------

    @staticmethod
    def expected(wanted: Wanted) -> dict[str, str]:
        return {name: wanted.versions[unit] for name, unit in UNITS.items()}

    def versions(self) -> dict[str, str]:
        """By host the version whose executable runs; of one that does not run ``-``."""
        look = "readlink /proc/$(systemctl show -P MainPID {0})/exe || echo /opt/x/{0}/-/bin/{0}"
        return {name: self.sh(name, look.format(unit)).split("/")[-3] for name, unit in UNITS.items()}

    def starts(self) -> dict[str, str]:
        """By host what changes with every start of its process."""
        show = "systemctl show -P MainPID -P ExecMainStartTimestampMonotonic -P InvocationID"
        return {name: self.sh(name, f"{show} {unit}") for name, unit in UNITS.items()}

    def laid_down(self) -> dict[str, dict[str, str]]:
        """By host the content of its configuration and its unit."""
        return {
            name: {**self.files(name, f"/etc/{unit}"), "unit": self.sh(name, f"cat /etc/systemd/system/{unit}.service")}
            for name, unit in UNITS.items()
        }

    def container(self, name: str) -> str:
        return f"pha-rolling-{name}"

    # -- what is told ----------------------------------------------------------------------------------------------

    def notices(self) -> list[notices.Notice]:
        """What the webhook got."""
        return notices.notices(self.ask(f"{self.webhook}/notifications?receiver=rolling"))

    def raw(self, name: str, selector: str, window: outages.Span) -> list[dict[str, t.Any]]:
        """The raw samples that a replica itself has of a selector: a hole is one, whatever the lookback."""
        length = int(window[1] - window[0]) + 1
        query = urllib.parse.urlencode({"query": f"{selector}[{length}s]", "time": f"{window[1]:.3f}"})
        found: list[dict[str, t.Any]] = self.prometheus(name, f"query?{query}")["result"]
        return found

    def lost(self, region: str, window: outages.Span) -> tuple[set[str], list[str]]:
        """Which Ticks fired on a replica of that set for as long as it takes to tell them, and which were not told.

        :raises AssertionError: when the replicas together did not see them all: then a loss could not be seen.
        """
        selector = 'ALERTS{alertname="Tick",alertstate="firing"}'
        whole = [
            notices.whole_lives(self.raw(name, selector, window), TICK, NOTIFIED, 2.5 * EVALUATION, window)
            for name in SETS[region]
        ]
        fired = set().union(*whole)
        assert len(fired) >= (window[1] - window[0] - NOTIFIED) // TICK, (window, sorted(fired))
        told = [one for one in self.notices() if one.name == "Tick" and one.labels["region"] == region]
        return fired, notices.lost(fired, told)

    def steady(self) -> dict[str, float]:
        """By region since when Steady fires, once it was told everywhere."""

        def told() -> dict[str, float]:
            last = {one.labels["region"]: one for one in self.notices() if one.name == "Steady"}
            since = {region: one.starts_at for region, one in last.items() if one.status == "firing"}
            return since if since.keys() == SETS.keys() else {}

        return wait_for(told, 120, "Steady is told from each region")

    def silence(self, alertname: str, minutes: float = 30) -> str:
        """Silence an alert by its name on the first member; its id, once all members know it."""

        def at(offset: float) -> str:
            return datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc).isoformat()

        matcher = {"name": "alertname", "value": alertname, "isRegex": False, "isEqual": True}
        body = {
            "matchers": [matcher],
            "startsAt": at(0),
            "endsAt": at(60 * minutes),
            "createdBy": "molecule",
            "comment": "a test",
        }
        made: str = self.alertmanager(MESH[0], "silences", body)["silenceID"]
        wait_for(lambda: all(made in self.silences(name) for name in MESH), 30, "the silence is on all members")
        return made

    def silences(self, member: str) -> set[str]:
        """The ids of those that are in force there."""
        found = self.alertmanager(member, "silences")
        return {item["id"] for item in found if item["status"]["state"] == "active"}


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the prober saw of every replica and member in a time."""

    samples: t.Mapping[str, t.Sequence[prober.Sample]]

    def down(self, name: str) -> list[outages.Span]:
        return outages.down(self.samples[name])

    def out_of_service(self, name: str) -> float:
        """Seconds."""
        return outages.seconds(self.down(name))

    def without(self, region: str) -> float:
        """Seconds in which no replica of the set was ready."""
        names = SETS[region]
        return outages.seconds(outages.together([self.down(name) for name in names], len(names)))

    def mesh_short(self) -> float:
        """Seconds in which fewer than N - 1 members were ready."""
        return outages.seconds(outages.together([self.down(name) for name in MESH], 2))

    def blind(self) -> float:
        return max(outages.blind(self.samples.get(name, ())) for name in UNITS)

    def assert_no_gap(self) -> None:
        """Never two of a set or of the mesh at once."""
        assert self.blind() <= BLIND, f"the prober did not look for {self.blind():.1f} s"
        assert {region: self.without(region) for region in SETS} == dict.fromkeys(SETS, 0), self.figures()
        assert self.mesh_short() == 0, self.figures()

    def figures(self) -> str:
        """For a person."""
        away = ", ".join(f"{name} {self.out_of_service(name):.1f}" for name in UNITS if self.down(name)) or "nobody"
        sets = ", ".join(f"{region} {self.without(region):.1f}" for region in SETS)
        return (
            f"out of service (s): {away}; no replica ready (s): {sets}; fewer than {len(MESH) - 1} members ready (s): "
            f"{self.mesh_short():.1f}; longest time between two samples: {self.blind():.2f} s"
        )


class Prober:
    """Samples all the time, on a host of its own."""

    _UNIT = "rolling-prober"
    _HOST = "prober"

    def __init__(self, stack: Rolling) -> None:
        self._stack = stack
        self._file = f"/var/lib/{self._UNIT}.{time.time():.0f}"
        code = base64.b64encode(Path(prober.__file__).read_bytes()).decode()
        ports = {"prometheus": 9090, "alertmanager": 9093}
        endpoints = " ".join(f"{name}={stack.addresses[name]}:{ports[unit]}" for name, unit in UNITS.items())
        self.end()
        stack.sh(self._HOST, f"echo {code} | base64 -d > /usr/local/lib/prober.py")
        run = f"systemd-run --quiet --unit={self._UNIT} --collect --nice=-5"
        stack.sh(self._HOST, f"{run} python3 /usr/local/lib/prober.py {self._file} {endpoints}")

    def end(self) -> None:
        self._stack.sh(self._HOST, f"systemctl stop {self._UNIT} 2>/dev/null || true; rm -f /var/lib/{self._UNIT}.*")

    def seen(self, begun: float, ended: float | None = None) -> Seen:
        """What it saw from then until then, or until now."""
        until = time.time() if ended is None else ended
        # A sample that began before the end is written when it is over.
        time.sleep(max(0.0, until + prober.INTERVAL - time.time()))
        lines = self._stack.sh(self._HOST, f"awk '$3 >= {begun:.3f} && $2 <= {until:.3f}' {self._file}")
        return Seen(prober.parse(lines + "\n"))


def soon() -> int:
    """A beginning for Ticks, once what is rolled out now has been taken up."""
    return (int(time.time()) // TICK + 1) * TICK


def inventory(group: str) -> dict[str, t.Any]:
    """The scenario's variables of a group, templates as they are written."""
    text = (ROOT / f"molecule/rolling/inventory/group_vars/{group}.yml").read_text()
    found: dict[str, t.Any] = yaml.safe_load(text)
    return found


def added(rule: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Variables of Prometheus: a rule more."""
    return {"rolling_rules": [*inventory("prometheus")["rolling_rules"], dict(rule)]}


def extra_args(flags: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Variables of Prometheus: flags more."""
    return {"prometheus_extra_args": {**inventory("prometheus")["prometheus_extra_args"], **flags}}


def rerouted(repeat_interval: str) -> dict[str, t.Any]:
    """Variables of Alertmanager: another interval at the root route."""
    config = inventory("alertmanager")["alertmanager_config"]
    return {"alertmanager_config": {**config, "route": {**config["route"], "repeat_interval": repeat_interval}}}
