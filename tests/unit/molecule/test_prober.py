# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prober: what counts as serving, and its file."""

from __future__ import annotations

import http.server
import json
import threading
import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.shared import prober

SETTLED = json.dumps({"cluster": {"status": "ready"}})


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[[int, str, bool], tuple[str, int]]]:
    """A server that gives one answer to all."""
    servers = []

    def start(status: int, body: str, alertmanager: bool) -> tuple[str, int]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                right = self.path == ("/api/v2/status" if alertmanager else "/-/ready")
                self.send_response(status if right else 404)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args: t.Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if alertmanager:
            monkeypatch.setattr(prober, "ALERTMANAGER", server.server_port)
        return "127.0.0.1", server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "alertmanager", "serves"),
    [
        pytest.param(200, "ready", False, True, id="a replica that is ready"),
        pytest.param(503, "starting", False, False, id="a replica that starts"),
        pytest.param(200, SETTLED, True, True, id="a member that has settled"),
        pytest.param(200, SETTLED.replace("ready", "settling"), True, False, id="a member that settles"),
        pytest.param(503, SETTLED, True, False, id="a member that refuses"),
        pytest.param(200, "no JSON", True, False, id="something else on the port"),
        pytest.param(200, "{}", True, False, id="a member without a cluster"),
    ],
)
def test_serves(
    answering: t.Callable[[int, str, bool], tuple[str, int]], status: int, body: str, alertmanager: bool, serves: bool
) -> None:
    assert prober.serves(*answering(status, body, alertmanager)) is serves


def test_nobody_listens() -> None:
    assert not prober.serves("127.0.0.1", 1)


def test_a_file_is_read_back_without_a_line_that_is_being_written() -> None:
    text = prober.line("eu-1", (1.0, 1.25, True)) + prober.line("eu-2", (1.1, 1.2, False)) + "eu-1 2.000 2.1"
    assert prober.parse(text) == {"eu-1": [(1.0, 1.25, True)], "eu-2": [(1.1, 1.2, False)]}


def test_follow_keeps_samples_until_it_is_stopped(answering: t.Callable[[int, str, bool], tuple[str, int]]) -> None:
    stop = threading.Event()
    kept: list[prober.Sample] = []

    def keep(sample: prober.Sample) -> None:
        kept.append(sample)
        if len(kept) == 3:
            stop.set()

    prober.follow(*answering(200, "ready", False), stop, keep)
    assert [served for _begun, _ended, served in kept] == [True] * 3
    assert all(after[0] - before[1] >= prober.INTERVAL for before, after in zip(kept, kept[1:], strict=False))
