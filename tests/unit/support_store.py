# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of a run's steps: what an action of a host is given, the run's plan, and what its hosts have pending."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible import constants
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables


class HostVars(dict[str, dict[str, t.Any]]):
    """Ansible's, as far as the plan uses it."""

    def raw_get(self, host_name: str) -> dict[str, t.Any]:
        return self[host_name]


def begin_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run of Ansible begins: it has a temporary folder of its own."""
    run = folder / "tmp" / "ansible-local-42x"
    run.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(run))


def task_vars(host: str, *parts: t.Mapping[str, HostVariables], play: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """What an action of a host is given.

    :param parts: the inventory, see support_plan.
    :param play: the play's hosts; default: all.
    """
    known = {name: one for part in parts for name, one in part.items()}
    hosts = {
        name: {"inventory_hostname": name, "group_names": list(one.groups), **one.values} for name, one in known.items()
    }
    names = list(play or hosts)
    return {
        **hosts[host],
        "ansible_play_hosts_all": names,
        "ansible_play_hosts": names,
        "hostvars": HostVars(hosts),
    }


def templar_of(variables: dict[str, t.Any]) -> Templar:
    return Templar(loader=DataLoader(), variables=variables)


def obtain(variables: dict[str, t.Any]) -> _store.Store:
    """The run's plan, as an action gets it."""
    return _store.obtain(variables, templar_of(variables), DataLoader())


def part(pending: str = "none", *, cohort: t.Sequence[str] = ("prometheus", "default", "eu"), **more: t.Any) -> t.Any:
    """What a component has pending, as a stage leaves it for the rest of the run; see _converge.part."""
    return {
        "pending": pending,
        "reasons": [],
        "at_once": False,
        "ahead": False,
        "breaks": {},
        "files": [],
        "serves": True,
        "runs": "3.5.3",
        "endpoint": None,
        "keeps": "",
        "cohorts": [list(cohort)],
        "order": 0,
        "tier": "",
        "zone": "",
        "watched": False,
        "packaged": False,
        "version": "3.5.3",
        **more,
    }
