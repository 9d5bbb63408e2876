# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write roles/<component>/meta/argument_specs.yml from the components' tables, or with --check say which are stale."""

from __future__ import annotations

import pathlib
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _common, _registry  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import (  # noqa: E402 - after sys.path
    Component,
    to_yaml,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option  # noqa: E402 - after sys.path

HEADER = "---\n# Written by scripts/argument_specs.py from the component's table; change it there.\n"


def row(option: Option) -> dict[str, t.Any]:
    """An option as documentation."""
    described = [option.description]
    if option.shown_default:
        described.append(f"The default is {option.shown_default}.")
    if option.shared:
        described.append("Set it in the inventory, since other hosts' configuration depends on it.")
    return {"description": described, **option.argument_spec()}


def spec(component: Component) -> dict[str, t.Any]:
    """The argument specs of a component's role."""
    kind = component.kind
    return {
        "argument_specs": {
            "main": {
                "short_description": f"{kind.title} as members of a {kind.cohort}",
                "description": [
                    f"Rolls {kind.title} out on the hosts of the play from the plan of the whole inventory.",
                    f"What serves is changed in waves; no two members of a {kind.cohort} at once.",
                ],
                "author": ["The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)"],
                "options": {option.name: row(option) for option in (*kind.options, *kind.borrowed, *_common.COMMON)},
            }
        }
    }


def render(component: Component) -> str:
    return HEADER + to_yaml(spec(component), width=100).split("\n", 1)[1]


def main() -> int:
    stale = []
    for component in _registry.COMPONENTS:
        if component.render is None:
            continue
        path = ROOT / "roles" / component.kind.name / "meta" / "argument_specs.yml"
        text = render(component)
        if path.exists() and path.read_text() == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for name in stale:
        print(f"{name}: {'stale; run scripts/argument_specs.py' if '--check' in sys.argv[1:] else 'written'}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
