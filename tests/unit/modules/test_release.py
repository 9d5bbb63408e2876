# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module, run for real as a script: results, two runs at once, kill -9, the oldest Python, a real release."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_release import (
    Mirror,
    module_command,
    publish,
    release,
    run_module,
    serving,
    sha256,
    tree,
)


@pytest.fixture
def mirror(tmp_path: Path) -> t.Iterator[Mirror]:
    root = tmp_path / "mirror"
    root.mkdir()
    with serving(root) as server:
        yield server


@pytest.fixture
def args(tmp_path: Path, mirror: Mirror) -> dict[str, t.Any]:
    (tmp_path / "bin").mkdir()
    return {
        "name": "prometheus",
        "version": "3.5.3",
        "arch": "amd64",
        "root": str(tmp_path / "opt"),
        "link_dir": str(tmp_path / "bin"),
        "links": ["promtool"],
        "source": mirror.url,
        "fetch": "target",
    }


def test_install_rerun_upgrade_remove(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    digest = publish_release(mirror, "3.5.3")
    planned = run_module(tmp_path, {**args, "_ansible_check_mode": True, "_ansible_diff": True})
    assert planned["changed"]
    assert not (tmp_path / "opt").exists()
    assert mirror.asked == []
    done = run_module(tmp_path, {**args, "_ansible_diff": True})
    assert done["changed"]
    assert done["diff"] == planned["diff"]
    assert done["diff"]["before"] == {"versions": [], "links": {}, "damage": ""}
    link, goal = f"{tmp_path}/bin/promtool", f"{tmp_path}/opt/prometheus/3.5.3/bin/promtool"
    assert done["links"] == {link: goal}
    assert "mode" not in done  # what AnsibleModule adds beside a key named path
    assert (done["sha256"], done["versions"], done["removed"]) == (digest, ["3.5.3"], [])
    assert subprocess.run([link], capture_output=True, text=True, check=True).stdout == "promtool 3.5.3\n"

    before = tree(tmp_path / "opt")
    again = run_module(tmp_path, args)
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]
    assert tree(tmp_path / "opt") == before

    publish_release(mirror, "3.5.4")
    upgraded = {**args, "version": "3.5.4", "keep": 0}
    planned = run_module(tmp_path, {**upgraded, "_ansible_check_mode": True})
    done = run_module(tmp_path, upgraded)
    assert (done["versions"], done["links"]) == (["3.5.4"], {link: goal.replace("3.5.3", "3.5.4")})
    assert {key: planned[key] for key in ("versions", "diff")} == {key: done[key] for key in ("versions", "diff")}
    assert done["removed"] == planned["removed"] == ["3.5.3"]

    gone = {"name": "prometheus", "state": "absent", "root": args["root"], "link_dir": args["link_dir"]}
    assert run_module(tmp_path, {**gone, "_ansible_check_mode": True})["removed"] == ["3.5.4"]
    assert run_module(tmp_path, gone)["removed"] == ["3.5.4"]
    assert not run_module(tmp_path, gone)["changed"]
    assert tree(tmp_path / "opt") == tree(tmp_path / "bin") == {}


def publish_release(mirror: Mirror, version: str, size: int = 0) -> str:
    content = release(version=version, size=size)
    publish(mirror.root, content, version=version)
    return sha256(content)


def test_it_asks_for_the_archive_and_takes_it(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    wanted = {**args, "fetch": "controller"}
    planned = run_module(tmp_path, {**wanted, "_ansible_check_mode": True})
    assert planned["changed"]
    assert "fetch" not in planned
    asked = run_module(tmp_path, wanted)
    assert (asked["changed"], asked["fetch"]) == (False, {"arch": "amd64"})
    assert not (tmp_path / "opt").exists()
    archive = tmp_path / "handed.tar.gz"
    archive.write_bytes(release())
    done = run_module(tmp_path, {**wanted, "archive": str(archive), "checksum": sha256(archive.read_bytes())})
    assert done["changed"]
    assert "fetch" not in run_module(tmp_path, wanted)
    assert mirror.asked == []


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"checksum": "c" * 64}, "has not the checksum it must have"),
        ({"version": "9.9.9", "checksum": "c" * 64}, "9.9.9 for amd64 is not published there"),
        ({"version": "latest"}, "'latest' is never used"),
        ({"version": ""}, "version: no version of prometheus is named"),
        ({"arch": "s390x"}, "amd64, arm64, armv7, got: s390x"),
        ({"source": "/srv/mirror"}, "lies on the controller"),
    ],
)
def test_errors_are_results(
    tmp_path: Path, mirror: Mirror, args: dict[str, t.Any], params: dict[str, t.Any], words: str
) -> None:
    publish_release(mirror, "3.5.3")
    failed = run_module(tmp_path, {**args, **params})
    assert failed["failed"]
    assert words in failed["msg"]
    assert tree(tmp_path / "bin") == {}
    assert list((tmp_path / "opt").glob("*")) == []
    assert run_module(tmp_path, args)["changed"]


def test_a_foreign_link_is_refused_before_anything_is_changed(
    tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]
) -> None:
    publish_release(mirror, "3.5.3")
    (tmp_path / "bin/promtool").write_bytes(b"of a package")
    failed = run_module(tmp_path, args)
    assert "promtool is not ours" in failed["msg"]
    assert not (tmp_path / "opt").exists()


def test_a_mirrors_password_is_masked(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    url = mirror.url.replace("http://", "http://ops:hunter2@")
    failed = run_module(tmp_path, {**args, "source": url})
    assert failed["failed"]
    assert "hunter2" not in json.dumps(failed)
    publish_release(mirror, "3.5.3")
    done = run_module(tmp_path, {**args, "source": url})
    assert done["changed"]
    assert "hunter2" not in json.dumps(done) + (tmp_path / "opt/prometheus/3.5.3/.release.json").read_text()


def test_two_runs_at_once(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    publish_release(mirror, "3.5.3", size=3_000_000)
    commands = [module_command(tmp_path, args) for _number in range(3)]
    running = [subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) for argv, env in commands]
    results = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    assert [result.get("msg") for result in results] == [None, None, None]
    assert len(mirror.of(".tar.gz")) == 1
    assert sorted(path.name for path in (tmp_path / "opt/prometheus").iterdir()) == [".lock", "3.5.3"]
    assert not run_module(tmp_path, args)["changed"]


def test_killed_while_unpacking_the_next_run_finishes(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    publish_release(mirror, "2.53.3")
    run_module(tmp_path, {**args, "version": "2.53.3"})
    before = tree(tmp_path / "opt")
    publish_release(mirror, "3.5.3", size=40_000_000)
    argv, env = module_command(tmp_path, args)
    work = tmp_path / "opt/prometheus/.3.5.3.new/tree"
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while not any(work.rglob("promtool")) and time.monotonic() < end:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    left = tree(tmp_path / "opt")
    assert any(name.startswith("prometheus/.3.5.3.new/tree/bin/promtool") for name in left)
    assert {name: value for name, value in left.items() if ".3.5.3.new" not in name} == before
    assert run_module(tmp_path, args)["changed"]
    names = sorted(path.name for path in (tmp_path / "opt/prometheus").iterdir())
    assert names == [".lock", "2.53.3", "3.5.3"]
    assert not run_module(tmp_path, args)["changed"]


def oldest_python() -> str:
    """Python 3.8, which managed hosts may still have; CI sets PYTHON38, pyenv has it elsewhere."""
    found = os.environ.get("PYTHON38") or next(
        (str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python"))), ""
    )
    assert found, "Python 3.8 is missing: install it (pyenv install 3.8) or name it in PYTHON38"
    return found


def test_it_runs_on_the_oldest_python(tmp_path: Path, mirror: Mirror, args: dict[str, t.Any]) -> None:
    digest = publish_release(mirror, "3.5.3")
    mirror.script[:] = ["cut:100"]
    done = run_module(tmp_path, {**args, "checksums": {"amd64": digest}}, python=oldest_python())
    assert done["changed"], done
    assert mirror.of(".tar.gz")[1][1] == "bytes=100-"
    assert not run_module(tmp_path, args, python=oldest_python())["changed"]
    failed = run_module(tmp_path, {**args, "version": "3.5.4", "checksum": digest}, python=oldest_python())
    assert "is not published there" in failed["msg"]


def test_a_real_release(tmp_path: Path, args: dict[str, t.Any]) -> None:
    cache = Path(os.environ.get("LAB_CACHE", Path.home() / ".cache/prometheus_ha_lab")) / "releases"
    with serving(cache) as mirror:
        done = run_module(tmp_path, {**args, "source": mirror.url})
    assert done.get("changed"), f"the mirror of releases is missing: run `python3 -m lab mirror`; {done.get('msg')}"
    for name in ("prometheus", "promtool"):
        said = subprocess.run([f"{done['folder']}/bin/{name}", "--version"], capture_output=True, text=True, check=True)
        assert "3.5.3" in said.stdout + said.stderr
    start = time.monotonic()
    assert not run_module(tmp_path, {**args, "source": "http://127.0.0.1:1"})["changed"]
    assert time.monotonic() - start < 20  # nothing was fetched or unpacked again
