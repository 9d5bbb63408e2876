# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases that cannot be had, are not what they should be, or do not fit."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_mirror import Mirror, archive
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_support import GATEWAY, Lab

ONE = ("--limit", "p-1")
NEW = "3.5.9"  # a version that no host has
TOP = f"prometheus-{NEW}.linux-amd64"
FETCHES = ["controller", "target"]


def host(**variables: Any) -> dict[str, Any]:
    """Variables of p-1 alone."""
    return {"host_vars/p-1.yml": variables}


def wanted(mirror: Mirror, checksum: str, fetch: str = "controller") -> dict[str, Any]:
    return host(
        prometheus_version=NEW,
        prometheus_checksum=checksum,
        prometheus_ha_release_source=mirror.url,
        prometheus_ha_release_fetch=fetch,
    )


def test_a_wrong_checksum(lab: Lab) -> None:
    with lab.unharmed():
        run = lab.site(host(prometheus_checksum="0" * 64), *ONE)
        run.refused(
            "host p-1, variable prometheus_checksum (",
            "host_vars/p-1.yml:1",
            "prometheus-3.5.3.linux-amd64.tar.gz has not the checksum",
            "prometheus_checksum says " + "0" * 64,
            "nothing of it was unpacked",
            "Do: ",
        )
    lab.is_whole(*ONE)


def test_a_mirror_that_blesses_a_tampered_release(lab: Lab, mirror: Mirror) -> None:
    tampered = archive({f"{TOP}/prometheus": b"#!/bin/sh\necho owned\n"})
    mirror.publish(NEW, tampered)
    genuine = hashlib.sha256(b"the genuine one").hexdigest()
    with lab.unharmed():
        lab.site(wanted(mirror, genuine), *ONE).refused(
            "host p-1, variable prometheus_checksum (",
            "host_vars/p-1.yml:2",
            f"prometheus_checksum says {genuine}",
            f"it is {hashlib.sha256(tampered).hexdigest()}",
            "a release that was changed: do not use it",
        )
    lab.is_whole(*ONE)


@pytest.mark.parametrize("fetch", FETCHES)
def test_a_release_that_the_mirror_lacks(lab: Lab, mirror: Mirror, fetch: str) -> None:
    with lab.unharmed():
        lab.site(wanted(mirror, "0" * 64, fetch), *ONE).refused(
            "host p-1",
            f"prometheus {NEW} for amd64 is not published there",
            mirror.url,
            f"{TOP}.tar.gz",
            "404",
            "variable prometheus_version (",
            "host_vars/p-1.yml:1",
            "Do: correct the version, or put the release on the mirror",
        )
    lab.is_whole(*ONE)


@pytest.mark.parametrize("fetch", FETCHES)
def test_a_mirror_that_cannot_be_reached(lab: Lab, mirror: Mirror, fetch: str) -> None:
    mirror.url = f"http://{GATEWAY}:9"  # the discard port: nothing listens
    with lab.unharmed():
        lab.site(wanted(mirror, "0" * 64, fetch), *ONE).refused(
            "host p-1",
            f"{mirror.url}/",
            "Connection refused",
            "variable prometheus_ha_release_source (",
            "host_vars/p-1.yml:3",
            "Do: ",
        )
    lab.is_whole(*ONE)


@pytest.mark.parametrize("fetch", FETCHES)
def test_a_download_that_breaks_off(lab: Lab, mirror: Mirror, fetch: str) -> None:
    whole = archive({f"{TOP}/prometheus": bytes(100), f"{TOP}/LICENSE": bytes(range(256)) * 400})
    digest = mirror.publish(NEW, whole)
    mirror.cut = len(whole) // 2
    with lab.unharmed():
        lab.site(wanted(mirror, digest, fetch), *ONE).refused(
            "host p-1", f"{TOP}.tar.gz", f"{len(whole) // 2} of {len(whole)} bytes", "Do: "
        )
        assert len(mirror.asked) > 1, "it was not tried again"
    lab.is_whole(*ONE)


@pytest.mark.parametrize("fetch", FETCHES)
@pytest.mark.parametrize("member", ["../../../../../../etc/evil", "/etc/evil"])
def test_an_archive_whose_member_would_escape(lab: Lab, mirror: Mirror, member: str, fetch: str) -> None:
    digest = mirror.publish(
        NEW, archive({f"{TOP}/prometheus": b"", f"{TOP}/{member}" if member[0] == "." else member: b"evil"})
    )
    with lab.unharmed():
        lab.site(wanted(mirror, digest, fetch), *ONE).refused("host p-1", "etc/evil", "archive", "Do: ")
    lab.is_whole(*ONE)


def test_an_unknown_architecture(lab: Lab) -> None:
    """The kernel itself calls the machine i686 to a process with that personality (setarch(8))."""
    shim = "/usr/local/sbin/python-i686"
    lab.sh("p-1", f"printf '#!/bin/sh\\nexec setarch i686 /usr/bin/python3 \"$@\"\\n' > {shim}; chmod 755 {shim}")
    try:
        with lab.unharmed():
            lab.site(host(ansible_python_interpreter=shim), *ONE).refused(
                "host p-1", "the architecture 'i686' is not known", "amd64, arm64, armv7", "Do: "
            )
    finally:
        lab.sh("p-1", f"rm {shim}")
    lab.is_whole(*ONE)


def test_a_disk_too_small_for_the_unpacked_release(lab: Lab) -> None:
    place = "/opt/prometheus_ha"
    lab.sh("p-1", f"mount -t tmpfs -o size=150m,mode=0755 none {place}")
    try:
        with lab.unharmed():
            lab.site({}, *ONE).refused(
                "host p-1",
                f"{place}/prometheus",
                "the disk is too small for prometheus 3.5.3: unpacked it takes",
                "MiB are free",
                "Do: free space there",
            )
            assert lab.sh("p-1", f"find {place} -mindepth 1") == ""
        lab.sh("p-1", f"mount -o remount,size=1g {place}")
        lab.is_whole(*ONE, changed=True)
        assert "3.5.3/bin/prometheus" in lab.sh("p-1", f"find {place}")
    finally:
        lab.sh("p-1", f"umount {place}")
    lab.is_whole(*ONE)


def test_a_read_only_folder_of_releases(lab: Lab, mirror: Mirror) -> None:
    digest = mirror.publish(NEW, archive({f"{TOP}/prometheus": b"", f"{TOP}/promtool": b""}))
    place = "/opt/prometheus_ha"
    lab.sh("p-1", f"mount --bind {place} {place} && mount -o remount,ro,bind {place}")
    try:
        with lab.unharmed():
            lab.site(wanted(mirror, digest), *ONE).refused("host p-1", place, "Read-only file system", "Do: ")
    finally:
        lab.sh("p-1", f"umount {place}")
    lab.is_whole(*ONE)
