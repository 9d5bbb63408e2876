# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links to a release's executables, as /usr/local/bin/promtool; ours are those that lead below the release's home."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._locked_folder import names, told


def goal(link: str) -> str:
    """Where a link leads; empty where there is none."""
    return os.readlink(link) if os.path.islink(link) else ""


def leads(link: str, wanted: str, home: str) -> bool:
    """Whether the link is there and right. :raises HAError: the name is taken by something that is not ours."""
    if not os.path.lexists(link):
        return False
    to = goal(link)
    if not to.startswith(home + "/"):
        raise HAError(
            f"{link} is not ours" + (f": it leads to {to}" if to else ""),
            where="links",
            do=f"remove it (a distribution's package?), or take {os.path.basename(link)} out of links.",
        )
    return to == wanted


def make(link: str, wanted: str) -> None:
    """Make or replace the link in one step. :raises HAError: there is no such executable, or the folder refuses."""
    folder, name = os.path.split(link)
    if not os.path.isfile(wanted):
        there = ", ".join(sorted(names(os.path.dirname(wanted))))
        raise HAError(f"{wanted} is no executable, there are {there}", where="links", do="correct links.")
    beside = f"{folder}/.{name}.prometheus_ha"
    with told(folder):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        os.symlink(wanted, beside)
        os.replace(beside, link)


def into(target: str, folder: str) -> list[str]:
    """The links in ``folder`` that lead below ``target``."""
    return [f"{folder}/{name}" for name in names(folder) if goal(f"{folder}/{name}").startswith(target + "/")]
