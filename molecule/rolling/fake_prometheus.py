# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A FAKE release of Prometheus for tests: it fails to start in one way. Its flags are those of the real one."""

from __future__ import annotations

import http.server
import json
import os
import sys
import typing as t

#: Set when the release is made: dies, never_ready, replays.
MODE = ""
#: The real one, of a release that is on the host already.
REAL = ""


class Handler(http.server.BaseHTTPRequestHandler):
    """Never ready; as it replays, with a segment that does not advance."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        replay = {"min": 0, "max": 90, "current": 7} if MODE == "replays" else {"min": 0, "max": 0, "current": 0}
        known = {
            "/-/healthy": (200, "FAKE Prometheus is Healthy.\n"),
            "/api/v1/status/walreplay": (200, json.dumps({"status": "success", "data": replay})),
        }
        status, body = known.get(path, (503, "Service Unavailable"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: t.Any) -> None:
        """Nothing."""


def main(args: list[str]) -> None:
    if "--help" in args or "--version" in args:
        os.execv(REAL, [REAL, *args])
    if MODE == "dies":
        sys.exit("FAKE prometheus: this release dies at start")
    listen = next(arg.partition("=")[2] for arg in args if arg.startswith("--web.listen-address="))
    address, _colon, port = listen.rpartition(":")
    http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
