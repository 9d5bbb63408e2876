# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bucket tools by the real ansible-playbook, on hosts that are this machine."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_bucket
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_bucket import Store
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import ROOT, Ran, local, playbook, write

OBJSTORE = {
    "type": "S3",
    "config": {"bucket": "blocks", "endpoint": "127.0.0.1:1", "access_key": "us", "secret_key": "hush-hush"},
}


def run(folder: Path, tool: str, *extra: str, **values: t.Any) -> Ran:
    """A compactor and a store gateway over one bucket, on which nothing was rolled out."""
    common = {"ansible_become": False, "thanos_objstore_config": OBJSTORE, **values}
    common["prometheus_ha_address"] = "192.0.2.{{ groups['all'].index(inventory_hostname) + 1 }}"
    inventory = {name: {"hosts": local(f"{name}-1", **common)} for name in ("thanos_compact", "thanos_store")}
    return playbook(folder, inventory, ROOT / "playbooks" / f"bucket_{tool}.yml", *extra)


@pytest.mark.parametrize("tool", ["verify", "inspect", "cleanup"])
def test_before_it_was_rolled_out(tmp_path: Path, tool: str) -> None:
    ran = run(tmp_path, tool)
    assert ran.rc == 2
    assert "host thanos_compact-1: " in ran.words
    assert "/bin/thanos: Thanos is not there to look at the bucket" in ran.words
    assert "thanos_store-1" not in ran.words.partition("PLAY [Run the tool")[2].partition("PLAY RECAP")[0]
    assert "hush" not in ran.words


def other(**details: t.Any) -> dict[str, t.Any]:
    found = copy.deepcopy(OBJSTORE)
    t.cast(t.Dict[str, t.Any], found["config"]).update(details)
    return found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(None, "thanos_bucket_replicate_to: there is no bucket to copy to", id="none"),
        pytest.param(other(), "the copy would lie in the bucket s3 blocks at 127.0.0.1:1 itself", id="itself"),
        pytest.param({"type": "S4"}, "thanos_bucket_replicate_to: the object store's type is 'S4'", id="no provider"),
    ],
)
@pytest.mark.parametrize("extra", [(), ("--check", "-vvv")])
def test_a_copy_is_refused_before_anything(
    tmp_path: Path, given: dict[str, t.Any] | None, words: str, extra: tuple[str, ...]
) -> None:
    ran = run(tmp_path, "replicate", *extra, **({"thanos_bucket_replicate_to": given} if given else {}))
    assert ran.rc == 2
    assert words in ran.words
    assert "hush" not in ran.words


def test_what_was_found_is_shown_and_returned(tmp_path: Path) -> None:
    """Without an inventory of the collection, and with the keys of the copy in no word of it."""
    store = Store("", tmp_path / "data", support_bucket.VERSIONS[-1], tmp_path)
    (block,) = store.upload(1_700_006_400, 2)
    to = store.config("copy")
    task = {
        "baremetal.prometheus_ha.thanos_bucket": {
            "tool": "replicate",
            "executable": store.executable,
            "config_file": store.file("main"),
            # A folder has no key, and Thanos does not mind one.
            "to": {**to, "config": {**to["config"], "secret_key": "hush-hush"}},
        },
        "register": "found",
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task, write(tmp_path, "found")]}]
    ran = playbook(tmp_path, {"all": {"hosts": local("h-1")}}, plays, "-vvv")
    assert ran.rc == 0, ran.words
    assert "hush" not in ran.words + str(ran.results)
    assert "h-1: " + store.file("main") in ran.lines
    assert any(line.startswith("  RPO of the copy: stream region=eu,replica=eu-1: ") for line in ran.lines)
    assert (ran.results["changed"], ran.results["copied"]) == (True, [block])
