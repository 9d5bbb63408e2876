# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What release is wanted: names, where its files lie, which checksum it must have. Pure."""

from __future__ import annotations

import dataclasses
import platform
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

# Where the projects publish, below the base URL; all of these name their files
# <name>-<version>.linux-<arch>.tar.gz with a sha256sums.txt beside them (promu's convention).
UPSTREAM = "https://github.com"
REPOSITORIES = {
    "prometheus": "prometheus/prometheus",
    "alertmanager": "prometheus/alertmanager",
    "node_exporter": "prometheus/node_exporter",
    "blackbox_exporter": "prometheus/blackbox_exporter",
    "pushgateway": "prometheus/pushgateway",
    "thanos": "thanos-io/thanos",
}
SUMS = "sha256sums.txt"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7"}  # uname -m -> the files' names
ARCHITECTURES = tuple(MACHINES.values())

RELEASE_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "root": {"type": "path", "default": "/opt/prometheus_ha"},
    "source": {"type": "str", "default": "upstream"},
    "fetch": {"type": "str", "default": "controller", "choices": ["controller", "target"]},
    "checksums": {"type": "dict", "default": {}},
    "checksum": {"type": "str"},
    "checksum_from": {"type": "str", "default": "checksums"},
    "arch": {"type": "str", "choices": list(ARCHITECTURES)},
    "archive": {"type": "path"},
    "keep": {"type": "int", "default": 2},
    "links": {"type": "list", "elements": "str", "default": []},
    "link_dir": {"type": "path", "default": "/usr/local/bin"},
}


@dataclasses.dataclass(frozen=True)
class Checksum:
    """A SHA-256 (hexadecimal, lower case) and who says so."""

    sha256: str
    origin: str


def detect_arch(machine: str | None = None) -> str:
    """The architecture as the projects' files name it. :raises HAError: none is published for this machine."""
    machine = machine or platform.machine()
    try:
        return MACHINES[machine]
    except KeyError:
        raise HAError(
            f"the architecture {machine!r} is not known",
            do=f"releases are used for {', '.join(ARCHITECTURES)}; set arch where this machine can run one of these.",
        ) from None


def _sha256(value: t.Any, where: str) -> str:
    text = str(value).strip().lower()
    text = text[len("sha256:") :] if text.startswith("sha256:") else text
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise HAError(
            f"{str(value)[:80]!r} is no SHA-256", where=where, do="write its 64 hexadecimal digits, or sha256:<digits>."
        )
    return text


def parse_sums(text: str, wanted: str) -> str | None:
    """The checksum of the file ``wanted`` in the text of a sha256sums.txt (``<sha256>  [*]<name>`` a line)."""
    for line in text.splitlines():
        digest, _space, name = line.strip().partition(" ")
        if name.strip().lstrip("*").rpartition("/")[2] == wanted and re.fullmatch("[0-9a-fA-F]{64}", digest):
            return digest.lower()
    return None


@dataclasses.dataclass(frozen=True)
class ReleaseSpec:
    """A wanted release; the fields are the options of the module ``release``.

    ``version`` is empty where every version is meant (state absent), ``arch`` where the host's own is detected.
    """

    name: str
    version: str = ""
    root: str = "/opt/prometheus_ha"
    source: str = "upstream"
    fetch: str = "controller"
    checksums: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    checksum: str = ""
    checksum_from: str = "checksums"
    arch: str = ""
    keep: int = 2
    links: t.Sequence[str] = ()
    link_dir: str = "/usr/local/bin"

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> ReleaseSpec:
        """From a module's options; ones it does not know are left alone. :raises HAError: a value that cannot be."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {key: value for key, value in params.items() if key in known and value is not None}
        origin = str(values.get("checksum_from", "checksums"))
        if values.get("checksum"):
            origin = values["checksum_from"] = "checksum" if origin == "checksums" else origin
            values["checksum"] = _sha256(values["checksum"], origin)
        given = values.get("checksums") or {}
        values["checksums"] = {str(arch): _sha256(value, f"{origin}.{arch}") for arch, value in given.items()}
        values["version"] = str(values.get("version", ""))
        values["links"] = tuple(values.get("links", ()))
        spec = cls(**values)
        spec._check()
        return spec

    def _check(self) -> None:
        if self.name not in REPOSITORIES:
            raise HAError(f"no release of {self.name!r} is known", where="name", do=f"use {', '.join(REPOSITORIES)}.")
        if self.version and not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?", self.version):
            raise HAError(
                f"{self.version!r} is not a pinned version of {self.name}",
                where="version",
                do="write it in full, without a leading v, as 3.5.3 (quoted in YAML); 'latest' is never used.",
            )
        unknown = sorted(set(self.checksums) - set(ARCHITECTURES))
        if unknown:
            raise HAError(
                f"{', '.join(unknown)}: no architecture of a release",
                where=self.checksum_from,
                do=f"use {', '.join(ARCHITECTURES)}.",
            )
        if self.checksum and self.checksums:
            raise HAError("checksum and checksums are both given", where=self.checksum_from, do="keep one of them.")
        if self.keep < 0:
            raise HAError(f"{self.keep} versions cannot be kept", where="keep", do="use 0 or more.")
        bad = [name for name in self.links if not re.fullmatch(r"[\w][\w.-]*", name)]
        if bad:
            raise HAError(f"{bad[0]!r} is no name of an executable", where="links", do="write names without folders.")
        if not (self.is_url or self.is_folder):
            raise HAError(
                f"{self.source!r} is no source of releases",
                where="source",
                do="use upstream, a mirror's http(s) URL, or an absolute path of a folder on the controller.",
            )
        if self.fetch == "target" and self.is_folder:
            raise HAError(
                f"the folder {self.source} lies on the controller, so the host cannot fetch from it itself",
                where="fetch",
                do="use fetch: controller with this source, or a mirror's URL with fetch: target.",
            )

    @property
    def is_url(self) -> bool:
        return self.source == "upstream" or bool(re.match(r"https?://[^/\s]+", self.source))

    @property
    def is_folder(self) -> bool:
        return self.source.startswith(("/", "~"))

    @property
    def home(self) -> str:
        """The folder of all versions."""
        return f"{self.root.rstrip('/')}/{self.name}"

    @property
    def path(self) -> str:
        """The folder of this version."""
        return f"{self.home}/{self.version}"

    def top(self, arch: str) -> str:
        """The folder inside the archive, and the archive's name without .tar.gz."""
        return f"{self.name}-{self.version}.linux-{arch}"

    def archive_name(self, arch: str) -> str:
        return f"{self.top(arch)}.tar.gz"

    @property
    def layout(self) -> str:
        """The release's folder below the source."""
        return f"{REPOSITORIES[self.name]}/releases/download/v{self.version}"

    def url(self, file: str) -> str:
        """The URL of a file of this release."""
        base = UPSTREAM if self.source == "upstream" else self.source.rstrip("/")
        return f"{base}/{self.layout}/{file}"

    def expected(self, arch: str) -> Checksum | None:
        """The checksum that was given for this architecture; None: the release's own sha256sums.txt decides.

        :raises HAError: checksums are given, but none for this architecture: falling back to what the source says of
            itself would be less than what was asked for.
        """
        if self.checksum:
            return Checksum(self.checksum, self.checksum_from)
        if not self.checksums:
            return None
        if arch not in self.checksums:
            raise HAError(
                f"no checksum of {self.name} {self.version} is given for {arch}, only for "
                f"{', '.join(sorted(self.checksums))}",
                where=self.checksum_from,
                do=f"add the SHA-256 of {self.archive_name(arch)}, or give none at all to trust the release's {SUMS}.",
            )
        return Checksum(self.checksums[arch], self.checksum_from)
