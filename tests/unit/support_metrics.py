# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of what queries name: real processes that scrape every second, and the metrics that they have."""

from __future__ import annotations

import json
import re
import time
import typing as t
import urllib.parse
from pathlib import Path

import yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Running

# Wherever nobody listens.
NOBODY = "127.0.0.1:1"
_WAIT = 40

# What is no metric of a query, in the order in which it goes: texts, matchers, ranges, lists of labels, functions.
_NO_METRIC = (
    r'"(?:\\.|[^"\\])*"',
    r"\{[^}]*\}",
    r"\[[^\]]*\]",
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)",
    r"\b\w+(?=\s*\()",
    r"\b(?:and|or|unless|bool|offset|sum|min|max|count|count_values)\b",
    r"\b\d[\w.]*",
)


def metrics_in(expr: str) -> set[str]:
    """The metrics that a query names."""
    for pattern in _NO_METRIC:
        expr = re.sub(pattern, " ", expr)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", expr))


def exposed(running: Running) -> set[str]:
    """The metrics that a process shows."""
    lines = running.get("/metrics").splitlines()
    return {re.split(r"[{ ]", line)[0] for line in lines if not line.startswith("#")}


def stored(running: Running) -> set[str]:
    """The metrics that a Prometheus has stored."""
    return set(json.loads(running.get("/api/v1/label/__name__/values"))["data"])


def answer(running: Running, expr: str) -> list[t.Any]:
    """What a Prometheus answers to a query now."""
    found: list[t.Any] = json.loads(running.get(f"/api/v1/query?{urllib.parse.urlencode({'query': expr})}"))["data"][
        "result"
    ]
    return found


def had(wanted: t.Collection[str], names: t.Callable[[], t.Collection[str]]) -> set[str]:
    """Those of some names that are there, as soon as all of them are; else after a while."""
    deadline = time.monotonic() + _WAIT
    while True:
        found = set(names()) & set(wanted)
        if found == set(wanted) or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def config(folder: Path, writes_to: str, **more: t.Any) -> Path:
    """The file of a Prometheus that scrapes nobody every second and writes that to another one."""
    scrape = [{"job_name": "nobody", "static_configs": [{"targets": [NOBODY]}]}]
    write = [{"url": f"{writes_to}/api/v1/write", "name": "far", "queue_config": {"batch_send_deadline": "1s"}}]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    data = {"global": every, "scrape_configs": scrape, "remote_write": write, **more}
    file = folder / "etc" / "prometheus.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    return file


def empty(folder: Path) -> Path:
    """The file of a Prometheus that does nothing of itself."""
    file = folder / "etc" / "prometheus.yml"
    file.parent.mkdir(parents=True)
    file.write_text("global: {}\n", encoding="utf-8")
    return file
