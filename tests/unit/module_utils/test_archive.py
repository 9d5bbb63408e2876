# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacking: what comes out, and what is refused before it gets out."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._archive import (
    sha256_of,
    unpack,
    unpacked_size,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import Entry, release, sha256, tarball, tree

TOP = "prometheus-3.5.3.linux-amd64"


def prepared(tmp_path: Path, content: bytes) -> tuple[str, Path]:
    archive, target = tmp_path / "a.tar.gz", tmp_path / "box" / "target"
    archive.write_bytes(content)
    target.mkdir(parents=True)
    return str(archive), target


def test_executables_go_to_bin(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        archive, target = prepared(tmp_path, release())
        done = unpack(archive, str(target), TOP)
    finally:
        os.umask(old)
    modes = {name: oct(mode & 0o7777) for name, (mode, _content) in tree(target).items()}
    assert modes == {
        "LICENSE": "0o644",
        "bin": "0o755",
        "bin/prometheus": "0o755",
        "bin/promtool": "0o755",
        "consoles": "0o755",
        "consoles/index.html": "0o644",
    }
    assert sorted(done.files) == ["LICENSE", "bin/prometheus", "bin/promtool", "consoles/index.html"]
    for name, record in done.files.items():
        stat = (target / name).stat()
        assert record.sha256 == sha256_of(str(target / name)) == sha256((target / name).read_bytes())
        assert (record.size, record.mtime_ns, record.mode) == (stat.st_size, stat.st_mtime_ns, stat.st_mode & 0o7777)
        assert (record.uid, record.gid) == (os.getuid(), os.getgid())


def test_links_inside_follow_their_files(tmp_path: Path) -> None:
    entries = [
        Entry(f"{TOP}/tool", mode=0o777, kind=tarfile.SYMTYPE, to="prometheus"),
        Entry(f"{TOP}/hard", mode=0o777, kind=tarfile.LNKTYPE, to=f"{TOP}/prometheus"),
        Entry(f"{TOP}/doc/licence", mode=0o777, kind=tarfile.SYMTYPE, to="../LICENSE"),
    ]
    archive, target = prepared(tmp_path, release(extra=entries))
    done = unpack(archive, str(target), TOP)
    assert done.links == {"bin/tool": "prometheus", "bin/hard": "prometheus", "doc/licence": "../LICENSE"}
    assert (target / "bin/tool").read_bytes() == (target / "bin/prometheus").read_bytes()
    assert (target / "doc/licence").read_text() == "Apache\n"


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([Entry(f"{TOP}/../../evil", b"x")], "leads out"),
        ([Entry("../evil", b"x")], "leads out"),
        ([Entry("..", kind=tarfile.DIRTYPE)], "leads out"),
        ([Entry("/etc/evil", b"x")], "absolute"),
        ([Entry("//evil", b"x")], "absolute"),
        ([Entry(f"{TOP}/l", kind=tarfile.SYMTYPE, to="/etc/passwd")], "link to /etc/passwd"),
        ([Entry(f"{TOP}/l", kind=tarfile.SYMTYPE, to="../../../evil")], "link to"),
        ([Entry(f"{TOP}/l", kind=tarfile.SYMTYPE, to="..")], "link to"),
        ([Entry(f"{TOP}/l", kind=tarfile.SYMTYPE, to="consoles")], "link to consoles"),
        ([Entry(f"{TOP}/l", kind=tarfile.LNKTYPE, to="/etc/passwd")], "link to /etc/passwd"),
        ([Entry(f"{TOP}/l", kind=tarfile.LNKTYPE, to="../evil")], "link to"),
        (
            [Entry(f"{TOP}/l", kind=tarfile.SYMTYPE, to="../.."), Entry(f"{TOP}/l/evil", b"x")],
            "link to",
        ),
        (
            [Entry(f"{TOP}/a", kind=tarfile.SYMTYPE, to="b"), Entry(f"{TOP}/b", kind=tarfile.SYMTYPE, to="a")],
            "link to b",
        ),
        ([Entry(f"{TOP}/null", kind=tarfile.CHRTYPE)], "device"),
        ([Entry(f"{TOP}/disk", kind=tarfile.BLKTYPE)], "device"),
        ([Entry(f"{TOP}/pipe", kind=tarfile.FIFOTYPE)], "device"),
        ([Entry(f"{TOP}/LICENSE", b"again")], "twice"),
        ([Entry(f"{TOP}/.release.json", b"{}")], "kept for the collection"),
    ],
)
def test_members_that_would_escape_are_refused(tmp_path: Path, entries: list[Entry], words: str) -> None:
    archive, target = prepared(tmp_path, release(extra=entries))
    with pytest.raises(HAError, match=words):
        unpack(archive, str(target), TOP)
    assert [path for path in tmp_path.rglob("evil") if target not in path.parents] == []
    assert not os.path.exists("/etc/evil")
    assert [path.name for path in (tmp_path / "box").iterdir()] == ["target"]


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", release()[:200], gzip.compress(b"no tar at all"), release(size=100_000)[:50_000]],
    ids=["empty", "html", "short", "not tar", "cut"],
)
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    archive, target = prepared(tmp_path, content)
    with pytest.raises(HAError, match="damaged"):
        unpack(archive, str(target), TOP)


@pytest.mark.parametrize("size", [0, 3_000_000])
def test_the_unpacked_size_is_known_before(tmp_path: Path, size: int) -> None:
    archive, target = prepared(tmp_path, release(size=size))
    known = unpacked_size(archive)
    done = unpack(archive, str(target), TOP)
    real = sum(record.size for record in done.files.values())
    assert real <= known <= real + 20_480


def test_a_size_field_that_wrapped_is_not_believed(tmp_path: Path) -> None:
    whole = gzip.decompress(release(size=2_000_000))
    content = gzip.compress(whole[:1_900_000]) + gzip.compress(whole[1_900_000:])
    archive, _target = prepared(tmp_path, content)
    assert unpacked_size(archive) >= 2_000_000


def test_a_flat_archive_unpacks_too(tmp_path: Path) -> None:
    archive, target = prepared(tmp_path, tarball([Entry("./tool", b"x", 0o755), Entry("./README", b"y")]))
    assert sorted(unpack(archive, str(target), TOP).files) == ["README", "bin/tool"]
