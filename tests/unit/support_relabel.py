# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random relabel configs and regexes, and what a real Prometheus makes of them: a scrape job a case."""

from __future__ import annotations

import dataclasses
import json
import random
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import to_yaml
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Running

Labels = t.Dict[str, str]
# Nobody listens there, and the interval keeps Prometheus from asking.
ADDRESS = "127.0.0.1:1"
_BY_PROMETHEUS = {
    "__address__": ADDRESS,
    "__scheme__": "http",
    "__metrics_path__": "/metrics",
    "__scrape_interval__": "1h",
    "__scrape_timeout__": "10s",
}
# Whatever a case did to them, the target stays valid and on loopback.
_AT_THE_END = [{"target_label": name, "replacement": value} for name, value in _BY_PROMETHEUS.items()]


@dataclasses.dataclass(frozen=True)
class Case:
    """The labels of one target and the configs it goes through."""

    labels: Labels
    configs: list[dict[str, t.Any]]

    def chain(self) -> list[dict[str, t.Any]]:
        return [*self.configs, *_AT_THE_END]

    def before(self, number: int) -> Labels:
        """All labels that relabelling sees: scrape/target.go, PopulateLabels."""
        return {**_BY_PROMETHEUS, "job": job(number), **{key: value for key, value in self.labels.items() if value}}


def job(number: int) -> str:
    return f"case-{number}"


def after(labels: Labels | None) -> Labels | None:
    """What Prometheus makes of relabelled labels: an instance where there is none, nothing with __ in front."""
    if labels is None:
        return None
    visible = {key: value for key, value in labels.items() if not key.startswith("__")}
    return {"instance": ADDRESS, **visible}


def write(folder: Path, cases: t.Mapping[int, Case]) -> Path:
    """A configuration with a scrape job a case."""
    folder.mkdir(parents=True)
    jobs = [
        {
            "job_name": job(number),
            "static_configs": [{"targets": [ADDRESS], "labels": case.labels}],
            "relabel_configs": case.chain(),
        }
        for number, case in cases.items()
    ]
    config = folder / "prometheus.yml"
    config.write_text(to_yaml({"global": {"scrape_interval": "1h"}, "scrape_configs": jobs}))
    return config


def outcomes(running: Running, cases: t.Mapping[int, Case]) -> dict[int, Labels | None]:
    """What a Prometheus with those jobs reports, by case; None: dropped."""
    deadline = time.monotonic() + 40
    while True:
        data = json.loads(running.get("/api/v1/targets?state=any"))["data"]
        if len(data["activeTargets"]) + len(data["droppedTargets"]) >= len(cases):
            break
        if time.monotonic() > deadline:
            pytest.fail(f"Prometheus knows too few targets:\n{running.log.read_text()[-3000:]}")
        time.sleep(0.2)
    found: dict[int, Labels | None] = {}
    for target in [*data["activeTargets"], *data["droppedTargets"]]:
        number = int(target["discoveredLabels"]["job"].rpartition("-")[2])
        assert number not in found
        assert target["discoveredLabels"] == cases[number].before(number)
        found[number] = target.get("labels")
    return found


_NAMES = ["dc", "replica", "env", "host", "team", "__meta_rack", "__meta_env", "exported_dc", "missing"]
_VALUES = {
    "dc": ["europe1", "europe2", "us-east-1", "Frankfurt", "dc"],
    "replica": ["a", "b", "prometheus-0", "dc"],
    "env": ["prod", "Prod", "dev", "", "prod;dev"],
    "host": ["web-01.example.com:9100", "10.0.0.7", "db-2", "web-1"],
    "team": ["db", "größe", "two\nlines", "a$b", "Web Team"],
    "__meta_rack": ["r1", "r22", "rack-07"],
    "__meta_env": ["prod", "dev", "europe1"],
    "exported_dc": ["europe1", "us-east-1"],
}
# What people write.
COMMON_REGEXES = [
    "(.*)",
    "(.+)",
    r"(.+)\d+",
    r"(.+?)(\d*)",
    r"([^:]+)(?::\d+)?",
    "prod|dev",
    "prod;.*",
    "web-.*",
    "(?i)PROD",
    "europe[12]",
    r"^([a-z]+)-(\w+)-(\d)$",
    r"(?P<site>[a-z]+)(?P<number>\d+)",
    "(.*);(.*)",
    ".*",
    "",
    "[[:alpha:]]+",
    r"(?:([a-z]+)-?)+(\d)",
    r"two.*",
    r"\S+ \S+",
    "(a|b|db)",
]
_NAME_REGEXES = ["replica", "replica|dc", "__meta_(.+)", "exported_(.*)", "(.+)_dc", "d.", "[a-d].*", "(e)(.*)", "__.*"]
_REPLACEMENTS = ["$1", "${1}", "$2-$1", "${site}", "x", "", "$1x", "${1}x", "$$1", "$0", "$9", "a$b", "${", "$1;${2}"]
_TARGETS = ["dc", "replica", "env", "new", "host", "x_$1", "${1}_y", "$1"]
_MAPS = [
    {"regex": "__meta_(.+)"},
    {"regex": "__meta_(.+)", "replacement": "new_$1"},
    {"regex": "exported_(.*)", "replacement": "${1}"},
    {"regex": "(.+)_dc", "replacement": "${1}_y"},
    {"replacement": "new_$1"},
    {"regex": "([a-z])(.*)", "replacement": "$2$1_"},
    {"regex": "(?P<kind>host|team)", "replacement": "my_$kind"},
    {"regex": "replica|dc", "replacement": "new"},
]


def chain_case(chance: random.Random) -> Case:
    """A target as people have them, through one to four rules as people write them."""
    present = chance.sample(sorted(_VALUES), chance.randint(2, 6))
    labels = {name: chance.choice(_VALUES[name]) for name in present}
    return Case(labels, [_config(chance) for _rule in range(chance.choice([1, 1, 2, 3, 4]))])


def _config(chance: random.Random) -> dict[str, t.Any]:
    action = chance.choice(
        ["replace"] * 6
        + ["keep", "drop", "drop", "labeldrop", "labelkeep", "labelmap", "labelmap", "hashmod", "lowercase"]
        + ["uppercase", "keepequal", "dropequal", "Replace", "LABELDROP"]
    )
    kind = action.lower()
    config: dict[str, t.Any] = {} if action == "replace" and chance.random() < 0.5 else {"action": action}
    if kind == "labelmap":
        return {**config, **chance.choice(_MAPS)}
    if kind in ("labeldrop", "labelkeep"):
        return {**config, "regex": chance.choice(_NAME_REGEXES) + ("|host|job" if kind == "labelkeep" else "")}
    if chance.random() < 0.95:
        config["source_labels"] = chance.sample(_NAMES, chance.choice([1, 1, 1, 2, 3]))
    if kind not in ("keep", "drop"):
        config["target_label"] = chance.choice(_TARGETS if kind == "replace" else ["dc", "env", "new", "exported_dc"])
    if kind in ("keepequal", "dropequal"):
        return config
    if kind == "hashmod":
        config["modulus"] = chance.choice([1, 2, 3, 8, 1000, 2**64 - 1])
    if chance.random() < 0.3:
        config["separator"] = chance.choice(["", "-", ";", "/", "::"])
    if chance.random() < 0.85:
        config["regex"] = chance.choice(COMMON_REGEXES)
    if kind == "replace" and chance.random() < 0.7:
        config["replacement"] = chance.choice(_REPLACEMENTS)
    return config


_COMMON_PIECES = ["a", "b", "ab", ".", "", "[ab]", "a*", "b?"]
_PIECES = [
    *["a", "b", "k", "S", "ab", "", ".", "é", "_", " ", r"\n", "\u017f", "^", "$", "{", "}", ","],
    *[
        "[ab]",
        "[^a]",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        r"[\d-b]",
        "[[:alpha:]]",
        "[[:^word:]_]",
        "[:a:]",
        "[[a]",
        r"[\.]",
    ],
    *[r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", r"\.", r"\_", r"\-"],
    *[r"\x61", r"\x{62}", r"\141", r"\07", r"\Qa.\E", r"\v", "(?i)", "(?s)", "(?m)", "(?U)", "(?-s)", "(?)"],
    # RE2 refuses these, or they are read otherwise than they look.
    *["(?=a)", "(?!a)", "(?<=a)", "(?P=x)", "(?#a)", r"\1", r"\Z", r"\C", r"\pL", r"\p{Greek}", "[z-a]", "[a", "("],
    *["**", "a++", "{2}", "{,2}", "{02}", "{1001}", "{2,1}", "a)|(b", r"\Q", "(?i)é", "(?P<x>a)(?P<x>b)"],
]
_COUNTS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,}", "{0,2}", "{1,3}?", "{0,}"]
_OPENED = ["(", "(", "(?:", "(?i:", "(?U:", "(?m:", "(?s:", "(?-s:", "(?i-s:", "(?P<x>", "(?<y>"]


def odd_regex(chance: random.Random, depth: int = 0) -> str:
    """A regex from a grammar of common and odd constructs; it may be one that RE2 refuses."""
    kind = chance.random()
    if depth > 3 or kind < 0.3:
        return chance.choice(_PIECES if chance.random() < 0.3 else _COMMON_PIECES)
    if kind < 0.55:
        return odd_regex(chance, depth + 1) + odd_regex(chance, depth + 1)
    if kind < 0.7:
        return f"({odd_regex(chance, depth + 1)}|{odd_regex(chance, depth + 1)})"
    counted = chance.choice(_COUNTS) if kind < 0.9 else ""
    return f"{chance.choice(_OPENED)}{odd_regex(chance, depth + 1)}){counted}"


def regex_case(chance: random.Random) -> Case:
    """One regex on some texts; the labels found_n show whether it matched, and what each group held."""
    # Half of them may begin and end anywhere, or hardly a text would match.
    regex = odd_regex(chance) if chance.random() < 0.5 else f"(.*?)(?:{odd_regex(chance)})(.*)"
    config = {"regex": regex, "replacement": "[$0|$1|$2|$3|${x}|${y}]"}
    labels = {f"text_{number}": _odd_text(chance) for number in range(6)}
    return Case(
        labels, [{**config, "source_labels": [name], "target_label": f"found_{name[5:]}"} for name in sorted(labels)]
    )


def _odd_text(chance: random.Random) -> str:
    letters = chance.choice(["ab", "ab", "aabbkKsSAB1_- .\n\u00e9\u212a\u017f,{}"])
    return "".join(chance.choice(letters) for _char in range(chance.choice([1, 2, 3, 4, 6])))
