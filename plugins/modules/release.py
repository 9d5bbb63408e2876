#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Install a pinned release of Prometheus, Alertmanager, Thanos or an exporter
version_added: 1.0.0
description:
  - Installs one version of a component below O(root), verified before it is unpacked, unpacked beside its place and
    renamed into it, so that a run that is cut off leaves what was there.
  - An installed version that is intact is not touched; a damaged one, or one that was made from another archive than
    O(checksums) names, is replaced.
  - The archive must have the checksum that O(checksums) or O(checksum) gives, else the one pinned in the collection,
    else the one in the release's own C(sha256sums.txt), which is not even asked for in the first two cases.
    Without any, the release is refused.
  - Starts and restarts nothing.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes]
attributes:
  check_mode:
    support: full
    details:
      - Fetches nothing, so it works without a network too.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: The release.
    type: str
    required: true
  version:
    description:
      - The version in full, as C(3.5.3). C(latest) is refused.
      - Required with O(state=present); with O(state=absent) every version is meant where none is named.
    type: str
  state:
    description:
      - V(present) installs the version, links O(links) and removes older versions beyond O(keep).
      - V(absent) removes the version and the links to it; refused while a process runs from it.
    type: str
    choices: [present, absent]
    default: present
  root:
    description: The folder of all releases; a version lies in C(<root>/<name>/<version>), its executables in C(bin).
    type: path
    default: /opt/prometheus_ha
  source:
    description:
      - Where the release comes from. V(upstream) is where the project publishes it.
      - A mirror's URL (C(http) or C(https)), below which lies upstream's layout
        C(<organisation>/<repository>/releases/download/v<version>/<file>). User and password may be part of it.
      - A folder on the controller (absolute, or starting with C(~)), in the same layout or with the archives in it
        directly.
    type: str
    default: upstream
  fetch:
    description:
      - V(controller) fetches an archive once a run into the user's cache on the controller and copies it to the hosts.
      - V(target) lets each host fetch it itself.
      - Either honours the proxy variables of its environment (C(http_proxy), C(https_proxy), C(no_proxy)).
    type: str
    choices: [controller, target]
    default: controller
  checksums:
    description:
      - SHA-256 of the archive by architecture (V(amd64), V(arm64), V(armv7)), with or without C(sha256:) in front.
      - Where any is given, one for the host's architecture must be.
    type: dict
    default: {}
  checksum:
    description: SHA-256 of the archive where all hosts have one architecture; not together with O(checksums).
    type: str
  checksum_from:
    description: What an error names as the origin of the checksum, as the name of a variable.
    type: str
    default: checksums
  arch:
    description: The architecture as the release's files name it; by default the host's own.
    type: str
    choices: [amd64, arm64, armv7]
  archive:
    description:
      - An archive that is already on the host, which must have the checksum given.
      - Normally set by the action plugin, which brings the archive with O(fetch=controller).
    type: path
  keep:
    description:
      - How many other versions stay, the ones installed last.
      - One that a process runs from, or that a link in O(link_dir) leads to, is not removed.
    type: int
    default: 2
  links:
    description: Executables of the release to link into O(link_dir).
    type: list
    elements: str
    default: []
  link_dir:
    description: The folder of the links.
    type: path
    default: /usr/local/bin
seealso:
  - module: baremetal.prometheus_ha.component
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Install Prometheus with its promtool
  baremetal.prometheus_ha.release:
    name: prometheus
    version: 3.5.3
    links: [promtool]

- name: Install it from a mirror that is not trusted, so with checksums of one's own
  baremetal.prometheus_ha.release:
    name: prometheus
    version: 3.5.3
    source: https://mirror.example.com/github
    checksums:
      amd64: "{{ prometheus_amd64_sha256 }}"
      arm64: "{{ prometheus_arm64_sha256 }}"

- name: Let the hosts fetch it through a proxy
  baremetal.prometheus_ha.release:
    name: alertmanager
    version: 0.28.1
    fetch: target
  environment:
    https_proxy: http://proxy.example.com:3128

- name: Remove a version
  baremetal.prometheus_ha.release:
    name: prometheus
    version: 2.53.3
    state: absent
"""

RETURN = r"""
folder:
  description: The version's folder.
  returned: when O(version) is given
  type: str
  sample: /opt/prometheus_ha/prometheus/3.5.3
arch:
  description: The architecture.
  returned: O(state=present)
  type: str
  sample: amd64
sha256:
  description: The archive's SHA-256.
  returned: when the release is installed
  type: str
verified_by:
  description: Who vouched for the archive; O(checksum_from), the collection's pin, or the URL of a checksum file.
  returned: when the release is installed
  type: str
  sample: prometheus_checksum
damage:
  description: Why an installed version was (or would be) replaced.
  returned: when it was damaged, or made from another archive
  type: str
versions:
  description: Installed versions after the run, the one installed last first.
  returned: success
  type: list
  elements: str
removed:
  description: Versions that were removed.
  returned: success
  type: list
  elements: str
links:
  description: The links after the run, and where they lead.
  returned: O(state=present)
  type: dict
fetch:
  description: Which archive the module needs from the controller; consumed by the action plugin.
  returned: with O(fetch=controller), when the archive is needed and O(archive) is not set
  type: dict
  contains:
    arch:
      description: The architecture.
      type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._download import secrets
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release import (
    RELEASE_SPEC,
    Release,
    ReleaseSpec,
)
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import run


def present(release: Release, archive: str | None, apply: bool) -> dict[str, t.Any]:
    """Install, link, prune; or say that the archive is needed."""
    state = release.inspect()
    links_before = release.links()
    relink = release.link(apply=False)  # refuses a link that is not ours before anything is changed
    result: dict[str, t.Any] = {"changed": False, "folder": release.path, "arch": state.arch}
    if state.needs_archive and archive is None and apply:
        return {
            **result,
            "fetch": {"arch": state.arch},
            "versions": state.versions,
            "removed": [],
            "links": links_before,
        }
    done = release.install(archive, apply=apply)
    release.link(apply=apply)
    removed = release.prune(apply=apply)
    others = [version for version in state.versions if version not in (*removed, release.spec.version)]
    versions = [release.spec.version, *others] if done.changed else [v for v in state.versions if v not in removed]
    links = {f"{release.spec.link_dir}/{name}": f"{release.path}/bin/{name}" for name in release.spec.links}
    said = {"sha256": done.sha256, "verified_by": done.verified_by, "damage": state.damage}
    return {
        **result,
        **{key: value for key, value in said.items() if value},
        "changed": done.changed or relink or bool(removed),
        "versions": versions,
        "removed": removed,
        "links": links,
        "diff": {
            "before": {"versions": state.versions, "links": links_before, "damage": state.damage},
            "after": {"versions": versions, "links": links, "damage": ""},
        },
    }


def absent(release: Release, apply: bool) -> dict[str, t.Any]:
    """Remove the version, or all of ours."""
    before = release.versions()
    removed = release.remove(apply=apply)
    versions = [version for version in before if version not in removed]
    result: dict[str, t.Any] = {"changed": bool(removed), "versions": versions, "removed": removed}
    if release.spec.version:
        result["folder"] = release.path
    return {**result, "diff": {"before": {"versions": before}, "after": {"versions": versions}}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **RELEASE_SPEC,
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        },
        required_if=[("state", "present", ["version"])],
        supports_check_mode=True,
    )
    module.no_log_values.update(secrets(module.params["source"]))
    apply = not module.check_mode
    try:
        release = Release(ReleaseSpec.from_params(module.params), runner=run)
        if module.params["state"] == "absent":
            result = absent(release, apply)
        else:
            result = present(release, module.params["archive"], apply)
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
