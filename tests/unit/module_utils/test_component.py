# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A component as a whole on a host of files: real release, real files, real unit; systemd and Prometheus are played."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign, _preflight_listen
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._component import Outcome
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import Completed
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_component import Host
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_service import OK, Behaviour


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


# -- a fresh host -----------------------------------------------------------------------------------------------------


def test_staging_a_fresh_host_installs_and_checks_but_starts_nothing(host: Host) -> None:
    outcome = host.component().stage()
    assert outcome.pending == "start"
    assert outcome.changed
    assert "installed prometheus 3.5.3" in outcome.actions
    assert Path(host.executable("3.5.3")).exists()
    assert host.systemd.verbs() == []
    assert not host.config.exists()
    assert host.systemd.text() == ""
    assert [line for line in host.tools if "promtool check config" in line]
    assert [line for line in host.tools if line.endswith("--xone=1 --help")]


def test_a_staged_host_is_not_changed_by_staging_again(host: Host) -> None:
    host.component().stage()
    before = host.disk()
    outcome = host.component().stage()
    assert (outcome.pending, outcome.changed) == ("start", False)
    assert host.disk() == before


def test_the_first_activation_starts_enables_and_links(host: Host) -> None:
    outcome = host.component().activate()
    assert outcome.pending == "none"
    assert outcome.seconds is not None
    assert host.running() == host.executable("3.5.3")
    assert host.systemd.enabled
    assert os.readlink(host.links / "promtool") == str(host.opt / "prometheus/3.5.3/bin/promtool")
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"
    again = host.component().activate()
    assert (again.pending, again.changed, again.actions, again.diff) == ("none", False, [], [])


def test_check_mode_on_a_fresh_host_writes_nothing_and_says_the_same(host: Host) -> None:
    host.archive("3.5.3")
    before = host.disk()
    would = host.component(apply=False, archive=False).activate()
    assert host.disk() == before
    assert host.systemd.verbs() == []
    assert would.pending == "start"
    did = host.component().activate()
    shared = [action for action in did.actions if not action.startswith("linked")]
    assert would.actions == shared
    assert [entry["after"] for entry in would.diff] == [entry["after"] for entry in did.diff]


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"archive": False}, "amd64"),
        ({"archive": True}, None),
        ({"archive": False, "apply": False}, None),
        ({"archive": False, "state": "absent"}, None),
        ({"archive": False, "fetch": "target"}, None),
    ],
)
def test_which_archive_the_controller_must_bring(host: Host, values: dict[str, t.Any], expected: str | None) -> None:
    assert host.component(**values).lacks_archive() == expected


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[dict[str, t.Any]]:
    """A port of loopback that a live preflight which was cut off left taken."""
    bound = _preflight_listen.bound("127.0.0.1", 0, "tcp")
    port, nonce = bound.getsockname()[1], os.urandom(8).hex()
    _preflight_listen.start({("127.0.0.1", port, "tcp"): bound}, nonce, "me", {port: ["peer"]}, 20.0)
    known, name = _preflight_listen._found, _preflight_listen._name(nonce, "me")
    # None of another test that runs meanwhile.
    monkeypatch.setattr(
        _preflight_listen, "_found", lambda proc: {key: inode for key, inode in known(proc).items() if key == name}
    )
    yield {"port": port, "protocol": "tcp", "address": "127.0.0.1"}
    _preflight_listen.end(nonce, "me")


def _is_free(port: t.Mapping[str, t.Any]) -> bool:
    return not _foreign.ports_in_use([_foreign.Port.from_params(port)], "prometheus.service")


def test_what_a_cut_off_preflight_left_on_a_port_is_ended(host: Host, left: dict[str, t.Any]) -> None:
    assert not _is_free(left)
    assert host.component(ports=[left]).in_the_way() == []
    assert _is_free(left)


def test_what_a_cut_off_preflight_left_on_a_port_is_passed_over_in_check_mode(
    host: Host, left: dict[str, t.Any]
) -> None:
    assert host.component(ports=[left], apply=False).in_the_way() == []
    assert not _is_free(left)


@pytest.mark.parametrize("apply", [True, False])
def test_a_strangers_port_is_in_the_way(host: Host, left: dict[str, t.Any], apply: bool) -> None:
    with _preflight_listen.bound("127.0.0.1", 0, "tcp") as stranger:
        port = {**left, "port": stranger.getsockname()[1]}
        [found] = host.component(ports=[left, port], apply=apply).in_the_way()
    assert found.name == f"tcp/{port['port']}"


def test_a_listener_of_another_user_is_in_the_way(
    host: Host, left: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_preflight_listen, "_trusted", set)
    [found] = host.component(ports=[left], apply=False).in_the_way()
    assert found.name == f"tcp/{left['port']}"


# -- changes ----------------------------------------------------------------------------------------------------------


def test_staging_a_change_touches_nothing_that_runs(host: Host) -> None:
    host.serve()
    before = (host.config / "prometheus.yml").read_text(), host.systemd.text(), host.running()
    outcome = host.component("g2", version="3.6.0").stage()
    assert outcome.pending == "restart"
    assert ((host.config / "prometheus.yml").read_text(), host.systemd.text(), host.running()) == before
    assert host.systemd.verbs() == []
    assert "POST /-/reload" not in host.asked
    assert os.readlink(host.links / "promtool").startswith(str(host.opt / "prometheus/3.5.3"))


def test_a_change_of_the_configuration_is_a_reload(host: Host) -> None:
    host.serve()
    outcome = host.component("g2", files={"rules/a.yml": "groups: []\n"}).activate()
    assert outcome.pending == "none"
    assert host.systemd.verbs() == []
    assert host.asked.count("POST /-/reload") == 1
    assert host.generation == "g2"
    assert [action for action in outcome.actions if action.startswith("wrote")] == [
        f"wrote {host.config}/prometheus.yml",
        f"wrote {host.config}/rules/a.yml",
    ]
    gone = host.component("g3").activate()
    assert f"removed {host.config}/rules/a.yml" in gone.actions
    assert not (host.config / "rules").exists()


def test_a_reload_that_a_cut_off_run_still_owed_is_done(host: Host) -> None:
    host.serve()
    host.loaded = "# generation g0\n"
    outcome = host.component().stage()
    assert outcome.pending == "reload"
    assert "generation g0" in outcome.reasons[0]
    assert host.component().activate().changed
    assert host.generation == "g1"


def test_another_version_is_a_restart_and_the_former_one_stays_for_a_way_back(host: Host) -> None:
    host.serve()
    outcome = host.component(version="3.6.0").activate()
    assert outcome.pending == "none"
    assert host.systemd.verbs() == ["daemon-reload", "restart"]
    assert host.running() == host.executable("3.6.0")
    assert "3.6.0" in os.readlink(host.links / "promtool")
    assert Path(host.executable("3.5.3")).exists()
    assert "pruned prometheus 3.5.3" in host.component(version="3.7.0").activate().actions


def test_what_was_changed_by_hand_is_found(host: Host) -> None:
    host.serve()
    (host.config / "prometheus.yml").write_text("# by hand\n")
    assert host.component().stage().pending == "reload"
    host.component().activate()
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"


def test_files_of_others_are_told_and_kept(host: Host) -> None:
    host.serve()
    (host.config / "theirs.yml").write_text("x\n")
    outcome = host.component("g2").activate()
    assert outcome.foreign == ["theirs.yml"]
    assert (host.config / "theirs.yml").exists()


def test_check_mode_of_a_change_writes_nothing(host: Host) -> None:
    host.serve()
    before = host.disk()
    outcome = host.component("g2", args=["--yone=1"], apply=False).activate()
    assert host.disk() == before
    assert host.systemd.verbs() == []
    assert outcome.pending == "restart"
    assert outcome.changed
    assert {entry["after_header"] for entry in outcome.diff} == {
        str(host.config / "prometheus.yml"),
        str(host.systemd.units / "prometheus.service"),
    }


@pytest.mark.parametrize(
    "values, expected",
    [({"generation": "g2"}, "reload"), ({"args": ["--yone=1"]}, "restart"), ({}, "none")],
)
def test_started_leaves_alone_what_serves(host: Host, values: dict[str, t.Any], expected: str) -> None:
    host.serve()
    outcome = host.component(**values).activate(only_start=True)
    assert outcome.pending == expected
    assert host.systemd.verbs() == []
    assert host.generation == "g1"


def test_started_starts_what_does_not_run(host: Host) -> None:
    assert host.component().activate(only_start=True).pending == "none"
    assert host.generation == "g1"


def test_a_held_component_is_prepared_and_left_alone(host: Host) -> None:
    host.serve()
    outcome = host.component("g2", version="3.6.0", state="staged").activate()
    assert outcome.pending == "restart"
    assert Path(host.executable("3.6.0")).exists()
    assert host.running() == host.executable("3.5.3")
    assert host.systemd.verbs() == []


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_what_the_checker_refuses_changes_nothing(host: Host) -> None:
    host.serve()
    before = (host.config / "prometheus.yml").read_text(), host.running()
    host.checker = Completed(1, "", "FAILED: could not parse expression")
    with pytest.raises(HAError, match="could not parse expression"):
        host.component("bad").activate()
    assert ((host.config / "prometheus.yml").read_text(), host.running()) == before
    assert host.systemd.verbs() == []
    host.checker = OK
    assert host.component("good").activate().pending == "none"


def test_a_flag_that_the_staged_binary_refuses_changes_nothing(host: Host) -> None:
    host.serve()
    host.help = Completed(1, "", "prometheus: error: unknown long flag '--nope', try --help")
    with pytest.raises(HAError) as caught:
        host.component(args=["--nope"]).activate()
    assert caught.value.where == "variable prometheus_extra_args"
    assert "--nope" in caught.value.said
    assert host.systemd.verbs() == []


def test_a_refused_reload_brings_the_former_files_back_and_loads_them(host: Host) -> None:
    host.serve()
    with pytest.raises(HAError) as caught:
        host.component("g2", extra="# refused on reload\n", files={"rules/a.yml": ""}).activate()
    assert "failed to reload config" in caught.value.said
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"
    assert not (host.config / "rules").exists()
    assert host.generation == "g1"
    assert host.asked.count("POST /-/reload") == 2
    assert host.component().activate().changed is False
    assert host.component("g3").activate().pending == "none"


def test_a_version_that_dies_goes_back_to_the_former_one_with_its_configuration(host: Host) -> None:
    host.serve()
    host.systemd.behaviours[host.executable("3.6.0")] = Behaviour(lives=0.5, logs="level=error msg=panic")
    with pytest.raises(HAError) as caught:
        host.component("g2", version="3.6.0").activate()
    assert "panic" in str(caught.value)
    assert caught.value.facts["rolled_back"] is True
    assert host.running() == host.executable("3.5.3")
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"
    assert host.generation == "g1"
    assert "3.5.3" in os.readlink(host.links / "promtool")
    del host.systemd.behaviours[host.executable("3.6.0")]
    assert host.component("g2", version="3.6.0").activate().pending == "none"


def test_a_first_start_that_fails_leaves_neither_unit_nor_configuration(host: Host) -> None:
    host.systemd.behaviours[host.executable("3.5.3")] = Behaviour(lives=0.5, logs="level=error msg=panic")
    with pytest.raises(HAError, match="panic"):
        host.component().activate()
    assert not host.config.exists()
    assert host.systemd.text() == ""
    assert host.running() == ""
    del host.systemd.behaviours[host.executable("3.5.3")]
    assert host.component().activate().pending == "none"


def test_a_unit_that_cannot_be_written_leaves_the_former_configuration(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serve()
    component = host.component("g2", args=["--yone=1"])
    files = component.service._files

    def read_only() -> None:
        raise HAError("cannot put the new files in place; the former ones are there", said="read-only file system")

    monkeypatch.setattr(files, "swap", read_only)
    with pytest.raises(HAError, match="read-only"):
        component.activate()
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"
    assert not (host.base / "state/prometheus/config/journal.json").exists()
    assert host.systemd.verbs() == []
    assert host.component("g2", args=["--yone=1"]).activate().pending == "none"


def test_a_run_that_was_killed_between_files_and_start_is_put_right_by_the_next(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_args: t.Any, **_kwargs: t.Any) -> None:
        raise Killed

    host.serve()
    component = host.component("g2", args=["--yone=1"])
    with monkeypatch.context() as patch:
        patch.setattr(component.service, "activate", die)
        with pytest.raises(Killed):
            component.activate()
    component.config._release()  # as the end of the process does
    assert (host.config / "prometheus.yml").read_text() == "# generation g2\n"
    outcome = host.component().stage()
    assert outcome.actions[0].startswith("rolled an interrupted change back to the former files")
    assert (host.config / "prometheus.yml").read_text() == "# generation g1\n"
    assert host.component("g2", args=["--yone=1"]).activate().pending == "none"


def test_former_secrets_are_not_shown_either(host: Host) -> None:
    """The module masks what the plan holds now; a password that was replaced is only on the disk."""
    host.serve(extra="password: former-secret\n")
    outcome = host.component("g2", extra="password: hunter2-hunter2\n").activate()
    assert "former-secret" not in repr(outcome.diff)
    assert "hunter2-hunter2" not in repr(outcome.diff)
    assert "generation g2" in repr(outcome.diff)
    gone = host.component(state="absent").activate()
    assert gone.diff
    assert "hunter2-hunter2" not in repr(gone.diff)


def test_a_former_vaulted_value_is_not_shown_under_any_key(host: Host) -> None:
    host.component(extra="ext: vaulted-former\n", secrets=["vaulted-former"]).activate()
    outcome = host.component("g2", extra="other: x\n", secrets=[]).activate()
    assert "vaulted-former" not in repr(outcome.diff)
    assert "generation g2" in repr(outcome.diff)


# -- leaving ----------------------------------------------------------------------------------------------------------


def test_removal_takes_everything_but_the_data(host: Host) -> None:
    host.serve(files={"rules/a.yml": ""})
    (host.data / "wal").write_text("x")
    staged = host.component(state="absent").stage()
    assert (staged.pending, staged.changed) == ("remove", False)
    assert host.running()
    outcome = host.component(state="absent").activate()
    assert outcome.changed
    assert host.running() == ""
    assert not host.config.exists()
    assert host.systemd.text() == ""
    assert not Path(host.executable("3.5.3")).exists()
    assert not os.path.lexists(host.links / "promtool")
    assert (host.data / "wal").read_text() == "x"
    again = host.component(state="absent").activate()
    assert (again.pending, again.changed) == ("none", False)


FLUSHED = 'msg="storage is flushed successfully"'


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(
    ("uploaded", "said", "refused"),
    [
        (["01A"], FLUSHED, ""),
        ([], FLUSHED, r"1 blocks of .* are not in the bucket .acme.01A.: it was not removed; it runs again"),
        (["01A"], "killed", r"its WAL was not flushed: it was not removed; it runs again"),
    ],
)
def test_what_uploads_leaves_once_it_has(host: Host, uploaded: list[str], said: str, refused: str, runs: bool) -> None:
    host.serve()
    tenant = host.data / "acme"
    (tenant / "01A").mkdir(parents=True)
    (tenant / "01A/meta.json").write_text("{}")
    (tenant / "thanos.shipper.json").write_text(json.dumps({"version": 1, "uploaded": uploaded}))
    host.systemd.last_words = said
    if not runs:
        host.systemd(["systemctl", "stop", "prometheus.service"])
        host.systemd._logs.clear()
    host.systemd.called.clear()
    leaving = host.component(state="absent", uploads={"data_dir": str(host.data), "url": "http://127.0.0.1:9090"})
    if not refused:
        assert leaving.activate().pending == "none"
        assert not host.running()
        assert host.systemd.verbs()[:2] == (["stop", "disable"] if runs else ["start", "stop"])
        return
    with pytest.raises(HAError, match=refused):
        leaving.activate()
    assert host.running()
    assert host.config.exists()


def test_what_has_no_data_has_nothing_to_upload(host: Host) -> None:
    host.serve()
    nowhere = {"data_dir": str(host.data / "gone"), "url": "http://127.0.0.1:9090"}
    assert host.component(state="absent", uploads=nowhere).activate().pending == "none"


def test_removal_in_check_mode_removes_nothing(host: Host) -> None:
    host.serve()
    before = host.disk()
    outcome = host.component(state="absent", apply=False).activate()
    assert (outcome.pending, outcome.changed) == ("remove", True)
    assert host.disk() == before
    assert host.running()


def test_it_comes_back_after_it_left(host: Host) -> None:
    host.serve()
    host.component(state="absent").activate()
    assert host.component().activate().pending == "none"
    assert host.generation == "g1"


def test_a_unit_of_another_is_left_alone_when_the_component_leaves(host: Host) -> None:
    theirs = "[Service]\nExecStart=/usr/bin/prometheus\n"
    (host.systemd.units / "prometheus.service").write_text(theirs)
    host.systemd.loaded, host.systemd.enabled = theirs, True
    host.systemd(["systemctl", "start", "prometheus.service"])
    host.forget()
    for _run in (1, 2):
        outcome = host.component(state="absent").activate()
        assert (outcome.pending, outcome.changed) == ("none", False)
        assert outcome.reasons == ["prometheus.service is not ours: left alone"]
        assert host.systemd.verbs() == []
    assert (host.running(), host.systemd.text(), host.systemd.enabled) == ("/usr/bin/prometheus", theirs, True)
    host.config.mkdir()
    (host.config / "prometheus.yml").write_text("theirs\n")
    assert host.component(state="absent").activate().changed is False
    assert (host.config / "prometheus.yml").exists()


def test_our_configuration_goes_though_the_unit_became_another(host: Host) -> None:
    """Somebody removed our unit and installed a package: what we wrote still goes, what they run stays."""
    host.serve()
    host.component(state="absent").service.remove()
    theirs = "[Service]\nExecStart=/usr/bin/prometheus\n"
    (host.systemd.units / "prometheus.service").write_text(theirs)
    assert host.component(state="absent", apply=False).activate().pending == "remove"
    outcome = host.component(state="absent").activate()
    assert outcome.changed
    assert outcome.actions == ["removed its configuration and releases; its data stays"]
    assert outcome.reasons == ["its state is absent", "prometheus.service is not ours: left alone"]
    assert not host.config.exists()
    assert host.systemd.text() == theirs
    assert host.component(state="absent").activate().changed is False


# -- records that were lost -------------------------------------------------------------------------------------------

MARK = "# Managed by baremetal.prometheus_ha; changes made here are overwritten.\n"


def test_lost_records_are_no_dead_end(host: Host) -> None:
    host.serve(extra=MARK)
    before = host.disk()
    shutil.rmtree(host.base / "state")
    looked = host.component(extra=MARK, apply=False).stage()
    assert (looked.pending, looked.changed) == ("none", False)
    assert not (host.base / "state").exists()
    outcome = host.component(extra=MARK).stage()
    assert (outcome.pending, outcome.changed) == ("none", False)
    found = host.disk()
    assert {path for path in before if path.endswith("manifest.json")} <= set(found)
    assert host.component(extra=MARK).activate().changed is False
    assert host.component("g2", extra=MARK, args=["--yone=1"]).activate().pending == "none"
    assert host.generation == "g2"


def test_lost_records_and_another_configuration_and_unit_at_once(host: Host) -> None:
    host.serve(extra=MARK)
    shutil.rmtree(host.base / "state")
    assert host.component("g2", extra=MARK, args=["--yone=1"]).activate().pending == "none"
    assert host.generation == "g2"
    assert host.component("g2", extra=MARK, args=["--yone=1"]).activate().changed is False


def test_it_leaves_without_its_records_too(host: Host) -> None:
    host.serve(extra=MARK)
    shutil.rmtree(host.base / "state")
    assert host.component(state="absent", apply=False).activate().pending == "remove"
    assert host.component(state="absent").activate().changed
    assert (host.running(), host.systemd.text()) == ("", "")
    assert host.component(state="absent").activate().changed is False


def test_a_unit_file_that_vanished_is_written_again(host: Host) -> None:
    host.serve()
    (host.systemd.units / "prometheus.service").unlink()
    shutil.rmtree(host.base / "state/prometheus/unit")
    assert host.component().activate().pending == "none"
    assert host.systemd.text()
    assert host.component().activate().changed is False


# -- starting at boot -------------------------------------------------------------------------------------------------


def test_a_unit_that_somebody_disabled_is_enabled_again(host: Host) -> None:
    host.serve()
    host.systemd.enabled = False
    would = host.component(apply=False).stage()
    assert (would.changed, host.systemd.enabled) == (True, False)
    held = host.component(state="staged").stage()
    assert (held.changed, host.systemd.enabled) == (False, False)
    outcome = host.component().stage()
    assert outcome.actions == would.actions == ["enabled prometheus.service, so that it starts at boot"]
    assert (outcome.pending, host.systemd.verbs(), host.systemd.enabled) == ("none", ["enable"], True)
    assert host.component().stage().changed is False


# -- the result -------------------------------------------------------------------------------------------------------


def test_result(host: Host) -> None:
    """All that is known is told, none where there is none: who reads it asks for any field."""
    shown = {field.name for field in dataclasses.fields(Outcome)} - {"diff"} | {"changed"}
    first = host.component().activate().result()
    assert first.keys() == shown
    assert (first["seconds"] is None, first["out_of_service"], first["serves"]) == (False, None, False)
    again = host.component().activate().result()
    assert again.keys() == shown
    assert (again["seconds"], again["out_of_service"], again["endpoint"], again["breaks"]) == (None, None, None, {})
    assert (again["runs"], again["keeps"], again["serves"], again["files"]) == ("3.5.3", "", True, [])


def test_what_a_start_waited_for_is_told(host: Host) -> None:
    assert host.component().activate().waited_for == ["it answers ready and must now stay up"]
    assert host.component().activate().waited_for == []


OLD, NEW = ["prometheus", "prod", "a"], ["prometheus", "prod", "b"]


def test_a_host_that_moves_between_sets_says_where_it_comes_from(host: Host) -> None:
    record = host.base / "state/prometheus/cohort.json"
    assert host.component(cohort=OLD).stage().former_cohort is None
    assert not record.exists(), "it does not serve that set yet"
    assert host.component(cohort=OLD).activate().former_cohort is None
    assert (json.loads(record.read_text()), record.stat().st_mode & 0o7777) == (OLD, 0o600)
    assert host.component(cohort=OLD).stage().former_cohort is None
    for _run in (1, 2):
        assert host.component("g2", cohort=NEW).stage().former_cohort == OLD
    host.component("g2", cohort=NEW, apply=False).activate()
    host.component("g2", cohort=NEW, state="staged").activate()
    assert json.loads(record.read_text()) == OLD
    assert host.component("g2", cohort=NEW).activate().former_cohort == OLD
    written = record.stat().st_mtime_ns
    assert host.component("g2", cohort=NEW).activate().former_cohort is None
    assert (json.loads(record.read_text()), record.stat().st_mtime_ns) == (NEW, written)
    record.write_text("{")
    assert host.component("g2", cohort=NEW).stage().changed is False, "nothing is left for an activation"
    assert json.loads(record.read_text()) == NEW
    host.component(state="absent").activate()
    assert not record.exists()


# -- what runs, but not as it should ----------------------------------------------------------------------------------


def test_one_that_runs_and_does_not_answer_is_told_with_what_to_do(host: Host) -> None:
    """Alertmanager has no start that would be waited for: no answer of a process that runs is a fault of its own."""
    host.serve()
    before, begun = host.disk(), host.clock.now
    host.answers_at = float("inf")
    component = host.component("g1")
    assert component.api is not None
    component.api = dataclasses.replace(component.api, kind="alertmanager")
    with pytest.raises(HAError) as caught:
        component.stage()
    assert f"it runs (pid {host.pid}), but does not answer at http://127.0.0.1:9090 for 5 s" in str(caught.value)
    assert "systemctl restart prometheus.service" in caught.value.do
    assert "journalctl -u prometheus.service" in caught.value.do
    assert (host.disk(), host.clock.now - begun) == (before, 5.0)


def test_one_that_was_just_started_gets_a_moment_to_answer(host: Host) -> None:
    host.serve()
    host.answers_at = host.clock.now + 3
    component = host.component()
    assert component.api is not None
    component.api = dataclasses.replace(component.api, kind="alertmanager")
    assert component.stage().reasons == ["its last reload failed"], "it answered, as no Alertmanager does"


def test_a_drop_in_with_another_command_line_is_found_before_any_change(host: Host) -> None:
    host.serve()
    folder = host.systemd.units / "prometheus.service.d"
    folder.mkdir()
    (folder / "limits.conf").write_text("[Service]\nLimitNOFILE=4096\n")
    command = f"{host.executable('3.5.3')} \\\n  --xone=1"
    (folder / "same.conf").write_text(f"[Service]\nExecStart=\nExecStart={command}\n")
    drop_ins = host.component().service.drop_ins
    assert drop_ins() == []
    (folder / "debug.conf").write_text("[Service]\nExecStart=\nExecStart=/usr/bin/prometheus --log.level=debug\n")
    (finding,) = drop_ins()
    assert finding.name == str(folder / "debug.conf")
    assert "has prometheus.service run another command line (/usr/bin/prometheus --log.level=debug)" in finding.what
    assert finding.do == "remove or correct it."
    assert "extra_args" not in finding.what


def test_only_files_that_a_reload_reads_are_proved(host: Host) -> None:
    """Discovery reads its targets by itself, so they may be younger than the last reload."""
    component = host.component(files={"targets/node.yml": "[]\n", "rules/a.yml": ""})
    assert component.api is not None
    assert component.api.files == (f"{host.config}/prometheus.yml", f"{host.config}/rules/a.yml")
