# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions share: running the module of the host's room, and turning its failures into inventory paths."""

from __future__ import annotations

import re
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _lease, _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._pins import with_pins

# ansible-core's own words when a host has no usable Python (executor/module_common.py, module_utils/basic.py).
NO_PYTHON = ("module interpreter", "No python interpreters found", "requires a minimum of Python", "python: not found")

# Options of a release or a service (the fact `option` of its errors) as inventory variables, by component.
OPTIONS = {
    "version": "{}_version",
    "checksum": "{}_checksum",
    "source": "prometheus_ha_release_source",
    "host_ip_towards": "{}_cluster_advertise_address",
}


def for_host(item: t.Mapping[str, t.Any], *without: str) -> dict[str, t.Any]:
    """A slice without what only the controller needs, and without what the module does not take."""
    kept = {key: value for key, value in item.items() if key not in ("order", "origins", "watched", "zone", *without)}
    files = [
        {key: value for key, value in file.items() if key != "source"} for file in item["config"].get("files") or []
    ]
    return {**kept, "release": with_pins(item["release"]), "config": {**item["config"], "files": files}}


class SliceAction(ActionBase):
    """An action that hands a module its slice of the plan."""

    _supports_async = False

    def lease(self) -> dict[str, t.Any]:
        """The option ``lease`` of modules that change a host or ask it meanwhile; none in check mode."""
        return {} if self._task.check_mode else {"lease": _lease.mine(_store.run_pid())}

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
    sources = {f"{config.get('root', '')}/{file['path']}": file.get("source", "") for file in config.get("files") or []}
    named = [path for path in sources if path in refused] or [path for path in sources if path in words]
    return sorted({sources[path] for path in named if sources[path]})


def _suspects(result: dict[str, t.Any], item: t.Mapping[str, t.Any]) -> list[str]:
    """The variables that a component's failure is about, with file and line of those that the inventory sets.

    Of a file that several variables make, and of what a start takes, only these count, where there are any.
    """
    name, words, origins = item["name"], str(result.get("msg", "")), item.get("origins", {})
    known = [variable for variable in origins if variable.startswith((f"{name}_", "prometheus_ha_"))]
    found = [part for source in _accused(item.get("config", {}), words) for part in source.split(", ")]
    found = [part for part in found if part.partition(":")[0] in origins] or found
    if not found and "reasons" in result:
        other = () if any("argument" in reason for reason in result["reasons"]) else ("_version",)
        found = [variable for variable in known if variable.endswith(("_extra_args", "_unit_options", *other))]
    found += [OPTIONS[result["option"]].format(name)] if result.get("option") in OPTIONS else []
    found += [variable for variable in known if re.search(rf"\b{variable}\b", words)]
    shown = {part: origins.get(part.partition(":")[0]) for part in found}
    return [f"{part} ({origin})" if origin else part for part, origin in shown.items()]


def blame(result: dict[str, t.Any], host: str, slices: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """Put the inventory's names in front of a host's failure: the host, and the variables that it is about."""
    failed = result.get("component")
    for item in slices:
        if failed and item["name"] != failed:
            continue
        suspects = _suspects(result, item)
        if suspects:
            result["variables"] = suspects
    result.pop("option", None)
    where = f"host {host}"
    if result.get("variables"):
        where += f", variable {' or '.join(result['variables'])}"
    if not str(result.get("msg", "")).startswith("host "):
        result["msg"] = f"{where}: {result.get('msg', '')}"
