# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/preflight.md from the registry of rules, with the cases of tests/cases as examples and what is said of them.

``python -m scripts.docs`` writes and compares it, with the rest of what is generated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".cache/collections"))

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import _catalogue  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Rule  # noqa: E402 - after sys.path
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_cases  # noqa: E402 - after sys.path

PAGE = ROOT / "docs" / "preflight.md"

#: The letters of the rules, in the order of the page.
FAMILIES = {
    "I": "The inventory itself",
    "P": "Prometheus",
    "A": "Alertmanager",
    "F": "Federation",
    "T": "Thanos",
    "R": "Remote write",
    "G": "Grafana",
    "X": "What shares a host, and what connects hosts",
    "H": "Hosts",
}

INTRODUCTION = """\
# What the preflight checks

<!-- Written by `make docs` from the rules in plugins/plugin_utils/_lint and the cases in tests/cases; change those. -->

Every rule is checked over the whole inventory before any host is touched, and everything found is listed at once:

```
ID severity where: what is wrong. Do: what to change
```

An error stops the run. A warning is printed, and stops it under `prometheus_ha_strict`. What you know better is ignored
by its id and a reason, which still counts it in the summary:

```yaml
prometheus_ha_preflight_ignore:
  - {id: X02, reason: a test site with one of each, hosts: [test-1]}
```

Rules marked *live* ask the hosts; they are checked on request only. An example below is a whole inventory in one file,
hosts.yml, as small as can be. The first one breaks the rule, and no other; below it stands what is said of it. The
second one passes every rule.
"""


def rules() -> list[tuple[Rule[Any], bool]]:
    """Every rule, and whether it is a live one; by family and id."""
    static: tuple[Rule[Any], ...] = (*_catalogue.RULES, *_catalogue.LAST_RULES)
    live: tuple[Rule[Any], ...] = _catalogue.LIVE_RULES
    found = [(rule, False) for rule in static] + [(rule, True) for rule in live]
    letters = list(FAMILIES)
    return sorted(found, key=lambda each: (letters.index(each[0].id[0]), each[0].id, each[1]))


def prose(text: str) -> str:
    """Plain text in Markdown, in a table, too."""
    return text.replace("|", r"\|").replace("<", r"\<").replace("*", r"\*")


def heading(rule: Rule[Any], live: bool) -> str:
    return f"{rule.id} live" if live else rule.id


def table(rows: Iterable[tuple[Rule[Any], bool]]) -> list[str]:
    """The rules of a family at a glance."""
    lines = ["| id | severity | rule | prevents | source |", "|-|-|-|-|-|"]
    for rule, live in rows:
        name = heading(rule, live)
        cells = [rule.severity + (", live" if live else ""), rule.sentence, rule.prevents, rule.source]
        lines.append(f"| [{rule.id}](#{name.lower().replace(' ', '-')}) | {' | '.join(map(prose, cells))} |")
    return lines


def example(rule_id: str, kind: str) -> Path | None:
    """The case that shows a rule best: that of the fewest rules."""
    about = [path for path in support_cases.cases(kind) if rule_id in support_cases.ids(path)]
    return min(about, key=lambda path: (len(support_cases.ids(path)), path.name), default=None)


def said(path: Path) -> list[str]:
    """The findings of a case, its file under the name that readers know it by."""
    return [str(finding).replace(str(path), "hosts.yml") for finding in support_cases.plan(path).findings]


def block(language: str, text: str) -> list[str]:
    return [f"```{language}".rstrip(), *text.strip("\n").split("\n"), "```"]


def section(rule: Rule[Any], live: bool) -> list[str]:
    """A rule with the inventory that breaks it, what is said of it, and one that passes."""
    lines = ["", f"### {heading(rule, live)}", "", prose(rule.sentence), "", f"Prevents: {prose(rule.prevents)}"]
    lines += ["", f"Source: {prose(rule.source)}"]
    if live:
        return lines
    broken, sound = example(rule.id, "reject"), example(rule.id, "accept")
    if broken is not None:
        lines += ["", "Breaks it:", "", *block("yaml", broken.read_text(encoding="utf-8"))]
        lines += ["", *block("", "\n".join(said(broken)))]
    if sound is not None:
        lines += ["", "Passes:", "", *block("yaml", sound.read_text(encoding="utf-8"))]
    return lines


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION.rstrip("\n")]
    every = rules()
    for letter, title in FAMILIES.items():
        family = [each for each in every if each[0].id.startswith(letter)]
        if family:
            lines += ["", f"## {title}", "", *table(family)]
            lines += [line for rule, live in family for line in section(rule, live)]
    return "\n".join(lines) + "\n"
