# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plan becomes in a file, by the file's extension."""

from __future__ import annotations

import dataclasses
import pathlib

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _mermaid, _page
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._picture import Picture

TITLE = "Monitoring topology"


@dataclasses.dataclass(frozen=True)
class Drawings:
    """A plan's picture, and its report as text."""

    picture: Picture
    report: str

    def text(self, path: str, where: str) -> str:
        """What the file holds. :raises HAError: for an extension that means nothing.

        :param where: the variable that names the file.
        """
        extension = pathlib.PurePath(path).suffix
        if extension == ".html":
            return _page.page(self.picture, self.report, TITLE)
        if extension == ".mmd":
            return _mermaid.mermaid(self.picture)
        if extension == ".md":
            return f"```mermaid\n{_mermaid.mermaid(self.picture)}```\n"
        if extension == ".txt":
            return self.report
        raise HAError(
            f"{path} has the extension {extension!r}, which no drawing has",
            where=where,
            do="write .html (a page), .mmd or .md (Mermaid), or .txt (the table).",
        )
