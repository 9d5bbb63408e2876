# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions share: running the module of the host's room, and turning its failures into inventory paths."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

# ansible-core's own words when a host has no usable Python (executor/module_common.py, module_utils/basic.py).
NO_PYTHON = ("interpreter", "No python interpreters found", "requires a minimum of Python", "python: not found")


class SliceAction(ActionBase):
    """An action that hands a module its slice of the plan."""

    _supports_async = False

    def call(self, module: str, args: t.Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run a module of the collection on the host. The injected slice is not echoed back."""
        result: dict[str, t.Any] = self._execute_module(
            module_name=f"baremetal.prometheus_ha.{module}", module_args=dict(args), task_vars=task_vars
        )
        result.pop("invocation", None)
        if result.get("failed"):
            self._explain_python(result, task_vars)
        return result

    @staticmethod
    def _explain_python(result: dict[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> None:
        words = " ".join(str(result.get(key, "")) for key in ("msg", "module_stderr", "module_stdout"))
        if result.get("rc") in (126, 127) or any(sign in words for sign in NO_PYTHON):
            host = task_vars["inventory_hostname"]
            result["msg"] = (
                f"host {host}, variable ansible_python_interpreter: there is no usable Python on the host; "
                f"3.8 or newer is needed.\n  | {words.strip()[:500]}\n"
                "Do: install python3, or point ansible_python_interpreter at one. Nothing was changed."
            )


def _accused(config: t.Mapping[str, t.Any], words: str) -> list[str]:
    """The variables of the files that a refusal names.

    promtool and amtool also name what they look at or found good: these files count only where no other is named.
    """
    refused = "\n".join(line for line in words.splitlines() if "Checking " not in line and "SUCCESS" not in line)
    sources = {f"{config.get('root', '')}/{file['path']}": file["source"] for file in config.get("files", [])}
    named = [path for path in sources if path in refused] or [path for path in sources if path in words]
    return sorted({sources[path] for path in named if sources[path]})


def blame(result: dict[str, t.Any], host: str, slices: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Put the inventory's names in front of a host's failure: the host, and the variables of the files it names."""
    failed = result.get("component")
    for item in slices:
        if failed and item["name"] != failed:
            continue
        sources = _accused(item.get("config", {}), result.get("msg", ""))
        if sources:
            result["variables"] = sources
    where = f"host {host}"
    if result.get("variables"):
        where += f", variable {' or '.join(result['variables'])}"
    if not str(result.get("msg", "")).startswith("host "):
        result["msg"] = f"{where}: {result.get('msg', '')}"
