# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks of the past: into a replica's data folder, out of it again, and what a bucket has of them."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import Stack
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._objstore import metas


def backfill(stack: Stack, host: str, name: str, begin: int, end: int, step: int = 300) -> list[str]:
    """Have a replica's Prometheus hold a series of the past: the ids of its blocks."""
    script = (
        f"import sys\nfor when in range({begin}, {end}, {step}):\n"
        f"    print(f'{name}{{{{n=\"1\"}}}} {{when % 1000}} {{when}}')\nprint('# EOF')"
    )
    stack.sh(host, f"rm -rf /tmp/{name} && mkdir /tmp/{name} && python3 -c {shlex.quote(script)} > /tmp/{name}/in.om")
    stack.sh(host, f"promtool tsdb create-blocks-from openmetrics /tmp/{name}/in.om /tmp/{name}/blocks")
    ids = stack.sh(host, f"ls /tmp/{name}/blocks").split()
    stack.sh(
        host,
        f"chown -R prometheus:prometheus /tmp/{name}/blocks && mv /tmp/{name}/blocks/* /var/lib/prometheus/",
    )
    return ids


def forget(stack: Stack, host: str, ids: t.Sequence[str]) -> None:
    """Remove blocks of a replica's Prometheus, which is started again."""
    paths = " ".join(f"/var/lib/prometheus/{block}" for block in ids)
    stack.sh(host, f"systemctl stop prometheus && rm -rf {paths} && systemctl start prometheus")


def in_bucket(stack: Stack, host: str) -> list[dict[str, t.Any]]:
    """The meta.json of every block in the bucket of a host's store gateway, asked as docs/thanos.md says."""
    folder = "/etc/thanos_store"
    environment = f"set -a; [ ! -e {folder}/environment ] || . {folder}/environment"
    listing = f"thanos tools bucket ls --objstore.config-file={folder}/objstore.yml --output=json"
    return metas(stack.sh(host, f"{environment}; {listing} 2>/dev/null"))
