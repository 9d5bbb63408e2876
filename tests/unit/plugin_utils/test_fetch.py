# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching on the controller: once for all workers of a run, verified before it is trusted, from each source."""

from __future__ import annotations

import multiprocessing
import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import Downloader
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _fetch
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import (
    FakeClock,
    Mirror,
    publish,
    release,
    serving,
    sha256,
)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Mirror]:
    monkeypatch.delenv("http_proxy", raising=False)
    root = tmp_path / "mirror"
    root.mkdir()
    with serving(root) as server:
        yield server


def spec(source: str, **params: t.Any) -> ReleaseSpec:
    return ReleaseSpec.from_params({"name": "prometheus", "version": "3.5.3", "source": source, **params})


def get(wanted: ReleaseSpec, tmp_path: Path, run: str = "one") -> _fetch.Fetched:
    return _fetch.fetch(wanted, "amd64", tmp_path / "cache", run=run, downloader=Downloader(clock=FakeClock()))


def test_one_fetch_a_run_and_none_in_the_next(mirror: Mirror, tmp_path: Path) -> None:
    content = release()
    publish(mirror.root, content)
    first = get(spec(mirror.url), tmp_path)
    assert first.path.read_bytes() == content
    assert first.checksum.sha256 == sha256(content)
    assert first.checksum.origin.endswith("/v3.5.3/sha256sums.txt")
    assert get(spec(mirror.url), tmp_path) == first
    assert (len(mirror.of(".tar.gz")), len(mirror.of("sums.txt"))) == (1, 1)
    assert get(spec(mirror.url), tmp_path, run="two") == first  # the sums are asked again, the archive is verified
    assert (len(mirror.of(".tar.gz")), len(mirror.of("sums.txt"))) == (1, 2)
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spoil", ["changed", "cut", "removed"])
@pytest.mark.parametrize("run", ["one", "two"])
def test_a_cached_file_is_trusted_only_as_it_was_verified(mirror: Mirror, tmp_path: Path, spoil: str, run: str) -> None:
    content = release()
    publish(mirror.root, content)
    path = get(spec(mirror.url), tmp_path).path
    if spoil == "removed":
        path.unlink()
    else:
        path.write_bytes(content[:-1] + b"!" if spoil == "changed" else content[:99])
        os.utime(path, (1, 1))
    assert get(spec(mirror.url), tmp_path, run=run).path.read_bytes() == content
    assert len(mirror.of(".tar.gz")) == 2


def test_a_checksum_given_is_the_only_one_asked(mirror: Mirror, tmp_path: Path) -> None:
    content = release()
    publish(mirror.root, content, sums=False)
    fetched = get(spec(mirror.url, checksum=sha256(content), checksum_from="prometheus_checksum"), tmp_path)
    assert fetched.checksum.origin == "prometheus_checksum"
    assert mirror.of("sums.txt") == []


def test_a_tampered_archive_is_refused_and_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    genuine = sha256(release())
    publish(mirror.root, release(size=10))  # blessed by the mirror's own sums
    wanted = spec(mirror.url, checksum=genuine)
    for run in ("one", "two"):
        with pytest.raises(HAError, match="has not the checksum it must have"):
            get(wanted, tmp_path, run)
    assert list(tmp_path.glob("cache/**/*.tar.gz*")) == []
    get(spec(mirror.url), tmp_path)  # fetched and cached by the sums ...
    with pytest.raises(HAError, match="has not the checksum it must have"):
        get(wanted, tmp_path)  # ... and still refused where a checksum is given


@pytest.mark.parametrize("flat", [False, True], ids=["layout", "flat"])
def test_a_folder_of_the_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flat: bool) -> None:
    content = release()
    path = publish(tmp_path / "folder", content, flat=flat)
    fetched = get(spec(str(tmp_path / "folder")), tmp_path)
    assert (fetched.path, fetched.checksum.origin) == (path, str(path.parent / "sha256sums.txt"))
    assert not list((tmp_path / "cache").rglob("*.tar.gz"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get(spec("~/folder"), tmp_path).path == path
    with pytest.raises(HAError, match="has not the checksum"):
        get(spec(str(tmp_path / "folder"), checksum="c" * 64), tmp_path)
    assert path.read_bytes() == content
    (path.parent / "sha256sums.txt").unlink()
    with pytest.raises(HAError, match="cannot be verified"):
        get(spec(str(tmp_path / "folder")), tmp_path, run="two")
    path.unlink()
    with pytest.raises(HAError, match="is not in the folder") as caught:
        get(spec(str(tmp_path / "folder")), tmp_path, run="two")
    assert caught.value.said.count("no ") == 2


def _worker(url: str, cache: Path, results: t.Any) -> None:
    results.put(get(spec(url), cache))


def test_workers_wait_for_the_one_that_fetches(mirror: Mirror, tmp_path: Path) -> None:
    publish(mirror.root, release(size=3_000_000))
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    workers = [fork.Process(target=_worker, args=(mirror.url, tmp_path, results)) for _number in range(5)]
    for worker in workers:
        worker.start()
    fetched = {results.get(timeout=60) for _worker in workers}
    for worker in workers:
        worker.join(60)
    assert len(fetched) == 1
    assert (len(mirror.of(".tar.gz")), len(mirror.of("sums.txt"))) == (1, 1)


def test_who_waited_for_an_attempt_that_failed_fails_with_it(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(HAError, match="cannot be verified") as first:
        get(spec(mirror.url), tmp_path)
    (folder,) = (tmp_path / "cache").iterdir()
    for run, came, again in [("one", time.time() - 60, True), ("two", time.time() - 60, False), ("one", None, False)]:
        if again:
            with pytest.raises(HAError) as second:
                _fetch._raise_former(folder / "failed", run, came or time.time())
            assert str(second.value) == str(first.value)
        else:
            _fetch._raise_former(folder / "failed", run, came or time.time())
    publish(mirror.root, release())
    assert get(spec(mirror.url), tmp_path).path.is_file()


def test_progress_is_told_now_and_then(mirror: Mirror, tmp_path: Path) -> None:
    publish(mirror.root, release(size=2_000_000))
    lines: list[str] = []
    _fetch.fetch(spec(mirror.url), "amd64", tmp_path / "cache", run="one", tell=lines.append)
    assert len(lines) == 1  # it took less than ten seconds
    assert lines[0].startswith(f"prometheus 3.5.3 for amd64: fetching from {mirror.url}/prometheus/")
    assert lines[0].endswith("% of 2 MB")


def test_a_cache_that_cannot_be_made_is_named(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(HAError, match="could not be changed"):
        get(spec(mirror.url), tmp_path)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert _fetch.default_cache() == Path("/x/prometheus_ha/releases")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ops")
    assert _fetch.default_cache() == Path("/home/ops/.cache/prometheus_ha/releases")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"changed": False, "fetch": {}}, {"changed": True}, {"changed": True}),
        (
            {"warnings": ["a"], "ansible_facts": {"python": 1}},
            {"warnings": ["a", "b"], "ansible_facts": {"x": 2}},
            {"warnings": ["a", "b"], "ansible_facts": {"python": 1, "x": 2}},
        ),
        ({"deprecations": [{"msg": "d"}]}, {"failed": True}, {"failed": True, "deprecations": [{"msg": "d"}]}),
    ],
)
def test_merged(first: dict[str, t.Any], second: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert _fetch.merged(first, second) == expected
