"""The release mirror: upstream's layout, filled from Debian's packages, and Thanos from its Go module.

The tree is what a download host of upstream's serves
(`<org>/<name>/releases/download/v<version>/<file>`), so an inventory just
swaps the base URL. Upstream itself is not asked, not even where it can be
reached: the committed lab inventories pin the checksums of these tarballs, and
a repacked Debian binary can never be equal to upstream's build. One source on
every machine keeps one checksum on every machine.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import cache, debian, golang, log, repack
from lab.errors import LabError
from lab.run import run

# Raise it when the way of packing changes: tarballs are then made again.
RECIPE = 1
SUITES = ("trixie", "sid", "forky", "bookworm-backports", "bookworm")


@dataclass(frozen=True)
class Deb:
    """A Debian package as it was pinned; another revision is looked up by version."""

    package: str
    filename: str
    sha256: str


@dataclass(frozen=True)
class Release:
    """One tarball of the mirror.

    `files` maps its members to paths in the unpacked packages, or in the
    folder of the Go module that it is built from. `sha256` is what the tarball
    was when the table was written; of what is built it depends on the Go
    toolchain, so the mirror's own sha256sums.txt is what counts.
    """

    org: str
    name: str
    version: str
    arch: str
    debs: tuple[Deb, ...]
    files: dict[str, str]
    sha256: str
    module: golang.Module | None = None

    @property
    def top(self) -> str:
        """The folder inside the tarball."""
        return f"{self.name}-{self.version}.linux-{self.arch}"

    @property
    def path(self) -> str:
        """The tarball's path below the mirror's root."""
        return f"{self.org}/{self.name}/releases/download/v{self.version}/{self.top}.tar.gz"


def _prometheus(version: str, debs: tuple[Deb, ...], sha256: str) -> Release:
    files = {
        "prometheus": "usr/bin/prometheus",
        "promtool": "usr/bin/promtool",
        "LICENSE": "usr/share/doc/prometheus/copyright",
        "NOTICE": "usr/share/doc/prometheus/NOTICE",
    }
    return Release("prometheus", "prometheus", version, "amd64", debs, files, sha256)


def _alertmanager(version: str, debs: tuple[Deb, ...], sha256: str) -> Release:
    files = {
        "alertmanager": "usr/bin/prometheus-alertmanager",
        "amtool": "usr/bin/amtool",
        "LICENSE": "usr/share/doc/prometheus-alertmanager/copyright",
        "NOTICE": "usr/share/doc/prometheus-alertmanager/NOTICE",
    }
    return Release("prometheus", "alertmanager", version, "amd64", debs, files, sha256)


def _node_exporter(version: str, debs: tuple[Deb, ...], sha256: str) -> Release:
    files = {
        "node_exporter": "usr/bin/prometheus-node-exporter",
        "LICENSE": "usr/share/doc/prometheus-node-exporter/copyright",
        "NOTICE": "usr/share/doc/prometheus-node-exporter/NOTICE",
    }
    return Release("prometheus", "node_exporter", version, "amd64", debs, files, sha256)


NODE_EXPORTER = _node_exporter(
    "1.11.1",
    (
        Deb(
            "prometheus-node-exporter",
            "pool/main/p/prometheus-node-exporter/prometheus-node-exporter_1.11.1-3_amd64.deb",
            "eb42d44b6fcd5040722f5b27b31578bdaeed890f08be24f3592339267ae0e135",
        ),
    ),
    "83c5ac274f1b2e4aca9ecef7497f1c58a0ac9036ff37b2e61ccabc74f6e3fa7c",
)
# Its package also has the templates that every Debian build of Alertmanager
# reads from /usr/share; the newest ones serve the older version too.
ALERTMANAGER_TEMPLATES = Deb(
    "prometheus-alertmanager",
    "pool/main/p/prometheus-alertmanager/prometheus-alertmanager_0.33.1-5_amd64.deb",
    "ec1be21dd7ffeec3d6f42dd1cc8e97b8a9e93888f1953b4fb4cb9234be70185f",
)
RELEASES = (
    _prometheus(
        "2.53.3",
        (
            Deb(
                "prometheus",
                "pool/main/p/prometheus/prometheus_2.53.3+ds1-2_amd64.deb",
                "58c3e6a86c56cb3bfd71032fa48d65945d526441a212f5815dfe5ed9cb787ecc",
            ),
            Deb(
                "promtool",
                "pool/main/p/prometheus/promtool_2.53.3+ds1-2_amd64.deb",
                "ff27654eacc95abd846d344e91fe4ba3b4f0588a50d606ed1d2f09ad3408722f",
            ),
        ),
        "565306cbd3df850a705da0c4e6f4db4c6d7bacb2bc87241e0251942bcc7f15d1",
    ),
    _prometheus(
        "3.5.3",
        (
            Deb(
                "prometheus",
                "pool/main/p/prometheus/prometheus_3.5.3+ds1-6_amd64.deb",
                "593bcced02d8082688ea034dfc543848ad145c5f793aae5aad756c4dbdfa98da",
            ),
            Deb(
                "promtool",
                "pool/main/p/prometheus/promtool_3.5.3+ds1-6_amd64.deb",
                "1fb8bad7b932e7a44bccb12517f0bd96d5d5d83f15d3a1c0e2aa705cbf93fe90",
            ),
        ),
        "bd5b743598efa5b92c7e3a0fd03d8a2e7ec6fcee22c677bcd72efe541504e875",
    ),
    _alertmanager(
        "0.28.1",
        (
            Deb(
                "prometheus-alertmanager",
                "pool/main/p/prometheus-alertmanager/prometheus-alertmanager_0.28.1+ds-1_amd64.deb",
                "76ee08c2bf686fa32ca243d099b6bfc6cb00074e9337c18ef73154b60c5830a9",
            ),
        ),
        "fcfd9dee24ba29a723e6cdaa78c706dfbb585c04799c2c92ee0655e67134e879",
    ),
    _alertmanager(
        "0.33.1",
        (ALERTMANAGER_TEMPLATES,),
        "a4009dd02731068b0ac518088293225d83b90e99a87c01e8bb6b809cce984ef0",
    ),
    NODE_EXPORTER,
)


def _thanos(version: str) -> Release:
    # As its .promu.yml: with the other kind of labels that Prometheus' library has, a querier dies at its first answer.
    tags = "netgo,slicelabels"
    module = golang.Module("github.com/thanos-io/thanos", f"v{version}", "cmd/thanos", tags)
    return Release("thanos-io", "thanos", version, "amd64", (), {"thanos": "thanos", "LICENSE": "LICENSE"}, "", module)


# Only for labs that ask for it: each takes minutes to build.
THANOS = (_thanos("0.42.4"), _thanos("0.40.1"))


def tree() -> Path:
    """The mirror's root folder."""
    return cache.folder("releases")


def choose(packages: list[debian.Package], name: str, version: str) -> debian.Package:
    """The package whose upstream version is exactly that one."""
    same = [entry for entry in packages if entry.name == name]
    for entry in same:
        if debian.upstream_version(entry.version) == version:
            return entry
    there = ", ".join(sorted({entry.version for entry in same})) or "none"
    raise LabError(
        f"{name} {version} has gone from the Debian mirror (suites {', '.join(SUITES)}); "
        f"there are: {there}. Put one of these into lab/releases.py"
    )


def _look_up(release: Release) -> list[debian.Package]:
    wanted = [deb.package for deb in release.debs]
    found: list[debian.Package] = []
    for suite in SUITES:
        try:
            text = debian.index(suite, release.arch)
        except LabError as error:
            log.say(f"releases: {error}")
            continue
        found += debian.parse_packages(text, wanted)
        try:
            return [choose(found, name, release.version) for name in wanted]
        except LabError:
            continue
    return [choose(found, name, release.version) for name in wanted]


def _fetch_debs(release: Release) -> tuple[list[Path], str]:
    """The packages of a release, and one line on where they came from."""
    try:
        paths = [debian.download(deb.filename, deb.sha256) for deb in release.debs]
    except LabError as error:
        log.say(f"releases: {error}; looking for another Debian revision")
        paths = [debian.download(found.filename, found.sha256) for found in _look_up(release)]
    return paths, "Debian " + " ".join(path.name for path in paths)


def unpack(debs: list[Path], target: Path) -> None:
    """Unpack packages on top of one another."""
    for deb in debs:
        run(["dpkg-deb", "-x", str(deb), str(target)])


def _make_built(release: Release, module: golang.Module, target: Path) -> str:
    binary = golang.ensure(module)
    files = {name: golang.source(module) / inside for name, inside in release.files.items()}
    _pack(release, {**files, module.name: binary}, target)
    return f"Go module {module.path}@{module.version}"


def _pack(release: Release, files: dict[str, Path], target: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=cache.folder("build"), delete=False) as handle:
        repack.write_tarball(handle, release.top, files)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(handle.name, target)
    target.chmod(0o644)


def _make(release: Release, target: Path) -> str:
    if release.module:
        return _make_built(release, release.module, target)
    debs, source = _fetch_debs(release)
    with tempfile.TemporaryDirectory(dir=cache.folder("build")) as scratch:
        unpack(debs, Path(scratch))
        files = {name: Path(scratch) / inside for name, inside in release.files.items()}
        files = {name: path for name, path in files.items() if path.is_file()}
        missing = {
            name for name, inside in release.files.items() if name not in files and inside.startswith("usr/bin/")
        }
        if missing:
            raise LabError(f"{release.top}: {', '.join(sorted(missing))} not in {source}")
        _pack(release, files, target)
    return source


def _ensure(release: Release) -> dict[str, str]:
    target = tree() / release.path
    known = cache.recorded(target)
    recipe = [RECIPE, *(deb.sha256 for deb in release.debs)]
    recipe += [release.module.path, release.module.version, release.module.tags] if release.module else []
    if known is None or known.get("recipe") != recipe:
        with log.step(f"releases: {release.top}"):
            source = _make(release, target)
            cache.record(target, recipe=recipe, source=source)
        known = cache.recorded(target)
    if known is None:
        raise LabError(f"{target} changed while it was made")
    entry = {"sha256": str(known["sha256"]), "source": str(known["source"])}
    sums = target.parent / "sha256sums.txt"
    line = f"{entry['sha256']}  {target.name}\n"
    if not sums.is_file() or sums.read_text() != line:
        cache.write_atomic(sums, line.encode())
    if release.sha256 and entry["sha256"] != release.sha256:
        log.say(
            f"releases: WARNING {release.top} is {entry['sha256']}, the table says "
            f"{release.sha256}: another Debian revision ({entry['source']}) or another zlib "
            "than Debian's; the checksums pinned in the lab's inventories will not fit"
        )
    return entry


def ensure(releases: tuple[Release, ...] = RELEASES) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """Fill the mirror; return name -> version -> arch -> sha256 and source."""
    made: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    with cache.lock("releases"):
        # Compression leaves Python's lock, so two threads keep two cores busy.
        with ThreadPoolExecutor(max_workers=2) as pool:
            entries = list(pool.map(_ensure, releases))
        for release, entry in zip(releases, entries, strict=True):
            made.setdefault(release.name, {}).setdefault(release.version, {})[release.arch] = entry
        sums = {
            name: {
                version: {arch: entry["sha256"] for arch, entry in arches.items()}
                for version, arches in versions.items()
            }
            for name, versions in made.items()
        }
        path = tree() / "checksums.json"
        sums = {**(cache.read_json(path) or {}), **sums}
        if cache.read_json(path) != sums:
            cache.write_json(path, sums)
    return made


def fetch(deb: Deb) -> Path:
    """One pinned package (for the image)."""
    return debian.download(deb.filename, deb.sha256)
