# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for all of these tests: two replicas, a mesh of two. KEEP_LAB=1 leaves it running afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input import bad_input_support as support
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_mirror import Mirror


def say(config: pytest.Config, line: str) -> None:
    """A line of progress, past pytest's capturing."""
    manager: Any = config.pluginmanager
    with manager.getplugin("capturemanager").global_and_fixture_disabled():
        manager.getplugin("terminalreporter").write_line(line)


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Lab]:
    """The lab, converged; taken down at the end."""
    command = [sys.executable, "-m", "lab"]
    say(request.config, f"lab {support.NAME}: up")
    hosts = ",".join(support.HOSTS)
    subprocess.run([*command, "up", "--name", support.NAME, "--hosts", hosts], cwd=support.ROOT, check=True)
    lab = support.Lab(tmp_path_factory.mktemp("runs"))
    say(request.config, f"lab {support.NAME}: converging")
    lab.site().passed()
    yield lab
    if os.environ.get("BAD_INPUT_LOG"):
        Path(os.environ["BAD_INPUT_LOG"]).write_text("\n".join(lab.log))
    if not os.environ.get("KEEP_LAB"):
        say(request.config, f"lab {support.NAME}: down")
        subprocess.run([*command, "down", "--name", support.NAME], cwd=support.ROOT, check=True)


@pytest.fixture(autouse=True)
def _progress(request: pytest.FixtureRequest, lab: support.Lab) -> Iterator[None]:
    """A line a case, with its seconds."""
    lab.log.append(f"######## {request.node.name}")
    begun = time.monotonic()
    yield
    say(request.config, f" {time.monotonic() - begun:5.1f} s  {request.node.name}")


@pytest.fixture
def mirror(lab: support.Lab) -> Iterator[Mirror]:  # noqa: ARG001 - the gateway's address comes with the lab
    """A mirror of the test's own that the lab's hosts can reach, too."""
    with Mirror(support.GATEWAY) as server:
        yield server
