# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations that the components would refuse, or read as none."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._durations import (
    flag_duration,
    prometheus_duration,
    time_or_duration,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint._rule import Problem, Subject, rule

Reader = t.Callable[[object], int]


def _each(reader: Reader, words: str) -> dict[str, Reader]:
    return dict.fromkeys(words.split(), reader)


# The variables that are one duration.
VARIABLES: dict[str, Reader] = {
    **_each(
        prometheus_duration,
        "prometheus_scrape_interval prometheus_scrape_timeout prometheus_evaluation_interval prometheus_retention "
        "prometheus_remote_outage_budget thanos_query_timeout thanos_store_ignore_deletion_marks_delay "
        "thanos_compact_retention_raw thanos_compact_retention_5m thanos_compact_retention_1h "
        "thanos_compact_delete_delay thanos_rule_evaluation_interval thanos_rule_retention thanos_receive_retention "
        "thanos_receive_out_of_order_time_window",
    ),
    **_each(
        flag_duration,
        "alertmanager_retention alertmanager_cluster_peer_timeout alertmanager_cluster_gossip_interval "
        "alertmanager_cluster_pushpull_interval alertmanager_cluster_settle_timeout alertmanager_dispatch_start_delay "
        "thanos_query_lookback_delta thanos_query_frontend_split_interval thanos_compact_consistency_delay "
        "victoriametrics_dedup_min_scrape_interval vmselect_dedup_min_scrape_interval "
        "vmstorage_dedup_min_scrape_interval",
    ),
    **_each(time_or_duration, "thanos_sidecar_min_time thanos_store_min_time thanos_store_max_time"),
}
# Of these, 0 turns off what is meant to run, or is taken for the default.
NEVER_ZERO = (
    *(f"prometheus_{name}" for name in ("scrape_interval", "scrape_timeout", "evaluation_interval")),
    *(f"alertmanager_{name}" for name in ("retention", "cluster_peer_timeout")),
    *(f"alertmanager_cluster_{name}_interval" for name in ("gossip", "pushpull")),
    "thanos_query_timeout",
    "thanos_rule_evaluation_interval",
)

# The keys and flags whose values are durations, wherever they are in a component's structured variables.
KEYS: dict[str, dict[str, Reader]] = {
    "prometheus": _each(
        prometheus_duration,
        "scrape_interval scrape_timeout evaluation_interval interval for keep_firing_for query_offset "
        "rule_query_offset refresh_interval remote_timeout batch_send_deadline min_backoff max_backoff "
        "sample_age_limit send_interval out_of_order_time_window "
        "query.lookback-delta query.timeout rules.alert.for-outage-tolerance rules.alert.for-grace-period "
        "rules.alert.resend-delay web.read-timeout storage.remote.flush-deadline storage.tsdb.min-block-duration "
        "storage.tsdb.max-block-duration",
    ),
    "alertmanager": {
        **_each(prometheus_duration, "group_wait group_interval repeat_interval resolve_timeout"),
        **_each(
            flag_duration,
            "alerts.gc-interval web.timeout cluster.tcp-timeout cluster.probe-timeout cluster.probe-interval "
            "cluster.reconnect-interval cluster.reconnect-timeout cluster.peers-resolve-timeout "
            "data.maintenance-interval dispatch.maintenance-interval dispatch.start-delay",
        ),
    },
}
# Below these, keys are names that people choose.
_NAMES = ("labels", "external_labels", "annotations", "params", "headers", "http_headers", "set_headers")


@rule(
    "I07",
    "error",
    "Every interval, timeout and retention is a duration as its component reads it; Thanos' limits of time are times "
    "or durations.",
    prevents="A process that does not start, or a value that silently counts as the default.",
    source="prometheus/common model/time.go; alecthomas/kingpin values.go; thanos cmd/thanos/*.go and "
    "pkg/model/timeduration.go",
)
def i07_durations_are_durations(subject: Subject) -> t.Iterator[Problem]:
    known: dict[str, tuple[t.Any, list[HAError]]] = {}
    for instance in subject.topology.instances:
        for option in instance.kind.options:
            value = instance.options.get(option.name)
            if value is None:
                continue
            # Hosts are alike, as a rule, and to compare large values is cheaper than to walk them.
            before = known.get(option.name)
            if before is None or before[0] != value:
                before = known[option.name] = (value, list(_problems(instance.kind.name, option.name, value)))
            for problem in before[1]:
                yield Problem(instance.host.where(option.name), problem.what, problem.do or "")


def _problems(kind: str, name: str, value: t.Any) -> t.Iterator[HAError]:
    reader = VARIABLES.get(name)
    for path, read, given in [(name, reader, value)] if reader else _nested(name, value, KEYS.get(kind, {})):
        problem = _problem(path, read, given)
        if problem:
            yield HAError(f"{path}: {problem.what}", do=problem.do)


def _nested(path: str, value: t.Any, readers: t.Mapping[str, Reader]) -> t.Iterator[tuple[str, Reader, t.Any]]:
    """The durations within a structured value: path, reader and value of each."""
    if isinstance(value, t.Mapping):
        for key, item in value.items():
            reader = readers.get(str(key).lstrip("-"))
            # A list repeats a flag. One of mappings stands below a name that people chose, as in prometheus_targets.
            repeated = isinstance(item, list) and path.endswith("_extra_args")
            listed = isinstance(item, list) and any(isinstance(each, t.Mapping) for each in item)
            if reader and repeated:
                yield from ((f"{path}.{key}[{number}]", reader, each) for number, each in enumerate(item))
            elif reader and not listed and not isinstance(item, (t.Mapping, type(None))):
                yield f"{path}.{key}", reader, item
            elif key not in _NAMES:
                yield from _nested(f"{path}.{key}", item, readers)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _nested(f"{path}[{number}]", item, readers)


def _problem(path: str, read: Reader, value: t.Any) -> HAError | None:
    # YAML's 0 is text for the components, which take it.
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    try:
        duration = read(text)
    except HAError as problem:
        return problem
    if duration < 0:
        return HAError(f"{value!r} is less than nothing.", do="write a duration without a sign.")
    if not duration and path in NEVER_ZERO:
        return HAError(f"{value!r} is no time at all.", do="write more than 0, or leave the variable out.")
    return None


RULES = (i07_durations_are_durations,)
