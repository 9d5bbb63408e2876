# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of releases: major.minor.patch, with or without a pre-release."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

_FORM = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(alpha|beta|rc)\.(\d+))?")
_FINAL = "~"  # sorts after the stages alpha, beta and rc


class Version(t.NamedTuple):
    """A release, ordered as releases are: 3.0.0-rc.1 < 3.0.0 < 3.0.1.

    :param stage: ``alpha``, ``beta`` or ``rc`` of a pre-release.
    :param number: which pre-release.
    """

    major: int
    minor: int
    patch: int
    stage: str = _FINAL
    number: int = 0

    @property
    def line(self) -> tuple[int, int]:
        """Major and minor: what decides features and flags. A pre-release has those of the release it leads to."""
        return self.major, self.minor

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        return text if self.stage == _FINAL else f"{text}-{self.stage}.{self.number}"


def parse_version(value: object, where: str = "") -> Version:
    """Read a pinned version; a leading ``v``, as release tags have it, is dropped.

    :param where: the inventory path for the error.
    :raises HAError: for ``latest``, a part of a version, a number (YAML reads 3.5 as one) or anything else.
    """
    if isinstance(value, Version):
        return value
    if not isinstance(value, str):
        raise HAError(f"The version {value!r} is not text.", where=where, do='Quote it in full, as in "3.5.3".')
    match = _FORM.fullmatch(value)
    if match:
        major, minor, patch, stage, number = match.groups()
        return Version(int(major), int(minor), int(patch), stage or _FINAL, int(number or 0))
    if value.lower() in ("latest", "stable", "main"):
        raise HAError(
            f"The version {value!r} is refused: it means another release tomorrow, so replicas would drift apart.",
            where=where,
            do="Pin one release, as in 3.5.3.",
        )
    raise HAError(
        f"{value!r} is not a version.", where=where, do="Write major.minor.patch, as in 3.5.3 or 3.14.0-rc.1."
    )


def parse_line(text: str) -> tuple[int, int]:
    """Read the ``major.minor`` of the collection's own tables."""
    major, minor = text.split(".")
    return int(major), int(minor)
