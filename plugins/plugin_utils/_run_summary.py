# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure: what a run changed, on which host and in which wave, and how long each was out of service.

Actions put ``stats()`` into their results, and the callback ``prometheus_ha_summary`` shows the table when the run
ends. Ansible adds the lists of a host up (``AggregateStats.update_custom_stats``), but only those of tasks that succeed
(``StrategyBase._process_pending_results``): of a failed one, the callback reads the result itself.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._report import columns
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._status_table import duration
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._summary import named

KEY = "prometheus_ha"
HEADING = ["HOST", "COMPONENT", "DID", "WAVE", "VERSION", "OUT OF SERVICE", "GATES", "WHY"]
DONE = {
    "start": "started",
    "reload": "reloaded",
    "restart": "restarted",
    "flip": "flipped",
    "remove": "removed",
}
STAGED = "staged"
# The timeline: its width, that of a bar below which nothing can be seen in it, and how many bars are still read.
WIDTH = 100
NARROWEST = 30
MOST_BARS = 24
# Characters of a sentence about a host that is lost.
LONGEST = 300


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What a run did to one component of one host. Texts hold no secret: who makes an entry has masked them.

    :param did: start, reload, restart, flip, remove; ``taken back`` (what ran before serves again); ``failed``;
        ``staged``: something is pending, of which only a later entry of the component says what became.
    :param check: whether it only would have been done.
    :param why: sentences.
    :param wave: from 1; None outside of waves.
    :param began: when its turn began, the gate before it included: seconds since 1970 by the controller's clock.
    :param seconds: of its own work, out of service included and the gates not.
    :param out_of_service: seconds; None: it was not, or nobody knows.
    :param gate_before: seconds; None: there was none.
    :param error: one sentence, where it is not ok.
    """

    host: str
    component: str
    title: str
    did: str
    check: bool
    cohort: str
    began: float | None
    seconds: float
    why: tuple[str, ...] = ()
    wave: int | None = None
    waves: int | None = None
    version_from: str | None = None
    version_to: str | None = None
    out_of_service: float | None = None
    gate_before: float | None = None
    gate_after: float | None = None
    ok: bool = True
    error: str = ""

    @classmethod
    def of(cls, data: t.Mapping[str, t.Any]) -> Entry:
        """From JSON. :raises KeyError, TypeError, ValueError: where it is something else."""
        why = data.get("why") or ()
        return cls(
            host=str(data["host"]),
            component=str(data["component"]),
            title=str(data["title"]),
            did=str(data["did"]),
            check=bool(data.get("check")),
            cohort=str(data.get("cohort") or ""),
            began=_number(data.get("began")),
            seconds=_number(data.get("seconds")) or 0.0,
            why=(why,) if isinstance(why, str) else tuple(map(str, why)),
            wave=int(data["wave"]) if data.get("wave") else None,
            waves=int(data["waves"]) if data.get("waves") else None,
            version_from=str(data["from"]) if data.get("from") else None,
            version_to=str(data["to"]) if data.get("to") else None,
            out_of_service=_number(data.get("out_of_service")),
            gate_before=_number(data.get("gate_before")),
            gate_after=_number(data.get("gate_after")),
            ok=bool(data.get("ok", True)),
            error=str(data.get("error") or ""),
        )

    @property
    def words(self) -> str:
        """What was done, or would be."""
        return f"would {self.did}" if self.check and self.did in DONE else DONE.get(self.did, self.did)

    @property
    def phases(self) -> list[tuple[str, float]]:
        """The marks of the timeline, and how many seconds each stands for."""
        out = self.out_of_service or 0.0
        parts = [(".", self.gate_before), ("=", self.seconds - out), ("#", out), (".", self.gate_after)]
        return [(mark, seconds) for mark, seconds in parts if seconds and seconds > 0]

    @property
    def took(self) -> float:
        """Seconds, the gates included."""
        return sum(seconds for _mark, seconds in self.phases)


def _number(value: t.Any) -> float | None:
    """Seconds. :raises TypeError, ValueError: for what can't be some."""
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{value} is not a number of seconds")
    return number


def stats(*entries: Entry) -> dict[str, t.Any]:
    """The ``ansible_stats`` of a host's result; without an entry: it was looked at, and has nothing pending.

    A list for each host, since lists are added up where dictionaries would overwrite one another; and by host, since
    what is not by host becomes a variable of the next job in an AWX workflow.
    """
    data = []
    for entry in entries:
        item = dataclasses.asdict(entry)
        item.update({"from": item.pop("version_from"), "to": item.pop("version_to"), "why": list(entry.why)})
        data.append(item)
    return {"data": {KEY: data}, "per_host": True, "aggregate": True}


def collect(custom: t.Mapping[str, t.Any]) -> list[Entry]:
    """What the hosts reported, from ``AggregateStats.custom``; what is no entry is left out.

    Each once: Ansible gives the result of a ``run_once`` task to every host of the play.
    """
    found: dict[Entry, None] = {}
    for data in custom.values():
        items = data.get(KEY) if isinstance(data, t.Mapping) else None
        for item in items if isinstance(items, (list, tuple)) else ():
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                found[Entry.of(item)] = None
    return list(found)


def reported(custom: t.Mapping[str, t.Any]) -> list[str]:
    """The hosts that said anything, be it that there is nothing to change."""
    return [host for host, data in custom.items() if isinstance(data, t.Mapping) and KEY in data]


def sentence(words: object) -> str:
    """The first sentence of an error, with the first words of who refused where it ends in a colon."""
    text = re.sub(r"^((Task|Action|Module) failed: )+", "", str(words))  # ansible-core's own words in front
    lines = [line for line in map(flat, text.splitlines()) if line] or ["no reason was given"]
    first = re.split(r"(?<=[.!?]) (?=[A-Z])", lines[0])[0]
    if first.endswith(":") and len(lines) > 1:
        first += " " + lines[1].removeprefix("| ")
    return first if len(first) <= LONGEST else first[:LONGEST] + "..."


def flat(text: str) -> str:
    """On one line, without what would move a terminal's cursor."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def table(entries: t.Sequence[Entry], lost: t.Mapping[str, str], hosts: t.Collection[str] = ()) -> str:
    """What was changed, the sum of it, the waves as a picture, and what failed.

    :param lost: hosts that failed or could not be reached, with a sentence each.
    :param hosts: those that reported, also those without an entry, which run what is planned.
    """
    entries = ordered(entries)
    same = set(hosts) - {entry.host for entry in entries} - set(lost)
    parts = [
        columns([HEADING, *map(_row, entries)]) if entries else [],
        [_total(entries, lost, len(same)) if entries else _nothing(lost, len(same))],
        _timeline(entries),
        _failures(entries, lost),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def ordered(entries: t.Sequence[Entry]) -> list[Entry]:
    """By when they began, so by wave, also where several plays of a run have waves; what was only staged comes last."""
    known = {(entry.host, entry.component) for entry in entries if entry.did != STAGED}
    kept = [entry for entry in entries if entry.did != STAGED or (entry.host, entry.component) not in known]
    return sorted(kept, key=lambda entry: (entry.did == STAGED, entry.began or 0.0, entry.wave or 0))


def _wave(entry: Entry) -> str:
    return f"{entry.wave}/{entry.waves}" if entry.waves else str(entry.wave or "-")


def _row(entry: Entry) -> list[str]:
    gates = [entry.gate_before, entry.gate_after]
    return [
        entry.host,
        entry.title,
        entry.words,
        _wave(entry),
        _versions(entry),
        _seconds(entry.out_of_service),
        "-" if gates == [None, None] else " / ".join(map(_seconds, gates)),
        named([flat(why).rstrip(".") for why in entry.why], 3) or "-",
    ]


def _versions(entry: Entry) -> str:
    if entry.did == "remove":
        return f"{entry.version_from or '-'} -> none"
    if entry.version_from and entry.version_to and entry.version_from != entry.version_to:
        return f"{entry.version_from}{', not' if entry.did == 'taken back' else ' ->'} {entry.version_to}"
    return entry.version_to or entry.version_from or "-"


def _seconds(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:.1f} s" if number < 60 else duration(number)


def _hosts(count: int) -> str:
    return f"{count} host{'' if count == 1 else 's'}"


def _runs(count: int) -> str:
    return f"{_hosts(count)} run{'s' if count == 1 else ''} what is planned"


def _nothing(lost: t.Mapping[str, str], same: int) -> str:
    if not lost:
        return f"Nothing was changed: {_runs(same)}." if same else "Nothing was changed."
    return f"No change is known; {_runs(same)}; failed: {named(list(lost))}."


def _total(entries: t.Sequence[Entry], lost: t.Mapping[str, str], same: int) -> str:
    """In a line; it claims nothing that the entries do not say."""
    parts = []
    for check, words in ((False, "changed"), (True, "would change")):
        done = [entry for entry in entries if entry.check is check and entry.ok and entry.did in DONE]
        if done:
            counts = collections.Counter(entry.words for entry in done)
            by_words = ", ".join(f"{name}: {count}" for name, count in counts.items())
            parts.append(f"{_hosts(len({entry.host for entry in done}))} {words} ({by_words})")
    failed = list(dict.fromkeys([*(entry.host for entry in entries if not entry.ok), *lost]))
    staged = list(dict.fromkeys(entry.host for entry in entries if entry.did == STAGED))
    parts += [] if parts else ["no change was completed" if failed else "nothing was changed"]
    parts += [text for text in (_waves(entries), _outages(entries, bool(failed))) if text]
    parts += [_runs(same)] if same else []
    parts += [f"staged, not changed: {named(staged)}"] if staged else []
    parts += [f"failed: {named(failed)}"] if failed else []
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


def _waves(entries: t.Sequence[Entry]) -> str:
    gone = {entry.wave for entry in entries if entry.wave}
    planned = {entry.waves for entry in entries if entry.wave}
    # Several plays with waves of their own can't be counted together.
    if len(planned) != 1 or None in planned:
        return ""
    (number,) = planned
    return f"{len(gone)} of {number} waves" if len(gone) != number else f"{number} wave{'' if number == 1 else 's'}"


def _outages(entries: t.Sequence[Entry], failed: bool) -> str:
    """The longest time out of service; that no two of a set were so together only where that is certain."""
    known = [entry for entry in entries if entry.out_of_service]
    if not known:
        return ""
    worst = max(known, key=lambda entry: entry.out_of_service or 0.0)
    text = f"out of service at most {_seconds(worst.out_of_service)} ({worst.host}, {worst.title})"
    interrupts = [entry for entry in entries if not entry.check and entry.did in ("restart", "flip")]
    if failed or any(entry.out_of_service is None for entry in interrupts):
        return f"{text} where that is known"
    sets: dict[tuple[str, str], set[tuple[int | None, str]]] = {}
    for entry in known:
        sets.setdefault((entry.component, entry.cohort), set()).add((entry.wave, entry.host))
    several = [members for members in sets.values() if len({host for _wave, host in members}) > 1]
    # Waves follow one another: with a wave of its own, a member was never away together with another one.
    apart = all(len({wave for wave, _host in members if wave}) == len(members) for members in several)
    return f"{text}, never two of a set at once" if several and apart else text


def _timeline(entries: t.Sequence[Entry]) -> list[str]:
    """A bar for each component that was changed in a wave, to scale; nothing where that could not be read."""
    shown = [entry for entry in entries if entry.wave and entry.began and entry.phases and not entry.check]
    if not 1 < len(shown) <= MOST_BARS:
        return []
    waves = [f"wave {_wave(entry)}" for entry in shown]
    labels = [
        [wave if wave != before else "", entry.host, entry.title]
        for entry, wave, before in zip(shown, waves, ["", *waves], strict=False)
    ]
    lines = columns(labels)
    width = max(map(len, lines))
    start = min(entry.began or 0.0 for entry in shown)
    whole = max((entry.began or 0.0) + entry.took for entry in shown) - start
    # Short phases have a mark, too, so bars are longer than their scale says: take a scale at which all have room.
    for room in range(WIDTH - width - 2, NARROWEST, -1):
        bars = _bars(shown, start, room / whole)
        if max(map(len, bars)) <= WIDTH - width - 2:
            told = f"The waves, {_seconds(whole)} in all (. gate, = work, # out of service, ! failed):"
            return [told, *(f"{line.ljust(width)}  {drawn}" for line, drawn in zip(lines, bars, strict=True))]
    return []


def _bars(shown: t.Sequence[Entry], start: float, scale: float) -> list[str]:
    """One for each, beginning where it began: after the bars of all that had ended by then.

    :param scale: marks a second.
    """
    bars: dict[int, str] = {}
    ends: list[tuple[float, int]] = []
    for index in sorted(range(len(shown)), key=lambda index: shown[index].began or 0.0):
        entry = shown[index]
        began = entry.began or 0.0
        column = max([round((began - start) * scale), *(end for moment, end in ends if moment <= began)])
        marks = "".join(mark * max(1, round(seconds * scale)) for mark, seconds in entry.phases)
        bars[index] = " " * column + marks + ("" if entry.ok else "!")
        ends.append((began + entry.took, len(bars[index])))
    return [bars[index] for index in range(len(shown))]


def _failures(entries: t.Sequence[Entry], lost: t.Mapping[str, str]) -> list[str]:
    """A line for each: entries name their component; of other hosts there is what ended them."""
    told = [
        (entry.host, f"{entry.host}, {entry.title}", entry.error or lost.get(entry.host, ""))
        for entry in entries
        if not entry.ok
    ]
    hosts = {host for host, _subject, _error in told}
    told += [(host, host, error) for host, error in lost.items() if host not in hosts]
    # Errors begin with the place in the inventory, which begins with the host.
    lines = [
        f"  {subject}: {re.sub(f'^host {re.escape(host)}[:,] ', '', sentence(error))}" for host, subject, error in told
    ]
    return ["What failed:", *lines] if lines else []
