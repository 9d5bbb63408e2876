# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a rendered configuration is secret: found in its data, before it is text."""

from __future__ import annotations

import functools
import json
import re
import typing as t
import urllib.parse

import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._diff import (
    HEADERS,
    USER_INFO,
    names_file,
    names_secret,
)

# Shorter values are also parts of common words, and would be masked there.
SHORTEST = 4

# Below these, keys are names of labels or words for people, and none of them names a secret.
_LABELS = re.compile(r"^(external_)?labels$|^annotations$|^((source|target)_)?match(_re)?$|^(group_)?by$")
# Headers that every mail or request has.
_PUBLIC_HEADERS = ("accept", "content-type", "from", "reply-to", "subject", "to", "user-agent")


def secret_values(data: t.Any) -> set[str]:
    """The strings of a configuration that no output may show, in every spelling that a file or an error may have.

    They are the values of these upstream types: ``Secret`` of Prometheus (password, bearer_token, credentials,
    client_secret, secret_key, ``tls_config.key``, ``http_headers.*.secrets``, tokens of service discovery) and of
    Alertmanager (those, routing_key, service_key, api_key, user_key, token, bot_token, smtp_auth_password,
    smtp_auth_secret); ``SecretURL`` of Alertmanager (api_url, webhook_url, url); and what upstream shows though it
    often is secret: ``headers``, ``http_headers.*.values``, ``params.apikey``, the password in any URL.
    Sources: prometheus.io/docs/{prometheus,alerting}/latest/configuration, there ``<secret>`` and ``<secret_url>``.

    Never paths (keys that end in ``_file`` or ``_files``), numbers, booleans, nor what is shorter than 4 characters.
    """
    return {spelled for value in _leaves(data, secret=False) for spelled in spellings(value)}


def _leaves(data: t.Any, *, secret: bool) -> t.Iterator[str]:
    if isinstance(data, str):
        if secret:
            yield data
            yield from _leaves(_json(data), secret=False)
        for password in USER_INFO.findall(data):
            yield from (password, urllib.parse.unquote(password))
    elif isinstance(data, t.Mapping):
        for key, value in data.items():
            yield from _below(str(key), value, secret=secret)
    elif isinstance(data, (list, tuple)):
        for item in data:
            yield from _leaves(item, secret=secret)


def _json(text: str) -> t.Any:
    """The data of a secret that is JSON itself, as a service account's key file is; None for any other."""
    try:
        return json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        return None


def _below(key: str, value: t.Any, *, secret: bool) -> t.Iterator[str]:
    if names_file(key):
        yield from _leaves(value, secret=False)
    elif key in HEADERS and isinstance(value, t.Mapping):
        for name, item in value.items():
            yield from _leaves(item, secret=str(name).lower() not in _PUBLIC_HEADERS)
    elif _LABELS.search(key) and isinstance(value, t.Mapping):
        for item in value.values():
            yield from _leaves(item, secret=secret)
    elif key == "authorization" and isinstance(value, t.Mapping):
        yield from _leaves(value, secret=secret)  # its type is none, its credentials are named so
    else:
        yield from _leaves(value, secret=secret or names_secret(key))


# One key of a bucket is in the slice of every host that has it.
@functools.lru_cache(maxsize=4096)
def spellings(value: str) -> frozenset[str]:
    """A value whole, line by line (as a block shows it), and as YAML quotes it."""
    found = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    found |= {text.replace("'", "''") for text in found}
    found.add(yaml.safe_dump(value, default_style='"', allow_unicode=True, width=10 * len(value) + 100).strip()[1:-1])
    return frozenset(text for text in found if len(text) >= SHORTEST)


def rendered(values: t.Collection[str], *parts: t.Any) -> set[str]:
    """Of values that came encrypted, those that these parts of a slice hold, in every spelling."""
    if not values:
        return set()
    text = "\n".join(_strings(list(parts)))
    return {spelled for value in values for spelled in spellings(value) if spelled in text}


def _strings(data: t.Any) -> t.Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, (t.Mapping, list, tuple)):
        for item in data.values() if isinstance(data, t.Mapping) else data:
            yield from _strings(item)
