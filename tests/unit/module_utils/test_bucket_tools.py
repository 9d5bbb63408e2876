# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bucket tools of both versions, for real: on MinIO, and on folders where marks have to be old."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _environment
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_tools import secrets
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed, run
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_bucket as support
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_bucket import HOUR, US, Store


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("store")
    with support.minio(folder) as where:
        yield where, folder / "data"


@pytest.fixture(params=support.VERSIONS)
def store(request: pytest.FixtureRequest, endpoint: tuple[str, Path], tmp_path: Path) -> t.Iterator[Store]:
    """With empty buckets ``main`` and ``copy``."""
    made = Store(endpoint[0], endpoint[1], request.param, tmp_path)
    yield made
    for bucket in ("main", "copy"):
        shutil.rmtree(endpoint[1] / bucket, ignore_errors=True)


@pytest.fixture(params=support.VERSIONS)
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Buckets that are folders."""
    return Store("", tmp_path / "data", request.param, tmp_path)


def aligned(hours_ago: float) -> int:
    """A time where a block of 2 h begins."""
    return int(time.time() - hours_ago * HOUR) // (2 * HOUR) * 2 * HOUR


class Systemd:
    """The real runner, with a systemd that is played; ``calls`` keeps what was asked of it, and which tools ran."""

    def __init__(self, state: str = "active", refuses: str = "", fails: str = "") -> None:
        self.state, self.refuses, self.fails = state, refuses, fails
        self.calls: list[str] = []

    def __call__(self, argv: t.Sequence[str], **options: t.Any) -> Completed:
        if argv[0] != "systemctl":
            self.calls.append(argv[3])
            if argv[3] == self.fails:
                return Completed(1, "", '{"level":"error","err":"it broke\\nframes"}')
            return run(argv, **options)
        if argv[1] == "show":
            return Completed(1 if self.refuses == "show" else 0, f"{self.state}\n", "")
        self.calls.append(argv[1])
        return Completed(1, "", "not allowed") if argv[1] == self.refuses else Completed(0, "", "")


# -- inspect and verify ------------------------------------------------------------------------------------------------


def test_what_is_in_a_bucket(store: Store) -> None:
    begin = aligned(24)
    eu, us = store.upload(begin, 6), store.upload(begin, 2, US)
    store.mark(eu[0])
    found = store.run("inspect")
    assert found["changed"] is False
    assert [
        (one["stream"], one["resolution"], one["blocks"], one["levels"], one["samples"]) for one in found["streams"]
    ] == [
        ("region=eu,replica=eu-1", "raw", 2, {"1": 2}, 240),
        ("region=us,replica=us-1", "raw", 1, {"1": 1}, 120),
    ]
    assert {one["id"] for one in found["blocks"]} == {*eu[1:], *us}
    assert (found["marked"], found["overlaps"], found["partial"]) == ([eu[0]], [], 0)
    assert all(one["bytes"] > 500 for one in found["streams"])
    assert found["report"][-1].startswith("3 blocks and 0 overlaps; 1 more marked for deletion, 0 without a meta.json")
    assert [one["labels"] for one in store.run("inspect", labels={"region": "us"})["streams"]] == [US]


def test_tools_have_the_environment_of_the_service(store: Store) -> None:
    ids = store.upload(aligned(24), 2)
    keys = {"AWS_ACCESS_KEY_ID": support.USER, "AWS_SECRET_ACCESS_KEY": support.PASSWORD}
    (store.folder / "etc").mkdir()
    file = store.folder / "etc/objstore.yml"
    file.write_text(json.dumps(store.config("main", access_key="", secret_key="")))
    with pytest.raises(HAError, match="thanos tools bucket ls failed"):
        store.run("inspect", config_file=str(file))
    (store.folder / "etc/environment").write_text(_environment.write(keys))
    assert [one["id"] for one in store.run("inspect", config_file=str(file))["blocks"]] == ids


def test_nothing_is_in_a_bucket(store: Store) -> None:
    assert store.run("inspect")["streams"] == []


def test_an_overlap_is_found(store: Store) -> None:
    begin = aligned(24)
    first = store.upload(begin, 4)
    assert (
        store.run("verify", issues=["overlapped_blocks", "duplicated_compaction", "index_known_issues"])["problems"]
        == []
    )
    second = store.upload(begin, 2)
    (overlap,) = store.run("inspect")["overlaps"]
    assert set(overlap["blocks"]) == {first[0], *second}
    with pytest.raises(HAError, match="1 problem in the bucket") as caught:
        store.run("verify")
    (problem,) = caught.value.facts["problems"]
    assert (problem["issue"], set(problem["blocks"])) == ("overlapped_blocks", {first[0], *second})
    assert (problem["stream"], problem["begin"]) == (overlap["stream"], overlap["begin"])
    assert "overlapped_blocks: blocks of one stream overlap: region=eu" in caught.value.facts["report"][0]
    store.mark(second[0])
    assert store.run("verify")["problems"] == []


def test_a_broken_index_is_found(folders: Store) -> None:
    block, _other = folders.upload(aligned(24), 4)
    index = folders.data / "main" / block / "index"
    index.write_bytes(index.read_bytes()[:-40] + bytes(40))
    assert folders.run("verify")["problems"] == []
    with pytest.raises(HAError) as caught:
        folders.run("verify", issues=["index_known_issues"])
    (problem,) = caught.value.facts["problems"]
    assert (problem["issue"], problem["blocks"], problem["stream"]) == (
        "index_known_issues",
        [block],
        "region=eu,replica=eu-1",
    )
    assert "index" in problem["what"]


# -- replicate ---------------------------------------------------------------------------------------------------------


def test_a_copy_is_whole_and_its_age_is_right(store: Store) -> None:
    begin = aligned(30)
    eu, us = store.upload(begin, 12), store.upload(begin, 4, US)
    store.mark(us[0])
    to = store.config("copy")
    foretold = store.run("replicate", apply=False, to=to)
    assert (foretold["changed"], foretold["rpo"], store.ids("copy")) == (True, None, set())
    assert foretold["copied"] == sorted([*eu, us[1]])

    now = float(int(time.time()))
    found = store.run("replicate", to=to, now=lambda: now)
    assert found["changed"] is True
    assert found["copied"] == foretold["copied"]
    assert store.ids("copy") == {*eu, us[1]}
    # The last sample is a minute before the end, and a block ends a millisecond after its last one.
    ages = {one["stream"]: one["rpo"] for one in found["streams"]}
    assert {stream: round(age) for stream, age in ages.items()} == {
        "region=eu,replica=eu-1": now - (begin + 12 * HOUR - 60),
        "region=us,replica=us-1": now - (begin + 4 * HOUR - 60),
    }
    assert found["rpo"] == max(ages.values())
    assert (found["missing"], found["extra"]) == ([], 0)
    assert any(line.startswith("RPO of the copy: stream region=us,replica=us-1: 1 d ") for line in found["report"])

    again = store.run("replicate", to=to)
    assert (again["changed"], again["copied"]) == (False, [])
    for name in sorted(store.ids()):
        store.mark(name)
    store.bucket("cleanup", "--delete-delay=0s", "--consistency-delay=0s")
    assert store.run("replicate", to=to)["extra"] == 7


def test_every_compaction_level_is_copied(folders: Store) -> None:
    """Upstream's default ends at level 4; nothing here makes higher ones but the file itself."""
    (block,) = folders.upload(aligned(24), 2)
    meta = folders.data / "main" / block / "meta.json"
    meta.write_text(meta.read_text().replace('"level": 1', '"level": 7'))
    assert folders.run("replicate", to=folders.config("copy"))["copied"] == [block]


def test_only_streams_of_some_labels_are_copied(store: Store) -> None:
    store.upload(aligned(24), 2)
    us = store.upload(aligned(24), 2, US)
    found = store.run("replicate", to=store.config("copy"), labels={"region": "us"})
    assert (found["copied"], store.ids("copy")) == (us, set(us))


def test_a_copy_that_is_too_old_fails(store: Store) -> None:
    store.upload(aligned(24), 2)
    to = store.config("copy")
    assert store.run("replicate", to=to, rpo="26h")["rpo"] < 26 * HOUR
    with pytest.raises(
        HAError, match=r"the copy would lose more than 2 h: 2[0-9] h .*of region=eu,replica=eu-1"
    ) as caught:
        store.run("replicate", to=to, rpo="2h")
    assert caught.value.facts["missing"] == []
    stopped = store.run("replicate", to=to, rpo="2h", live=[US])
    assert stopped["rpo"] is None
    assert "(no longer written by this inventory)" in stopped["report"][0]


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"secret_key": "wrong-secret-key"}, "signature"),
        ({"access_key": "stranger"}, "Access Key Id"),
        ({"bucket": "nowhere"}, "bucket does not exist"),
    ],
)
def test_a_copy_that_is_refused_is_told_in_the_providers_words(
    store: Store, details: dict[str, str], words: str
) -> None:
    store.upload(aligned(24), 2)
    with pytest.raises(HAError) as caught:
        store.run("replicate", to=store.config("copy", **details))
    assert words in caught.value.said
    assert caught.value.where == "the other bucket (to)"
    assert "wrong-secret-key" not in str(caught.value)


def test_keys_lie_in_a_private_file_and_in_no_argv(store: Store, tmp_path: Path) -> None:
    seen: list[str] = []
    modes: set[int] = set()

    def watch(argv: t.Sequence[str], **options: t.Any) -> Completed:
        seen.extend(argv)
        for path in tmp_path.joinpath("work").rglob("to.json"):
            modes.add(stat.S_IMODE(path.parent.stat().st_mode))
        return run(argv, **options)

    (tmp_path / "work").mkdir()
    store.upload(aligned(24), 2)
    store.run("replicate", to=store.config("copy"), runner=watch, work_dir=str(tmp_path / "work"))
    assert not any(support.PASSWORD in word for word in seen)
    assert (modes, list((tmp_path / "work").iterdir())) == ({0o700}, [])
    assert secrets(store.params("replicate", to=store.config("copy"))) == {support.PASSWORD}


# -- retention ---------------------------------------------------------------------------------------------------------


def test_a_retention_marks_the_old_and_only_it(store: Store) -> None:
    old, new = store.upload(aligned(100), 4), store.upload(aligned(10), 4)
    wanted: dict[str, t.Any] = {"retention_raw": "50h", "consistency_delay": "0s", "compactor": "thanos_compact"}
    systemd = Systemd()
    foretold = store.run("retention", apply=False, runner=systemd, **wanted)
    assert ([one["id"] for one in foretold["marked"]], foretold["last"], systemd.calls) == (old, old, ["ls"])
    assert "NOTHING of that time stays" in foretold["report"][0]
    assert store.ids("main", "--exclude-delete") == {*old, *new}

    found = store.run("retention", runner=systemd, **wanted)
    assert [one["id"] for one in found["marked"]] == old
    assert (found["changed"], found["compactor_stopped"]) == (True, True)
    assert systemd.calls[1:] == ["ls", "stop", "retention", "ls", "start"]
    assert store.ids("main", "--exclude-delete") == set(new)
    assert store.ids() == {*old, *new}

    again = store.run("retention", runner=systemd, **wanted)
    assert (again["changed"], again["marked"], again["compactor_stopped"]) == (False, [], False)


def test_a_retention_leaves_other_streams_alone(store: Store, tmp_path: Path) -> None:
    eu = store.upload(aligned(100), 2)
    store.upload(aligned(100), 2, US)
    selector = tmp_path / "selector.yml"
    selector.write_text("[{action: keep, source_labels: [region], regex: eu}]")
    found = store.run(
        "retention",
        retention_raw="50h",
        consistency_delay="0s",
        selector_file=str(selector),
        runner=Systemd("inactive"),
    )
    assert [one["id"] for one in found["marked"]] == eu
    assert found["compactor_stopped"] is False


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"retention_raw": "39h"}, "T08: samples would be kept for 1 d 15 h, and they are downsampled after 1 d 16 h"),
        ({"retention_raw": "90d", "retention_5m": "9d"}, "retention_5m: T08"),
        ({}, "nothing says how long samples are kept"),
        ({"retention_raw": "soon"}, "retention_raw: 'soon' is not a duration"),
    ],
)
def test_a_retention_that_is_refused(store: Store, given: dict[str, t.Any], words: str) -> None:
    systemd = Systemd()
    with pytest.raises(HAError) as caught:
        store.run("retention", runner=systemd, **given)
    assert words in str(caught.value)
    assert systemd.calls == []


def test_without_downsampling_a_short_retention_is_taken(store: Store) -> None:
    old = store.upload(aligned(100), 2)
    found = store.run("retention", retention_raw="1h", downsampling=False, consistency_delay="0s")
    assert [one["id"] for one in found["marked"]] == old


@pytest.mark.parametrize("fails", ["retention", "cleanup"])
def test_the_compactor_runs_again_whatever_happens(folders: Store, fails: str) -> None:
    (block,) = folders.upload(aligned(100), 2)
    if fails == "cleanup":
        folders.mark(block, ago=HOUR)
    systemd = Systemd(fails=fails)
    wanted: dict[str, t.Any] = {
        "retention_raw": "50h",
        "consistency_delay": "0s",
        "delete_delay": "0s",
        "compactor": "c",
    }
    with pytest.raises(HAError, match="it broke"):
        folders.run(fails, runner=systemd, **wanted)
    assert systemd.calls[-3:] == ["stop", fails, "start"]


@pytest.mark.parametrize("refuses", ["stop", "show"])
def test_a_compactor_that_does_not_stop_keeps_its_blocks(folders: Store, refuses: str) -> None:
    folders.upload(aligned(100), 2)
    systemd = Systemd(refuses=refuses)
    with pytest.raises(HAError, match=f"systemctl {refuses} c failed"):
        folders.run("retention", runner=systemd, retention_raw="50h", consistency_delay="0s", compactor="c")
    assert "retention" not in systemd.calls
    assert systemd.calls[-1] == ("start" if refuses == "stop" else "ls")


# -- cleanup -----------------------------------------------------------------------------------------------------------


def test_a_cleanup_deletes_what_was_marked_long_enough_ago(folders: Store) -> None:
    blocks = folders.upload(aligned(100), 8)
    folders.mark(blocks[0], ago=50 * HOUR)
    folders.mark(blocks[1], ago=50 * HOUR)
    folders.mark(blocks[2], ago=30 * HOUR)
    systemd = Systemd()
    wanted: dict[str, t.Any] = {"delete_delay": "48h", "compactor": "thanos_compact", "consistency_delay": "0s"}
    foretold = folders.run("cleanup", apply=False, runner=systemd, **wanted)
    assert ([one["id"] for one in foretold["marked"]], foretold["due"]) == (blocks[:3], 2)
    assert foretold["report"][-1] == "2 of 3 blocks that are marked would be deleted: marked longer ago than 48h"
    assert folders.ids() == set(blocks)

    found = folders.run("cleanup", runner=systemd, **wanted)
    assert (found["deleted"], found["changed"], found["compactor_stopped"]) == (blocks[:2], True, True)
    assert folders.ids() == set(blocks[2:])
    calls = len(systemd.calls)
    again = folders.run("cleanup", runner=systemd, **wanted)
    assert (again["changed"], again["due"]) == (False, 0)
    assert "stop" not in systemd.calls[calls:]


def test_marked_blocks_of_which_one_holds_another_are_counted(folders: Store) -> None:
    first, second, third = folders.upload(aligned(100), 6)
    meta = folders.data / "main" / third / "meta.json"
    meta.write_text(meta.read_text().replace(f'"{third}"\n\t\t]', f'"{first}",\n\t\t\t"{second}"\n\t\t]'))
    for name, hours in ((first, 50), (second, 1), (third, 50)):
        folders.mark(name, ago=hours * HOUR)
    assert folders.run("cleanup", apply=False, consistency_delay="0s")["due"] == 2
    # All of them were just uploaded.
    assert folders.run("cleanup", apply=False)["due"] == 0


def test_what_an_upload_left_behind_goes(folders: Store) -> None:
    block, other = folders.upload(aligned(100), 4)
    folder = folders.data / "main" / block
    (folder / "meta.json").unlink()
    assert folders.run("inspect")["partial"] == 1
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (0, 0))
    found = folders.run("cleanup", runner=Systemd())
    assert (found["changed"], found["partial"], folders.ids()) == (True, 0, {other})


# -- what is not there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"executable": "/nowhere/thanos"}, "/nowhere/thanos: Thanos is not there"),
        (
            {"config_file": "/nowhere/objstore.yml"},
            "/nowhere/objstore.yml: the object store's configuration can't be read",
        ),
        ({"executable": None}, "executable is needed"),
        ({"tool": "replicate"}, "there is no bucket to copy to"),
    ],
)
def test_what_is_not_there_is_named(folders: Store, given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HAError) as caught:
        folders.run(**{"tool": "inspect", **given})
    assert words in str(caught.value)


def test_a_wrong_key_of_the_bucket_itself(store: Store) -> None:
    file = store.file("wrong", bucket="main", secret_key="wrong-secret-key")
    with pytest.raises(HAError) as caught:
        store.run("inspect", config_file=file)
    assert "signature" in caught.value.said
    assert secrets({"to": None, "config_file": file}) == {"wrong-secret-key"}
