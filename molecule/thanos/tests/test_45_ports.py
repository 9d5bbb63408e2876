# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sidecars' gRPC port moves under queries: with consent, and listed at both places meanwhile."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import REPLICAS
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import EXPORTERS, SCRAPED, Load, Thanos

MOVED = {"thanos_sidecar_grpc_port": 10951}
#: The scenario's own, and the consent to a move.
CONSENT = [
    {"id": "T01", "reason": "blocks of a minute are uploaded within a test"},
    {"id": "X06", "reason": "nobody else asks the sidecars"},
]


@pytest.fixture(scope="module", autouse=True)
def only_ports(stack: Thanos) -> t.Iterator[None]:
    """Whatever a test left, nothing but the ports changes; and they are as before at the end."""
    as_before = {"all": {"prometheus_ha_preflight_ignore": CONSENT}}
    stack.roll(groups=as_before).succeeded()
    yield
    stack.roll(groups=as_before).succeeded()


def asked(stack: Thanos) -> list[str]:
    """The sidecars that a querier is connected to, by their ports."""
    return sorted(store["name"].rpartition(":")[2] for store in stack.stores()["sidecar"])


def test_a_port_that_moves_without_consent_stops_the_run(stack: Thanos) -> None:
    before = asked(stack)
    run = stack.roll(groups={"prometheus": MOVED})
    assert run.rc != 0
    assert "X06 error" in run.output
    assert asked(stack) == before == ["10901"] * len(REPLICAS)


def test_with_consent_no_query_misses_a_sidecar(stack: Thanos) -> None:
    with Load(stack, f"count(up{{{SCRAPED}}})", 2 * EXPORTERS) as load:
        run = stack.roll(groups={"all": {"prometheus_ha_preflight_ignore": CONSENT}, "prometheus": MOVED})
    run.succeeded()
    print(f"moved in {run.seconds:.1f} s: {load.count} queries, {load.retried} asked twice")
    assert load.count > 5 * run.seconds
    assert (load.failed, load.wrong) == ([], [])
    assert asked(stack) == ["10951"] * len(REPLICAS)
