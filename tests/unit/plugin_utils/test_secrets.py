# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of a configuration are secret, by its data."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._components._base import to_yaml
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._secrets import rendered, secret_values

PEM = "-----BEGIN KEY-----\nMIIEpem1line\nab\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "data, secret",
    [
        ({"basic_auth": {"username": "eu-user", "password": "sesame1"}}, {"sesame1"}),
        ({"authorization": {"type": "Bearer", "credentials": "tok-123"}}, {"tok-123"}),
        ({"authorization": {"type": "Bearer", "credentials_file": "/etc/x/token"}}, set()),
        ({"http_headers": {"X-A": {"values": ["vvvv"], "secrets": ["s1s1", "s2s2"]}}}, {"vvvv", "s1s1", "s2s2"}),
        ({"http_headers": {"X-A": {"files": ["/etc/x/header"]}}}, set()),
        ({"remote_write": [{"name": "mimir", "headers": {"X-A": "v1v1"}}]}, {"v1v1"}),
        ({"headers": {"Authorization": "Basic abcd"}}, {"Basic abcd"}),
        ({"email_configs": [{"to": "a@b.c", "headers": {"Subject": "[FIRING]"}}]}, set()),
        ({"params": {"apikey": ["first1"], "token": ["second2"], "module": ["http_2xx"]}}, {"first1", "second2"}),
        ({"tls_config": {"ca_file": "/ca.pem", "key_file": "/x.key", "insecure_skip_verify": True}}, set()),
        ({"sigv4": {"region": "eu-west", "access_key": "AKIA1", "secret_key": "abcde"}}, {"AKIA1", "abcde"}),
        ({"oauth2": {"token_url": "http://idp/t", "client_secret": "cs-12"}}, {"cs-12"}),
        ({"slack_configs": [{"api_url": "https://s/T0", "channel": "#ops"}]}, {"https://s/T0"}),
        ({"webhook_configs": [{"url": "http://w/1", "url_file": "/etc/w"}]}, {"http://w/1"}),
        ({"pagerduty_configs": [{"routing_key": "rk-12"}]}, {"rk-12"}),
        ({"global": {"smtp_auth_username": "mailer", "smtp_auth_password": "sesame1"}}, {"sesame1"}),
        ({"proxy_url": "http://user:p%40ss@proxy:3128"}, {"p%40ss", "p@ss"}),
        ({"labels": {"key": "rack-1", "token": "none"}, "group_by": ["token_kind"]}, set()),
        ({"match": {"secret": "label-value"}}, set()),
        ({"password": "abc"}, set()),
        ({"password": 123456, "token": True, "secret": None}, set()),
        ({"secrets": {"of": {"depth": ["deep1"]}}}, {"deep1"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),  # sets have no order of their own
)
def test_secret_values(data: t.Any, secret: set[str]) -> None:
    assert secret_values(data) == secret


@pytest.mark.parametrize(
    "value",
    [PEM, "it's: 'one'", "#hash: x", "tab\there", 'say "hi": \\x', "ünï: ☃", "a\x85b: c", "two\nlines"],
    ids=repr,
)
def test_whatever_yaml_does_to_a_secret_it_is_masked(value: str) -> None:
    text = to_yaml({"tls_config": {"key": value}})
    for found in sorted(secret_values({"tls_config": {"key": value}}), key=len, reverse=True):
        text = text.replace(found, "")
    left = text.partition("key:")[2]
    assert not [part for part in value.split() if len(part) > 3 and part in left]


def test_only_what_is_rendered_is_taken_along() -> None:
    """An encrypted variable of the host that nothing here uses stays on the controller."""
    found = rendered(["vault-1", "it's 2", "unused-3"], {"a": "Bearer vault-1"}, ["x: 'it''s 2'"])
    assert found == {"vault-1", "it''s 2"}
