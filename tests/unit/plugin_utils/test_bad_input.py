# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever an inventory holds, the plan ends with findings: no rule and no renderer breaks on a value of odd shape."""

from __future__ import annotations

import traceback
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._common import COMMON
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import plain
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import AM_CONFIG, hosts, plan

ODD: tuple[t.Any, ...] = (None, "x", 7, ["x", None], {"": [], "x": None})

RELABEL = {"source_labels": ["a", "b"], "regex": "(.+)1", "target_label": "a", "replacement": "$1", "action": "replace"}
ENDPOINT = {
    "url": "http://remote/write",
    "write_relabel_configs": [RELABEL],
    "headers": {"X-Scope-OrgID": "a"},
    "queue_config": {"capacity": 1},
}
# Good values, of which every part is replaced by an odd one in turn.
SAMPLES: dict[str, t.Any] = {
    "alertmanager_config": {
        "global": {"resolve_timeout": "5m"},
        "route": {
            "receiver": "a",
            "group_by": ["alertname"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [{"receiver": "b", "matchers": ["a=b"], "continue": True, "mute_time_intervals": ["night"]}],
        },
        "receivers": [{"name": "a"}, {"name": "b", "webhook_configs": [{"url": "http://hook"}]}],
        "inhibit_rules": [{"source_matchers": ["a=b"], "target_matchers": ["a=c"], "equal": ["d"]}],
        "templates": ["x"],
    },
    "prometheus_alert_relabel_configs": [RELABEL],
    "prometheus_config": {
        "global": {"query_log_file": "x"},
        "alerting": {"alertmanagers": [{"api_version": "v2", "alert_relabel_configs": [RELABEL]}]},
        "storage": {"tsdb": {"out_of_order_time_window": "1h", "retention": {"time": "1d", "size": "1GB"}}},
    },
    "prometheus_external_labels": {"region": "eu"},
    "prometheus_extra_args": {"storage.tsdb.min-block-duration": "2h", "web.cors.origin": None, "x": ["a", "b"]},
    "prometheus_ha_preflight_ignore": [{"id": "X02", "reason": "r", "hosts": ["p1"]}],
    "prometheus_remote_read": [{"url": "http://remote/read"}],
    "prometheus_remote_write": [ENDPOINT],
    "prometheus_rules": [
        {
            "name": "g",
            "interval": "1m",
            "labels": {"a": "b"},
            "rules": [
                {"alert": "A", "expr": "up == 0", "for": "5m", "labels": {"a": "b"}, "annotations": {"c": "d"}},
                {"record": "a:b:c", "expr": "sum(up)", "labels": {"a": "b"}},
            ],
        }
    ],
    "prometheus_scrape_configs": [
        {
            "job_name": "j",
            "scrape_interval": "30s",
            "scrape_timeout": "10s",
            "honor_labels": True,
            "sample_limit": 1,
            "metrics_path": "/federate",
            "params": {"match[]": ['{job="x"}']},
            "static_configs": [{"targets": ["a:1"], "labels": {"a": "b"}}],
            "file_sd_configs": [{"files": ["targets/web.yml"]}],
            "relabel_configs": [RELABEL],
            "metric_relabel_configs": [RELABEL],
        }
    ],
    "prometheus_shard": {"index": 0, "of": 2},
    "prometheus_targets": {"web": [{"targets": ["a:1"], "labels": {"a": "b"}}]},
    "thanos_compact_selector_relabel_configs": [{**RELABEL, "action": "keep"}],
    "thanos_objstore_config": {"type": "AZURE", "config": {"container": "c", "storage_account": "a"}, "prefix": "p"},
    "thanos_receive_hashrings": [
        {"hashring": "h", "algorithm": "ketama", "tenants": ["t"], "endpoints": ["a:1", {"address": "b:1", "az": "z"}]}
    ],
    "thanos_receive_labels": {"cluster": "eu"},
    "thanos_rule_alertmanagers_config": {"alertmanagers": [{"api_version": "v2", "static_configs": ["a:1"]}]},
    "thanos_rule_labels": {"cluster": "eu"},
    "thanos_rule_rules": [{"name": "g", "partial_response_strategy": "warn", "rules": [{"alert": "A", "expr": "up"}]}],
    "thanos_sidecar_extra_args": {"shipper.meta-file-name": "m.json"},
    "thanos_tenants": ["a", "b"],
}
# So that the rules over buckets have something to judge.
BUCKET = {"type": "S3", "config": {"bucket": "b", "endpoint": "e"}}
TABLES = {kind.name: {option.name for option in (*kind.options, *kind.borrowed)} for kind in _registry.KINDS}


def variants(value: t.Any) -> t.Iterator[t.Any]:
    """The value with each of its parts replaced by each odd one."""
    yield from ODD
    for index, item in enumerate(value) if isinstance(value, list) else ():
        for odd in variants(item):
            yield [*value[:index], odd, *value[index + 1 :]]
    for key, item in value.items() if isinstance(value, dict) else ():
        for odd in variants(item):
            yield {**value, key: odd}
        yield {**{other: rest for other, rest in value.items() if other != key}, 7: item}


def breaks(name: str, value: t.Any) -> str:
    """What is raised for this value of a variable, with the line of the code."""
    own = [kind.groups[0].name for kind in _registry.KINDS if name in TABLES[kind.name]]
    thanos = ["thanos_compact", "thanos_query", "thanos_store"] if name.startswith("thanos_") else []
    groups = dict.fromkeys(["prometheus", "alertmanager", *thanos, *own])
    values: dict[str, t.Any] = {
        "alertmanager_config": AM_CONFIG,
        "thanos_sidecar_enabled": True,
        "thanos_objstore_config": BUCKET,
    }
    values[name] = plain(value)
    try:
        plan(hosts("p1", "p2", groups=tuple(groups), **values), files={"/inv/x": "x"})
    except Exception as error:  # whatever it is
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {error!r} by {value!r}"[:400]
    return ""


@pytest.mark.parametrize("name", SAMPLES)
def test_structured_variables(name: str) -> None:
    assert [why for why in sorted({breaks(name, value) for value in variants(SAMPLES[name])}) if why] == []


OTHERS = {
    option.name: option
    for option in (*COMMON, *(option for kind in _registry.KINDS for option in (*kind.options, *kind.borrowed)))
    if option.name not in SAMPLES
}


@pytest.mark.parametrize("option", OTHERS.values(), ids=OTHERS)
def test_every_other_variable(option: Option) -> None:
    # Everything is text, a number or a switch once its type is checked; lists and dicts can hold anything.
    shaped = option.type in ("dict", "list", "raw")
    values = [
        *(ODD if shaped else ["x", "http://["]),
        *([{key: odd} for key in option.keys for odd in ODD] if option.keys else []),
    ]
    values += [[value] for value in values] if option.type == "list" else []
    assert [why for why in sorted({breaks(option.name, value) for value in values}) if why] == []
