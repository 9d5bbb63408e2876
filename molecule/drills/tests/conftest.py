# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab of the drills."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.drills.support import Drills


@pytest.fixture(scope="session")
def stack() -> Drills:
    """The lab, up, its stack whole and nothing but the Watchdog told."""
    found = Drills()
    found.await_calm()
    return found
