# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the topology as a Mermaid flowchart, for a README or a merge request."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._picture import Node, Picture

# As entity codes of Mermaid's own (its documentation, "Special characters that break syntax"), # first.
_ENTITIES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;"}


def _text(*lines: str) -> str:
    escaped = ("".join(_ENTITIES.get(letter, letter) for letter in " ".join(line.split())) for line in lines)
    return '"' + "<br/>".join(escaped) + '"'


def _members(node: Node) -> list[str]:
    """A line a cohort: its name and its hosts."""
    return [
        (f"{name}: " if name else "")
        + ", ".join(instance.name for instance in cohort.instances)
        + f" {behind}".rstrip()
        for cohort, name, behind in node.rows
    ]


def mermaid(picture: Picture) -> str:
    """A flowchart: sites and failure domains as boxes with their hosts, then who connects to whom."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> t.Iterator[str]:
    yield "flowchart LR"
    yield f"  subgraph connections [{_text('Who connects to whom')}]"
    for number, node in enumerate(picture.nodes):
        shape = "([{}])" if node.outside else "[{}]"
        yield f"    n{number}{shape.format(_text(node.title, *_members(node)))}"
    yield "  end"
    numbers = {id(node): number for number, node in enumerate(picture.nodes)}
    for edge in picture.edges:
        yield f"  n{numbers[id(edge.source)]} -->|{_text(', '.join(edge.verbs))}| n{numbers[id(edge.target)]}"
    for number, verbs in picture.inner.items():
        yield f"  n{number} -->|{_text(', '.join(verbs))}| n{number}"
    host = 0
    for place, site in enumerate(picture.sites):
        yield f"  subgraph s{place} [{_text(site.name or 'Hosts')}]"
        for rack, domain in enumerate(site.domains):
            if domain.name:
                yield f"    subgraph s{place}d{rack} [{_text(domain.name)}]"
            for name, instances in domain.hosts.items():
                yield f"      h{host}[{_text(name, *(instance.kind.title for instance in instances))}]"
                host += 1
            if domain.name:
                yield "    end"
        yield "  end"
