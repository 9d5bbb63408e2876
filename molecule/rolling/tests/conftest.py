# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the scenario share. The files run in the order of their names, and each also runs alone.

ROLLING_TESTS=in_ci has those alone that are marked so, for the time that CI has.
"""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.rolling.support import Prober, Rolling


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if mark := os.environ.get("ROLLING_TESTS"):
        left = [item for item in items if item.get_closest_marker(mark) is None]
        items[:] = [item for item in items if item.get_closest_marker(mark) is not None]
        config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Rolling]:
    """The lab, up."""
    found = Rolling(tmp_path_factory.mktemp("overlays"))
    yield found
    found.end()


@pytest.fixture(scope="session")
def prober(stack: Rolling) -> t.Iterator[Prober]:
    """It looks from here to the end of the tests."""
    made = Prober(stack)
    yield made
    made.end()
