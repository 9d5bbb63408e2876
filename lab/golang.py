"""Programs that no Debian package has, built from their modules (the Go proxy of the machine's own `go env`).

A module is built in its own folder of the module cache, as the main module: so its `replace` lines and its go.sum
count, which Go ignores of a dependency. `-trimpath` and no cgo: one toolchain makes one binary of it anywhere.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lab import cache, log
from lab.errors import LabError
from lab.run import run

TIMEOUT = 1800.0


@dataclass(frozen=True)
class Module:
    """A program of a Go module; `package` is its folder in there.

    `tags` are the build tags that its own release build has.
    """

    path: str
    version: str
    package: str
    tags: str = ""

    @property
    def name(self) -> str:
        """What people call it: the last part of its package or module."""
        return (self.package if self.package != "." else self.path).rpartition("/")[2]


MINIO = Module("github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", ".")
FAKE_GCS = Module("github.com/fsouza/fake-gcs-server", "v1.56.0", ".")


def source(module: Module) -> Path:
    """The module's folder in Go's cache, downloaded where it is not there."""
    done = run(["go", "mod", "download", "-json", f"{module.path}@{module.version}"], timeout=TIMEOUT)
    folder = json.loads(done.stdout).get("Dir")
    if not folder:
        raise LabError(f"{module.path}@{module.version} cannot be had: {done.stdout.strip()[:500]}")
    return Path(folder)


def build(module: Module, target: Path) -> None:
    """Build a program into a file."""
    command = ["go", "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", f"-tags={module.tags}"]
    command += [f"-o={target}", f"./{module.package}"]
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    done = run(command, timeout=TIMEOUT, env=environment, check=False, cwd=source(module))
    if done.returncode != 0:
        raise LabError(f"{module.path}@{module.version} does not build: {(done.stdout + done.stderr).strip()[-2000:]}")


def ensure(module: Module) -> Path:
    """The program in the cache, built where it is not there or changed since."""
    target = cache.folder("bin") / f"{module.name}-{module.version}" / module.name
    recipe = [module.path, module.version, module.package, module.tags]
    with cache.lock(f"go-{module.name}-{module.version}"):
        known = cache.recorded(target)
        if known is None or known.get("recipe") != recipe:
            target.parent.mkdir(parents=True, exist_ok=True)
            with log.step(f"go: {module.name} {module.version}"):
                partial = target.with_suffix(".new")
                build(module, partial)
                os.replace(partial, target)
            cache.record(target, recipe=recipe)
    return target
