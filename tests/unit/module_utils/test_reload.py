# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reload's proof over tables of replies: every way in which a 200 does not mean that it runs."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import Api, answers
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Response
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._reload import (
    changed_at,
    config_hash,
    loaded,
    reload,
)
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_config import Replies, Steps, reply

CONTENT = b"route: {receiver: a}\nreceivers: [{name: a}]\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_bytes(CONTENT)
    return path


def metrics(kind: str, *, successful: int = 1, moment: float, config_hash: float | None = None) -> Response:
    lines = [
        f"{kind}_config_last_reload_successful {successful}",
        f"{kind}_config_last_reload_success_timestamp_seconds {moment!r}",
    ]
    if config_hash is not None:
        lines.append(f"alertmanager_config_hash {config_hash!r}")
    return reply(200, "\n".join(lines) + "\n")


def rules(*generations: str) -> Response:
    items = [{"name": "ha_config_generation", "labels": {"sha256": item}} for item in generations]
    return reply(200, {"status": "success", "data": {"groups": [{"rules": [{"name": "other"}, *items]}]}})


def prometheus(config: Path, generation: str | None = "new") -> Api:
    return Api("prometheus", "http://p", generation=generation, config_file=str(config))


def alertmanager(config: Path, *files: str) -> Api:
    return Api("alertmanager", "http://a", config_file=str(config), files=files)


def test_alertmanager_hash_is_what_0_28_1_and_0_33_1_show() -> None:
    """Seen on both: alertmanager_config_hash 1.84816797860636e+14 for this content."""
    assert config_hash(b"route: {receiver: a}\nreceivers: [{name: a}]\n") == 184816797860636


@pytest.mark.parametrize(
    "late, successful, running, ok, why",
    [
        (0.0, 1, ["new"], True, "its generation and the time of its last reload"),
        (5.0, 1, ["new"], True, "its generation and the time of its last reload"),
        (-0.01, 1, ["new"], False, "its last reload is 0.010 s older than"),
        (5.0, 0, ["new"], False, "its last reload failed"),
        (5.0, 1, ["old"], False, "its rules are of generation old, wanted is new"),
        (5.0, 1, [], False, "its rules are of generation none, wanted is new"),
        (5.0, 1, ["new", "old"], False, "its rules are of generation new, old, wanted is new"),
    ],
)
def test_prometheus_loaded(config: Path, late: float, successful: int, running: list[str], ok: bool, why: str) -> None:
    moment = config.stat().st_ctime + late
    replies = Replies(
        {
            "/-/ready": reply(200),
            "/metrics": metrics("prometheus", successful=successful, moment=moment),
            "/api/v1/rules": rules(*running),
        }
    )
    found = loaded(prometheus(config), replies)
    assert (found.ok, why in found.why) == (ok, True), found


def test_agent_mode_has_no_rules_to_look_at(config: Path) -> None:
    replies = Replies({"/-/ready": reply(200), "/metrics": metrics("prometheus", moment=config.stat().st_ctime)})
    assert loaded(prometheus(config, None), replies).why == "the time of its last reload"
    assert "/api/v1/rules" not in replies.asked


def test_a_starting_prometheus_has_not_loaded_it_yet(config: Path) -> None:
    replies = Replies({"/-/ready": reply(503), "/api/v1/status/walreplay": reply(503)})
    assert loaded(prometheus(config), replies).why == "Prometheus is starting (status 503)"


@pytest.mark.parametrize("right", [True, False])
def test_alertmanager_loaded(config: Path, right: bool) -> None:
    value = float(config_hash(CONTENT) if right else 7)
    replies = Replies({"/metrics": metrics("alertmanager", moment=config.stat().st_ctime, config_hash=value)})
    found = loaded(alertmanager(config), replies)
    assert found.ok is right
    if not right:
        assert found.why == f"its configuration has the hash 7, the file {config} has {config_hash(CONTENT)}"


def test_a_younger_template_is_not_loaded(config: Path) -> None:
    moment = config.stat().st_ctime
    (config.parent / "x.tmpl").write_text("x")
    os.utime(config.parent / "x.tmpl", (0, 0))  # an old mtime, as from an archive
    after = (config.parent / "x.tmpl").stat().st_ctime
    hashed = float(config_hash(CONTENT))
    api = alertmanager(config, str(config.parent / "*.tmpl"), "/nonexistent/*.tmpl")
    for late, ok in ((moment - 1, False), (after, True)):
        replies = Replies({"/metrics": metrics("alertmanager", moment=late, config_hash=hashed)})
        assert loaded(api, replies).ok is ok
    assert changed_at(api) == (after, str(config.parent / "x.tmpl"))


def test_a_missing_configuration_file_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    replies = Replies({})
    with pytest.raises(HAError, match="cannot be read"):
        reload(prometheus(tmp_path / "none.yml"), replies, Steps())
    with pytest.raises(HAError, match="Give config_file"):
        reload(Api("prometheus", "http://p"), replies, Steps())
    assert replies.asked == []


def running(config: Path, post: Response, **more: t.Any) -> Replies:
    table = {
        "/-/ready": reply(200),
        "/-/reload": post,
        "/metrics": metrics("prometheus", moment=config.stat().st_ctime + 1),
        "/api/v1/rules": rules("new"),
        **more,
    }
    return Replies(table)


def test_reload_is_proved(config: Path) -> None:
    replies = running(config, reply(200), **{"/api/v1/rules": [rules("old"), rules("new")]})
    assert reload(prometheus(config), replies, Steps()).proof == "its generation and the time of its last reload"
    assert replies.asked.index("/-/ready") < replies.asked.index("/-/reload") < replies.asked.index("/metrics")


@pytest.mark.parametrize(
    "post, what, do",
    [
        (reply(403, "Lifecycle API is not enabled."), "forbidden", "--web.enable-lifecycle"),
        (reply(500, "failed to reload config: open x"), "refuses to reload", "its log does"),
        (reply(404), "status 404", "--web.route-prefix"),
        (reply(401), "status 401", "http.username"),
    ],
)
def test_refusals(config: Path, post: Response, what: str, do: str) -> None:
    with pytest.raises(HAError) as caught:
        reload(prometheus(config), running(config, post), Steps())
    assert what in caught.value.what and do in caught.value.do
    assert caught.value.said == post.text


def test_a_200_without_the_wanted_rules_is_no_success(config: Path) -> None:
    replies = running(config, reply(200), **{"/api/v1/rules": rules("old")})
    with pytest.raises(HAError, match="200, but it does not run what is on disk: its rules are of generation old"):
        reload(prometheus(config), replies, Steps())


def test_nothing_is_posted_to_a_prometheus_that_does_not_become_ready(config: Path) -> None:
    replies = running(config, reply(200), **{"/-/ready": reply(503), "/api/v1/status/walreplay": reply(503)})
    with pytest.raises(HAError, match=r"not ready after 60\.0 s"):
        reload(prometheus(config), replies, Steps())
    assert "/-/reload" not in replies.asked


def test_answers_tells_a_refused_connection_from_an_answer(config: Path) -> None:
    assert answers(prometheus(config), Replies({})) is False
    assert answers(prometheus(config), Replies({"/-/healthy": reply(503)})) is True
