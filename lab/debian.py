"""Debian as a source: the machine's mirror, package indexes, single packages.

The mirror's address is read from the machine's apt sources, so that a closed
network's own mirror is used; LAB_DEBIAN_MIRROR and LAB_DEBIAN_SECURITY name
another one.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab import cache, log
from lab.errors import LabError

APT = Path("/etc/apt")


@dataclass(frozen=True)
class Package:
    """One entry of a Packages index."""

    name: str
    version: str
    filename: str
    sha256: str


@dataclass(frozen=True)
class AptSource:
    """One archive of the machine's apt sources."""

    uri: str
    suites: tuple[str, ...]


def _paragraphs(text: str) -> Iterable[dict[str, str]]:
    """Read deb822 paragraphs; continuation lines are not needed here."""
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            key, found, value = line.partition(":")
            if found and line[:1] not in (" ", "\t", "#"):
                fields[key.strip().lower()] = value.strip()
        if fields:
            yield fields


def parse_packages(text: str, wanted: Iterable[str]) -> list[Package]:
    """Pick the wanted packages out of a Packages index, in its order."""
    names = set(wanted)
    # The index is 50 MB: only paragraphs of a wanted package are parsed.
    pattern = "|".join(re.escape(name) for name in sorted(names))
    if not pattern:
        return []
    blocks = re.findall(rf"(?m)^Package: (?:{pattern})\n(?:.+\n?)*", text)
    return [
        Package(entry["package"], entry["version"], entry["filename"], entry["sha256"])
        for block in blocks
        for entry in _paragraphs(block)
    ]


def upstream_version(version: str) -> str:
    """What upstream calls a Debian version: 1:2.53.3+ds1-2+b4 is 2.53.3."""
    without_epoch = version.partition(":")[2] if ":" in version else version
    upstream = without_epoch.rpartition("-")[0] if "-" in without_epoch else without_epoch
    return re.split(r"[+](?:ds|dfsg|repack|git)", upstream)[0].replace("~", "-")


def parse_deb822_sources(text: str) -> list[AptSource]:
    """Read a `.sources` file."""
    return [
        AptSource(uri.rstrip("/"), tuple(entry.get("suites", "").split()))
        for entry in _paragraphs(text)
        if "deb" in entry.get("types", "").split() and entry.get("enabled", "yes") != "no"
        for uri in entry.get("uris", "").split()
    ]


def parse_list_sources(text: str) -> list[AptSource]:
    """Read a one-line `.list` file."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
        if match:
            found.append(AptSource(match[1].rstrip("/"), (match[2],)))
    return found


def machine_sources(apt: Path = APT) -> list[AptSource]:
    """All archives of the machine's apt sources."""
    found: list[AptSource] = []
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            found += parse_deb822_sources(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            found += parse_list_sources(path.read_text())
    return found


def pick_mirror(sources: Iterable[AptSource], codename: str) -> str | None:
    """The archive that carries the suite of that name."""
    return next((source.uri for source in sources if codename in source.suites), None)


def _codename() -> str:
    match = re.search(r'^VERSION_CODENAME="?([a-z]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return match[1] if match else ""


def mirror() -> str:
    """The Debian mirror to use."""
    given = os.environ.get("LAB_DEBIAN_MIRROR")
    found = given or pick_mirror(machine_sources(), _codename())
    if not found:
        raise LabError("no Debian mirror in the machine's apt sources: set LAB_DEBIAN_MIRROR")
    return found.rstrip("/")


def security_mirror() -> str | None:
    """The archive of security updates, where the machine names one."""
    given = os.environ.get("LAB_DEBIAN_SECURITY")
    return given or pick_mirror(machine_sources(), f"{_codename()}-security")


def fetch(url: str, timeout: float = 120.0) -> bytes:
    """Download one file."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            data: bytes = reply.read()
            return data
    except (urllib.error.URLError, TimeoutError) as error:
        raise LabError(f"cannot fetch {url}: {error}") from error


def index(suite: str, arch: str) -> str:
    """A suite's Packages index, as text."""
    url = f"{mirror()}/dists/{suite}/main/binary-{arch}/Packages.xz"
    with log.step(f"releases: package index of {suite}"):
        return lzma.decompress(fetch(url)).decode()


def download(filename: str, sha256: str) -> Path:
    """One package of the pool, verified, kept in the cache."""
    path = cache.folder("build/debs") / Path(filename).name
    if path.is_file() and cache.sha256(path) == sha256:
        return path
    data = fetch(f"{mirror()}/{filename}")
    got = hashlib.sha256(data).hexdigest()
    if got != sha256:
        raise LabError(f"{filename}: the mirror sent sha256 {got}, wanted {sha256}")
    cache.write_atomic(path, data)
    return path
