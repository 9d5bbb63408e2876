# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What relabelling and labels do to the replica label: nothing may set it, and no alert may be sent with it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _relabel, _versions
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components import prometheus
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._topology import Cohort, Instance

Labels = t.Dict[str, str]


class _Emitter(t.NamedTuple):
    """Something that makes a label of the replica label's name; ``undecided``: why that is not known."""

    option: str
    what: str
    undecided: str = ""


@rule(
    "P03",
    "error",
    "No target, relabel rule, recording rule or alerting rule sets a label with the replica label's name. (Names that "
    "come from discovery, as by a labelmap of __meta_kubernetes_pod_label_(.+), are not judged.)",
    prevents="Samples and alerts without their replica: an external label is only added where there is none of its "
    "name, so two replicas' series collide in remote storage and in federation.",
    source="prometheus web/federate.go, storage/remote/queue_manager.go, notifier",
)
def p03_nothing_sets_the_replica_label(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        found: list[_Emitter] = []
        before: t.Any = None
        for instance in cohort.instances:
            if subject.rendered(instance) is None:
                continue
            groups = subject.rule_groups(instance)
            given = (_settings(instance), groups)
            if given != before:  # replicas are alike, as a rule
                found = [*_targets(instance), *_jobs(instance), *_rules(instance, groups)]
                before = given
            label = prometheus.replica_label(instance)
            for emitter in found:
                yield Problem(instance.where(emitter.option), *_words(emitter, label))


def _words(emitter: _Emitter, label: str) -> tuple[str, str, str | None]:
    """What is wrong, what to do, and the severity."""
    what = f"{emitter.what} the label {label!r}, which is the replica label"
    if emitter.undecided:
        do = f"write that rule in another way, or add a labeldrop of {label!r} behind it."
        return f"{what} ({emitter.undecided}).", do, "undecided"
    drop = f", or add a labeldrop of {label!r} behind it" if "relabel" in emitter.what else ""
    return f"{what}.", f"use another name there{drop}.", None


def _settings(instance: Instance) -> tuple[t.Any, ...]:
    options = (instance.opt("targets"), instance.opt("scrape_configs"), instance.opt("version"))
    return (prometheus.replica_label(instance), *options)


def _targets(instance: Instance) -> t.Iterator[_Emitter]:
    label = prometheus.replica_label(instance)
    for name, groups in instance.opt("targets").items():
        if label in _labels_of(groups):
            yield _Emitter("targets", f"{name}: its targets are given")


def _labels_of(groups: t.Any) -> set[t.Any]:
    """The label names that target groups set."""
    given = [group.get("labels") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    return {name for labels in given if isinstance(labels, dict) for name in labels}


def _jobs(instance: Instance) -> t.Iterator[_Emitter]:
    label = prometheus.replica_label(instance)
    for job in instance.opt("scrape_configs"):
        name = f"job {job.get('job_name')!r}"
        if label in _labels_of(job.get("static_configs")):
            yield _Emitter("scrape_configs", f"{name}: its static_configs give targets")
        for key in ("relabel_configs", "metric_relabel_configs"):
            try:
                writes = _relabel.writes(job.get(key) or [], label, version=instance.opt("version"))
            except UndecidedError as problem:
                if not problem.refused:
                    what = f"{name}: undecided whether {key} set"
                    yield _Emitter("scrape_configs", what, problem.words.rstrip("."))
                continue  # what Prometheus refuses, promtool words better
            if writes:
                yield _Emitter("scrape_configs", f"{name}: {key} set")


def _rules(instance: Instance, groups: t.Sequence[tuple[str, dict[str, t.Any]]]) -> t.Iterator[_Emitter]:
    label = prometheus.replica_label(instance)
    for source, group in groups:
        option = _option(source)
        place = f"{source.partition(': ')[2] or 'rules'}: group {group.get('name')!r}"
        if label in _own_labels(group):
            yield _Emitter(option, f"{place} gives its rules")
        for item in _mappings(group.get("rules")):
            if label in _own_labels(item):
                yield _Emitter(option, f"{place}: the rule {item.get('alert') or item.get('record')!r} sets")


def _option(source: str) -> str:
    """The option (without its prefix) that a rule group is from."""
    return source.partition(": ")[0].removeprefix("prometheus_")


def _own_labels(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The labels of a rule or group; I08 tells those of another shape."""
    labels = item.get("labels")
    return labels if isinstance(labels, dict) else {}


def _mappings(items: t.Any) -> list[dict[str, t.Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


@rule(
    "P04",
    "error",
    "All replicas of a set send the same alerts: alert_relabel_configs, run on the alerts of each, give equal labels.",
    prevents="Every notification once a replica: to Alertmanager, alerts with different labels are different alerts.",
    source="prometheus notifier; robustperception.io/high-availability-prometheus-alerting-and-notification",
)
def p04_replicas_send_equal_alerts(subject: Subject) -> t.Iterator[Problem]:
    for cohort in subject.topology.cohorts_of("prometheus"):
        members = [one for one in cohort.instances if subject.rendered(one) is not None and not one.opt("agent")]
        if not members:
            continue
        first, *others = members
        alerts = _alerts(subject.rule_groups(first), _relabel_configs(subject, first))
        try:
            sent = _sent(subject, first, alerts)
            yield from _dropped(cohort, first, sent)
        except UndecidedError as problem:
            yield _undecided(first, problem)
            continue
        for other in others:
            if not _comparable(first, other):
                continue
            try:
                difference = _difference(alerts, sent, _sent(subject, other, alerts))
            except UndecidedError as problem:
                yield _undecided(other, problem)
                continue
            if difference:
                yield _unequal(cohort, difference, first, other)


# Labels that most alerts have besides what their rules set.
_USUAL = {"instance": "host:9100", "job": "node"}
_EXAMPLE = {"alertname": "Example", "severity": "critical", **_USUAL}
# A rule's label can hold an external label: {{ $externalLabels.replica }}.
_EXTERNAL = re.compile(r"\{\{-?\s*(?:\$externalLabels|\.ExternalLabels)\.([a-zA-Z_][a-zA-Z0-9_]*)\s*-?\}\}")


class _Alert(t.NamedTuple):
    """An alert as the rule makes it; ``option``: the one that has the rule, None of an example."""

    labels: Labels
    option: str | None = None


Sent = t.List[t.Optional[Labels]]
Difference = t.Tuple[_Alert, t.Optional[Labels], t.Optional[Labels]]


def _comparable(first: Instance, other: Instance) -> bool:
    """Whether only the replica differs; else P01 says what else does."""
    return prometheus.replica_label(first) == prometheus.replica_label(other) and bool(
        first.opt("external_labels") == other.opt("external_labels")
    )


def _relabel_configs(subject: Subject, instance: Instance) -> list[t.Any]:
    alerting = (subject.config(instance) or {}).get("alerting") or {}
    configs = alerting.get("alert_relabel_configs") or []
    return configs if isinstance(configs, list) else [configs]


def _alerts(groups: t.Sequence[tuple[str, dict[str, t.Any]]], configs: t.Sequence[t.Any]) -> list[_Alert]:
    """An example and one alert of each rule, of those that relabelling can tell apart."""
    alerts = [_Alert(_EXAMPLE)]
    for source, group in groups:
        for item in _mappings(group.get("rules")):
            if "alert" in item:
                labels = {**_USUAL, **_own_labels(group), **_own_labels(item)}
                named = {str(name): str(value) for name, value in labels.items()}
                alerts.append(_Alert({"alertname": str(item["alert"]), **named}, _option(source)))
    read: set[str] = set()
    by_name = False
    for config in configs:
        if isinstance(config, dict):
            names = config.get("source_labels")
            read.update(map(str, names if isinstance(names, list) else [names]))
            by_name = by_name or config.get("action") == "labelmap"
    kinds: dict[t.Any, _Alert] = {}
    for alert in alerts:
        matter = [each for each in alert.labels.items() if by_name or each[0] in read or _EXTERNAL.search(each[1])]
        kinds.setdefault((frozenset(alert.labels), tuple(sorted(matter))), alert)
    return list(kinds.values())


def _sent(subject: Subject, instance: Instance, alerts: t.Sequence[_Alert]) -> Sent:
    """What the notifier makes of each: external labels where there is none of the name, then relabelling.

    :raises UndecidedError: when it is not certain.
    """
    config = subject.config(instance) or {}
    configs = _relabel_configs(subject, instance)
    # The rendered labeldrop is run by itself, so that the numbers of rules are the user's own.
    rendered = 1 if instance.options["prometheus_ha_alert_replica_label"] == "drop" else 0
    version = _versions.parse_version(instance.opt("version"))
    # Prometheus 3 reads $$ as a literal $ there.
    external = {
        name: value.replace("$$", "$") if version.major >= 3 else value
        for name, value in config["global"].get("external_labels", {}).items()
    }
    sent: Sent = []
    for alert in alerts:
        own = {
            name: _EXTERNAL.sub(lambda found: external.get(found[1], ""), text) for name, text in alert.labels.items()
        }
        full = {**external, **{name: text for name, text in own.items() if text}}
        dropped = _relabel.relabel(full, configs[:rendered], version=version) or {}
        sent.append(_relabel.relabel(dropped, configs[rendered:], version=version))
    return sent


def _dropped(cohort: Cohort, instance: Instance, sent: Sent) -> t.Iterator[Problem]:
    # The first is an example that need not be like any real alert.
    known = sent[1:] or sent
    if all(labels is None for labels in known):
        yield Problem(
            _where(instance),
            f"{cohort.title}: alert_relabel_configs drop every alert whose labels are known; none would be sent.",
            "keep alerts by labels that they have, or drop none.",
            "warning",
        )


def _difference(alerts: t.Sequence[_Alert], here: Sent, there: Sent) -> Difference | None:
    found = (each for each in zip(alerts, here, there) if each[1] != each[2])
    return next(found, None)


def _unequal(cohort: Cohort, difference: Difference, first: Instance, other: Instance) -> Problem:
    alert, here, there = difference
    name = alert.labels["alertname"]
    if here is None or there is None:
        sender, dropper = (other, first) if here is None else (first, other)
        what = f"the alert {name} is sent by {sender.name} and dropped by {dropper.name}."
        do = "keep or drop by labels that all replicas share."
        return Problem(_where(other), f"{cohort.title}: {what}", do)
    label = next(label for label in sorted({*here, *there}) if here.get(label) != there.get(label))
    what = (
        f"{cohort.title}: the alert {name} is not the same on all replicas: after relabelling, {label!r} is "
        f"{here.get(label)!r} on {first.name} and {there.get(label)!r} on {other.name}."
    )
    if alert.option and _EXTERNAL.search(alert.labels.get(label, "")):
        return Problem(other.where(alert.option), what, "take the replica out of the rule's label.")
    do = (
        "make prometheus_alert_relabel_configs drop it, or replace it by what all replicas share; "
        "prometheus_ha_alert_replica_label: drop does so for the replica label."
    )
    return Problem(_where(other), what, do)


def _undecided(instance: Instance, problem: UndecidedError) -> Problem:
    if problem.refused:
        return Problem(_where(instance), f"alert_relabel_configs: {problem.words.rstrip('.')}.", "correct it.")
    return Problem(
        _where(instance),
        f"undecided whether all replicas send the same alerts: {problem.words.rstrip('.')}.",
        "write that rule in another way, or compare the alerts of two replicas by hand.",
        "undecided",
    )


def _where(instance: Instance) -> str:
    """The user's relabelling, or where there is none, the switch that left it to the user."""
    if instance.opt("alert_relabel_configs"):
        return instance.where("alert_relabel_configs")
    return instance.host.where("prometheus_ha_alert_replica_label")


RULES = (p03_nothing_sets_the_replica_label, p04_replicas_send_equal_alerts)
