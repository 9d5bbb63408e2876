# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which texts a group of a regex can hold, whatever text the regex matches: read off the tree, nothing is run.

``(app|team)`` spells its texts out; ``(.+)`` takes any, so that what it holds is only known with the text.
"""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import (
    Chars,
    Choice,
    Group,
    Node,
    Repeat,
    Sequence,
)

# A letter in either case, which Unicode folds to three characters at most: (?i)k is k, K and the Kelvin sign.
_SPELLED = 3
_EMPTY = Sequence(())


def literal(text: str) -> Node:
    """A text as a tree."""
    return Sequence(tuple(Chars(((ord(char), ord(char)),)) for char in text))


def held(tree: Node, number: int) -> Node:
    """What a group can hold as a tree of its own; one that may take no part is empty then, as is one that is missing.

    :param number: the group's; 0 for the whole.
    """
    return tree if number == 0 else _held(tree, number) or _EMPTY


def _held(node: Node, number: int) -> Node | None:
    if isinstance(node, Group):
        return node.body if node.number == number else _held(node.body, number)
    if isinstance(node, Repeat):
        found = _held(node.body, number)
        return Choice((found, _EMPTY)) if found and node.low == 0 else found
    if isinstance(node, (Sequence, Choice)):
        within = (_held(part, number) for part in node.parts)
        found = next((part for part in within if part is not None), None)
        return Choice((found, _EMPTY)) if found and isinstance(node, Choice) else found
    return None


def makes(node: Node, text: str) -> bool | None:
    """Whether the text is one of the tree's: True: it is spelled out; None: by what takes many characters; False: no.

    Conditions such as ``^`` are taken to hold.
    """
    if len(text) in _ends(node, text, frozenset([0]), _SPELLED):
        return True
    return None if len(text) in _ends(node, text, frozenset([0]), None) else False


def _ends(node: Node, text: str, starts: frozenset[int], widest: int | None) -> frozenset[int]:
    """Where the node can end in the text, if it begins at one of these places.

    :param widest: sets of more characters than these take none.
    """
    if isinstance(node, Chars):
        if widest is not None and sum(high - low + 1 for low, high in node.ranges) > widest:
            return frozenset()
        return frozenset(
            place + 1
            for place in starts
            if place < len(text) and any(low <= ord(text[place]) <= high for low, high in node.ranges)
        )
    if isinstance(node, Sequence):
        for part in node.parts:
            starts = _ends(part, text, starts, widest)
        return starts
    if isinstance(node, Choice):
        return frozenset().union(*(_ends(part, text, starts, widest) for part in node.parts))
    if isinstance(node, Group):
        return _ends(node.body, text, starts, widest)
    return _repeated(node, text, starts, widest) if isinstance(node, Repeat) else starts


def _repeated(node: Repeat, text: str, starts: frozenset[int], widest: int | None) -> frozenset[int]:
    """Places only go forward, so that soon nothing changes, however high the repetition counts."""
    for _turn in range(node.low):
        before, starts = starts, _ends(node.body, text, starts, widest)
        if starts in (before, frozenset()):
            break
    found = starts
    turns = len(text) if node.high is None else min(len(text), node.high - node.low)
    for _turn in range(turns):
        starts = _ends(node.body, text, starts, widest) - found
        if not starts:
            break
        found |= starts
    return found
