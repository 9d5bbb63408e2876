# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction over files, cut off at every single step by a real kill, and with a full or read-only disk."""

from __future__ import annotations

import errno
import functools
import grp
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _fileset
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._disk import Disk
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import File, Fileset, FilesetSpec

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name
COLLECTIONS = Path(__file__).parents[3] / ".cache" / "collections"

FORMER = {"a.yml": "a1\n", "rules/b.yml": "b1\n", "old/gone.yml": "gone\n"}
WANTED = {"a.yml": "a2\n", "rules/b.yml": "b1\n", "deep/er/new.yml": "new\n"}


def spec(base: Path, files: dict[str, str], secret: t.Collection[str] = (), **more: t.Any) -> FilesetSpec:
    items = tuple(File(path, text.encode(), 0o640, path in secret) for path, text in files.items())
    return FilesetSpec(str(base / "etc"), items, OWNER, GROUP, state_dir=str(base / "state"), **more)


def apply(wanted: FilesetSpec, disk: Disk | None = None) -> Fileset:
    fileset = Fileset(wanted, disk=disk)
    fileset.recover()
    fileset.swap()
    fileset.commit()
    return fileset


def tree(base: Path) -> dict[str, str]:
    """All below base, folders with a slash: contents of files."""
    found = {}
    for path in sorted(base.rglob("*")):
        name = str(path.relative_to(base))
        found[name + "/" if path.is_dir() else name] = "" if path.is_dir() else path.read_text()
    return found


def etc(base: Path) -> dict[str, str]:
    return tree(base / "etc")


def test_first_run_writes_all_and_second_changes_nothing(tmp_path: Path) -> None:
    wanted = spec(tmp_path, FORMER)
    assert Fileset(wanted).plan().written == sorted(FORMER)
    assert not (tmp_path / "etc").exists(), "looking must not write"
    apply(wanted)
    assert etc(tmp_path) == {**FORMER, "rules/": "", "old/": ""}
    assert ((tmp_path / "etc").stat().st_mode & 0o7777, (tmp_path / "etc/a.yml").stat().st_mode & 0o7777) == (
        0o750,
        0o640,
    )
    plan = Fileset(wanted).plan()
    assert (plan.changed, plan.written, plan.removed, plan.diff) == (False, [], [], [])
    assert ((tmp_path / "state").stat().st_mode & 0o7777) == 0o700


def test_lost_records_are_made_up_for_by_the_mark(tmp_path: Path) -> None:
    marked = {"a.yml": "# Managed by baremetal.prometheus_ha\na1\n", "b.json": "[]\n"}
    apply(spec(tmp_path, marked))
    shutil.rmtree(tmp_path / "state")
    fileset = Fileset(spec(tmp_path, marked))
    assert not fileset.plan().changed
    fileset.record()
    assert Fileset(spec(tmp_path, {**marked, "b.json": "[1]\n"})).plan().written == ["b.json"]
    shutil.rmtree(tmp_path / "state")
    changed = spec(tmp_path, {**marked, "a.yml": marked["a.yml"] + "a2\n"})
    Fileset(changed).record()
    assert not (tmp_path / "state/manifest.json").exists(), "what differs is not listed"
    assert apply(changed).plan().changed is False
    with pytest.raises(HAError, match="in the way"):
        other = spec(tmp_path / "other", {"a.yml": "wanted\n"})
        (tmp_path / "other/etc").mkdir(parents=True)
        (tmp_path / "other/etc/a.yml").write_text("x\ny\n# Managed by baremetal.prometheus_ha\n")
        Fileset(other).plan()


# -- open until another process ends it -------------------------------------------------------------------------------


def swapped(base: Path) -> tuple[dict[str, str], Fileset]:
    """What lay there before, and the set whose swap a process left open."""
    apply(spec(base, FORMER))
    before = etc(base)
    fileset = Fileset(spec(base, WANTED))
    assert not fileset.is_open
    fileset.swap()
    fileset._release()  # as the end of its process does
    return before, Fileset(spec(base, WANTED))


def test_what_another_process_swapped_is_settled(tmp_path: Path) -> None:
    _before, fileset = swapped(tmp_path)
    assert fileset.is_open
    assert fileset.settle() is True
    assert (fileset.is_open, fileset.plan().changed, fileset.settle()) == (False, False, False)
    assert Fileset(spec(tmp_path, WANTED)).recover() == []
    assert "old/" not in etc(tmp_path), "folders that became empty go"
    Fileset(spec(tmp_path, FORMER)).swap()  # nobody holds the lock


def test_what_another_process_swapped_is_put_back(tmp_path: Path) -> None:
    before, fileset = swapped(tmp_path)
    assert fileset.is_open
    assert fileset.put_back() is True
    assert (fileset.is_open, etc(tmp_path), fileset.put_back()) == (False, before, False)
    assert not Fileset(spec(tmp_path, FORMER)).plan().changed
    Fileset(spec(tmp_path, WANTED)).swap()


@pytest.mark.parametrize("method", ["settle", "put_back"])
def test_where_nothing_is_open_nothing_is_made(tmp_path: Path, method: str) -> None:
    assert getattr(Fileset(spec(tmp_path, WANTED)), method)() is False
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("method", ["settle", "put_back"])
def test_one_that_another_process_still_works_on_is_left_to_it(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(spec(tmp_path, FORMER))
    other = Fileset(spec(tmp_path, WANTED))
    other.swap()
    monkeypatch.setattr(_fileset, "LOCK_TIMEOUT", 0.0)
    with pytest.raises(HAError, match="another run is changing these files"):
        getattr(Fileset(spec(tmp_path, WANTED)), method)()
    assert other.is_open


def test_removes_ours_with_their_folder_and_reports_others(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/rules/theirs.yml").write_text("x")
    (tmp_path / "etc/link").symlink_to("/etc/hostname")
    plan = Fileset(spec(tmp_path, WANTED)).plan()
    assert (plan.written, plan.removed) == (["a.yml", "deep/er/new.yml"], ["old/gone.yml"])
    assert plan.foreign == ["link", "rules/theirs.yml"]
    apply(spec(tmp_path, WANTED))
    assert not (tmp_path / "etc/old").exists()
    assert (tmp_path / "etc/rules/theirs.yml").read_text() == "x"
    assert Fileset(spec(tmp_path, WANTED, scan=False)).plan().foreign == []


def test_absent_removes_only_ours(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/theirs").write_text("x")
    plan = Fileset(spec(tmp_path, FORMER)).remove()
    assert (plan.removed, plan.foreign) == (sorted(FORMER), ["theirs"])
    assert etc(tmp_path) == {"theirs": "x"}
    assert not (tmp_path / "state").exists()
    assert not Fileset(spec(tmp_path, FORMER)).remove().changed


def test_a_file_in_the_way_is_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a.yml").write_text("theirs")
    for step in ("plan", "swap"):
        with pytest.raises(HAError, match=r"etc/a\.yml is in the way"):
            getattr(Fileset(spec(tmp_path, FORMER)), step)()
    assert etc(tmp_path) == {"a.yml": "theirs"}


def test_a_file_with_the_very_content_is_taken_over(tmp_path: Path) -> None:
    """A lost /var/lib must not stop a host whose files are right."""
    apply(spec(tmp_path, FORMER))
    (tmp_path / "state/manifest.json").unlink()
    assert not Fileset(spec(tmp_path, FORMER)).plan().changed


def test_edit_by_hand_is_found_shown_and_overwritten(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/a.yml").write_text("by hand\n")
    plan = Fileset(spec(tmp_path, FORMER)).plan()
    assert (plan.written, plan.edited) == (["a.yml"], ["a.yml"])
    assert (plan.diff[0]["before"], plan.diff[0]["after"]) == ("by hand\n", "a1\n")
    apply(spec(tmp_path, FORMER))
    assert (tmp_path / "etc/a.yml").read_text() == "a1\n"


def test_mode_alone_is_a_change_and_shown(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/a.yml").chmod(0o644)
    plan = Fileset(spec(tmp_path, FORMER)).plan()
    assert plan.written == ["a.yml"]
    assert "mode 0644\na1" in plan.diff[0]["before"] and "mode 0640\na1" in plan.diff[0]["after"]


@pytest.mark.parametrize("before, after", [(True, True), (True, False), (False, True)])
def test_secret_now_or_before_is_never_shown(tmp_path: Path, before: bool, after: bool) -> None:
    apply(spec(tmp_path, {"a.yml": "password: hunter2"}, secret=["a.yml"] if before else []))
    plan = Fileset(spec(tmp_path, {"a.yml": "password: hunter3"}, secret=["a.yml"] if after else [])).plan()
    assert "hunter" not in json.dumps(plan.diff)
    assert plan.diff[0]["after"] == "changed (content not shown)\n"
    gone = Fileset(spec(tmp_path, {}))
    assert ("hunter" in json.dumps(gone.plan().diff)) is not before


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/x", "a/../../x", "a//b", "./a", "", "..", ".", "a/", "a/./b"],
    ids=lambda value: value or "empty",
)
def test_paths_out_of_root_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(HAError, match="is not a path below"):
        spec(tmp_path, {path: "x"})


def test_twice_and_file_as_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HAError, match="twice"):
        FilesetSpec(str(tmp_path), (File("a", b""), File("a", b"")))
    with pytest.raises(HAError, match="itself given as a file"):
        spec(tmp_path, {"a": "", "a/b": ""})
    with pytest.raises(HAError, match='quoted, as in "0640"'):
        FilesetSpec.from_params({"root": "/r", "files": [{"path": "a", "content": "", "mode": "416x"}]})


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.yml").write_text("outside")
    apply(spec(tmp_path, {"a.yml": "a1\n"}))
    (tmp_path / "etc/rules").symlink_to(outside)
    with pytest.raises(HAError, match="rules is a symbolic link"):
        apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/rules").unlink()
    (tmp_path / "etc/a.yml").unlink()
    (tmp_path / "etc/a.yml").symlink_to(outside / "b.yml")
    plan = Fileset(spec(tmp_path, {"a.yml": "a1\n"})).plan()
    assert plan.diff[0]["before"].endswith(f"symbolic link to {outside}/b.yml\n")
    fileset = Fileset(spec(tmp_path, {"a.yml": "a1\n"}))
    fileset.swap()
    assert not (tmp_path / "etc/a.yml").is_symlink()
    fileset.rollback()
    assert os.readlink(tmp_path / "etc/a.yml") == str(outside / "b.yml")
    apply(spec(tmp_path, {"a.yml": "a1\n"}))
    assert ((tmp_path / "etc/a.yml").read_text(), (outside / "b.yml").read_text()) == ("a1\n", "outside")


def test_rollback_restores_content_mode_and_records(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    (tmp_path / "etc/a.yml").chmod(0o600)
    before = tree(tmp_path)
    fileset = Fileset(spec(tmp_path, WANTED))
    fileset.swap()
    assert (tmp_path / "etc/a.yml").read_text() == "a2\n"
    fileset.rollback()
    assert tree(tmp_path) == before
    assert (tmp_path / "etc/a.yml").stat().st_mode & 0o7777 == 0o600


def test_two_runs_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset.LOCK_TIMEOUT", 0.1)
    first = Fileset(spec(tmp_path, FORMER))
    first.swap()
    for step in ("swap", "recover"):
        with pytest.raises(HAError, match="another run is changing these files"):
            getattr(Fileset(spec(tmp_path, WANTED)), step)()
    first.commit()
    apply(spec(tmp_path, WANTED))


def test_records_of_another_root_are_refused(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    with pytest.raises(HAError, match="state_dir of its own"):
        Fileset(FilesetSpec(str(tmp_path / "other"), (), state_dir=str(tmp_path / "state"))).plan()


# -- the checkers ------------------------------------------------------------------------------------------------------


def test_check_sees_all_files_and_leaves_nothing(tmp_path: Path) -> None:
    wanted = spec(tmp_path, WANTED)
    script = (
        'test "$(pwd)" = "$1" && test "$(cat deep/er/new.yml)" = new && test "$(stat -c %a .)" = 700 && test "$2" = rel'
    )
    assert Fileset(wanted).check([["sh", "-c", script, "sh", "{root}", "{release}"]], {"release": "rel"}) == []
    assert tree(tmp_path) == {}


def test_check_speaks_in_the_checkers_words_with_final_paths_and_without_secrets(tmp_path: Path) -> None:
    wanted = spec(tmp_path, {"a.yml": "password: 'hunter2hunter2'\nname: eu"}, secret=["a.yml"])
    script = "echo \"$1/a.yml: bad 'hunter2hunter2' near \\`hunter2...\\` of eu\" >&2; exit 3"
    with pytest.raises(HAError) as caught:
        Fileset(wanted).check([["true"], ["sh", "-c", script, "sh", "{root}"]])
    assert caught.value.said == f"{tmp_path}/etc/a.yml: bad '********' near `********` of eu"
    assert "exit code 3" in caught.value.what
    assert tree(tmp_path) == {}


def test_a_missing_checker(tmp_path: Path) -> None:
    with pytest.raises(HAError, match="Install /no/promtool"):
        Fileset(spec(tmp_path, WANTED)).check([["/no/promtool"]])
    assert Fileset(spec(tmp_path, WANTED)).check([["/no/promtool"]], missing_ok=True) == ["/no/promtool"]


def run_script(base: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run a body of Python with these helpers in a process of its own."""
    head = f"""
        import os, signal, sys
        sys.path[:0] = [{str(COLLECTIONS)!r}, {str(Path(__file__).parent)!r}]
        from pathlib import Path
        from test_fileset import *
        base = Path({str(base)!r})
    """
    text = textwrap.dedent(head) + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


def test_a_killed_check_is_swept_by_the_next_run(tmp_path: Path) -> None:
    done = run_script(tmp_path, "Fileset(spec(base, WANTED)).check([['sh', '-c', 'kill -9 $PPID']])")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert any(name.startswith(".etc.prometheus_ha-check-") for name in tree(tmp_path))
    assert "left by an interrupted check" in "".join(Fileset(spec(tmp_path, WANTED)).recover())
    assert tree(tmp_path) == {}


# -- cut off -----------------------------------------------------------------------------------------------------------


class Dying(Disk):
    """Kills the run after the n-th change."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self, what: str) -> None:  # noqa: ARG002
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


class Counting(Disk):
    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, what: str) -> None:
        self.steps.append(what)


class Broken(Disk):
    """Fails every change from the n-th on, as a full or read-only disk does; removals still work where it is full."""

    def __init__(self, first: int, code: int) -> None:
        self.left, self.code = first, code

    def step(self, what: str) -> None:
        self.left -= 1
        if self.left < 0 and what.split()[0] in ("write", "create", "mkdir"):
            raise OSError(self.code, os.strerror(self.code), what.split()[1])


def steps(base: Path, former: dict[str, str]) -> list[str]:
    """What a whole run changes, step by step."""
    apply(spec(base, former))
    disk = Counting()
    apply(spec(base, WANTED), disk)
    return disk.steps


def forked(action: t.Callable[[], object]) -> int:
    """Run an action in a process of its own; the signal that ended it, or its exit code."""
    child = os.fork()
    if not child:
        try:
            action()
        finally:
            os._exit(7)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def comparable(base: Path) -> dict[str, str]:
    """Files and records, without the lock."""
    return {name: text for name, text in tree(base).items() if name != "state/lock"}


@pytest.mark.parametrize("before", [FORMER, {}], ids=["change", "first run"])
def test_kill_at_every_step_leaves_former_or_new_and_the_next_run_ends_right(
    tmp_path: Path, before: dict[str, str]
) -> None:
    total = len(steps(tmp_path / "count", before))
    assert total > 20
    apply(spec(tmp_path / "former", before))
    former, wanted = comparable(tmp_path / "former"), comparable(tmp_path / "count")
    fix = {str(tmp_path / "former"): "BASE", str(tmp_path / "count"): "BASE"}

    def plain(found: dict[str, str], base: Path) -> dict[str, str]:
        places = {**fix, str(base): "BASE"}
        for place, name in places.items():
            found = {key: text.replace(place, name) for key, text in found.items()}
        return found

    ends = []
    for last in range(1, total + 1):
        base = tmp_path / f"kill{last}"
        apply(spec(base, before))
        assert forked(functools.partial(apply, spec(base, WANTED), Dying(last))) == signal.SIGKILL
        Fileset(spec(base, WANTED)).recover()
        state = plain(comparable(base), base)
        assert state in (plain(former, base), plain(wanted, base)), f"killed after step {last}"
        ends.append(state == plain(wanted, base))
        apply(spec(base, WANTED))
        assert plain(comparable(base), base) == plain(wanted, base), f"killed after step {last}"
    assert ends == sorted(ends) and {*ends} == {False, True}, "former until the commit, new from then on"


def test_kill_at_every_step_of_a_rollback(tmp_path: Path) -> None:
    def back(base: Path, disk: Disk | None = None) -> None:
        fileset = Fileset(spec(base, WANTED))
        fileset.swap()
        (fileset if disk is None else Fileset(spec(base, WANTED), disk=disk)).rollback()

    apply(spec(tmp_path / "count", FORMER))
    counting = Counting()
    back(tmp_path / "count", counting)
    for last in range(1, len(counting.steps) + 1):
        base = tmp_path / f"kill{last}"
        apply(spec(base, FORMER))
        before = comparable(base)
        assert forked(functools.partial(back, base, Dying(last))) == signal.SIGKILL
        Fileset(spec(base, WANTED)).recover()
        assert comparable(base) == before, f"killed after step {last}"


@pytest.mark.parametrize("code, do", [(errno.ENOSPC, "Free space"), (errno.EROFS, "read-only")])
def test_a_failing_disk_leaves_the_former_state(tmp_path: Path, code: int, do: str) -> None:
    for first in range(len(steps(tmp_path / "count", FORMER))):
        base = tmp_path / f"fail{first}"
        apply(spec(base, FORMER))
        before = comparable(base)
        fileset = Fileset(spec(base, WANTED), disk=Broken(first, code))
        try:
            fileset.swap()
        except HAError as error:
            assert do in error.do and os.strerror(code) in error.said
            assert comparable(base) == before, f"failed from step {first}"
            Fileset(spec(base, WANTED)).recover()
            continue
        break
    else:
        pytest.fail("no run got through")
    assert first > 10


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """On a tmpfs of its own, where the test may mount one."""
    etc_dir = tmp_path / "etc"
    etc_dir.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(etc_dir)], check=False)
    if mounted.returncode:
        with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
            full.write(b"x")  # not root: the simulated failures above must do
        return
    try:
        apply(spec(tmp_path, {"a.yml": "a1\n"}))
        with pytest.raises(HAError) as caught:
            apply(spec(tmp_path, {"a.yml": "a2\n", "big.yml": "x" * 100_000}))
        assert "No space left" in caught.value.said and "Free space" in caught.value.do
        assert etc(tmp_path) == {"a.yml": "a1\n"}
        subprocess.run(["mount", "-o", "remount,ro", str(etc_dir)], check=True)
        with pytest.raises(HAError, match="Read-only file system"):
            apply(spec(tmp_path, {"a.yml": "a2\n"}))
        assert etc(tmp_path) == {"a.yml": "a1\n"}
    finally:
        subprocess.run(["umount", str(etc_dir)], check=True)


def test_check_mode_over_an_interrupted_run_still_plans(tmp_path: Path) -> None:
    """Check mode never recovers; files which the cut-off run made are not taken for somebody else's."""
    apply(spec(tmp_path, FORMER))
    Fileset(spec(tmp_path, WANTED)).swap()
    assert Fileset(spec(tmp_path, {**WANTED, "deep/er/new.yml": "newer\n"})).plan().changed


def test_swap_over_an_interrupted_run_rolls_it_back_first(tmp_path: Path) -> None:
    apply(spec(tmp_path, FORMER))
    Fileset(spec(tmp_path, WANTED)).swap()
    fileset = Fileset(spec(tmp_path, {"a.yml": "a3\n"}))
    fileset.swap()
    fileset.rollback()
    assert (tmp_path / "etc/a.yml").read_text() == "a1\n"
