# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback in runs of the real ansible-playbook: which of them load it, and what it says in the end."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _run_summary
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._run_summary import Entry
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import CASES, ROOT, Ran, local, playbook

CALLBACK = ROOT / "playbooks" / "callback_plugins" / "prometheus_ha_summary.py"
INVENTORY = {"all": {"hosts": local("eu-1", "eu-2", "us-1")}}
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
HEADING = "HOST  COMPONENT"
Tasks = t.Sequence[t.Mapping[str, t.Any]]


def report(*entries: Entry, host: str, data: t.Any = None, **keywords: t.Any) -> dict[str, t.Any]:
    """A task of one host that reports as the actions do."""
    stats = _run_summary.stats(*entries)
    if data is not None:
        stats["data"] = {_run_summary.KEY: data}
    return {"ansible.builtin.set_stats": stats, "when": f"inventory_hostname == '{host}'", **keywords}


def restarted(host: str, wave: int, **change: t.Any) -> Entry:
    values: dict[str, t.Any] = {
        "component": "prometheus",
        "title": "Prometheus",
        "did": "restart",
        "check": False,
        "cohort": "set eu",
        "began": 1795661200.0 + wave * 40,
        "seconds": 8.0,
        "waves": 2,
        "out_of_service": 2.14,
        "gate_after": 30.0,
    }
    return Entry(host=host, wave=wave, **{**values, **change})


CHANGES = [
    report(restarted("eu-1", 1), host="eu-1"),
    report(restarted("eu-2", 2), host="eu-2"),
    # One that reports twice keeps both.
    report(
        restarted("eu-1", 1, component="alertmanager", title="Alertmanager", did="reload", out_of_service=None),
        host="eu-1",
    ),
    report(host="us-1"),
]
SUM = (
    "2 hosts changed (restarted: 2, reloaded: 1); 2 waves; out of service at most 2.1 s (eu-1, Prometheus), "
    "never two of a set at once; 1 host runs what is planned."
)


def play(tasks: Tasks) -> dict[str, t.Any]:
    return {"hosts": "all", "gather_facts": False, "tasks": list(tasks)}


def beside(folder: Path, tasks: Tasks) -> Path:
    """A playbook that has the callback beside it, as those of the collection have."""
    books = folder / "playbooks"
    (books / "callback_plugins").mkdir(parents=True)
    shutil.copy(CALLBACK, books / "callback_plugins")
    (books / "run.yml").write_text(json.dumps([play(tasks)]), encoding="utf-8")
    return books / "run.yml"


def run(folder: Path, tasks: Tasks, *extra: str, inventory: t.Mapping[str, t.Any] | None = None) -> Ran:
    return playbook(folder, inventory or INVENTORY, beside(folder, tasks), *extra)


def changed(lines: t.Iterable[str]) -> list[str]:
    """The hosts of the rows of a Prometheus."""
    return [line.split()[0] for line in lines if re.search("Prometheus +(restarted|failed) ", line)]


def ending(ran: Ran) -> list[str]:
    """The lines after Ansible's own recap."""
    recap = max(index for index, line in enumerate(ran.lines) if line.startswith("PLAY RECAP"))
    rest = ran.lines[recap:]
    return rest[rest.index("") + 1 :]


@pytest.mark.parametrize("imported", [False, True])
def test_a_playbook_beside_it_and_one_that_imports_that(tmp_path: Path, imported: bool) -> None:
    book = beside(tmp_path, CHANGES)
    if imported:
        book = tmp_path / "site.yml"
        book.write_text(json.dumps([{"import_playbook": "playbooks/run.yml"}]), encoding="utf-8")
    ran = playbook(tmp_path, INVENTORY, book)
    assert ran.rc == 0, ran.words
    lines = ending(ran)
    assert [line.split()[:3] for line in lines[:4]] == [
        ["HOST", "COMPONENT", "DID"],
        ["eu-1", "Prometheus", "restarted"],
        ["eu-1", "Alertmanager", "reloaded"],
        ["eu-2", "Prometheus", "restarted"],
    ]
    assert SUM in lines
    assert any(line.startswith("wave 2/2  eu-2") for line in lines)
    assert "callback" not in ran.words


@pytest.mark.parametrize("imported", [False, True])
def test_the_collection_by_its_full_name(tmp_path: Path, imported: bool) -> None:
    """The real callback, loaded since a playbook of the collection is run; that one itself has nothing to tell."""
    book = tmp_path / "own.yml"
    plan = "baremetal.prometheus_ha.plan"
    first = [{"import_playbook": plan}] if imported else []
    book.write_text(json.dumps([*first, play(CHANGES[:1])]), encoding="utf-8")
    inventory = tmp_path / "hosts.yml"
    prometheus = {"hosts": local("eu-1", "eu-2", prometheus_version="3.5.3")}
    inventory.write_text(json.dumps({"prometheus": prometheus}), encoding="utf-8")
    ran = playbook(tmp_path, inventory, book) if imported else playbook(tmp_path, inventory, Path(plan), str(book))
    assert ran.rc == 0, ran.words
    assert changed(ran.lines) == ["eu-1"]
    assert ending(ran)[0].startswith(HEADING)


def test_a_playbook_of_somebody_else_does_not_load_it(tmp_path: Path) -> None:
    ran = playbook(tmp_path, INVENTORY, [play(CHANGES)])
    assert ran.rc == 0, ran.words
    assert ending(ran) == []


def test_playbooks_of_one_command_tell_their_own_changes(tmp_path: Path) -> None:
    book = beside(tmp_path, CHANGES)
    second = book.with_name("second.yml")
    second.write_text(json.dumps([play([report(restarted("us-1", 1), host="us-1")])]), encoding="utf-8")
    third = book.with_name("third.yml")
    third.write_text(json.dumps([play([{"ansible.builtin.meta": "noop"}])]), encoding="utf-8")
    ran = playbook(tmp_path, INVENTORY, book, str(second), str(third))
    assert ran.rc == 0, ran.words
    assert changed(ran.lines) == ["eu-1", "eu-2", "us-1"]
    assert ending(ran) == []


def test_nothing_to_change(tmp_path: Path) -> None:
    ran = run(tmp_path, [report(host="eu-1"), report(host="us-1")])
    assert ran.rc == 0, ran.words
    assert ending(ran) == ["Nothing was changed: 2 hosts run what is planned."]


def test_check_mode(tmp_path: Path) -> None:
    one = restarted("eu-1", 1, check=True, out_of_service=None, gate_after=None)
    ran = run(tmp_path, [report(one, host="eu-1"), report(host="us-1")], "--check")
    assert ran.rc == 0, ran.words
    assert "1 host would change (would restart: 1); 1 of 2 waves; 1 host runs what is planned." in ending(ran)


def test_a_run_that_fails(tmp_path: Path) -> None:
    """What failed says what it did before it failed; one is unreachable; one was rescued, and one is let pass."""
    failed = restarted("eu-2", 2, did="failed", ok=False, error="it does not come up.", out_of_service=None)
    odd = {"msg": "first.\nDo: look."}
    hosts = local("eu-1", "eu-2", "us-1", "us-2", "us-3", "us-4")
    hosts["us-1"].update(GONE)
    only = "inventory_hostname == "
    tasks = [
        report(restarted("eu-1", 1), host="eu-1"),
        report(failed, host="eu-2", failed_when=True),
        {"ansible.builtin.command": "true", "when": f"{only}'us-1'"},
        {"ansible.builtin.fail": odd, "when": f"{only}'us-2'", "ignore_errors": True},
        {"ansible.builtin.fail": {"msg": "passed"}, "when": f"{only}'us-4'", "ignore_errors": True},
        {
            "block": [{"ansible.builtin.fail": odd, "when": f"{only}'us-3'"}],
            "rescue": [{"ansible.builtin.meta": "noop"}],
        },
        {
            "block": [{"ansible.builtin.fail": odd, "when": f"{only}'us-4'"}],
            "rescue": [{"ansible.builtin.fail": {"msg": "what follows"}}],
        },
    ]
    ran = run(tmp_path, tasks, inventory={"all": {"hosts": hosts}})
    assert ran.rc != 0
    lines = ending(ran)
    assert changed(lines) == ["eu-1", "eu-2"]
    assert "; failed: eu-2, us-1, us-4." in next(line for line in lines if line.startswith("1 host changed"))
    told = lines[lines.index("What failed:") + 1 :]
    assert [line.partition(": ")[0] for line in told] == ["  eu-2, Prometheus", "  us-1", "  us-4"]
    assert told[0].endswith(": it does not come up.")
    assert told[1].startswith("  us-1: Failed to connect to the host via ssh: ")
    assert told[2] == "  us-4: first."


def test_a_loop_that_fails_in_part(tmp_path: Path) -> None:
    """Ansible keeps no statistics of any of its items."""
    task = report(host="eu-1", data=["{{ item }}"], loop=["{{ one }}", "{{ two }}"], failed_when="item.wave == 2")
    said = [_run_summary.stats(restarted("eu-1", wave))["data"][_run_summary.KEY][0] for wave in (1, 2)]
    task["vars"] = {"one": said[0], "two": said[1]}
    ran = run(tmp_path, [task])
    assert ran.rc != 0
    assert changed(ending(ran)) == ["eu-1", "eu-1"]


def test_what_is_hidden_stays_so(tmp_path: Path) -> None:
    tasks = [
        report(restarted("us-1", 1), host="us-1"),
        {
            "ansible.builtin.assert": {"that": False, "fail_msg": "the password is hunter2."},
            "no_log": True,
            "when": "inventory_hostname == 'eu-1'",
        },
    ]
    ran = run(tmp_path, tasks, "-vvv")
    assert ran.rc != 0
    # Above it, ansible-core 2.19 itself shows the message of a failure, despite no_log.
    assert "hunter2" not in "".join(ending(ran))
    assert any(line.startswith("  eu-1: the output has been hidden") for line in ending(ran))


def test_what_is_odd_is_passed_over_in_silence(tmp_path: Path) -> None:
    odd: list[t.Any] = ["text", 5, {"host": "eu-1"}, ["text", 5, {}], [{"host": "eu-1", "did": []}]]
    tasks = [report(host=f"odd-{number}", data=data) for number, data in enumerate(odd)]
    tasks += [report(restarted("odd-0", 1), host="odd-0"), report(restarted("us-1", 1), host="us-1")]
    names = [f"odd-{number}" for number in range(len(odd))]
    ran = run(tmp_path, tasks, inventory={"all": {"hosts": local(*names, "us-1")}})
    assert ran.rc == 0, ran.words
    assert changed(ending(ran)) == ["us-1"]
    assert "prometheus_ha_summary" not in ran.words


@pytest.mark.parametrize("stats", [None, object()])
def test_whatever_breaks_in_it_a_run_ends_without_a_word(stats: t.Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = "ansible_collections.baremetal.prometheus_ha.playbooks.callback_plugins.prometheus_ha_summary"
    importlib.import_module(name).CallbackModule().v2_playbook_on_stats(stats)
    told = capsys.readouterr()
    assert told.out + told.err == ""


def test_a_plan_says_nothing_of_changes(tmp_path: Path) -> None:
    for book in ("plan.yml", "preflight.yml"):
        ran = playbook(tmp_path, CASES / "accept" / "two-sets", ROOT / "playbooks" / book)
        assert ran.rc == 0, ran.words
        assert ending(ran) == []


def test_for_programs_it_is_a_file_of_all_entries_also_of_what_failed(tmp_path: Path) -> None:
    failed = {
        "ansible.builtin.fail": {"msg": "no"},
        "when": "inventory_hostname == 'us-1'",
    }
    file = tmp_path / "summary.json"
    ran = run(tmp_path, [*CHANGES, failed], "-e", f"prometheus_ha_summary_file={file}")
    assert ran.rc != 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert [(item["host"], item["component"], item["did"]) for item in found] == [
        ("eu-1", "prometheus", "restart"),
        ("eu-1", "alertmanager", "reload"),
        ("eu-2", "prometheus", "restart"),
    ]
    assert {"from", "to", "out_of_service", "gate_before", "gate_after", "seconds", "wave"} <= found[0].keys()


def test_a_file_that_can_t_be_written_is_told_and_fails_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, CHANGES, "-e", f"prometheus_ha_summary_file={tmp_path}/nowhere/summary.json")
    assert ran.rc == 0
    assert "prometheus_ha_summary_file" in ran.words and "can't be written" in ran.words
