# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is shown of files, and what is not."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import HIDDEN, View, entry, mask

OLD, NEW = View(b"old\n", 0o640, "root", "prometheus"), View(b"new\n", 0o640, "root", "prometheus")
HEAD = "owner root, group prometheus, mode {}\n"


@pytest.mark.parametrize(
    "before, after, secret, texts",
    [
        (None, NEW, False, ("", "new\n")),
        (OLD, NEW, False, ("old\n", "new\n")),
        (OLD, None, False, ("old\n", "")),
        (None, NEW, True, ("", f"new {HIDDEN}\n")),
        (OLD, NEW, True, (f"secret {HIDDEN}\n", f"changed {HIDDEN}\n")),
        (OLD, None, True, (f"secret {HIDDEN}\n", "")),
        (
            View(b"old\n", 0o644, "root", "prometheus"),
            OLD,
            True,
            (f"{HEAD.format('0644')}secret {HIDDEN}\n", f"{HEAD.format('0640')}secret {HIDDEN}\n"),
        ),
        (
            View(b"old\n", 0o600, "root", "prometheus"),
            NEW,
            False,
            (HEAD.format("0600") + "old\n", HEAD.format("0640") + "new\n"),
        ),
        (View(b"\xff\n", 0o640, "root", "prometheus"), NEW, False, ("\ufffd\n", "new\n")),
    ],
)
def test_entry(before: View | None, after: View | None, secret: bool, texts: tuple[str, str]) -> None:
    found = entry("/etc/x", before, after, secret=secret)
    assert (found["before"], found["after"]) == texts
    assert found["before_header"] == found["after_header"] == "/etc/x"


@pytest.mark.parametrize(
    "secret, words, shown",
    [
        (b"password: hunter2hunter2", "bad hunter2hunter2", "bad ********"),
        (b"password: 'with: colon, comma'", "bad with: colon, comma", "bad ********"),
        (b'{"api_url": "https://x.y/T0/B0", "name": "team"}', "team https://x.y/T0/B0", "team ********"),
        (b"basic_auth: {username: eu, password: sesame1}", "eu sesame1", "eu ********"),
        (b"- bearer_token: abcdefghij", "`abcdefg...` into int", "`********` into int"),
        (b"hunter2hunter2\n", "open x: hunter2hunter2", "open x: ********"),
        (b"route: {receiver: team}\npassword: hunter2", "undefined receiver team", "undefined receiver team"),
        (b"password: on", "on line 3", "on line 3"),
    ],
)
def test_mask(secret: bytes, words: str, shown: str) -> None:
    assert mask(words, [secret]) == shown
