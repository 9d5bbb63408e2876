# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts are asked before anything is started on them: Topology -> questions; answers -> what the rules see."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _environment
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import ENVIRONMENT, OBJSTORE_FILE
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight import FREE, OWN
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._preflight_dial import OK
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _federation,
    _registry,
    _thanos_labels,
    _watch,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import alertmanager
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Instance, Topology, ip_literal
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._urls import host_port

Answer = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Way:
    """From one host to a port of another's component.

    :param rule: the rule that wants it.
    :param option: the component's own option that sets the port, or the address where that is not the host's own.
    """

    rule: str
    source: str
    target: str
    component: str
    address: str
    port: int
    protocols: tuple[str, ...]
    option: str

    @property
    def id(self) -> str:
        return f"{self.target} {self.component} {host_port(self.address, self.port)}"

    @property
    def place(self) -> tuple[str, str, str, int]:
        """What a listener knows of it: not by which address somebody came."""
        return (self.source, self.target, self.component, self.port)


@dataclasses.dataclass(frozen=True)
class Passage:
    """A way that was tried in one protocol; ``outcome`` as in _preflight_dial, ``said`` the system's own words."""

    way: Way
    protocol: str
    outcome: str
    said: str = ""


@dataclasses.dataclass(frozen=True)
class Unproved:
    """A way that nobody could try, and why.

    :param is_within: whether both ends were looked at: then a rule could not be applied to them, and says so.
    """

    way: Way
    why: str
    is_within: bool = False


@dataclasses.dataclass(frozen=True)
class Clock:
    """A host's clock against the controller's, in seconds: the difference lies between the two."""

    low: float
    high: float

    @property
    def offset(self) -> float:
        return (self.low + self.high) / 2


@dataclasses.dataclass(frozen=True)
class Folder:
    """A data folder's filesystem; sizes in bytes."""

    path: str
    mount_point: str
    type: str
    source: str
    read_only: bool
    size: int
    free: int
    used: int


@dataclasses.dataclass(frozen=True)
class PortSeen:
    """A port that a component wants, and who has it: free, own, foreign or unusable."""

    port: int
    protocol: str
    address: str
    variable: str
    state: str
    said: str


@dataclasses.dataclass(frozen=True)
class ComponentSeen:
    """What a host has of a component; see _preflight_facts.Installed and _mesh.ask."""

    version: str = ""
    external_labels: t.Mapping[str, str] | None = None
    ports: tuple[PortSeen, ...] = ()
    in_the_way: tuple[tuple[str, str], ...] = ()
    folder: Folder | None = None
    mesh: Answer | None = None
    objstore: Answer | None = None

    @property
    def runs(self) -> bool:
        return bool(self.ports) and all(port.state == OWN for port in self.ports)


@dataclasses.dataclass(frozen=True)
class HostSeen:
    """What one host said of itself."""

    systemd_version: int
    systemd_runs: bool
    clock: Clock | None
    components: t.Mapping[str, ComponentSeen]


@dataclasses.dataclass(frozen=True)
class Seen:
    """All that the live rules look at.

    :param lost: by host that did not answer, in which step.
    :param timeout: seconds that a peer had to answer.
    :param breaks: by host and component, what of its pending changes breaks whom (peers, clients); see _effects.Due.
    """

    topology: Topology
    hosts: t.Mapping[str, HostSeen]
    passages: tuple[Passage, ...] = ()
    unproved: tuple[Unproved, ...] = ()
    lost: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    timeout: float = 3.0
    breaks: t.Mapping[tuple[str, str], t.Mapping[str, t.Sequence[str]]] = dataclasses.field(default_factory=dict)

    def instances(self) -> t.Iterator[tuple[Instance, HostSeen, ComponentSeen]]:
        """The components that were looked at, in inventory order."""
        for instance in self.topology.instances:
            host = self.hosts.get(instance.name)
            if host and instance.kind.name in host.components:
                yield instance, host, host.components[instance.kind.name]


# -- questions ---------------------------------------------------------------------------------------------------------


def ways(topology: Topology) -> list[Way]:
    """Every way that one host must have to another; those within a host need no proof."""
    found = [
        way
        for mesh in topology.cohorts_of("alertmanager")
        for member in mesh.instances
        for peer in mesh.instances
        for way in _gossip(member, peer)
    ]
    for prometheus in topology.of("prometheus"):
        if not prometheus.opt("agent"):
            members = [member for mesh in topology.meshes(prometheus) for member in mesh.instances]
            found += [_way("X04", prometheus, member, "port", ("tcp",)) for member in members]
        jobs = _federation.jobs(prometheus, topology)
        sources = [source for job in jobs for source in job.sources]
        sources += [source for job in jobs if job.balanced for each in job.sets for source in each.instances]
        watched = [member for cohort in _watch.watched(prometheus, topology) for member in cohort.instances]
        sources += filter(_is_rolled_out, watched)
        found += [_way("X04", prometheus, source, "port", ("tcp",)) for source in sources]
    return [way for way in dict.fromkeys(found) if way.source != way.target]


def peers(topology: Topology) -> dict[str, list[str]]:
    """By host, those at the other ends of its ways."""
    found: dict[str, dict[str, None]] = {}
    for way in ways(topology):
        found.setdefault(way.source, {})[way.target] = None
        found.setdefault(way.target, {})[way.source] = None
    return {host: list(others) for host, others in found.items()}


def _gossip(member: Instance, peer: Instance) -> list[Way]:
    """A member joins by the address in its list of peers, and gossips with what the peer advertises."""
    way = _way("A04", member, peer, "cluster_port", alertmanager.gossip_protocols(peer))
    try:
        advertised = alertmanager.advertise(peer)
    except HAError:  # a name, which the plan refuses
        advertised = None
    if advertised in (None, ip_literal(peer.address)):
        return [way]
    return [way, dataclasses.replace(way, address=advertised, option="cluster_advertise_address")]


def _way(rule: str, source: Instance, target: Instance, option: str, protocols: tuple[str, ...]) -> Way:
    return Way(
        rule,
        source.name,
        target.name,
        target.kind.name,
        target.address,
        target.port(option),
        protocols,
        option,
    )


def _is_rolled_out(instance: Instance) -> bool:
    return _registry.component(instance.kind.name).render is not None


def looks(topology: Topology, way_list: t.Sequence[Way]) -> dict[str, list[dict[str, t.Any]]]:
    """The components that each host is to look at: options of the module preflight_host."""
    dialled: dict[tuple[str, str, int], list[str]] = {}
    for way in way_list:
        dialled.setdefault((way.target, way.component, way.port), []).append(way.source)
    found: dict[str, list[dict[str, t.Any]]] = {}
    streams = {
        (producer.instance.name, producer.instance.kind.name): {
            "labels": [dict(labels) for labels in producer.streams()],
            "replica_label": producer.replica_label,
        }
        for producer in _thanos_labels.producers(topology)
    }
    for instance in filter(_is_rolled_out, topology.instances):
        name = instance.kind.name
        ports = [
            {
                "port": port,
                "protocol": protocol,
                "address": address,
                "variable": variable,
                "dialled_by": dialled.get((instance.name, name, port), []),
            }
            for port, protocol, address, variable in _registry.component(name).ports(instance)
        ]
        found.setdefault(instance.name, []).append(
            {
                "name": name,
                "data_dir": instance.options.get(f"{name}_data_dir"),
                "config_file": f"/etc/{name}/{name}.yml",
                "url": instance.own_url if name == "alertmanager" else None,
                "ports": ports,
                "streams": streams.get((instance.name, name), {}),
            }
        )
    return found


def objstore(item: Answer, streams: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The object store of a slice, as the module preflight_host tries it; nothing where it has none.

    :param streams: the ``labels``, a list of sets, of the blocks that it uploads, and their ``replica_label``.
    """
    texts = {file["path"]: file["content"] for file in item["config"]["files"]}
    if OBJSTORE_FILE not in texts:
        return {}
    release = ReleaseSpec.from_params({key: value for key, value in item["release"].items() if value is not None})
    folders = [*item["service"]["data_dirs"], *item["service"].get("shared_dirs", ())]
    return {
        "objstore": {
            "executable": f"{release.path}/bin/thanos",
            "config": yaml.safe_load(texts[OBJSTORE_FILE]),
            "environment": _environment.read(texts.get(ENVIRONMENT, "")),
            "account": item["service"]["user"],
            "writes": item["name"] != "thanos_store",
            **streams,
            "data_dir": folders[0] if folders else None,
        }
    }


def targets(way_list: t.Iterable[Way], answers: t.Mapping[str, Answer]) -> list[dict[str, t.Any]]:
    """What a host is to dial: its ways to hosts whose port somebody holds. Options of the module preflight_host.

    :param answers: what the hosts' look found, by host.
    """
    return [
        {
            "id": way.id,
            "address": way.address,
            "port": way.port,
            "protocols": list(way.protocols),
            "by": "listener" if _holder(way, answers) == FREE else "component",
            # What is planned may differ from what runs.
            "gossip_label": answers[way.target]["components"][way.component]["gossip_label"],
        }
        for way in way_list
        if _holder(way, answers) in (FREE, OWN)
    ]


def _holder(way: Way, answers: t.Mapping[str, Answer]) -> str:
    """Who has the port that a way leads to, in all its protocols alike; else nobody that could be asked."""
    component = answers.get(way.target, {}).get("components", {}).get(way.component, {})
    ports = [port for port in component.get("ports", ()) if port["port"] == way.port]
    states = {port["state"] for port in ports if port["protocol"] in way.protocols}
    return str(states.pop()) if len(states) == 1 else ""


# -- answers -----------------------------------------------------------------------------------------------------------


def host_seen(answer: Answer, asked: t.Sequence[Answer]) -> HostSeen:
    """A host's look.

    :param asked: its entry of `looks`.
    """
    clock = answer.get("clock")
    components = {item["name"]: _component_seen(answer["components"][item["name"]], item["ports"]) for item in asked}
    return HostSeen(
        answer["systemd"]["version"],
        answer["systemd"]["runs"],
        Clock(*clock) if clock else None,
        components,
    )


def _component_seen(found: Answer, ports: t.Sequence[Answer]) -> ComponentSeen:
    folder = found["folder"]
    return ComponentSeen(
        version=found["version"],
        external_labels=_labels(found["external_labels"]),
        ports=tuple(
            PortSeen(port["port"], port["protocol"], port["address"], port["variable"], seen["state"], seen["said"])
            for port, seen in zip(ports, found["ports"], strict=True)
        ),
        in_the_way=tuple((one["what"], one["do"]) for one in found["in_the_way"]),
        folder=folder
        and Folder(
            folder["path"],
            folder["mount"]["point"],
            folder["mount"]["type"],
            folder["mount"]["source"],
            folder["mount"]["read_only"],
            folder["size"],
            folder["free"],
            folder["used"],
        ),
        mesh=found["mesh"],
        objstore=found.get("objstore"),
    )


def _labels(text: str) -> dict[str, str] | None:
    """The block external_labels of a host's prometheus.yml; None where there is none that can be read."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    labels = data.get("external_labels") if isinstance(data, dict) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else None


def passages(
    way_list: t.Iterable[Way],
    looked: t.Mapping[str, Answer],
    dialled: t.Mapping[str, Answer],
    ended: t.Mapping[str, Answer],
    play: t.Collection[str],
) -> tuple[list[Passage], list[Unproved]]:
    """How each way went, and which could not be tried.

    A datagram whose reply was lost has proved its way where the peer says that it came.

    :param looked: by host, what its look found; ``dialled`` its targets' results by id; ``ended`` what was heard there
        by those that ended late (empty: it ended itself).
    :param play: the hosts that this run covers.
    """
    found: list[Passage] = []
    unproved: list[Unproved] = []
    way_list = list(way_list)
    several = _several(way_list)
    for way in way_list:
        reached = dialled.get(way.source, {}).get(way.id)
        late = ended.get(way.target, {}).get("heard")
        why = _untried(way, looked, reached, late, play)
        if why or reached is None:
            unproved.append(Unproved(way, why, {way.source, way.target} <= looked.keys() & set(play)))
            continue
        heard = {*reached["heard"], *((late or {}).get(str(way.port), {}).get(way.source, ()))}
        if way.place in several:  # it may have come by the other address
            heard = set()
        for protocol in way.protocols:
            outcome = OK if protocol in heard else reached["outcome"][protocol]
            found.append(Passage(way, protocol, outcome, reached["said"].get(protocol, "")))
    return found, unproved


def _untried(
    way: Way, looked: t.Mapping[str, Answer], reached: Answer | None, late: Answer | None, play: t.Collection[str]
) -> str:
    outside = [host for host in (way.source, way.target) if host not in play]
    if outside:
        were = "were" if len(outside) > 1 else "was"
        return f"{' and '.join(outside)} {were} not asked: outside --limit, or nothing starts there"
    for host in (way.source, way.target):
        if host not in looked:
            return f"{host} did not answer"
    holder = _holder(way, looked)
    if holder not in (FREE, OWN):
        return f"{way.component} can't have the port on {way.target}"
    if reached is None:
        return f"{way.source} did not answer"
    # Whoever said goodbye did so over TCP, so what ended itself before that was ended by its deadline or by somebody.
    if holder == FREE and late is None and reached["outcome"].get("tcp") != OK:
        return f"what stood in for it on {way.target} had ended (see prometheus_ha_preflight_listen)"
    return ""


def must_end(host: str, way_list: t.Iterable[Way], dialled: t.Mapping[str, Answer]) -> bool:
    """Whether a host's listener may still be there: it ends itself once everybody could say goodbye, over TCP."""
    way_list = [way for way in way_list if way.target == host]
    return bool(_several(way_list)) or any(
        dialled.get(way.source, {}).get(way.id, {"outcome": {}})["outcome"].get("tcp") != OK for way in way_list
    )


def _several(way_list: t.Iterable[Way]) -> set[tuple[str, str, str, int]]:
    """The places to which somebody has ways by several addresses."""
    return {place for place, count in collections.Counter(way.place for way in way_list).items() if count > 1}


def tell(unproved: t.Iterable[Unproved]) -> list[str]:
    """What could not be tried for want of a host, in lines: one for all that share a reason. Rules tell the rest."""
    reasons: dict[str, list[str]] = {}
    for one in unproved:
        if one.is_within:
            continue
        way = one.way
        text = f"{way.source} -> {way.target} {host_port(way.address, way.port)} ({', '.join(way.protocols)})"
        reasons.setdefault(one.why, []).append(text)
    return [
        f"not proved, {why}: {'; '.join(texts[:5])}{f' and {len(texts) - 5} more' if len(texts) > 5 else ''}"
        for why, texts in reasons.items()
    ]
