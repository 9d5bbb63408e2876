"""The one exception that a person sees; `main` prints it without a traceback."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot go on without; the message says what to do."""


class CommandError(LabError):
    """A command that failed, with what it printed."""

    def __init__(self, argv: list[str], code: int, output: str) -> None:
        self.argv = argv
        self.code = code
        self.output = output
        tail = "\n".join(output.strip().splitlines()[-15:])
        super().__init__(f"`{' '.join(argv)}` ended with {code}:\n{tail}")
