"""A cached file is trusted only while it is what was recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))


def test_recorded_file_is_good_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    assert cache.recorded(path) is None
    cache.record(path, source="here")
    found = cache.recorded(path)
    assert found is not None
    assert found["source"] == "here"
    os.utime(path, (1, 1))
    assert cache.recorded(path) is not None, "same content, other times"
    path.write_text("two")
    assert cache.recorded(path) is None
    path.unlink()
    assert cache.recorded(path) is None


def test_json_round_trip_and_broken_json() -> None:
    path = cache.folder("x") / "a.json"
    assert cache.read_json(path) is None
    cache.write_json(path, {"b": 1})
    assert cache.read_json(path) == {"b": 1}
    path.write_text("{")
    assert cache.read_json(path) is None


def test_atomic_write_leaves_nothing_behind(tmp_path: Path) -> None:
    cache.write_atomic(tmp_path / "f", b"x", 0o600)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
