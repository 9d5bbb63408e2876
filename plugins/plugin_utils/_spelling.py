# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nearest of some known words, for what looks like a typing error."""

from __future__ import annotations

import difflib
import typing as t

# Shares of equal characters (difflib's ratio): retension for retention is near, data_path for data_dir is not. A wrong
# suggestion is worse than none. The other is for where the known words are not all there are.
NEAR = 0.8
VERY_NEAR = 0.85


def nearest(word: str, known: t.Iterable[str], near: float = NEAR) -> str | None:
    """The known word that is most like this one; None where none is near."""
    found = difflib.get_close_matches(word, known, 1, near)
    return found[0] if found else None
