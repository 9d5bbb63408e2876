# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: what is wrong with a component by the facts of its host, in sentences, with what to do."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status_line import Line, Problem
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named

# A data folder with less than this part free is told: the warning threshold of node-mixin (fsSpaceAvailableWarning...).
LEAST_FREE = 0.05
# A process that systemd restarted by itself and that is younger than this (seconds) may be in a loop.
YOUNG = 300.0
_SITE = "run baremetal.prometheus_ha.site"

# Verdict, what is wrong, what to do.
Found = t.Tuple[str, str, str]
Facts = t.Mapping[str, t.Any]


def judged(line: Line, members: t.Sequence[Line], said: t.Mapping[str, t.Any]) -> Line:
    """The line with its problems.

    :param members: the lines of its replica set or mesh, itself included.
    :param said: what its host said.
    """
    if line.facts is None:
        return dataclasses.replace(line, problems=(_silent(line.host, said),))
    found = [Problem(line.host, line.title, *one) for one in problems(line.facts, line, members)]
    return dataclasses.replace(line, problems=tuple(found))


def _silent(host: str, said: t.Mapping[str, t.Any]) -> Problem:
    if "failed" in said:
        do = "correct that, and look again."
        return Problem(host, "", "unknown", f"it could not be looked at: {_sentence(said['failed'])}", do)
    why = said.get("unreachable") or "it did not answer"
    do = "see whether the host is up and SSH to it works; what it runs is not known."
    return Problem(host, "", "unknown", f"it can't be reached: {_sentence(why)}", do)


def _sentence(words: str) -> str:
    """Several lines as one, ending like a sentence."""
    text = " ".join(words.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def problems(facts: Facts, line: Line, members: t.Sequence[Line]) -> t.Iterator[Found]:
    """What is wrong, the most basic first."""
    unit = facts["unit"]
    if facts["leaves"]:
        if facts["pending"] != "none":
            yield "pending", f"it is to leave and is still there ({_reasons(facts)}).", f"{_SITE}."
        return
    if not unit:
        yield "unknown", _errors(facts), "correct that, and look again."
    elif not unit["pid"]:
        yield from _not_running(facts, unit)
    elif not facts["answers"]:
        what = f"it runs (pid {unit['pid']}), but does not answer: {_errors(facts)}"
        yield "down", what, f"see journalctl -u {unit['name']}, and restart it by hand (systemctl restart)."
    else:
        yield from _running(facts, unit)
        yield from _peers(facts, line, members)
    yield from _pending(facts, unit)


def _errors(facts: Facts) -> str:
    return _sentence("; ".join(facts["errors"]) or "nothing is known of it")


def _reasons(facts: Facts) -> str:
    return "; ".join(facts["reasons"]) or "it differs from the plan"


def _not_running(facts: Facts, unit: Facts) -> t.Iterator[Found]:
    if facts["held"]:
        return
    if not facts["rolled_out"]:
        yield "pending", "it was not rolled out yet.", f"{_SITE}."
        return
    restarted = f", and restarted it {unit['restarts']} times" if unit["restarts"] else ""
    what = f"it does not run: systemd says {unit['state']}{restarted}."
    yield "down", what, f"see journalctl -u {unit['name']} for why; systemctl start {unit['name']} or site starts it."


def _running(facts: Facts, unit: Facts) -> t.Iterator[Found]:
    log = f"see journalctl -u {unit['name']}."
    if facts["waiting_for"]:
        yield "degraded", f"it is not ready: {_sentence(facts['waiting_for'])}", f"wait, or {log}"
    if unit["restarts"] and unit["seconds"] < YOUNG:
        what = f"systemd restarted it {unit['restarts']} times, the last time {unit['seconds']:.0f} s ago."
        yield "degraded", what, log
    if (facts.get("reload") or {}).get("successful") is False:
        yield "degraded", "its last reload failed: it runs an older configuration.", f"{log} Then {_SITE}."
    if facts.get("wal_corruptions"):
        what = f"it found {facts['wal_corruptions']} corruptions in its WAL since its start: samples are lost here."
        yield "degraded", what, f"query its peer for that time; {log}"
    if facts.get("checkpoint_failures"):
        what = f"{facts['checkpoint_failures']} checkpoints of the WAL failed since its start."
        yield "degraded", what, f"look at the disk; {log}"
    yield from _thanos(facts, log)
    for source in facts.get("federation") or []:
        if not source["up"]:
            what = f"it does not get series from {source['url']} (job {source['job']}): {_sentence(source['error'])}"
            yield "degraded", what, "see that Prometheus, and the way to it."
        series = f"series from {source['url']} (job {source['job']})"
        if source.get("gave_way"):
            what = f"{series} have exported_job or exported_instance: it does not honor their labels."
            yield "degraded", what, f"see honor_labels of the job that it has loaded; {_SITE}."
        if source.get("lacks"):
            what = f"no {series} has {source['lacks']}: they can't be told from those of its peers."
            do = "see the external labels of that Prometheus, and metric_relabel_configs of the job."
            yield "degraded", what, do
    disk = facts["disk"]
    if disk and disk["free"] < LEAST_FREE * disk["total"]:
        free = 100 * disk["free"] / disk["total"]
        what = f"the file system of {disk['path']} has {free:.1f} % free."
        yield "degraded", what, "make room, or keep data for a shorter time."
    if facts["errors"]:
        yield "degraded", f"not all could be asked: {_errors(facts)}", log


def _thanos(facts: Facts, log: str) -> t.Iterator[Found]:
    if facts.get("prometheus_up") is False:
        yield "degraded", "the sidecar does not reach its Prometheus.", f"see that Prometheus; {log}"
    if facts.get("halted"):
        why = facts.get("halted_because") or "its log no longer says why"
        what = f"the compactor has halted, and compacts nothing more: {_sentence(why)}"
        yield "degraded", what, "see docs/thanos.md, A compactor that halted."
    if facts.get("bucket"):
        what = f"its bucket can't be listed: {_sentence(facts['bucket'])}"
        yield "degraded", what, "see the object store and its keys."
    known = facts.get("store_apis")
    if known and known["missing"]:
        each = "; ".join(f"{place} ({why})" for place, why in known["missing"].items())
        what = f"it is connected to {known['connected']} of {known['wanted']} Store APIs, not to {each}."
        yield "degraded", what, "see these, and the way to them (gRPC)."
    if facts.get("replica_labels") == []:
        yield "degraded", "deduplication is off: it has no replica label.", f"{_SITE}."


def _peers(facts: Facts, line: Line, members: t.Sequence[Line]) -> t.Iterator[Found]:
    known = facts.get("alertmanagers")
    if known and known["missing"]:
        hosts = line.planned.get("expect", {}).get("alertmanagers") or {}
        each = "; ".join(f"{hosts.get(where, where)} at {where} ({why})" for where, why in known["missing"].items())
        what = f"it reaches {known['connected']} of {known['wanted']} Alertmanagers, not {each}."
        yield "degraded", what, "see these, and the way to them."
    mesh, wanted = facts.get("mesh"), line.planned.get("expect", {}).get("members")
    if not mesh or (mesh["status"] == "disabled" and wanted == 1):
        return
    seen = len(mesh["peers"])
    if wanted and seen != wanted:
        missing = unseen(line, members)
        names = f"; it does not see {named(missing)}" if missing else ""
        what = f"it sees {seen} of {wanted} members{names}."
        yield "degraded", what, "see whether these run, and whether gossip (TCP and UDP) reaches them both ways."


def unseen(line: Line, members: t.Sequence[Line]) -> list[str]:
    """The hosts of the mesh whose member this one does not see.

    Members that answer are known by the name that they have in the mesh. Of the others, which may be down, it is known
    only where as many are missing as have no name here.
    """
    peers = {peer["name"] for peer in (line.facts or {"mesh": {"peers": []}})["mesh"]["peers"]}
    names = {other.host: ((other.facts or {}).get("mesh") or {}).get("name") for other in members}
    absent = [host for host, name in names.items() if name and name not in peers]
    nameless = [host for host, name in names.items() if not name]
    seen_nameless = len(peers - set(names.values()))
    return absent if seen_nameless else [host for host in names if host in {*absent, *nameless}]


def _pending(facts: Facts, unit: Facts) -> t.Iterator[Found]:
    if facts["held"] or not unit or not unit["pid"]:
        return
    # What it has loaded is not known yet; that is told already.
    if facts["pending"] == "reload" and (not facts["answers"] or facts["waiting_for"] in facts["reasons"]):
        return
    hint = f" Edited by hand: {', '.join(facts['edited'])}." if facts["edited"] else ""
    if facts["pending"] == "unknown":
        if facts["answers"] and not facts["errors"]:
            yield "unknown", "whether something is pending is not known.", "look again."
    elif facts["pending"] != "none":
        do = "put what is meant into the inventory; site puts back what it says." if hint else f"{_SITE}."
        yield "pending", f"a {facts['pending']} is pending: {_reasons(facts)}.{hint}", do
    elif not unit["enabled"]:
        yield "pending", f"{unit['name']} is not enabled: a reboot leaves it down.", f"{_SITE}."
