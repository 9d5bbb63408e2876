# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module component on a host: with its slices, the lease of this run, and an archive where it lacks one."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import (
    _lease,
    _registry,
    _store,
    _terminal,
    _waves,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._fetch import merged, provide_archive
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._remote import SliceAction, for_host

Slices = t.Sequence[t.Mapping[str, t.Any]]
# Seconds beyond a start's time-out that a process which a dead run left on the host is waited for.
_MARGIN = 60.0
# What a stage finds of a component and later plays of the run need.
_KEPT = ("pending", "reasons", "at_once", "ahead", "breaks", "files", "serves", "runs", "endpoint", "keeps")


def part(item: t.Mapping[str, t.Any], found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the run remembers of a component: what the host found, and where its slice stands in the plan."""
    return {
        **{key: found[key] for key in _KEPT},
        # One that moves between two sets must not be missed by either.
        "cohorts": [item["cohort"], *filter(None, [found.get("former_cohort")])],
        "order": item["order"],
        "tier": _waves.tier(item["name"], _registry.component(item["name"]).kind.tier, found["pending"])
        if _registry.is_known(item["name"])
        else "",
        "zone": item["zone"],
        "watched": item["watched"],
        "packaged": "executable" in item["release"],
        "version": item["release"].get("version", ""),
    }


def record(host: str, slices: Slices, components: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
    """Remember what these components have pending."""
    _store.record_pending(host, {item["name"]: part(item, components[item["name"]]) for item in slices})


class ConvergeAction(SliceAction):
    """An action that converges components of a host."""

    def require_lockstep(self, host: str, who: str) -> None:
        """:raises HAError: under a strategy that lets hosts run ahead.

        :param who: what needs them in step.
        """
        strategy = str(self._task.get_play().strategy)
        if not strategy.endswith(("linear", "debug")):
            raise HAError(
                f"the play's strategy is {strategy}; {who} need hosts that go in step. Nothing was changed",
                where=f"host {host}",
                do="set strategy: linear for this play.",
            )

    def converge(
        self, slices: Slices, state: str, task_vars: dict[str, t.Any], *, asked: str | None = None
    ) -> dict[str, t.Any]:
        """The module's result; a failure is told in it.

        :param asked: reload or restart, also where less is pending.
        """
        plan = [for_host(item, "expect") for item in slices]
        args: dict[str, t.Any] = {"state": state, "plan": plan, **({"asked": asked} if asked else {})}
        try:
            result = self._leased(args, task_vars)
            wanted = result.pop("fetch", None)
            if not wanted or result.get("failed"):
                return result
            # Several components may share a release, which is brought once.
            brought: dict[tuple[str, str], dict[str, t.Any]] = {}
            for item in plan:
                if item["name"] in wanted:
                    key = (item["release"]["name"], item["release"].get("version", ""))
                    if key not in brought:
                        brought[key] = self._provided(item, wanted[item["name"]], task_vars)
                    item["release"] = {**item["release"], **brought[key]}
            return merged(result, self._leased(args, task_vars))
        finally:
            base: t.Any = self  # ActionBase is typed only in parts
            base._remove_tmp_path(self._connection._shell.tmpdir)

    def _leased(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Under this run's lease: that of a run of which the process is known to be gone is taken over.

        What such a run left at work on the host is waited for.
        """
        host = task_vars["inventory_hostname"]
        deadline = time.monotonic() + _MARGIN
        services = [item.get("service") or {} for item in args["plan"]]  # the module says what a plan by hand lacks
        deadline += max((float(service.get("start_timeout") or 0) for service in services), default=0.0)
        lease = self.lease()
        while True:
            result = self.call("component", {**args, **lease}, task_vars)
            holder = result.pop("lease_holder", None)
            busy = result.pop("busy", None)
            if holder and _lease.is_gone(holder, lease["lease"]) and "over" not in lease["lease"]:
                lease = {"lease": {**lease["lease"], "over": holder["run"]}}
            elif busy and time.monotonic() < deadline:
                _terminal.say(f"{host}: waiting for what an earlier run left at work there: {busy}", beside=True)
            else:
                # Refused for who else is at work there: nothing was done, and nothing is to be put back.
                return {**result, "untouched": True} if holder or busy else result

    def _provided(self, item: t.Mapping[str, t.Any], arch: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if "executable" not in item["release"]:
            return self._provide(item, arch)
        return self._install(item["name"], str(item["release"]["name"]), task_vars)

    def _install(self, component: str, package: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """A package of the distribution, by Ansible's own action. :raises HAError: with the package manager's words."""
        # Where there is no list of packages, or an old one, the second try fetches it.
        done = self._package({"name": package, "state": "present"}, task_vars)
        if done.get("failed"):
            done = self._package({"name": package, "state": "present", "update_cache": True}, task_vars)
        if done.get("failed"):
            raise HAError(
                f"the package {package} can't be installed",
                said=str(done.get("msg", "")),
                do=f"install {package} by hand, or mend the host's package sources.",
                component=component,
            )
        return {}

    def _package(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        base: t.Any = self  # ActionBase is typed only in parts
        task = base._task.copy()
        task.args = args
        action = base._shared_loader_obj.action_loader.get(
            "ansible.builtin.package",
            task=task,
            connection=base._connection,
            play_context=base._play_context,
            loader=base._loader,
            templar=base._templar,
            shared_loader_obj=base._shared_loader_obj,
        )
        done: dict[str, t.Any] = action.run(task_vars=task_vars)
        return done

    def _provide(self, item: t.Mapping[str, t.Any], arch: str) -> dict[str, t.Any]:
        try:
            return provide_archive(self, ReleaseSpec.from_params(item["release"]), arch)
        except HAError as error:
            error.facts["component"] = item["name"]
            raise
