"""Reading Debian's indexes and the machine's apt sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import debian, releases
from lab.errors import LabError

INDEX = """\
Package: prometheus
Version: 2.53.3+ds1-2
Description: monitoring
 Package: not-this-one
 .
 more
Filename: pool/p/prometheus.deb
SHA256: aaa

Package: prometheus-alertmanager
Version: 0.28.1+ds-1
Filename: pool/a/am.deb
SHA256: bbb

Package: promtool
Source: prometheus
Version: 2.53.3+ds1-2
Filename: pool/p/promtool.deb
SHA256: ccc
"""


def test_parse_packages_picks_exact_names() -> None:
    found = debian.parse_packages(INDEX, ["prometheus", "promtool"])
    assert found == [
        debian.Package("prometheus", "2.53.3+ds1-2", "pool/p/prometheus.deb", "aaa"),
        debian.Package("promtool", "2.53.3+ds1-2", "pool/p/promtool.deb", "ccc"),
    ]
    assert debian.parse_packages(INDEX, []) == []
    assert debian.parse_packages("", ["prometheus"]) == []


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("2.53.3+ds1-2", "2.53.3"),
        ("1.9.0-1+b4", "1.9.0"),
        ("1:0.33.1-5", "0.33.1"),
        ("0.28.1+ds-1", "0.28.1"),
        ("3.0.0~rc.1+ds-1", "3.0.0-rc.1"),
        ("1.0", "1.0"),
    ],
)
def test_upstream_version(version: str, upstream: str) -> None:
    assert debian.upstream_version(version) == upstream


def test_choose_takes_the_exact_version_only() -> None:
    packages = debian.parse_packages(INDEX, ["prometheus"])
    assert releases.choose(packages, "prometheus", "2.53.3").sha256 == "aaa"
    with pytest.raises(LabError, match=r"there are: 2\.53\.3\+ds1-2"):
        releases.choose(packages, "prometheus", "2.53")
    with pytest.raises(LabError, match="there are: none"):
        releases.choose(packages, "thanos", "0.1.0")


def test_machine_sources(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (tmp_path / "sources.list").write_text("# deb http://old/ bookworm main\ndeb [arch=amd64] http://one/x sid main\n")
    (folder / "a.sources").write_text(
        "Types: deb deb-src\n# a comment: here\nURIs: http://mirror.invalid/debian/\n"
        "Suites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb-src\nURIs: http://source.invalid\nSuites: bookworm\n\n"
        "Types: deb\nEnabled: no\nURIs: http://off.invalid\nSuites: bookworm\n"
    )
    (folder / "ignored.list.save").write_text("deb http://saved bookworm main\n")
    sources = debian.machine_sources(tmp_path)
    assert debian.pick_mirror(sources, "bookworm") == "http://mirror.invalid/debian"
    assert debian.pick_mirror(sources, "sid") == "http://one/x"
    assert debian.pick_mirror(sources, "bookworm-security") is None


def test_mirror_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DEBIAN_MIRROR", "http://mine.invalid/debian/")
    assert debian.mirror() == "http://mine.invalid/debian"
