# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""FAKE releases of Prometheus, laid out as the mirror: a wrapper as its binary, beside the real promtool."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import typing as t
from pathlib import Path

#: Versions that upstream does not have, and how each fails.
FAKES = {"3.5.901": "dies", "3.5.902": "never_ready", "3.5.903": "replays"}
_WRAPPER = Path(__file__).with_name("fake_prometheus.py")


def make(version: str, real: bytes, real_version: str, root: Path) -> dict[str, t.Any]:
    """Put a fake release below a folder that serves as prometheus_ha_release_source; the variables that choose it.

    :param real: the archive of the real release that is on the hosts, for its promtool.
    """
    binary = f"/opt/prometheus_ha/prometheus/{real_version}/bin/prometheus"
    text = re.sub('^MODE = ""', f'MODE = "{FAKES[version]}"', _WRAPPER.read_text(), flags=re.MULTILINE)
    text = "#!/usr/bin/python3\n" + re.sub('^REAL = ""', f'REAL = "{binary}"', text, flags=re.MULTILINE)
    top = f"prometheus-{version}.linux-amd64"
    path = root / f"prometheus/prometheus/releases/download/v{version}/{top}.tar.gz"
    path.parent.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(real)) as source, tarfile.open(path, "w:gz", compresslevel=1) as target:
        for member in source.getmembers():
            name = member.name.rpartition("/")[2]
            content = source.extractfile(member)
            if content is None or name not in ("prometheus", "promtool"):
                continue
            data = text.encode() if name == "prometheus" else content.read()
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(data), 0o755
            target.addfile(entry, io.BytesIO(data))
    return {
        "prometheus_ha_release_source": str(root),
        "prometheus_version": version,
        "prometheus_checksum": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
