# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dashboards as Grafana gets them: what they are made of fits together, and promtool reads every query."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._catalogue import DASHBOARDS, files
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import (
    COLUMNS,
    SCHEMA,
    Choice,
    Dashboard,
    Panel,
    Query,
    Row,
    bad_from,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._catalogue import ALERTS
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import RUNBOOKS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, ROOT, binaries
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_dashboards import names_used, queries, written_out

JSON: dict[str, dict[str, t.Any]] = {name: json.loads(text) for name, text in files().items()}
RUNBOOK_FILES = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}

every_dashboard = pytest.mark.parametrize("board", JSON.values(), ids=lambda board: str(board["uid"]))


def panels(board: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_there_are_seven_with_uids_that_stay() -> None:
    uids = ["ha-overview", "ha-prometheus", "ha-alertmanager", "ha-federation"]
    uids += ["ha-thanos-query", "ha-thanos-blocks", "ha-thanos-receive"]
    assert [board["uid"] for board in JSON.values()] == uids
    assert list(JSON) == [f"{uid}.json" for uid in uids]
    assert len({board["title"] for board in JSON.values()}) == len(uids)
    assert {board["schemaVersion"] for board in JSON.values()} == {SCHEMA}


@every_dashboard
def test_panels_have_numbers_of_their_own_and_places_that_do_not_overlap(board: dict[str, t.Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = set(itertools.product(columns, lines))
        assert cells, panel["title"]
        assert columns[-1] < COLUMNS, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@every_dashboard
def test_every_line_is_full(board: dict[str, t.Any]) -> None:
    lines: dict[int, int] = {}
    for panel in board["panels"]:
        lines[panel["gridPos"]["y"]] = lines.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
    assert set(lines.values()) == {COLUMNS}


@every_dashboard
def test_panels_say_what_to_look_for_and_ask_the_chosen_data_source(board: dict[str, t.Any]) -> None:
    for panel in panels(board):
        assert re.fullmatch(r"[A-Z0-9].{20,}\.", panel["description"], flags=re.DOTALL), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == sorted(set(refs))
        for target in panel["targets"]:
            assert panel["type"] in ("stat", "table") or target["legendFormat"], panel["title"]


@every_dashboard
def test_variables_that_are_used_are_defined_and_others_are_used(board: dict[str, t.Any]) -> None:
    defined = [variable["name"] for variable in board["templating"]["list"]]
    assert len(set(defined)) == len(defined)
    # A link to another dashboard sets that one's variables, which the test of links looks for.
    used = names_used(json.dumps([board["panels"], board["templating"]]))
    assert used == set(defined)


@every_dashboard
def test_runbooks_exist_and_are_those_of_alerts(board: dict[str, t.Any]) -> None:
    links = [link["url"] for panel in panels(board) for link in panel["links"]]
    assert links
    for link in links:
        name = link.removeprefix(f"{RUNBOOKS}/").removesuffix(".md")
        assert name in RUNBOOK_FILES & set(ALERTS), link


def test_every_alert_has_a_panel() -> None:
    linked = {alert.name for board in DASHBOARDS for panel in board.panels for alert in panel.alerts}
    assert set(ALERTS) - linked == set()


@every_dashboard
def test_links_lead_to_dashboards_and_variables_that_exist(board: dict[str, t.Any]) -> None:
    others = {each["uid"]: each for each in JSON.values() if each is not board}
    assert {link["url"] for link in board["links"]} == {f"/d/{uid}" for uid in others}
    drills = [link["url"] for panel in panels(board) for link in panel["fieldConfig"]["defaults"]["links"]]
    assert bool(drills) == (board["uid"] == "ha-overview")
    for url in drills:
        uid, variable = re.fullmatch(r"/d/([\w-]+)\?.*&var-(\w+)=.*", url).groups()  # type: ignore[union-attr]
        assert variable in {each["name"] for each in others[uid]["templating"]["list"]}


@pytest.mark.parametrize("version", PROMETHEUS)
def test_promtool_reads_every_query(version: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"{query.uid.replace('-', '_')}:{number}", "expr": query.expr, "labels": {"panel": query.title}}
        for number, query in enumerate(queries())
    ]
    assert len(rules) > 100
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "a", "rules": rules}]}), encoding="utf-8")
    argv = [str(binaries("prometheus", version) / "promtool"), "check", "rules", "rules.yml"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_variables_are_written_out() -> None:
    board = next(each for each in DASHBOARDS if each.uid == "ha-federation")
    assert written_out(board, 'a{job=~"$job"}[$__rate_interval] / $sample_limit') == (
        'a{job=~"federate-.+"}[5m] / 10000'
    )
    with pytest.raises(KeyError, match="nowhere"):
        written_out(board, "a > $nowhere")


def board_of(*rows: Row, **more: t.Any) -> dict[str, t.Any]:
    return Dashboard("uid", "Title", "About.", more.get("variables", ()), rows).json()


def panel_of(kind: str = "timeseries", *queries_: Query, **more: t.Any) -> Panel:
    return Panel("A", kind, "About.", queries_ or (Query("up", "{{job}}"),), **more)


def test_places_follow_from_rows_heights_and_shares() -> None:
    one = panel_of()
    found = board_of(
        Row("First", (one, one, one), 4), Row("", (one, dataclasses.replace(one, share=2)), 6), Row("Next", (one,))
    )
    assert [tuple(panel["gridPos"][key] for key in "xywh") for panel in found["panels"]] == [
        (0, 0, 24, 1),
        *((0, 1, 8, 4), (8, 1, 8, 4), (16, 1, 8, 4)),
        *((0, 5, 8, 6), (8, 5, 16, 6)),
        *((0, 11, 24, 1), (0, 12, 24, 8)),
    ]
    assert [panel["id"] for panel in found["panels"]] == list(range(1, 9))


def test_a_table_has_a_column_a_query() -> None:
    table = panel_of("table", Query("a", "first", "s", bad_from(1)), Query("b"))
    (panel,) = board_of(Row("", (table,)))["panels"]
    merge, organize = panel["transformations"]
    assert merge["id"] == "merge"
    assert organize["options"]["renameByName"] == {"Value #A": "first"}
    assert organize["options"]["excludeByName"] == {"Time": True, "__name__": True, "Value #B": True}
    (column,) = panel["fieldConfig"]["overrides"]
    assert column["matcher"] == {"id": "byName", "options": "first"}
    assert [each["id"] for each in column["properties"]] == ["unit", "thresholds", "custom.cellOptions"]
    assert {(target["format"], target["instant"], target["range"]) for target in panel["targets"]} == {
        ("table", True, False)
    }


def test_a_table_of_one_query_names_its_value_otherwise() -> None:
    (panel,) = board_of(Row("", (panel_of("table", Query("a", "first")),)))["panels"]
    (organize,) = panel["transformations"]
    assert organize["options"]["renameByName"] == {"Value": "first"}


def test_a_choice_asks_for_a_labels_values() -> None:
    variables = (Choice("a", "A", "job", 'up{job!=""}'), Choice("b", "B", "job", "up", everything=""))
    _source, first, second = board_of(variables=variables)["templating"]["list"]
    assert first["query"]["query"] == first["definition"] == 'label_values(up{job!=""}, job)'
    assert first["allValue"] == ".*"
    assert "allValue" not in second
