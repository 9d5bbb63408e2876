# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that no single component owns, and the defaults that several share."""

from __future__ import annotations

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import MACHINES
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._options import Option

COMMON: tuple[Option, ...] = (
    Option(
        "prometheus_ha_environment",
        "str",
        "The environment a host belongs to. Replica sets and meshes of two environments never meet.",
        default="default",
        shared=True,
    ),
    Option(
        "prometheus_ha_groups",
        "dict",
        "Other names for the inventory groups that hold the components, for example C({prometheus: my_group}).",
        default={},
        shared=True,
    ),
    Option(
        "prometheus_ha_replica_label",
        "str",
        "The external label that tells the replicas of a set apart.",
        default="replica",
        shared=True,
    ),
    Option(
        "prometheus_ha_alert_replica_label",
        "str",
        "How the replicas' alerts become equal. V(drop) renders a C(labeldrop) of the replica label into "
        "C(alert_relabel_configs). V(keep) leaves that to O(prometheus_alert_relabel_configs), as the idiom that "
        'turns C(dc="europe1") into C(dc="europe") does.',
        default="drop",
        choices=("drop", "keep"),
    ),
    Option(
        "prometheus_ha_address",
        "str",
        "The address at which peers reach the host: a name or an IP, without a port.",
        shown_default="C(ansible_host), else the host's name",
        shared=True,
    ),
    Option("prometheus_ha_failure_domain", "str", "The rack, row or site that fails as one with this host."),
    Option("prometheus_ha_region", "str", "The region of a host or group."),
    Option(
        "prometheus_ha_release_source",
        "str",
        "Where releases come from: V(upstream), the URL of a mirror laid out as the upstream downloads are, "
        "or a folder on the controller.",
        default="upstream",
    ),
    Option(
        "prometheus_ha_release_fetch",
        "str",
        "V(controller) fetches a release once an architecture and copies it to the hosts. "
        "V(target) lets each host download it.",
        default="controller",
        choices=("controller", "target"),
    ),
    Option(
        "prometheus_ha_release_keep",
        "int",
        "How many versions besides the current one stay on a host for a way back.",
        default=2,
    ),
    Option(
        "prometheus_ha_strict",
        "bool",
        "Warnings of the preflight stop a run as errors do.",
        default=False,
    ),
    Option(
        "prometheus_ha_preflight_ignore",
        "list",
        "Findings of the preflight that are meant: each entry is C({id, reason, hosts}) with the rule's id, why it is "
        "ignored, and optionally the hosts that it is for.",
        elements="dict",
        default=[],
        keys=("id", "reason", "hosts"),
    ),
    Option(
        "prometheus_ha_plan_files",
        "list",
        "Files on the controller into which C(plan.yml) draws the topology: C(.html) a page, C(.mmd) and C(.md) "
        "Mermaid, C(.txt) the table.",
        elements="str",
    ),
    Option(
        "prometheus_ha_status_file",
        "str",
        "A file on the controller into which C(status.yml) writes what it shows, as JSON.",
    ),
    Option(
        "prometheus_ha_preflight_report",
        "str",
        "A file on the controller into which the preflight writes what it found, for programs.",
    ),
    Option(
        "prometheus_ha_preflight_report_format",
        "str",
        "The report's format.",
        choices=("json", "sarif", "junit"),
        shown_default="that of the file's extension: C(.sarif), C(.xml) and C(.junit) for JUnit, else JSON",
    ),
    Option(
        "prometheus_ha_preflight_live",
        "bool",
        "Whether hosts are looked at, too: ways between peers, clocks, filesystems, what is in the way. Given on the "
        "command line (C(-e)), since it chooses the hosts of a play.",
        shown_default="V(false) in C(preflight.yml); V(true) in C(site.yml), for hosts on which something starts for "
        "the first time or from another release",
    ),
    Option(
        "prometheus_ha_preflight_timeout",
        "float",
        "Live preflight: seconds that a peer has to answer, for each protocol of each port.",
        default=3.0,
    ),
    Option(
        "prometheus_ha_preflight_listen",
        "float",
        "Live preflight: seconds after which a process ends that stands in for a component on its ports, where peers "
        "did not come. Counted for each batch of C(forks) hosts, up to ten minutes.",
        default=30.0,
    ),
    Option(
        "prometheus_ha_canary",
        "str",
        "A replica set or mesh that goes ahead in a rolling change: its first host makes a wave of its own.",
    ),
    Option(
        "prometheus_ha_summary_file",
        "str",
        "A file on the controller into which a run writes what it changed, as JSON.",
    ),
    Option(
        "prometheus_ha_gate_before_timeout",
        "float",
        "Gate: seconds that each condition may take before a change, in which nothing is touched.",
        default=30.0,
    ),
    Option(
        "prometheus_ha_gate_timeout",
        "float",
        "Gate: seconds that each condition may take after a change, the replay of the WAL being one.",
        default=600.0,
    ),
    Option(
        "prometheus_ha_gate_alerts_timeout",
        "float",
        "Gate: seconds that a replica may take until all alerts fire on it that fire on its peers.",
        shown_default="the longest C(for) of the alerts that fire, two evaluations, two scrapes and the margin",
    ),
    Option(
        "prometheus_ha_gate_margin",
        "float",
        "Gate: seconds that a restarted mesh member is held beyond the resend delay of the Prometheus that alert it, "
        "and that alerts may take beyond what they say themselves.",
        default=5.0,
    ),
)


def role_options(role: str, *, version: str, port: int) -> tuple[Option, ...]:
    """The rows that every component has, under its role's prefix."""
    return (
        Option(
            f"{role}_state",
            "str",
            "V(present) rolls the component out, V(staged) prepares the host and leaves what runs untouched, "
            "V(absent) removes unit, configuration and releases, and keeps the data folder.",
            default="present",
            choices=("present", "staged", "absent"),
        ),
        Option(f"{role}_version", "str", "The pinned version to run. V(latest) is refused.", default=version),
        Option(
            f"{role}_checksum",
            "raw",
            "The SHA-256 of the release's archive, as one string, or by architecture as in "
            "C({amd64: ..., arm64: ...}). It counts more than a pin of the collection and than the mirror's own "
            "C(sha256sums.txt).",
            keys=tuple(MACHINES.values()),
        ),
        Option(f"{role}_listen_address", "str", "The address the web endpoint listens on.", default="0.0.0.0"),
        Option(f"{role}_port", "int", "The port of the web endpoint.", default=port, shared=True),
        Option(f"{role}_external_url", "str", "The URL under which users reach the web endpoint.", shared=True),
        Option(
            f"{role}_route_prefix",
            "str",
            "The path below which the web endpoint answers.",
            shown_default=f"the path of O({role}_external_url)",
            shared=True,
        ),
        Option(
            f"{role}_extra_args",
            "dict",
            "Further command-line flags, without leading dashes. A value of V(null) gives a bare flag, a list "
            "repeats it. Flags that the pinned version lacks are refused.",
            default={},
        ),
        Option(
            f"{role}_unit_options",
            "dict",
            "Further settings of the unit's C([Service]) section, merged last. A list repeats a setting, "
            "V(null) removes one.",
            default={},
        ),
        Option(
            f"{role}_start_timeout",
            "int",
            "Seconds a start may take, the replay of the WAL included.",
            default=600,
        ),
    )
