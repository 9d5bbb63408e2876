# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture's connections as an SVG: a box a node, in columns, and curves between them."""

from __future__ import annotations

import collections
import dataclasses
import html
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._picture import Key, Node, Picture, cohort_key
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort

# Pixels. A letter of the page's monospaced fonts at 12 px is at most 7.3 wide (DejaVu Sans Mono, the widest: 7.23).
LETTER = 7.3
LINE = 18
PAD = 10
GAP_X = 170
GAP_Y = 22
#: Between the beginnings of two arrows of a node.
STEP = 14
#: The most letters of a line in a node; longer ones end in an ellipsis, the whole is in the tooltip and below.
LONGEST = 64

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

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _node_lines(node: Node, inner: t.Sequence[str]) -> list[tuple[str, Cohort | None]]:
    lines: list[tuple[str, Cohort | None]] = []
    for cohort, name, behind in node.rows:
        names = [*(instance.name for instance in cohort.instances), *([behind] if behind else [])]
        row = f"{name}:" if name else ""
        for name in names:
            if row and len(f"{row} {name}") > LONGEST:
                lines.append((row, cohort))
                row = " "
            row = f"{row} {name}" if row else name
        lines.append((row, cohort))
    return lines + [(f"↻ {verb.removesuffix(' in')} within", None) for verb in inner]


def _boxes(picture: Picture) -> dict[int, _Box]:
    """Where each node is: columns from left to right, in a column those that belong to the same neighbours near."""
    columns: dict[int, list[tuple[int, Node]]] = {}
    for number, node in enumerate(picture.nodes):
        columns.setdefault(node.column, []).append((number, node))
    numbers = {id(node): number for number, node in enumerate(picture.nodes)}
    before: dict[int, list[int]] = {}
    leaving = collections.Counter(id(edge.source) for edge in picture.edges)
    for edge in picture.edges:
        before.setdefault(numbers[id(edge.target)], []).append(numbers[id(edge.source)])
    boxes: dict[int, _Box] = {}
    left = float(PAD)
    for column in sorted(columns):

        def pull(number: int) -> float:
            """The mean height of what connects to it: fewer arrows cross, and they run straighter."""
            known = [boxes[source].middle for source in before.get(number, ()) if source in boxes]
            return sum(known) / len(known) if known else 0.0

        top, widest = float(PAD), 0.0
        for number, node in sorted(columns[column], key=lambda item: (pull(item[0]), item[0])):
            lines = [(_shortened(text), cohort) for text, cohort in _node_lines(node, picture.inner.get(number, ()))]
            longest = max(len(text) for text in (_shortened(node.title), *(text for text, _cohort in lines)))
            box = _Box(node, lines, left, top, longest * LETTER + 2 * PAD, leaving[id(node)])
            box = dataclasses.replace(box, top=max(top, pull(number) - box.height / 2))
            boxes[number] = box
            top = box.top + box.height + GAP_Y
            widest = max(widest, box.width)
        left += widest + GAP_X
    return boxes


def tokens(cohorts: t.Iterable[Cohort], numbers: t.Mapping[Key, int]) -> str:
    """What the script finds things that belong together by: a number for each cohort."""
    return " ".join(f"c{numbers[cohort_key(cohort)]}" for cohort in cohorts)


def svg(picture: Picture, numbers: t.Mapping[Key, int]) -> t.Iterator[str]:
    """The connections, line by line."""
    boxes = _boxes(picture)
    by_node = {id(box.node): box for box in boxes.values()}
    width = max((box.left + box.width for box in boxes.values()), default=0) + PAD
    height = max((box.top + box.height for box in boxes.values()), default=0) + PAD
    yield (
        f'<svg id="connections" role="img" aria-label="Who connects to whom" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    leaving: dict[int, int] = {}
    for edge in picture.edges:
        source, target = by_node[id(edge.source)], by_node[id(edge.target)]
        turn = leaving[id(source)] = leaving.get(id(source), -1) + 1
        yield from _arrow(
            source, target, edge.verbs, turn, tokens((*edge.source.cohorts, *edge.target.cohorts), numbers)
        )
    for box in boxes.values():
        yield from _drawn(box, numbers, picture.neighbours)
    yield "</svg>"


def _arrow(source: _Box, target: _Box, verbs: t.Sequence[str], turn: int, marks: str) -> t.Iterator[str]:
    """A curve from the side of one box to the side of the other that is nearer; a box's arrows start below one another.

    Between boxes of one column it leaves and comes in on the right.
    """
    ahead, back = target.left > source.left, target.left < source.left
    start_x = source.left if back else source.left + source.width
    end_x = target.left if ahead else target.left + target.width
    start_y = source.top + PAD + 9 + turn * STEP
    end_y = target.middle if ahead else target.top + target.height - 6
    bend = max(60.0, abs(end_x - start_x) / 2)
    out, into = (-bend, bend) if back else (bend, -bend if ahead else bend)
    curve = (
        f"M{start_x:.0f} {start_y:.0f} C{start_x + out:.0f} {start_y:.0f} {end_x + into:.0f} {end_y:.0f} "
        f"{end_x:.0f} {end_y:.0f}"
    )
    words = html.escape(", ".join(verbs))
    place = f'x="{start_x - 6:.0f}" text-anchor="end"' if back else f'x="{start_x + 6:.0f}"'
    yield f'<g class="link" data-c="{marks}"><path d="{curve}" marker-end="url(#tip)"/>'
    yield f'<text {place} y="{start_y - 4:.0f}">{words}</text></g>'


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
