# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a set of files shall be: pure data, checked when it is made."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._unit import HEADER

STATE = "/var/lib/prometheus_ha"
_MARK = HEADER.encode()


def parents(path: str) -> list[str]:
    """The folders on the way to a relative path, outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def is_marked(content: bytes) -> bool:
    """Whether a file says in its first two lines that this collection wrote it; known also without any record."""
    return any(_MARK in line for line in content.split(b"\n", 2)[:2])


def parse_mode(mode: str, where: str) -> int:
    """``"0640"`` -> 0o640. :raises HAError: for anything else, a mode that YAML has made a decimal number included."""
    if not re.fullmatch(r"0?[0-7]{3}", str(mode)):
        raise HAError(f"mode {mode!r} is not a file mode", where=where, do='Write it quoted, as in "0640".')
    return int(str(mode), 8)


@dataclasses.dataclass(frozen=True)
class File:
    """A wanted file; ``path`` is relative to the set's root."""

    path: str
    content: bytes = dataclasses.field(repr=False)
    mode: int = 0o640
    secret: bool = False


@dataclasses.dataclass(frozen=True)
class FilesetSpec:
    """The whole desired state below ``root``.

    :param scan: report files of others below root; off where root is shared (/etc/systemd/system).
    :param dir_mode: of folders made on the way; folders that are there keep theirs.
    :param claimed: paths that are not wanted (any more), but ours where the file carries our mark.
    :raises HAError: for a path that leaves root, comes twice, or is a folder of another.
    """

    root: str
    files: tuple[File, ...]
    owner: str = "root"
    group: str = "root"
    state_dir: str = ""
    scan: bool = True
    dir_mode: int = 0o750
    claimed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not os.path.isabs(self.root) or os.path.normpath(self.root) == "/":
            raise HAError(f"root {self.root!r} must be an absolute path of a folder below /")
        if not self.state_dir:
            state = os.path.join(STATE, os.path.basename(os.path.normpath(self.root)), "config")
            object.__setattr__(self, "state_dir", state)
        paths = [file.path for file in self.files]
        for path in paths:
            if not path or path != os.path.normpath(path) or os.path.isabs(path) or path.split("/")[0] in ("..", "."):
                do = "Name it relative to root, without '..', '.' or a double slash."
                raise HAError(f"the path {path!r} is not a path below {self.root}", do=do)
        for path in sorted(paths):
            if paths.count(path) > 1:
                raise HAError(f"the path {path!r} is given twice", where=self.root)
            if set(parents(path)) & set(paths):
                raise HAError(f"{path!r} lies in a folder that is itself given as a file", where=self.root)

    def leaving(self) -> FilesetSpec:
        """The same set with nothing wanted any more."""
        paths = (*self.claimed, *(file.path for file in self.files))
        return dataclasses.replace(self, files=(), claimed=paths)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> FilesetSpec:
        """From the options of the module ``config``, or the slice's ``config`` with a ``state_dir``."""
        files = tuple(
            File(
                path=item["path"],
                content=item["content"].encode("utf-8"),
                mode=parse_mode(item.get("mode") or "0640", item["path"]),
                secret=bool(item.get("secret")),
            )
            for item in params.get("files") or []
        )
        return cls(
            root=params["root"],
            files=files,
            owner=params.get("owner") or "root",
            group=params.get("group") or "root",
            state_dir=params.get("state_dir") or "",
        )


@dataclasses.dataclass(frozen=True)
class FilesetPlan:
    """What would change; paths are relative to root. ``edited``: ours, but changed by somebody else since."""

    changed: bool
    written: list[str]
    removed: list[str]
    foreign: list[str]
    diff: list[dict[str, str]]
    edited: list[str]
