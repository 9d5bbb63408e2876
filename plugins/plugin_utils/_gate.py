# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: waiting until every predicate holds, each within its own time, with a sentence for what is waited for.

What the predicates look at are views: what the module ``gate_info`` saw of a replica and of its peers.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock

View = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Replica:
    """One replica or member as it was seen, and what the plan says of it.

    :param generation: Prometheus; the generation that it shall have loaded. None: an agent, which has no rules.
    :param alertmanagers: Prometheus; ``host:port`` of those that it shall alert.
    :param members: Alertmanager; of its mesh, itself included.
    :param config_hash: of the configuration that an Alertmanager shall have loaded.
    :param hashrings: of the hashrings by which a receiver shall route, by each way in which Thanos may show it.
    :param uncovered: Prometheus; those of ``alertmanagers`` that --limit leaves out: they may not run yet.
    :param stores: Thanos; how many Store APIs a querier shall be connected to.
    :param differs: whether its files are still to change in this run: it need not be as the plan says.
    """

    host: str
    view: View
    generation: str | None = None
    alertmanagers: tuple[str, ...] = ()
    members: int = 1
    config_hash: int = 0
    hashrings: tuple[int, ...] = ()
    stores: int = 0
    differs: bool = False
    uncovered: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        return bool(self.view["answers"])

    @property
    def serves(self) -> bool:
        return self.answers and bool(self.view.get("ready", True))

    @property
    def ready(self) -> bool:
        """Prometheus; whether it answers that it is ready: only then its view is whole."""
        return self.answers and bool(self.view["ready"])


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds. ``alerts`` None: as long as the alerts themselves take."""

    before: float = 30.0
    after: float = 600.0
    alerts: float | None = None


@dataclasses.dataclass(frozen=True)
class Scene:
    """A moment at the gate.

    :param state: ``before`` or ``after`` the change of ``own``.
    :param others: those that stand in for it while it is away.
    :param baseline: the view that was taken of it before the change, where one was.
    :param hold: seconds after its start by which all alerts have come back to an Alertmanager, or queriers have found a
        component of Thanos that moved; 0: there is nothing to wait for.
    :param margin: seconds for what is slower than it says.
    :param leaves: whether ``own`` is removed for good, so that only the others are looked at.
    :param thinned: whether somebody of the set or mesh is removed in this run: until then more of them are seen.
    :param together: hosts that make the same change at the same moment.
    :param peer_timeout: Alertmanager; seconds within which members take up a new configuration.
    """

    state: str
    own: Replica
    others: tuple[Replica, ...]
    limits: Limits = Limits()
    baseline: View | None = None
    hold: float = 0.0
    margin: float = 0.0
    leaves: bool = False
    thinned: bool = False
    together: frozenset[str] = frozenset()
    peer_timeout: float = 0.0

    @property
    def is_repair(self) -> bool:
        """Whether what is to be changed serves nobody: then nothing is lost by changing it, whatever the others do.

        One that only could not be looked at (a time-out, a failed task, a hung process) may serve all the same.
        """
        starts = self.own.answers and not self.own.view.get("ready", True)
        return self.state == "before" and not self.leaves and (starts or bool(self.own.view.get("away")))

    @property
    def relied_on(self) -> tuple[str, ...]:
        """Those of the others that do not serve, while ``own`` does: until they are back, it must not be taken down."""
        if self.leaves or not self.own.serves:
            return ()
        return tuple(other.host for other in self.others if not other.serves)

    @property
    def limit(self) -> float:
        return self.limits.before if self.state == "before" else self.limits.after


@dataclasses.dataclass(frozen=True)
class Predicate:
    """A condition of the gate.

    :param look: None where it holds, else a sentence of what it waits for, with the values of both sides.
    :param states: when it is asked.
    :param allowed: seconds that it may be waited for; 0: it will not come to hold by waiting.
    :param do: what to do about it.
    """

    name: str
    look: t.Callable[[Scene], str | None]
    do: str
    states: tuple[str, ...] = ("before", "after")
    allowed: t.Callable[[Scene], float] = lambda scene: scene.limit


@dataclasses.dataclass(frozen=True)
class Open:
    """The first predicate of a component's table that does not hold yet.

    :param relied_on: see Scene.
    """

    component: str
    predicate: Predicate
    sentence: str
    allowed: float
    relied_on: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        return self.component, self.predicate.name


@dataclasses.dataclass(frozen=True)
class Passed:
    """A gate that let through: the seconds it took, and by ``component predicate`` the seconds that each took."""

    seconds: float
    waited: dict[str, float]
    open: tuple[Open, ...] = ()


def first_open(component: str, table: t.Iterable[Predicate], scene: Scene) -> Open | None:
    """The first predicate that does not hold; those after it may need what it asks for."""
    if scene.is_repair:
        return None
    for predicate in table:
        if scene.state in predicate.states and (sentence := predicate.look(scene)) is not None:
            return Open(component, predicate, sentence, predicate.allowed(scene), scene.relied_on)
    return None


def refused(state: str, one: Open, seconds: float) -> HAError:
    """The error for a gate that stays closed."""
    waited = "" if one.allowed <= 0 else f" after {seconds:.1f} of {one.allowed:g} s"
    kept = "Nothing was changed" if state == "before" else "Nothing further is to be changed"
    return HAError(
        f"the gate {state} the change of {one.component} stays closed{waited}: {one.predicate.name}: {one.sentence}. "
        f"{kept}",
        do=one.predicate.do,
        component=one.component,
        predicate=one.predicate.name,
        waiting_for=one.sentence,
        relied_on=list(one.relied_on),
    )


def watch(
    state: str,
    look: t.Callable[[], t.Sequence[Open]],
    tell: t.Callable[[str], None],
    *,
    interval: float,
    wait: bool = True,
    clock: Clock | None = None,
) -> Passed:
    """Look until nothing is open; each predicate has its own time, which runs while it is what is waited for.

    :param look: one look at everything: what is open, one of each component.
    :param tell: is told what is waited for, each time that it changes.
    :param interval: seconds between two looks.
    :param wait: False looks once, and says what is open instead of failing.
    :raises HAError: names the predicate whose time is over, with the values that it saw last.
    """
    clock = clock or SystemClock()
    start = last = clock.time()
    spent: dict[tuple[str, str], float] = {}
    before: t.Sequence[Open] = ()
    told = ""
    while True:
        found = look()
        now = clock.time()
        for one in before:
            spent[one.key] = spent.get(one.key, 0.0) + now - last
        last = now
        if not found or not wait:
            return Passed(now - start, {" ".join(key): round(took, 2) for key, took in spent.items()}, tuple(found))
        for one in found:
            if spent.get(one.key, 0.0) >= one.allowed:
                raise refused(state, one, spent.get(one.key, 0.0))
        sentence = "; ".join(f"{one.component}, {one.predicate.name}: {one.sentence}" for one in found)
        if sentence != told:
            tell(sentence)
            told = sentence
        before = found
        clock.sleep(interval)
