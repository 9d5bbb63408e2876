# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a failure reads."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HAError("it is broken"), "it is broken."),
        (HAError("It is broken.", do="mend it."), "It is broken. Do: mend it."),
        (HAError("it is broken", where="host a"), "host a: it is broken."),
        (
            HAError("it refuses", where="host a", said="line 1\nline 2\n", do="correct it."),
            "host a: it refuses.\n  | line 1\n  | line 2\nDo: correct it.",
        ),
    ],
)
def test_text(error: HAError, text: str) -> None:
    assert str(error) == text


def test_the_result_holds_the_text_once_and_the_facts() -> None:
    assert HAError("no", said="words", rolled_back=True).result() == {"msg": "no.\n  | words", "rolled_back": True}
