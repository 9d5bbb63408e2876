# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from lab import labs


@pytest.mark.parametrize(("before", "after"), [("128", 1024), ("1024", 1024), ("8192", 8192)])
def test_the_limit_of_inotify_is_raised_and_never_lowered(tmp_path: Path, before: str, after: int) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text(f"{before}\n")
    labs._raise_inotify_limit(limit)
    assert int(limit.read_text()) == after
