# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks for the bucket, on what the sidecars and receivers upload to MinIO; and the modules' examples."""

from __future__ import annotations

import copy
import json
import re
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import REPLICAS, ROOT, Run, wait_for
from ansible_collections.baremetal.prometheus_ha.molecule.thanos.support import HOUR, OLD, Thanos
from ansible_collections.baremetal.prometheus_ha.tests import support_examples as examples

COMPACTOR = "am-3"
OBJSTORE: dict[str, t.Any] = yaml.safe_load((ROOT / "inventory/lab_thanos/group_vars/all.yml").read_text())[
    "thanos_objstore_config"
]
RPO = re.compile(r"RPO of the copy: stream (\S+): (.*), (\d+) of (\d+) blocks? missing")


def other(bucket: str, **details: t.Any) -> dict[str, t.Any]:
    found = copy.deepcopy(OBJSTORE)
    found["config"].update(bucket=bucket, **details)
    return found


def tool(stack: Thanos, name: str, *args: str, **variables: t.Any) -> Run:
    """A playbook of the bucket, with variables on the command line."""
    run = stack.play(ROOT / "playbooks" / f"bucket_{name}.yml", *args, "-e", json.dumps(variables))
    assert "lab-secret-key" not in run.output
    return run


def compactor(stack: Thanos) -> int:
    return stack.process(COMPACTOR, "thanos_compact").pid


@pytest.fixture(scope="module", autouse=True)
def filled(stack: Thanos) -> None:
    """Something is in the bucket."""
    wait_for(lambda: len(stack.blocks()) >= 8, 300, "blocks in the bucket")


def test_the_bucket_is_shown_by_stream(stack: Thanos) -> None:
    run = tool(stack, "inspect").succeeded()
    assert set(run.changed.values()) == {0}
    assert f"{COMPACTOR}: bucket s3 thanos at " in run.output
    for region, replica in (("eu", "eu-1"), ("us", "us-2")):
        assert f"stream region={region},replica={replica}" in run.output
    print(f"inspect: {run.seconds:.1f} s")


def test_a_copy_is_made_and_its_rpo_told(stack: Thanos) -> None:
    foretold = tool(stack, "replicate", "--check", thanos_bucket_replicate_to=other("copy")).succeeded()
    first = tool(stack, "replicate", thanos_bucket_replicate_to=other("copy")).succeeded()
    assert foretold.changed[COMPACTOR] == first.changed[COMPACTOR] == 1
    told = RPO.findall(first.output)
    assert {name for name, _age, _missing, _blocks in told} >= {
        f"region={region},replica={region}-{number}" for region in ("eu", "us") for number in (1, 2)
    }
    assert {missing for _name, _age, missing, _blocks in told} == {"0"}
    print(f"replicate: {first.seconds:.1f} s; {'; '.join(f'{name} {age}' for name, age, *_more in told[:4])}")
    assert (
        stack.sh(COMPACTOR, "ls -d /tmp/prometheus_ha-* /var/lib/thanos/compact/prometheus_ha-* 2>/dev/null || true")
        == ""
    )


def test_a_copy_that_is_too_old_fails_the_run(stack: Thanos) -> None:
    run = tool(stack, "replicate", thanos_bucket_replicate_to=other("copy"), thanos_bucket_replicate_rpo="1s")
    assert run.rc != 0
    assert "the copy would lose more than 1 s" in run.output


@pytest.mark.parametrize(
    ("to", "words"),
    [
        pytest.param(other("thanos"), "the copy would lie in the bucket s3 thanos", id="itself"),
        pytest.param({**other("thanos"), "prefix": "copy"}, "and be lost with it", id="a folder of itself"),
        pytest.param(other("copy", secret_key="wrong-secret-key"), "signature", id="key"),
        pytest.param(None, "there is no bucket to copy to", id="none"),
    ],
)
def test_a_copy_that_is_refused(stack: Thanos, to: dict[str, t.Any] | None, words: str) -> None:
    run = tool(stack, "replicate", **({"thanos_bucket_replicate_to": to} if to else {}))
    assert run.rc != 0
    assert words in re.sub(r"\s+", " ", run.output)
    assert "wrong-secret-key" not in run.output


def test_verify_finds_blocks_that_overlap(stack: Thanos) -> None:
    """The same samples twice under one set of labels: what halts a compactor."""
    begin = int(time.time() - 20 * 24 * HOUR) // (2 * HOUR) * 2 * HOUR
    stack.sh(COMPACTOR, "systemctl stop thanos_compact")
    try:
        tool(stack, "verify").succeeded()
        ids = [*upload(stack, "twice_total", begin), *upload(stack, "twice_total", begin)]
        run = tool(stack, "verify")
        assert run.rc != 0
        (line,) = [
            line for line in run.output.splitlines() if "overlapped_blocks: blocks of one stream overlap" in line
        ]
        assert all(block in line for block in ids) and "region=old" in line
        mark(stack, ids[1])
        tool(stack, "verify").succeeded()
    finally:
        stack.sh(COMPACTOR, "systemctl start thanos_compact")


def test_a_compactor_that_halts_is_told_with_its_blocks(stack: Thanos) -> None:
    """The same samples twice under one set of labels; it goes on once what docs/thanos.md says was done."""
    begin = int(time.time() - 22 * 24 * HOUR) // (2 * HOUR) * 2 * HOUR
    stack.sh(COMPACTOR, "systemctl stop thanos_compact")
    ids = [*upload(stack, "halting_total", begin), *upload(stack, "halting_total", begin)]
    stack.sh(COMPACTOR, "systemctl start thanos_compact")

    def compacted(metric: str) -> float:
        try:
            return stack.metric(COMPACTOR, 10912, f"thanos_compact_{metric}")
        except OSError:  # it has just been started
            return -1

    wait_for(lambda: compacted("halted") == 1, 120, "the compactor finds the overlap")
    status = stack.play(ROOT / "playbooks/status.yml")
    assert status.rc != 0
    told = next(line for line in status.output.splitlines() if "the compactor has halted" in line)
    print(told.strip())
    assert COMPACTOR in told and all(block in told for block in ids)
    mark(stack, ids[1])
    stack.sh(COMPACTOR, "systemctl restart thanos_compact")
    wait_for(lambda: compacted("halted") == 1, 120, "it halts again: what is marked counts for half the delay")
    run = tool(stack, "cleanup", thanos_bucket_delete_delay="0s").succeeded()
    assert ids[1] in run.output.partition("deleted: ")[2]
    wait_for(lambda: compacted("iterations_total") > 1, 120, "it compacts again")
    assert compacted("halted") == 0


def upload(stack: Thanos, name: str, begin: int) -> list[str]:
    """A block of the past under labels of its own, by hand. :returns: its id."""
    script = f"[print(f'{name} 1 {{when}}') for when in range({begin}, {begin + 2 * HOUR}, 60)]; print('# EOF')"
    folder = f"/tmp/{name}"
    stack.sh("eu-1", f'rm -rf {folder} && mkdir {folder} && python3 -c "{script}" > {folder}/in.om')
    stack.sh("eu-1", f"promtool tsdb create-blocks-from openmetrics {folder}/in.om {folder}/blocks")
    config = "--objstore.config-file=/etc/thanos_sidecar/objstore.yml"
    stack.sh("eu-1", f"thanos tools bucket upload-blocks {config} --path={folder}/blocks --label='region=\"old\"' 2>&1")
    return stack.sh("eu-1", f"cd {folder}/blocks && ls -d 01*").split()


def mark(stack: Thanos, block: str) -> None:
    config = "--objstore.config-file=/etc/thanos_compact/objstore.yml"
    command = f"{config} --id={block} --marker=deletion-mark.json --details=test 2>&1"
    stack.sh(COMPACTOR, f"thanos tools bucket mark {command}")


def test_a_retention_ends_the_old_and_only_it(stack: Thanos) -> None:
    begin = int(time.time() - 30 * 24 * HOUR) // (2 * HOUR) * 2 * HOUR
    (old,) = upload(stack, "old_total", begin)
    before = compactor(stack)
    foretold = tool(stack, "retention", "--check", thanos_bucket_retention_raw="25d").succeeded()
    assert old in foretold.output and "would be marked for deletion" in foretold.output
    assert compactor(stack) == before
    refused = tool(stack, "retention", thanos_bucket_retention_raw="39h")
    assert refused.rc != 0 and "T08" in refused.output
    run = tool(stack, "retention", thanos_bucket_retention_raw="25d").succeeded()
    assert run.output.index("would be marked for deletion") < run.output.index("1 block marked for deletion")
    assert run.changed[COMPACTOR] == foretold.changed[COMPACTOR] == 1
    assert compactor(stack) not in (0, before)
    again = tool(stack, "retention", thanos_bucket_retention_raw="25d").succeeded()
    assert again.changed[COMPACTOR] == 0
    print(f"retention: {run.seconds:.1f} s")


def test_a_cleanup_deletes_what_is_marked(stack: Thanos) -> None:
    (old,) = upload(stack, "marked_total", int(time.time() - 40 * 24 * HOUR) // (2 * HOUR) * 2 * HOUR)
    mark(stack, old)
    later = tool(stack, "cleanup").succeeded()
    assert later.changed[COMPACTOR] == 0 and old in {one["ulid"] for one in stack.blocks()}
    before = compactor(stack)
    run = tool(stack, "cleanup", thanos_bucket_delete_delay="0s").succeeded()
    assert run.changed[COMPACTOR] == 1 and old in run.output.partition("deleted: ")[2]
    assert old not in {one["ulid"] for one in stack.blocks()}
    assert compactor(stack) not in (0, before)
    assert stack.metric(COMPACTOR, 10912, "thanos_compact_halted") == 0


@pytest.fixture
def still(stack: Thanos) -> t.Iterator[None]:
    """Nothing new comes into the bucket: a second run finds what the first left."""
    units = {**dict.fromkeys(REPLICAS, "thanos_sidecar"), COMPACTOR: "thanos_compact"}
    for host, unit in units.items():
        stack.sh(host, f"systemctl stop {unit}")
    yield
    for host, unit in units.items():
        stack.sh(host, f"systemctl start {unit}")


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("plugin", ["modules/thanos_bucket", "modules/objstore_info"])
def test_the_examples_run_and_run_again(stack: Thanos, tmp_path: Path, plugin: str) -> None:
    playbook, count = examples.playbook(tmp_path, adapted(stack, examples.text(plugin, "EXAMPLES")), COMPACTOR)
    keys = {"vault_copy_key": "lab-secret-key", "vault_s3_key": "lab-secret-key"}
    run = stack.play(playbook, "-e", json.dumps(keys)).succeeded()
    assert "lab-secret-key" not in run.output
    examples.judge(run.output, count)


def test_the_example_of_the_lookup_runs(stack: Thanos, tmp_path: Path) -> None:
    playbook = tmp_path / "playbook.yml"
    plan = "- hosts: all\n  gather_facts: false\n  tasks: [baremetal.prometheus_ha.plan: {}]\n"
    playbook.write_text(plan + examples.text("lookup/buckets", "EXAMPLES"))
    for options in (["--check"], []):
        run = stack.play(playbook, *options).succeeded()
        assert set(run.changed.values()) == {0}
        assert f"ok: [{COMPACTOR}]" in run.output


def adapted(stack: Thanos, written: str) -> str:
    """The examples as a user adapts them to this lab."""
    place = f"endpoint: {stack.subnet}.2:9000\n        insecure: true"
    names = {
        "endpoint: s3.example.com": place,
        "access_key: copy": "access_key: lab",
        "bucket: metrics-copy": "bucket: other",
    }
    for name, stand_in in {**names, "bucket: metrics\n": "bucket: thanos\n", "0.42.4": OLD}.items():
        written = written.replace(name, stand_in)
    return written
