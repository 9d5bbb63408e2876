# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thanos' own bucket tools, run so that what they found and changed is data: by the blocks before and after.

What they were seen to do (0.40.1, 0.42.4), and what is done about it:

- `replicate` listens on 0.0.0.0:10902, a sidecar's port: it gets a free one of the loopback. It leaves out blocks of
  compaction levels above 4, which compaction of late or deduplicated blocks makes: here it takes all. Blocks that are
  marked for deletion stay behind, since what replaces them is there; so does what has no labels.
- `retention` only marks, and `cleanup` deletes what was marked long enough ago. Both are what a compactor does itself,
  and its block must not go while it reads it: it stands still meanwhile (tools_bucket.go: "Please make sure no
  compactor is running on the same bucket at the same time").
- None of them says when a block was marked. `retention` without any retention changes nothing, and its count of the
  blocks that it would look at leaves out those that were marked long enough ago: so a dry run knows how many go.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _bucket_blocks, _bucket_report, _objstore
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_blocks import Block
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

TOOLS = ("verify", "inspect", "replicate", "retention", "cleanup")
DELETING = ("retention", "cleanup")
ISSUES = ("overlapped_blocks", "duplicated_compaction", "index_known_issues")
SPEC: dict[str, t.Any] = {
    "tool": {"type": "str", "required": True, "choices": list(TOOLS)},
    "executable": {"type": "path"},
    "config_file": {"type": "path"},
    "selector_file": {"type": "path"},
    "labels": {"type": "dict", "default": {}},
    "issues": {"type": "list", "elements": "str", "default": list(ISSUES[:2]), "choices": list(ISSUES)},
    # A dict under the name of its keys would show them in logs.
    "to": {"type": "dict", "no_log": True},
    "rpo": {"type": "str"},
    "live": {"type": "list", "elements": "dict", "default": []},
    "retention_raw": {"type": "str", "default": "0d"},
    "retention_5m": {"type": "str", "default": "0d"},
    "retention_1h": {"type": "str", "default": "0d"},
    "downsampling": {"type": "bool", "default": True},
    "delete_delay": {"type": "str", "default": "48h"},
    "consistency_delay": {"type": "str", "default": "30m"},
    "compactor": {"type": "str"},
    "work_dir": {"type": "path"},
    "timeout": {"type": "int", "default": 21600},
}
# A level for each compaction that a block has gone through.
_LEVELS = 1000
_STOP = 150.0  # seconds that systemd may take: longer than a unit's own limit
_ULID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
_SECRET = re.compile(r"""["']?([\w-]+)["']?[ \t]*:[ \t]*["']?([^\s"',{}\[\]]+)""")
Result = t.Dict[str, t.Any]


def run(
    params: t.Mapping[str, t.Any], runner: Runner, *, apply: bool, now: t.Callable[[], float] = time.time
) -> Result:
    """Run a tool on a bucket.

    :param params: of the shape SPEC.
    :param apply: whether it may change anything; else what would change is told.
    :param now: seconds since the epoch.
    :returns: ``changed``, ``report`` (lines for people), and what the tool found, see the module.
    :raises HAError: when the tool or its bucket refuses; where `verify` finds something, or a copy is too old.
    """
    for name in ("executable", "config_file"):
        if not params[name]:
            raise HAError(f"{name} is needed", where="thanos_bucket", do="name it.")
    if not os.access(params["executable"], os.X_OK):
        do = "run baremetal.prometheus_ha.site first, which brings Thanos there."
        raise HAError("Thanos is not there to look at the bucket", where=params["executable"], do=do)
    if not os.access(params["config_file"], os.R_OK):
        do = "set become: true; the file comes with baremetal.prometheus_ha.site."
        raise HAError("the object store's configuration can't be read", where=params["config_file"], do=do)
    place = params["work_dir"] if os.path.isdir(params["work_dir"] or "") else None
    folder = tempfile.mkdtemp(prefix="prometheus_ha-", dir=place)  # for its owner alone
    try:
        return _RUN[params["tool"]](_Bucket(params, runner, folder, now), apply)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def secrets(params: t.Mapping[str, t.Any]) -> set[str]:
    """What must not be shown: of the other bucket's configuration, and of the file."""
    found = _objstore.secrets(params["to"] or {})
    with contextlib.suppress(OSError, TypeError), open(params["config_file"], encoding="utf-8") as file:
        # A host has no parser of YAML.
        for key, value in _SECRET.findall(file.read()):
            found |= _objstore.secrets({key: value})
    return found


class _Bucket:
    """A bucket as the tools see it."""

    def __init__(self, params: t.Mapping[str, t.Any], runner: Runner, folder: str, now: t.Callable[[], float]) -> None:
        self.params = params
        self.folder = folder
        self.now = now
        self._runner = runner
        self.partial = 0

    def seconds(self, name: str) -> float:
        return _bucket_blocks.seconds(self.params[name], name)

    @property
    def kept(self) -> dict[str, float]:
        """By resolution, for how many seconds samples are kept."""
        return {name: self.seconds(f"retention_{name}") for name in _bucket_blocks.RESOLUTIONS.values()}

    def tool(self, *args: str, config: str = "") -> list[dict[str, t.Any]]:
        """Run one. :returns: what it logged. :raises HAError: in its own words."""
        return self._run(args, config)[1]

    def _run(self, args: t.Sequence[str], config: str = "") -> tuple[str, list[dict[str, t.Any]]]:
        command, *rest = args
        file = config or self.params["config_file"]
        argv = [self.params["executable"], "tools", "bucket", command]
        argv += [f"--objstore.config-file={file}", "--log.format=json", *rest]
        # verify keeps the index of each block until it ends: rather beside the compactor's data than in memory.
        variables = {**_objstore.environment(os.path.dirname(self.params["config_file"])), "TMPDIR": self.folder}
        done = self._runner(argv, timeout=self.params["timeout"], variables=variables)
        logged = _logged(done.stderr)
        if done.rc != 0:
            raise HAError(
                f"thanos tools bucket {command} failed",
                where=self._where(command, config),
                said=_error(logged) or done.words[-1000:],
                do="see what the object store says; baremetal.prometheus_ha.objstore_info tries it step by step.",
            )
        return done.stdout, logged

    def _where(self, command: str, config: str) -> str:
        """Which bucket a refusal is about."""
        if config:
            return "the other bucket (to)"
        file = str(self.params["config_file"])
        return f"{file}, or the other bucket (to)" if command == "replicate" else file

    def blocks(self, *args: str, config: str = "") -> list[Block]:
        """Every block that has its meta.json. A bucket whose block is deleted meanwhile is listed again."""
        words = ["ls", "--output=json", f"--timeout={self.params['timeout']}s", *args]
        with contextlib.suppress(HAError):
            return self._listed(*self._run(words, config))
        return self._listed(*self._run(words, config))

    def _listed(self, text: str, logged: t.Sequence[t.Mapping[str, t.Any]]) -> list[Block]:
        self.partial = sum(line.get("partial") or 0 for line in logged)
        return _bucket_blocks.in_order(_bucket_blocks.block(meta) for meta in _objstore.metas(text))

    @property
    def selected(self) -> list[str]:
        """The flags for the streams of one compactor."""
        file = self.params["selector_file"]
        return [f"--selector.relabel-config-file={file}"] if file else []

    def copy_config(self) -> str:
        """The other bucket's configuration as a file of the private folder."""
        path = os.path.join(self.folder, "to.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.params["to"], file)  # JSON is YAML
        return path

    @contextlib.contextmanager
    def compactor_still(self) -> t.Iterator[bool]:
        """Have the compactor stand still, and run again whatever happens. :returns: whether it had to be stopped."""
        unit = self.params["compactor"]
        state = self._systemctl("show", unit, "-p", "ActiveState", "--value") if unit else ""
        runs = state.strip() in ("active", "activating", "reloading", "deactivating")
        try:
            if runs:
                self._systemctl("stop", unit)
            yield runs
        finally:
            if runs:
                self._systemctl("start", unit)

    def _systemctl(self, verb: str, unit: str, *options: str) -> str:
        done = self._runner(["systemctl", verb, unit, *options], timeout=_STOP)
        if done.rc != 0:
            do = f"see systemctl status {unit}; baremetal.prometheus_ha.site starts it."
            raise HAError(f"systemctl {verb} {unit} failed", where=unit, said=done.words, do=do)
        return done.stdout


def _logged(text: str) -> list[dict[str, t.Any]]:
    """Thanos' log lines."""
    found = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                found.append(entry)
    return found


def _error(logged: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The cause; after it, Thanos prints where in its code it was."""
    words = [str(line["err"]) for line in logged if line.get("level") == "error" and line.get("err")]
    return words[-1].partition("\n")[0][:1000] if words else ""


def _inspect(bucket: _Bucket, _apply: bool) -> Result:
    everything = _bucket_blocks.of_labels(bucket.blocks(), bucket.params["labels"])
    partial = bucket.partial
    kept = {one.id for one in bucket.blocks("--exclude-delete")}
    blocks = [one for one in everything if one.id in kept]
    found: Result = {
        "changed": False,
        "streams": _bucket_blocks.groups(blocks),
        "blocks": [one.shown for one in blocks],
        "overlaps": _bucket_blocks.overlaps(blocks),
        "marked": [one.id for one in everything if one.id not in kept],
        "partial": partial,
    }
    return {**found, "report": _bucket_report.inspected(found)}


def _verify(bucket: _Bucket, _apply: bool) -> Result:
    issues = bucket.params["issues"]
    logged = bucket.tool("verify", *(f"--issues={issue}" for issue in issues))
    blocks = {one.id: one for one in bucket.blocks("--exclude-delete")}
    problems = list(_problems(logged, blocks))
    found: Result = {"changed": False, "issues": list(issues), "blocks": len(blocks), "problems": problems}
    found["report"] = _bucket_report.verified(found)
    if problems:
        raise HAError(
            f"{_bucket_report.count(len(problems), 'problem')} in the bucket",
            where=bucket.params["config_file"],
            do="see docs/thanos.md, 'A compactor that halted': mark the wrong blocks for deletion.",
            **found,
        )
    return found


def _problems(logged: t.Iterable[t.Mapping[str, t.Any]], blocks: t.Mapping[str, Block]) -> t.Iterator[Result]:
    """What the log of `verify` says (pkg/verifier/*.go), one for each place."""
    left = _bucket_blocks.superseded(blocks.values())
    for line in logged:
        message = line.get("msg")
        if message == "found overlapped blocks":
            for words in str(line.get("overlap", "")).splitlines():
                problem = _problem("overlapped_blocks", "blocks of one stream overlap", words, blocks)
                # A compactor that is at work uploads a block before it marks those that it is made of.
                if len([each for each in problem["blocks"] if each in blocks and each not in left]) > 1:
                    yield problem
        elif message == "found duplicated blocks":
            yield _problem("duplicated_compaction", "blocks hold the same", str(line.get("kill", "")), blocks)
        elif message == "detected issue":
            what = f"its index: {str(line.get('err', '')).partition(chr(10))[0]}"
            yield _problem("index_known_issues", what, str(line.get("id", "")), blocks)


def _problem(issue: str, what: str, words: str, blocks: t.Mapping[str, Block]) -> Result:
    ids = list(dict.fromkeys(_ULID.findall(words)))
    known = [blocks[each] for each in ids if each in blocks]
    return {
        "issue": issue,
        "what": what,
        "blocks": ids,
        "stream": known[0].stream if known else "",
        "begin": _bucket_blocks.moment(max(one.begin for one in known) / 1000) if known else "",
        "end": _bucket_blocks.moment(min(one.end for one in known) / 1000) if known else "",
    }


def _replicate(bucket: _Bucket, apply: bool) -> Result:
    if not bucket.params["to"]:
        raise HAError(
            "there is no bucket to copy to", where="to", do="give its configuration (thanos_objstore_config)."
        )
    limit = _bucket_blocks.seconds(bucket.params["rpo"], "rpo") if bucket.params["rpo"] else None
    config = bucket.copy_config()
    labels = bucket.params["labels"]
    source = _bucket_blocks.of_labels(bucket.blocks("--exclude-delete"), labels)
    before = bucket.blocks(config=config)
    present, wanted = before, source
    # A block that is compacted away while it is copied ends a pass; what came instead is copied by the next.
    for attempt in range(2) if apply else ():
        try:
            _copy(bucket, config)
        except HAError:
            if attempt:
                raise
        present = bucket.blocks(config=config)
        still = {one.id for one in bucket.blocks("--exclude-delete")}
        wanted = [one for one in source if one.id in still]
        if {one.id for one in wanted} <= {one.id for one in present}:
            break
    streams = _bucket_blocks.copied(wanted, present, now=bucket.now(), live=bucket.params["live"])
    there, ids = {one.id for one in before}, {one.id for one in present}
    added = sorted(ids - there if apply else {one.id for one in source} - there)
    rpos = [each["rpo"] for each in streams if each["live"]]
    found: Result = {
        "changed": bool(added),
        "streams": streams,
        "copied": added,
        "missing": [each for one in streams for each in one["missing"]],
        # What the bucket itself has given up since.
        "extra": len(ids - {one.id for one in bucket.blocks()}),
        "rpo": None if None in rpos else max(rpos, default=None),
    }
    found["report"] = _bucket_report.replicated(found, applied=apply)
    if apply:
        _judge_copy(found, limit)
    return found


def _copy(bucket: _Bucket, config: str) -> None:
    labels = bucket.params["labels"]
    matcher = ",".join(f"{key}={json.dumps(str(value))}" for key, value in sorted(labels.items()))
    bucket.tool(
        "replicate",
        f"--objstore-to.config-file={config}",
        "--single-run",
        "--ignore-marked-for-deletion",
        f"--compaction-max={_LEVELS}",
        "--http-address=127.0.0.1:0",
        "--http-grace-period=0s",
        *([f"--matcher={{{matcher}}}"] if matcher else []),
    )


def _judge_copy(found: Result, limit: float | None) -> None:
    """:raises HAError: when the copy lacks something, or its newest samples are too old."""
    if found["missing"]:
        raise HAError(
            f"{_bucket_report.count(len(found['missing']), 'block')} could not be copied",
            where="the other bucket (to)",
            do="run it again; Thanos copies no block without labels.",
            **found,
        )
    late = [one for one in found["streams"] if one["live"] and limit is not None and (one["rpo"] or 0) > limit]
    if late:
        worst = max(late, key=lambda one: float(one["rpo"]))
        raise HAError(
            f"the copy would lose more than {_bucket_blocks.span(limit or 0)}: "
            f"{_bucket_blocks.span(worst['rpo'])} of {worst['stream']}",
            where="rpo",
            do="see whether its sidecars, rulers or receivers upload (baremetal.prometheus_ha.status).",
            **found,
        )


def _retention(bucket: _Bucket, apply: bool) -> Result:
    kept = bucket.kept
    if not any(kept.values()):
        do = "set retention_raw, retention_5m or retention_1h, or the compactor's thanos_compact_retention_raw ..."
        raise HAError("nothing says how long samples are kept", where="thanos_bucket", do=do)
    for name, least in _bucket_blocks.too_short(kept) if bucket.params["downsampling"] else ():
        raise HAError(
            f"T08: samples would be kept for {_bucket_blocks.span(kept[name])}, and they are downsampled after "
            f"{_bucket_blocks.span(least)}: nothing would be left of them",
            where=f"retention_{name}",
            do=f"write {_bucket_blocks.span(least).replace(' ', '')} or more, or 0d for ever.",
        )
    blocks = bucket.blocks("--exclude-delete", *bucket.selected)
    delay = bucket.seconds("consistency_delay")
    doomed = _bucket_blocks.expired(blocks, kept, fresh=delay, now=bucket.now())
    stopped = False
    if apply and doomed:
        with bucket.compactor_still() as stopped:
            bucket.tool(
                "retention",
                f"--consistency-delay={delay:.0f}s",
                f"--delete-delay={bucket.seconds('delete_delay'):.0f}s",
                *(f"--retention.resolution-{name}={length:.0f}s" for name, length in kept.items()),
                *bucket.selected,
            )
            staying = {one.id for one in bucket.blocks("--exclude-delete", *bucket.selected)}
        doomed = [one for one in blocks if one.id not in staying]
    last = _bucket_blocks.last_of_their_kind(doomed, blocks)
    found: Result = {
        "changed": bool(doomed),
        "marked": [one.shown for one in doomed],
        "last": [one.id for one in last],
        "compactor_stopped": stopped,
    }
    return {**found, "report": _bucket_report.retained(found, bucket.params, applied=apply)}


def _cleanup(bucket: _Bucket, apply: bool) -> Result:
    before = bucket.blocks(*bucket.selected)
    partial = bucket.partial
    kept = {one.id for one in bucket.blocks("--exclude-delete", *bucket.selected)}
    marked = [one for one in before if one.id not in kept]
    due = _due(bucket, marked)
    deleted: list[Block] = []
    stopped = False
    # What an upload left behind is deleted once it is 48 h old, which only the tool can see.
    if apply and (due or partial):
        with bucket.compactor_still() as stopped:
            bucket.tool(
                "cleanup",
                f"--consistency-delay={bucket.seconds('consistency_delay'):.0f}s",
                f"--delete-delay={bucket.seconds('delete_delay'):.0f}s",
                *bucket.selected,
            )
            after = {one.id for one in bucket.blocks(*bucket.selected)}
        deleted = [one for one in marked if one.id not in after]
    found: Result = {
        "changed": bool(deleted or bucket.partial < partial) if apply else bool(due),
        "marked": [one.shown for one in marked],
        "due": due,
        "deleted": [one.id for one in deleted],
        "partial": bucket.partial if apply else partial,
        "compactor_stopped": stopped,
    }
    return {**found, "report": _bucket_report.cleaned(found, bucket.params, applied=apply)}


def _due(bucket: _Bucket, marked: t.Sequence[Block]) -> int:
    """How many were marked longer ago than the delay."""
    delay = bucket.seconds("delete_delay")
    count = 0
    fresh = bucket.seconds("consistency_delay")
    for part in _bucket_blocks.layers(_bucket_blocks.settled(marked, fresh, bucket.now())):
        pattern = "|".join(one.id for one in part)
        relabel = json.dumps([{"action": "keep", "source_labels": ["__block_id"], "regex": pattern}])
        path = os.path.join(bucket.folder, "marked.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(relabel)
        logged = bucket.tool(
            "retention",
            f"--selector.relabel-config-file={path}",
            "--consistency-delay=0s",
            # It leaves out what was marked longer ago than half of it.
            f"--delete-delay={2 * delay:.0f}s",
        )
        count += len(part) - sum(line.get("returned") or 0 for line in logged)
    return count


_RUN: dict[str, t.Callable[[_Bucket, bool], Result]] = {
    "verify": _verify,
    "inspect": _inspect,
    "replicate": _replicate,
    "retention": _retention,
    "cleanup": _cleanup,
}
