# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long what listens for a live preflight may stay."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live_run


@pytest.mark.parametrize(
    ("listen", "hosts", "forks", "seconds"),
    [
        (30.0, 1, 5, 30.0),
        (30.0, 5, 5, 30.0),
        (30.0, 6, 5, 60.0),
        (30.0, 1000, 5, 600.0),
        (900.0, 1000, 5, 900.0),
        (30.0, 3, 0, 90.0),
    ],
)
def test_it_is_counted_by_batches_and_never_stays_for_hours(
    listen: float, hosts: int, forks: int, seconds: float
) -> None:
    assert _live_run.longest(listen, hosts, forks) == seconds
