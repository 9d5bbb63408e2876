# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When members of a mesh agree, and when not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._mesh import disagreements


def member(url: str, *peers: str, status: str = "ready", config_hash: int = 1, error: str = "") -> dict[str, t.Any]:
    return {
        "url": url,
        "reachable": not error,
        "error": error,
        "status": status,
        "peers": [{"name": peer, "address": f"{peer}:9094"} for peer in peers],
        "config_hash": config_hash,
    }


A, B = member("a", "A", "B"), member("b", "B", "A")


@pytest.mark.parametrize(
    "members, expected, wanted",
    [
        ([A, B], None, []),
        ([A], 2, []),
        ([A], None, []),
        ([member("a", status="disabled")], None, []),
        ([member("a", status="disabled")], 2, ["a is not settled (status disabled)"]),
        ([A, B], 3, ["a sees 2 of 3 members", "b sees 2 of 3 members"]),
        ([A, member("b", error="refused")], None, ["b does not answer: refused"]),
        ([A, member("b", "A", "B", status="settling")], None, ["b is not settled (status settling)"]),
        ([A, member("b", "A", "C")], None, ["they see different members: the mesh is split"]),
        (
            [A, member("b", "A", "B", config_hash=2)],
            None,
            ["they run different configurations (hashes: a 1, b 2)"],
        ),
    ],
)
def test_disagreements(members: list[dict[str, t.Any]], expected: int | None, wanted: list[str]) -> None:
    assert disagreements(members, expected) == wanted
