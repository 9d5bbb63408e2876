"""Programs from the npm registry, as npm itself is set up on the machine; nothing of them runs while they install."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import cache, log
from lab.errors import LabError
from lab.run import run

TIMEOUT = 900.0


@dataclass(frozen=True)
class Package:
    """A program of a package; `script` is its path below node_modules."""

    name: str
    version: str
    script: str


# 3.36 and newer ask for Node.js 21 or newer in words; of 3.37 all that the lab needs was seen to work on 20.
AZURITE = Package("azurite", "3.37.0", "azurite/dist/src/blob/main.js")


def node() -> Path:
    """The machine's Node.js, which also runs inside the lab's containers: they are Debian 12, too, or older."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        raise LabError("node and npm are not on this machine: install Node.js, or leave --providers out")
    return Path(found).resolve()


def ensure(package: Package) -> Path:
    """The folder that has the package's node_modules, installed where it is not there or changed since.

    What npm resolved is in a lock file, whose checksum stands for the tree.
    """
    node()
    folder = cache.folder("npm") / f"{package.name}-{package.version}"
    lock = folder / "package-lock.json"
    with cache.lock(f"npm-{package.name}-{package.version}"):
        if cache.recorded(lock) is None or not (folder / "node_modules" / package.script).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--omit=dev")
            with log.step(f"npm: {package.name} {package.version}"):
                wanted = f"{package.name}@{package.version}"
                run(["npm", "install", *quiet, "--prefix", str(folder), wanted], timeout=TIMEOUT)
            cache.record(lock)
    return folder
