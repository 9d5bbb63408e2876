# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's files: what globs and paths of an inventory mean, and what is in them."""

from __future__ import annotations

import glob
import os
import pathlib
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


class ControllerFiles:
    """The controller's files: globs below the inventory's and the playbook's folders, text decrypted by Ansible."""

    def __init__(self, loader: t.Any) -> None:
        self._loader = loader
        self._texts: dict[str, str] = {}

    def find(self, pattern: str, folders: t.Sequence[str]) -> list[str]:
        """The files that match, in order; the first folder with a match counts."""
        for folder in [""] if pathlib.PurePath(pattern).is_absolute() else folders:
            found = sorted(
                path for path in glob.glob(os.path.join(glob.escape(folder), pattern)) if pathlib.Path(path).is_file()
            )
            if found:
                return found
        return []

    def read(self, path: str) -> str:
        """The text, read once a run. :raises HAError: when it can't be read or decrypted."""
        if path not in self._texts:
            try:
                self._texts[path] = str(self._loader.get_text_file_contents(path))
            except Exception as error:  # the loader wraps vault and I/O errors in types of its own
                do = "check the file and the vault password."
                raise HAError(f"{path} can't be read", said=str(error), do=do) from error
        return self._texts[path]


def folders(task_vars: t.Mapping[str, t.Any]) -> list[str]:
    """What relative paths start from: the folders of the inventory sources, then the playbook's."""
    found: list[str] = []
    for source in [*task_vars.get("ansible_inventory_sources", []), task_vars.get("playbook_dir")]:
        path = pathlib.Path(str(source or ""))
        if path.exists():
            found.append(str(path if path.is_dir() else path.parent))
    return list(dict.fromkeys(found))
