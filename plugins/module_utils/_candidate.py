# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The component's own checkers over a candidate: all wanted files in a folder aside, readable for root alone."""

from __future__ import annotations

import glob
import os
import shutil
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _diff
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._filespec import File
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

# A checker reads thousands of rules in seconds; longer than this (seconds) it hangs.
CHECK_TIMEOUT = 300.0
_TAG = ".prometheus_ha-check-"


def ancestors(folder: str) -> list[str]:
    """The folders above, innermost first."""
    above = []
    while os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        above.append(folder)
    return above


def _born(pid: int) -> str:
    """When a process started, in ticks since boot (proc(5), field 22 of stat); "" when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            return handle.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _write(candidate: str, files: t.Iterable[File]) -> None:
    os.mkdir(candidate, 0o700)
    for file in files:
        path = os.path.join(candidate, file.path)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(file.content)


def _link_others(root: str, candidate: str, known: t.Collection[str], folder: str = "") -> None:
    """What others keep below root, as symbolic links: a configuration may name it by a relative path.

    :param known: paths of ours, wanted or not any more; a folder that holds none of them is linked as a whole.
    """
    try:
        entries = sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        path = os.path.join(folder, entry.name)
        link = os.path.join(candidate, path)
        if entry.is_dir(follow_symlinks=False) and any(item.startswith(path + "/") for item in known):
            os.makedirs(link, mode=0o700, exist_ok=True)
            _link_others(root, candidate, known, path)
        elif path not in known and not os.path.lexists(link):
            os.symlink(os.path.realpath(entry.path), link)


def check(
    root: str,
    files: t.Sequence[File],
    commands: t.Sequence[t.Sequence[str]],
    replace: t.Mapping[str, str],
    runner: Runner,
    *,
    missing_ok: bool,
    ours: t.Collection[str] | None = None,
) -> list[str]:
    """See ``Fileset.check``.

    :param ours: paths below root of this collection's making; None where root is shared and others' files mean nothing.
    :raises OSError: when the candidate cannot be written.
    """
    missing: list[str] = []
    # Beside root, so that no glob of a running process ever meets it; as near as there is a folder.
    folder = next(above for above in ancestors(os.path.realpath(root)) if os.path.isdir(above))
    pid = os.getpid()
    candidate = os.path.join(folder, f".{os.path.basename(os.path.realpath(root))}{_TAG}{pid}-{_born(pid)}")
    fields = {**{key.strip("{}"): value for key, value in replace.items()}, "root": candidate}
    try:
        _write(candidate, files)
        if ours is not None:
            _link_others(os.path.realpath(root), candidate, {*ours, *(file.path for file in files)})
        for command in commands:
            argv = list(command)
            for key, value in fields.items():
                argv = [part.replace("{" + key + "}", value) for part in argv]
            done = runner(argv, cwd=candidate, timeout=CHECK_TIMEOUT)
            if done.rc == 127 and missing_ok:
                missing.append(argv[0])
            elif done.rc == 127:
                do = f"Install {argv[0]}."
                raise HAError("the checker is missing; nothing was changed", where=root, said=done.words, do=do)
            elif done.rc:
                raise HAError(
                    f"{os.path.basename(argv[0])} refuses the new files (exit code {done.rc}); nothing was changed",
                    where=root,
                    said=_diff.mask(
                        done.words.replace(candidate, root), [file.content for file in files if file.secret]
                    ),
                    do="Correct what it names, then run again.",
                )
    finally:
        shutil.rmtree(candidate, ignore_errors=True)
    return missing


def sweep(root: str) -> list[str]:
    """Remove the candidates of runs that are dead; returns their paths."""
    swept = []
    for folder in ancestors(os.path.realpath(root)):
        base = glob.escape(os.path.join(folder, "." + os.path.basename(os.path.realpath(root))))
        for path in glob.glob(base + _TAG + "*"):
            pid, _dash, born = path.rpartition(_TAG)[2].partition("-")
            if not pid.isdigit() or _born(int(pid)) != born:
                shutil.rmtree(path, ignore_errors=True)
                swept.append(path)
    return swept
