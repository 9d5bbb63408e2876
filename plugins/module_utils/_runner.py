# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands, injected: every backend takes a Runner, tests hand it a table of replies or the real one."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import typing as t


@dataclasses.dataclass(frozen=True)
class Completed:
    """What a command did; ``rc`` 127: no such program, 124: it took longer than allowed."""

    rc: int
    stdout: str
    stderr: str

    @property
    def words(self) -> str:
        """Its own words: stderr and stdout together, for an error message."""
        return "\n".join(part.strip() for part in (self.stderr, self.stdout) if part.strip())


class Runner(t.Protocol):
    def __call__(self, argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0) -> Completed: ...


def run(argv: t.Sequence[str], *, cwd: str | None = None, timeout: float = 60.0) -> Completed:
    """Run a command without a shell, in the C locale, and never raise for its outcome (seconds: timeout)."""
    env = {**os.environ, "LC_ALL": "C", "LANGUAGE": ""}
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env=env,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        return Completed(124, "", f"{argv[0]}: not finished after {timeout:g} s")
    except OSError as error:
        return Completed(127, "", f"{argv[0]}: {error.strerror or error}")
    return Completed(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
