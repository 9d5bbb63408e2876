# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands never raise for their outcome."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import run


def test_both_streams_and_the_code(tmp_path: Path) -> None:
    done = run(["sh", "-c", "pwd; echo $LC_ALL; echo wrong >&2; exit 3"], cwd=str(tmp_path))
    assert (done.rc, done.stdout, done.stderr) == (3, f"{tmp_path}\nC\n", "wrong\n")
    assert done.words == f"wrong\n{tmp_path}\nC"


def test_no_shell_and_no_input() -> None:
    assert run(["echo", "$HOME; *"]).stdout == "$HOME; *\n"
    assert run(["cat"]).stdout == ""


def test_a_missing_program_and_one_that_hangs() -> None:
    assert run(["/nonexistent/x"]).rc == 127
    assert "No such file" in run(["/nonexistent/x"]).words
    slow = run(["sleep", "5"], timeout=0.1)
    assert (slow.rc, slow.words) == (124, "sleep: not finished after 0.1 s")
