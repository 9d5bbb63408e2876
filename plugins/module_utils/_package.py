# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program of the distribution in the place of a release: its package manager installs it, and keeps its versions."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release import ReleaseResult, ReleaseState
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec


class Package:
    """What _release.Release offers a component, of a package.

    :param params: ``name``: the package; ``executable``: its absolute path.
    """

    path = ""  # of no version of ours

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self.name = str(params["name"])
        self._executable = str(params["executable"])
        self.spec = ReleaseSpec(self.name)

    def inspect(self) -> ReleaseState:
        """``needs_archive`` asks the controller for the package; nothing else of it is for an architecture."""
        installed = os.access(self._executable, os.X_OK)
        return ReleaseState(installed, installed, not installed, "package", [])

    def install(self, archive: str | None = None, *, apply: bool = True) -> ReleaseResult:
        """:raises HAError: where it is not there, since the controller installs it before."""
        del archive
        installed = self.inspect().installed
        if apply and not installed:
            raise HAError(
                f"the package {self.name} is installed, and {self._executable} is not there",
                do=f"install what brings {self._executable} on this distribution.",
            )
        return ReleaseResult(not installed, self.path)

    def link(self, *, apply: bool = True) -> bool:
        """Its tools are where the distribution has them."""
        del apply
        return False

    def prune(self, *, apply: bool = True) -> list[str]:
        del apply
        return []

    def remove(self, *, apply: bool = True, spare: bool = False) -> list[str]:
        """The package stays: somebody else may use it."""
        del apply, spare
        return []
