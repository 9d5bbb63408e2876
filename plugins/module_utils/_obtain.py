# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One archive, fetched and verified: the same steps on the controller and on the target."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._archive import sha256_of
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import (
    Downloader,
    NotThereError,
    Progress,
    public,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import (
    SUMS,
    Checksum,
    ReleaseSpec,
    parse_sums,
)


def verify(path: str, checksum: Checksum, *, name: str, source: str) -> None:
    """Compare a file's SHA-256, before anything else is done with it.

    :raises HAError: it is another file than the one that was asked for.
    """
    found = sha256_of(path)
    if found != checksum.sha256:
        raise HAError(
            f"{name} has not the checksum it must have, so nothing of it was unpacked: it is {found}, "
            f"{checksum.origin} says {checksum.sha256}",
            where=source,
            do=f"where {checksum.origin} is out of date or of another version or architecture, correct it; "
            "else the source holds a release that was changed: do not use it.",
            option="checksum",
        )


def published(spec: ReleaseSpec, arch: str, read: t.Callable[[str], str], where: str) -> Checksum:
    """The checksum in the release's own sha256sums.txt, which ``read`` gets by its name.

    :raises HAError: there is none, so the release cannot be verified.
    """
    do = f"give the SHA-256 in {spec.checksum_from}, or put {SUMS} beside the archive."
    try:
        text = read(SUMS)
    except (NotThereError, FileNotFoundError) as error:
        raise HAError(
            f"{spec.name} {spec.version} cannot be verified: there is no {SUMS} (is this version published there?), "
            "and no checksum is given",
            where=where,
            said=getattr(error, "said", ""),
            do=do,
            option="version",
        ) from error
    sha256 = parse_sums(text, spec.archive_name(arch))
    if sha256 is None:
        raise HAError(
            f"{spec.name} {spec.version} cannot be verified: its {SUMS} does not name {spec.archive_name(arch)}",
            where=where,
            do=do,
        )
    return Checksum(sha256, where)


def checksum_of(spec: ReleaseSpec, arch: str, downloader: Downloader) -> Checksum:
    """The checksum given, else the published one; with one given, the source is not even asked.

    :raises HAError: there is none.
    """
    given = spec.expected(arch)
    if given:
        return given
    return published(spec, arch, lambda file: downloader.text(spec.url(file)), public(spec.url(SUMS)))


def download(
    spec: ReleaseSpec,
    arch: str,
    checksum: Checksum,
    path: str,
    downloader: Downloader,
    progress: Progress | None = None,
) -> None:
    """Download the archive to ``path``, where it appears only when it is verified.

    :raises HAError: not published, not reachable, or another file than the one asked for.
    """
    url = spec.url(spec.archive_name(arch))
    unverified = f"{path}.unverified"
    try:
        downloader.to_file(url, unverified, progress)
        verify(unverified, checksum, name=spec.archive_name(arch), source=public(url))
        os.replace(unverified, path)
    except NotThereError as error:
        raise HAError(
            f"{spec.name} {spec.version} for {arch} is not published there",
            where=public(url),
            said=error.said,
            do="correct the version, or put the release on the mirror.",
            option="version",
        ) from error
    finally:
        if os.path.lexists(unverified):
            os.unlink(unverified)
