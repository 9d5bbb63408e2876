# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/reference/modelled_variables.md from the tables of the components that are modelled and have no role.

``python -m scripts.docs`` writes and compares it, with the rest of what is generated.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Kind

NAME = "modelled_variables.md"
TITLE = "variables of components that the preflight checks and the plan draws, and that no role rolls out yet"

_INTRODUCTION = f"""\
# Modelled components

<!-- Written by `make docs` from the tables in plugins/plugin_utils/_components; change those. -->

The {TITLE}. They say how
such a component runs; the rules of the [preflight](../preflight.md) are checked with them. Variables of all components
(`prometheus_ha_*`) are in the references of the [roles](role_prometheus.md).
"""


def _described(text: str) -> str:
    """A description with Ansible's markup as Markdown; a line of its own, without what would end a list's item."""
    return " ".join(re.sub(r"\b[CVO]\(([^)]*)\)", r"`\1`", text).split())


def _line(option: Option) -> str:
    words = [f"list of {option.elements}" if option.elements else option.type]
    if option.default is not None:
        words.append(f"default `{json.dumps(option.default, ensure_ascii=False)}`")
    elif option.shown_default:
        words.append(f"default: {_described(option.shown_default)}")
    text = _described(option.description)
    if option.choices:
        text += f" One of {', '.join(f'`{choice}`' for choice in option.choices)}."
    if option.keys:
        text += f" Keys: {', '.join(f'`{key}`' for key in option.keys)}."
    return f"- `{option.name}` ({', '.join(words)}): {text}"


def _group_defaults(kind: Kind) -> Iterator[str]:
    for group in kind.groups:
        if group.defaults:
            given = ", ".join(f"`{name}: {value}`" for name, value in sorted(group.defaults.items()))
            yield f"Hosts of `{group.name}` have the defaults {given}."


def _section(kind: Kind, shared: Iterable[str]) -> Iterator[str]:
    groups = " or ".join(f"`{group.name}`" for group in kind.groups)
    yield f"## {kind.title}"
    yield ""
    where = f"Hosts of the group {groups}"
    yield f"{where}, where `{kind.enabled_by}` is true." if kind.enabled_by else f"{where}."
    yield from _group_defaults(kind)
    yield ""
    yield from map(_line, sorted(kind.options, key=lambda option: option.name))
    also = sorted({option.name for option in kind.borrowed} & set(shared))
    if also:
        yield ""
        yield f"It also reads {', '.join(f'`{name}`' for name in also)}, as [all below](#shared) do."
    yield ""


def page() -> str:
    """The page."""
    kinds = [component.kind for component in _registry.COMPONENTS if component.render is None]
    known = {option.name for component in _registry.COMPONENTS for option in component.kind.options}
    shared = {option.name: option for kind in kinds for option in kind.borrowed if option.name not in known}
    lines = [line for kind in kinds for line in _section(kind, shared)]
    for component in _registry.COMPONENTS:
        defaults = list(_group_defaults(component.kind)) if component.render else []
        if defaults:
            role = f"Its variables are in the [role's reference](role_{component.kind.name}.md)."
            lines += [f"## {component.kind.title}", "", role, *defaults, ""]
    lines += ["## Shared", "", "What several of them read.", "", *(_line(shared[name]) for name in sorted(shared))]
    return _INTRODUCTION + "\n" + "\n".join(lines).rstrip() + "\n"
