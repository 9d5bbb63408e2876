# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For tests of the rules about Thanos: a pair with sidecars, and what the T rules say."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._inventory import HostVariables
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_plan import hosts, plan, prometheus

Part = t.Mapping[str, HostVariables]

OBJSTORE = {"type": "S3", "config": {"bucket": "blocks", "endpoint": "s3:9000", "secret_key": "hush"}}


def told(*parts: Part, files: t.Mapping[str, str] | None = None) -> list[str]:
    """What the T rules find, as people read it; never a key of the object store."""
    found = [str(finding) for finding in plan(*parts, files=files).findings]
    assert "hush" not in "".join(found)
    return [line for line in found if line.startswith("T")]


def pair(*names: str, **values: t.Any) -> Part:
    """Replicas with sidecars that upload, named as a set."""
    given = {"thanos_sidecar_enabled": True, "thanos_objstore_config": OBJSTORE, **values}
    return prometheus(*(names or ("p-1", "p-2")), **{"prometheus_external_labels": {"cluster": "eu"}, **given})


def of(group: str, *names: str, **values: t.Any) -> Part:
    """Hosts of a Thanos group, named by its first letter unless given; with the bucket where it may have one."""
    bucket = {} if group in ("query", "query_frontend", "receive_router") else {"thanos_objstore_config": OBJSTORE}
    return hosts(*(names or (f"{group}-1",)), groups=[f"thanos_{group}"], **{**bucket, **values})
