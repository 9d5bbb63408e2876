# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a dashboard is, and how it becomes the JSON that Grafana imports: data of panels in, a dictionary out.

The JSON is that of schemaVersion 39, which a newer Grafana lifts to its own
(https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/).
"""

from __future__ import annotations

import dataclasses
import itertools
import string
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import RUNBOOKS, Alert

Json = t.Dict[str, t.Any]
# (from, colour) in rising order; the first is from None on, which is from minus infinity.
Steps = t.Tuple[t.Tuple[t.Union[float, None], str], ...]

SCHEMA = 39
TAG = "prometheus_ha"
COLUMNS = 24
# "Min step" of a query. $__rate_interval is at least four of these, whatever the data source says of its scraping
# (https://github.com/grafana/grafana/pull/77234), so that a scrape a minute will do.
STEP = "1m"
GOOD, DOUBTFUL, BAD = "green", "orange", "red"

_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


def bad_from(value: float, colour: str = BAD) -> Steps:
    return ((None, GOOD), (value, colour))


def good_from(value: float) -> Steps:
    return ((None, BAD), (value, GOOD))


@dataclasses.dataclass(frozen=True)
class Query:
    """A query of a panel.

    :param legend: the name of its series, with ``{{label}}``; of a table, the title of its column, and without one the
        column is left out.
    :param unit: of a table's column, as Grafana names units. :param steps: of a table's column, how it is coloured.
    """

    expr: str
    legend: str = ""
    unit: str = ""
    steps: Steps = ()


@dataclasses.dataclass(frozen=True)
class Drill:
    """A link from a value to another dashboard.

    :param variable: one of that dashboard's, which becomes the value's label.
    """

    title: str
    uid: str
    variable: str
    label: str


@dataclasses.dataclass(frozen=True)
class Panel:
    """A panel. How wide it is follows from its row.

    :param kind: Grafana's name: timeseries, stat, table or state-timeline.
    :param about: what to look for, in plain sentences.
    :param unit: as Grafana names units: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
    :param steps: how values are coloured; of a time series, lines.
    :param texts: what is shown instead of some values.
    :param alerts: those that tell the same; the panel links to their runbooks.
    :param share: how wide it is among the panels of its row.
    """

    title: str
    kind: str
    about: str
    queries: tuple[Query, ...]
    unit: str = "short"
    steps: Steps = ()
    texts: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    drills: tuple[Drill, ...] = ()
    share: int = 1


@dataclasses.dataclass(frozen=True)
class Row:
    """Panels side by side, over all columns. :param title: of the heading above; without one, they belong to the last.

    :param height: in Grafana's units of 30 pixels.
    """

    title: str
    panels: tuple[Panel, ...]
    height: int = 8


@dataclasses.dataclass(frozen=True)
class Choice:
    """A variable with the values of a label, of which any may be chosen, and at first all are.

    :param series: a selector of the series that carry the label.
    :param everything: the regular expression of all; "": of the values that there are. ".*" matches where the label is
        missing, too.
    """

    name: str
    title: str
    label: str
    series: str
    everything: str = ".*"

    def json(self) -> Json:
        query = f"label_values({self.series}, {self.label})"
        return {
            "type": "query",
            "name": self.name,
            "label": self.title,
            "datasource": _SOURCE,
            "definition": query,
            "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            **({"allValue": self.everything} if self.everything else {}),
            "includeAll": True,
            "multi": True,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "refresh": 2,  # with the time range
            "sort": 1,
        }


@dataclasses.dataclass(frozen=True)
class Text:
    """A variable that a person writes."""

    name: str
    title: str
    value: str

    def json(self) -> Json:
        chosen = {"selected": True, "text": self.value, "value": self.value}
        return {
            "type": "textbox",
            "name": self.name,
            "label": self.title,
            "query": self.value,
            "current": chosen,
            "options": [chosen],
        }


Variable = t.Union[Choice, Text]
_DATASOURCE: Json = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "current": {},
    "refresh": 1,
}


@dataclasses.dataclass(frozen=True)
class Dashboard:
    """A dashboard.

    :param uid: its address in Grafana (``/d/<uid>``) and the name of its file; it never changes.
    """

    uid: str
    title: str
    about: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]

    def json(self, others: t.Iterable[Dashboard] = ()) -> Json:
        """:param others: the dashboards that it links to. :returns: what Grafana imports."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,  # one crosshair for all panels
            "refresh": "1m",
            "time": {"from": "now-6h", "to": "now"},
            "links": [_link_to(other) for other in others if other.uid != self.uid],
            "annotations": {"list": []},
            "templating": {"list": [_DATASOURCE, *(variable.json() for variable in self.variables)]},
            "panels": list(_laid_out(self.rows)),
        }


def _link_to(other: Dashboard) -> Json:
    link = {"type": "link", "title": other.title, "url": f"/d/{other.uid}", "icon": "dashboard"}
    return {**link, "includeVars": True, "keepTime": True}


def _laid_out(rows: t.Iterable[Row]) -> t.Iterator[Json]:
    """Panels with their numbers and places, from the top."""
    numbers, y = itertools.count(1), 0
    for row in rows:
        if row.title:
            yield {
                "type": "row",
                "id": next(numbers),
                "title": row.title,
                "collapsed": False,
                "gridPos": _place(0, y, COLUMNS, 1),
                "panels": [],
            }
            y += 1
        total = sum(panel.share for panel in row.panels)
        ends = [COLUMNS * end // total for end in itertools.accumulate(panel.share for panel in row.panels)]
        for panel, left, right in zip(row.panels, [0, *ends], ends):
            yield {"id": next(numbers), "gridPos": _place(left, y, right - left, row.height), **_panel(panel)}
        y += row.height


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel) -> Json:
    found: Json = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [_target(panel, query, name) for query, name in zip(panel.queries, string.ascii_uppercase)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        "links": [
            {"title": f"Runbook {alert.name}", "url": f"{RUNBOOKS}/{alert.name}.md", "targetBlank": True}
            for alert in panel.alerts
        ],
    }
    if panel.kind == "table":
        found["fieldConfig"]["overrides"] = [_column(query) for query in panel.queries if query.legend]
        found["transformations"] = _columns(panel.queries)
    return found


def _target(panel: Panel, query: Query, name: str) -> Json:
    once = panel.kind in ("stat", "table")
    target: Json = {"refId": name, "datasource": _SOURCE, "editorMode": "code", "expr": query.expr, "interval": STEP}
    return {
        **target,
        "instant": once,
        "range": not once,
        "format": "table" if panel.kind == "table" else "time_series",
        **({} if panel.kind == "table" else {"legendFormat": query.legend}),
    }


_OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
    "state-timeline": {
        "alignValue": "left",
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "auto",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    },
}
_DRAWN: dict[str, Json] = {
    "timeseries": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": False},
    "stat": {},
    "table": {"align": "auto", "filterable": True},
    "state-timeline": {"fillOpacity": 80, "lineWidth": 0},
}


def _defaults(panel: Panel) -> Json:
    """What all of a panel's fields are like."""
    lines = panel.kind == "timeseries"
    custom = dict(_DRAWN[panel.kind])
    if lines and panel.steps:
        custom["thresholdsStyle"] = {"mode": "dashed"}
    found: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if lines else "thresholds"},
        "custom": custom,
        "thresholds": _thresholds(panel.steps),
        "mappings": [],
        "links": [_drill(panel, drill) for drill in panel.drills],
    }
    if panel.texts:
        shown = {str(value): {"index": index, "text": text} for index, (value, text) in enumerate(panel.texts.items())}
        found["mappings"] = [{"type": "value", "options": shown}]
    if lines:
        found["min"] = 0
    return found


def _thresholds(steps: Steps) -> Json:
    # What has no steps is neither good nor bad.
    steps = steps or ((None, "text"),)
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def _drill(panel: Panel, drill: Drill) -> Json:
    value = f"${{__data.fields.{drill.label}}}" if panel.kind == "table" else f"${{__field.labels.{drill.label}}}"
    query = f"${{datasource:queryparam}}&var-{drill.variable}={value}&${{__url_time_range}}"
    return {"title": drill.title, "url": f"/d/{drill.uid}?{query}"}


def _column(query: Query) -> Json:
    """How a table's column differs from the others."""
    properties: list[Json] = [{"id": "unit", "value": query.unit}] if query.unit else []
    if query.steps:
        properties.append({"id": "thresholds", "value": _thresholds(query.steps)})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}})
    return {"matcher": {"id": "byName", "options": query.legend}, "properties": properties}


def _columns(queries: t.Sequence[Query]) -> list[Json]:
    """The queries' tables as one, a row for what has the same labels, a column a query.

    Grafana names the values after their query where there are several.
    """
    several = len(queries) > 1
    names = [f"Value #{name}" if several else "Value" for name, _query in zip(string.ascii_uppercase, queries)]
    hidden = ["Time", "__name__", *(name for name, query in zip(names, queries) if not query.legend)]
    titles = {name: query.legend for name, query in zip(names, queries) if query.legend}
    shaped = {"excludeByName": dict.fromkeys(hidden, True), "indexByName": {}, "renameByName": titles}
    return [*([{"id": "merge", "options": {}}] if several else []), {"id": "organize", "options": shaped}]
