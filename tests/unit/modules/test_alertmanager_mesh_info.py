# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real where nobody answers; meshes that do are in test_ready.py, beside the wait for them."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support


def test_silence_is_reported_not_failed() -> None:
    url = f"http://127.0.0.1:{support.free_port()}"
    for check in (True, False):
        found = support.run_module("alertmanager_mesh_info", {"urls": [url]}, check=check)
        assert (found.get("failed", False), found["changed"], found["agree"]) == (False, False, False)
        assert found["members"][0]["reachable"] is False and "refused" in found["members"][0]["error"]
