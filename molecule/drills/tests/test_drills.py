# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For each outage the alert that is meant for it, and no other."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.molecule.drills.support import LATEST, Drills
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import SETS
from ansible_collections.baremetal.prometheus_ha.molecule.shared.watch import cut_off


def test_the_watchdog_is_told_by_every_set(stack: Drills) -> None:
    assert stack.watchdogs() == set(SETS)


def test_a_replica_that_is_stopped(stack: Drills) -> None:
    """Its set and the one that watches it tell the same alert, so it is told once."""
    expected = {"PrometheusReplicaDown eu/eu-2 by eu"}
    told = stack.drill(stack.stopped("eu-2", unit="prometheus"), expected)
    print(f"a stopped replica: {told}")
    assert told.seconds.keys() == expected
    assert max(told.seconds.values()) <= LATEST


def test_a_mesh_that_is_split(stack: Drills) -> None:
    """Of two sets that watch it, each tells it."""
    expected = {f"AlertmanagerClusterNotHealthy default by {region}" for region in SETS}
    told = stack.drill(cut_off("pha-drills-am-3"), expected)
    print(f"a split mesh: {told}")
    assert told.seconds.keys() == expected


def test_a_set_that_is_stopped(stack: Drills) -> None:
    """Only another set is left to tell it."""
    expected = {"PrometheusReplicaSetDown us by us"}
    told = stack.drill(stack.stopped(*SETS["us"], unit="prometheus"), expected)
    print(f"a stopped set: {told}")
    assert told.seconds.keys() == expected


def test_a_configuration_that_was_put_in_by_hand(stack: Drills) -> None:
    expected = {"PrometheusBadConfig eu/eu-1 by eu"}
    told = stack.drill(stack.edited("eu-1", "/etc/prometheus/rules/by_hand.yml", "groups: nonsense"), expected)
    print(f"a configuration put in by hand: {told}")
    assert told.seconds.keys() == expected
