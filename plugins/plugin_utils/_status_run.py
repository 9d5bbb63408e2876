# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a run said of their components, kept until it is judged."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _status, _store

_KIND = "status"


def keep(host: str, said: t.Mapping[str, t.Any]) -> None:
    """Remember what a host said: ``components``, or why there is nothing: ``failed`` or ``unreachable``."""
    _store.keep(_KIND, host, said)


def collected(store: _store.Store, play: t.Sequence[str]) -> _status.Status:
    """What all hosts of the play said, and what is to be thought of it. What was said is forgotten."""
    members = store.summary["members"]
    asked = [host for host in members if host in set(play)]
    said = _store.kept(_KIND, asked)
    for host in asked:
        _store.keep(_KIND, host, None)
    left_out = [host for host in members if host not in set(asked)]
    return _status.judge({host: store.slices(host) for host in asked}, said, left_out, store.summary["notes"])
