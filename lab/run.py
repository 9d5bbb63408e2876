"""The only place where the lab starts commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import CommandError, LabError


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    timeout: float | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its output; a failure carries what it printed."""
    args = list(argv)
    try:
        done = subprocess.run(
            args,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
        )
    except FileNotFoundError as error:
        raise LabError(f"command not found: {args[0]}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(args)}` did not end within {timeout} s") from error
    if check and done.returncode != 0:
        raise CommandError(args, done.returncode, done.stdout + done.stderr)
    return done
