# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that a checker refuses, or only the running process, or only a start."""

from __future__ import annotations

from typing import Any

from ansible_collections.baremetal.prometheus_ha.tests.integration.bad_input.bad_input_support import SECRET, Lab

REPLICAS = ("--limit", "prometheus")
MESH = ("--limit", "alertmanager")


def replicas(**variables: Any) -> dict[str, Any]:
    """Variables of both replicas."""
    return {"group_vars/prometheus/zz.yml": variables}


def mesh(receiver: dict[str, Any]) -> dict[str, Any]:
    """A configuration with this receiver for both members."""
    config = {"route": {"receiver": "webhook"}, "receivers": [{"name": "webhook", **receiver}]}
    return {"group_vars/alertmanager/zz.yml": {"alertmanager_config": config}}


def test_invalid_promql_in_a_rule(lab: Lab) -> None:
    rules = [{"name": "lab", "rules": [{"alert": "Broken", "expr": "sum(rate(up[5m])"}]}]
    with lab.unharmed():
        lab.site(replicas(prometheus_rules=rules), *REPLICAS).refused(
            "host p-1",
            "variable prometheus_rules (",
            "zz.yml:2",
            "promtool refuses",
            "nothing was changed",
            "rules/inline.yml",
            "unclosed left parenthesis",
            "Do: ",
        )
    lab.is_whole(*REPLICAS)


def test_invalid_promql_in_a_rule_file(lab: Lab) -> None:
    overlay = {
        **replicas(prometheus_rule_files=["rules/*.yml"]),
        "rules/team.yml": "groups:\n- name: team\n  rules:\n  - record: a:b\n    expr: up ==\n",
    }
    with lab.unharmed():
        lab.site(overlay, *REPLICAS).refused(
            "host p-1",
            "prometheus_rule_files: ",
            "rules/team.yml",
            "promtool refuses",
            "unexpected end of input",
            "Do: ",
        )
    lab.is_whole(*REPLICAS)


def test_invalid_receiver(lab: Lab) -> None:
    with lab.unharmed():
        lab.site(mesh({"webhook_configs": [{"uri": "http://x/"}]}), *MESH).refused(
            "host a-1",
            "variable alertmanager_config (",
            "zz.yml:2",
            "amtool refuses",
            "nothing was changed",
            "field uri not found in type config.plain",
            "Do: ",
        )
    lab.is_whole(*MESH)


def test_a_secret_is_not_in_a_diff(lab: Lab) -> None:
    """What a user looks at before a change: the lines around a password, not the password."""
    receiver = {"webhook_configs": [{"url": "http://x/", "http_config": {"basic_auth": {"password": SECRET}}}]}
    overlay = {**replicas(prometheus_scrape_interval="6s"), **mesh(receiver)}
    with lab.unharmed():
        run = lab.site(overlay, "--check", "--diff")
        run.passed(changed=True)
        assert "+  scrape_interval: 6s" in run.output
        assert "password: ********" in run.output


def test_prometheus_refuses_on_reload_what_promtool_accepted(lab: Lab) -> None:
    config = {"global": {"query_log_file": "/nonexistent/query.log"}}
    with lab.unharmed():
        lab.site(replicas(prometheus_config=config), *REPLICAS).refused(
            "host p-1",
            "prometheus_config (",
            "zz.yml:2",
            "prometheus refuses to reload",
            "/nonexistent/query.log",
            "the former files are back, and it runs them",
            "Do: ",
        )
    lab.is_whole(*REPLICAS)


def test_alertmanager_refuses_on_reload_what_amtool_accepted(lab: Lab) -> None:
    tls = {"tls_config": {"ca_file": "/nonexistent/ca.pem"}}
    with lab.unharmed():
        lab.site(mesh({"webhook_configs": [{"url": "http://x/", "http_config": tls}]}), *MESH).refused(
            "host a-1",
            "alertmanager_config",
            "alertmanager refuses to reload",
            "/nonexistent/ca.pem",
            "the former files are back, and it runs them",
            "Do: ",
        )
    lab.is_whole(*MESH)


def test_a_unit_that_dies_at_start_falls_back_and_stops_the_wave(lab: Lab) -> None:
    flags = {"query.max-samples": "many"}
    with lab.unharmed(restarted=("p-1",)):
        run = lab.site(replicas(prometheus_extra_args=flags), *REPLICAS)
        run.refused(
            "host p-1",
            "variable prometheus_extra_args (",
            "zz.yml:2",
            "prometheus.service",
            "does not stay up",
            'parsing "many": invalid syntax',
            "runs again",
            "Do: ",
        )
        assert "host p-2" not in run.output
    lab.is_whole(*REPLICAS)


def test_an_alertmanager_that_dies_at_start_falls_back_and_stops_the_wave(lab: Lab) -> None:
    flags = {"web.get-concurrency": "many"}
    overlay = {"group_vars/alertmanager/zz.yml": {"alertmanager_extra_args": flags}}
    with lab.unharmed(restarted=("a-1",)):
        lab.site(overlay, *MESH).refused(
            "host a-1",
            "alertmanager.service",
            "does not stay up",
            'parsing "many": invalid syntax',
            "runs again",
            "Do: ",
        )
    lab.is_whole(*MESH)


def test_a_flags_value_that_only_the_start_refuses(lab: Lab) -> None:
    with lab.unharmed(restarted=("p-1",)):
        lab.site(replicas(prometheus_extra_args={"query.max-concurrency": "many"}), *REPLICAS).refused(
            "host p-1", "variable prometheus_extra_args (", "zz.yml:2", "many", "runs again", "Do: "
        )
    lab.is_whole(*REPLICAS)


def test_a_read_only_configuration_folder(lab: Lab) -> None:
    place = "/etc/prometheus"
    lab.sh("p-1", f"mount --bind {place} {place} && mount -o remount,ro,bind {place}")
    try:
        with lab.unharmed():
            lab.site(replicas(prometheus_scrape_interval="6s"), *REPLICAS).refused(
                "host p-1", place, "Read-only file system", "the former ones are there", "remount it", "Do: "
            )
    finally:
        lab.sh("p-1", f"umount {place}")
    lab.is_whole(*REPLICAS)


def test_a_read_only_folder_of_units(lab: Lab) -> None:
    place = "/etc/systemd/system"
    lab.sh("p-1", f"mount --bind {place} {place} && mount -o remount,ro,bind {place}")
    try:
        with lab.unharmed():
            lab.site(replicas(prometheus_retention="9d"), *REPLICAS).refused(
                "host p-1", place, "Read-only file system", "the former ones are there", "remount it", "Do: "
            )
    finally:
        lab.sh("p-1", f"umount {place}")
    lab.is_whole(*REPLICAS)
