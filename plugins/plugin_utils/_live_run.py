# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live preflight of a run: its questions, made by whoever comes first, and the hosts' answers, kept as files."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import effective
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Topology

STEPS = ("look", "dial", "end")
NOBODY = "*"  # no host's name
_LONGEST_LISTEN = 600.0
_OPTIONS = tuple(
    option for option in COMMON if option.name in ("prometheus_ha_preflight_timeout", "prometheus_ha_preflight_listen")
)


@dataclasses.dataclass(frozen=True)
class LiveRun:
    """One host's share.

    :param ways: those that begin or end at the host, within the play.
    :param timeout: seconds that a peer has to answer; ``listen``: until what listens ends.
    """

    host: str
    nonce: str
    components: list[dict[str, t.Any]]
    ways: list[_live.Way]
    timeout: float
    listen: float

    def keep(self, step: str, answer: t.Any) -> None:
        _store.keep(f"live-{step}", self.host, answer)

    @staticmethod
    def kept(step: str, hosts: t.Iterable[str]) -> dict[str, t.Any]:
        return _store.kept(f"live-{step}", hosts)

    def forget(self) -> None:
        """Nothing of an earlier play of the same run counts."""
        for step in STEPS:
            _store.keep(f"live-{step}", self.host, None)


def _seconds(variables: t.Mapping[str, t.Any], templar: t.Any) -> tuple[float, float]:
    """:raises HAError: for what is no number."""
    given = {option.name: templar.template(variables[option.name]) for option in _OPTIONS if option.name in variables}
    values, _wrong = effective(_OPTIONS, given)  # the plan has told what is wrong
    return float(values["prometheus_ha_preflight_timeout"]), float(values["prometheus_ha_preflight_listen"])


def obtain(task_vars: t.Mapping[str, t.Any], templar: t.Any) -> LiveRun:
    """The questions to the task's host."""
    host = task_vars["inventory_hostname"]
    with _store.first("live") as is_first:
        if is_first:
            _snapshot, topology = _store.model(task_vars, templar)
            _ask(topology)
    asked = _store.kept("live-ask", [host]).get(host, {"components": [], "ways": []})
    nonce = _store.kept("live-ask", ["*"])["*"]
    play = set(task_vars["ansible_play_hosts_all"])
    timeout, listen = _seconds(task_vars, templar)
    return LiveRun(
        host,
        nonce,
        [_within(item, play) for item in asked["components"]],
        [way for way in map(_way, asked["ways"]) if {way.source, way.target} <= play],
        timeout,
        longest(listen, len(play), int(task_vars.get("ansible_forks") or 1)),
    )


def longest(listen: float, hosts: int, forks: int) -> float:
    """Seconds until a listener ends whose peers do not come: one that a cut off run leaves must not stay for hours.

    :param listen: what is given for one batch of ``forks`` hosts; never less.
    """
    batches = -(-hosts // max(forks, 1))
    return max(listen, min(listen * batches, _LONGEST_LISTEN))


def _within(item: dict[str, t.Any], play: set[str]) -> dict[str, t.Any]:
    ports = []
    for port in item["ports"]:
        peers = [peer for peer in port["dialled_by"] if peer in play]
        # Who comes by two addresses says goodbye twice: with somebody who never comes, it stays until it is ended.
        nobody = [NOBODY] if len(peers) > len(set(peers)) else []
        ports.append({**port, "dialled_by": [*dict.fromkeys(peers), *nobody]})
    return {**item, "ports": ports}


def _way(fields: t.Mapping[str, t.Any]) -> _live.Way:
    return _live.Way(**{**fields, "protocols": tuple(fields["protocols"])})


def _ask(topology: Topology) -> None:
    ways = _live.ways(topology)
    of_host: dict[str, list[dict[str, t.Any]]] = {}
    for way in ways:
        for host in (way.source, way.target):
            of_host.setdefault(host, []).append(dataclasses.asdict(way))
    for host, components in _live.looks(topology, ways).items():
        _store.keep("live-ask", host, {"components": components, "ways": of_host.get(host, [])})
    _store.keep("live-ask", "*", secrets.token_hex(16))


def seen(topology: Topology, play: t.Sequence[str], timeout: float) -> _live.Seen:
    """What all hosts of the play said.

    :param timeout: seconds that a peer had to answer.
    """
    looks = _live.looks(topology, ())
    covered = [host for host in play if host in looks]
    answers = {step: LiveRun.kept(step, covered) for step in STEPS}
    lost = {host: step for step in reversed(STEPS) for host in covered if host not in answers[step]}
    ways = [way for way in _live.ways(topology) if {way.source, way.target} & set(covered)]
    passages, unproved = _live.passages(ways, answers["look"], answers["dial"], answers["end"], covered)
    return _live.Seen(
        topology,
        {host: _live.host_seen(answer, looks[host]) for host, answer in answers["look"].items()},
        tuple(passages),
        tuple(unproved),
        lost,
        timeout,
        {(host, name): part["breaks"] for host, parts in _store.due(covered).items() for name, part in parts.items()},
    )


def timeout(task_vars: t.Mapping[str, t.Any], templar: t.Any) -> float:
    """Seconds that a peer has to answer."""
    return _seconds(task_vars, templar)[0]
