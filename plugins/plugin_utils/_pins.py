# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checksums of releases that the collection itself vouches for.

A pin names the source it was read from; no source, no pin. The network this was written in reaches none of the
projects' release pages, so no checksum could be read from its source, and the table is empty: until it is filled,
a release is verified by the checksum the inventory gives, else by the release's own sha256sums.txt.
"""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Pin:
    """SHA-256 by architecture, and the URL they were read from."""

    source: str
    checksums: t.Mapping[str, str]


Pins: t.TypeAlias = t.Mapping[tuple[str, str], Pin]  # by (name, version)

PINS: Pins = {}


def with_pins(params: t.Mapping[str, t.Any], pins: Pins | None = None) -> dict[str, t.Any]:
    """The options of a release, with the collection's pin where they give no checksum of their own."""
    pin = (PINS if pins is None else pins).get((str(params.get("name")), str(params.get("version"))))
    if pin is None or params.get("checksum") or params.get("checksums"):
        return dict(params)
    return {**params, "checksums": dict(pin.checksums), "checksum_from": f"the collection's pin from {pin.source}"}
