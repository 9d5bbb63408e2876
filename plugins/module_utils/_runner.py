# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands, injected: every backend takes a Runner, tests hand it a table of replies or the real one."""

from __future__ import annotations

import dataclasses
import functools
import os
import pwd
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
    def __call__(
        self,
        argv: t.Sequence[str],
        *,
        cwd: str | None = None,
        timeout: float = 60.0,
        variables: t.Mapping[str, str] | None = None,
        account: str = "",
    ) -> Completed: ...


def run(
    argv: t.Sequence[str],
    *,
    cwd: str | None = None,
    timeout: float = 60.0,
    variables: t.Mapping[str, str] | None = None,
    account: str = "",
) -> Completed:
    """Run a command without a shell, in the C locale, and never raise for its outcome (seconds: timeout).

    :param variables: of the environment, beside those that are there.
    :param account: as whom, where that is not who asks; root alone can.
    """
    env = {**os.environ, "LC_ALL": "C", "LANGUAGE": "", **(variables or {})}
    become: t.Callable[[], None] | None = None
    if account:
        try:
            entry = pwd.getpwnam(account)
        except KeyError:
            return Completed(127, "", f"{argv[0]}: there is no account {account}")
        env.update(HOME=entry.pw_dir, USER=account, LOGNAME=account)
        become = functools.partial(_become, account, entry.pw_uid, entry.pw_gid)
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            env=env,
            preexec_fn=become,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        return Completed(124, "", f"{argv[0]}: not finished after {timeout:g} s")
    except OSError as error:
        return Completed(127, "", f"{argv[0]}: {error.strerror or error}")
    except subprocess.SubprocessError:  # all that it says of what was done before the program
        return Completed(127, "", f"{argv[0]}: cannot be run as {account}")
    return Completed(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def _become(account: str, uid: int, gid: int) -> None:
    """Between fork and exec; subprocess' own ``user`` is not there before Python 3.9."""
    os.initgroups(account, gid)
    os.setgid(gid)
    os.setuid(uid)
