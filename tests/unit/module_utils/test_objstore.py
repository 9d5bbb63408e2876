# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trying an object store: which steps are taken, in whose words one is refused, and what is left of it."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import (
    _environment,
    _objstore,
    _runner,
    _uploads,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _secrets
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_bucket

CONFIG = {"type": "S3", "config": {"bucket": "b", "access_key": "abcdef", "secret_key": "hush-hush"}, "prefix": "x"}
EU = {"region": "eu", "replica": "a"}
ULID = _objstore._ULID


BASE: dict[str, t.Any] = {
    "config": CONFIG,
    "environment": {},
    "account": "",
    "writes": True,
    "labels": [],
    "replica_label": "",
    "data_dir": None,
}


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
    return _objstore.look({**BASE, "executable": executable, **params}, "host-1", store)


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

    found = _objstore.look({**BASE, "executable": thanos}, "h", run)
    assert (found["failed"], found["said"]) == ("delete", "what was deleted is still there")
    assert store.commands[-1:] == kept


@pytest.mark.parametrize(
    ("there", "shipped", "taken"),
    [
        pytest.param([EU, EU], None, [{"labels": EU, "blocks": 2}], id="of others"),
        pytest.param([{**EU, "region": "us"}, {**EU, "more": "x"}, {}], None, [], id="other labels"),
        pytest.param(
            [EU, {**EU, "replica": "b"}, {"region": "eu"}],
            None,
            [{"labels": each, "blocks": 1} for each in (EU, {**EU, "replica": "b"}, {"region": "eu"})],
            id="of another replica, and of replicas merged",
        ),
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
    assert look(store, thanos, labels=[EU], replica_label="replica", data_dir=str(data))["taken"] == taken


@pytest.mark.parametrize("version", ["0.40.1", "0.42.4"])
def test_blocks_of_another_environments_replica_in_a_real_bucket(tmp_path: Path, version: str) -> None:
    with support_bucket.minio(tmp_path) as endpoint:
        there = support_bucket.Store(endpoint, tmp_path / "data", version, tmp_path)
        other = {"region": "eu", "replica": "other-1"}
        there.upload(0, 2, other)
        there.upload(0, 2, {"region": "us", "replica": "a"})
        config = there.config("main")
        params = {"config": config, "labels": [EU], "replica_label": "replica", "data_dir": str(tmp_path / "none")}
        found = _objstore.look({**BASE, **params, "executable": there.executable}, "h", _runner.run)
    assert found == {"tried": True, "failed": "", "said": "", "taken": [{"labels": other, "blocks": 1}]}


def test_metas_are_read_one_after_the_other() -> None:
    assert _objstore.metas('{"a": {"b": 1}}\n{\n "a": 2}\nrest {') == [{"a": {"b": 1}}, {"a": 2}]
    assert _objstore.metas("") == []


def test_a_block_that_vanishes_while_all_are_read_is_no_refusal(thanos: str) -> None:
    store = Store(blocks=[block(EU)])
    failures = [Completed(1, "", 'err="object not found"')]

    def run(argv: t.Sequence[str], **options: t.Any) -> Completed:
        return failures.pop() if "--output=json" in argv and failures else store(argv, **options)

    params = {**BASE, "executable": thanos, "writes": False, "labels": [EU]}
    found = _objstore.look(params, "h", run)
    assert (found["failed"], found["taken"]) == ("", [{"labels": EU, "blocks": 1}])


# What Thanos 0.42.4 said over azurite for a wrong key, and over fake-gcs-server for a service account's, shortened.
AZURE = (
    r'ts=1 level=error err="GET https://a.blob.lab:10000/thanos\n----------\nRESPONSE 403: 403 Server failed to '
    r"authenticate.\nERROR CODE: AuthorizationFailure\n----------\n<?xml version=\"1.0\"?>\n<Error>\n  <Code>x</Code>"
    r'\n</Error>\n\ncreate AZURE client\ngithub.com/x.New\n\tgithub.com/x.go:81\npreparing failed"'
)
GCS = (
    r'level=error err="oauth2: cannot fetch token: 400 Bad Request\nResponse: {\"error\": \"invalid_grant\"}\n'
    r'BaseFetcher: iter bucket\ngithub.com/x.(*B).f\n\tgithub.com/x.go:593"'
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            AZURE,
            "GET https://a.blob.lab:10000/thanos: RESPONSE 403: 403 Server failed to authenticate.: "
            "ERROR CODE: AuthorizationFailure",
        ),
        (
            GCS,
            "oauth2: cannot fetch token: 400 Bad Request: "
            'Response: {"error": "invalid_grant"}: BaseFetcher: iter bucket',
        ),
        ("Error parsing commandline arguments: no", "Error parsing commandline arguments: no"),
        ("", "no word"),
    ],
)
def test_what_a_provider_says_in_several_lines_is_told_whole(thanos: str, words: str, said: str) -> None:
    assert look(Store("ls", words), thanos)["said"] == said


ENVIRONMENT = {"HTTPS_PROXY": "http://me:hush-proxy@proxy:1", "AWS_SECRET_ACCESS_KEY": "hush-aws", "N": 1}


def test_every_step_has_the_services_environment_and_no_word_shows_it(thanos: str) -> None:
    store = Store("cleanup", 'err="proxy http://me:hush-proxy@proxy:1 refused hush-aws"')
    seen: list[t.Any] = []

    def run(argv: t.Sequence[str], **options: t.Any) -> Completed:
        seen.append(options["variables"])
        return store(argv, **options)

    found = _objstore.look({**BASE, "executable": thanos, "environment": ENVIRONMENT}, "h", run)
    assert seen == [{**ENVIRONMENT, "N": "1"}] * 5
    assert found["said"] == "proxy http://me:********@proxy:1 refused ********"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can be somebody else")
def test_it_is_tried_as_the_service_which_finds_what_that_may_not_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        ca = folder / "ca.pem"
        ca.write_text("x")
        tool = folder / "thanos"
        # Writes beside the block, as Thanos does, and says who it was.
        tool.write_text(
            f"#!/bin/sh\ncat {ca} ${{4#*=}} >/dev/null || exit 1\n"
            'case "$3 $5" in\nupload*) for one in ${5#*=}/*; do touch $one/x || exit 1; done;;\n'
            f'"ls --output=json") echo {ULID};;\nesac\nid -un >>{folder}/who\n'
        )
        tool.chmod(0o755)
        (folder / "who").touch(0o666)
        (folder / "who").chmod(0o666)
        params = {**BASE, "executable": str(tool), "account": "nobody"}
        assert _objstore.look(params, "h", _runner.run)["said"] == ""
        assert set((folder / "who").read_text().split()) == {"nobody"}
        ca.chmod(0o600)
        found = _objstore.look(params, "h", _runner.run)
        assert (found["failed"], "Permission denied" in found["said"]) == ("list", True)
        assert _objstore.look({**params, "account": "no-such-account"}, "h", _runner.run)["failed"] == ""


def test_status_asks_with_the_services_environment(tmp_path: Path) -> None:
    seen: list[t.Any] = []

    def run(argv: t.Sequence[str], **options: t.Any) -> Completed:
        assert argv[:4] == ["thanos", "tools", "bucket", "ls"]
        seen.append(options["variables"])
        return Completed(0, "", "")

    assert _objstore.unlisted("thanos", str(tmp_path), "", run) == ""
    (tmp_path / _objstore.ENVIRONMENT).write_text(_environment.write(ENVIRONMENT))
    assert _objstore.unlisted("thanos", str(tmp_path), "", run) == ""
    assert seen == [{}, {**ENVIRONMENT, "N": "1"}]


KEY = "-----BEGIN PRIVATE KEY-----\\nhush-pem\\n-----END PRIVATE KEY-----\\n"


@pytest.mark.parametrize(
    ("config", "secret"),
    [
        pytest.param({"storage_account": "shown", "storage_account_key": "hush-1"}, {"hush-1"}, id="AZURE"),
        pytest.param({"storage_connection_string": "AccountKey=hush-1"}, {"AccountKey=hush-1"}, id="AZURE string"),
        pytest.param({"client_id": "shown", "client_secret": "hush-1"}, {"hush-1"}, id="AZURE identity"),
        pytest.param({"privatekey": "hush-1", "fingerprint": "shown"}, {"hush-1"}, id="OCI"),
        pytest.param(
            {"service_account": f'{{"private_key_id": "shown", "private_key": "{KEY}"}}'},
            {KEY.replace("\\n", "\n")},
            id="GCS",
        ),
    ],
)
def test_keys_of_other_providers_are_secret(config: dict[str, str], secret: set[str]) -> None:
    found = _objstore.secrets({"type": "X", "config": config})
    assert secret <= found
    assert not found & {"shown", "X"}
    assert all(any(value in each for each in _secrets.secret_values({"config": config})) for value in secret)
