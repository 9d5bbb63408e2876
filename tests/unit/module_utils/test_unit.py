# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units: what systemd reads back of them, and what it thinks of their hardening."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _unit
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from hypothesis import example, given
from hypothesis import strategies as st

BASE: dict[str, Any] = {"name": "prometheus", "user": "prometheus", "group": "prometheus", "executable": "/bin/sleep"}
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


def text(**params: Any) -> str:
    return _unit.render(_unit.UnitSpec.from_params({**BASE, **params}))


def unquote(line: str) -> list[str]:
    """systemd's extract_first_word() with UNQUOTE and CUNESCAPE, word by word (src/basic/extract-word.c)."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    at = 0
    while at < len(line):
        char = line[at]
        if char == "\\":
            code = line[at + 1]
            if code == "x":
                word, at = (word or "") + chr(int(line[at + 2 : at + 4], 16)), at + 4
            else:
                assert code in {*_ESCAPES, "\\", '"', "'"}, f"systemd refuses \\{code}"
                word, at = (word or "") + _ESCAPES.get(code, code), at + 2
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, word = char, word or ""
        elif not quote and char in " \t\n":
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + char
        at += 1
    assert not quote, "unbalanced quotes"
    return [*words, *([] if word is None else [word])]


def physical_lines(unit: str) -> dict[str, list[str]]:
    """Assignments as config_parse() joins them: a continued line's backslash is a blank, comment lines are dropped."""
    assert "\r" not in unit
    found: dict[str, list[str]] = {}
    joined = ""
    for line in unit.split("\n"):
        if line.lstrip()[:1] in ("#", ";"):
            continue
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        key, equals, value = (joined + line).partition("=")
        if equals:
            found.setdefault(key, []).append(value.strip())
        joined = ""
    return found


def argv_of(unit: str) -> list[str]:
    """The argv that systemd executes: unquoted, %% and $$ resolved; any other use of them would be replaced."""
    words = unquote(physical_lines(unit)["ExecStart"][0])
    for word in words:
        assert not re.search(r"(?<!%)(%%)*%(?!%)", word), f"a specifier in {word!r}"
        assert not re.search(r"(?<!\$)(\$\$)*\$(?!\$)", word), f"a variable in {word!r}"
    return [word.replace("%%", "%").replace("$$", "$") for word in words]


ARGUMENT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
NASTY = st.text(alphabet=" \t\n\\\"'$%{}#;=x")


@given(st.lists(st.one_of(ARGUMENT, NASTY)))
@example(['--a="b c"', "$HOME", "${HOME}", "100%", "%n", "\\", "\\n", "a\nb", "'", "", "#x", ";", "\x7f", "é\u2028"])
def test_systemd_reads_every_argv_back_unchanged(args: list[str]) -> None:
    assert argv_of(text(args=args)) == ["/bin/sleep", *args]


@given(st.dictionaries(st.from_regex(r"\A[A-Z_][A-Z0-9_]*\Z"), st.one_of(ARGUMENT.filter(str.isprintable), NASTY)))
def test_systemd_reads_every_environment_back_unchanged(environment: dict[str, str]) -> None:
    lines = physical_lines(text(environment=environment))["Environment"]
    words = [word.replace("%%", "%") for line in lines for word in unquote(line)]
    assert dict(word.partition("=")[::2] for word in words if not word.startswith(_unit.HASH_VARIABLE)) == environment


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"args": ["a\0b"]}, "NUL"),
        ({"args": ["\udc80"]}, "not UTF-8"),
        ({"executable": "prometheus"}, "executable 'prometheus'"),
        ({"executable": "/opt/a b"}, "without blanks"),
        ({"data_dirs": ["/var/lib/$x"]}, "data_dirs"),
        ({"name": "../x"}, "name '../x'"),
        ({"user": "a b"}, "user 'a b'"),
        ({"environment": {"a-b": "1"}}, "environment 'a-b'"),
        ({"environment": {"A": "\x01"}}, "control characters"),
        ({"unit_options": {"ExecStart": "/bin/x"}}, "ExecStart"),
        ({"unit_options": {"limit": "1"}}, "unit_options 'limit'"),
        ({"unit_options": {"Nice": "5\nUser=root"}}, "does not end on its line"),
        ({"unit_options": {"Nice": "5 \\ "}}, "does not end on its line"),
    ],
)
def test_what_a_unit_cannot_hold_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(HAError, match=re.escape(says)):
        text(**params)


def test_the_unit_carries_the_hash_of_everything_else() -> None:
    one, same, other = text(), text(), text(unit_options={"Nice": 5})
    assert one == same
    assert _unit.is_ours(one)
    assert len({_unit.unit_hash(unit) for unit in (one, same, other)}) == 2
    assert _unit.unit_hash("[Service]\nExecStart=/bin/true\n") == ""
    assert not _unit.is_ours("[Unit]\n")


def test_unit_options_come_last_repeat_and_remove() -> None:
    lines = physical_lines(
        text(
            unit_options={"UMask": "0077", "ExecStartPre": ["/bin/a", "/bin/b"], "LimitNOFILE": None, "Delegate": True}
        )
    )
    assert lines["UMask"] == ["0077"]
    assert lines["ExecStartPre"] == ["/bin/a", "/bin/b"]
    assert lines["Delegate"] == ["true"]
    assert "LimitNOFILE" not in lines


def test_only_the_data_folders_can_be_written() -> None:
    lines = physical_lines(text(data_dirs=["/var/lib/prometheus", "/data/x"]))
    assert lines["ReadWritePaths"] == lines["RequiresMountsFor"] == ["/var/lib/prometheus", "/data/x"]
    assert (lines["ProtectSystem"], lines["ProtectHome"], lines["PrivateTmp"]) == (["strict"], ["true"], ["true"])


def test_a_folder_below_home_or_tmp_stays_visible() -> None:
    lines = physical_lines(text(data_dirs=["/home/prometheus"], executable="/tmp/x/prometheus"))
    assert (lines["ProtectHome"], lines["PrivateTmp"]) == (["read-only"], ["false"])


def test_a_killed_process_comes_back_and_a_crash_loop_ends() -> None:
    lines = physical_lines(text())
    assert lines["Restart"] == ["always"]
    # 30 deaths, each followed by RestartSec, must fit into the interval; else the limit is never met.
    assert int(lines["StartLimitBurst"][0]) * 1 < 300 == int(lines["StartLimitIntervalSec"][0].rstrip("s"))


@pytest.mark.parametrize("port", [9090, 80])
def test_systemd_finds_little_exposed_and_nothing_unknown(tmp_path: Path, port: int) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "install systemd: its own checker is the test here"
    path = tmp_path / "prometheus.service"
    path.write_text(text(args=['a "b" $c %d \\', ";"], data_dirs=["/var/lib"], ports=[{"port": port}]))
    done = subprocess.run([analyze, "verify", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    command = [analyze, "security", "--offline=yes", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    level = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level[1]) <= 1.5
    assert "ProcSubset=all" in path.read_text()


def test_variables_of_the_user_stand_beside_ours() -> None:
    """Ours tell what a process was started with."""
    found = physical_lines(text(environment={"A": "1"}, unit_options={"Environment": ["B=2", "A=3"]}))["Environment"]
    assert [line for line in found if not line.startswith(_unit.HASH_VARIABLE)] == ["A=1", "B=2", "A=3"]
