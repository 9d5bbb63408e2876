# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/reference from what ansible-doc says about the plugins and roles, and what other pages say of the code.

These are docs/preflight.md, rule-packages.md and dashboards.md; the dashboards' own files come along. The documentation
lives with the code, once; these pages are for those who read on the web. ``--check`` only compares.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts import dashboard_docs, modelled_docs, preflight_docs, rule_package_docs

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
COLLECTION = "baremetal.prometheus_ha"
#: ansible-doc's kinds in the order of the index, and their headings.
KINDS = {"role": "Roles", "module": "Modules", "filter": "Filters", "lookup": "Lookups", "callback": "Callbacks"}

Docs = Mapping[str, Any]

# https://docs.ansible.com/ansible-core/2.19/dev_guide/developing_modules_documenting.html, "Linking and other format
# macros within module documentation"; `\)` and `\\` are escapes inside the macros from V on.
_MACRO = re.compile(
    r"\b(?:(?P<plain>[IBCMURL])\((?P<text>[^)]*)\)"
    r"|(?P<semantic>[VEOP]|RV)\((?P<value>(?:\\.|[^)\\])*)\))"
)


def _macro(match: re.Match[str]) -> str:
    kind, text = match["plain"], match["text"]
    if kind is None:
        value = re.sub(r"\\(.)", r"\1", match["value"])
        # `plugin.fqcn#type:name=value` names its plugin in front; a reader sees the plugin from the sentence.
        return f"`{value.rpartition('#')[0] if match['semantic'] == 'P' else re.sub('^[^:=]*#[a-z]+:', '', value)}`"
    first, _comma, second = (part.strip() for part in text.partition(","))
    return {"I": f"*{text}*", "B": f"**{text}**", "U": f"<{text}>", "L": f"[{first}]({second})", "R": first}.get(
        kind, f"`{text}`"
    )


def markdown(text: object) -> str:
    """Ansible's documentation markup as Markdown."""
    return _MACRO.sub(_macro, str(text)).replace("HORIZONTALLINE", "\n---\n").strip()


def paragraphs(text: object) -> list[str]:
    """A description, which is a sentence or a list of them."""
    return [markdown(one) for one in (text if isinstance(text, list) else [text] if text else [])]


def _kind_of(spec: Docs) -> str:
    kind = str(spec.get("type", "str"))
    words = [f"{kind} of {spec['elements']}" if "elements" in spec else kind]
    if spec.get("required"):
        words.append("required")
    if spec.get("default") is not None:
        words.append(f"default `{json.dumps(spec['default'], ensure_ascii=False, default=str)}`")
    if "returned" in spec:
        words.append(f"returned: {spec['returned']}")
    if spec.get("version_added") not in (None, "1.0.0"):
        words.append(f"since {spec['version_added']}")
    return ", ".join(words)


def _choices(choices: object) -> str:
    if isinstance(choices, Mapping):
        return "; ".join(f"`{choice}` ({' '.join(paragraphs(text))})" for choice, text in choices.items())
    assert isinstance(choices, list)
    return ", ".join(f"`{choice}`" for choice in choices)


def fields(specs: Docs, depth: int = 0) -> list[str]:
    """Options or return values as a nested list."""
    lines = []
    for name, spec in sorted(specs.items(), key=lambda item: (not item[1].get("required"), item[0])):
        names = ", ".join(f"`{each}`" for each in (name, *spec.get("aliases", ())))
        text = [" ".join(paragraphs(spec.get("description")))]
        if spec.get("choices"):
            text.append(f"One of {_choices(spec['choices'])}.")
        indent = "  " * depth
        lines.append(f"{indent}- **{names}** ({_kind_of(spec)}): {' '.join(text).strip()}")
        if spec.get("sample") is not None:
            lines.append(f"{indent}  Sample: `{json.dumps(spec['sample'], ensure_ascii=False, default=str)}`")
        lines += fields(spec.get("suboptions") or spec.get("options") or spec.get("contains") or {}, depth + 1)
    return lines


def _section(heading: str, lines: list[str]) -> list[str]:
    return ["", f"## {heading}", "", *lines] if lines else []


def _separated(texts: list[str]) -> list[str]:
    return "\n\n".join(texts).split("\n")


def plugin_page(name: str, kind: str, entry: Docs) -> str:
    """The page of a module, filter, lookup or callback."""
    doc = entry["doc"]
    positional = doc.get("positional") or ""
    arguments = [positional] if isinstance(positional, str) else positional
    attributes = [
        f"- **{attribute}**: {about['support']}. {' '.join(paragraphs(about.get('details')))}".rstrip()
        for attribute, about in sorted((doc.get("attributes") or {}).items())
    ]
    lines = [
        f"# {name} ({kind})",
        "",
        markdown(doc["short_description"]),
        *_section("Synopsis", _separated(paragraphs(doc.get("description")))),
        *_section("Requirements", [f"- {each}" for each in paragraphs(doc.get("requirements"))]),
        *_section("Positional arguments", [", ".join(f"`{each}`" for each in arguments if each)] if positional else []),
        *_section("Options", fields(doc.get("options") or {})),
        *_section("Attributes", attributes),
        *_section("Notes", [f"- {each}" for each in paragraphs(doc.get("notes"))]),
    ]
    if entry.get("examples"):
        lines += _section("Examples", ["```yaml", *str(entry["examples"]).strip("\n").split("\n"), "```"])
    lines += _section("Return values", fields(entry.get("return") or {}))
    return "\n".join(lines).rstrip() + "\n"


def role_page(name: str, entry: Docs) -> str:
    """The page of a role with all of its entry points."""
    lines = [f"# {name} (role)"]
    for point, doc in sorted(entry["entry_points"].items(), key=lambda item: (item[0] != "main", item[0])):
        lines += ["", f"## Entry point `{point}`", "", markdown(doc.get("short_description", ""))]
        lines += ["", *_separated(paragraphs(doc.get("description")))]
        lines += ["", *(fields(doc.get("options") or {}) or ["No options."])]
    return "\n".join(lines).rstrip() + "\n"


def pages(dump: Mapping[str, Docs]) -> dict[str, str]:
    """All pages by file name, the index included."""
    result = {}
    index = [f"# Reference of {COLLECTION}", "", "Generated by `make docs` from the plugins' and roles' documentation."]
    for kind, heading in KINDS.items():
        entries = dump.get(kind) or {}
        if entries:
            index += ["", f"## {heading}", ""]
        for name, entry in sorted(entries.items()):
            short = name.rpartition(".")[2]
            page = f"{kind}_{short}.md"
            result[page] = role_page(name, entry) if kind == "role" else plugin_page(name, kind, entry)
            about = entry["entry_points"].get("main", {}) if kind == "role" else entry["doc"]
            index.append(f"- [{short}]({page}): {markdown(about.get('short_description', ''))}")
    index += [
        "",
        "## Variables without a role",
        "",
        f"- [Modelled components]({modelled_docs.NAME}): {modelled_docs.TITLE}",
    ]
    return {"README.md": "\n".join(index) + "\n", **result}


def dump_docs() -> dict[str, Docs]:
    """Everything that ansible-doc knows of the collection.

    :raises SystemExit: with ansible-doc's own words, when a documentation is broken.
    """
    argv = ["ansible-doc", "--metadata-dump", COLLECTION]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=ROOT, timeout=110)
    if done.returncode:
        raise SystemExit(f"ansible-doc cannot read the documentation:\n{done.stderr or done.stdout}")
    dumped: dict[str, dict[str, Docs]] = json.loads(done.stdout)
    return dumped["all"]


def stale(wanted: Mapping[str, str], folder: Path, suffix: str = ".md") -> list[str]:
    """Names of a folder's files with a suffix that differ from the wanted ones, are missing or should not be there."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob(f"*{suffix}")}
    return sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))


def write(wanted: Mapping[str, str], folder: Path, names: list[str]) -> None:
    """Make some of a folder's files what they should be; those that are not wanted go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def main(arguments: list[str]) -> int:
    """Write what is generated below docs, or compare it with ``--check``.

    :return: the exit code; 1 when a committed page is stale.
    """
    reference = {**pages(dump_docs()), modelled_docs.NAME: modelled_docs.page()}
    # Beside these lie pages by hand, which are nobody's here.
    rules = {each.PAGE: each.page() for each in (preflight_docs, rule_package_docs, dashboard_docs)}
    dashboards = dashboard_docs.files()
    different = stale(reference, REFERENCE)
    boards = stale(dashboards, dashboard_docs.FOLDER, ".json")
    changed = [page.name for page, text in rules.items() if page.name in stale({page.name: text}, page.parent)]
    if arguments == ["--check"]:
        for name in (*(f"reference/{name}" for name in different), *changed):
            print(f"docs/{name} is not what the code says; run `make docs`")
        for name in boards:
            print(f"playbooks/files/dashboards/{name} is not what the code says; run `make docs`")
        return 1 if different or changed or boards else 0
    write(reference, REFERENCE, different)
    write(dashboards, dashboard_docs.FOLDER, boards)
    for page, text in rules.items():
        if page.name in changed:
            page.write_text(text, encoding="utf-8")
    total, done = len(reference) + len(rules) + len(dashboards), len(different) + len(changed) + len(boards)
    print(f"docs: {total} files are generated, {done} written or removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
