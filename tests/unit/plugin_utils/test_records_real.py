# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every recording rule of the packages under promtool 2.53.3 and 3.5.3, against numbers made by hand.

The hosts and services differ in size, so that an average of ratios would be another number than the ratio of sums.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import (
    good,
    hosts,
    loaded,
    prometheus,
    slice_of,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_rules import (
    INTERVAL,
    Series,
    promtool,
    series,
    stack,
)

AT = "15m"
Rows = t.Mapping[str, t.Mapping[str, float]]

# A job of two hosts, of which one has two CPUs and the other one, and a job of one host. `team` is a target label.
A = {"instance": "a", "job": "node", "team": "x"}
B = {"instance": "b", "job": "node", "team": "x"}
C = {"instance": "c", "job": "edge", "team": "x"}


def rate(per_second: float) -> str:
    """A counter that grows so fast."""
    return f"0+{per_second * 30:g}x60"


def _node() -> Series:
    found: Series = {}

    def add(name: str, host: t.Mapping[str, str], values: str, **more: str) -> None:
        found[series(name, {**host, **more})] = values

    for host, cpus in (
        (A, [{"user": 0.5, "system": 0.25, "idle": 0.25}, {"user": 0.25, "iowait": 0.25, "steal": 0.25, "idle": 0.25}]),
        (B, [{"user": 0.0, "idle": 1.0}]),
        (C, [{"nice": 1.0, "idle": 0.0}]),
    ):
        for cpu, modes in enumerate(cpus):
            for mode, share in modes.items():
                add("node_cpu_seconds_total", host, rate(share), cpu=str(cpu), mode=mode)
    for host, total, available in ((A, 1000, 250), (B, 3000, 2250), (C, 4000, 4000)):
        add("node_memory_MemTotal_bytes", host, f"{total}x60")
        add("node_memory_MemAvailable_bytes", host, f"{available}x60")
    # A has two disks, one below a volume group, which counts no more.
    for host, device, read, written, busy in (
        (A, "sda", 100, 10, 0.5),
        (A, "nvme0n1", 300, 30, 0.0),
        (A, "dm-0", 100, 10, 1.0),
        (B, "vda", 0, 60, 1.0),
        (C, "sda", 600, 0, 0.25),
    ):
        add("node_disk_read_bytes_total", host, rate(read), device=device)
        add("node_disk_written_bytes_total", host, rate(written), device=device)
        add("node_disk_io_time_seconds_total", host, rate(busy), device=device)
    # One of A's filesystems is mounted twice.
    for host, device, mountpoint, fstype, size, available in (
        (A, "/dev/sda1", "/", "ext4", 1000, 500),
        (A, "/dev/sda2", "/srv", "xfs", 2000, 400),
        (A, "/dev/sda2", "/data", "xfs", 2000, 400),
        (A, "tmpfs", "/run", "tmpfs", 5000, 1),
        (B, "/dev/vda1", "/", "ext4", 1000, 1000),
        (B, "nas:/x", "/nas", "nfs4", 9000, 1),
        (C, "/dev/sda1", "/", "btrfs", 6000, 5600),
        (C, "/dev/sr0", "/cd", "iso9660", 700, 0),
    ):
        place = {"device": device, "mountpoint": mountpoint, "fstype": fstype}
        add("node_filesystem_size_bytes", host, f"{size}x60", **place)
        add("node_filesystem_avail_bytes", host, f"{available}x60", **place)
    for host, device, bytes_ in (
        (A, "eth0", 100),
        (A, "eth1", 20),
        (A, "lo", 999),
        (A, "eth0.7", 100),
        (B, "ens3", 50),
    ):
        for way, factor in (("receive", 1), ("transmit", 2)):
            add(f"node_network_{way}_bytes_total", host, rate(bytes_ * factor), device=device)
            add(f"node_network_{way}_drop_total", host, rate(factor), device=device)
            add(f"node_network_{way}_errs_total", host, rate(factor * 3), device=device)
    for host, load in ((A, 4), (B, 0.5), (C, 1)):
        add("node_load5", host, f"{load}x60")
    return found


def rows(metric: str, *, a: float, b: float, c: float | None, node: float, edge: float | None, all_: float) -> Rows:
    """What a metric is of each instance, job, and of all; None: nothing."""
    instances = {"a": a, "b": b, "c": c}
    jobs = {"node": node, "edge": edge}
    return {
        f"instance:{metric}": {
            f'{{instance="{name}", job="{"edge" if name == "c" else "node"}", team="x"}}': value
            for name, value in instances.items()
            if value is not None
        },
        f"job:{metric}": {f'{{job="{name}", team="x"}}': value for name, value in jobs.items() if value is not None},
        f"cluster:{metric}": {'{team="x"}': all_},
    }


def _network(way: str, factor: int) -> Rows:
    return {
        **rows(
            f"node_network_{way}_bytes:rate5m",
            a=120 * factor,
            b=50 * factor,
            c=None,
            node=170 * factor,
            edge=None,
            all_=170 * factor,
        ),
        # By interface, and A has two that count.
        **rows(
            f"node_network_{way}_drop:rate5m",
            a=2 * factor,
            b=factor,
            c=None,
            node=3 * factor,
            edge=None,
            all_=3 * factor,
        ),
        **rows(
            f"node_network_{way}_errs:rate5m",
            a=6 * factor,
            b=3 * factor,
            c=None,
            node=9 * factor,
            edge=None,
            all_=9 * factor,
        ),
    }


NODE: Rows = {
    # A: 0.5 + 0.25 and 0.25 of two seconds a second.
    **rows("node_cpu_busy_seconds:rate5m", a=1, b=0, c=1, node=1, edge=1, all_=2),
    **rows("node_cpu_seconds:rate5m", a=2, b=1, c=1, node=3, edge=1, all_=4),
    # An average would say 0.25 of the job, and 0.5 of all.
    **rows("node_cpu_utilisation:ratio_rate5m", a=0.5, b=0, c=1, node=0.3333, edge=1, all_=0.5),
    **rows("node_memory_MemAvailable_bytes:sum", a=250, b=2250, c=4000, node=2500, edge=4000, all_=6500),
    **rows("node_memory_MemTotal_bytes:sum", a=1000, b=3000, c=4000, node=4000, edge=4000, all_=8000),
    **rows("node_memory_utilisation:ratio", a=0.75, b=0.25, c=0, node=0.375, edge=0, all_=0.1875),
    **rows("node_disk_read_bytes:rate5m", a=400, b=0, c=600, node=400, edge=600, all_=1000),
    **rows("node_disk_written_bytes:rate5m", a=40, b=60, c=0, node=100, edge=0, all_=100),
    **rows("node_disk_io_time_seconds:rate5m", a=0.5, b=1, c=0.25, node=1.5, edge=0.25, all_=1.75),
    **rows("node_disks:count", a=2, b=1, c=1, node=3, edge=1, all_=4),
    **rows("node_disk_utilisation:ratio_rate5m", a=0.25, b=1, c=0.25, node=0.5, edge=0.25, all_=0.4375),
    **rows("node_filesystem_avail_bytes:sum", a=900, b=1000, c=5600, node=1900, edge=5600, all_=7500),
    **rows("node_filesystem_size_bytes:sum", a=3000, b=1000, c=6000, node=4000, edge=6000, all_=10000),
    **rows("node_filesystem_utilisation:ratio", a=0.7, b=0, c=0.0667, node=0.525, edge=0.0667, all_=0.25),
    **_network("receive", 1),
    **_network("transmit", 2),
    **rows("node_cpus:count", a=2, b=1, c=1, node=3, edge=1, all_=4),
    **rows("node_load5:sum", a=4, b=0.5, c=1, node=4.5, edge=1, all_=5.5),
    **rows("node_load5_per_cpu:ratio", a=2, b=0.5, c=1, node=1.5, edge=1, all_=1.375),
}

# Two instances of a shop, one of which has errors, and a service of its own buckets; `team` is a target label.
S1 = {"instance": "a", "job": "node", "team": "x"}
S2 = {"instance": "b", "job": "node", "team": "x"}
S3 = {"instance": "c", "job": "edge", "team": "x"}


def _http() -> Series:
    found: Series = {}
    for service, code, handler, per_second in (
        (S1, "200", "/", 6),
        (S1, "200", "/buy", 2),
        (S1, "500", "/buy", 1),
        (S1, "503", "/", 1),
        (S2, "200", "/", 30),
        (S3, "404", "/", 10),
        # A service that nobody uses has no share of errors.
        ({"instance": "d", "job": "idle", "team": "x"}, "200", "/", 0),
    ):
        found[series("http_requests_total", {**service, "code": code, "handler": handler})] = rate(per_second)
    # How many requests a second took at most so long. The last line is of all of them.
    for service, buckets in (
        (S1, {"0.1": 4, "0.5": 8, "1": 10, "+Inf": 10}),
        (S2, {"0.1": 6, "0.5": 12, "1": 30, "+Inf": 30}),
        (S3, {"0.25": 10, "1": 20, "+Inf": 20}),
    ):
        for limit, per_second in buckets.items():
            # Half of them by each of two handlers.
            for handler in ("/", "/buy"):
                key = {**service, "code": "200", "handler": handler, "le": limit}
                found[series("http_request_duration_seconds_bucket", key)] = rate(per_second / 2)
        total = {**service, "code": "200", "handler": "/"}
        found[series("http_request_duration_seconds_count", total)] = rate(buckets["+Inf"])
        # The mean of S1 is 0.5 s, of S2 0.6 s, of S3 0.1 s.
        mean = {"a": 0.5, "b": 0.6, "c": 0.1}[service["instance"]]
        found[series("http_request_duration_seconds_sum", total)] = rate(buckets["+Inf"] * mean)
    return found


def _buckets(**jobs: t.Mapping[str, float]) -> dict[str, float]:
    return {
        f'{{job="{job}", le="{limit}", team="x"}}': value
        for job, buckets in jobs.items()
        for limit, value in buckets.items()
    }


_IDLE = {'{job="idle", team="x"}': 0.0}


def with_idle(found: Rows) -> Rows:
    """The service that nobody uses has rates, of 0."""
    own = {name: dict(values) for name, values in found.items()}
    for name, values in own.items():
        if name.startswith("instance:"):
            values['{instance="d", job="idle", team="x"}'] = 0
        elif name.startswith("job:"):
            values.update(_IDLE)
    return own


HTTP: Rows = {
    **with_idle(rows("http_requests:rate5m", a=10, b=30, c=10, node=40, edge=10, all_=50)),
    **with_idle(rows("http_request_errors:rate5m", a=2, b=0, c=0, node=2, edge=0, all_=2)),
    # An average would say 0.1 of the job.
    **rows("http_request_errors:ratio_rate5m", a=0.2, b=0, c=0, node=0.05, edge=0, all_=0.04),
    "instance:http_request_duration_seconds_bucket:rate5m": {
        f'{{instance="{name}", job="{job}", le="{limit}", team="x"}}': value
        for name, job, buckets in (
            ("a", "node", {"0.1": 4, "0.5": 8, "1": 10, "+Inf": 10}),
            ("b", "node", {"0.1": 6, "0.5": 12, "1": 30, "+Inf": 30}),
            ("c", "edge", {"0.25": 10, "1": 20, "+Inf": 20}),
        )
        for limit, value in buckets.items()
    },
    "job:http_request_duration_seconds_bucket:rate5m": _buckets(
        node={"0.1": 10, "0.5": 20, "1": 40, "+Inf": 40}, edge={"0.25": 10, "1": 20, "+Inf": 20}
    ),
    # The jobs have only 1 and +Inf in common.
    "cluster:http_request_duration_seconds_bucket:rate5m": {
        '{le="1", team="x"}': 60,
        '{le="+Inf", team="x"}': 60,
    },
    **rows("http_request_duration_seconds_sum:rate5m", a=5, b=18, c=2, node=23, edge=2, all_=25),
    **rows("http_request_duration_seconds_count:rate5m", a=10, b=30, c=20, node=40, edge=20, all_=60),
    **rows("http_request_duration_seconds:mean5m", a=0.5, b=0.6, c=0.1, node=0.575, edge=0.1, all_=0.4167),
    # Of the job: the 20th of 40 ends the bucket to 0.5; the 36th is 16 of 20 on the way from there to 1.
    **rows("http_request_duration_seconds:p50", a=0.2, b=0.5833, c=0.25, node=0.5, edge=0.25, all_=0.5),
    **rows("http_request_duration_seconds:p90", a=0.75, b=0.9167, c=0.85, node=0.9, edge=0.85, all_=0.9),
    **rows("http_request_duration_seconds:p99", a=0.975, b=0.9917, c=0.985, node=0.99, edge=0.985, all_=0.99),
}


def record_test(given: Series, wanted: Rows) -> dict[str, t.Any]:
    """A test of promtool: what each name's series are, to four digits, since extrapolation rounds."""
    return {
        "interval": INTERVAL,
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [
            {
                "expr": f"round({name}, 0.0001)",
                "eval_time": AT,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
            }
            for name, found in wanted.items()
        ],
    }


@pytest.fixture(name="files", scope="module")
def _files() -> dict[str, str]:
    return stack("us-1")


def recorded(text: str) -> list[str]:
    return [rule["record"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


SUITES: dict[str, tuple[Series, Rows]] = {
    "rules/node_aggregates.yml": (_node(), NODE),
    "rules/http_aggregates.yml": (_http(), HTTP),
}


@pytest.mark.parametrize("version", PROMETHEUS)
@pytest.mark.parametrize("path", SUITES)
def test_what_is_recorded(path: str, version: str, files: dict[str, str], tmp_path: Path) -> None:
    given, wanted = SUITES[path]
    promtool(version, tmp_path, {path: files[path]}, [record_test(given, wanted)])


@pytest.mark.parametrize("path", SUITES)
def test_every_recorded_name_is_judged_and_recorded_once(path: str, files: dict[str, str]) -> None:
    names = recorded(files[path])
    assert sorted(names) == sorted(SUITES[path][1])


def test_names_and_labels_of_ones_own(tmp_path: Path) -> None:
    """Spring's names, and a target label that tells hosts apart as instance does."""
    files = stack(
        "us-1",
        prometheus_rule_package_options={
            "instance_labels": ["instance", "host"],
            "http_requests": "spring_seconds_count",
            "http_duration": "spring_seconds",
            "http_code": "status",
            "http_labels": ["uri"],
        },
    )
    given: Series = {}
    for host, status, per_second in (("a", "200", 3), ("a", "500", 1), ("b", "200", 4)):
        own = {"instance": f"{host}:80", "host": host, "job": "shop", "status": status, "uri": "/"}
        given[series("spring_seconds_count", own)] = rate(per_second)
        for limit in ("1", "+Inf"):
            given[series("spring_seconds_bucket", {**own, "le": limit})] = rate(per_second)
    wanted: Rows = {
        "instance:http_requests:rate5m": {
            '{host="a", instance="a:80", job="shop"}': 4,
            '{host="b", instance="b:80", job="shop"}': 4,
        },
        "job:http_request_errors:ratio_rate5m": {'{job="shop"}': 0.125},
        "job:http_request_duration_seconds:p50": {'{job="shop"}': 0.5},
    }
    path = "rules/http_aggregates.yml"
    promtool(PROMETHEUS[-1], tmp_path, {path: files[path]}, [record_test(given, wanted)])


# -- what a global server makes of it ----------------------------------------------------------------------------------


def federated(name: str, values: t.Mapping[str, float], **more: str) -> Series:
    """An aggregate of sources by their replicas: eu-1, eu-2, us-1."""
    return {
        series(f"cluster:{name}", {"region": replica[:2], "replica": replica, **more}): f"{value}x60"
        for replica, value in values.items()
    }


GLOBAL: Series = {
    # The second replica of eu has a host less in sight; us has lost one replica.
    **federated("node_cpu_busy_seconds:rate5m", {"eu-1": 6, "eu-2": 5, "us-1": 1}),
    **federated("node_cpu_seconds:rate5m", {"eu-1": 8, "eu-2": 7, "us-1": 20}),
    **federated("node_memory_MemAvailable_bytes:sum", {"eu-1": 30, "eu-2": 30, "us-1": 10}),
    **federated("node_memory_MemTotal_bytes:sum", {"eu-1": 40, "eu-2": 40, "us-1": 120}),
    **federated("http_requests:rate5m", {"eu-1": 90, "eu-2": 90, "us-1": 10}),
    **federated("http_request_errors:rate5m", {"eu-1": 0, "eu-2": 0, "us-1": 5}),
    **federated("http_request_duration_seconds_bucket:rate5m", {"eu-1": 10, "eu-2": 10}, le="0.1"),
    **federated("http_request_duration_seconds_bucket:rate5m", {"eu-1": 20, "eu-2": 20, "us-1": 20}, le="1"),
    **federated("http_request_duration_seconds_bucket:rate5m", {"eu-1": 20, "eu-2": 20, "us-1": 20}, le="+Inf"),
}


def of_sources(name: str, eu: float, us: float, all_: float) -> Rows:
    return {f"source:{name}": {'{region="eu"}': eu, '{region="us"}': us}, f"global:{name}": {"{}": all_}}


OF_GLOBAL: Rows = {
    **of_sources("node_cpu_busy_seconds:rate5m", 6, 1, 7),
    **of_sources("node_cpu_seconds:rate5m", 8, 20, 28),
    # An average would say 0.4.
    **of_sources("node_cpu_utilisation:ratio_rate5m", 0.75, 0.05, 0.25),
    **of_sources("node_memory_utilisation:ratio", 0.25, 0.9167, 0.75),
    **of_sources("http_request_errors:ratio_rate5m", 0, 0.5, 0.05),
    "source:http_request_duration_seconds_bucket:rate5m": {
        '{le="0.1", region="eu"}': 10,
        '{le="1", region="eu"}': 20,
        '{le="+Inf", region="eu"}': 20,
        '{le="1", region="us"}': 20,
        '{le="+Inf", region="us"}': 20,
    },
    "global:http_request_duration_seconds_bucket:rate5m": {'{le="1"}': 40, '{le="+Inf"}': 40},
    **of_sources("http_request_duration_seconds:p50", 0.1, 0.5, 0.5),
}


@pytest.fixture(name="reader", scope="module")
def _reader() -> dict[str, str]:
    """The files of the set that federates."""
    return stack("g-1")


@pytest.mark.parametrize("version", PROMETHEUS)
def test_what_a_global_server_records_of_its_sources(version: str, reader: dict[str, str], tmp_path: Path) -> None:
    promtool(version, tmp_path, {path: reader[path] for path in SUITES}, [record_test(GLOBAL, OF_GLOBAL)])


@pytest.mark.parametrize("path", SUITES)
def test_its_own_levels_do_not_count_what_it_federates(path: str, reader: dict[str, str]) -> None:
    """Else the same series would come from a source and from a rule."""
    found = [rule for group in yaml.safe_load(reader[path])["groups"] for rule in group["rules"]]
    own = [rule for rule in found if rule["record"].startswith(("instance:", "job:", "cluster:"))]
    assert len(own) * 5 == len(found) * 3
    assert [rule["record"] for rule in own if "job:" in rule["expr"] or "cluster:" in rule["expr"]] == []


def test_every_layer_s_replica_label_is_taken_off() -> None:
    packages: dict[str, t.Any] = {"prometheus_rule_packages": ["node_aggregates"]}

    def federates(*names: str) -> list[dict[str, t.Any]]:
        return [{"replica_set": name, "match": ['{__name__=~"cluster:.*"}']} for name in names]

    plan = good(
        prometheus("s-1", "s-2", prometheus_replica_set="site"),
        prometheus(
            "r-1",
            "r-2",
            prometheus_replica_set="region",
            prometheus_replica_label="region_replica",
            prometheus_federate=federates("site"),
        ),
        hosts(
            "g-1", "g-2", groups=("prometheus_federation",), prometheus_federate=federates("region", "site"), **packages
        ),
    )
    found = loaded(slice_of(plan, "g-1"), "rules/node_aggregates.yml")["groups"][0]["rules"]
    (rule,) = (rule for rule in found if rule["record"] == "source:node_cpu_seconds:rate5m")
    assert rule["expr"] == "max without (region_replica, replica) (cluster:node_cpu_seconds:rate5m)"
