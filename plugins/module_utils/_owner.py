# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups, by name and by number."""

from __future__ import annotations

import grp
import pwd

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import FilesetSpec


def user(uid: int) -> str:
    """The user's name, the number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group(gid: int) -> str:
    """The group's name, the number when it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def ids(spec: FilesetSpec) -> tuple[int, int]:
    """:raises HAError: when the spec's user or group does not exist."""
    try:
        uid = int(spec.owner) if spec.owner.isdigit() else pwd.getpwnam(spec.owner).pw_uid
        gid = int(spec.group) if spec.group.isdigit() else grp.getgrnam(spec.group).gr_gid
    except KeyError as error:
        raise HAError(f"no such user or group: {error.args[0]}", where=spec.root, do="Create it first.") from error
    return uid, gid


def names(spec: FilesetSpec) -> tuple[str, str]:
    """Owner and group as ``ls`` shows them; on a fresh host in check mode they may not exist yet."""
    try:
        uid, gid = ids(spec)
    except HAError:
        return spec.owner, spec.group
    return user(uid), group(gid)
