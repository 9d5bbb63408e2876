#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around a proved reload."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reload
short_description: Have Prometheus or Alertmanager reload, and prove it
version_added: 1.0.0
description:
  - Reloads when the running process has not loaded what is on disk, and proves that it then has. An answer of 200 alone
    proves nothing, since a reload of Prometheus is not atomic.
  - The proof for Prometheus is a successful last reload, later than the youngest change of its files, and the marker
    rule of the wanted O(generation) among its rules.
  - The proof for Alertmanager is a successful last reload, later than the youngest change of its files, and the hash of
    its configuration equal to that of O(config_file).
  - It waits until Prometheus is ready first; a reload during the replay of the WAL would hang.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes, baremetal.prometheus_ha.http]
attributes:
  check_mode:
    support: full
    details:
      - Says whether it would reload.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Not with O(force=true).
options:
  kind:
    description: What it is.
    type: str
    choices: [prometheus, alertmanager, thanos_rule]
    required: true
  url:
    description: The base URL of its web endpoint, with the route prefix.
    type: str
    required: true
  prefix:
    description: The path of its API alone, where readiness and metrics do not lie below it, as with Thanos.
    type: str
    default: ''
  generation:
    description:
      - Prometheus only; the label C(sha256) of the recording rule C(ha_config_generation) that must be loaded.
      - Left out, rules are not looked at (agent mode has none).
    type: str
  config_file:
    description: The configuration file that the process was started with.
    type: path
    required: true
  files:
    description: Paths or globs of further files that a reload reads, as rules and templates.
    type: list
    elements: path
    default: []
  timeout:
    description: Seconds that becoming ready plus the reload may take.
    type: float
    default: 60.0
  force:
    description: Reload even where everything is loaded.
    type: bool
    default: false
seealso:
  - module: baremetal.prometheus_ha.config
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Have Prometheus load what is on disk, where it has not yet
  baremetal.prometheus_ha.reload:
    kind: prometheus
    url: http://127.0.0.1:9090
    config_file: /etc/prometheus/prometheus.yml
    files: [/etc/prometheus/rules/*.yml]

- name: Have Alertmanager load its configuration and templates
  baremetal.prometheus_ha.reload:
    kind: alertmanager
    url: http://127.0.0.1:9093
    config_file: /etc/alertmanager/alertmanager.yml
    files: [/etc/alertmanager/templates/*.tmpl]
"""

RETURN = r"""
why:
  description: Why a reload was due; empty when it was not.
  returned: success
  type: str
  sample: its last reload is 3.214 s older than /etc/prometheus/rules/instance.yml
proof:
  description: What proves that the process runs what is on disk; empty in check mode where a reload is due.
  returned: success
  type: str
  sample: the file's hash and the time of its last reload
seconds:
  description: The time that the reload and its proof took.
  returned: when it reloaded
  type: float
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _reload
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import API_SPEC, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

ARGUMENTS: dict[str, t.Any] = {**API_SPEC, "force": {"type": "bool", "default": False}}


def converge(api: Api, *, force: bool, apply: bool) -> dict[str, t.Any]:
    """Reload where it is due (without ``apply``: say so). :raises HAError: as the backend does."""
    http = api.client()
    state = _reload.loaded(api, http)
    if state.ok and not force:
        return {"changed": False, "why": "", "proof": state.why}
    why = "asked for (force)" if state.ok else state.why
    if not apply:
        return {"changed": True, "why": why, "proof": ""}
    done = _reload.reload(api, http)
    return {"changed": True, "why": why, "proof": done.proof, "seconds": round(done.seconds, 3)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        result = converge(Api.from_params(module.params), force=module.params["force"], apply=not module.check_mode)
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
