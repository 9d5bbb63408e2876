# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the topology: what it shows, as Mermaid and as a page; how the page looks a browser says
(tests/integration/test_picture.py)."""

from __future__ import annotations

import html.parser
import re
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _mermaid, _page, _picture, _svg
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import alertmanager, prometheus, topology

PLACES = {"prometheus_ha_region": "eu", "prometheus_ha_failure_domain": "rack-1"}


def three_sets() -> t.Any:
    return topology(
        prometheus("p1", "p2", prometheus_replica_set="one", **PLACES),
        prometheus("q1", "q2", prometheus_replica_set="two", prometheus_ha_region="us"),
        prometheus("r1", "r2", prometheus_replica_set="three", prometheus_alertmanager_meshes=["other"]),
        alertmanager("a1", "a2"),
        alertmanager("b1", "b2", alertmanager_mesh="other"),
    )


def sites(count: int) -> t.Any:
    """So many sites, each with a set that alerts its own mesh."""
    parts = []
    for site in (f"s{number}" for number in range(count)):
        own = {"prometheus_replica_set": site, "prometheus_alertmanager_meshes": [site]}
        parts += [prometheus(f"{site}-p1", **own), alertmanager(f"{site}-a1", alertmanager_mesh=site)]
    return topology(*parts)


def test_sets_with_the_same_part_are_one_node_and_say_which_mesh_is_theirs() -> None:
    picture = _picture.picture(sites(30))
    assert [node.title for node in picture.nodes] == ["Prometheus: 30 replica sets", "Alertmanager: 30 meshes"]
    assert [(edge.source.column, edge.verbs, edge.target.column) for edge in picture.edges] == [(0, ("alerts",), 1)]
    assert [(name, behind) for _cohort, name, behind in picture.nodes[0].rows][7] == ("s7", "→ s7")
    assert "s7: s7-p1 → s7" in _mermaid.mermaid(picture)
    assert picture.neighbours["prometheus", "default", "s7"] == {("alertmanager", "default", "s7")}


def test_what_alerts_all_says_nothing_of_each() -> None:
    model = topology(prometheus("p1"), *(alertmanager(f"a{n}", alertmanager_mesh=f"m{n}") for n in range(5)))
    picture = _picture.picture(model)
    assert [node.title for node in picture.nodes] == ["Prometheus: replica set default", "Alertmanager: 5 meshes"]
    assert [behind for _cohort, _name, behind in picture.nodes[0].rows] == [""]


def test_nodes_edges_and_what_goes_on_within() -> None:
    picture = _picture.picture(three_sets())
    assert [(node.title, node.column) for node in picture.nodes] == [
        ("Prometheus: 3 replica sets", 0),
        ("Alertmanager: 2 meshes", 1),
    ]
    assert [(name, behind) for _cohort, name, behind in picture.nodes[0].rows] == [
        ("one", ""),
        ("two", ""),
        ("three", "→ other"),
    ]
    drawn = {(edge.source.title, edge.verbs, edge.target.title) for edge in picture.edges}
    assert drawn == {("Prometheus: 3 replica sets", ("alerts",), "Alertmanager: 2 meshes")}
    assert picture.inner == {1: ("gossips in",)}


def test_what_does_something_else_is_another_node() -> None:
    scraper = [{"job_name": "node", "static_configs": [{"targets": ["n:9100"]}]}]
    picture = _picture.picture(
        topology(
            prometheus("p1", prometheus_replica_set="one"),
            prometheus("p2", prometheus_replica_set="two", prometheus_scrape_configs=scraper),
            alertmanager("a1"),
        )
    )
    assert [(node.title, node.column) for node in picture.nodes] == [
        ("Prometheus: replica set one", 0),
        ("Prometheus: replica set two", 0),
        ("Alertmanager: mesh default", 1),
        ("targets outside the inventory", 1),
    ]


def test_sites_and_failure_domains_hold_their_hosts() -> None:
    sites = {
        site.name: {domain.name: list(domain.hosts) for domain in site.domains}
        for site in _picture.picture(three_sets()).sites
    }
    assert sites == {
        "": {"": ["r1", "r2", "a1", "a2", "b1", "b2"]},
        "eu": {"rack-1": ["p1", "p2"]},
        "us": {"": ["q1", "q2"]},
    }


def test_sites_of_two_environments_are_two() -> None:
    values = {"prometheus_ha_region": "eu"}
    both = topology(
        prometheus("p1", **values), prometheus("s1", prometheus_ha_environment="staging", **values), alertmanager("a1")
    )
    assert [site.name for site in _picture.picture(both).sites] == ["default", "default / eu", "staging / eu"]


@pytest.mark.parametrize("edges", [[(0, 1), (1, 0)], [(0, 1), (1, 2), (2, 0)], [(0, 0)]])
def test_a_cycle_has_columns(edges: list[tuple[int, int]]) -> None:
    count = 1 + max(max(edge) for edge in edges)
    assert all(0 <= column <= count for column in _picture._columns(count, edges))


def test_columns_follow_the_longest_way() -> None:
    assert _picture._columns(4, [(0, 1), (1, 2), (0, 2), (2, 3)]) == [0, 1, 2, 3]


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    picture = _picture.picture(topology())
    assert _mermaid.mermaid(picture).splitlines()[0] == "flowchart LR"
    assert "</html>" in _page.page(picture, "", "Topology")


def test_mermaid() -> None:
    text = _mermaid.mermaid(_picture.picture(three_sets()))
    assert 'n0["Prometheus: 3 replica sets<br/>one: p1, p2<br/>two: q1, q2<br/>three: r1, r2 → other"]' in text
    assert 'n0 -->|"alerts"| n1' in text
    assert 'n1 -->|"gossips in"| n1' in text
    assert 'subgraph s1d0 ["rack-1"]' in text
    opened, closed = (
        len(re.findall(r"^ *subgraph ", text, re.MULTILINE)),
        len(re.findall(r"^ *end$", text, re.MULTILINE)),
    )
    assert opened == closed == 5
    assert all(f'["{name}<br/>' in text for name in ("p1", "q2", "r1", "b2"))


class _Reader(html.parser.HTMLParser):
    """Whether every element is closed, the scripts, and the text outside of them."""

    VOID: t.ClassVar = {"meta", "input"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: t.Any) -> None:
        names = [name for name, _value in attrs]
        assert not {"src", "href", "onload", "onerror", "onclick"} & set(names), attrs
        self.scripts += tag == "script"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: t.Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_page_holds_every_host_and_loads_nothing() -> None:
    page = _page.page(_picture.picture(three_sets()), "the plan", "Topology")
    reader = read(page)
    for name in ("p1", "p2", "q1", "q2", "r1", "r2", "a1", "a2", "b1", "b2"):
        assert name in reader.texts
    assert "the plan" in reader.texts
    assert not re.search(r"https?://|url\((?!#)|@import", page)


HOSTILE = '</script><script>alert(1)</script>"&`#\\'


def test_names_are_shown_and_never_run() -> None:
    hostile = topology(
        prometheus("p1", "p2", prometheus_replica_set=HOSTILE, prometheus_ha_region=HOSTILE),
        alertmanager("a1", "a2", alertmanager_mesh=HOSTILE, prometheus_ha_failure_domain=HOSTILE),
    )
    picture = _picture.picture(hostile)
    reader = read(_page.page(picture, HOSTILE, HOSTILE))
    assert reader.scripts == 1
    assert HOSTILE in "".join(reader.texts)
    text = _mermaid.mermaid(picture)
    assert "<script>" not in text
    assert all(line.count('"') in (0, 2) for line in text.splitlines())


def test_a_long_name_is_shortened_in_the_drawing_and_whole_among_the_places() -> None:
    name = "a-host-with-a-name-of-a-length-that-nobody-would-type-twice-but-dns-allows"
    reader = read(_page.page(_picture.picture(topology(prometheus(name))), "", "Topology"))
    assert name in reader.texts
    assert max(len(text) for text in reader.texts if "…" in text) == 44


def crowded(count: int) -> _picture.Picture:
    """Columns of so many nodes, each connected to all of every later column."""
    nodes = [_picture.Node((), column, f"node {column}.{row}") for column in range(4) for row in range(count)]
    pairs = ((one, other) for one in nodes for other in nodes if one.column < other.column)
    return _picture.Picture([], nodes, [_picture.Edge(one, ("queries",), other) for one, other in pairs], {}, {})


@pytest.mark.parametrize("count", [1, 3])
def test_no_arrow_runs_below_a_node_or_onto_another(count: int) -> None:
    picture = crowded(count)
    layout = _svg._layout(picture)
    passed = 0
    for arrow, edge in enumerate(picture.edges):
        lanes = layout.lanes.get(arrow, [])
        assert len(lanes) == edge.target.column - edge.source.column - 1
        for left, right, height in lanes:
            passed += 1
            column = [box for box in layout.boxes.values() if left <= box.left < right]
            assert len(column) == count
            assert all(not box.top <= height <= box.top + box.height for box in column)
    heights = [lane for lanes in layout.lanes.values() for lane in lanes]
    assert len(set(heights)) == passed == 4 * count**2


def test_words_stand_above_all_curves_and_arrows_end_apart() -> None:
    picture = crowded(2)
    lines = list(_svg.svg(picture, {}))
    curves = [number for number, line in enumerate(lines) if line.startswith('<g class="link"') and "<path" in line]
    words = [number for number, line in enumerate(lines) if line.startswith('<g class="link"') and "<text" in line]
    assert len(curves) == len(words) == len(picture.edges)
    assert max(curves) < min(words)
    ends = {re.findall(r'([\d.]+ [\d.]+)" marker-end|H[\d.]+" marker-end', lines[number])[0] for number in curves}
    assert len(ends) == len(picture.edges)
