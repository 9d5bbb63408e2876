# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: the status as a table for people, and as data for programs."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._report import columns
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status import Status
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status_line import VERDICTS, Line
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named

HEADING = ["HOST", "VERDICT", "VERSION", "RUNS", "CONFIG", "PENDING", "LAST RELOAD", "SEES"]
Facts = t.Mapping[str, t.Any]


def table(status: Status) -> list[str]:
    """Lines: the components by replica set and mesh, where these differ, what is wrong, and the sum of it."""
    rows = columns([HEADING, *(_row(line) for line in status.lines)])
    found = [rows[0]]
    title = ""
    for line, row in zip(status.lines, rows[1:], strict=True):
        if (now := f"{line.title}, {line.cohort_title}") != title:
            found += ["", f"{now}:"]
            title = now
        found.append(row)
    if status.drift:
        found += ["", "Drift between replicas:", *(f"  {sentence}" for sentence in status.drift)]
    if problems := status.problems:
        found += ["", "What is wrong:", *(f"  {problem}" for problem in problems)]
    if status.left_out:
        found += ["", f"Not part of this run: {named(status.left_out)}."]
    return [*found, "", total(status)]


def total(status: Status) -> str:
    """The whole in a sentence."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in status.counts.items()) or "nothing is rolled out"
    hosts = len({line.host for line in status.lines})
    differ = f"; {len(status.drift)} differences between replicas" if status.drift else ""
    return f"{len(status.lines)} components on {hosts} hosts: {counts}{differ}."


def failure(status: Status) -> str:
    """Why the run fails, in a sentence: the most serious first, with the names."""
    parts = []
    for verdict in reversed(VERDICTS[1:]):
        names = [f"{line.host} ({line.title})" for line in status.lines if line.verdict == verdict]
        parts += [f"{verdict}: {named(names, 5)}"] if names else []
    parts += ["replicas differ"] if status.drift else []
    return f"not all is well; {'; '.join(parts)}"


def data(status: Status) -> dict[str, t.Any]:
    """The same for programs."""
    return {
        "ok": status.well,
        "counts": status.counts,
        "components": [
            {
                "host": line.host,
                "component": line.name,
                "environment": line.cohort[1],
                "cohort": line.cohort[2],
                "verdict": line.verdict,
                "problems": [{"what": problem.what, "do": problem.do} for problem in line.problems],
                "facts": line.facts,
            }
            for line in status.lines
        ],
        "drift": list(status.drift),
        "not_asked": list(status.left_out),
        "notes": list(status.notes),
    }


def _row(line: Line) -> list[str]:
    facts = line.facts
    if facts is None:
        return [line.host, line.verdict, *["-"] * (len(HEADING) - 2)]
    return [
        line.host,
        line.verdict,
        _against(facts["version"], bool(facts["unit"].get("pid"))),
        _runs(facts),
        _against(facts["generation"], facts["answers"], 8),
        f"{facts['pending']} (held)" if facts["held"] and facts["pending"] != "none" else facts["pending"],
        _reload(facts.get("reload")),
        _sees(facts, line) or "-",
    ]


def _against(found: Facts, known: bool, length: int | None = None) -> str:
    """What runs, and after an arrow what is planned where that is something else."""
    running, planned = found["running"][:length], found["planned"][:length]
    if not known:
        return f"- -> {planned}" if planned else "-"
    return running or "-" if running == planned else f"{running or 'another'} -> {planned or 'none'}"


def duration(seconds: float) -> str:
    """Its two largest units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{value}{unit}" for value, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return "".join(parts[:2]) or "0s"


def size(number: float) -> str:
    """Bytes in a unit that keeps them short."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _runs(facts: Facts) -> str:
    unit = facts["unit"]
    if not unit:
        return "-"
    if not unit["pid"]:
        return unit["state"] if facts["rolled_out"] else "not rolled out"
    restarts = f", {unit['restarts']} restarts" if unit["restarts"] else ""
    return f"{duration(unit['seconds'])}, pid {unit['pid']}{restarts}"


def _reload(found: Facts | None) -> str:
    if not found or found["successful"] is None:
        return "-"
    if found["at"] is None:
        return "ok" if found["successful"] else "failed"
    moment = datetime.datetime.fromtimestamp(found["at"], datetime.timezone.utc)
    return f"{'ok' if found['successful'] else 'failed; ok'} {moment:%Y-%m-%d %H:%M:%SZ}"


def _sees(facts: Facts, line: Line) -> str:
    parts = []
    if targets := facts.get("targets"):
        parts.append(f"targets {targets['up']}/{targets['total']}")
    if known := facts.get("alertmanagers"):
        parts.append(f"Alertmanagers {known['connected']}/{known['wanted']}")
    if sources := facts.get("federation"):
        parts.append(f"federates {sum(source['up'] for source in sources)}/{len(sources)}")
    if known := facts.get("store_apis"):
        parts.append(f"Store APIs {known['connected']}/{known['wanted']}")
    if labels := facts.get("replica_labels"):
        parts.append(f"deduplicates by {', '.join(labels)}")
    if facts.get("prometheus_up") is not None:
        parts.append(f"Prometheus {'up' if facts['prometheus_up'] else 'away'}")
    if facts.get("halted") is not None:
        parts.append("halted" if facts["halted"] else "not halted")
    if facts.get("bucket") is not None:
        parts.append("bucket away" if facts["bucket"] else "bucket ok")
    if facts.get("blocks_loaded") is not None:
        parts.append(f"{facts['blocks_loaded']} blocks")
    if facts.get("head_series") is not None:
        parts.append(f"{facts['head_series']} series")
    if facts.get("firing") is not None:
        parts.append(f"{sum(facts['firing'].values())} firing")
    if mesh := facts.get("mesh"):
        wanted = line.planned.get("expect", {}).get("members", "?")
        parts += [f"mesh {mesh['status']}", f"members {len(mesh['peers'])}/{wanted}"]
    for key, words in (("silences", "silences"), ("notifications_failed", "notifications failed")):
        if facts.get(key) is not None:
            parts.append(f"{facts[key]} {words}")
    if disk := facts["disk"]:
        parts.append(f"{size(disk['free'])} free")
    if facts["retention"]:
        parts.append(f"keeps {facts['retention']}")
    return ", ".join(parts)
