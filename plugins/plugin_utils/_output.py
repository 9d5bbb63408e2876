# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that the user asked for, written on the controller whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pathlib

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


def write(path: str, text: str, *, folder: str, what: str, where: str) -> pathlib.Path:
    """Write it, readable as the user's umask says. :raises HAError: when it can't be written.

    :param folder: the working directory that the run was started in; a relative path starts from there.
    :param what: what the error calls the file.
    :param where: the variable that names it.
    :returns: the file.
    """
    file = pathlib.Path(folder, pathlib.Path(path).expanduser())
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        do = "name a file in a folder that exists and that you may write to."
        raise HAError(f"the {what} {file} can't be written", where=where, said=str(error), do=do) from error
    return file
