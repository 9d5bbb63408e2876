# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module run for real: real promtool and amtool, real Prometheus and Alertmanager of both versions."""

from __future__ import annotations

import grp
import http.server
import json
import os
import pwd
import re
import signal
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.baremetal.prometheus_ha.plugins.modules import config
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config as support

MARKER = "groups: [{{name: ha, rules: [{{record: ha_config_generation, expr: vector(1), labels: {{sha256: {0}}}}}]}}]\n"
PROMETHEUS = "global: {{scrape_interval: {0}s}}\nrule_files: [rules/*.yml]\n"
ALERTMANAGER = "route: {{receiver: {0}}}\nreceivers: [{{name: {0}}}]\ntemplates: [t/*.tmpl]\n"
TEMPLATE = '{{{{ define "x" }}}}{0}{{{{ end }}}}\n'


def arguments(base: Path, files: dict[str, str], **more: t.Any) -> dict[str, t.Any]:
    return {
        "root": str(base / "etc"),
        "owner": pwd.getpwuid(os.getuid()).pw_name,
        "group": grp.getgrgid(os.getgid()).gr_name,
        "state_dir": str(base / "state"),
        "files": [{"path": path, "content": content} for path, content in files.items()],
        **more,
    }


def prometheus_files(number: int) -> dict[str, str]:
    return {
        "prometheus.yml": PROMETHEUS.format(number),
        "rules/generation.yml": MARKER.format(f"generation{number}"),
    }


def alertmanager_files(number: int) -> dict[str, str]:
    return {
        "alertmanager.yml": ALERTMANAGER.format(f"receiver{number}"),
        "t/x.tmpl": TEMPLATE.format(f"text{number}"),
    }


def for_prometheus(base: Path, version: str, number: int, url: str, **files: str) -> dict[str, t.Any]:
    wanted = {**prometheus_files(number), **{path.replace("__", "/") + ".yml": text for path, text in files.items()}}
    promtool = str(support.binaries("prometheus", version) / "promtool")
    api = {
        "kind": "prometheus",
        "url": url,
        "generation": f"generation{number}",
        "config_file": str(base / "etc/prometheus.yml"),
    }
    return arguments(base, wanted, check=[[promtool, "check", "config", "{root}/prometheus.yml"]], reload=api)


def for_alertmanager(base: Path, version: str, files: dict[str, str], url: str) -> dict[str, t.Any]:
    api = {"kind": "alertmanager", "url": url, "config_file": str(base / "etc/alertmanager.yml")}
    check = [["{release}/amtool", "check-config", "{root}/alertmanager.yml"]]
    return arguments(base, files, check=check, reload=api, release=str(support.binaries("alertmanager", version)))


def test_files_alone_first_again_check_and_absent(tmp_path: Path) -> None:
    wanted = arguments(tmp_path, {"a": "1\n", "b/c": "2\n"})
    would = support.run_module("config", wanted, check=True)
    assert (would["changed"], would["written"]) == (True, ["a", "b/c"])
    assert os.listdir(tmp_path) == []
    did = support.run_module("config", wanted)
    assert {key: did[key] for key in ("changed", "written", "diff")} == {
        key: would[key] for key in ("changed", "written", "diff")
    }
    assert (tmp_path / "etc/b/c").read_text() == "2\n"
    assert support.run_module("config", wanted)["changed"] is False
    (tmp_path / "etc/theirs").write_text("x")
    gone = support.run_module("config", {**wanted, "state": "absent"}, check=True)
    assert (gone["removed"], gone["foreign"]) == (["a", "b/c"], ["theirs"])
    assert (tmp_path / "etc/a").exists()
    assert support.run_module("config", {**wanted, "state": "absent"})["changed"] is True
    assert os.listdir(tmp_path / "etc") == ["theirs"]
    assert support.run_module("config", {**wanted, "state": "absent"})["changed"] is False


def test_secrets_are_in_no_output_but_plain_words_are_readable(tmp_path: Path) -> None:
    wanted = arguments(tmp_path, {})
    wanted["files"] = [
        {"path": "am.yml", "content": "password: hunter2hunter2\n", "secret": True, "mode": "0600"},
        {"path": "plain.yml", "content": "plain words\n"},
    ]
    wanted["check"] = [["sh", "-c", "cat am.yml plain.yml >&2; exit 1"]]
    failed = support.run_module("config", wanted)
    assert "hunter2" not in json.dumps(failed)
    assert "  | password: ********\n  | plain words\n" in failed["msg"]
    done = support.run_module("config", {**wanted, "check": []})
    assert "hunter2" not in json.dumps(done)
    assert done["diff"][0]["after"] == "new (content not shown)\n"
    assert done["diff"][1]["after"] == "plain words\n"
    assert done["written"] == ["am.yml", "plain.yml"]
    assert done["invocation"]["module_args"]["files"][1]["content"] == "plain words\n"


def test_no_content_reaches_the_targets_syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "_log_to_syslog", lambda _self, words: logged.append(words))
    monkeypatch.setattr(basic, "has_journal", False)
    wanted = arguments(tmp_path, {"plain.yml": "plain words\n"})
    wanted["files"].append({"path": "s", "content": "hunter2\nhunter3\n", "secret": True})
    with patch_module_args({**wanted, "_ansible_check_mode": True}), pytest.raises(SystemExit):
        config.main()
    assert len(logged) == 1 and logged[0].startswith("Invoked with root="), "the call itself is logged"
    assert "hunter" not in logged[0] and "plain words" not in logged[0]


@pytest.mark.parametrize("version", support.PROMETHEUS)
def test_promtool_speaks(tmp_path: Path, version: str) -> None:
    wanted = for_prometheus(tmp_path, version, 1, "http://127.0.0.1:1")
    assert support.run_module("config", wanted)["changed"] is True
    bad = for_prometheus(
        tmp_path, version, 2, "http://127.0.0.1:1", rules__bad="groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]"
    )
    for check in (True, False):
        failed = support.run_module("config", bad, check=check)
        assert failed["failed"] is True
        assert "promtool refuses the new files" in failed["msg"]
        assert "unclosed left parenthesis" in failed["msg"]
        assert f"{tmp_path}/etc/rules/bad.yml" in failed["msg"] and "prometheus_ha-check" not in failed["msg"]
    assert (tmp_path / "etc/prometheus.yml").read_text() == PROMETHEUS.format(1)
    assert sorted(os.listdir(tmp_path)) == ["etc", "state"]


@pytest.mark.parametrize("version", support.ALERTMANAGER)
def test_amtool_speaks(tmp_path: Path, version: str) -> None:
    support.alertmanager_templates()
    bad = {**alertmanager_files(1), "alertmanager.yml": "route: {receiver: nobody}\nreceivers: [{name: a}]\n"}
    failed = support.run_module("config", for_alertmanager(tmp_path, version, bad, "http://127.0.0.1:1"))
    assert 'undefined receiver "nobody" used in route' in failed["msg"]
    assert not (tmp_path / "etc").exists()


def test_files_of_others_are_there_for_the_checker_too(tmp_path: Path) -> None:
    """A relative path means the same to promtool as to the server: from the folder of the configuration."""
    promtool = str(support.binaries("prometheus", "3.5.3") / "promtool")
    main = (
        "rule_files: [rules/*.yml]\nscrape_configs:\n  - job_name: x\n    authorization:\n"
        "      credentials_file: secrets/token\n    tls_config: {ca_file: ca.pem}\n"
    )
    wanted = {"prometheus.yml": main, "rules/ours.yml": "groups: []\n", "rules/old.yml": "groups: []\n"}
    check = [[promtool, "check", "config", "{root}/prometheus.yml"]]
    refused = support.run_module("config", arguments(tmp_path, wanted, check=check))
    assert "secrets/token" in refused["msg"]
    root = Path(arguments(tmp_path, wanted)["root"])
    (root / "secrets").mkdir(parents=True)
    (root / "secrets/token").write_text("theirs")
    (root / "ca.pem").write_text("theirs")
    assert support.run_module("config", arguments(tmp_path, wanted, check=check))["changed"]
    (root / "rules/theirs.yml").write_text("nonsense\n")
    (root / "rules/old.yml").write_text("nonsense that leaves with this change\n")
    changed = {"prometheus.yml": main + "# 2\n", "rules/ours.yml": "groups: [] \n"}
    refused = support.run_module("config", arguments(tmp_path, changed, check=check))
    assert "theirs.yml" in refused["msg"]
    assert "old.yml" not in refused["msg"]
    (root / "rules/theirs.yml").unlink()
    assert support.run_module("config", arguments(tmp_path, changed, check=check))["changed"]
    assert (root / "secrets/token").read_text() == "theirs"
    assert sorted(path.name for path in root.parent.iterdir() if "check" in path.name) == []


def test_a_checker_that_is_not_installed_yet(tmp_path: Path) -> None:
    wanted = {**arguments(tmp_path, {"a": "1"}), "check": [["{release}/promtool"]], "release": "/no/release"}
    assert support.run_module("config", wanted, check=True)["unchecked"] == ["/no/release/promtool"]
    assert "Install /no/release/promtool" in support.run_module("config", wanted)["msg"]


@pytest.mark.parametrize("version", support.PROMETHEUS)
def test_prometheus_takes_it_up_or_all_goes_back(tmp_path: Path, version: str) -> None:
    support.run_module("config", for_prometheus(tmp_path, version, 1, "http://127.0.0.1:1"))
    with support.prometheus(version, tmp_path / "etc/prometheus.yml") as running:
        same = support.run_module("config", for_prometheus(tmp_path, version, 1, running.url))
        assert (same["changed"], same["proof"]) == (False, "its generation and the time of its last reload")

        would = support.run_module("config", for_prometheus(tmp_path, version, 2, running.url), check=True)
        assert (would["changed"], would["reloaded"]) == (True, "files changed")
        assert "generation1" in running.get("/api/v1/rules")
        done = support.run_module("config", for_prometheus(tmp_path, version, 2, running.url))
        assert done["proof"] == "its generation and the time of its last reload", done
        assert "generation2" in running.get("/api/v1/rules")
        assert support.run_module("config", for_prometheus(tmp_path, version, 2, running.url))["changed"] is False

        # promtool accepts it, the server does not: the query log's folder is missing
        refused = for_prometheus(tmp_path, version, 3, running.url)
        refused["files"][0]["content"] = "global: {query_log_file: /nonexistent/query.log}\nrule_files: [rules/*.yml]\n"
        failed = support.run_module("config", refused)
        assert (failed["rolled_back"], failed["former_runs"]) == (True, True), failed
        assert "failed to reload config" in failed["msg"]
        assert (tmp_path / "etc/prometheus.yml").read_text() == PROMETHEUS.format(2)
        assert "generation2" in running.get("/api/v1/rules")
        assert "generation3" not in running.get("/api/v1/rules")
        assert re.search(r"^prometheus_config_last_reload_successful 1$", running.get("/metrics"), re.MULTILINE)
        assert support.run_module("config", for_prometheus(tmp_path, version, 2, running.url))["changed"] is False

        # a reload that is still due, after a change by hand of what another run wrote
        wanted = for_prometheus(tmp_path, version, 4, running.url)
        support.run_module("config", {**wanted, "reload": None})
        assert "generation2" in running.get("/api/v1/rules")
        due = support.run_module("config", wanted)
        assert due["written"] == []
        assert due["reloaded"] == "its rules are of generation generation2, wanted is generation4"
        assert "generation4" in running.get("/api/v1/rules")


@pytest.mark.parametrize("version", support.ALERTMANAGER)
def test_alertmanager_takes_it_up_or_all_goes_back(tmp_path: Path, version: str) -> None:
    support.alertmanager_templates()
    support.run_module("config", for_alertmanager(tmp_path, version, alertmanager_files(1), "http://127.0.0.1:1"))
    with support.alertmanager(version, tmp_path / "etc/alertmanager.yml") as running:

        def go(files: dict[str, str]) -> dict[str, t.Any]:
            return support.run_module("config", for_alertmanager(tmp_path, version, files, running.url))

        assert go(alertmanager_files(1))["changed"] is False
        done = go(alertmanager_files(2))
        assert done["proof"] == "the file's hash and the time of its last reload", done
        assert "receiver2" in running.get("/api/v2/status")
        assert go(alertmanager_files(2))["changed"] is False
        only_template = {**alertmanager_files(2), "t/x.tmpl": TEMPLATE.format("other")}
        assert go(only_template)["reloaded"] == "files changed"

        # amtool accepts it, the server does not: the CA of a receiver is missing
        refused = dict(only_template)
        refused["alertmanager.yml"] = (
            "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://127.0.0.1:1/', "
            "http_config: {tls_config: {ca_file: /nonexistent/ca.pem}}}]}]\n"
        )
        failed = go(refused)
        assert (failed["rolled_back"], failed["former_runs"]) == (True, True), failed
        assert "unable to read CA cert" in failed["msg"] and "/nonexistent/ca.pem" in failed["msg"]
        assert (tmp_path / "etc/alertmanager.yml").read_text() == ALERTMANAGER.format("receiver2")
        assert "receiver2" in running.get("/api/v2/status")
        assert go(only_template)["changed"] is False


def test_without_the_lifecycle_api_nothing_stays_changed(tmp_path: Path) -> None:
    version = support.PROMETHEUS[-1]
    support.run_module("config", for_prometheus(tmp_path, version, 1, "http://127.0.0.1:1"))
    with support.prometheus(version, tmp_path / "etc/prometheus.yml", lifecycle=False) as running:
        failed = support.run_module("config", for_prometheus(tmp_path, version, 2, running.url))
        assert "--web.enable-lifecycle" in failed["msg"]
        assert failed["rolled_back"] is True
        assert (tmp_path / "etc/prometheus.yml").read_text() == PROMETHEUS.format(1)


def test_killed_while_it_reloads_the_next_run_ends_right(tmp_path: Path) -> None:
    """kill -9 between swap and commit: the server hangs, so the run sits in its reload."""
    version = support.PROMETHEUS[-1]
    support.run_module("config", for_prometheus(tmp_path, version, 1, "http://127.0.0.1:1"))
    with support.prometheus(version, tmp_path / "etc/prometheus.yml") as running:
        wanted = for_prometheus(tmp_path, version, 2, running.url)
        child = os.fork()
        if not child:
            support.run_module("config", {**wanted, "check": [], "reload": {**wanted["reload"], "url": stopped_url()}})
            os._exit(0)
        deadline = time.monotonic() + 20
        journal, main = tmp_path / "state/journal.json", tmp_path / "etc/prometheus.yml"
        while not journal.exists() or "2s" not in main.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        module = int(Path(f"/proc/{child}/task/{child}/children").read_text())
        os.kill(module, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert journal.exists()
        would = support.run_module("config", wanted, check=True)
        assert would["changed"] is True
        done = support.run_module("config", wanted)
        assert "rolled an interrupted change back" in done["recovered"][0]
        assert "generation2" in running.get("/api/v1/rules")
        assert support.run_module("config", wanted)["changed"] is False


def stopped_url() -> str:
    """A server that is healthy and ready, and never answers a reload."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            time.sleep(60)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_a_prometheus_that_forbids_reloads_still_runs_the_former_files(tmp_path: Path) -> None:
    version = support.PROMETHEUS[-1]
    support.run_module("config", for_prometheus(tmp_path, version, 1, "http://127.0.0.1:1"))
    with support.prometheus(version, tmp_path / "etc/prometheus.yml", lifecycle=False) as running:
        failed = support.run_module("config", for_prometheus(tmp_path, version, 2, running.url))
        assert "--web.enable-lifecycle" in failed["msg"]
        assert "the former files are back, and it still runs them" in failed["msg"]
        assert failed["former_runs"] is True
