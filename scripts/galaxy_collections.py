# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the collections of requirements.yml below .cache/collections, once a machine.

From Galaxy as a user gets them; where Galaxy cannot be reached, the same versions from the PyPI package ``ansible``,
which is a set of collections.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LINKS = ROOT / ".cache" / "collections" / "ansible_collections"

#: The release of the PyPI package that holds the versions of requirements.yml.
BUNDLE = "ansible==12.3.0"


def required(requirements: Path) -> dict[str, str]:
    """The exact version of each collection, by name."""
    listed = yaml.safe_load(requirements.read_text(encoding="utf-8"))["collections"]
    return {entry["name"]: entry["version"] for entry in listed}


def from_galaxy(target: Path) -> bool:
    """Install by ansible-galaxy; False when it could not."""
    # --force: without it, collections that an earlier cache left on the collections path count as installed.
    argv = ["ansible-galaxy", "collection", "install", "--force"]
    argv += ["-r", str(ROOT / "requirements.yml"), "-p", str(target)]
    try:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=300, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def from_bundle(target: Path, names: list[str]) -> None:
    """Unpack the named collections, and no others, out of the PyPI package."""
    with tempfile.TemporaryDirectory(dir=target.parent) as download:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", download, BUNDLE], check=True, timeout=900)
        (wheel,) = Path(download).glob("*.whl")
        folders = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [name for name in archive.namelist() if name.startswith(folders)])


def wrong_versions(base: Path, wanted: dict[str, str]) -> list[str]:
    """What is missing below a collections path or has another version."""
    wrong = []
    for name, version in wanted.items():
        manifest = base / "ansible_collections" / name.replace(".", "/") / "MANIFEST.json"
        found = json.loads(manifest.read_text())["collection_info"]["version"] if manifest.is_file() else "nothing"
        if found != version:
            wrong.append(f"{name}: requirements.yml wants {version}, found {found}")
    return wrong


def install(target: Path, wanted: dict[str, str]) -> None:
    """Fill a new collections path aside and put it in place whole.

    :raises SystemExit: with a sentence, when neither source has what requirements.yml asks for.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as aside:
        new = Path(aside) / "new"
        source = "Galaxy"
        if not from_galaxy(new):
            source = f"PyPI's {BUNDLE}, since Galaxy did not give them"
            shutil.rmtree(new, ignore_errors=True)
            from_bundle(new, list(wanted))
        if wrong := wrong_versions(new, wanted):
            raise SystemExit(f"Collections from {source}: {'; '.join(wrong)}. Change requirements.yml or BUNDLE.")
        new.rename(target)
    print(f"scripts/dev: collections {', '.join(sorted(wanted))} from {source}", file=sys.stderr)


def main() -> None:
    """Install what is missing and link it into this checkout."""
    requirements = ROOT / "requirements.yml"
    wanted = required(requirements)
    cache = Path(os.environ["LAB_CACHE"])
    target = cache / "collections" / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with (cache / "locks" / "collections.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.is_dir():
                install(target, wanted)
    for name in wanted:
        link = LINKS / name.replace(".", "/")
        source = target / "ansible_collections" / name.replace(".", "/")
        if link.is_symlink() and link.readlink() == source:
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(source)


if __name__ == "__main__":
    main()
