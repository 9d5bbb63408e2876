# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain data as YAML as people write it by hand: block style, indented lists, no aliases.

PyYAML writes every key and scalar; only their nesting is done here, so that each piece is written once for all
replicas and sets that have it. PyYAML alone was most of what a plan costs.
"""

from __future__ import annotations

import functools
import typing as t

import yaml

WIDTH = 10_000
_STEP = "  "
_END = "\n...\n"


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's hook
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: t.Any) -> bool:  # noqa: ARG002 - PyYAML's hook
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML does not read back the other line ends of YAML 1.1 unless they are escaped.
    style = '"' if set("\x85\u2028\u2029") & set(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(data: t.Any, *, width: int = WIDTH) -> str:
    """Plain data as YAML, keys in the given order; no line is folded within ``width``.

    :param data: mappings, lists and scalars; keys are text.
    """
    # Where lines are folded depends on how deep they are, so that pieces of their own would be folded elsewhere.
    return _whole(data, width) if width != WIDTH else "\n".join([*_lines(data), ""])


def _whole(data: t.Any, width: int = WIDTH) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)
    return text


def _lines(data: t.Any) -> list[str]:
    """As ``_whole``, in lines without their ends."""
    if isinstance(data, dict) and data and all(isinstance(key, str) for key in data):
        return [line for key, value in data.items() for line in _entry(key, value)]
    if isinstance(data, (list, tuple)) and data:
        return [line for value in data for line in _item(value)]
    return _split(_whole(data))


def _entry(key: str, value: t.Any) -> t.Sequence[str]:
    if isinstance(value, float):  # 0.0 and -0.0 are equal
        return _split(_whole({key: value}))
    if not isinstance(value, (dict, list, tuple)):
        return _scalar_entry(key, value)
    head = _scalar_entry(key, None)
    # A key that is too long or has several lines is written as "? key", and an empty collection beside its key.
    if not value or len(head) != 1 or head[0].startswith("?"):
        return _split(_whole({key: value}))
    return [head[0].removesuffix(" null"), *(_STEP + line if line else line for line in _lines(value))]


def _item(value: t.Any) -> t.Sequence[str]:
    if isinstance(value, float):
        return _split(_whole([value]))
    if not isinstance(value, (dict, list, tuple)):
        return _scalar_item(value)
    first, *rest = _lines(value)
    return ["- " + first, *(_STEP + line if line else line for line in rest)]


# Typed: 1, 1.0 and True are equal, and are not written the same.
@functools.lru_cache(maxsize=65_536, typed=True)
def _scalar_entry(key: str, value: t.Any) -> tuple[str, ...]:
    return tuple(_split(_whole({key: value})))


@functools.lru_cache(maxsize=65_536, typed=True)
def _scalar_item(value: t.Any) -> tuple[str, ...]:
    return tuple(_split(_whole([value])))


def _split(text: str) -> list[str]:
    # PyYAML ends a document so after a block of text with blank lines at its end, which here is none's end.
    return (text[: -len(_END) + 1] if text.endswith(_END) else text)[:-1].split("\n")
