# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads against a server that misbehaves."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import (
    Downloader,
    NotThereError,
    public,
    secrets,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import FakeClock, Mirror, serving

BODY = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Mirror]:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    root = tmp_path / "mirror"
    root.mkdir()
    (root / "x.tar.gz").write_bytes(BODY)
    with serving(root) as server:
        yield server


def get(mirror: Mirror, tmp_path: Path, **options: t.Any) -> tuple[Path, FakeClock]:
    clock = FakeClock()
    path = tmp_path / "here.tar.gz"
    size = Downloader(clock=clock, **options).to_file(f"{mirror.url}/x.tar.gz", str(path))
    assert size == path.stat().st_size
    return path, clock


@pytest.mark.parametrize(
    ("script", "ranges", "asked", "slept"),
    [
        ([], True, [""], []),
        ([500, 500], True, ["", "", ""], [1, 2]),
        ([503, 429, 502], True, ["", "", "", ""], [1, 2, 4]),
        (["cut:1000"], True, ["", "bytes=1000-"], [1]),
        (["cut:1000", "cut:500", 500], True, ["", "bytes=1000-", "bytes=1500-", "bytes=1500-"], [1, 1, 2]),
        (["cut:1000", "cut:2000"], False, ["", "bytes=1000-", "bytes=2000-"], [1, 1]),
        (["cut:1000", 416], True, ["", "bytes=1000-", ""], [1, 2]),
    ],
)
def test_broken_transfers_are_resumed(
    mirror: Mirror, tmp_path: Path, script: list[int | str], ranges: bool, asked: list[str], slept: list[float]
) -> None:
    mirror.script[:], mirror.ranges = script, ranges
    path, clock = get(mirror, tmp_path)
    assert path.read_bytes() == BODY
    assert [span for _path, span in mirror.asked] == asked
    assert clock.slept == slept
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["here.tar.gz", "mirror"]


def test_a_resumed_transfer_names_the_version_it_continues(mirror: Mirror, tmp_path: Path) -> None:
    mirror.script[:] = ["cut:1000"]
    get(mirror, tmp_path)
    assert mirror.headers[1]["If-Range"].startswith('"')


def test_a_stalled_server_is_asked_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.script[:] = ["stall:1000"]
    path, _clock = get(mirror, tmp_path, timeout=0.3)
    assert path.read_bytes() == BODY
    assert mirror.asked[1][1] == "bytes=1000-"


@pytest.mark.parametrize(
    ("script", "requests", "kind", "said"),
    [
        ([404], 1, NotThereError, "404"),
        ([410], 1, NotThereError, "410"),
        ([403], 1, HAError, "403"),
        ([500] * 9, 4, HAError, "500"),
        (["cut:1000"] * 9, 4, HAError, "1000 of 1048576 bytes"),
    ],
)
def test_failures_leave_nothing_and_do_not_hang(
    mirror: Mirror, tmp_path: Path, script: list[int | str], requests: int, kind: type[HAError], said: str
) -> None:
    mirror.script[:], mirror.ranges = script, False
    (tmp_path / "here.tar.gz").write_bytes(b"former")
    with pytest.raises(kind) as caught:
        get(mirror, tmp_path)
    assert said in caught.value.said
    assert f"{mirror.url}/x.tar.gz" in str(caught.value)
    assert len(mirror.asked) == requests
    assert (tmp_path / "here.tar.gz").read_bytes() == b"former"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["here.tar.gz", "mirror"]
    mirror.script.clear()
    assert get(mirror, tmp_path)[0].read_bytes() == BODY


def test_an_unreachable_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("http_proxy", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/x.tar.gz"
        clock = FakeClock()
        with pytest.raises(HAError, match=url) as caught:
            Downloader(clock=clock).to_file(url, str(tmp_path / "here"))
    assert "refused" in caught.value.said
    assert clock.slept == [1, 2, 4]


def test_the_proxy_of_the_environment_is_used(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", mirror.url)
    path = tmp_path / "here"
    Downloader().to_file("http://releases.invalid/x.tar.gz", str(path))
    assert path.read_bytes() == BODY
    assert mirror.asked == [("http://releases.invalid/x.tar.gz", "")]
    monkeypatch.setenv("no_proxy", "releases.invalid")
    with pytest.raises(HAError, match=r"releases\.invalid"):
        Downloader(clock=FakeClock()).to_file("http://releases.invalid/x.tar.gz", str(path))


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_dead_proxy_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"{scheme}ops:hunter2@127.0.0.1:1")
    with pytest.raises(HAError, match=r"through the proxy http://127\.0\.0\.1:1: 4 attempts") as caught:
        Downloader(clock=FakeClock()).to_file("http://releases.invalid/x.tar.gz", str(tmp_path / "here"))
    assert "hunter2" not in str(caught.value.result())


def test_user_and_password_go_into_a_header_only(mirror: Mirror, tmp_path: Path) -> None:
    url = mirror.url.replace("http://", "http://ops:s%40crt@") + "/x.tar.gz"
    Downloader().to_file(url, str(tmp_path / "here"))
    assert mirror.headers[0]["Authorization"] == "Basic b3BzOnNAY3J0"
    assert secrets(url) == ["s%40crt", "s@crt"]
    mirror.script[:] = [403]
    with pytest.raises(HAError) as caught:
        Downloader().to_file(url, str(tmp_path / "here"))
    assert "crt" not in str(caught.value.result())


def test_a_text_has_a_limit(mirror: Mirror) -> None:
    (mirror.root / "sums").write_bytes(b"x" * (5 << 20))
    with pytest.raises(HAError, match="longer than"):
        Downloader().text(f"{mirror.url}/sums")


def test_progress_is_reported(mirror: Mirror, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    Downloader().to_file(
        f"{mirror.url}/x.tar.gz", str(tmp_path / "here"), lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(BODY), len(BODY))
    assert len(seen) >= 4


def test_public_hides_the_credentials() -> None:
    assert public("https://u:p@m.example:8443/x") == "https://m.example:8443/x"
    assert public("https://m.example/x") == "https://m.example/x"
    assert secrets("https://m.example/x") == []
