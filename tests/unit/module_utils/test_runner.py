# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands never raise for their outcome."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
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


def test_more_variables() -> None:
    assert run(["sh", "-c", "echo $LC_ALL $PROXY"], variables={"PROXY": "a b"}).stdout == "C a b\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can be somebody else")
def test_as_another_account() -> None:
    done = run(["sh", "-c", "id -un; id -G; echo $HOME $USER"], account="nobody")
    entry = pwd.getpwnam("nobody")
    assert done.stdout == f"nobody\n{entry.pw_gid}\n{entry.pw_dir} nobody\n"
    assert run(["true"], account="no-such").words == "true: there is no account no-such"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can be anybody")
def test_who_is_not_root_can_not_be_another() -> None:
    assert run(["true"], account="root").words == "true: cannot be run as root"
