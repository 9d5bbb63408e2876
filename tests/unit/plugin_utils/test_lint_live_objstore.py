# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over what an object store answered."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live_objstore
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import well
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import plan, slice_of, topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import of, pair

LABELS = {"cluster": "eu", "replica": "s-1"}


def told(**answers: t.Any) -> list[str]:
    """What both rules say where each store gateway's bucket answers so."""
    seen = well(topology(of("store", "s-1", "s-2")), **answers)
    return [str(finding) for rule in live_objstore.RULES for finding in rule.findings(seen)]


def answer(**changes: t.Any) -> dict[str, t.Any]:
    return {"objstore": {"tried": True, "failed": "", "said": "", "taken": [], **changes}}


def test_buckets_that_answer_and_such_as_could_not_be_tried() -> None:
    assert told(s_1=answer(), s_2={"objstore": None}) == []
    assert told(s_1=answer(tried=False, failed="list")) == []


def test_a_bucket_that_refuses_is_told_once_for_all_hosts() -> None:
    refused = answer(failed="write", said="Access Denied.")
    (found,) = told(s_1=refused, s_2=refused)
    assert found.startswith("T24 error host s-1, variable thanos_objstore_config: bucket s3 blocks at s3:9000 can't be")
    assert "used from s-1, s-2; it failed to write: Access Denied." in found


def test_blocks_of_others_are_told_with_their_labels() -> None:
    (found,) = told(s_1=answer(taken=[{"labels": LABELS, "blocks": 3}]))
    assert found.startswith("T25 error host s-1, variable thanos_objstore_config: ")
    assert 'has 3 blocks with the labels {cluster="eu", replica="s-1"}, and s-1 has uploaded none of them' in found


def test_what_a_host_is_asked_to_try() -> None:
    found = plan(pair(), of("store", "s-1"), of("query", "q-1"))
    sidecar = _live.objstore(slice_of(found, "p-1", "thanos_sidecar"), [LABELS])["objstore"]
    assert sidecar["executable"] == "/opt/prometheus_ha/thanos/0.42.4/bin/thanos"
    assert (sidecar["writes"], sidecar["labels"], sidecar["data_dir"]) == (True, [LABELS], "/var/lib/prometheus")
    assert sidecar["config"]["config"]["secret_key"] == "hush"
    assert _live.objstore(slice_of(found, "s-1", "thanos_store"), [])["objstore"]["writes"] is False
    assert _live.objstore(slice_of(found, "q-1", "thanos_query"), []) == {}


def test_labels_of_what_is_uploaded_go_to_its_host_alone() -> None:
    looks = _live.looks(topology(pair(), of("store", "s-1")), ())
    streams = {(host, item["name"]): item["streams"] for host, items in looks.items() for item in items}
    assert streams["p-1", "thanos_sidecar"] == [{"cluster": "eu", "replica": "p-1"}]
    assert streams["s-1", "thanos_store"] == []
