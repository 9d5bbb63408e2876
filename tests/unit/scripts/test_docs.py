# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The generated reference: markup, nesting, and when it counts as stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import docs


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("I(a) B(b) C(c)", "*a* **b** `c`"),
        (r"V(a\)b\\c) E(HOME)", r"`a)b\c` `HOME`"),
        ("O(files[].path=x)", "`files[].path=x`"),
        ("RV(ns.coll.mod#module:foo.bar)", "`foo.bar`"),
        ("P(ansible.builtin.file#lookup) M(ns.coll.mod)", "`ansible.builtin.file` `ns.coll.mod`"),
        (
            "L(the docs, https://a.example/b) U(https://a.example)",
            "[the docs](https://a.example/b) <https://a.example>",
        ),
        ("call RAM(x) and f(x)", "call RAM(x) and f(x)"),
    ],
)
def test_markup(markup: str, expected: str) -> None:
    assert docs.markdown(markup) == expected


def test_options_are_nested_and_required_ones_come_first() -> None:
    specs = {
        "a": {"type": "str", "description": "One.", "default": "x", "choices": ["x", "y"]},
        "z": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "description": ["Two.", "Three."],
            "suboptions": {"path": {"type": "path", "description": "Where."}},
        },
    }
    assert docs.fields(specs) == [
        "- **`z`** (list of dict, required): Two. Three.",
        "  - **`path`** (path): Where.",
        '- **`a`** (str, default `"x"`): One. One of `x`, `y`.',
    ]


def test_page_of_a_module_and_the_index() -> None:
    entry = {
        "doc": {
            "short_description": "Do it",
            "description": ["It is done."],
            "options": {},
            "attributes": {"check_mode": {"description": "Can.", "support": "partial", "details": "Not all."}},
        },
        "examples": "- ns.coll.mod:\n",
        "return": {"found": {"type": "str", "returned": "always", "description": "What."}},
    }
    role = {"entry_points": {"main": {"short_description": "A role", "options": {}}}}
    pages = docs.pages({"module": {"ns.coll.mod": entry}, "role": {"ns.coll.app": role}})
    assert sorted(pages) == ["README.md", "module_mod.md", "role_app.md"]
    assert "- [mod](module_mod.md): Do it\n" in pages["README.md"]
    assert "- **check_mode**: partial. Not all.\n" in pages["module_mod.md"]
    assert "```yaml\n- ns.coll.mod:\n```\n" in pages["module_mod.md"]
    assert "- **`found`** (str, returned: always): What.\n" in pages["module_mod.md"]
    assert "No options." in pages["role_app.md"]


def test_stale_names_changed_missing_and_left_over_pages(tmp_path: Path) -> None:
    for name, text in (("same.md", "s"), ("changed.md", "old"), ("left.md", "l")):
        (tmp_path / name).write_text(text)
    wanted = {"same.md": "s", "changed.md": "new", "missing.md": "m"}
    assert docs.stale(wanted, tmp_path) == ["changed.md", "left.md", "missing.md"]
