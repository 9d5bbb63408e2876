# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system user and group of a component, and its folders."""

from __future__ import annotations

import dataclasses
import os
import stat
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder as it should be; its parents, where missing, become root's (0755)."""

    path: str
    owner: str
    group: str
    mode: int = 0o750


def lookup(database: str, name: str, runner: Runner) -> list[str] | None:
    """The fields of an entry of ``passwd`` or ``group``, from wherever the host has them; None when there is none.

    :raises HAError: when the host cannot say.
    """
    done = runner(["getent", database, name])
    if done.rc == 0 and done.stdout.strip():
        return done.stdout.splitlines()[0].split(":")
    if done.rc == 2:  # getent(1): "key could not be found in the database"
        return None
    raise HAError(f"cannot look {name} up in {database}", where="getent", said=done.words)


def ensure_account(user: str, group: str, runner: Runner, *, apply: bool) -> list[str]:
    """A system user and group that nobody logs in as; an account that exists is left as it is.

    :returns: what was done (without ``apply``: would be done), in sentences.
    :raises HAError: when the host refuses.
    """
    changes = []
    if lookup("group", group, runner) is None:
        changes.append(f"group {group} created")
        _do(["groupadd", "--system", group], runner, apply)
    if lookup("passwd", user, runner) is None:
        changes.append(f"user {user} created")
        nologin = next((path for path in ("/usr/sbin/nologin", "/sbin/nologin") if os.path.exists(path)), "/bin/false")
        command = ["useradd", "--system", "--gid", group, "--no-create-home", "--home-dir", "/nonexistent"]
        _do([*command, "--shell", nologin, user], runner, apply)
    return changes


def _do(argv: t.Sequence[str], runner: Runner, apply: bool) -> None:
    if not apply:
        return
    done = runner(argv)
    if done.rc != 0:
        raise HAError(f"{argv[0]} {argv[-1]} failed", where=argv[-1], said=done.words)


def ensure_folder(folder: Folder, runner: Runner, *, apply: bool) -> list[str]:
    """A folder with its owner and mode (bits below 07777); what it holds is not touched.

    A symbolic link to a folder is followed only when root made it, so that the owner of a parent folder cannot have
    another folder handed over.

    :returns: what was done (without ``apply``: would be done), in sentences.
    :raises HAError: when something else is in its place, or its owner does not exist.
    """
    changes = []
    ids = _ids(folder, runner)
    if apply and not ids:
        raise HAError(f"there is no user {folder.owner} with a group {folder.group}", where=folder.path)
    created = not os.path.lexists(folder.path)
    if created:
        if not apply:
            return [f"folder {folder.path} created"]
        os.makedirs(os.path.dirname(folder.path) or "/", mode=0o755, exist_ok=True)
        os.mkdir(folder.path, 0o700)
    if os.path.islink(folder.path) and os.lstat(folder.path).st_uid not in (0, os.geteuid()):
        raise HAError("this is a symbolic link that root did not make", where=folder.path, do="Make it a folder.")
    if not os.path.isdir(folder.path):
        raise HAError("this is not a folder", where=folder.path, do="Move it away.")
    descriptor = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        now = os.fstat(descriptor)
        if ids != (now.st_uid, now.st_gid):
            changes.append(f"folder {folder.path} handed to {folder.owner}:{folder.group}")
            if apply and ids:
                os.fchown(descriptor, *ids)
        if stat.S_IMODE(now.st_mode) != folder.mode:
            changes.append(f"folder {folder.path}: mode {stat.S_IMODE(now.st_mode):04o} became {folder.mode:04o}")
            if apply:
                os.fchmod(descriptor, folder.mode)
    finally:
        os.close(descriptor)
    return [f"folder {folder.path} created"] if created else changes


def _ids(folder: Folder, runner: Runner) -> tuple[int, int] | None:
    """The folder's numbers; None where the account is still to be made (check mode on a fresh host)."""
    user, group = lookup("passwd", folder.owner, runner), lookup("group", folder.group, runner)
    return (int(user[2]), int(group[2])) if user and group else None
