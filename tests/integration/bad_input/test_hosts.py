# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are not as they should be: taken ports, other installations, no Python, no root, no connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_support import HERE, HOSTS, Lab

ONE = ("--limit", "p-1")
NEWCOMER = ("--limit", "a-1")  # runs an Alertmanager, and shall get its first Prometheus
JOINS: dict[str, Any] = {
    "zz_newcomer.yml": {"prometheus": {"hosts": {"a-1": {"prometheus_replica_set": "newcomer"}}}},
}


@contextlib.contextmanager
def newcomer(lab: Lab) -> Iterator[None]:
    """Afterwards a-1 has nothing of a Prometheus, whoever installed it."""
    try:
        yield
    finally:
        lab.sh(
            "a-1",
            "systemctl disable --now prometheus; rm -rf /etc/systemd/system/prometheus.service /etc/prometheus "
            "/var/lib/prometheus /var/lib/prometheus_ha/prometheus /opt/prometheus_ha/prometheus "
            "/usr/local/bin/promtool; systemctl daemon-reload; userdel prometheus; groupdel prometheus; true",
        )


def wait_for_port(host: str, port: int, lab: Lab) -> None:
    for _attempt in range(50):
        if lab.sh(host, f"ss -Hltn sport = :{port}").strip():
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


def test_a_port_that_is_in_use(lab: Lab) -> None:
    lab.sh("p-1", "systemd-run --unit=squatter --uid=65534 python3 -m http.server 9095")
    wait_for_port("p-1", 9095, lab)
    pid = lab.sh("p-1", "systemctl show --property=MainPID --value squatter").strip()
    overlay = {"host_vars/p-1.yml": {"prometheus_port": 9095}}
    try:
        with lab.unharmed():
            lab.site(overlay, *ONE).refused(
                "host p-1",
                f"The port tcp/9095 is in use by pid {pid} (python3) of squatter.service",
                "set prometheus_port to a free port",
                "nothing was changed",
                "Do: ",
            )
        assert lab.sh("p-1", "systemctl is-active squatter").strip() == "active"
    finally:
        lab.sh("p-1", "systemctl stop squatter")
    lab.is_whole(*ONE)


def test_another_roles_prometheus(lab: Lab) -> None:
    """As the common roles write it: unit, configuration and data in the same places as ours."""
    with newcomer(lab):
        lab.sh(
            "a-1",
            """
            mkdir -p /etc/prometheus /var/lib/prometheus/wal; echo 'global: {}' > /etc/prometheus/prometheus.yml
            printf '%s\\n' '[Service]' 'ExecStart=/usr/bin/python3 -m http.server 9090' '[Install]' \
              WantedBy=multi-user.target > /etc/systemd/system/prometheus.service
            systemctl daemon-reload; systemctl enable --now prometheus
        """,
        )
        wait_for_port("a-1", 9090, lab)
        with lab.unharmed():
            lab.site(JOINS, *NEWCOMER).refused(
                "host a-1",
                "something else is in the way, nothing was changed",
                "prometheus.service (/etc/systemd/system/prometheus.service, active, enabled) is not ours",
                "systemctl disable --now prometheus.service",
                "The data folder /var/lib/prometheus holds 1 entries (wal) that are not ours",
                "The configuration /etc/prometheus/prometheus.yml is not ours",
                "Do: ",
            )
        lab.sh(
            "a-1",
            """
            systemctl disable --now prometheus; rm /etc/systemd/system/prometheus.service; systemctl daemon-reload
            mv /etc/prometheus /root/; mv /var/lib/prometheus /root/prometheus-data
        """,
        )
        lab.site(JOINS, *NEWCOMER).passed(changed=True)
        assert lab.sh("a-1", "systemctl is-active prometheus alertmanager").split() == ["active", "active"]
        lab.sh("a-1", "rm -r /root/prometheus /root/prometheus-data")
    lab.is_whole(*NEWCOMER)


def test_a_distributions_prometheus(lab: Lab) -> None:
    """A package with Debian's names and places, built on the host: its unit lies in /lib, its data in metrics2."""
    with newcomer(lab):
        lab.sh(
            "a-1",
            """
            set -e; p=/root/pkg; mkdir -p $p/DEBIAN $p/lib/systemd/system $p/var/lib/prometheus/metrics2/wal
            printf '%s\\n' 'Package: prometheus' 'Version: 2.42.0' 'Architecture: all' 'Maintainer: a <a@b>' \
              'Description: x' > $p/DEBIAN/control
            printf '%s\\n' '[Service]' 'ExecStart=/usr/bin/sleep 9999' > $p/lib/systemd/system/prometheus.service
            dpkg-deb --build $p /root/p.deb; dpkg -i /root/p.deb; rm -r $p /root/p.deb
            systemctl daemon-reload; systemctl start prometheus
        """,
        )
        try:
            with lab.unharmed():
                lab.site(JOINS, *NEWCOMER).refused(
                    "host a-1",
                    "something else is in the way, nothing was changed",
                    "prometheus.service (",
                    "of package prometheus, active",
                    "remove the package prometheus",
                    "The data folder /var/lib/prometheus/metrics2 holds",
                    "Do: ",
                )
        finally:
            lab.sh("a-1", "systemctl stop prometheus; dpkg --purge prometheus; systemctl daemon-reload")
        lab.sh("a-1", "rm -rf /var/lib/prometheus")
        lab.site({**JOINS, "host_vars/a-1.yml": {"prometheus_state": "staged"}}, *NEWCOMER).passed(changed=True)
    lab.is_whole(*NEWCOMER)


def test_a_first_start_that_dies(lab: Lab) -> None:
    bad = {"host_vars/a-1.yml": {"prometheus_extra_args": {"web.config.file": "/nonexistent/web.yml"}}}
    with newcomer(lab):
        lab.site({**JOINS, **bad}, *NEWCOMER).refused(
            "host a-1",
            "prometheus.service",
            "does not stay up",
            "/nonexistent/web.yml",
            "it was stopped and its unit removed again, there was none before",
            "Do: ",
        )
        assert lab.sh("a-1", "systemctl show --property=LoadState --value prometheus").strip() == "not-found"
        assert lab.sh("a-1", "ls -d /etc/prometheus /etc/systemd/system/prometheus.service 2>/dev/null; true") == ""
        assert lab.sh("a-1", "ls /var/lib/prometheus_ha/prometheus/*/journal.json 2>/dev/null; true") == ""
        lab.site(JOINS, *NEWCOMER).passed(changed=True)
        assert lab.sh("a-1", "systemctl is-active prometheus alertmanager").split() == ["active", "active"]
    lab.is_whole(*NEWCOMER)


def python_shim(version: str) -> str:
    """A python3 that says it is older: sitecustomize runs before anything else (site, in the standard library)."""
    return f"""
        mkdir -p /opt/shim; printf '#!/bin/sh\\nPYTHONPATH=/opt/shim exec /usr/bin/python3 "$@"\\n' > /opt/shim/python3
        chmod 755 /opt/shim/python3
        cat > /opt/shim/sitecustomize.py <<'END'
import collections, sys
kind = collections.namedtuple("version_info", "major minor micro releaselevel serial")
sys.version_info = kind({version}, "final", 0)
sys.version = "{version.replace(", ", ".")} (shim)"
END
    """


@pytest.mark.parametrize("interpreter", ["/nonexistent/python3", "/opt/shim/python3"])
def test_no_python_that_is_new_enough(lab: Lab, interpreter: str) -> None:
    lab.sh("p-1", python_shim("3, 6, 9"))
    overlay = {"host_vars/p-1.yml": {"ansible_python_interpreter": interpreter}}
    try:
        with lab.unharmed():
            run = lab.site(overlay, *ONE)
            run.refused(
                "host p-1, variable ansible_python_interpreter", "3.8 or newer is needed", "Nothing was changed", "Do: "
            )
            run.refused("/nonexistent/python3" if "none" in interpreter else "3.6.9")
    finally:
        lab.sh("p-1", "rm -r /opt/shim")
    lab.is_whole(*ONE)


def test_no_python_at_all(lab: Lab) -> None:
    lab.sh("p-1", "mv /usr/bin/python3.11 /usr/bin/hidden-python")
    try:
        with lab.unharmed():
            lab.site({}, *ONE).refused(
                "host p-1, variable ansible_python_interpreter",
                "there is no usable Python on the host",
                "3.8 or newer is needed",
                "Do: install python3",
            )
    finally:
        lab.sh("p-1", "mv /usr/bin/hidden-python /usr/bin/python3.11")
    lab.is_whole(*ONE)


def test_without_root(lab: Lab) -> None:
    with lab.unharmed():
        lab.site({"host_vars/p-1.yml": {"ansible_become": False}}, *ONE).refused(
            "host p-1", "this needs root on the host", "Do: set become: true"
        )
    lab.is_whole(*ONE)


def test_a_sudo_that_wants_a_password(lab: Lab) -> None:
    with lab.unharmed():
        lab.sh("p-1", "mv /etc/sudoers.d /root/sudoers.d")
        try:
            lab.site({}, *ONE).refused("p-1", "sudo")
        finally:
            lab.sh("p-1", "mv /root/sudoers.d /etc/sudoers.d")
    lab.is_whole(*ONE)


@contextlib.contextmanager
def cut_off(lab: Lab, host: str) -> Iterator[None]:
    try:
        yield
    finally:
        lab.sh(host, "systemctl start ssh")


def change() -> dict[str, Any]:
    """A change of every host's configuration."""
    alertmanager = (HERE / "inventory/group_vars/alertmanager/main.yml").read_text()
    return {
        "group_vars/prometheus/zz.yml": {"prometheus_scrape_interval": "6s"},
        "group_vars/alertmanager/main.yml": alertmanager.replace("group_interval: 30s", "group_interval: 31s"),
    }


def restart() -> dict[str, Any]:
    """A change for which the members of the mesh go in waves, as the replicas do."""
    alertmanager = (HERE / "inventory/group_vars/alertmanager/main.yml").read_text()
    return {**change(), "group_vars/alertmanager/main.yml": f"{alertmanager}alertmanager_retention: 121h\n"}


CUT = "systemctl stop ssh; for p in $(pgrep -u ops sshd); do kill $p; done"


def test_a_host_that_cannot_be_reached_from_the_start(lab: Lab) -> None:
    with lab.unharmed(), cut_off(lab, "a-2"):
        lab.sh("a-2", CUT)
        lab.site(change()).refused(
            "fatal: [a-2]: UNREACHABLE", "Connection refused", "nothing further is activated: a-2 failed"
        )
    lab.is_whole()


def test_a_host_that_is_lost_in_the_first_wave(lab: Lab) -> None:
    """Its wave goes on elsewhere; no later wave begins."""
    before = lab.state()
    env = {
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "cut_off",
        "CUT_OFF_AT": "Change in waves",
        "CUT_OFF_COMMAND": f"docker exec pha-scratch-p-1 sh -c '{CUT}'",
    }
    with cut_off(lab, "p-1"):
        run = lab.site(restart(), env=env)
        run.refused("p-1", "unreachable=1", "nothing further is changed")
    after = lab.state()
    changed = {host for host in HOSTS if after[host] != before[host]}
    assert changed == {"a-1"}, run.output
    lab.site(restart()).passed(changed=True)
    lab.site(restart()).passed(changed=False)
    lab.is_whole(changed=True)
