# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before anything is uploaded: a bucket that does not take it, and one that is somebody else's."""

from __future__ import annotations

import copy
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import ROOT
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import Thanos

OBJSTORE: dict[str, t.Any] = yaml.safe_load((ROOT / "inventory/lab_thanos/group_vars/all.yml").read_text())[
    "thanos_objstore_config"
]


def bucket(**details: t.Any) -> dict[str, t.Any]:
    found = copy.deepcopy(OBJSTORE)
    found["config"].update(details)
    return found


@pytest.mark.parametrize(
    ("details", "words"),
    [
        pytest.param({"bucket": "nobody"}, "the specified bucket does not exist", id="bucket"),
        pytest.param({"secret_key": "wrong-secret-key"}, "signature we calculated does not match", id="key"),
        pytest.param({"access_key": "stranger"}, "access key id you provided does not exist", id="access key"),
        pytest.param({"region": "eu-north-1"}, "the region is wrong; expecting 'us-east-1'", id="region"),
        pytest.param({"insecure": False}, "server gave HTTP response to HTTPS client", id="scheme"),
    ],
)
def test_a_bucket_that_refuses_stops_the_run(stack: Thanos, details: dict[str, t.Any], words: str) -> None:
    before = {host: stack.sh(host, "pgrep -x thanos").split() for host in ("eu-1", "am-1")}
    run = stack.roll(groups={"all": {"thanos_objstore_config": bucket(**details)}})
    assert run.rc != 0
    assert "T24" in run.output, run.output
    line = next(line for line in run.output.splitlines() if line.startswith("T24"))
    print(line)
    assert words.lower() in line.lower()
    assert "wrong-secret-key" not in run.output
    assert {host: stack.sh(host, "pgrep -x thanos").split() for host in before} == before


def test_blocks_of_others_under_the_same_labels_stop_the_run(stack: Thanos) -> None:
    """A replica that has uploaded nothing, and a bucket that has blocks under its labels."""
    shipped = "/var/lib/prometheus/thanos.shipper.json"
    stack.sh("us-2", f"systemctl stop thanos_sidecar && mv {shipped} /tmp/")
    try:
        run = stack.roll()
        assert run.rc != 0
        assert "T25" in run.output, run.output
        assert "us-2" in next(line for line in run.output.splitlines() if line.startswith("T25"))
        assert stack.sh("us-2", "systemctl is-active thanos_sidecar || true") == "inactive"
    finally:
        stack.sh("us-2", f"mv /tmp/thanos.shipper.json {shipped} && systemctl start thanos_sidecar")
