# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command-line flags as a program's own ``--help`` tells them, and whether it takes an argv.

For programs built with kingpin: prometheus, alertmanager, thanos and its commands, the exporters. The forms are those
of kingpin's usage template, old and new: Debian's prometheus 2.53.3 shows ``--web.enable-lifecycle``, 3.5.3
``--[no-]web.enable-lifecycle``; a flag that may be repeated is followed by `` ...``.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Runner

# A flag begins in the seventh column, after ``  -h, `` or blanks; wrapped help text stands further to the right and may
# begin with dashes itself ("--help-long and --help-man").
_FLAG = re.compile(
    r"""^(?:\ \ -\S,\ |\ {6})
        --(?:\[no-\])?(?P<name>[A-Za-z0-9][\w.-]*)
        (?P<value>=(?:"(?:[^"\\]|\\.)*"|\S*))?
        (?P<repeated>\ \.\.\.)?
        (?=\s|$)""",
    re.VERBOSE | re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Flag:
    """How a flag is written.

    :param boolean: as ``--x`` or ``--no-x``, without a value.
    :param repeated: may be given more than once.
    """

    boolean: bool
    repeated: bool


def parse_help(text: str) -> dict[str, Flag]:
    """The flags that a ``--help`` shows, without dashes. Hidden ones are not among them: see ``refused``.

    :raises HAError: when there is none, so that a broken program is not taken for one without flags.
    """
    flags: dict[str, Flag] = {}
    for match in _FLAG.finditer(text):
        flags[match.group("name")] = Flag(boolean=not match.group("value"), repeated=bool(match.group("repeated")))
    if not flags:
        raise HAError(
            "No flag was found in the program's --help.", said=text[:2000], do="Run it by hand with --help on the host."
        )
    return flags


def nearest(name: str, names: t.Iterable[str]) -> str:
    """The name that a mistyped one probably means, or nothing."""
    found = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.75)
    return found[0] if found else ""


def _given_twice(argv: t.Sequence[str], flags: t.Mapping[str, Flag]) -> list[str]:
    names = [word[2:].partition("=")[0] for word in argv if word.startswith("--")]
    twice = sorted({name for name in names if names.count(name) > 1 and name in flags and not flags[name].repeated})
    return [f"--{name} may be given only once." for name in twice]


def check_argv(argv: t.Sequence[str], flags: t.Mapping[str, Flag]) -> list[str]:
    """What is wrong with an argv by these flags, one sentence each; the words of a command (``tools bucket ls``) lead.

    :param argv: without the executable.
    """
    problems = _given_twice(argv, flags)
    words = list(argv)
    while words and not words[0].startswith("-"):
        words.pop(0)
    while words:
        word = words.pop(0)
        if not word.startswith("--") or word == "--":
            problems.append(f"{word!r} is neither a flag nor the value of one.")
            continue
        name, has_value, _value = word[2:].partition("=")
        negated = name not in flags and name.startswith("no-") and name[3:] in flags
        name = name[3:] if negated else name
        flag = flags.get(name)
        if flag is None:
            meant = nearest(name, flags)
            problems.append(f"There is no flag --{name}." + (f" Is --{meant} meant?" if meant else ""))
            continue
        if flag.boolean and has_value:
            problems.append(f"--{name} takes no value: write --{name} or --no-{name}.")
        elif not flag.boolean and negated:
            problems.append(f"--{name} takes a value: it has no --no-{name}.")
        elif not flag.boolean and not has_value:
            if not words or words[0].startswith("--"):
                problems.append(f"--{name} needs a value.")
            else:
                words.pop(0)
    return problems


def refused(run: Runner, executable: str, argv: t.Sequence[str]) -> list[str]:
    """What a staged program has against an argv, by asking it; nothing is started.

    With ``--help`` at its end an argv is parsed, hidden flags included, and the program prints its usage (rc 0) or
    refuses: tried with prometheus 2.53.3 and 3.5.3, alertmanager 0.28.1 and 0.33.1. Values are not judged, and a flag
    given twice gets past it, so that is looked for here.

    :param argv: without the executable.
    :returns: one sentence a fault; the program's own words where it knows better than its ``--help``.
    :raises HAError: when the program cannot tell its flags at all.
    """
    done = run([executable, *argv, "--help"])
    if done.rc == 0:
        return _given_twice(argv, parse_help(done.words))
    command = list(itertools.takewhile(lambda word: not word.startswith("-"), argv))
    usage = run([executable, *command, "--help"])
    return check_argv(argv, parse_help(usage.words)) or done.words.splitlines()[:1]
