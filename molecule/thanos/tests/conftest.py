# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the scenario share. The files run in the order of their names, and each also runs alone."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import Thanos


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Thanos:
    """The lab, up."""
    return Thanos(tmp_path_factory.mktemp("overlays"))
