# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an inventory of many hosts, as a company would have it, for the benchmark and for pictures.

    python -m scripts.large_inventory HOSTS FOLDER

Sites of ten hosts (three replica pairs with Thanos sidecars, a mesh of three, a store gateway) and twelve global hosts
(a federation pair, two queriers with frontends, two rulers, a compactor, three receivers and two routers); what is
left over are more store gateways. Variables are in group_vars, with templates, as people write them.
"""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

GLOBAL = 12
SITE = 10

BUCKET = {
    "type": "S3",
    "config": {"bucket": "blocks", "endpoint": "s3.example:9000", "access_key": "key", "secret_key": "secret"},
}
ROUTE = {
    "route": {"receiver": "pager", "group_by": ["alertname", "site"]},
    "receivers": [{"name": "pager", "webhook_configs": [{"url": "http://{{ pager_host }}:8080/alerts"}]}],
}
JOBS = [
    {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]},
    {
        "job_name": "node",
        "scrape_interval": "{{ node_interval }}",
        "file_sd_configs": [{"files": ["targets/node.yml"]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "regex": r"([^:]+):\d+", "target_label": "machine", "replacement": "$1"}
        ],
    },
]
ALERT = {
    "name": "hosts",
    "rules": [
        {"alert": "HostDown", "expr": 'up{job="node"} == 0', "for": "2m", "labels": {"severity": "page"}},
        {"record": "job:up:sum", "expr": "sum by (job) (up)"},
    ],
}


def site_hosts(site: int) -> dict[str, dict[str, t.Any]]:
    """The hosts of a site: name -> its variables, with its group under ``group``."""
    hosts: dict[str, dict[str, t.Any]] = {}

    def add(group: str, name: str, rack: int, **values: t.Any) -> None:
        number = len(hosts) + 10
        hosts[f"s{site:03}-{name}"] = {
            "group": group,
            "ansible_host": f"10.{site // 250 + 1}.{site % 250}.{number}",
            "prometheus_ha_failure_domain": f"s{site:03}-r{rack}",
            **values,
        }

    for pair in range(1, 4):
        for replica in (1, 2):
            add("prometheus", f"prom{pair}-{replica}", replica, shard_name=f"p{pair}")
    for member in (1, 2, 3):
        add("alertmanager", f"am-{member}", member)
    add("thanos_store", "store", 3)
    return hosts


def global_hosts() -> dict[str, dict[str, t.Any]]:
    """The hosts that serve all sites."""
    hosts: dict[str, dict[str, t.Any]] = {}
    layout = {
        "prometheus_federation": 2,
        "thanos_query": 2,
        "thanos_compact": 1,
        "thanos_rule": 2,
        "thanos_receive": 3,
        "thanos_receive_router": 2,
    }
    for group, count in layout.items():
        for number in range(1, count + 1):
            hosts[f"global-{group.removeprefix('thanos_').replace('_', '-')}-{number}"] = {
                "group": group,
                "ansible_host": f"10.0.0.{len(hosts) + 10}",
                "prometheus_ha_failure_domain": f"global-r{number}",
            }
    return hosts


def inventory(count: int) -> dict[str, t.Any]:
    """The whole: ``hosts`` as an Ansible inventory, ``group_vars`` by group."""
    sites = max((count - GLOBAL) // SITE, 1)
    placed = {f"site{site:03}": site_hosts(site) for site in range(sites)}
    placed["global"] = global_hosts()
    for number in range(count - sum(map(len, placed.values()))):
        placed["global"][f"global-store-{number + 1}"] = {
            "group": "thanos_store",
            "ansible_host": f"10.0.1.{number + 10}",
        }
    children: dict[str, dict[str, t.Any]] = {}
    for site, hosts in placed.items():
        children[site] = {"hosts": {}, "vars": {"site": site, "prometheus_ha_region": site}}
        for name, values in hosts.items():
            group = values.pop("group")
            children[site]["hosts"][name] = values
            children.setdefault(group, {"hosts": {}})["hosts"][name] = {}
    children["thanos_query_frontend"] = {"children": {"thanos_query": {}}}
    sources = [f"site{site:03}-p{pair}" for site in range(sites) for pair in range(1, 4)]
    return {"hosts": {"all": {"children": children}}, "group_vars": variables(sources)}


def variables(sources: list[str]) -> dict[str, t.Any]:
    """group_vars by group, as people write them. ``sources``: the replica sets of all sites."""
    federate = [{"replica_set": name, "match": ['{__name__=~"job:.*"}']} for name in sources]
    return {
        "all": {"thanos_objstore_config": BUCKET, "node_interval": "30s", "pager_host": "pager.example"},
        "prometheus": {
            "prometheus_replica_set": "{{ site }}-{{ shard_name }}",
            "prometheus_external_labels": {"cluster": "{{ site }}", "shard": "{{ shard_name }}"},
            "prometheus_alertmanager_meshes": ["{{ site }}"],
            "prometheus_scrape_configs": JOBS,
            "prometheus_targets": {
                "node": [{"targets": [f"10.200.0.{n}:9100" for n in range(1, 21)], "labels": {"site": "{{ site }}"}}]
            },
            "prometheus_rules": [ALERT],
            "thanos_sidecar_enabled": True,
            "prometheus_extra_args": {
                "storage.tsdb.min-block-duration": "2h",
                "storage.tsdb.max-block-duration": "2h",
            },
        },
        "alertmanager": {"alertmanager_mesh": "{{ site }}", "alertmanager_config": ROUTE},
        "prometheus_federation": {
            "prometheus_external_labels": {"cluster": "global"},
            "prometheus_alertmanager_meshes": ["site000"],
            "prometheus_federate": federate,
        },
        "thanos_receive": {"thanos_receive_replication_factor": 3},
        "thanos_receive_router": {"thanos_receive_replication_factor": 3},
    }


def write(count: int, folder: pathlib.Path) -> None:
    """Write the inventory of so many hosts; JSON is YAML, and is written faster."""
    made = inventory(count)
    (folder / "group_vars").mkdir(parents=True, exist_ok=True)
    (folder / "hosts.json").write_text(json.dumps(made["hosts"]))
    for group, values in made["group_vars"].items():
        (folder / "group_vars" / f"{group}.json").write_text(json.dumps(values))


if __name__ == "__main__":
    write(int(sys.argv[1]), pathlib.Path(sys.argv[2]))
