#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around a transaction over configuration files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config
short_description: Change a set of configuration files as one transaction
version_added: 1.0.0
description:
  - Writes the whole desired state below a folder as one transaction. The new files are first written to a folder aside,
    where the component's own checkers must accept them; then all are swapped, the running process reloads and the
    reload is proved.
  - When the process refuses them, the former files are put back, it reloads them, and the task fails with its words.
  - A run that was cut off (power, C(kill -9), a lost connection) is rolled back by the next one, through a journal.
  - Files that this module wrote and that are no longer wanted are removed. Files of others are reported, never removed;
    one that lies where a file is wanted is refused, unless it holds exactly what is wanted.
  - A file changed by hand is found, shown in the diff and overwritten. A reload that is still due (after a cut-off run,
    or a change by hand) is found by asking the process, and done.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes]
attributes:
  check_mode:
    support: full
    details:
      - The checkers run in check mode too; one that is not installed yet is named in RV(unchecked).
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  root:
    description: The folder below which the files lie. It is created when it is missing.
    type: path
    required: true
  state:
    description: V(absent) removes what this module wrote, and nothing else. No process is asked to reload then.
    type: str
    choices: [present, absent]
    default: present
  owner:
    description: The user who owns the files.
    type: str
    default: root
  group:
    description: The group of the files.
    type: str
    default: root
  files:
    description: All wanted files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The path relative to O(root).
        type: str
        required: true
      content:
        description: The content, written as UTF-8.
        type: str
        required: true
      mode:
        description: The mode, quoted.
        type: str
        default: '0640'
      secret:
        description: Whether the content must not be shown, neither in a diff nor in a checker's words.
        type: bool
        default: false
  check:
    description:
      - Commands (lists of arguments) that must accept the new files.
      - C({root}) in them becomes the folder that holds the files to check, which is also the working folder.
      - C({release}) becomes O(release).
    type: list
    elements: list
    default: []
  release:
    description: The folder of an installed release, for C({release}) in O(check).
    type: path
  state_dir:
    description:
      - Where manifest, journal and former files are kept, readable for root alone.
      - By default C(/var/lib/prometheus_ha/<last part of root>/config).
    type: path
  reload:
    description: The process that is to take up the files. When nothing listens there, only the files are changed.
    type: dict
    suboptions:
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
      http:
        description: How the endpoint is spoken to. Paths are of files on the host where the module runs.
        type: dict
        suboptions:
          ca_file:
            description: The CA that signed its certificate.
            type: path
          cert_file:
            description: The client certificate.
            type: path
          key_file:
            description: The client certificate's key.
            type: path
          username:
            description: The user for basic authentication.
            type: str
          password:
            description: The password for basic authentication.
            type: str
          server_name:
            description: The name that its certificate must hold.
            type: str
          timeout:
            description: Seconds that one request may take.
            type: float
            default: 10.0
      generation:
        description:
          - Prometheus only; the label C(sha256) of the recording rule C(ha_config_generation) among O(files), which
            proves that the rules were loaded too.
          - Left out, the time of the last reload must do (agent mode has no rules).
        type: str
      config_file:
        description: The configuration file that the process was started with.
        type: path
        required: true
      files:
        description: Paths or globs of further files that a reload reads; O(files) are always among them.
        type: list
        elements: path
        default: []
      timeout:
        description: Seconds that becoming ready plus the reload may take.
        type: float
        default: 60.0
seealso:
  - module: baremetal.prometheus_ha.component
  - module: baremetal.prometheus_ha.reload
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Configure Prometheus, checked by promtool and taken up by the running process
  baremetal.prometheus_ha.config:
    root: /etc/prometheus
    group: prometheus
    files:
      - path: prometheus.yml
        content: |
          global: {scrape_interval: 15s}
          rule_files: [rules/*.yml]
      - path: rules/instance.yml
        content: |
          groups:
            - name: instance
              rules:
                - {alert: InstanceDown, expr: up == 0, for: 5m}
      - path: remote_write.password
        content: "{{ vault_remote_write_password }}"
        secret: true
    check:
      - [/usr/local/bin/promtool, check, config, "{root}/prometheus.yml"]
    reload:
      kind: prometheus
      url: http://127.0.0.1:9090
      config_file: /etc/prometheus/prometheus.yml

- name: Remove what was written, and nothing else
  baremetal.prometheus_ha.config:
    root: /etc/prometheus
    state: absent
"""

RETURN = r"""
written:
  description: Paths below O(root) that were written, or would be.
  returned: success
  type: list
  elements: str
  sample: [prometheus.yml]
removed:
  description: Paths below O(root) that this module once wrote and that were removed, or would be.
  returned: success
  type: list
  elements: str
foreign:
  description: Files of others below O(root), which are left alone.
  returned: success
  type: list
  elements: str
edited:
  description: Files among RV(written) that somebody had changed since this module wrote them.
  returned: success
  type: list
  elements: str
recovered:
  description: What was repaired after an interrupted run, in sentences.
  returned: success
  type: list
  elements: str
reloaded:
  description: Why the process was made to reload, or would be; empty when it was not.
  returned: success
  type: str
  sample: files changed
proof:
  description: What proves that the process runs the files on disk; empty when none was asked.
  returned: success
  type: str
  sample: its generation and the time of its last reload
unchecked:
  description: Checkers that are not installed yet.
  returned: success
  type: list
  elements: str
rolled_back:
  description: Whether the former files are in place again.
  returned: when the running process refused the files
  type: bool
former_runs:
  description: Whether it was proved that the process runs the former files again.
  returned: when the running process refused the files
  type: bool
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import API_SPEC, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._configure import Running, configure
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._fileset import Fileset, FilesetSpec

FILE_SPEC: dict[str, t.Any] = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0640"},
    "secret": {"type": "bool", "default": False},
}
ARGUMENTS: dict[str, t.Any] = {
    "root": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    # no_log keeps the contents out of the target's syslog; show_what_is_no_secret lifts it for the result.
    "files": {"type": "list", "elements": "dict", "options": FILE_SPEC, "default": [], "no_log": True},
    "check": {"type": "list", "elements": "list", "default": []},
    "release": {"type": "path"},
    "state_dir": {"type": "path"},
    "reload": {"type": "dict", "options": API_SPEC},
}


def show_what_is_no_secret(module: AnsibleModule) -> dict[str, t.Any]:
    """Have the result mask secrets alone, not every word of every file; returns the arguments as they may be shown."""
    files = module.params["files"]
    module.no_log_values -= {text for item in files for text in item.values() if isinstance(text, str)}
    module.no_log_values |= {item["content"] for item in files if item["secret"] and len(item["content"].strip()) > 3}
    shown = [{**item, "content": "(content not shown)"} if item["secret"] else item for item in files]
    return {"module_args": {**module.params, "files": shown}}


def present(module: AnsibleModule, spec: FilesetSpec) -> dict[str, t.Any]:
    params = module.params
    running = None
    if params["reload"]:
        api = Api.from_params(params["reload"])
        running = Running(api, api.client())
    done = configure(
        Fileset(spec),
        params["check"],
        replace={"release": params["release"]} if params["release"] else {},
        running=running,
        apply=not module.check_mode,
    )
    fields = {**dataclasses.asdict(done.plan), **dataclasses.asdict(done), "changed": done.changed}
    return {key: value for key, value in fields.items() if key != "plan"}


def absent(module: AnsibleModule, spec: FilesetSpec) -> dict[str, t.Any]:
    recovered: list[str] = []
    if module.check_mode:
        plan = Fileset(dataclasses.replace(spec, files=())).plan()
    else:
        recovered = Fileset(spec).recover()
        plan = Fileset(spec).remove()
    fields = {**dataclasses.asdict(plan), "recovered": recovered, "reloaded": "", "proof": "", "unchecked": []}
    return {**fields, "changed": bool(plan.changed or recovered)}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    invocation = show_what_is_no_secret(module)
    try:
        spec = FilesetSpec.from_params(module.params)
        result = (present if module.params["state"] == "present" else absent)(module, spec)
    except HAError as error:
        module.fail_json(invocation=invocation, **error.result())
    module.exit_json(invocation=invocation, **result)


if __name__ == "__main__":
    main()
