# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture's connections as an SVG: a box a node, in columns, and curves between them."""

from __future__ import annotations

import collections
import dataclasses
import html
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._picture import (
    Edge,
    Key,
    Node,
    Picture,
    cohort_key,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort

# Pixels. A letter of the page's monospaced fonts at 12 px is at most 7.3 wide (DejaVu Sans Mono, the widest: 7.23).
LETTER = 7.3
LINE = 18
PAD = 10
#: Between columns, beside the arrows' words.
GAP_X = 40
GAP_Y = 22
#: Between the beginnings of two arrows of a node.
STEP = 16
#: Behind so many letters the names of a node's row go on in the next line.
WRAP = 38
#: The most letters of a line in a node; longer ones end in an ellipsis, the whole is in the tooltip and below.
LONGEST = 44
#: A letter of an arrow's words, at 11 px.
SMALL_LETTER = 6.7

# Colours of components, by the beginning of their names; the first that fits counts.
COLOURS = (
    ("prometheus", "#e6522c"),
    ("alertmanager", "#c2185b"),
    ("thanos_sidecar", "#8e6bd8"),
    ("thanos", "#5b4bc4"),
    ("grafana", "#b77700"),
    ("load", "#5f6b7a"),
    ("", "#1b7f79"),
)


def colour(kind: str) -> str:
    return next(value for prefix, value in COLOURS if kind.startswith(prefix))


@dataclasses.dataclass(frozen=True, eq=False)
class _Box:
    """A node as it is drawn: its lines, each with the cohort that it is about, and how many arrows leave it."""

    node: Node
    lines: list[tuple[str, Cohort | None]]
    left: float
    top: float
    width: float
    leaving: int

    @property
    def height(self) -> float:
        return max((len(self.lines) + 1) * LINE, self.leaving * STEP) + 2 * PAD


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _node_lines(node: Node, inner: t.Sequence[str]) -> list[tuple[str, Cohort | None]]:
    lines: list[tuple[str, Cohort | None]] = []
    for cohort, name, behind in node.rows:
        names = [*(instance.name for instance in cohort.instances), *([behind] if behind else [])]
        row = f"{name}:" if name else ""
        for name in names:
            if row and len(f"{row} {name}") > WRAP:
                lines.append((row, cohort))
                row = " "
            row = f"{row} {name}" if row else name
        lines.append((row, cohort))
    return lines + [(f"↻ {verb.removesuffix(' in')} within", None) for verb in inner]


@dataclasses.dataclass(frozen=True, eq=False)
class _Layout:
    """Where each node is, by its number.

    :param starts: by arrow, how high it leaves its node.
    :param lanes: by arrow, for each column that it passes, where that begins and ends, and how high the arrow is there.
    """

    boxes: dict[int, _Box]
    starts: dict[int, float]
    lanes: dict[int, list[tuple[float, float, float]]]


def _layout(picture: Picture) -> _Layout:
    """Columns from left to right; in a column, those near that belong to the same neighbours.

    Arrows that pass a column have a place in it as nodes have, so that none runs below a node.
    """
    numbers = {id(node): number for number, node in enumerate(picture.nodes)}
    leaving: dict[int, list[int]] = collections.defaultdict(list)
    coming: dict[int, list[int]] = collections.defaultdict(list)
    for arrow, edge in enumerate(picture.edges):
        leaving[numbers[id(edge.source)]].append(arrow)
        coming[numbers[id(edge.target)]].append(arrow)
    layout = _Layout({}, {}, collections.defaultdict(list))
    heights: dict[int, float] = {}
    left = float(PAD)
    for column in range(max((node.column for node in picture.nodes), default=-1) + 1):
        wanted: list[tuple[float, bool, int]] = []
        for number, node in enumerate(picture.nodes):
            if node.column == column:
                known = [heights[arrow] for arrow in coming[number] if arrow in heights]
                # The mean height of what connects to it: fewer arrows cross, and they run straighter.
                wanted.append((sum(known) / len(known) if known else 0.0, False, number))
        passing = [
            arrow for arrow, edge in enumerate(picture.edges) if edge.source.column < column < edge.target.column
        ]
        wanted += [(heights[arrow], True, arrow) for arrow in passing]
        top, widest = float(PAD), 0.0
        for height, is_arrow, number in sorted(wanted):
            if is_arrow:
                heights[number] = max(top, height)
                top = heights[number] + STEP
                continue
            box = _box(picture, number, left, len(leaving[number]))
            box = layout.boxes[number] = dataclasses.replace(box, top=max(top, height - box.height / 2))
            for turn, arrow in enumerate(leaving[number]):
                heights[arrow] = layout.starts[arrow] = box.top + PAD + 9 + turn * STEP
            top = box.top + box.height + GAP_Y
            widest = max(widest, box.width)
        for arrow in passing:
            layout.lanes[arrow].append((left, left + widest, heights[arrow]))
        beside = (_length(edge) for edge in picture.edges if edge.source.column in (column, column + 1))
        left += widest + max(beside, default=0.0) + GAP_X
    return layout


def _length(edge: Edge) -> float:
    """How long its words are, with some room on both sides."""
    return 10 + len(", ".join(edge.verbs)) * SMALL_LETTER


def _box(picture: Picture, number: int, left: float, leaving: int) -> _Box:
    """A node at the column's beginning and the picture's top."""
    node = picture.nodes[number]
    lines = [(_shortened(text), cohort) for text, cohort in _node_lines(node, picture.inner.get(number, ()))]
    longest = max(len(text) for text in (_shortened(node.title), *(text for text, _cohort in lines)))
    return _Box(node, lines, left, 0.0, longest * LETTER + 2 * PAD, leaving)


def tokens(cohorts: t.Iterable[Cohort], numbers: t.Mapping[Key, int]) -> str:
    """What the script finds things that belong together by: a number for each cohort."""
    return " ".join(f"c{numbers[cohort_key(cohort)]}" for cohort in cohorts)


def svg(picture: Picture, numbers: t.Mapping[Key, int]) -> t.Iterator[str]:
    """The connections, line by line."""
    layout = _layout(picture)
    boxes = layout.boxes
    width = max((box.left + box.width for box in boxes.values()), default=0) + PAD
    lanes = (lane[2] for way in layout.lanes.values() for lane in way)
    height = max((*(box.top + box.height for box in boxes.values()), *lanes), default=0) + PAD
    yield (
        f'<svg id="connections" role="img" aria-label="Who connects to whom" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    words: list[str] = []
    for curve, text, edge in _arrows(picture, layout):
        marks = tokens((*edge.source.cohorts, *edge.target.cohorts), numbers)
        yield f'<g class="link" data-c="{marks}"><path d="{curve}" marker-end="url(#tip)"/></g>'
        words.append(f'<g class="link" data-c="{marks}">{text}</g>')
    yield from words  # above the curves of all
    for box in boxes.values():
        yield from _drawn(box, numbers, picture.neighbours)
    yield "</svg>"


def _arrows(picture: Picture, layout: _Layout) -> t.Iterator[tuple[str, str, Edge]]:
    """Each arrow's path and words.

    It goes from the side of one box to the side of the other that is nearer; between boxes of one column it leaves and
    comes in on the right. A box's arrows begin below one another, and end so, ordered by where they come from.
    """
    by_node = {id(box.node): box for box in layout.boxes.values()}
    run: dict[int, float] = {}
    coming: dict[int, list[tuple[float, int]]] = collections.defaultdict(list)
    for arrow, edge in enumerate(picture.edges):
        # Straight beside the words of all of the box's arrows, so that none crosses them.
        run[id(edge.source)] = max(run.get(id(edge.source), 0.0), _length(edge))
        if edge.target.column > edge.source.column:
            way = layout.lanes.get(arrow)
            coming[id(edge.target)].append((way[-1][2] if way else layout.starts[arrow], arrow))
    turns = {
        arrow: (turn + 1) / (len(arrows) + 1)
        for arrows in coming.values()
        for turn, (_height, arrow) in enumerate(sorted(arrows))
    }
    for arrow, edge in enumerate(picture.edges):
        source, target = by_node[id(edge.source)], by_node[id(edge.target)]
        ahead, back = target.left > source.left, target.left < source.left
        side = -1 if back else 1
        x, y = source.left + (0 if back else source.width), layout.starts[arrow]
        start = x + 6 * side
        text = f'<text x="{start:.0f}" y="{y - 5:.0f}"{" text-anchor=" + chr(34) + "end" + chr(34) if back else ""}>'
        text += f"{html.escape(', '.join(edge.verbs))}</text>"
        curve = f"M{x:.0f} {y:.0f}"
        x += side * run[id(edge.source)]
        curve += f" H{x:.0f}"
        end = (
            (target.left, target.top + target.height * turns[arrow])
            if ahead
            else (target.left + target.width, target.top + target.height - 6)
        )
        for left, right, height in (*layout.lanes.get(arrow, ()), (end[0], end[0], end[1])):
            bend = max(20.0, abs(left - x) / 2)
            into = -bend if ahead else bend
            curve += f" C{x + side * bend:.0f} {y:.0f} {left + into:.0f} {height:.0f} {left:.0f} {height:.0f}"
            curve += f" H{right:.0f}" if right > left else ""
            x, y = right, height
        yield curve, text, edge


def _drawn(box: _Box, numbers: t.Mapping[Key, int], neighbours: t.Mapping[Key, t.Collection[Key]]) -> t.Iterator[str]:
    kind = box.node.cohorts[0].kind.name if box.node.cohorts else ""
    paint = colour(kind) if kind else "#5f6b7a"
    yield f'<g class="node" data-c="{tokens(box.node.cohorts, numbers)}"><title>{html.escape(box.node.title)}</title>'
    yield (
        f'<rect x="{box.left:.0f}" y="{box.top:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="6" '
        f'stroke="{paint}"{" stroke-dasharray=" + chr(34) + "5 4" + chr(34) if not kind else ""}/>'
    )
    x = box.left + PAD
    title = html.escape(_shortened(box.node.title))
    yield f'<text class="title" x="{x:.0f}" y="{box.top + PAD + 11:.0f}">{title}</text>'
    for row, (text, cohort) in enumerate(box.lines, start=1):
        mark = ""
        if cohort is not None:
            near = " ".join(f"c{numbers[key]}" for key in sorted(neighbours[cohort_key(cohort)]) if key in numbers)
            mark = f' data-c="{tokens([cohort], numbers)}" data-n="{near}"'
        y = box.top + PAD + 11 + row * LINE
        yield f'<text class="row" x="{x:.0f}" y="{y:.0f}"{mark} xml:space="preserve">{html.escape(text)}</text>'
    yield "</g>"
