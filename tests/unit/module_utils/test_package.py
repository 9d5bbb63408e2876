# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program of the distribution where a component else has a release."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._package import Package


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "haproxy"


def package(program: Path) -> Package:
    return Package({"name": "haproxy", "executable": str(program)})


def test_one_that_is_there_needs_nothing(program: Path) -> None:
    program.write_text("")
    program.chmod(0o755)
    assert not package(program).inspect().needs_archive
    assert not package(program).install().changed


def test_one_that_is_not_there_is_asked_of_the_controller(program: Path) -> None:
    state = package(program).inspect()
    assert (state.needs_archive, bool(state.arch)) == (True, True)
    assert package(program).install(apply=False).changed, "check mode says that it would be"


def test_a_package_without_the_program_is_an_error(program: Path) -> None:
    with pytest.raises(HAError, match=f"the package haproxy is installed, and {program} is not there"):
        package(program).install()


def test_nothing_of_it_is_ours_to_remove(program: Path) -> None:
    one = package(program)
    assert (one.prune(), one.remove(), one.link(), one.path, one.spec.version) == ([], [], False, "", "")
