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

# Keys whose values are secret; plugin_utils/_secrets.py names the upstream types they come from.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|(^|_)(api|private)?key$|^authorization$|^dsn$"
    # Of object stores (thanos docs/storage.md): GCS, Azure.
    r"|^service_account$|connection_string$"
)
_SECRET_URL = re.compile(r"^url$|(^|_)(api|webhook)_url$")
_NO_SECRET = re.compile(r"(^|_)files?$|(^|_)public_key$|^application_credential_(id|name)$")
# Below these every value counts, whatever its header is called.
HEADERS = ("headers", "http_headers")

USER_INFO = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@", re.IGNORECASE)  # the password in a URL

_LINE = re.compile(r"""([ \t]*(?:-[ \t]+)*)["']?([\w.-]+)["']?[ \t]*:(?:[ \t]+(.*))?$""")
_PAIR = re.compile(
    r"""["']?([\w.-]+)["']?[ \t]*:[ \t]*"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\[[^\]]*\]|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|[^\s\[\]{},"'][^,}\]\n]*)"""
)
_BLOCK = re.compile(r"([|>][+\-\d]*|[\[{])?[ \t]*(#.*)?$")  # what a key with its value on the next lines ends in
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


def names_secret(key: str) -> bool:
    """Whether the values of a key are secret, by its name in Prometheus', Alertmanager's and Thanos' configuration."""
    name = key.lower().replace("-", "_")
    if _NO_SECRET.search(name):
        return False
    return bool((_SECRET_URL if name.endswith("url") else _SECRET).search(name))


def names_file(key: str) -> bool:
    """Whether the values of a key are paths, which errors must name: key_file, http_headers.X.files."""
    return bool(_NO_SECRET.search(key.lower()))


def _scalars(value: str) -> t.Iterator[str]:
    """The values in ``key: <value>``: as they are written, and without what YAML's quotes double."""
    value = value.strip().rstrip(",")
    if value[:1] in "[{":
        for part in re.split(r"[\[\]{},]", value):
            yield from _scalars(part.rpartition(": ")[2]) if part.strip() else ()
    elif value[:1] in "\"'":
        quoted = re.match(r""""((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'""", value)
        inner = (quoted.group(1) or quoted.group(2) or "") if quoted else value[1:]
        yield from (inner, inner.replace("''", "'"), inner.replace('\\"', '"'))
    else:
        yield from (value, value.partition(" #")[0].strip())


def _flow(text: str, secret: bool) -> t.Iterator[str]:
    """The secret values in a line's ``{key: value}``."""
    for key, value in _PAIR.findall(text):
        counts = not names_file(key) and (secret or names_secret(key))
        if value.startswith("{"):
            yield from _flow(value, counts or key.lower() in HEADERS)
        elif counts:
            yield from _scalars(value)


def _scan(text: str) -> t.Iterator[str]:
    """The secret values of a YAML or JSON text, line by line: the text need not be whole, nor valid."""
    open_keys: list[tuple[int, bool, bool]] = []  # of the line's parents: column, whether secret, whether block text
    for line in text.splitlines():
        bare = line.strip()
        indent = len(line) - len(line.lstrip())
        while (
            open_keys
            and bare
            and not (
                indent > open_keys[-1][0]
                or (indent == open_keys[-1][0] and bare.startswith("-") and not open_keys[-1][2])
            )
        ):
            open_keys.pop()
        _column, secret, block = open_keys[-1] if open_keys else (0, False, False)
        found = None if block else _LINE.match(line)
        if found is None:
            if secret:
                yield from [bare] if block else _scalars(re.sub(r"^(-[ \t]+)+", "", bare))
            elif not block:
                yield from _flow(bare, False)
            continue
        before, key, value = found.group(1), found.group(2), (found.group(3) or "").strip()
        counts = not names_file(key) and (secret or names_secret(key))
        if _BLOCK.match(value):
            dict_below = key.lower() in HEADERS
            # The type beside the credentials (authorization: {type: Bearer}) is none.
            counts = counts and not (key.lower() == "authorization" and value[:1] not in ("|", ">"))
            open_keys.append((len(before), counts or dict_below, value[:1] in ("|", ">")))
        elif value.startswith("{"):
            yield from _flow(value, counts or key.lower() in HEADERS)
        elif counts:
            yield from _scalars(value)
        else:
            yield from _flow(value, False)


def secret_values(contents: t.Iterable[bytes]) -> set[str]:
    """The values of secret keys in configuration files (of a file without ``key: value`` lines every line).

    By lines, for files whose data nobody has: the former ones on the disk, and those of a plan written by hand.
    """
    values: set[str] = set()
    for content in contents:
        text = content.decode("utf-8", "replace")
        if not re.search(r":(\s|$)", text, re.MULTILINE):
            values.update(line.strip() for line in text.splitlines())
        values.update(_scan(text), USER_INFO.findall(text))
    return {value for value in values if len(value) >= _SHORTEST}


def quoted(values: t.Iterable[str]) -> set[str]:
    """The beginnings by which go-yaml names long values in its errors."""
    return {value[:_YAML_QUOTES] + "..." for value in values if len(value) > _YAML_QUOTES}


def mask(words: str, secrets: t.Iterable[bytes], known: t.Iterable[str] = ()) -> str:
    """Words without the values that secret files hold, nor those ``known``; keys and names stay readable."""
    values = secret_values(secrets).union(known)
    for value in sorted(values | quoted(values), key=len, reverse=True):
        words = words.replace(value, MASK)
    return words
