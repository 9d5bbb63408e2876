# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of environment variables, as systemd reads it (systemd.exec(5), EnvironmentFile=), written and read back.

Unit files are for everybody to read, and so are the variables in them; this one is for root and a component's group.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')


def write(variables: t.Mapping[str, t.Any]) -> str:
    """A line a variable, in the given order.

    :raises HAError: for a name or a value that no such file can hold; never with the value, which may be a secret.
    """
    lines = []
    for name, value in variables.items():
        if not _NAME.fullmatch(str(name)):
            raise HAError(f"{str(name)!r} is no name of an environment variable", do="use letters, digits and _.")
        text = str(value)
        if re.search(r"[\x00-\x1f\x7f]", text):
            raise HAError(f"the value of {name} holds a control character", do="give it on one line.")
        # What a backslash goes before in double quotes there: SHELL_NEED_ESCAPE in systemd's src/basic/escape.h.
        quoted = re.sub(r'(["\\`$])', r"\\\1", text)
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines)


def read(text: str) -> dict[str, str]:
    """The variables of what :func:`write` wrote; other lines are passed over."""
    found = (_LINE.fullmatch(line) for line in text.split("\n"))
    return {each.group(1): re.sub(r"\\(.)", r"\1", each.group(2)) for each in found if each}
