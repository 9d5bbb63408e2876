# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about remote write, remote storage and dashboards, and the model behind them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry, _remote_write
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    alertmanager,
    hosts,
    plan,
    prometheus,
    topology,
)

MESH = alertmanager("am-1", "am-2")
Hosts = t.Dict[str, HostVariables]
DROP = [{"regex": "replica", "action": "labeldrop"}]
TRACKED = [{"source_labels": ["replica"], "target_label": "__replica__"}, *DROP]


def told(*parts: Hosts) -> list[str]:
    findings = [finding for finding in plan(*parts, MESH).findings if finding.id[0] in "RGI"]
    return [f"{finding.id} {finding.severity} {finding.where}: {finding.what}" for finding in findings]


def writers(
    url: str,
    relabel: t.Any = None,
    *,
    endpoint: dict[str, t.Any] | None = None,
    names: str = "p-1 p-2",
    **values: t.Any,
) -> Hosts:
    config = {"url": url, **({"write_relabel_configs": relabel} if relabel is not None else {}), **(endpoint or {})}
    return prometheus(*names.split(), prometheus_remote_write=[config], **values)


def storage(kind: str, **values: t.Any) -> Hosts:
    return hosts(f"{kind}-1", groups=[kind], **values)


def victoriametrics(interval: str | None = "30s") -> Hosts:
    return storage("victoriametrics", victoriametrics_dedup_min_scrape_interval=interval)


def cluster(select: str | None, store: str | None) -> Hosts:
    return {
        **storage("vminsert"),
        **storage("vmselect", vmselect_dedup_min_scrape_interval=select),
        **storage("vmstorage", vmstorage_dedup_min_scrape_interval=store),
    }


VM = "http://victoriametrics-1.example:8428/api/v1/write"
VMINSERT = "http://vminsert-1.example:8480/insert/0/prometheus/api/v1/write"
MIMIR = "http://mimir-1.example:8080/api/v1/push"
WRITE = "variable prometheus_remote_write"

# -- R01 --------------------------------------------------------------------------------------------------------------

ON_NAME = {"source_labels": ["__name__"], "regex": "nothing", "action": "keep"}


@pytest.mark.parametrize(
    "relabel",
    [
        pytest.param(DROP, id="dropped"),
        pytest.param([{"target_label": "replica", "replacement": ""}], id="emptied"),
        pytest.param([{"regex": "replica|.*_replica", "action": "labeldrop"}], id="with others"),
        pytest.param([{"regex": "__name__|job|instance", "action": "labelkeep"}], id="not kept"),
        pytest.param([ON_NAME, *DROP], id="behind a filter"),
        pytest.param([{"source_labels": ["replica"], "regex": "p-1", "action": "keep"}], id="one replica alone"),
    ],
)
def test_r01_passes(relabel: t.Any) -> None:
    assert told(writers(VM, relabel), victoriametrics()) == []


@pytest.mark.parametrize(
    "relabel, severity, said",
    [
        pytest.param(None, "error", "different series: 'replica' is 'p-1' for p-1 and 'p-2' for p-2.", id="kept"),
        pytest.param([ON_NAME], "error", "'replica' is 'p-1' for p-1", id="kept behind a filter"),
        pytest.param(
            [{"source_labels": ["replica"], "target_label": "host"}, *DROP],
            "error",
            "'host' is 'p-1' for p-1 and 'p-2' for p-2",
            id="kept by another name",
        ),
        pytest.param([{"regex": r"\pL+", "action": "labeldrop"}], "undecided", "undecided what", id="undecided"),
        pytest.param(
            [{"source_labels": ["replica", "job"], "regex": "a", "action": "drop"}],
            "undecided",
            "by 'replica' together with other labels",
            id="undecided filter",
        ),
        pytest.param([{"regex": "(", "action": "labeldrop"}], "error", "would refuse", id="refused"),
    ],
)
def test_r01_labels(relabel: t.Any, severity: str, said: str) -> None:
    (line,) = told(writers(VM, relabel), victoriametrics())
    assert line.startswith(f"R01 {severity} host p-1, {WRITE}: victoriametrics-1.example: ")
    assert said in line


@pytest.mark.parametrize("given", [None, "0", "0s", "15s", "1m"])
def test_r01_deduplication(given: str | None) -> None:
    assert told(writers(VM, DROP), victoriametrics(given)) == [
        "R01 error host victoriametrics-1, variable victoriametrics_dedup_min_scrape_interval: "
        f"-dedup.minScrapeInterval is {given or 'not set'}, and replica set default scrapes every 30s."
    ]


def test_r01_what_is_no_duration_is_told_once() -> None:
    assert [line.partition(" ")[0] for line in told(writers(VM, DROP), victoriametrics("soon"))] == ["I07"]


def test_r01_the_interval_is_that_of_the_writers() -> None:
    values: dict[str, t.Any] = {"prometheus_config": {"global": {"scrape_interval": "1m"}}}
    assert told(writers(VM, DROP, **values), victoriametrics("60s")) == []
    others = writers(VM, DROP, names="u-1 u-2", prometheus_replica_set="us")
    (line,) = told(writers(VM, DROP, **values), others, victoriametrics("60s"))
    assert "replica set us scrapes every 30s" in line


@pytest.mark.parametrize(
    "select, store, wrong",
    [
        ("30s", "30s", []),
        (None, "30s", ["vmselect"]),
        ("30s", None, ["vmstorage"]),
        ("1s", "1s", ["vmselect", "vmstorage"]),
    ],
)
def test_r01_a_cluster(select: str | None, store: str | None, wrong: list[str]) -> None:
    lines = told(writers(VMINSERT, DROP), cluster(select, store))
    assert [line.partition(":")[0] for line in lines] == [
        f"R01 error host {kind}-1, variable {kind}_dedup_min_scrape_interval" for kind in wrong
    ]


def test_r01_what_lies_outside_is_known_by_its_kind() -> None:
    url = "https://metrics.example/api/v1/write"
    assert told(writers(url)) == []
    (line,) = told(writers(url, prometheus_remote_write_kinds={url: "victoriametrics"}))
    assert "metrics.example: to VictoriaMetrics the replicas of replica set default write different series" in line
    named: dict[str, t.Any] = {
        "endpoint": {"name": "long-term"},
        "prometheus_remote_write_kinds": {"long-term": "victoriametrics"},
    }
    (line,) = told(writers("https://user:hunter2@metrics.example/x", **named))
    assert "long-term: to VictoriaMetrics" in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("victoriametrics-1", id="inventory name"),
        pytest.param("10.0.0.41", id="ansible_host"),
        pytest.param("vm.internal", id="prometheus_ha_address"),
    ],
)
def test_a_receiver_is_known_by_any_of_its_names(host: str) -> None:
    named: dict[str, t.Any] = {"ansible_host": "10.0.0.41", "prometheus_ha_address": "vm.internal"}
    receiver = storage("victoriametrics", victoriametrics_dedup_min_scrape_interval="1ms", **named)
    (line,) = told(writers(f"http://{host}:8428/api/v1/write", DROP), receiver)
    assert line.startswith("R01 error host victoriametrics-1, variable victoriametrics_dedup_min_scrape_interval: ")


def test_what_connects_to_two_hosts_names_neither() -> None:
    gateway: dict[str, t.Any] = {"ansible_host": "10.0.0.1", "victoriametrics_dedup_min_scrape_interval": "1ms"}
    both = [
        hosts(name, groups=["victoriametrics"], prometheus_ha_address=f"{name}.internal", **gateway)
        for name in ("vm-1", "vm-2")
    ]
    assert told(writers("http://10.0.0.1:8428/api/v1/write", DROP), *both) == []
    assert len(told(writers("http://vm-2:8428/api/v1/write", DROP), *both)) == 1


@pytest.mark.parametrize(
    "url, kind",
    [
        ("https://mimir.example.com/api/v1/push", "mimir"),
        ("https://prometheus-us-central1.grafana.net/api/prom/push", "mimir"),
        ("http://vminsert.x:8480/insert/0/prometheus/api/v1/write", "victoriametrics"),
        ("http://vminsert.x:8480/insert/7:1/prometheus/api/v1/push/?extra_label=a", "victoriametrics"),
        ("https://metrics.example/api/v1/write", ""),
        ("https://metrics.example/insert/api/v1/write", ""),
        ("http://[::1", ""),
    ],
)
def test_the_kind_outside_the_inventory(url: str, kind: str) -> None:
    (instance,) = topology(writers(url, names="p-1")).instances
    (endpoint,) = _remote_write.endpoints(instance, topology(writers(url, names="p-1")))
    assert endpoint.kind == kind
    rules = {"mimir": ["R02"], "victoriametrics": ["R01"], "": []}
    assert [line.partition(" ")[0] for line in told(writers(url))] == rules[kind]
    assert told(writers(url, prometheus_remote_write_kinds={url: "other"})) == []


def test_a_storage_on_the_writer_itself() -> None:
    (line,) = told(
        {
            **writers("http://localhost:8428/api/v1/write", DROP),
            **hosts(
                "p-1",
                groups=["prometheus", "victoriametrics"],
                prometheus_remote_write=[{"url": "http://localhost:8428/api/v1/write", "write_relabel_configs": DROP}],
            ),
        }
    )
    assert line.startswith("R01 error host p-1, variable victoriametrics_dedup_min_scrape_interval: ")


def test_a_set_of_one_doubles_nothing() -> None:
    assert told(writers(VM, names="p-1"), victoriametrics(None)) == []
    assert told(writers(MIMIR, names="p-1"), storage("mimir")) == []


# -- R02 --------------------------------------------------------------------------------------------------------------

CLUSTER: dict[str, t.Any] = {"prometheus_external_labels": {"cluster": "eu"}}


@pytest.mark.parametrize(
    "relabel, values",
    [
        pytest.param(TRACKED, CLUSTER, id="moved"),
        pytest.param(None, {**CLUSTER, "prometheus_replica_label": "__replica__"}, id="from the start"),
        pytest.param([{"target_label": "cluster", "replacement": "eu"}, *TRACKED], {}, id="cluster of the endpoint"),
    ],
)
def test_r02_passes(relabel: t.Any, values: dict[str, t.Any]) -> None:
    assert told(writers(MIMIR, relabel, **values), storage("mimir", mimir_ha_tracker_enabled=True)) == []


@pytest.mark.parametrize(
    "relabel, values, said",
    [
        pytest.param(None, {}, "the series of p-1 have no label cluster and __replica__", id="neither"),
        pytest.param(TRACKED, {}, "the series of p-1 have no label cluster.", id="no cluster"),
        pytest.param(DROP, CLUSTER, "the series of p-1 have no label __replica__.", id="no replica"),
        pytest.param(
            [{"target_label": "__replica__", "replacement": "x"}, *DROP],
            CLUSTER,
            "p-1 and p-2 have the same __replica__, 'x'",
            id="one replica",
        ),
        pytest.param(
            TRACKED[:1],
            CLUSTER,
            "not __replica__ alone tells its replicas apart: 'replica' is 'p-1' for p-1",
            id="both",
        ),
        pytest.param([{"regex": r"\pL+", "action": "labeldrop"}], CLUSTER, "undecided what", id="undecided"),
    ],
)
def test_r02_labels(relabel: t.Any, values: dict[str, t.Any], said: str) -> None:
    (line,) = told(writers(MIMIR, relabel, **values), storage("mimir", mimir_ha_tracker_enabled=True))
    assert line.startswith("R02 ")
    assert f"host p-1, {WRITE}: mimir-1.example: " in line
    assert said in line


def test_r02_the_tracker_is_off() -> None:
    others = writers(MIMIR, TRACKED, names="u-1 u-2", prometheus_replica_set="us", **CLUSTER)
    assert told(writers(MIMIR, TRACKED, **CLUSTER), others, storage("mimir")) == [
        "R02 error host mimir-1, variable mimir_ha_tracker_enabled: replica set default has 2 replicas that write "
        "there, and the HA tracker is off."
    ]


# -- R03 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "budget, values, held",
    [
        pytest.param(None, {}, "", id="no budget"),
        pytest.param("2h", {}, "", id="at the limit"),
        pytest.param("121m", {}, "2h1m, and 2h are", id="above"),
        pytest.param("4h", {"prometheus_agent": True}, "", id="an agent"),
        pytest.param("5h", {"prometheus_agent": True}, "5h, and 4h are", id="above an agent's"),
        pytest.param(
            "5h",
            {"prometheus_agent": True, "prometheus_extra_args": {"storage.agent.retention.max-time": "6h"}},
            "",
            id="an agent that keeps more",
        ),
        pytest.param(
            "1h", {"endpoint": {"queue_config": {"sample_age_limit": "30m"}}}, "1h, and 30m are", id="too old"
        ),
    ],
)
def test_r03(budget: str | None, values: dict[str, t.Any], held: str) -> None:
    lines = told(writers("https://m.example/api/v1/write", prometheus_remote_outage_budget=budget, **values))
    assert len(lines) == bool(held), lines
    for line in lines:
        assert line.startswith("R03 warning hosts p-1, p-2, variable prometheus_remote_outage_budget: m.example may be")
        assert held in line


def test_r03_without_remote_write() -> None:
    assert told(prometheus("p-1", "p-2", prometheus_remote_outage_budget="1d")) == []


# -- R04 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kinds, said",
    [
        pytest.param({"far": "other"}, [], id="by name"),
        pytest.param({"https://u:hunter2@m.example/x": "mimir"}, [], id="by URL"),
        pytest.param({"far": "victoriametric"}, ["'far' is said to be 'victoriametric'."], id="no kind"),
        pytest.param(
            {"fra": "mimir"}, ["'fra' is the name or url of no endpoint of prometheus_remote_write."], id="no name"
        ),
        pytest.param(
            {"https://u:hunter2@m.example/y": ["mimir"]},
            ["a URL is said to be ['mimir'].", "a URL is the name or url of no endpoint of prometheus_remote_write."],
            id="neither, and nothing secret",
        ),
    ],
)
def test_r04(kinds: dict[str, t.Any], said: list[str]) -> None:
    values: dict[str, t.Any] = {"endpoint": {"name": "far"}, "names": "p-1", "prometheus_remote_write_kinds": kinds}
    where = "R04 error host p-1, variable prometheus_remote_write_kinds"
    assert told(writers("https://u:hunter2@m.example/x", **values)) == [f"{where}: {what}" for what in said]


# -- G01 --------------------------------------------------------------------------------------------------------------

URL = "postgres://grafana:hunter2@db.example/grafana"
GOSSIP: dict[str, t.Any] = {"grafana_alerting_ha": "gossip"}


def grafana(*names: str, **values: t.Any) -> Hosts:
    return hosts(*names, groups=["grafana"], **values)


DATABASE = hosts("db", groups=["grafana_database"])
CACHE = hosts("cache", groups=["grafana_cache"])


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([grafana("g-1")], id="one alone"),
        pytest.param([grafana("g-1", "g-2", **GOSSIP), DATABASE], id="group and gossip"),
        pytest.param([grafana("g-1", "g-2", grafana_alerting_ha="redis"), DATABASE, CACHE], id="group and redis"),
        pytest.param([grafana("g-1", "g-2", grafana_database_url=URL, **GOSSIP)], id="URL"),
        pytest.param(
            [grafana("g-1", "g-2", grafana_database_url=URL.replace("postgres:", "mysql:"), **GOSSIP)], id="MySQL"
        ),
        pytest.param(
            [
                grafana(
                    "g-1",
                    "g-2",
                    grafana_database_url=URL.replace("postgres:", "postgresql:"),
                    grafana_alerting_ha="redis",
                    grafana_alerting_redis_address="r.example:6379",
                )
            ],
            id="all outside",
        ),
        pytest.param([grafana("g-1"), grafana("g-2", prometheus_ha_environment="test")], id="one in each environment"),
    ],
)
def test_g01_passes(parts: list[Hosts]) -> None:
    assert told(*parts) == []


@pytest.mark.parametrize(
    "parts, variable, said",
    [
        pytest.param([grafana("g-1", "g-2", **GOSSIP)], "database_url", "2 Grafanas have no database", id="none"),
        pytest.param(
            [grafana("g-1", "g-2", grafana_database_url="sqlite3:///var/lib/grafana.db", **GOSSIP)],
            "database_url",
            "the database 'sqlite3' is none that 2 Grafanas can share",
            id="a file",
        ),
        pytest.param(
            [grafana("g-1", "g-2"), DATABASE], "alerting_ha", "2 Grafanas would each send", id="nobody agrees"
        ),
        pytest.param(
            [grafana("g-1", "g-2", grafana_alerting_ha="redis"), DATABASE],
            "alerting_ha",
            "there is no Redis to agree by",
            id="no Redis",
        ),
    ],
)
def test_g01(parts: list[Hosts], variable: str, said: str) -> None:
    (line,) = told(*parts)
    assert line.startswith(f"G01 error hosts g-1, g-2, variable grafana_{variable}: {said}")


def test_g01_each_on_its_own() -> None:
    other = URL.replace("db.example", "other.example")
    lines = told(
        grafana("g-1", grafana_database_url=URL, **GOSSIP), grafana("g-2", grafana_database_url=other, **GOSSIP)
    )
    assert lines == ["G01 error host g-2, variable grafana_database_url: g-2 and g-1 have different databases."]
    lines = told(grafana("g-1", **GOSSIP), grafana("g-2", grafana_alerting_ha="redis"), DATABASE, CACHE)
    assert lines == ["G01 error host g-2, variable grafana_alerting_ha: g-2 agrees by redis, g-1 by gossip."]


# -- links and ports --------------------------------------------------------------------------------------------------


def links(*parts: Hosts) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (link.source.kind.name, link.verb, link.target_title, link.endpoints)
        for link in _registry.links(topology(*parts))
    ]


def test_links_of_remote_storage() -> None:
    urls = [VMINSERT, MIMIR, "https://user:hunter2@metrics.example/x", "not a url"]
    values = {"prometheus_remote_write": [{"url": url} for url in urls]}
    assert links(prometheus("p-1", **values), cluster(None, None), storage("mimir")) == [
        ("prometheus", "writes to", "vminsert", ("vminsert-1.example",)),
        ("prometheus", "writes to", "Mimir", ("mimir-1.example",)),
        ("prometheus", "writes to", _remote_write.OUTSIDE, ("metrics.example", "endpoint 4")),
        ("vminsert", "writes to", "vmstorage", ("http://vmstorage-1.example:8482",)),
        ("vmselect", "queries", "vmstorage", ("http://vmstorage-1.example:8482",)),
    ]


def test_links_of_grafana() -> None:
    balancer = hosts("lb", groups=["loadbalancer"])
    parts = [grafana("g-1", grafana_alerting_ha="redis"), DATABASE, CACHE, balancer, storage("mimir")]
    both = [("grafana", "queries", "replica set default", ("http://p-1.example:9090",))]
    others = [
        ("grafana", "queries", "Mimir", ("http://mimir-1.example:8080",)),
        ("grafana", "stores in", "database", ("http://db.example:5432",)),
        ("grafana", "agrees by", "cache", ("http://cache.example:6379",)),
        ("loadbalancer", "leads to", "Grafana", ("http://g-1.example:3000",)),
    ]
    assert links(prometheus("p-1"), *parts) == [*both, *others]
    queries = hosts("q-1", groups=["thanos_query"])
    found = [link[2] for link in links(prometheus("p-1"), queries, *parts) if link[:2] == ("grafana", "queries")]
    assert found == [_kind_title("thanos_query"), "Mimir"]
    found = [link[2] for link in links(prometheus("p-1", prometheus_agent=True), grafana("g-1"))]
    assert found == []


def _kind_title(name: str) -> str:
    model = topology(hosts("q-1", groups=[name]))
    return model.cohorts_of(name)[0].title


def test_links_of_grafana_outside_and_among_themselves() -> None:
    assert links(grafana("g-1", "g-2", grafana_database_url=URL, **GOSSIP)) == [
        ("grafana", "stores in", "database outside the inventory", ()),
        ("grafana", "gossips in", "Grafana", ("g-1.example:9094", "g-2.example:9094")),
    ]


def test_gossip_has_a_port() -> None:
    def ports(**values: t.Any) -> list[tuple[int, str]]:
        instance = topology(grafana("g-1", **values)).instances[0]
        return [
            (port, protocol) for port, protocol, _address, _variable in _registry.component("grafana").ports(instance)
        ]

    assert ports() == [(3000, "tcp")]
    assert ports(**GOSSIP, grafana_ha_port=9095) == [(3000, "tcp"), (9095, "tcp"), (9095, "udp")]
