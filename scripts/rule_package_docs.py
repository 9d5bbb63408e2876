# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/rule-packages.md: the guide, and every rule of every package as it is rendered.

``python -m scripts.docs`` writes and compares it, with the rest of what is generated.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages import _catalogue  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import (  # noqa: E402 - after sys.path
    Alert,
    Package,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import stack  # noqa: E402 - after sys.path

PAGE = ROOT / "docs" / "rule-packages.md"

INTRODUCTION = """\
# Rule packages

<!-- Written by `make docs` from scripts/rule_package_docs.py and plugins/plugin_utils/_rule_packages; change those. -->

Rules that come with the collection. A set has those that it names, beside its own:

```yaml
prometheus_rule_packages: [ha_stack, node_aggregates, http_aggregates]
```

Each becomes `rules/<package>.yml`. `promtool` checks it at staging, and a change of it is a reload, as of any rule
file. Name packages in the inventory, for a whole set: replicas must have the same.
"""

GUIDE = """\
## The stack watches itself

With `ha_stack`, or any package of its health, a set also scrapes the stack. That needs no job of yours; those that you
have may stay. `prometheus_watch_stack: false` leaves the jobs out, `true` adds them without the rules.

- Every replica set scrapes its own replicas, and one other set scrapes them, too: the next one in the inventory. So
  somebody is left to tell when a whole set is down. Agents can't alert; the sets that can share them out.
- Every mesh is scraped by two sets, if there are two, from those that alert it. So are Thanos, VictoriaMetrics, Mimir,
  Cortex and Grafana, where the inventory has them.
- Environments don't meet. Shards don't narrow these jobs, and all replicas of a set scrape the same.

The jobs are named `ha-<component>`, with targets in `targets/ha-<component>.yml`. A job or target file of yours must
not have such a name. The live preflight also tries the ways from the watching hosts to the Prometheus and Alertmanagers
that they watch.

Targets are labelled by where they belong, and the rules go by these labels alone:

| label | says |
|-|-|
| `ha_component` | `prometheus`, `alertmanager`, `thanos_query` ... |
| `ha_group` | the replica set, mesh, shard or hashring; queriers, frontends and routers have none |
| `ha_member` | the host's name in the inventory |
| `ha_shard` | `0/2`: the shard of the set, where it is one |

A Prometheus has the external labels of its set besides, without the replica label. So an alert about a set is the same,
whether the set itself sends it or the one that watches it, and Alertmanager notifies once. That asks for the same label
names on all sets. Alerts about a mesh and about Thanos have the labels of the set that sends them: of two sets, two
notifications.

[Dashboards](dashboards.md) for Grafana go by the same labels.

Alertmanager should notify by a way that does not depend on the stack, and something outside must expect the `Watchdog`:

```yaml
routes:
  - matchers: [alertname = "Watchdog"]
    receiver: deadman
    group_wait: 0s
    group_interval: 1m
    repeat_interval: 1m
```

## What can be changed

```yaml
prometheus_rule_package_options:
  labels: {team: platform} # on every alert
  severities: {critical: page, warning: ticket, none: none} # your words for these three
  runbook_url: https://wiki.example.net/runbooks # <that>/<alert>.md
  alerts:
    PrometheusReplicaDown: {for: 2m, labels: {severity: page}}
    PrometheusReplicaLagHigh: {threshold: 90}
    PrometheusCheckpointFailed: {enabled: false}
  instance_labels: [instance] # what tells the instances of a job apart, for job:* and cluster:*
  http_requests: http_requests_total # the counter
  http_duration: http_request_duration_seconds # the histogram, without _bucket
  http_code: code # the label with the status code
  http_labels: [method, handler, path] # the other labels of a request
```

What a package does not know is refused, with the nearest name that it does.
"""

ALERTS = """\
## Alerts

One failure has one alert, as far as can be told. The runbooks say what an alert means, how to see it and what to do.
Where a threshold is of age, it grows with the scrape interval.

Components of Thanos are shared out over the sets that watch, so a set knows the others' series only where it watches
them, too. What one alert leaves to another (a sidecar to the Prometheus beside it, a querier's missing Store APIs to
those that are down) is left there alone.
"""

RECORDS = """\
## Recording rules

Names are `level:metric:operation`.

| level | adds up |
|-|-|
| `instance` | one target |
| `job` | the instances of a job |
| `cluster` | all that this Prometheus has of its own |
| `source` | nothing: it is what is federated of one source, by `max without (replica)` of its replicas |
| `global` | all sources |

The last two are there where something is federated; what they need is selected by `{__name__=~"cluster:.*"}`. The
first three are made of the instances' series alone, so federated aggregates are not counted as one's own: the same
packages may be on for sites, regions and global servers. Don't federate `instance:` series.

Labels that are not summed away stay, those that you give targets among them. A ratio is that of two sums on its level,
never an average of ratios. Both sums are recorded, so that the level above can add them up and divide again.
"""

NOT_THERE = """\
## Not there yet

Alerts about Grafana (`GrafanaDown`) and its database (`DatabaseConnectionFailed`) come with the roles that roll these
out. Grafana is scraped already.
"""

#: What is worth a word besides the rules.
NOTES = {
    "node_aggregates": """\
From node_exporter's metrics. What lies on top of devices that are counted already (volume groups, RAID, bonds, bridges,
VLANs), and filesystems that are shared, read-only or in memory, are left out.""",
    "http_aggregates": """\
From one counter and one classic histogram, by the names that are usual. Buckets of `cluster` and `global` are those
that all parts have in common, since others can't be added up. Without requests there is no ratio, mean or quantile.
Status codes of 500 and above are errors.""",
}


def cell(text: str) -> str:
    """A text within a table."""
    return " ".join(text.split()).replace("|", r"\|")


def code(text: str) -> str:
    return f"`{cell(text)}`"


def alert_row(alert: Alert) -> str:
    threshold = "" if alert.threshold is None else f"{alert.threshold:g} {alert.unit}"
    cells = [alert.severity, alert.wait or "0s", threshold, alert.means]
    return f"| [{alert.name}](runbooks/{alert.name}.md) | {' | '.join(map(cell, cells))} |"


@functools.cache
def rendered() -> dict[str, list[dict[str, Any]]]:
    """The recording rules of each package, with the options as they come."""
    files = stack("g-1")
    return {
        name: [rule for group in yaml.safe_load(files[f"rules/{name}.yml"])["groups"] for rule in group["rules"]]
        for name in NOTES
    }


def record_rows(rules: list[dict[str, Any]]) -> Iterator[str]:
    """A row a metric: on which levels, and the expression of the first."""
    levels: dict[str, dict[str, str]] = {}
    for rule in rules:
        level, _colon, name = rule["record"].partition(":")
        levels.setdefault(name, {})[level] = rule["expr"]
    for name, found in levels.items():
        first, *_others = found.values()
        yield f"| {code(name)} | {', '.join(found)} | {code(first)} |"


def packages() -> Iterator[str]:
    yield from ("| package | what |", "|-|-|")
    for package in _catalogue.PACKAGES.values():
        yield f"| `{package.name}` | {cell(package.about)} |"


def section(package: Package) -> Iterator[str]:
    """The alerts or records of a package."""
    yield from ("", f"### {package.name}", "")
    if package.alerts:
        yield from ("| alert | severity | for | threshold | what |", "|-|-|-|-|-|")
        yield from map(alert_row, package.alerts)
    else:
        yield from (NOTES[package.name], "", "| metric:operation | levels | expression of the first |", "|-|-|-|")
        yield from record_rows(rendered()[package.name])


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION, *packages(), "", *GUIDE.rstrip("\n").split("\n"), "", ALERTS.rstrip("\n")]
    every = _catalogue.PACKAGES.values()
    for package in (each for each in every if each.alerts):
        lines += section(package)
    lines += ["", RECORDS.rstrip("\n")]
    for package in (each for each in every if not each.alerts):
        lines += section(package)
    return "\n".join([*lines, "", NOT_THERE.rstrip("\n")]) + "\n"
