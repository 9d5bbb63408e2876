# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens beside an installation: pruning, links, removal."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _release as backend
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import Host, Mirror, names, serving, tree


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Mirror]:
    monkeypatch.delenv("http_proxy", raising=False)
    root = tmp_path / "mirror"
    root.mkdir()
    with serving(root) as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, mirror: Mirror) -> Host:
    return Host(tmp_path, mirror)


@pytest.mark.parametrize(
    ("keep", "running", "link", "gone"),
    [
        (2, [], "", ["1.0.0"]),
        (3, [], "", []),
        (1, [], "", ["2.0.0", "1.0.0"]),
        (0, [], "", ["3.0.0", "2.0.0", "1.0.0"]),
        (0, ["2.0.0/bin/prometheus"], "", ["3.0.0", "1.0.0"]),
        (0, ["2.0.0/bin/prometheus (deleted)", "1.0.0x/bin/prometheus"], "", ["3.0.0", "1.0.0"]),
        (0, [], "1.0.0", ["3.0.0", "2.0.0"]),
    ],
)
def test_prune(host: Host, keep: int, running: list[str], link: str, gone: list[str]) -> None:
    for number, version in enumerate(["1.0.0", "2.0.0", "3.0.0", "0.9.0"]):
        made = host.install(version)
        os.utime(f"{made.path}/.release.json", (number, number))
    (host.root / "prometheus/0.1.0").mkdir()  # not ours
    host.running = [f"{host.root}/prometheus/{path}" for path in running]
    if link:
        (host.bin / "promtool").symlink_to(f"{host.root}/prometheus/{link}/bin/promtool")
    wanted = host.make(version="0.9.0", keep=keep)
    assert wanted.versions() == ["0.9.0", "3.0.0", "2.0.0", "1.0.0"]
    assert wanted.prune(apply=False) == gone
    assert len(wanted.versions()) == 4
    assert wanted.prune() == gone
    assert [version for version in ["3.0.0", "2.0.0", "1.0.0"] if version not in wanted.versions()] == gone
    assert "0.9.0" in wanted.versions()
    assert (host.root / "prometheus/0.1.0").is_dir()


def test_running_executables_finds_this_process() -> None:
    assert os.path.realpath("/proc/self/exe") in backend.running_executables()


def test_links_follow_the_version(host: Host) -> None:
    first = host.install("2.53.3", links=["promtool"])
    assert first.link()
    assert not first.link()
    second = host.install("3.5.3", links=["promtool"])
    assert second.link(apply=False)
    assert os.readlink(host.bin / "promtool") == f"{first.path}/bin/promtool"
    assert second.link()
    assert second.links() == {f"{host.bin}/promtool": f"{second.path}/bin/promtool"}
    assert names(host.bin) == ["promtool"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_foreign_link_is_refused(host: Host, kind: str) -> None:
    path = host.bin / "promtool"
    if kind == "file":
        path.write_bytes(b"of a package")
    else:
        path.symlink_to("/usr/bin/true")
    before = tree(host.bin)
    with pytest.raises(HAError, match="is not ours"):
        host.make(links=["promtool"]).link(apply=False)
    assert tree(host.bin) == before


def test_a_link_to_no_executable_says_what_there_is(host: Host) -> None:
    with pytest.raises(HAError, match="there are prometheus, promtool"):
        host.install("3.5.3", links=["promtol"]).link()
    assert names(host.bin) == []


def test_remove(host: Host) -> None:
    first = host.install("2.53.3")
    second = host.install("3.5.3", links=["promtool"])
    second.link()
    host.running = [f"{second.path}/bin/prometheus"]
    with pytest.raises(HAError, match=r"prometheus 3\.5\.3 is in use"):
        second.remove()
    host.running = []
    assert second.remove(apply=False) == ["3.5.3"]
    assert names(host.bin) == ["promtool"]
    assert second.remove() == ["3.5.3"]
    assert second.remove() == []
    assert names(host.bin) == []
    assert first.inspect().intact
    assert host.make(version="").remove() == ["2.53.3"]
    assert names(host.root) == []
