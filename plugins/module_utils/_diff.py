# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be shown of a file: one normaliser for before and after, secrets masked."""

from __future__ import annotations

import dataclasses
import re
import typing as t

HIDDEN = "(content not shown)"
MASK = "********"

# Keys whose values are secret in Prometheus', Alertmanager's and Thanos' configuration (types Secret, SecretURL and
# plain passwords): basic_auth.password, bearer_token, credentials, secret_key, api_url, webhook_url, service_key ...
_SECRET_VALUE = re.compile(
    r"""["']?[\w.-]*(?:pass|secret|token|key|credential|url|dsn)[\w.-]*["']?[ \t]*:[ \t]*"""
    r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^"'\s][^\n]*))""",
    re.IGNORECASE,
)
# go-yaml quotes at most so much of a value in its errors (yaml.v2 decode.go: value[:7] + "...").
_YAML_QUOTES = 7
_SHORTEST = 4


@dataclasses.dataclass(frozen=True)
class View:
    """A file as it is or shall be. ``link``: where a symbolic link points, which is all that is shown of it."""

    content: bytes = dataclasses.field(repr=False)
    mode: int
    owner: str
    group: str
    link: str = ""

    @property
    def attributes(self) -> str:
        return f"owner {self.owner}, group {self.group}, mode {self.mode:04o}"


def entry(path: str, before: View | None, after: View | None, *, secret: bool) -> dict[str, str]:
    """One item of a module's ``diff`` list; owner, group and mode are shown where they differ."""
    attributes = before is not None and after is not None and before.attributes != after.attributes

    def text(view: View | None, state: str) -> str:
        if view is None:
            return ""
        head = view.attributes + "\n" if attributes else ""
        if view.link:
            return f"{head}symbolic link to {view.link}\n"
        if secret:
            return f"{head}{state} {HIDDEN}\n"
        return head + view.content.decode("utf-8", "replace")

    same = before is not None and after is not None and before.content == after.content
    return {
        "before_header": path,
        "after_header": path,
        "before": text(before, "secret"),
        "after": text(after, "secret" if same else "changed" if before else "new"),
    }


def secret_values(contents: t.Iterable[bytes]) -> set[str]:
    """The values of secret keys in configuration files (of a file without ``key: value`` lines every line)."""
    values: set[str] = set()
    for content in contents:
        text = content.decode("utf-8", "replace")
        if not re.search(r":(\s|$)", text, re.MULTILINE):
            values.update(line.strip() for line in text.splitlines())
        for double, single, plain in _SECRET_VALUE.findall(text):
            # A plain value ends with its line in block style, at a comma or brace in flow style.
            values.update((double, single, plain.strip(), re.split(r"[,}\]]", plain)[0].strip()))
    return {value for value in values if len(value) >= _SHORTEST}


def mask(words: str, secrets: t.Iterable[bytes]) -> str:
    """A checker's words without the values that secret files hold; keys and names stay readable."""
    for value in sorted(secret_values(secrets), key=len, reverse=True):
        words = words.replace(value, MASK).replace(value[:_YAML_QUOTES] + "...", MASK)
    return words
