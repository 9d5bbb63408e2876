# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves: which hosts may change at the same time, and in which phase of a run a component's change has its turn."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import (
    NONE,
    RELOAD,
    REMOVE,
    RESTART,
    START,
    WRITE,
)

# In the order in which a run goes through them. In ``clients``, those that talk to a web endpoint that is about to move
# learn of both places; in ``flip`` it moves, one host after the other; in ``together`` all members of a mesh change at
# the same moment, of what restarts besides the configuration; in ``change`` the rest does, one host after the other.
PHASES = ("start", "clients", "flip", "together", "change")

# The order in which tiers change in the phase ``change``: of Thanos what keeps data before what asks it, so that nobody
# asks for what the asked do not know yet; "" is the tier of Prometheus with its sidecar and of Alertmanager. The
# compactor is stopped before all of them and starts after them.
COMPACTOR = "thanos_compact"
TIERS = (
    *("thanos_store", "thanos_receive", "thanos_receive_router", "", "thanos_rule", "thanos_query"),
    *("thanos_query_frontend", COMPACTOR),
)

# What leaves goes once those that ask it have learned of it: an ingestor after the routers and before the queriers, who
# find in the bucket what it held.
_LEAVES_IN = {
    "thanos_sidecar": "thanos_query_frontend",
    "thanos_store": "thanos_query_frontend",
    "thanos_receive": "",
    "thanos_receive_router": "thanos_rule",
    "thanos_rule": "thanos_query_frontend",
    "thanos_query": COMPACTOR,
}

HASHRINGS = "hashrings.json"
Cohort = t.Tuple[str, ...]


def tier(name: str, own: str, pending: str) -> str:
    """The tier in which a component changes. :param own: that of its kind."""
    return _LEAVES_IN.get(name, own) if pending == REMOVE else own


def knows_rings(parts: t.Iterable[t.Mapping[str, t.Any]]) -> bool:
    """Whether all that routes has the planned hashrings: only by these a zone holds one copy of a series."""
    return not any(HASHRINGS in part["files"] for part in parts)


def is_meant(part: t.Mapping[str, t.Any], only: str, beside: t.Collection[t.Mapping[str, t.Any]] = ()) -> bool:
    """Whether a run that does less than all is about what a component has pending.

    :param only: ``release``: another release; ``reload``: what takes no restart; anything else: all.
    :param beside: what its host's components have pending: one of the distribution serves these, and goes with them.
    """
    if part["packaged"] and only in ("release", "reload"):
        return any(other["pending"] != NONE and is_meant(other, only) for other in beside if not other["packaged"])
    if only == "release":
        return part["version"] not in ("", part["runs"])  # of one that leaves none is wanted
    return only != "reload" or part["pending"] in (WRITE, RELOAD)


def serving(staged: t.Iterable[t.Mapping[str, t.Mapping[str, t.Any]]]) -> set[Cohort]:
    """The replica sets and meshes of which somebody serves.

    :param staged: of each host that was staged, its components.
    """
    parts = [part for components in staged for part in components.values() if part["serves"] and part["version"]]
    return {tuple(cohort) for part in parts for cohort in part["cohorts"]}


def phase(
    part: t.Mapping[str, t.Any],
    only: str = "",
    serving: t.Container[Cohort] = (),
    beside: t.Collection[t.Mapping[str, t.Any]] = (),
) -> str:
    """The phase of what a component has pending (see _converge.part); "" where it has nothing.

    One that is down and is to run another version than before goes through the gates, as an upgrade that was cut off
    while it was stopped: the new version is proved against those that serve, or taken back.

    :param serving: the replica sets and meshes of which somebody serves.
    :param beside: see is_meant.
    """
    if not is_meant(part, only, beside) or part["pending"] == NONE:
        return ""
    if part["pending"] == START:
        if _compacts(part):  # it starts after all that reads the bucket
            return "change"
        goes_on = part["runs"] not in ("", part["version"]) and any(tuple(one) in serving for one in part["cohorts"])
        return "change" if goes_on else START
    if "clients" in part["breaks"]:
        return "flip"
    return "together" if part["at_once"] or part["ahead"] else "change"


def _compacts(part: t.Mapping[str, t.Any]) -> bool:
    return bool(part["cohorts"][0][0] == COMPACTOR)


def paused(parts: t.Iterable[t.Mapping[str, t.Any]], only: str = "") -> list[bool]:
    """Of each part, whether it is a compactor that stands still while others of Thanos change, or until another starts:
    that one may take over its streams, and two on one stream overwrite one another.
    """
    known = list(parts)
    others = any(part["tier"] and not _compacts(part) and phase(part, only) == "change" for part in known)
    starts = any(_compacts(part) and part["pending"] == START for part in known)
    stops = {RESTART: others or starts, REMOVE: True}
    return [_compacts(part) and stops.get(part["pending"], False) and phase(part, only) == "change" for part in known]


def together(pending: t.Mapping[str, t.Collection[t.Any]], forks: int) -> list[list[str]]:
    """Group hosts so that all members of a mesh go at once, and no more hosts than Ansible works on at once.

    :param pending: the hosts in plan order, each with the cohorts of its components that change.
    :param forks: so many; a mesh that is larger is a wave all the same.
    """
    order = list(pending)
    groups: list[tuple[set[t.Any], list[str]]] = []
    for host, cohorts in pending.items():
        joined = [group for group in groups if group[0] & set(cohorts)]
        mine = set(cohorts).union(*(group[0] for group in joined))
        hosts = [*(name for group in joined for name in group[1]), host]
        groups = [*(group for group in groups if group not in joined), (mine, hosts)]
    result: list[list[str]] = []
    for _mine, hosts in groups:
        wave = next((wave for wave in result if len(wave) + len(hosts) <= forks), None)
        if wave is None:
            result.append(wave := [])
        wave += hosts
    return [sorted(wave, key=order.index) for wave in result]


def waves(
    pending: t.Mapping[str, t.Collection[t.Any]],
    *,
    first: t.Container[str] = (),
    canary: t.Callable[[t.Any], bool] | None = None,
    zones: t.Mapping[tuple[str, t.Any], str] | None = None,
) -> list[list[str]]:
    """Group hosts so that no wave holds two members of a cohort, in as few waves as the largest cohort needs.

    :param pending: the hosts in plan order, each with the cohorts of its components that change.
    :param first: hosts of which something serves nobody as it is: they go before the others of their cohorts, which
        repairs them.
    :param canary: says of a cohort whether it goes ahead: the first host of each such cohort makes a wave of its own.
    :param zones: by host and cohort, its failure domain where those of one may go together: no other of the cohort
        keeps what it keeps.
    :returns: the waves; the k-th member of every cohort goes with the k-th of every other, where no host is in two
        cohorts. A host in several takes the first wave that is free for all of them.
    """
    ordered = sorted(pending, key=lambda host: host not in first)
    leaders: dict[t.Any, str] = {}
    for host in ordered:
        for cohort in pending[host] if canary else ():
            if canary and canary(cohort):
                leaders.setdefault(cohort, host)
    ahead = set(leaders.values())
    # The gate of a canary is closed, too, until those are repaired that stand in for it in another set.
    relied_on = {cohort for host in ahead for cohort in pending[host]}
    ahead |= {host for host in pending if host in first and relied_on & set(pending[host])}
    result: list[list[str]] = []
    if ahead:
        # Two canary sets may share a host, or hosts stand in for one another in another set: then it takes more waves.
        result = waves({host: pending[host] for host in pending if host in ahead}, first=first)
    taken: list[dict[t.Any, str]] = [{} for _wave in result]  # by cohort, the zone
    begin = len(result)
    repaired: dict[t.Any, int] = {}  # by cohort, the last wave with one that serves nobody
    for host in ordered:
        if host in ahead:
            continue
        mine = {one: (zones or {}).get((host, one), "") for one in pending[host]}
        since = begin if host in first else max([begin, *(repaired[one] + 1 for one in mine.keys() & repaired.keys())])
        index = next((index for index in range(since, len(result)) if _is_free(taken[index], mine)), len(result))
        if index == len(result):
            result.append([])
            taken.append({})
        result[index].append(host)
        taken[index].update(mine)
        if host in first:
            repaired.update({one: max(index, repaired.get(one, index)) for one in mine})
    return result


def _is_free(taken: t.Mapping[t.Any, str], mine: t.Mapping[t.Any, str]) -> bool:
    """Whether a wave has nobody else of these cohorts, or of the same zone alone."""
    return all(one not in taken or (zone and taken[one] == zone) for one, zone in mine.items())
