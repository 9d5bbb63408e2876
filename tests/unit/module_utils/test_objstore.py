# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trying an object store: which steps are taken, in whose words one is refused, and what is left of it."""

from __future__ import annotations

import json
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _objstore, _uploads
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed

CONFIG = {"type": "S3", "config": {"bucket": "b", "access_key": "abcdef", "secret_key": "hush-hush"}, "prefix": "x"}
EU = {"region": "eu", "replica": "a"}
ULID = _objstore._ULID


class Store:
    """What `thanos tools bucket` would do, with a store of its own. :ivar refuses: the command that fails."""

    def __init__(self, refuses: str = "", said: str = "", blocks: t.Sequence[t.Mapping[str, t.Any]] = ()) -> None:
        self.refuses, self.said = refuses, said
        self.blocks = list(blocks)
        self.aside: list[str] = []
        self.commands: list[str] = []
        self.modes: set[int] = set()
        self.prefixes: set[str] = set()

    def __call__(self, argv: t.Sequence[str], **_options: t.Any) -> Completed:
        command = argv[3]
        config = Path(argv[4].partition("=")[2])
        self.modes.add(stat.S_IMODE(config.parent.stat().st_mode))
        prefix = str(json.loads(config.read_text()).get("prefix"))
        self.prefixes.add(prefix)
        aside = prefix != "x"
        self.commands.append(f"{command}{' aside' if aside else ''}")
        if command == self.refuses:
            return Completed(1, "", self.said)
        if command == "upload-blocks":
            self.aside.append(ULID)
        elif command == "cleanup":
            self.aside.clear()
        elif command == "ls" and aside:
            return Completed(0, "\n".join(self.aside), "")
        elif command == "ls" and "--output=json" in argv:
            return Completed(0, "".join(json.dumps(block, indent=1) + "\n" for block in self.blocks), "")
        return Completed(0, "", "")


@pytest.fixture
def thanos(tmp_path: Path) -> str:
    path = tmp_path / "thanos"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def look(store: Store, executable: str, **params: t.Any) -> dict[str, t.Any]:
    wanted = {"executable": executable, "config": CONFIG, "writes": True, "labels": [], "data_dir": None, **params}
    return _objstore.look(wanted, "host-1", store)


def block(labels: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {"ulid": "X", "thanos": {"labels": dict(labels)}}


def test_all_steps_are_taken_aside_and_nothing_is_left(thanos: str) -> None:
    store = Store()
    assert look(store, thanos) == {"tried": True, "failed": "", "said": "", "taken": []}
    assert store.commands == ["ls", "upload-blocks aside", "ls aside", "mark aside", "cleanup aside", "ls aside"]
    assert store.prefixes == {"x", "x/prometheus_ha_probe/host-1"}
    assert store.aside == []
    assert store.modes == {0o700}


def test_who_only_reads_only_lists(thanos: str) -> None:
    store = Store()
    assert look(store, thanos, writes=False)["failed"] == ""
    assert store.commands == ["ls"]


def test_without_thanos_nothing_is_tried(tmp_path: Path) -> None:
    store = Store()
    assert look(store, str(tmp_path / "none"))["tried"] is False
    assert store.commands == []


@pytest.mark.parametrize(
    ("command", "step"),
    [("ls", "list"), ("upload-blocks", "write"), ("mark", "delete"), ("cleanup", "delete")],
)
def test_a_refusal_is_told_in_the_providers_words(thanos: str, command: str, step: str) -> None:
    frames = r"\ngithub.com/x/y.Z\n\tgithub.com/x/y.go:1\nouter"
    line = rf'ts=1 level=error err="upload: Access Denied for abcdef, \"hush-hush\"{frames}"'
    found = look(Store(command, f"ts=0 level=info msg=hello\n{line}\n"), thanos)
    assert (found["failed"], found["said"]) == (step, 'upload: Access Denied for ********, "********"')


def test_what_does_not_go_away_is_told(thanos: str) -> None:
    store = Store()
    kept = ["ls aside"]

    def run(argv: t.Sequence[str], **options: t.Any) -> Completed:
        if argv[3] == "cleanup":
            return Completed(0, "", "")
        return store(argv, **options)

    found = _objstore.look(
        {"executable": thanos, "config": CONFIG, "writes": True, "labels": [], "data_dir": None}, "h", run
    )
    assert (found["failed"], found["said"]) == ("delete", "what was deleted is still there")
    assert store.commands[-1:] == kept


@pytest.mark.parametrize(
    ("there", "shipped", "taken"),
    [
        pytest.param([EU, EU], None, [{"labels": EU, "blocks": 2}], id="of others"),
        pytest.param([{**EU, "replica": "b"}], None, [], id="other labels"),
        pytest.param([EU], _uploads.NOTES, [], id="its own"),
        pytest.param([EU], f"tenant/{_uploads.NOTES}", [], id="its own, of a tenant"),
    ],
)
def test_blocks_under_the_labels_of_one_that_has_uploaded_none(
    thanos: str, tmp_path: Path, there: list[dict[str, str]], shipped: str | None, taken: list[t.Any]
) -> None:
    data = tmp_path / "data"
    (data / "tenant").mkdir(parents=True)
    if shipped:
        (data / shipped).write_text("{}")
    store = Store(blocks=[block(labels) for labels in there])
    assert look(store, thanos, labels=[EU], data_dir=str(data))["taken"] == taken


def test_metas_are_read_one_after_the_other() -> None:
    assert _objstore.metas('{"a": {"b": 1}}\n{\n "a": 2}\nrest {') == [{"a": {"b": 1}}, {"a": 2}]
    assert _objstore.metas("") == []


def test_a_block_that_vanishes_while_all_are_read_is_no_refusal(thanos: str) -> None:
    store = Store(blocks=[block(EU)])
    failures = [Completed(1, "", 'err="object not found"')]

    def run(argv: t.Sequence[str], **options: t.Any) -> Completed:
        return failures.pop() if "--output=json" in argv and failures else store(argv, **options)

    params = {"executable": thanos, "config": CONFIG, "writes": False, "labels": [EU], "data_dir": None}
    found = _objstore.look(params, "h", run)
    assert (found["failed"], found["taken"]) == ("", [{"labels": EU, "blocks": 1}])
