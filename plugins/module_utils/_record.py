# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the next run must know of this one and the inventory no longer says: small lists, for root alone.

The replica set or mesh that a component serves (a host that moves is missing in both while it restarts), and what was
secret so far (former files may hold it under any key).
"""

from __future__ import annotations

import contextlib
import json
import os

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._disk import Disk
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


class Record:
    """The record at ``path``: a JSON list of texts."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> list[str] | None:
        """What was written last; None without a record, or one that is damaged (it is then written anew)."""
        try:
            with open(self.path, encoding="utf-8") as handle:
                found = json.load(handle)
        except (OSError, ValueError):
            return None
        return [str(part) for part in found] if isinstance(found, list) else None

    def other_than(self, wanted: list[str]) -> list[str] | None:
        """What is recorded, where it is something else."""
        found = self.read()
        return found if found != wanted else None

    def write(self, wanted: list[str]) -> None:
        """Record it, where it differs. :raises HAError: when it cannot."""
        if self.read() == wanted:
            return
        try:
            Disk().replace(self.path, json.dumps(wanted).encode(), 0o600)
        except OSError as error:
            raise HAError("cannot write a record of this component", where=self.path, said=str(error)) from error

    def forget(self) -> None:
        """Of a component that left."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
