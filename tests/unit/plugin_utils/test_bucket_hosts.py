# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which hosts the bucket tools run, and what the plan tells them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _bucket_hosts, _buckets
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import good, topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import OBJSTORE, Part, of, pair

OTHER = {**OBJSTORE, "prefix": "other"}
EVERYWHERE = ("p-1", "p-2", "store-1", "store-2", "compact-1", "compact-2")


def hosts(tool: str, *parts: Part, covered: t.Sequence[str] = EVERYWHERE) -> list[str]:
    return _bucket_hosts.hosts(_bucket_hosts.buckets(topology(*parts)), tool, covered)


@pytest.mark.parametrize(
    ("parts", "looks"),
    [
        pytest.param([pair(), of("store"), of("compact")], ["compact-1"], id="a compactor"),
        pytest.param([pair(), of("store")], ["store-1"], id="a store gateway"),
        pytest.param([pair()], ["p-1"], id="those that upload"),
        pytest.param(
            [of("compact"), of("store", "store-2", thanos_objstore_config=OTHER)],
            ["compact-1", "store-2"],
            id="two buckets",
        ),
        pytest.param([of("store"), of("compact", thanos_compact_state="absent")], ["store-1"], id="one that leaves"),
    ],
)
def test_who_looks(parts: list[Part], looks: list[str]) -> None:
    assert hosts("inspect", *parts) == looks


def test_what_deletes_runs_beside_every_compactor() -> None:
    parts = [pair(), of("store"), of("compact", "compact-1", "compact-2")]
    assert hosts("cleanup", *parts) == ["compact-1", "compact-2"]
    assert hosts("replicate", *parts) == ["compact-1"]


def test_a_limit_leaves_hosts_out() -> None:
    parts = [of("store", "store-1", "store-2"), of("compact", "compact-1", "compact-2")]
    assert hosts("verify", *parts, covered=["store-2"]) == ["store-2"]
    assert hosts("retention", *parts, covered=["compact-2"]) == ["compact-2"]
    with pytest.raises(HAError, match="--limit leaves no host on which retention could run"):
        hosts("retention", *parts, covered=["store-1"])


def test_no_bucket_is_an_error() -> None:
    with pytest.raises(HAError, match="thanos_objstore_config: no host of the inventory has a bucket"):
        hosts("inspect", of("query"))


def test_nothing_is_deleted_where_nobody_can_stand_still() -> None:
    with pytest.raises(HAError, match="nobody of the inventory compacts the bucket s3 blocks at s3:9000"):
        hosts("cleanup", pair(), of("store"))


def test_what_is_live_is_what_the_producers_of_the_inventory_upload() -> None:
    (bucket,) = _bucket_hosts.buckets(topology(pair(), of("compact")))
    assert bucket["live"] == [{"cluster": "eu", "replica": "p-1"}, {"cluster": "eu", "replica": "p-2"}]
    assert "hush" not in str(bucket)


COMPACT = {
    "thanos_compact_retention_raw": "30d",
    "thanos_compact_delete_delay": "50h",
    "thanos_compact_consistency_delay": "1.5h",
}


def slices(*parts: Part, host: str = "compact-1") -> list[dict[str, t.Any]]:
    return [dict(item) for item in good(*parts).hosts[host]]


def test_what_the_plan_tells_a_tool_that_looks() -> None:
    found = _bucket_hosts.arguments(slices(pair(), of("compact")), "inspect")
    assert found == {
        "executable": "/opt/prometheus_ha/thanos/0.42.4/bin/thanos",
        "config_file": "/etc/thanos_compact/objstore.yml",
        "work_dir": "/var/lib/thanos/compact",
    }


def test_what_the_plan_tells_a_tool_that_deletes() -> None:
    keep = [{"action": "keep", "source_labels": ["cluster"], "regex": "eu"}]
    shared = {"thanos_compact_selector_relabel_configs": keep, "thanos_compact_downsampling": False}
    found = _bucket_hosts.arguments(slices(pair(), of("compact", **COMPACT, **shared)), "retention")
    assert {name: found[name] for name in ("retention_raw", "retention_5m", "delete_delay", "consistency_delay")} == {
        "retention_raw": "30d",
        "retention_5m": "0d",
        "delete_delay": "50h",
        "consistency_delay": "1h30m",
    }
    assert (found["compactor"], found["selector_file"]) == ("thanos_compact", "/etc/thanos_compact/selector.yml")
    assert found["downsampling"] is False
    whole = _bucket_hosts.arguments(slices(pair(), of("compact")), "cleanup")
    assert (whole["downsampling"], "selector_file" in whole) == (True, False)


def test_a_host_without_what_a_tool_needs() -> None:
    with pytest.raises(HAError, match="the host has no bucket"):
        _bucket_hosts.arguments(slices(of("query"), pair(), host="query-1"), "inspect")
    with pytest.raises(HAError, match="the host has no compactor"):
        _bucket_hosts.arguments(slices(pair(), host="p-1"), "cleanup")


def test_the_bucket_of_a_host() -> None:
    own = _bucket_hosts.own(slices(pair(), of("compact")))
    assert own == _buckets.bucket(OBJSTORE)


@pytest.mark.parametrize(
    ("to", "another"),
    [
        pytest.param(OBJSTORE, False, id="itself"),
        pytest.param(OTHER, False, id="a folder of itself"),
        pytest.param(
            {**OBJSTORE, "config": {"bucket": "blocks", "endpoint": "http://S3:9000/"}}, False, id="other keys"
        ),
        pytest.param({**OBJSTORE, "config": {"bucket": "copy", "endpoint": "s3:9000"}}, True, id="another bucket"),
        pytest.param({**OBJSTORE, "config": {"bucket": "blocks", "endpoint": "s4:9000"}}, True, id="another place"),
    ],
)
def test_a_copy_lies_in_another_bucket(to: dict[str, t.Any], another: bool) -> None:
    own = _buckets.bucket(OBJSTORE)
    if another:
        _bucket_hosts.require_another(own, to, "x")
    else:
        with pytest.raises(HAError, match="x: the copy would lie in the bucket s3 blocks at s3:9000 itself"):
            _bucket_hosts.require_another(own, to, "x")


def test_a_copy_to_no_bucket() -> None:
    with pytest.raises(HAError, match="to: the object store's type is 'S4', which Thanos has not"):
        _bucket_hosts.require_another(None, {"type": "S4"}, "to")
