# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts and folders, really made where the test can, and by a table where it must not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _accounts
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._accounts import Folder
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed, run
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import OK, Commands

MISSING = Completed(2, "", "")


def commands(user: Completed, group: Completed) -> Commands:
    return Commands({"getent passwd": user, "getent group": group, "groupadd": OK, "useradd": OK})


NOBODY = Completed(0, "nobody:x:65534:65533::/:/bin/false\n", "")
GROUP = Completed(0, "nogroup:x:65533:\n", "")
MINE = Commands(
    {
        "getent passwd": Completed(0, f"me:x:{os.getuid()}:{os.getgid()}::/:/bin/sh\n", ""),
        "getent group": Completed(0, f"me:x:{os.getgid()}:\n", ""),
    }
)


def test_a_missing_account_is_made_once_group_first() -> None:
    runner = commands(MISSING, MISSING)
    changes = _accounts.ensure_account("prometheus", "metrics", runner, apply=True)
    assert changes == ["group metrics created", "user prometheus created"]
    made = [line for line in runner.called if not line.startswith("getent")]
    assert made[0] == "groupadd --system metrics"
    assert made[1].startswith("useradd --system --gid metrics --no-create-home --home-dir /nonexistent --shell /")
    assert made[1].endswith("nologin prometheus")


def test_check_mode_says_the_same_and_makes_nothing() -> None:
    runner = commands(MISSING, MISSING)
    changes = _accounts.ensure_account("prometheus", "metrics", runner, apply=False)
    assert changes == ["group metrics created", "user prometheus created"]
    assert all(line.startswith("getent") for line in runner.called)


def test_an_account_that_exists_is_left_alone() -> None:
    runner = commands(NOBODY, GROUP)
    assert _accounts.ensure_account("nobody", "nogroup", runner, apply=True) == []
    assert all(line.startswith("getent") for line in runner.called)


def test_a_refusal_carries_the_hosts_words() -> None:
    runner = commands(MISSING, GROUP)
    runner.table["useradd"] = Completed(1, "", "useradd: cannot lock /etc/passwd")
    with pytest.raises(HAError, match="cannot lock /etc/passwd"):
        _accounts.ensure_account("prometheus", "nogroup", runner, apply=True)
    with pytest.raises(HAError, match="No such file"):
        _accounts.ensure_account("prometheus", "nogroup", Commands({}), apply=True)


def test_the_hosts_own_database_is_read() -> None:
    root = _accounts.lookup("passwd", "root", run)
    assert root
    assert root[2] == "0"
    assert _accounts.lookup("passwd", "no-such-user-here", run) is None


def test_a_folder_is_made_with_its_mode_and_then_left(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "a/b"), "me", "me", 0o750)
    assert _accounts.ensure_folder(folder, MINE, apply=False) == [f"folder {folder.path} created"]
    assert not (tmp_path / "a").exists()
    assert _accounts.ensure_folder(folder, MINE, apply=True) == [f"folder {folder.path} created"]
    assert stat.S_IMODE(os.stat(folder.path).st_mode) == 0o750
    assert _accounts.ensure_folder(folder, MINE, apply=True) == []


def test_owner_and_mode_are_put_right(tmp_path: Path) -> None:
    assert os.geteuid() == 0, "run this test as root, as the module does"
    folder = Folder(str(tmp_path / "a"), "nobody", "nogroup")
    (tmp_path / "a").mkdir(mode=0o777)
    (tmp_path / "a").chmod(0o777)
    runner = commands(NOBODY, GROUP)
    wanted = [
        f"folder {folder.path} handed to nobody:nogroup",
        f"folder {folder.path}: mode 0777 became 0750",
    ]
    assert _accounts.ensure_folder(folder, runner, apply=False) == wanted
    assert os.stat(folder.path).st_uid == 0
    assert _accounts.ensure_folder(folder, runner, apply=True) == wanted
    now = os.stat(folder.path)
    assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (65534, 65533, 0o750)
    assert _accounts.ensure_folder(folder, runner, apply=True) == []


def test_check_mode_before_the_account_exists(tmp_path: Path) -> None:
    runner = commands(MISSING, MISSING)
    assert _accounts.ensure_folder(Folder(str(tmp_path), "x", "x", 0o700), runner, apply=False) == [
        f"folder {tmp_path} handed to x:x"
    ]
    with pytest.raises(HAError, match="no user x with a group x"):
        _accounts.ensure_folder(Folder(str(tmp_path), "x", "x", 0o700), runner, apply=True)


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(HAError, match="not a folder"):
        _accounts.ensure_folder(Folder(str(tmp_path / "a"), "me", "me"), MINE, apply=True)


def test_a_link_is_followed_only_when_root_made_it(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir(mode=0o755)
    link.symlink_to(target)
    assert _accounts.ensure_folder(Folder(str(link), "me", "me"), MINE, apply=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    os.lchown(link, 65534, 65534)
    with pytest.raises(HAError, match="symbolic link that root did not make"):
        _accounts.ensure_folder(Folder(str(link), "me", "me", 0o777), MINE, apply=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
