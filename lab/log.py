"""Progress on standard error, so that standard output stays parsable."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START = time.monotonic()


def say(message: str) -> None:
    """Print one line with the seconds since the command began."""
    print(f"[lab {time.monotonic() - _START:6.1f}s] {message}", file=sys.stderr, flush=True)


@contextmanager
def step(message: str) -> Iterator[None]:
    """Announce a long step and say how long it took, so that CI shows it."""
    say(f"{message} ...")
    begin = time.monotonic()
    yield
    say(f"{message}: done in {time.monotonic() - begin:.1f} s")
