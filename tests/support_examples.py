# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the plugins, as a playbook that runs each three times, and what such a run must show.

For the tests that have hosts: tests/integration/test_examples.py and the scenario thanos.
"""

from __future__ import annotations

import ast
import json
import re
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
#: Folders of plugins/ whose files have no examples of their own; an action has those of its module.
WITHOUT_EXAMPLES = {"action", "doc_fragments", "module_utils", "plugin_utils"}
PLUGINS = sorted(
    f"{folder.name}/{path.stem}"
    for folder in (ROOT / "plugins").iterdir()
    if folder.is_dir() and folder.name not in WITHOUT_EXAMPLES
    for path in folder.glob("[!_]*.py")
)


def text(plugin: str, name: str) -> str:
    """What the plugin's file assigns to that name; empty when it does not."""
    for node in ast.parse((ROOT / "plugins" / f"{plugin}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [name] == [getattr(target, "id", "") for target in node.targets]:
            return str(ast.literal_eval(node.value))
    return ""


def nothing(_task: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {}


def playbook(
    folder: Path,
    examples: str,
    host: str,
    *,
    before: str = "",
    defaults: t.Callable[[dict[str, t.Any]], dict[str, t.Any]] = nothing,
) -> tuple[Path, int]:
    """Each example in three plays of one run (check, run, again), since a later one may use what an earlier registers.

    :param before: tasks that make what they find.
    :param defaults: the module_defaults of an example, by its first task.
    :returns: the playbook, and how many examples it has.
    """
    plays = [{"name": "before", "hosts": host, "become": True, "tasks": yaml.safe_load(before or "[]")}]
    written = [part for part in re.split(r"^(?=- )", examples, flags=re.MULTILINE) if part.strip()]
    for number, example in enumerate(written):
        (folder / f"example{number}.yml").write_text(example)
        for attempt in ("check", "run", "again"):
            play = {
                "name": f"{attempt} {number}",
                "hosts": host,
                "become": True,
                "gather_facts": False,
                "check_mode": attempt == "check",  # what --check sets for every play
                "module_defaults": defaults(yaml.safe_load(example)[0]),
                "tasks": [{"ansible.builtin.import_tasks": f"example{number}.yml"}],
            }
            plays.append(play)
    path = folder / "playbook.yml"
    path.write_text(json.dumps(plays))
    return path, len(written)


def judge(output: str, count: int) -> None:
    """Check mode said what then happened, and the second run changed nothing."""
    shown = dict(re.findall(r"^PLAY \[(\w+ \d+)\] \**\n(.*?)(?=^PLAY )", output, re.DOTALL | re.MULTILINE))
    assert len(shown) == 3 * count, output
    changed = {name: re.search(r"^changed: ", part, re.MULTILINE) is not None for name, part in shown.items()}
    for number in range(count):
        assert changed[f"check {number}"] == changed[f"run {number}"], f"check mode is wrong about {number}\n{output}"
        assert not changed[f"again {number}"], f"the second run of {number} changes something\n{output}"
