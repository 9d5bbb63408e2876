# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program's --help tells: both forms of kingpin's template, and the real programs of the lab's mirror."""

from __future__ import annotations

import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._help_flags import (
    Flag,
    check_argv,
    parse_help,
    refused,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed, run
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._flags import known_flags

HELP = r"""usage: thanos sidecar [<flags>]

Sidecar for Prometheus server.

Flags:
  -h, --[no-]help                Show context-sensitive help (also try
                                 --help-long and --help-man).
      --web.enable-lifecycle     Of the older template.
      --[no-]agent               Run in agent mode.
      --config.file="a \"b\" c"  The file.
      --tsdb.path=<path>         Where. If neither this flag nor
      --prometheus.get_config_timeout=5s
                                 Timeout. See
                                 --tsdb.path.
      --label=<name>="<value>" ...
                                 May be repeated.
      --enable-feature= ...      Comma separated.
      --accepted=prometheus.WriteRequest... ...
                                 A default that ends in dots.
"""
SWITCH, VALUE, REPEATED = Flag(True, False), Flag(False, False), Flag(False, True)
FLAGS = {
    "help": SWITCH,
    "web.enable-lifecycle": SWITCH,
    "agent": SWITCH,
    "config.file": VALUE,
    "tsdb.path": VALUE,
    "prometheus.get_config_timeout": VALUE,
    "label": REPEATED,
    "enable-feature": REPEATED,
    "accepted": REPEATED,
}
#: Flags that Debian's packages, which the mirror repacks, have under another name or not at all.
DEBIAN_ADDS = {
    "help",
    "version",
    "web.local-assets",
    "web.ui-path",
    "storage.tsdb.use-lockfile",
    "storage.agent.use-lockfile",
}
PROGRAMS = [("prometheus", "2.53.3"), ("prometheus", "3.5.3"), ("alertmanager", "0.28.1"), ("alertmanager", "0.33.1")]


@pytest.fixture(scope="module", params=PROGRAMS, ids="-".join)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """A real program of the mirror: component, version, path."""
    name, version = request.param
    cache = Path(os.environ.get("LAB_CACHE") or Path.home() / ".cache" / "prometheus_ha_lab")
    stem = f"{name}-{version}.linux-amd64"
    archive = cache / f"releases/prometheus/{name}/releases/download/v{version}/{stem}.tar.gz"
    if not archive.is_file():
        pytest.fail(f"{archive} is missing: run python3 -m lab mirror")
    target = tmp_path_factory.mktemp(stem)
    with tarfile.open(archive) as tar:
        tar.extract(f"{stem}/{name}", target, filter="data")
    return name, version, str(target / stem / name)


def test_parses_both_templates() -> None:
    assert parse_help(HELP) == FLAGS


@pytest.mark.parametrize("text", ["", "no such command\n", "usage: x\n--late   help that starts a line\n"])
def test_a_help_without_flags_is_an_error(text: str) -> None:
    with pytest.raises(HAError, match="No flag was found"):
        parse_help(text)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], []),
        (["sidecar", "--agent", "--no-web.enable-lifecycle", "--label=a", "--label=b", "--config.file=x"], []),
        (["tools", "bucket", "ls", "--config.file", "x"], []),
        (["--label=--x", "--tsdb.path="], []),
        (["--tsdb.pth=x"], ["There is no flag --tsdb.pth. Is --tsdb.path meant?"]),
        (["--zzz"], ["There is no flag --zzz."]),
        (["--agent=true"], ["--agent takes no value: write --agent or --no-agent."]),
        (["--no-config.file"], ["--config.file takes a value: it has no --no-config.file."]),
        (["--config.file"], ["--config.file needs a value."]),
        (["--config.file", "--agent"], ["--config.file needs a value."]),
        (["--config.file=a", "--config.file=b"], ["--config.file may be given only once."]),
        (["--agent", "stray"], ["'stray' is neither a flag nor the value of one."]),
        (["--agent", "-x"], ["'-x' is neither a flag nor the value of one."]),
    ],
)
def test_check_argv(argv: list[str], expected: list[str]) -> None:
    assert check_argv(argv, FLAGS) == expected


def test_the_programs_words_are_kept_where_its_help_knows_less() -> None:
    asked: list[list[str]] = []

    def fake(argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0, **_more: t.Any) -> Completed:
        assert cwd is None and timeout > 0
        asked.append(list(argv))
        return Completed(0, HELP, "") if len(asked) == 2 else Completed(1, "", "Error: strange\nmore")

    assert refused(fake, "/x", ["tools", "ls", "--agent"]) == ["Error: strange"]
    assert asked == [["/x", "tools", "ls", "--agent", "--help"], ["/x", "tools", "ls", "--help"]]


def test_a_program_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HAError, match="No such file"):
        refused(run, str(tmp_path / "missing"), [])


def test_the_table_is_what_the_real_program_says(program: tuple[str, str, str]) -> None:
    component, version, path = program
    shown = parse_help(run([path, "--help"]).stdout)
    known = known_flags(component, version)
    assert known is not None
    assert {name: flag for name, flag in shown.items() if name not in DEBIAN_ADDS} == {
        name: known.flags[name] for name in shown if name not in DEBIAN_ADDS
    }


def test_the_real_program_has_the_hidden_flags_and_not_the_lacking_ones(program: tuple[str, str, str]) -> None:
    component, version, path = program
    shown = parse_help(run([path, "--help"]).stdout)
    known = known_flags(component, version)
    assert known is not None
    # Debian's patches rename the lock file's flags in 2.53 and take the OTLP receiver's out of 3.5.
    patched = {"storage.tsdb.no-lockfile", "storage.agent.no-lockfile", "web.enable-otlp-receiver"}
    hidden = [name for name in known.flags if name not in shown and name not in patched]
    argv = [f"--{name}" if known.flags[name].boolean else f"--{name}=1" for name in hidden]
    assert refused(run, path, argv) == []
    for name in known.lacks:
        assert refused(run, path, [f"--{name}"])[0].startswith(f"There is no flag --{name}.")


def test_the_real_program_refuses(program: tuple[str, str, str]) -> None:
    _name, _version, path = program
    assert refused(run, path, ["--config.file=/x", "--web.listen-address=:1", "--log.level=debug"]) == []
    assert refused(run, path, ["--config.fil=/x"]) == ["There is no flag --config.fil. Is --config.file meant?"]
    assert refused(run, path, ["--config.file=/x", "--config.file=/y"]) == ["--config.file may be given only once."]
    assert refused(run, path, ["--config.file"]) == ["--config.file needs a value."]
    assert refused(run, path, ["--config.file=/x", "stray"]) == ["'stray' is neither a flag nor the value of one."]
