# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interpreter of relabel configs against real Prometheus 2.53.3 and 3.5.3: random chains and random regexes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import UndecidedError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._relabel import relabel
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_relabel as support
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import PROMETHEUS, binaries, prometheus

CHAINS = 300
REGEXES = 400
# Another seed tries other cases: RELABEL_SEED=7 scripts/dev pytest ...
SEED = int(os.environ.get("RELABEL_SEED", "20261120"))

Outcomes = t.Dict[int, t.Optional[support.Labels]]


@dataclasses.dataclass(frozen=True)
class Compared:
    """The cases that the interpreter decides for one version, its outcomes and Prometheus'; the others by case."""

    cases: dict[int, support.Case]
    expected: Outcomes
    seen: Outcomes
    undecided: dict[int, UndecidedError]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compared]:
    """Both versions at once, since each takes seconds to look at its targets."""
    chance = random.Random(SEED)
    print(f"RELABEL_SEED={SEED}")
    cases = [support.chain_case(chance) for _case in range(CHAINS)]
    cases += [support.regex_case(chance) for _case in range(REGEXES)]
    prepared: dict[str, Compared] = {}
    with contextlib.ExitStack() as stack:
        servers = {}
        for version in PROMETHEUS:
            said = {number: _said(case, number, version) for number, case in enumerate(cases)}
            undecided = {number: words for number, words in said.items() if isinstance(words, UndecidedError)}
            expected = {number: words for number, words in said.items() if not isinstance(words, UndecidedError)}
            prepared[version] = Compared({number: cases[number] for number in expected}, expected, {}, undecided)
            config = support.write(tmp_path_factory.mktemp("relabel") / "etc", prepared[version].cases)
            args = ["--scrape.discovery-reload-interval=200ms"]
            servers[version] = stack.enter_context(prometheus(version, config, *args))
        return {
            version: dataclasses.replace(found, seen=support.outcomes(servers[version], found.cases))
            for version, found in prepared.items()
        }


def _said(case: support.Case, number: int, version: str) -> support.Labels | UndecidedError | None:
    try:
        return support.after(relabel(case.before(number), case.chain(), version=version))
    except UndecidedError as problem:
        return problem


@pytest.mark.parametrize("version", PROMETHEUS)
def test_prometheus_agrees(compared: dict[str, Compared], version: str) -> None:
    found = compared[version]
    wrong = [
        f"{number}: {found.cases[number]}\n  interpreter: {found.expected[number]}\n  Prometheus:  {found.seen[number]}"
        for number in found.cases
        if found.expected[number] != found.seen[number]
    ]
    assert not wrong, f"RELABEL_SEED={SEED}: {len(wrong)} cases differ\n" + "\n".join(wrong[:10])


@pytest.mark.parametrize("version", PROMETHEUS)
def test_the_comparison_covers_what_it_is_for(compared: dict[str, Compared], version: str) -> None:
    found = compared[version]
    chains = [number for number in found.cases if number < CHAINS]
    regexes = [found.seen[number] or {} for number in found.cases if number >= CHAINS]
    tried = sum(name.startswith("text_") for labels in regexes for name in labels)
    kept = [number for number in chains if found.seen[number] is not None]
    changed = [number for number in kept if found.seen[number] != support.after(found.cases[number].before(number))]
    matched = sum(name.startswith("found_") for labels in regexes for name in labels)
    print(
        f"Prometheus {version}, RELABEL_SEED={SEED}: {len(chains)} chains, {len(kept)} kept, {len(changed)} changed; "
        f"{len(regexes)} regexes on {tried} texts, {matched} matched; undecided: {len(found.undecided)}"
    )
    assert len(chains) - len(kept) >= 40
    assert len(changed) >= 100
    assert len(regexes) >= 200
    assert matched >= 150
    assert tried - matched >= 150
    # What people write is decided, but for labels of which labelmap makes one, and the case of an ö.
    undecided = [problem for number, problem in found.undecided.items() if number < CHAINS]
    assert len(undecided) <= CHAINS * 3 // 100, undecided


def test_versions_differ_where_they_should(compared: dict[str, Compared]) -> None:
    """The dot matches a newline since Prometheus 3, so the cases can tell the two apart."""
    old, new = (compared[version].expected for version in PROMETHEUS)
    assert any(old[number] != new[number] for number in old.keys() & new.keys())


# What RE2 refuses wherever it stands, and what Config.Validate() does.
REFUSED: list[dict[str, t.Any]] = [
    *[
        {"target_label": "x", "regex": regex}
        for regex in ("a(?=b)", "(?<!a)b", r"(a)\1", "a++", r"\Z", "[b-a]", "a{1001}", "(", "[a", r"\Q", "*", r"\C")
    ],
    {},
    {"action": "keeep"},
    {"action": "hashmod", "source_labels": ["a"], "target_label": "x"},
    {"action": "hashmod", "source_labels": ["a"], "target_label": "x", "modulus": -1},
    {"action": "labeldrop", "regex": "a", "source_labels": ["a"]},
    {"action": "labeldrop", "regex": "a", "replacement": "x"},
    {"action": "labelkeep", "regex": "a", "source_labels": []},
    {"action": "keepequal", "source_labels": ["a"], "target_label": "x", "regex": "(.*)"},
    {"action": "lowercase", "source_labels": ["a"], "target_label": "x", "replacement": "y"},
    {"action": "labelmap", "regex": "a", "replacement": ""},
    {"source_labels": "a", "target_label": "x"},
    {"source_label": ["a"], "target_label": "x"},
]


@pytest.mark.parametrize("version", PROMETHEUS)
def test_what_is_said_to_be_refused_is_refused(tmp_path: Path, version: str) -> None:
    promtool = binaries("prometheus", version) / "promtool"
    for number, config in enumerate(REFUSED):
        with pytest.raises(UndecidedError, match="Prometheus would refuse this") as said:
            relabel({"a": "b"}, [config], version=version)
        file = support.write(tmp_path / str(number), {0: support.Case({"a": "b"}, [config])})
        done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
        assert done.returncode == 1, (config, str(said.value), done.stdout)


def test_names_beyond_ascii_are_those_of_prometheus_3(tmp_path: Path) -> None:
    config = {"target_label": "größe", "replacement": "x"}
    assert relabel({"a": "b"}, [config], version="3.5.3") == {"a": "b", "größe": "x"}
    with pytest.raises(UndecidedError, match="Prometheus would refuse this"):
        relabel({"a": "b"}, [config], version="2.53.3")
    file = support.write(tmp_path / "etc", {0: support.Case({"a": "b"}, [config])})
    for version, code in (("2.53.3", 1), ("3.5.3", 0)):
        promtool = binaries("prometheus", version) / "promtool"
        assert subprocess.run([promtool, "check", "config", file], capture_output=True, check=False).returncode == code
