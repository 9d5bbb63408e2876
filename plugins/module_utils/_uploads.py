# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a data folder Thanos has uploaded, as its shipper notes it (thanos pkg/shipper/shipper.go, Meta)."""

from __future__ import annotations

import glob
import json
import os

# A receiver logs it once its head is a block, just before it uploads that (thanos cmd/thanos/receive.go).
FLUSHED = "storage is flushed successfully"
# Written by whoever uploads, once it has; a receiver has a folder a tenant.
NOTES = "thanos.shipper.json"


def _beside(data_dir: str, name: str) -> list[str]:
    return sorted(path for pattern in (name, f"*/{name}") for path in glob.glob(os.path.join(data_dir, pattern)))


def has_uploaded(data_dir: str) -> bool:
    """Whether something of a data folder was uploaded."""
    return bool(_beside(data_dir, NOTES))


def not_uploaded(data_dir: str) -> list[str]:
    """The blocks of a data folder that are not in the bucket, as paths below it."""
    done: set[str] = set()
    for path in _beside(data_dir, NOTES):
        try:
            with open(path, encoding="utf-8") as file:
                noted = json.load(file).get("uploaded") or ()
        except (OSError, ValueError, AttributeError):
            continue  # Thanos makes unreadable notes anew
        done.update(os.path.join(os.path.dirname(path), str(block)) for block in noted)
    blocks = [os.path.dirname(path) for path in _beside(data_dir, "*/meta.json")]
    return [os.path.relpath(block, data_dir) for block in blocks if block not in done]
