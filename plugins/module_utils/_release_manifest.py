# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release's folder and what is remembered of it: the manifest, and whether the files still are as unpacked."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._archive import (
    MANIFEST,
    FileRecord,
    Unpacked,
    record,
    sha256_of,
)


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a version's folder was made from; ``archive`` is the archive's SHA-256."""

    archive: str
    verified_by: str
    arch: str
    unpacked: Unpacked


def save(folder: str, manifest: Manifest) -> None:
    """Write the manifest, synced; the last file of a folder that is not in its place yet."""
    handle = os.open(os.path.join(folder, MANIFEST), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(manifest), file, indent=1, sort_keys=True)
        file.flush()
        os.fchmod(handle, 0o644)
        os.fsync(handle)


def is_ours(folder: str) -> bool:
    """Whether the folder is one that this collection unpacked."""
    return os.path.isfile(os.path.join(folder, MANIFEST)) and not os.path.islink(folder)


def load(folder: str) -> Manifest | None:
    """The folder's manifest; None when it cannot be read, so that the folder counts as damaged."""
    try:
        with open(os.path.join(folder, MANIFEST), encoding="utf-8") as file:
            raw = json.load(file)
        unpacked = raw.pop("unpacked")
        files = {name: FileRecord(**fields) for name, fields in unpacked["files"].items()}
        return Manifest(**raw, unpacked=Unpacked(files, dict(unpacked["links"])))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def damage(folder: str, unpacked: Unpacked) -> str:
    """What is not as it was unpacked, in one sentence; empty when all is.

    Cheap on purpose (a rerun asks for it every time): a file is read again only when its time alone has changed.
    """
    for name, was in unpacked.files.items():
        path = os.path.join(folder, name)
        try:
            stat = os.lstat(path)
            now = record(stat, was.sha256)
            if now.mtime_ns != was.mtime_ns and dataclasses.replace(now, mtime_ns=was.mtime_ns) == was:
                now = record(stat, sha256_of(path))
                was = dataclasses.replace(was, mtime_ns=now.mtime_ns)
        except OSError as error:
            return f"{path}: {error.strerror}"
        if now != was:
            return f"{path} is not as it was unpacked ({_differing(was, now)})"
    for name, to in unpacked.links.items():
        path = os.path.join(folder, name)
        if not os.path.islink(path) or os.readlink(path) != to:
            return f"{path} is no longer a link to {to}"
    return ""


def _differing(was: FileRecord, now: FileRecord) -> str:
    def shown(key: str, value: t.Any) -> str:
        return f"{value:04o}" if key == "mode" else str(value)

    fields = [field.name for field in dataclasses.fields(FileRecord) if field.name != "mtime_ns"]
    different = [key for key in fields if getattr(was, key) != getattr(now, key)]
    return ", ".join(f"{key} {shown(key, getattr(was, key))} -> {shown(key, getattr(now, key))}" for key in different)
