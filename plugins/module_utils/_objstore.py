# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries an object store as Thanos uses it: by its own tools, so that each provider answers in its own words.

What is written is a block of a few bytes below a prefix of its own, where no other component of Thanos looks.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _diff, _uploads
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

OBJSTORE_SPEC: dict[str, t.Any] = {
    "executable": {"type": "path", "required": True},
    # A dict under the name of its keys would show them in logs; nobody needs to see it.
    "config": {"type": "dict", "required": True, "no_log": True},
    "writes": {"type": "bool", "default": True},
    "labels": {"type": "list", "elements": "dict", "default": []},
    "data_dir": {"type": "path"},
}
PREFIX = "prometheus_ha_probe"
TIMEOUT = 30.0  # seconds for each step; a provider's client tries again for some of them by itself
_ULID = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
_META = {
    "ulid": _ULID,
    "minTime": 0,
    "maxTime": 1,
    "stats": {"numSamples": 1, "numSeries": 1, "numChunks": 1},
    "compaction": {"level": 1, "sources": [_ULID]},
    "version": 1,
}
_ERROR = re.compile(r'\berr="?(.*?)"?$', re.MULTILINE)


def look(params: t.Mapping[str, t.Any], name: str, runner: Runner) -> dict[str, t.Any]:
    """Try a bucket: list, and where blocks go there write, read and delete.

    :param params: of the shape OBJSTORE_SPEC. ``labels`` are the label sets of what will be uploaded from
        ``data_dir``: where that has uploaded nothing yet, blocks that are there under them are somebody else's.
    :param name: the host's, which keeps what is written apart.
    :returns: ``tried``: whether Thanos is there to try it; ``failed``: the step that was refused, "" for none;
        ``said``: in whose words; ``taken``: label sets under which there are blocks, and how many.
    """
    result: dict[str, t.Any] = {"tried": False, "failed": "", "said": "", "taken": []}
    if not os.access(params["executable"], os.X_OK):
        return result
    result["tried"] = True
    folder = tempfile.mkdtemp(prefix="prometheus_ha-")
    try:
        _Bucket(params, name, folder, runner).into(result)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def unlisted(executable: str, config_file: str, runner: Runner) -> str:
    """Why a bucket can't be listed, in the provider's words; "" where it can."""
    argv = [executable, "tools", "bucket", "ls", f"--objstore.config-file={config_file}", "--timeout=10s"]
    done = runner(argv, timeout=TIMEOUT)
    return "" if done.rc == 0 else _last_error(done.words)[:1000]


def _last_error(words: str) -> str:
    """The cause; after it, Thanos prints where in its code it was."""
    found = _ERROR.findall(words) or words.strip().splitlines()[-1:] or ["no word"]
    return str(found[-1]).partition("\\n")[0].replace('\\"', '"')


class _RefusedError(Exception):
    """A step that the provider refused, in its words."""


class _Bucket:
    def __init__(self, params: t.Mapping[str, t.Any], name: str, folder: str, runner: Runner) -> None:
        self._params = params
        self._folder = folder
        self._runner = runner
        config = params["config"]
        prefix = "/".join(filter(None, [str(config.get("prefix") or "").strip("/"), PREFIX, name]))
        self._real = self._write("objstore.json", config)
        self._aside = self._write("aside.json", {**config, "prefix": prefix})

    def into(self, result: dict[str, t.Any]) -> None:
        try:
            for step, act in (("list", self._list), *((("write", self._upload),) if self._params["writes"] else ())):
                result["failed"] = step
                act()
            if self._params["writes"]:
                result["failed"] = "read"
                self._read()
                result["failed"] = "delete"
                self._delete()
            result["failed"] = "list" if self._params["labels"] else ""
            result["taken"] = self._taken()
            result["failed"] = ""
        except _RefusedError as error:
            result["said"] = str(error)

    def _write(self, name: str, config: t.Mapping[str, t.Any]) -> str:
        path = os.path.join(self._folder, name)  # the folder is for its owner alone
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)  # JSON is YAML
        return path

    def _run(self, config: str, *args: str) -> str:
        command, *rest = args
        argv = [self._params["executable"], "tools", "bucket", command, f"--objstore.config-file={config}", *rest]
        done = self._runner(argv, timeout=TIMEOUT)
        if done.rc != 0:
            raise _RefusedError(self._said(done.words))
        return done.stdout

    def _said(self, words: str) -> str:
        """The provider's own words: what the last line with an error has, without what is secret."""
        said = _last_error(words)
        for secret in sorted(secrets(self._params["config"]), key=len, reverse=True):
            said = said.replace(secret, "********")
        return said[:1000]

    def _list(self) -> None:
        self._run(self._real, "ls", "--timeout=20s")

    def _upload(self) -> None:
        block = os.path.join(self._folder, "blocks", _ULID)
        os.makedirs(os.path.join(block, "chunks"))
        for path, text in (("meta.json", json.dumps(_META)), ("index", "x"), ("chunks/000001", "x")):
            with open(os.path.join(block, path), "w", encoding="utf-8") as file:
                file.write(text)
        self._run(self._aside, "upload-blocks", f"--path={self._folder}/blocks", f'--label=probe="{PREFIX}"')

    def _read(self) -> None:
        if _ULID not in self._run(self._aside, "ls", "--output=json"):
            raise _RefusedError("what was written is not there when it is read")

    def _delete(self) -> None:
        self._run(self._aside, "mark", f"--id={_ULID}", "--marker=deletion-mark.json", "--details=probe")
        self._run(self._aside, "cleanup", "--delete-delay=0s", "--consistency-delay=0s")
        if _ULID in self._run(self._aside, "ls"):
            raise _RefusedError("what was deleted is still there")

    def _every_meta(self) -> str:
        """A block that a compactor deletes meanwhile makes the tool fail, so it is asked again."""
        for _attempt in range(2):
            with contextlib.suppress(_RefusedError):
                return self._run(self._real, "ls", "--output=json")
        return self._run(self._real, "ls", "--output=json")

    def _taken(self) -> list[dict[str, t.Any]]:
        data = self._params["data_dir"]
        if not self._params["labels"] or (data and _uploads.has_uploaded(data)):
            return []
        counts: dict[str, int] = {}
        for meta in metas(self._every_meta()):
            labels = (meta.get("thanos") or {}).get("labels") or {}
            key = json.dumps(labels, sort_keys=True)
            counts[key] = counts.get(key, 0) + 1
        wanted = [dict(labels) for labels in self._params["labels"]]
        return [
            {"labels": labels, "blocks": counts[key]}
            for labels in wanted
            if (key := json.dumps(labels, sort_keys=True)) in counts
        ]


def metas(text: str) -> list[dict[str, t.Any]]:
    """The blocks' meta.json files, as ``ls --output=json`` writes them one after the other."""
    decoder = json.JSONDecoder()
    found: list[dict[str, t.Any]] = []
    at = text.find("{")
    while at >= 0:
        try:
            meta, at = decoder.raw_decode(text, at)
        except ValueError:
            break
        found.append(meta)
        at = text.find("{", at)
    return found


def secrets(data: t.Any, *, hidden: bool = False) -> set[str]:
    """The strings under keys that name a secret; what is shorter than 4 characters is a part of common words."""
    if isinstance(data, str):
        return {data} if hidden and len(data) > 3 else set()
    if isinstance(data, dict):
        each = (secrets(value, hidden=hidden or _diff.names_secret(str(key))) for key, value in data.items())
        return set().union(*each)
    if isinstance(data, (list, tuple)):
        return set().union(*(secrets(item, hidden=hidden) for item in data))
    return set()
