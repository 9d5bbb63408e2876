# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Computes the plan of the run, and stops when the inventory has none or has problems."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _drawing,
    _output,
    _picture,
    _store,
    _terminal,
)

ARGUMENTS: dict[str, t.Any] = {
    "show": {"type": "bool", "default": False},
    "files": {"type": "list", "elements": "path", "default": []},
    "transition": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Once a run, on the controller alone."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validated, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            store = _store.obtain(task_vars, self._templar, self._loader)
            if args["transition"]:
                return {**result, "changed": False, "clients": self._clients(store, task_vars)}
            members = _store.begin(store, task_vars)
            if not (members or args["show"]):
                do = "see the notes above, and the components that there are roles for."
                raise HAError("this version rolls out nothing of what the inventory has", do=do)
            files = self._draw(args["files"], store.summary["report"], task_vars) if args["files"] else []
        except HAError as error:
            return {**result, "failed": True, **error.result()}
        if args["show"]:
            _terminal.say("\n" + store.summary["report"])
            for file in files:
                _terminal.say(f"Written: {file}")
        return {**result, "changed": False, "members": members, "report": store.summary["report"], "files": files}

    def _clients(self, store: _store.Store, task_vars: dict[str, t.Any]) -> list[str]:
        """Those of the plan that talk to a web endpoint which is about to move; remembered for the play of them.

        :raises HAError: where one of them moves as well: who talks to it would have to know first. Or where what moves
            splits its mesh, too: members move one after the other, and split for as long as that takes.
        """
        for host, name in _store.moving():
            if "peers" in _store.due([host])[host][name]["breaks"]:
                raise HAError(
                    f"the web endpoint of {name} moves, and what it talks to its peers by changes, too",
                    where=f"host {host}",
                    do="change one of both in a run of its own.",
                )
        both = _store.transition(task_vars, self._templar, self._loader)
        found: dict[str, list[t.Any]] = {}
        for host in store.summary["members"]:
            for item, other in zip(store.slices(host), both.slices(host), strict=True):
                files = [file for file in other["config"]["files"] if file not in item["config"]["files"]]
                if files:
                    found.setdefault(host, []).append((item["cohort"], [file["path"] for file in files]))
                    if (host, item["name"]) in _store.moving():
                        raise HAError(
                            f"the web endpoint of {item['name']} moves, and so does one that it talks to",
                            where=f"host {host}",
                            do="change the ports, prefixes or credentials of one component in a run of its own.",
                        )
        _store.record_clients(found)
        return list(found)

    def _draw(self, paths: t.Sequence[str], report: str, task_vars: t.Mapping[str, t.Any]) -> list[str]:
        """The plan as files. :raises HAError: for one that can't be written."""
        _snapshot, topology = _store.model(task_vars, self._templar)
        drawings = _drawing.Drawings(_picture.picture(topology), report)
        where = "prometheus_ha_plan_files"
        texts = {path: drawings.text(path, where) for path in paths}
        return [
            str(_output.write(path, text, folder=os.getcwd(), what="plan", where=where)) for path, text in texts.items()
        ]
