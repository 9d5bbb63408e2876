# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/dashboards.md: the guide, and what each panel of each dashboard shows; the dashboards' files.

``python -m scripts.docs`` writes and compares both, with the rest of what is generated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards import _catalogue  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (  # noqa: E402 - after sys.path
    Dashboard,
    Panel,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import Alert  # noqa: E402 - after sys.path

PAGE = ROOT / "docs" / "dashboards.md"
FOLDER = ROOT / "playbooks" / "files" / "dashboards"

GUIDE = """\
# Dashboards

<!-- Written by `make docs` from scripts/dashboard_docs.py and plugins/plugin_utils/_dashboards; change those. -->

Seven Grafana dashboards about the stack come with the collection, as JSON in `playbooks/files/dashboards`. They are in
Grafana's schema 39; a Grafana with a newer one lifts them to its own.
"""

IMPORT = """\
## What they need

The stack must scrape itself, by `prometheus_rule_packages: [ha_stack]` or `prometheus_watch_stack: true`
([rule packages](rule-packages.md#the-stack-watches-itself)). The queries go by the labels of these jobs. Without
`ha_stack` the panels of alerts stay empty, and the Watchdog is shown as silent. Jobs that federate are found by their
names, `federate-...`; where yours have others, change the query of the variable `job`.

The data source is chosen at the top. It may be any Prometheus that watches the stack, or a Thanos Query over several;
for federation it must be the Prometheus that federates. One Prometheus watches its own set and some of the others, so
what a dashboard does not list may be watched elsewhere.

## Import

By hand: in Grafana, Dashboards, New, Import, and the file. Each has a uid that stays, so that a later import replaces
it, and links between them lead on.

From files, which Grafana reads itself: copy them to `/var/lib/grafana/dashboards/ha`, and write
`/etc/grafana/provisioning/dashboards/ha.yml`:

```yaml
apiVersion: 1
providers:
  - name: prometheus_ha
    folder: Prometheus HA
    type: file
    options:
      path: /var/lib/grafana/dashboards/ha
```

## What can be changed

Grafana's own settings apply to a copy that you save under another uid. Runbook links lead to this collection's; the
files don't know `prometheus_rule_package_options`, so lines in panels are at the thresholds that the alerts come with.

Rates are over at least four minutes (`interval` of each query), so that a scrape interval of a minute will do.

## What is tested

promtool reads every query, and each is asked of a Prometheus and an Alertmanager that run, in the oldest and the newest
version of the tests: every metric is there, and every panel has something to show. Those of Thanos are asked of a stack
with all of its components, in 0.40.1 and 0.42.4, where these are built. No picture is shown here, because
Grafana can't be had where this collection is built and tested: how the panels look in it has not been seen.
"""

LAST = """\
## Where the sets differ

`ha_config_generation`, the hash of what a set shall run, is recorded by each Prometheus for itself and not scraped. So
the panels of it compare replicas only with a data source over all of them. Versions, rules and targets are scraped, and
compared everywhere. `ansible-playbook baremetal.prometheus_ha.status` compares all of it
([status](operations.md#status)).
"""


def cell(text: str) -> str:
    """A text within a table."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", r"\<")


def runbook(alert: Alert) -> str:
    return f"[{alert.name}](runbooks/{alert.name}.md)"


def panel_row(panel: Panel) -> str:
    return f"| {cell(panel.title)} | {cell(panel.about)} | {', '.join(map(runbook, panel.alerts))} |"


def section(dashboard: Dashboard) -> Iterator[str]:
    """A dashboard's panels, as its rows have them."""
    yield from ("", f"## {dashboard.title}", "", f"File `{dashboard.uid}.json`.")
    names = ", ".join(f"`{variable.name}`" for variable in dashboard.variables)
    yield from (f"Variables: {names}.", "", "| panel | what to look for | alerts |", "|-|-|-|")
    yield from map(panel_row, dashboard.panels)


def files() -> dict[str, str]:
    """What belongs into FOLDER, by name."""
    return _catalogue.files()


def page() -> str:
    """The whole page."""
    lines = [GUIDE, "| dashboard | shows |", "|-|-|"]
    for dashboard in _catalogue.DASHBOARDS:
        anchor = dashboard.title.lower().replace(" ", "-")
        lines.append(f"| [{dashboard.title}](#{anchor}) | {cell(dashboard.about)} |")
    lines += ["", IMPORT.rstrip("\n")]
    for dashboard in _catalogue.DASHBOARDS:
        lines += section(dashboard)
    return "\n".join([*lines, "", LAST.rstrip("\n")]) + "\n"
