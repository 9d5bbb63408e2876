# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of the topology as one self-contained HTML page: an SVG of the connections, and the places as boxes.

Nothing is loaded from anywhere, and without scripts all is there; the script only lights up what belongs together.
"""

from __future__ import annotations

import html
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._page_style import SCRIPT, STYLE
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._picture import (
    Key,
    Picture,
    Site,
    cohort_key,
    short,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._svg import colour, svg, tokens
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort


def _places(
    sites: t.Sequence[Site], cohort_of: t.Mapping[tuple[str, str], Cohort], numbers: t.Mapping[Key, int]
) -> t.Iterator[str]:
    yield '<div class="sites">'
    for site in sites:
        hosts = sum(len(domain.hosts) for domain in site.domains)
        yield f'<section class="site"><h3>{html.escape(site.name or "Hosts")} <small>{hosts} hosts</small></h3>'
        yield '<div class="domains">'
        for domain in site.domains:
            yield '<div class="domain">' if domain.name else '<div class="domain open">'
            if domain.name:
                yield f"<h4>{html.escape(domain.name)}</h4>"
            for name, instances in domain.hosts.items():
                cohorts = [cohort_of[name, instance.kind.name] for instance in instances]
                yield f'<div class="host" data-c="{tokens(cohorts, numbers)}"><b>{html.escape(name)}</b>'
                for instance, cohort in zip(instances, cohorts, strict=True):
                    words = html.escape(f"{instance.kind.title} · {short(cohort)}")
                    paint = colour(instance.kind.name)
                    mark = tokens([cohort], numbers)
                    yield f'<span class="chip" style="border-color:{paint}" data-c="{mark}">{words}</span>'
                yield "</div>"
            yield "</div>"
        yield "</div></section>"
    yield "</div>"


def page(picture: Picture, report: str, title: str) -> str:
    """The page. ``report``: the plan as text, shown below the pictures."""
    cohorts = [cohort for node in picture.nodes for cohort in node.cohorts]
    numbers = {cohort_key(cohort): number for number, cohort in enumerate(cohorts)}
    cohort_of = {(instance.name, cohort.kind.name): cohort for cohort in cohorts for instance in cohort.instances}
    name = html.escape(title)
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{STYLE}</style></head><body>",
            f'<header><h1>{name}</h1><input id="find" type="search" placeholder="find a host or a set" '
            'aria-label="find a host or a set"></header>',
            "<h2>Who connects to whom</h2>",
            '<div class="scroll">',
            *svg(picture, numbers),
            "</div>",
            "<h2>Where it runs</h2>",
            *_places(picture.sites, cohort_of, numbers),
            f"<details><summary>The plan as a table</summary><pre>{html.escape(report)}</pre></details>",
            f"<script>{SCRIPT}</script></body></html>",
            "",
        ]
    )
