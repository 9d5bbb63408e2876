# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the variables that no role documents."""

from __future__ import annotations

import re

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _registry

from scripts import modelled_docs


def test_every_variable_without_a_role_is_told_once() -> None:
    page = modelled_docs.page()
    told = re.findall(r"^- `(\w+)` \(", page, flags=re.MULTILINE)
    kinds = [component.kind for component in _registry.COMPONENTS if component.render is None]
    assert len(told) == len(set(told))
    assert {option.name for kind in kinds for option in kind.options} <= set(told)
    rolled_out = {
        option.name for component in _registry.COMPONENTS if component.render for option in component.kind.options
    }
    assert {option.name for kind in kinds for option in kind.borrowed} - rolled_out <= set(told)
    assert not rolled_out & set(told)
    assert [kind.title for kind in kinds if f"\n## {kind.title}\n" not in page] == []


def test_groups_with_defaults_of_their_own_and_no_markup_of_ansible() -> None:
    page = modelled_docs.page()
    assert "Hosts of `prometheus_federation` have the defaults `prometheus_replica_label: federation_replica`" in page
    assert re.findall(r"\b[CVOIB]\(", page) == []
