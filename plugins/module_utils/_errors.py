# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of the host's room: what is wrong, where, what the checker said, what to do."""

from __future__ import annotations

import typing as t


class HAError(Exception):
    """A failure for a person to read.

    :param what: one sentence: what is wrong, with the names and values that matter.
    :param where: what it concerns: an inventory path (``group_vars/eu.yml: prometheus_rules``), a file or a unit.
    :param said: the words of what refused (promtool, amtool, systemd, the last log lines).
    :param do: what to change, one sentence.
    :param facts: further machine-readable fields of the module's result; must hold no secret.
    """

    def __init__(self, what: str, *, where: str = "", said: str = "", do: str = "", **facts: t.Any) -> None:
        self.what = what
        self.where = where
        self.said = said.strip()
        self.do = do
        self.facts = facts
        super().__init__(str(self))

    def __str__(self) -> str:
        what = self.what if self.what.endswith((".", ":", "?")) else self.what + "."
        text = f"{self.where}: {what}" if self.where else what
        if self.said:
            text += "\n" + "\n".join("  | " + line for line in self.said.splitlines())
        if self.do:
            text += ("\n" if self.said else " ") + f"Do: {self.do}"
        return text

    def result(self) -> dict[str, t.Any]:
        """The fields for ``module.fail_json(**error.result())``: the whole text once, since Ansible prints them all."""
        return {**self.facts, "msg": str(self)}
