# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom the gate of a host asks, and what the plan says of each: from the slices, and once a run from the model."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._effects import NONE, url_at
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import config_hash, hashrings_hashes
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _gate, _lease, _store, _waves
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components.prometheus import replica_label
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import SECOND, prometheus_duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate import (
    Limits,
    Open,
    Predicate,
    Replica,
    Scene,
    View,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._gate_predicates import TABLES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint.alertmanager import RESEND_DELAY
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import effective
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Topology

_OPTIONS = tuple(option for option in COMMON if option.name.startswith("prometheus_ha_gate_"))
_KEPT = "gate"
# Seconds within which queriers find a Store API at a place that they list already: they look every 5 s, and one look
# ends after 5 s where a place does not answer, as the other one of these two (thanos cmd/thanos/query.go, --endpoint;
# seen with 0.40.1: all that a look found counts once it has ended).
FOUND_WITHIN = 10.0

# By host, what each of its components showed, by the component's name.
Seen = t.Dict[str, t.Dict[str, View]]


@dataclasses.dataclass(frozen=True)
class Component:
    """A component of the host at the gate.

    :param checks: by host, itself first, how it is asked there: an element of the module gate_info's ``checks``.
    :param plans: by host, the fields of a Replica that the plan gives.
    :param cohort: what the model knows of its replica set or mesh, see :func:`cohort_of`.
    :param leaves: whether the host's own is to be removed.
    :param former: by host, the port and prefix at which it answers until it is changed, where these change.
    :param together: hosts that make the same change at the same moment.
    """

    name: str
    checks: dict[str, dict[str, t.Any]]
    plans: dict[str, dict[str, t.Any]]
    cohort: dict[str, t.Any]
    leaves: bool = False
    former: t.Mapping[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    together: frozenset[str] = frozenset()

    def hold(self, host: str) -> float:
        """Seconds after its start for which the host's own is still missed."""
        moved = bool(self.former.get(host, {}).get("grpc_port"))
        return FOUND_WITHIN if moved else float(self.cohort["hold"])

    def check(self, host: str, *, changed: bool) -> dict[str, t.Any]:
        """How it is asked on a host. :param changed: whether that one has been changed by now."""
        check = self.checks[host]
        return check if changed else {**check, "url": url_at(check["url"], self.former.get(host))}


def resend(prometheus: Instance) -> float:
    """Seconds after which an alert that fires is sent again, at the latest.

    At an evaluation that comes later than the resend delay since the last time (rules/alerting.go, needsSending), so
    the delay and one interval of the slowest group whose interval the inventory says.
    """
    delay = _base.extra_arg(prometheus, "rules.alert.resend-delay") or RESEND_DELAY
    groups = [group.get("interval") for group in prometheus.opt("rules")]
    intervals = [prometheus_duration(text) for text in [prometheus.opt("evaluation_interval"), *groups] if text]
    return float((prometheus_duration(delay) + max(intervals)) / SECOND)


def cohort_of(cohort: Cohort, topology: Topology) -> dict[str, t.Any]:
    """What the model knows of a replica set or mesh that the slices of its hosts do not say."""
    first = cohort.instances[0]
    name = first.kind.name
    is_mesh = name == "alertmanager"
    return {
        "title": cohort.title,
        "thinned": any(one.cohort == first.cohort for one in topology.leaving),
        "peer_timeout": prometheus_duration(first.opt("cluster_peer_timeout")) / SECOND if is_mesh else 0.0,
        "hosts": [member.name for member in cohort.instances if member.opt("state") == "present"],
        "hold": max((resend(one) for one in topology.alerting(cohort)), default=0.0) if is_mesh else 0.0,
        "label": replica_label(first) if name == "prometheus" else "",
    }


def _keep(topology: Topology) -> None:
    of_host: dict[str, dict[str, t.Any]] = {}
    for cohort in topology.cohorts_of(*TABLES):
        known = cohort_of(cohort, topology)
        for member in (
            *cohort.instances,
            *(one for one in topology.leaving if one.cohort == cohort.instances[0].cohort),
        ):
            of_host.setdefault(member.name, {})[cohort.kind.name] = known
    for host, known in of_host.items():
        _store.keep(_KEPT, host, known)


def _check(item: t.Mapping[str, t.Any], label: str) -> dict[str, t.Any]:
    check = {key: item["api"][key] for key in ("kind", "url", "http")}
    if check["kind"] == "thanos_rule":
        check["kind"] = "thanos"
    if item["name"] == "prometheus":
        check.update(replica_label=label, agent=item["api"]["generation"] is None)
    return check


def _planned(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    if item["name"] == "prometheus":
        return {"generation": item["api"]["generation"], "alertmanagers": tuple(item["expect"]["alertmanagers"])}
    if item["name"] == "thanos_query":
        return {"stores": len(item["expect"]["stores"])}
    files = {file["path"]: file["content"] for file in item["config"]["files"]}
    if item["name"] == "alertmanager":
        return {"members": item["expect"]["members"], "config_hash": config_hash(files["alertmanager.yml"].encode())}
    return {"hashrings": hashrings_hashes(files[_waves.HASHRINGS].encode())} if _waves.HASHRINGS in files else {}


def obtain(
    task_vars: t.Mapping[str, t.Any], templar: t.Any, store: _store.Store, names: t.Collection[str] | None = None
) -> list[Component]:
    """The components of the task's host that have a gate.

    :param names: only these.
    """
    host = task_vars["inventory_hostname"]
    with _store.first(_KEPT) as is_first:
        if is_first:
            _keep(_store.model(task_vars, templar)[1])
    known = _store.kept(_KEPT, [host]).get(host, {})
    slices = [item for item in store.slices(host) if item["state"] != "staged" and item["name"] in known]
    return [
        _component(item, host, known[item["name"]], store, limited=bool(task_vars.get("ansible_limit")))
        for item in slices
        if names is None or item["name"] in names
    ]


def _all_at_once(due: t.Mapping[str, t.Any] | None) -> bool:
    """Whether a member takes up its configuration at the same moment as the others: with what is pending, or ahead."""
    return due is not None and bool(due["at_once"] or due["ahead"])


def _component(
    item: t.Mapping[str, t.Any], host: str, cohort: dict[str, t.Any], store: _store.Store, *, limited: bool
) -> Component:
    name = item["name"]
    leaves = item["state"] == "absent"
    peers = {peer: store.slices(peer, name)[0] for peer in cohort["hosts"] if peer != host}
    known = [part for one in _store.staged() for part in one["components"].values()]
    if item["zone"] and not limited and _waves.knows_rings(known):  # all of it may be down at once
        peers = {peer: part for peer, part in peers.items() if part["zone"] != item["zone"]}
    parts: dict[str, t.Mapping[str, t.Any]] = {**({} if leaves else {host: item}), **peers}
    staged = {peer: due[name] for peer, due in _store.due([host, *parts]).items() if name in due}

    def differs(peer: str) -> bool:
        """One that --limit leaves out may not have been rolled yet."""
        return bool(staged[peer]["files"]) if peer in staged else host in staged

    def uncovered(part: t.Mapping[str, t.Any]) -> tuple[str, ...]:
        found = part["expect"].get("alertmanagers") if limited else None
        covered = _store.due(found.values()) if found else {}
        return tuple(address for address, member in (found or {}).items() if member not in covered)

    return Component(
        name,
        {peer: _check(part, cohort["label"]) for peer, part in parts.items()},
        {
            peer: {**_planned(part), "differs": differs(peer), "uncovered": uncovered(part)}
            for peer, part in parts.items()
        },
        cohort,
        leaves,
        {peer: due["endpoint"] for peer, due in staged.items() if due["pending"] != NONE and due["endpoint"]},
        frozenset(peer for peer, due in staged.items() if _all_at_once(due))
        if _all_at_once(staged.get(host))
        else frozenset(),
    )


def limits(task_vars: t.Mapping[str, t.Any], templar: t.Any) -> tuple[Limits, float]:
    """The time-outs, and the margin of the hold, in seconds."""
    given = {option.name: templar.template(task_vars[option.name]) for option in _OPTIONS if option.name in task_vars}
    values, _wrong = effective(_OPTIONS, given)  # the plan has told what is wrong
    own = Limits(
        values["prometheus_ha_gate_before_timeout"],
        values["prometheus_ha_gate_timeout"],
        values.get("prometheus_ha_gate_alerts_timeout"),
    )
    return own, values["prometheus_ha_gate_margin"]


def questions(components: t.Iterable[Component], changed: t.Container[str]) -> dict[str, list[dict[str, t.Any]]]:
    """By host, what it is asked, the components in their order.

    :param changed: hosts that have been changed by now.
    """
    asked: dict[str, list[dict[str, t.Any]]] = {}
    for component in components:
        for host in component.checks:
            asked.setdefault(host, []).append(component.check(host, changed=host in changed))
    return asked


def answers(components: t.Iterable[Component], views: t.Mapping[str, t.Sequence[View]]) -> Seen:
    """By host and component, the views that the questions were answered with."""
    left = {host: list(found) for host, found in views.items()}
    seen: Seen = {}
    for component in components:
        for host in component.checks:
            seen.setdefault(host, {})[component.name] = left[host].pop(0)
    return seen


# Each run is refused where the other has its lease; neither takes down what the other relies on.
LEASE = Predicate("lease", lambda _scene: None, "wait until that run has ended, then run again.")


def busy(
    components: t.Sequence[Component], leased: t.Mapping[str, t.Mapping[str, t.Any]], own: t.Mapping[str, t.Any]
) -> Open | None:
    """Another run that is changing somebody who has to stand in for the host.

    A run with --limit holds no lease on the hosts that it leaves out, and another one may be changing these.

    :param leased: by host, the lease of another run there; that of a run that is known to be dead does not count.
    :param own: the lease of this run.
    """
    for host, holder in leased.items():
        if not _lease.is_gone(holder, own):
            who = f"{holder['who']} (process {holder['pid']} there)"
            return Open(components[0].name, LEASE, f"another run is changing {host}: {who}", 0.0)
    return None


def judge(
    components: t.Iterable[Component],
    seen: Seen,
    *,
    state: str,
    limits_margin: tuple[Limits, float],
    baseline: t.Mapping[str, View],
) -> list[Open]:
    """What is still open, of each component the first.

    :param baseline: by component, the view that was taken before the change, where one was.
    """
    own_limits, margin = limits_margin
    found = []
    for component in components:
        own, *others = _replicas(component, seen)
        if state == "after":
            own = dataclasses.replace(own, differs=False)  # what was known of it is from before its change
        hold = component.hold(own.host)
        scene = Scene(
            state,
            own,
            tuple(others),
            own_limits,
            baseline.get(component.name),
            hold + margin if hold else 0.0,
            margin=margin,
            leaves=component.leaves,
            thinned=component.cohort["thinned"],
            together=component.together,
            peer_timeout=component.cohort["peer_timeout"],
        )
        found.append(_gate.first_open(component.name, TABLES[component.name], scene))
    return [one for one in found if one is not None]


def _replicas(component: Component, seen: Seen) -> list[Replica]:
    """Its own first; of one that leaves nothing is asked."""
    found = [Replica(peer, seen[peer][component.name], **plan) for peer, plan in component.plans.items()]
    return [Replica("", {"answers": False, "error": "it leaves"}), *found] if component.leaves else found


def remember(host: str, seen: t.Mapping[str, View]) -> None:
    """What the host showed before its change, for the gate after it."""
    _store.keep("gate-before", host, dict(seen))


def remembered(host: str) -> dict[str, View]:
    found: dict[str, View] = _store.kept("gate-before", [host]).get(host, {})
    return found
