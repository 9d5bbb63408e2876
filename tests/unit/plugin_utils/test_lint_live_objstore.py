# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live rules over what an object store answered."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _live
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._lint import live_objstore
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_live import well
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import plan, slice_of, topology
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_thanos import of, pair

LABELS = {"cluster": "eu", "replica": "p-1"}
STREAMS = {"labels": [LABELS], "replica_label": "replica"}


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


def streams_told(*parts: t.Mapping[str, t.Any], **answers: t.Any) -> list[str]:
    """What T25 says where a bucket has these label sets, each with a block."""
    given = {name: answer(taken=[{"labels": each, "blocks": 3} for each in taken]) for name, taken in answers.items()}
    return [str(finding) for finding in live_objstore.t25_streams_are_its_own.findings(well(topology(*parts), **given))]


def labelled(replica: str | None, cluster: str = "eu") -> dict[str, str]:
    return {"cluster": cluster, **({"replica": replica} if replica else {})}


def test_blocks_of_others_are_told_with_their_labels() -> None:
    (found,) = streams_told(pair(), p_1=[labelled("p-1")])
    assert found.startswith("T25 error host p-1, variable thanos_objstore_config: ")
    assert 'has 3 blocks with the labels {cluster="eu", replica="p-1"}, and p-1 has uploaded none of them' in found


OTHER_BUCKET = {"type": "S3", "config": {"bucket": "others", "endpoint": "s3:9000", "secret_key": "hush"}}


@pytest.mark.parametrize(
    "parts, taken, words",
    [
        pytest.param(
            [pair()],
            [labelled("other-1")],
            'has 3 blocks with the labels {cluster="eu", replica="other-1"}, and nothing of replica set default, whose '
            "labels are the same but for 'replica'",
            id="a replica of others",
        ),
        pytest.param(
            [pair()], [labelled("o-1"), labelled("o-2")], "} and 1 more such label sets, and", id="their pair"
        ),
        pytest.param([pair()], [labelled(None)], '{cluster="eu"}, and nothing of', id="merged by a compactor"),
        pytest.param([pair()], [labelled("p-2")], "", id="of its peer"),
        pytest.param([pair()], [labelled("p-2"), labelled("p-0")], "", id="of its peer, and one that was before"),
        pytest.param([pair()], [labelled("p-0"), labelled("p-1")], "uploaded none of them", id="its own, and another"),
        pytest.param(
            [pair(), pair("t-1", prometheus_ha_environment="test", thanos_objstore_config=OTHER_BUCKET)],
            [labelled("t-1")],
            "nothing of replica set default",
            id="of another environment, whose bucket is another",
        ),
    ],
)
def test_blocks_under_the_labels_of_a_set(parts: list[t.Any], taken: list[dict[str, str]], words: str) -> None:
    found = streams_told(*parts, p_1=taken)
    assert [line.partition(": ")[0] for line in found] == [
        "T25 error host p-1, variable thanos_objstore_config"
    ] * bool(words)
    assert all(words in line for line in found)


def test_who_uploads_nothing_is_not_asked_for_its_streams() -> None:
    assert streams_told(of("store", "s-1"), s_1=[labelled("s-1")]) == []


def test_what_a_host_is_asked_to_try() -> None:
    found = plan(pair(), of("store", "s-1"), of("query", "q-1"))
    sidecar = _live.objstore(slice_of(found, "p-1", "thanos_sidecar"), STREAMS)["objstore"]
    assert sidecar["executable"] == "/opt/prometheus_ha/thanos/0.42.4/bin/thanos"
    assert (sidecar["writes"], sidecar["data_dir"]) == (True, "/var/lib/prometheus")
    assert (sidecar["labels"], sidecar["replica_label"]) == ([LABELS], "replica")
    assert sidecar["config"]["config"]["secret_key"] == "hush"
    assert _live.objstore(slice_of(found, "s-1", "thanos_store"), {})["objstore"]["writes"] is False
    assert _live.objstore(slice_of(found, "q-1", "thanos_query"), {}) == {}


def test_labels_of_what_is_uploaded_go_to_its_host_alone() -> None:
    looks = _live.looks(topology(pair(), of("store", "s-1")), ())
    streams = {(host, item["name"]): item["streams"] for host, items in looks.items() for item in items}
    assert streams["p-1", "thanos_sidecar"] == {
        "labels": [{"cluster": "eu", "replica": "p-1"}],
        "replica_label": "replica",
    }
    assert streams["s-1", "thanos_store"] == {}
