# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab that these tests run on: the one named LAB_NAME (default), as `make integration` brings it up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = os.environ.get("LAB_NAME", "default")
HOSTS = {"eu-1", "eu-2", "us-1", "us-2", "am-1", "am-2", "am-3"}


@pytest.fixture(scope="session")
def demo_lab() -> dict[str, Any]:
    """What `lab status --json` says of a lab with the demo's hosts, and ``addresses`` by host.

    A missing lab is a failure and never a skip.
    """
    command = [sys.executable, "-m", "lab", "status", "--name", NAME, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    bring_up = f"bring it up by `python3 -m lab up --name {NAME} --topology demo`, or run `make integration`"
    if done.returncode != 0:
        pytest.fail(f"these tests need the lab {NAME}: {bring_up}\n{done.stderr}", pytrace=False)
    found: dict[str, Any] = json.loads(done.stdout)
    up = {host["host"]: host["address"] for host in found["hosts"] if host["state"] in ("running", "degraded")}
    if missing := HOSTS - up.keys():
        pytest.fail(f"the lab {NAME} lacks {', '.join(sorted(missing))}: {bring_up}", pytrace=False)
    return {**found, "addresses": up, "prefix": found["subnet"].rpartition(".")[0]}
