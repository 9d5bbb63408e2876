# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that the host's room keeps to Python 3.8, the oldest one that ansible-core 2.19 manages hosts with.

Needs no Python 3.8: the grammar of 3.8 by ``ast``, and vermin's table of when a module, function or argument of the
standard library appeared. `make sanity` compiles and imports with a real Python 3.8 where the machine has one.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("plugins/modules", "plugins/module_utils", "plugins/doc_fragments")
OLDEST = (3, 8)
#: What vermin is wrong about, and why.
EXCLUDED = {
    "file": "taken for Python 2's built-in function; here it names a variable",
    "hashlib.md5(usedforsecurity)": "_reload does without it where Python does not know it",
}


def grammar_errors(paths: list[Path]) -> list[str]:
    """Where a file uses grammar newer than OLDEST."""
    errors = []
    for path in paths:
        try:
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST)
        except SyntaxError as error:
            errors.append(f"{path}:{error.lineno}: {error.msg}")
    return errors


def main() -> int:
    """Check all files of the room.

    :return: the exit code.
    """
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    errors = grammar_errors(paths)
    print("\n".join(errors) or f"{len(paths)} files keep to the grammar of Python {OLDEST[0]}.{OLDEST[1]}")
    # `-t 3.8-` refuses what needs more than 3.8; annotations are not evaluated (every file postpones them).
    argv = ["vermin", "--quiet", "--no-tips", "--target=3.8-", "--violations", "--no-eval-annotations"]
    argv += [word for name in EXCLUDED for word in ("--exclude", name)]
    done = subprocess.run([*argv, *map(str, paths)], check=False)
    return 1 if errors or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
