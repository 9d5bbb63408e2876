# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is shown of files, and what is not."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import (
    HIDDEN,
    View,
    entry,
    mask,
    names_secret,
    secret_values,
)

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


@pytest.mark.parametrize(
    "text, secret, shown",
    [
        ("http_headers:\n  X-Api:\n    secrets:\n      - first1\n      - second2\n", {"first1", "second2"}, set()),
        ("http_headers:\n  X-Api:\n    secrets:\n    - 'first1'\nother: plain1\n", {"first1"}, {"plain1"}),
        ("http_headers:\n  X-Api:\n    files:\n      - /etc/secret/header\n", set(), {"/etc/secret/header"}),
        ("tls_config:\n  key: |\n    begin1\n    a: b-c-d\n  ca: plain1\n", {"begin1", "a: b-c-d"}, {"plain1"}),
        ("tls_config:\n  key: >-\n    begin1\n\n    end123\n  ca: plain1\n", {"begin1", "end123"}, {"plain1"}),
        ("- key: |2-\n    begin1\n- ca: plain1\n", {"begin1"}, {"plain1"}),
        ("remote_write:\n  - url: http://m/x\n    headers:\n      X-A: v1v1\n", {"http://m/x", "v1v1"}, set()),
        ("remote_write: [{headers: {X-A: v1v1, Y: w2w2}, name: plain1}]\n", {"v1v1", "w2w2"}, {"plain1"}),
        ("params:\n  apikey: [first1, 'second2']\n  module: [plain1]\n", {"first1", "second2"}, {"plain1"}),
        ("params:\n  apikey:\n    - first1\n  module:\n    - plain1\n", {"first1"}, {"plain1"}),
        (
            '{\n  "secrets": [\n    "first1",\n    "second2"\n  ],\n  "name": "plain1"\n}',
            {"first1", "second2"},
            {"plain1"},
        ),
        ('{"http_headers": {"X": {"secrets": ["first1"]}}, "name": "plain1"}', {"first1"}, {"plain1"}),
        ("authorization:\n  type: Bearer\n  credentials: first1\n", {"first1"}, {"Bearer"}),
        ("authorization:\n  credentials_file: /etc/x/token\n", set(), {"/etc/x/token"}),
        ("tls_config: {key_file: /etc/x.key, cert_file: /etc/x.crt}\n", set(), {"/etc/x.key", "/etc/x.crt"}),
        ("bearer_token_file: /etc/x/token\npassword_file: /etc/x/pass\n", set(), {"/etc/x/token", "/etc/x/pass"}),
        ("smtp_auth_password: 'it''s: one'\n", {"it's: one", "it''s: one"}, set()),
        ("proxy_url: http://user:first1@proxy\n", {"first1"}, {"proxy"}),
        ("password: first1 # why\n", {"first1"}, set()),
        ("token_url: http://idp/token\nclient_secret: first1\n", {"first1"}, {"http://idp/token"}),
    ],
)
def test_secret_values_of_a_former_file(text: str, secret: set[str], shown: set[str]) -> None:
    found = secret_values([text.encode()])
    assert secret <= found
    assert not {value for value in found for word in shown if value in word or word in value}


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "smtp_auth_password",
        "bearer_token",
        "credentials",
        "secrets",
        "access_key",
        "key",
        "apikey",
        "X-Api-Key",
        "url",
        "api_url",
        "dsn",
        "storage_account_key",
        "storage_connection_string",
        "service_account",
        "privatekey",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ],
)
def test_keys_of_secrets(key: str) -> None:
    assert names_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "password_file",
        "key_file",
        "files",
        "group_by",
        "token_url",
        "external_url",
        "public_key",
        "role",
        "keep_firing_for",
        "monkey",
        "username",
    ],
)
def test_keys_of_what_is_shown(key: str) -> None:
    assert not names_secret(key)
