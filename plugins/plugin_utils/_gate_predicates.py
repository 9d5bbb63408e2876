# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate asks of a Prometheus replica, and of a mesh member: tables of predicates over what was seen of them.

Before a change the others are looked at, since they stand in for what goes away; after it, what was changed. Each table
is in the order in which its predicates come to hold, so that one may use what those above it ask for.
"""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._ready import host_port
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import SECOND, prometheus_duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate import Predicate, Replica, Scene

# A sentence names so many targets, alerts or silences.
_MOST = 3


def _named(found: t.Iterable[str]) -> str:
    names = sorted(found)
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _judged(scene: Scene) -> tuple[Replica, ...]:
    """Those that must be well."""
    return scene.others if scene.state == "before" or scene.leaves else (scene.own,)


def _mesh(scene: Scene) -> tuple[Replica, ...]:
    """The members that must be well: before the change the others, after it all, since a mesh is well as a whole."""
    return scene.others if scene.state == "before" or scene.leaves else (scene.own, *scene.others)


def _first(
    of: t.Callable[[Scene], t.Iterable[Replica]], look: t.Callable[[Replica, Scene], str | None]
) -> t.Callable[[Scene], str | None]:
    """A predicate over replicas: the first sentence that one of them gives."""
    return lambda scene: next(filter(None, (look(one, scene) for one in of(scene))), None)


def _answers(one: Replica, _scene: Scene) -> str | None:
    return None if one.answers else f"{one.host} does not answer: {one.view['error']}"


# ---- Prometheus


def _ready(one: Replica, _scene: Scene) -> str | None:
    if one.ready:
        return None
    replay = one.view.get("replay") or {}
    if replay.get("max"):
        return f"{one.host} replays its WAL: segment {replay['current']} of {replay['max']}"
    return f"{one.host} is starting (status {one.view['status']})"


def _peer_ready(one: Replica, scene: Scene) -> str | None:
    return _answers(one, scene) or _ready(one, scene)


def _grown(one: Replica, scene: Scene, field: str) -> tuple[int, int]:
    """A counter, and what it was before the change, where the process is still the same."""
    former = scene.baseline if one is scene.own else None
    same = former is not None and former.get("started") == one.view["started"]
    return int(one.view[field]), int(former[field]) if same and former is not None else 0


def _wal_corruption(one: Replica, scene: Scene) -> str | None:
    now, former = _grown(one, scene, "wal_corruptions")
    if now <= former:
        return None
    return f"{one.host} found its WAL corrupt {now} times (before: {former}) and lost the samples after that point"


def _checkpoints(one: Replica, scene: Scene) -> str | None:
    now, former = _grown(one, scene, "checkpoint_failures")
    return None if now <= former else f"{one.host} failed to write {now} checkpoints (before: {former})"


def _reloaded(one: Replica, _scene: Scene) -> str | None:
    return None if one.view["reloaded"] else f"the last reload of {one.host} failed: it runs other rules than its files"


def _rules(one: Replica, _scene: Scene) -> str | None:
    if one.generation is None or one.view["generations"] == [one.generation]:
        return None
    runs = ", ".join(mark[:12] for mark in one.view["generations"]) or "none"
    return f"{one.host} evaluates {one.view['rules']} rules of generation {runs}; the plan's is {one.generation[:12]}"


def _alertmanagers(one: Replica, scene: Scene) -> str | None:
    """One whose own files are still to change alerts those that it knows by now."""
    if one.generation is None:
        return None
    active = one.view["alertmanagers"]
    wanted = {host_port(address) for address in one.alertmanagers}
    if scene.state == "before" and one.differs:
        wanted = wanted & set(active) or set(active)
    if one.uncovered:
        former = scene.baseline if one is scene.own and scene.baseline and scene.baseline.get("ready") else None
        reached = set(former["alertmanagers"]) - set(former["unreached"]) if former else set()
        wanted -= {host_port(address) for address in one.uncovered} - reached
    missing = wanted - set(active)
    if missing:
        there = len(wanted) - len(missing)
        dropped = one.view["dropped_alertmanagers"]
        return f"{one.host} has {there} of {len(wanted)} Alertmanagers: {_named(missing)} missing, {dropped} dropped"
    unreached = {address: why for address, why in one.view["unreached"].items() if address in wanted}
    if unreached:
        return f"{one.host} can't reach " + _named(f"{address} ({why})" for address, why in unreached.items())
    return None


def _slowest(one: Replica) -> float:
    """Seconds of its slowest scrape interval."""
    return max((prometheus_duration(text) / SECOND for text in one.view["scrape_intervals"]), default=0.0)


def _two_intervals(one: Replica, _scene: Scene) -> str | None:
    needed = 2 * _slowest(one)
    if one.view["uptime"] >= needed:
        return None
    return f"{one.host} runs for {one.view['uptime']:.0f} s; two of its slowest scrape intervals are {needed:g} s"


def _compared(scene: Scene) -> list[Replica]:
    """With whom a replica is compared: before the change with the one that is to go, where that is well itself."""
    return [other for other in ((scene.own,) if scene.state == "before" else scene.others) if other.ready]


def _differ(one: Replica, other: Replica) -> bool:
    """Whether the two that are compared run different files, as in the middle of a change of configuration."""
    return one.differs or other.differs


def _up(one: Replica) -> set[str]:
    return {target for target, health in one.view["targets"].items() if health == "up"}


def _targets(one: Replica, scene: Scene) -> str | None:
    for other in _compared(scene):
        missing = _up(other) - _up(one)
        if _differ(one, other):
            # A target that only the other has may be what the change takes away.
            missing &= one.view["targets"].keys()
        if missing:
            seen = _named(f"{target} ({one.view['targets'].get(target, 'no target')})" for target in missing)
            return f"{one.host} has {len(_up(one))} targets up, {other.host} {len(_up(other))}; here not up: {seen}"
    return None


def _firing(one: Replica, of: t.Collection[str] | None = None, since: float = 0.0) -> dict[str, float]:
    """What fires, by its labels, and the seconds for which it must be true before it does.

    :param of: only the alerts of these rules.
    :param since: only those that have been firing for so many seconds.
    """
    found = {}
    for alert in one.view.get("firing", ()):
        if alert["seconds"] < since or (of is not None and alert["rule"] not in of):
            continue
        labels = dict(alert["labels"])
        name = labels.pop("alertname", "?")
        shown = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        found[f"{name}{{{shown}}}"] = float(alert["for"])
    return found


def _alerts(one: Replica, scene: Scene) -> str | None:
    for other in _compared(scene):
        # In the middle of a change only what both evaluate can be compared.
        both = one.view.get("alerting", ()) if _differ(one, other) else None
        # What has just begun to fire there needs not fire here yet: replicas evaluate at different moments, and are
        # looked at one after the other.
        since = 2 * one.view.get("evaluation_interval", 0.0) + max(
            other.view.get("at", 0.0) - one.view.get("at", 0.0), 0.0
        )
        here, there = _firing(one), _firing(other, both, since)
        if missing := there.keys() - here.keys():
            return (
                f"{len(there)} alerts fire on {other.host}, {len(here)} on {one.host}; here not yet: {_named(missing)}"
            )
    return None


def _alerts_take(scene: Scene) -> float:
    """The longest ``for`` among the firing alerts, two evaluations and two scrapes, unless a time-out is set."""
    if scene.limits.alerts is not None:
        return scene.limits.alerts
    seen = [one for one in (scene.own, *scene.others) if one.ready]
    longest = max((seconds for one in seen for seconds in _firing(one).values()), default=0.0)
    interval = max((one.view.get("evaluation_interval", 0.0) + _slowest(one) for one in seen), default=0.0)
    return float(longest + 2 * interval) + scene.margin


def _ready_takes(scene: Scene) -> float:
    """A replica that still starts is on its way, after a run that was cut off, say; nothing is touched meanwhile."""
    starts = any(one.answers and not one.ready for one in _judged(scene))
    return scene.limits.after if starts else scene.limit


def _intervals_take(scene: Scene) -> float:
    """It comes by itself: what the slowest interval says, and the limit for what is unforeseen."""
    return scene.limit + 2 * max((_slowest(one) for one in _judged(scene)), default=0.0)


def _never(_scene: Scene) -> float:
    return 0.0


_LOG = "see journalctl -u prometheus on that host"

PROMETHEUS = (
    Predicate("answer", _first(_judged, _answers), f"{_LOG}; bring it back, then run again."),
    Predicate(
        "ready",
        _first(_judged, _ready),
        f"{_LOG}; give it more time by prometheus_ha_gate_timeout.",
        allowed=_ready_takes,
    ),
    Predicate(
        "peers",
        _first(lambda scene: scene.others, _peer_ready),
        "bring the peer back before another replica of the set is changed.",
        states=("after",),
    ),
    Predicate(
        "WAL corruption",
        _first(_judged, _wal_corruption),
        "its peers hold what it lost: leave them alone until you know why (disk, kill during a write); the counter "
        "starts anew with the process.",
        allowed=_never,
    ),
    Predicate("checkpoints", _first(_judged, _checkpoints), "look at the space on its data folder.", allowed=_never),
    Predicate("last reload", _first(_judged, _reloaded), f"{_LOG}; correct what it refused, and run again."),
    Predicate(
        "rules",
        _first(_judged, _rules),
        "look whether something else writes its configuration or reloads it.",
        states=("after",),
    ),
    Predicate(
        "Alertmanagers", _first(_judged, _alertmanagers), "bring them back, or correct the way from this host to them."
    ),
    Predicate("two scrape intervals", _first(_judged, _two_intervals), _LOG + ".", allowed=_intervals_take),
    Predicate("targets", _first(_judged, _targets), "correct the way from this host to the targets it names."),
    Predicate(
        "firing alerts",
        _first(_judged, _alerts),
        "look why the replicas differ; an alert that needs longer gets it by prometheus_ha_gate_alerts_timeout.",
        allowed=_alerts_take,
    ),
)


# ---- Alertmanager


def _settled(one: Replica, _scene: Scene) -> str | None:
    state = one.view["status"]
    if state == "ready" or (state == "disabled" and one.members == 1):
        return None
    return f"the gossip of {one.host} is not settled (status {state})"


def _members(one: Replica, scene: Scene) -> str | None:
    """Until somebody who leaves is gone, more are seen than the plan has."""
    if one.view["status"] == "disabled":
        return None
    seen = one.view["members"]
    more = scene.thinned or scene.state == "before"
    if len(seen) == one.members or (more and len(seen) > one.members):
        return None
    return f"{one.host} sees {len(seen)} of {one.members} members: {_named(seen.values())}"


def _one_mesh(scene: Scene) -> str | None:
    views = {one.host: set(one.view["members"]) for one in _mesh(scene) if one.answers}
    first = next(iter(views), "")
    for other, seen in views.items():
        if alone := seen ^ views[first]:
            return f"{first} and {other} see different members ({_named(alone)} is seen by one): the mesh is split"
    return None


def _configuration(one: Replica, _scene: Scene) -> str | None:
    runs = one.view["config_hash"]
    if runs == one.config_hash:
        return None
    return f"{one.host} runs a configuration with the hash {runs}; the plan's has {one.config_hash}"


def _taking_it_up(scene: Scene) -> tuple[Replica, ...]:
    """Who shall run the new configuration by now: where all take it up at once, all or none."""
    return (scene.own, *(other for other in scene.others if other.host in scene.together))


def _silences(scene: Scene) -> str | None:
    if scene.leaves:
        return None
    own = set(scene.own.view["silences"])
    for other in scene.others:
        if missing := set(other.view["silences"]) - own:
            there = len(other.view["silences"])
            return f"{scene.own.host} knows {len(own)} silences, {other.host} {there}; here missing: {_named(missing)}"
    return None


def _runs_long(by_then: str) -> t.Callable[[Replica, Scene], str | None]:
    """Whether it runs for the hold: counted from its start, since it does that from then on, settled or not."""

    def look(one: Replica, scene: Scene) -> str | None:
        if one.view["uptime"] >= scene.hold:
            return None
        return f"{one.host} runs for {one.view['uptime']:.0f} s; {by_then} {scene.hold:g} s after its start"

    return look


_AM_LOG = "see journalctl -u alertmanager on that host"

ALERTMANAGER = (
    Predicate("answer", _first(_mesh, _answers), f"{_AM_LOG}; bring it back, then run again."),
    Predicate("settled", _first(_mesh, _settled), f"{_AM_LOG}."),
    Predicate(
        "members", _first(_mesh, _members), "bring back who is missing, or correct the way between them (TCP and UDP)."
    ),
    Predicate("one mesh", _one_mesh, "correct the way between the members (TCP and UDP of the cluster port)."),
    Predicate(
        "configuration",
        _first(lambda scene: () if scene.leaves else _taking_it_up(scene), _configuration),
        "see that member's own error; or look whether something else writes its configuration or reloads it.",
        states=("after",),
        allowed=lambda scene: scene.peer_timeout if scene.together else scene.limit,
    ),
    Predicate("silences", _silences, f"{_AM_LOG}; silences come with the exchange of full state.", states=("after",)),
    Predicate(
        "hold",
        _first(_judged, _runs_long("all alerts have come back to it")),
        _AM_LOG + ".",
        states=("after",),
        allowed=lambda scene: scene.limit + scene.hold,
    ),
)

# ---- Thanos: all components alike


def _thanos_ready(one: Replica, _scene: Scene) -> str | None:
    return None if one.ready else f"{one.host} is not ready (status {one.view['status']})"


def _reaches_prometheus(one: Replica, _scene: Scene) -> str | None:
    return f"the sidecar of {one.host} does not reach its Prometheus" if one.view["prometheus_up"] is False else None


def _stores(one: Replica, scene: Scene) -> str | None:
    """A querier that sees less than another, or than it saw before, answers with less.

    What leaves is still seen by those that were not told yet, so no more than the plan lists is asked for.
    """
    if one.view["stores"] is None:
        return None
    before = scene.baseline if one is scene.own else None
    seen = {other.host: other.view["stores"] for other in scene.others if other.ready}
    if before and before.get("stores") is not None:
        seen[f"{one.host} before the change"] = before["stores"]
    host, most = max(seen.items(), key=lambda item: item[1], default=("", 0))
    if one.view["stores"] >= min(most, one.stores):
        return None
    return f"{one.host} is connected to {one.view['stores']} Store APIs of {one.stores}, {host} to {most}"


def _hashrings(one: Replica, _scene: Scene) -> str | None:
    """Two that share series out by different hashrings keep copies where nobody looks for them."""
    if not one.hashrings or one.view["config_hash"] in one.hashrings:
        return None
    planned = " or ".join(map(str, one.hashrings))
    return f"{one.host} routes by hashrings with the hash {one.view['config_hash']}; the plan's have {planned}"


_THANOS_LOG = "see journalctl -u with its unit (thanos_query, thanos_store ...) on that host"

THANOS = (
    Predicate("answer", _first(_judged, _answers), f"{_THANOS_LOG}; bring it back, then run again."),
    Predicate("ready", _first(_judged, _thanos_ready), f"{_THANOS_LOG}."),
    Predicate(
        "Prometheus",
        _first(_judged, _reaches_prometheus),
        "look whether its Prometheus is up, and has external labels.",
    ),
    Predicate(
        "hashrings",
        _first(_judged, _hashrings),
        f"it reads hashrings.json every 10 s; {_THANOS_LOG}.",
        states=("after",),
    ),
    Predicate(
        "Store APIs",
        _first(_judged, _stores),
        "look at /stores of that querier: its lastError says why it is not connected.",
        states=("after",),
    ),
    Predicate(
        "found",
        _first(_judged, _runs_long("queriers have found it at its new place")),
        f"{_THANOS_LOG}.",
        states=("after",),
        allowed=lambda scene: scene.limit + scene.hold,
    ),
)
# A balancer has no gate: it is ready or not, and goes along with what it serves.
_OF_THANOS = (
    *("thanos_sidecar", "thanos_store", "thanos_receive", "thanos_receive_router", "thanos_rule", "thanos_query"),
    *("thanos_query_frontend", "thanos_compact"),
)

TABLES = {"prometheus": PROMETHEUS, "alertmanager": ALERTMANAGER, **dict.fromkeys(_OF_THANOS, THANOS)}
