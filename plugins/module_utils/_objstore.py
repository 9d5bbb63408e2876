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
import pwd
import re
import shutil
import tempfile
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _diff, _environment, _uploads
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

OBJSTORE_SPEC: dict[str, t.Any] = {
    "executable": {"type": "path", "required": True},
    # A dict under the name of its keys would show them in logs; nobody needs to see it.
    "config": {"type": "dict", "required": True, "no_log": True},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "account": {"type": "str", "default": ""},
    "writes": {"type": "bool", "default": True},
    "labels": {"type": "list", "elements": "dict", "default": []},
    "replica_label": {"type": "str", "default": ""},
    "data_dir": {"type": "path"},
}
# Below the folder of a component's configuration.
OBJSTORE_FILE = "objstore.yml"
ENVIRONMENT = "environment"
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

    :param params: of the shape OBJSTORE_SPEC. It is tried as the ``account`` and in the ``environment`` that the
        service will have, so that what that may not read (a CA, say) is found. ``labels`` are the label sets of what
        will be uploaded from ``data_dir``: where that has uploaded nothing yet, blocks that are there under them are
        somebody else's. With the same labels but for the ``replica_label``, they are its peers' or somebody else's.
    :param name: the host's, which keeps what is written apart.
    :returns: ``tried``: whether Thanos is there to try it; ``failed``: the step that was refused, "" for none;
        ``said``: in whose words; ``taken``: label sets of both kinds under which there are blocks, and how many.
    """
    result: dict[str, t.Any] = {"tried": False, "failed": "", "said": "", "taken": []}
    if not os.access(params["executable"], os.X_OK):
        return result
    result["tried"] = True
    folder = tempfile.mkdtemp(prefix="prometheus_ha-")
    try:
        account = _account(params["account"])
        if account:
            shutil.chown(folder, account)
        _Bucket(params, name, folder, runner, account).into(result)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _account(name: str) -> str:
    """Whom to try it as; "": as who asks, where the account is not there or can't be taken on."""
    try:
        return name if name and os.geteuid() == 0 and pwd.getpwnam(name) else ""
    except KeyError:
        return ""


def environment(folder: str) -> dict[str, str]:
    """What a component has of thanos_objstore_environment. :param folder: of its configuration."""
    with contextlib.suppress(OSError), open(os.path.join(folder, ENVIRONMENT), encoding="utf-8") as file:
        return _environment.read(file.read())
    return {}


def unlisted(executable: str, folder: str, account: str, runner: Runner) -> str:
    """Why the bucket of a component can't be listed, in the provider's words; "" where it can.

    :param folder: of its configuration.
    :param account: as whom it runs.
    """
    config_file = os.path.join(folder, OBJSTORE_FILE)
    variables = environment(folder)
    argv = [executable, "tools", "bucket", "ls", f"--objstore.config-file={config_file}", "--timeout=10s"]
    done = runner(argv, timeout=TIMEOUT, variables=variables, account=_account(account))
    return "" if done.rc == 0 else _last_error(done.words)[:1000]


def _last_error(words: str) -> str:
    """The cause; after it, Thanos prints where in its code it was: a line with a function, one with its file.

    Azure's client says it in several lines, between rules, and then the reply's XML.
    """
    found = _ERROR.findall(words) or words.strip().splitlines()[-1:] or ["no word"]
    lines = str(found[-1]).replace('\\"', '"').split("\\n")
    frame = next((number - 1 for number, line in enumerate(lines) if line.startswith("\\t")), len(lines))
    markup = next((number for number, line in enumerate(lines) if line.startswith("<")), len(lines))
    said = [line.strip() for line in lines[: max(min(frame, markup), 1)]]
    return ": ".join(line.rstrip(":") for line in said if line.strip("- "))


class _RefusedError(Exception):
    """A step that the provider refused, in its words."""


class _Bucket:
    def __init__(self, params: t.Mapping[str, t.Any], name: str, folder: str, runner: Runner, account: str) -> None:
        self._params = params
        self._folder = folder
        self._runner = runner
        self._account = account
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
        self._give(path)
        return path

    def _give(self, *paths: str) -> None:
        """To the account that the tools run as: they write beside a block that they upload."""
        for path in paths if self._account else ():
            shutil.chown(path, self._account)

    def _run(self, config: str, *args: str) -> str:
        command, *rest = args
        argv = [self._params["executable"], "tools", "bucket", command, f"--objstore.config-file={config}", *rest]
        variables = {str(key): str(value) for key, value in (self._params["environment"] or {}).items()}
        done = self._runner(argv, cwd=self._folder, timeout=TIMEOUT, variables=variables, account=self._account)
        if done.rc != 0:
            raise _RefusedError(self._said(done.words))
        return done.stdout

    def _said(self, words: str) -> str:
        """The provider's own words: what the last line with an error has, without what is secret."""
        said = _last_error(words)
        known = secrets(self._params["config"]) | secrets(self._params["environment"])
        for secret in sorted(known, key=len, reverse=True):
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
        for folder, _folders, names in os.walk(os.path.dirname(block)):
            self._give(folder, *(os.path.join(folder, name) for name in names))
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
        wanted = [self._of_set(labels) for labels in self._params["labels"]]
        found = [{"labels": json.loads(key), "blocks": count} for key, count in counts.items()]
        return [each for each in found if self._of_set(each["labels"]) in wanted]

    def _of_set(self, labels: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The labels that all replicas have; a compactor that merges replicas leaves these alone."""
        return {name: value for name, value in labels.items() if name != self._params["replica_label"]}


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
    """The strings under keys that name a secret, and passwords in URLs; in a secret that is JSON (a service account's
    key file), these of it, too. What is shorter than 4 characters is a part of common words.
    """
    if isinstance(data, str):
        found = {data} if hidden else set()
        found.update(_diff.USER_INFO.findall(data))
        if hidden and data.lstrip().startswith("{"):
            with contextlib.suppress(ValueError):
                found |= secrets(json.loads(data))
        return {value for value in found if len(value) > 3}
    if isinstance(data, dict):
        each = (secrets(value, hidden=hidden or _diff.names_secret(str(key))) for key, value in data.items())
        return set().union(*each)
    if isinstance(data, (list, tuple)):
        return set().union(*(secrets(item, hidden=hidden) for item in data))
    return set()
