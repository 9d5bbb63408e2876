# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the global view: queriers, frontends and rulers."""

from __future__ import annotations

import contextlib
import typing as t

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _thanos_labels
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import _base, thanos_rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components.thanos_query import STORE_APIS
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, parsed, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance, Topology


def _environments(topology: Topology, *kinds: str) -> set[str]:
    """The environments that have any of some components."""
    return {cohort.environment for cohort in topology.cohorts_of(*kinds)}


@rule(
    "T05",
    "error",
    "Queriers deduplicate along the replica labels of all layers: of every Prometheus, ruler and receiver of the "
    "environment, and along no others.",
    prevents="Series that show twice in every graph and sum, or series of several sources that become one.",
    source="thanos docs/components/query.md, deduplication",
)
def t05_all_replica_labels(subject: Subject) -> t.Iterator[Problem]:
    layers: dict[str, _thanos_labels.ReplicaLabels] = {}
    for querier in subject.topology.of("thanos_query"):
        given: list[str] | None = querier.opt("replica_labels")
        if given is None:
            continue
        if querier.environment not in layers:
            layers[querier.environment] = _thanos_labels.replica_labels(subject.topology, querier.environment)
        found = layers[querier.environment]
        missing = [f"{label} ({of})" for label, of in sorted(found.needed.items()) if label not in given]
        # Of Store APIs outside the inventory the labels are not known.
        nobody = [] if querier.opt("endpoints") else sorted(set(given) - set(found.known))
        said = [f"it lacks {', '.join(missing)}"] * bool(missing) + [f"nobody has {', '.join(nobody)}"] * bool(nobody)
        if said:
            wanted = ", ".join(sorted(found.needed))
            yield Problem(querier.where("replica_labels"), f"{'; '.join(said)}.", f"leave it out, or list {wanted}.")


@rule(
    "T07",
    "error",
    "Queriers use the deduplication function chain only where all replicas are receivers' copies.",
    prevents="Graphs that jump between the samples of two replicas, which scrape at different times.",
    source="thanos docs/components/query.md, --deduplication.func",
)
def t07_chain_for_copies(subject: Subject) -> t.Iterator[Problem]:
    pairs: dict[str, Cohort] = {}
    for cohort in subject.topology.cohorts_of("thanos_sidecar", "thanos_rule"):
        if len(cohort.instances) > 1:
            pairs.setdefault(cohort.environment, cohort)
    for querier in subject.topology.of("thanos_query"):
        pair = pairs.get(querier.environment)
        if querier.opt("deduplication_func") == "chain" and pair is not None:
            yield Problem(
                querier.where("deduplication_func"),
                f"it is chain, and {', '.join(each.name for each in pair.instances)} are replicas ({pair.title}) whose "
                "samples differ.",
                "write penalty, or leave it out.",
            )


@rule(
    "T19",
    "error",
    "Queriers have something to ask: a sidecar, store gateway, ruler or receiver of the environment, or endpoints "
    "outside of the inventory.",
    prevents="A global view that is empty, and looks healthy.",
    source="thanos docs/components/query.md",
)
def t19_something_to_ask(subject: Subject) -> t.Iterator[Problem]:
    answering = _environments(subject.topology, *STORE_APIS)
    for querier in subject.topology.of("thanos_query"):
        if querier.environment not in answering and not querier.opt("endpoints"):
            yield Problem(
                querier.where("endpoints"),
                f"no host of the environment {querier.environment!r} answers the Store API.",
                "set thanos_sidecar_enabled for hosts of prometheus, put hosts into thanos_store, thanos_rule or "
                "thanos_receive, or list endpoints.",
            )


@rule(
    "T21",
    "error",
    "Frontends and rulers have queriers in their environment, or an address of some.",
    prevents="Rules that never run, and dashboards that never load.",
    source="thanos docs/components/query-frontend.md and rule.md",
)
def t21_queriers_to_ask(subject: Subject) -> t.Iterator[Problem]:
    there = _environments(subject.topology, "thanos_query")
    for instance in subject.topology.of("thanos_query_frontend", "thanos_rule"):
        own = "downstream_url" if instance.kind.name == "thanos_query_frontend" else "query_urls"
        if instance.environment not in there and not instance.opt(own):
            yield Problem(
                instance.where(own),
                f"the environment {instance.environment!r} has no querier for {instance.name} to ask.",
                "put hosts into thanos_query, or set the variable.",
            )


@rule(
    "T13",
    "error",
    "Each ruler has labels of its own, and its alerts lose its replica label; the labels of its set are not ones that "
    "a Prometheus or a receiver of the environment has.",
    prevents="A compactor that halts, alerts that come once a ruler, and results whose origin is overwritten.",
    source="thanos docs/components/rule.md, external labels and ruler HA",
)
def t13_rulers_labels(subject: Subject) -> t.Iterator[Problem]:
    rulers: dict[tuple[str, frozenset[tuple[str, str]]], Instance] = {}
    sources: dict[tuple[str, str], Instance] = {}
    producers = _thanos_labels.producers(subject.topology)
    for producer in producers:
        if producer.instance.kind.name != "thanos_rule":
            for label in producer.labels:
                sources.setdefault((producer.instance.environment, label), producer.instance)
    for producer in producers:
        ruler = producer.instance
        if ruler.kind.name != "thanos_rule":
            continue
        first = rulers.setdefault((ruler.environment, frozenset(producer.full.items())), ruler)
        if first is not ruler:
            alike = first.cohort == ruler.cohort
            yield Problem(
                ruler.where("replica" if alike else "labels"),
                f"{first.name} and {ruler.name} have the same labels: {producer.full}.",
                "give each ruler a replica of its own." if alike else "give each ruler set labels of its own.",
            )
        if producer.replica_label not in thanos_rule.alert_label_drop(ruler):
            yield Problem(
                ruler.where("alert_label_drop"),
                f"alerts keep the replica label {producer.replica_label!r}, so each ruler's are others.",
                "add it, or leave the variable out.",
            )
        for label in producer.labels:
            source = sources.get((ruler.environment, label))
            if source is not None:
                yield Problem(
                    ruler.where("labels"),
                    f"the label {label!r} would replace that of what the rules look at: {source.name} has it, too.",
                    "name it in another way, as ruler_cluster for cluster.",
                )


@rule(
    "T14",
    "error",
    "Rulers alert meshes that exist, by Alertmanager's API v2 (a warning where they have alerts and their environment "
    "has no mesh); a thanos_rule_alertmanagers_config is of Thanos' shape, with alertmanagers on top.",
    prevents="Alerts that are answered with 410, or sent to nobody; a ruler that does not start.",
    source="thanos docs/components/rule.md; pkg/alert/config.go, where v1 is the default and other keys are refused; "
    "alertmanager CHANGELOG of 0.27",
)
def t14_alertmanagers(subject: Subject) -> t.Iterator[Problem]:
    served = _environments(subject.topology, "alertmanager")
    for ruler in subject.topology.of("thanos_rule"):
        # An empty one says that nobody is alerted.
        given = ruler.opt("alertmanagers_config") or {"alertmanagers": []}
        where = ruler.where("alertmanagers_config")
        misshapen = _misshapen(given)
        if misshapen:
            do = "write {alertmanagers: [{api_version: v2, static_configs: ['<host>:<port>']}]}."
            yield Problem(where, f"{misshapen}.", do)
        for number, entry in enumerate([] if misshapen else given["alertmanagers"], 1):
            version = entry.get("api_version")
            if version != "v2":
                said = "no api_version, which Thanos takes for v1" if version is None else f"the api_version {version}"
                what = f"entry {number} has {said}."
                yield Problem(where, what, "write api_version: v2.")
        there = {mesh.name for mesh in subject.topology.meshes(ruler)}
        for name in ruler.opt("alertmanager_meshes") or []:
            if name not in there:
                yield Problem(
                    ruler.where("alertmanager_meshes"),
                    f"there is no mesh {name!r} in the environment {ruler.environment!r}.",
                    "name a mesh that an alertmanager_mesh of that environment sets.",
                )
        # As A01 has it: an empty list of meshes, or an empty configuration, says that it is meant.
        silent = all(ruler.opt(name) is None for name in ("alertmanagers_config", "alertmanager_meshes"))
        option = _alerting_option(ruler, subject) if silent and ruler.environment not in served else ""
        if option:
            yield Problem(
                ruler.where(option),
                f"rules alert, and the environment {ruler.environment!r} has no Alertmanager to tell.",
                "put hosts into the group alertmanager, name others by thanos_rule_alertmanagers_config, or say by "
                "thanos_rule_alertmanager_meshes: [] that none is wanted.",
                "warning",
            )


def _alerting_option(ruler: Instance, subject: Subject) -> str:
    """The option that a ruler's first alert is from; "" where it has none, or where files can't be read (T15)."""
    with contextlib.suppress(HAError):
        for option, _place, group in _groups(ruler, subject):
            if any("alert" in each for each in _dicts(group.get("rules"))):
                return option
    return ""


def _misshapen(given: t.Mapping[str, t.Any]) -> str:
    """Why Thanos would refuse a configuration of Alertmanagers, or nothing."""
    others = ", ".join(str(key) for key in given if key != "alertmanagers")
    if others:
        return f"it has {others} where Thanos takes alertmanagers alone"
    entries = given["alertmanagers"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return "alertmanagers is not a list of mappings"
    for number, entry in enumerate(entries, 1):
        addresses = entry.get("static_configs")
        if addresses is not None and not (
            isinstance(addresses, list) and all(isinstance(address, str) for address in addresses)
        ):
            return f"the static_configs of entry {number} are not a list of addresses"
    return ""


@rule(
    "T15",
    "error",
    "Groups of rulers with alerts use the partial_response_strategy abort, which is the default; every rule file can "
    "be read.",
    prevents="Alerts that are missed, because a part of the data did not answer.",
    source="thanos docs/components/rule.md, partial response",
)
def t15_alerts_abort(subject: Subject) -> t.Iterator[Problem]:
    for ruler in subject.topology.of("thanos_rule"):
        try:
            groups = list(_groups(ruler, subject))
        except HAError as problem:
            yield Problem(problem.where or ruler.where("rule_files"), f"{problem.what}.", problem.do or "")
            continue
        for option, place, group in groups:
            strategy = str(group.get("partial_response_strategy") or "abort").lower()
            if strategy != "abort" and any("alert" in each for each in _dicts(group.get("rules"))):
                yield Problem(
                    ruler.where(option),
                    f"{place}the group {group.get('name')} has alerts, and the partial_response_strategy {strategy}.",
                    "write abort, or leave it out; put recording rules that may be partial into a group of their own.",
                )


def _groups(ruler: Instance, subject: Subject) -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """A ruler's groups, each with its option and, before a colon, its file. :raises HAError: for a file that is none.

    What is no YAML is left out: Thanos' own checker of rules says so.
    """
    for group in ruler.opt("rules"):
        yield "rules", "", group
    for file in _base.copies(ruler, subject.files, "rule_files", "rules", subject.topology.folders):
        with contextlib.suppress(yaml.YAMLError):
            data = parsed(file["content"])
            for group in _dicts(data.get("groups") if isinstance(data, dict) else None):
                yield "rule_files", f"{file['source'].partition(': ')[2]}: ", group


def _dicts(value: t.Any) -> t.Iterator[dict[str, t.Any]]:
    yield from (item for item in (value if isinstance(value, list) else []) if isinstance(item, dict))


RULES = (
    t05_all_replica_labels,
    t07_chain_for_copies,
    t13_rulers_labels,
    t14_alertmanagers,
    t15_alerts_abort,
    t19_something_to_ask,
    t21_queriers_to_ask,
)
