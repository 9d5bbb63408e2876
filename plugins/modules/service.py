#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around the service's backend."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service
short_description: Run a component as a hardened systemd service, proved to be up
version_added: 1.0.0
description:
  - Creates the system user, the data folders and a hardened unit, and starts or restarts the service where what runs
    differs from what is wanted.
  - What is pending is told from the running process (its executable, its command line, and the hash of the unit it was
    started with), so a run that was cut off is finished by the next one and a change made by hand is found.
  - A start counts when the process is ready and stays up; a crash loop fails at once, with the last log lines.
  - When the new unit does not come up, the former one is put back and started again, and then the task fails. A first
    unit that does not come up is removed again.
extends_documentation_fragment: [baremetal.prometheus_ha.attributes]
attributes:
  check_mode:
    support: full
    details:
      - The executable may still be missing.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: The service; its unit is C(<name>.service).
    type: str
    required: true
  state:
    description:
      - V(started) does what is pending, and nothing where the wanted runs.
      - V(stopped) stops the service and leaves its unit.
      - V(absent) stops the service and removes its unit; the user and the data stay. A unit that is not of this
        collection is refused and left alone.
    type: str
    choices: [started, stopped, absent]
    default: started
  user:
    description: The system user it runs as; created where it is missing. Required with O(state=started).
    type: str
  group:
    description: Its group; default is a group named as O(user).
    type: str
  executable:
    description:
      - Absolute path of the executable; C({release}) in it becomes O(release).
      - Required with O(state=started).
    type: str
  release:
    description: The folder of an installed release, for C({release}) in O(executable), O(args) and O(environment).
    type: path
  args:
    description:
      - The command line without the executable. Each entry reaches the process unchanged, whatever characters it holds.
      - C({host_ip}) in an entry becomes this host's own address towards the first of O(host_ip_towards).
      - Every user of the host can read it, so it must hold no secret.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables. Every user of the host can read them in the unit, so they must hold no secret.
    type: dict
    default: {}
  shared_dirs:
    description: Data folders of another service of the host that the service may write to as well.
    type: list
    elements: str
    default: []
  data_dirs:
    description:
      - Absolute paths of the folders that the service writes to, created as C(0750) of O(user) and O(group).
      - The rest of the file system is read-only for it.
    type: list
    elements: str
    default: []
  ports:
    description: The ports it listens on. One that another process holds stops the task before anything changes.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The port.
        type: int
        required: true
      protocol:
        description: Its protocol.
        type: str
        choices: [tcp, udp]
        default: tcp
      address:
        description: The address it listens on; empty means every address.
        type: str
        default: ''
      variable:
        description: What sets the port, for the error's text.
        type: str
        default: ''
  unit_options:
    description:
      - Settings of the unit's section C([Service]) in systemd's syntax, merged last.
      - A list repeats the key, V(null) removes it.
    type: dict
    default: {}
  host_ip_towards:
    description: Peers (a name or an address, with or without a port) for C({host_ip}) in O(args).
    type: list
    elements: str
    default: []
  start_timeout:
    description: Seconds after which it must be ready; replaying a large WAL takes minutes.
    type: float
    default: 600.0
  api:
    description: How the running component is asked whether it is ready; without it, staying up is enough.
    type: dict
    suboptions:
      kind:
        description: What it is.
        type: str
        choices: [prometheus, alertmanager, thanos_rule]
        required: true
      url:
        description: Its web endpoint as this host reaches it, with the route prefix.
        type: str
        required: true
      http:
        description: How that endpoint is spoken to.
        type: dict
        suboptions:
          ca_file:
            description: CA certificates on the host, where the system's own do not do.
            type: path
          cert_file:
            description: A client certificate on the host.
            type: path
          key_file:
            description: Its key.
            type: path
          username:
            description: For basic authentication.
            type: str
          password:
            description: Its password.
            type: str
          server_name:
            description: The name that the certificate must carry, where it is not that of the URL.
            type: str
          timeout:
            description: Seconds that one request may take.
            type: float
            default: 10.0
  expect:
    description: What it must see before it counts as ready.
    type: dict
    suboptions:
      alertmanagers:
        description: Prometheus; C(host:port) of Alertmanagers that must be active.
        type: list
        elements: str
      members:
        description: Alertmanager; the members of its mesh, itself included.
        type: int
seealso:
  - module: baremetal.prometheus_ha.component
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
"""

EXAMPLES = r"""
- name: Run Prometheus
  baremetal.prometheus_ha.service:
    name: prometheus
    user: prometheus
    release: /opt/prometheus_ha/prometheus/3.5.3
    executable: "{release}/bin/prometheus"
    args:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/var/lib/prometheus
      - --web.enable-lifecycle
    data_dirs: [/var/lib/prometheus]
    ports:
      - port: 9090
        variable: prometheus_port
    api:
      kind: prometheus
      url: http://127.0.0.1:9090

- name: Run an exporter, ready as soon as it stays up
  baremetal.prometheus_ha.service:
    name: node_exporter
    user: node_exporter
    executable: /usr/local/bin/node_exporter
    unit_options:
      ProtectHome: read-only
"""

RETURN = r"""
pending:
  description: What was to be done before this task did it (V(none), V(start) or V(restart)).
  returned: with O(state=started)
  type: str
  sample: restart
reasons:
  description: Why, in sentences.
  returned: with O(state=started)
  type: list
  elements: str
  sample: ["the binary differs: runs /opt/a/2.53.3/bin/prometheus, wanted /opt/a/3.5.3/bin/prometheus"]
changes:
  description: What was changed, in sentences.
  returned: success
  type: list
  elements: str
  sample: [user prometheus created, unit prometheus.service written, prometheus.service started]
executable:
  description: The executable that runs, or would run.
  returned: with O(state=started)
  type: str
former_executable:
  description: The executable that ran before; empty when none did.
  returned: with O(state=started)
  type: str
pid:
  description: The main process, 0 without one.
  returned: with O(state=started)
  type: int
seconds:
  description: The time from the command to the proof that it is up.
  returned: when it was started
  type: float
waited_for:
  description: What was waited for meanwhile, the last ten sentences.
  returned: when it was started
  type: list
  elements: str
rolled_back:
  description: Whether what was there before is in place again.
  returned: when a start failed
  type: bool
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _foreign, _ready
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import ENDPOINT_SPEC, Api
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service import Look, Service
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._service_spec import SERVICE_SPEC, ServiceSpec


def started(service: Service, look: Look | None, *, apply: bool) -> dict[str, t.Any]:
    """Do what is pending (without ``apply``: say it). :raises HAError: as the backend does."""
    _foreign.refuse(service.drop_ins(), service.unit)
    state = service.status()
    if state.pending.action == "start":
        _foreign.refuse(_foreign.ports_in_use(service.spec.ports, service.unit), service.unit)
    changes = service.recover() if apply else []
    plan = service.plan()
    service.check(apply=apply)
    changes += service.prepare(apply=apply)
    if plan.changed:
        changes.append(f"unit {service.unit} written")
    if state.pending:
        changes.append(f"{service.unit} {state.pending.action}ed")
    if not state.unit.enabled:
        changes.append(f"{service.unit} enabled")
    result: dict[str, t.Any] = {
        "pending": state.pending.action,
        "reasons": list(state.pending.reasons),
        "changes": changes,
        "executable": service.spec.unit.executable,
        "former_executable": state.running.executable if state.running else "",
        "pid": state.running.pid if state.running else 0,
        "diff": plan.diff,
    }
    proof = service.activate(look) if apply else None
    if proof:
        result.update(pid=proof.pid, seconds=proof.seconds, waited_for=list(proof.waited_for))
    return result


def stopped(service: Service, *, apply: bool) -> dict[str, t.Any]:
    """Stop it (without ``apply``: say whether it would). :raises HAError: as the backend does."""
    runs = service.stop() if apply else service.runs()
    return {"changes": [f"{service.unit} stopped"] if runs else []}


def absent(service: Service, *, apply: bool) -> dict[str, t.Any]:
    """Stop it and remove its unit (without ``apply``: say whether it would). :raises HAError: as the backend does."""
    if service.is_foreign():
        raise HAError(
            "this unit is not ours, it was left alone",
            where=service.unit,
            do="remove it by hand where it shall go; systemctl cat shows where it comes from.",
        )
    there = service.remove() if apply else service.is_ours()
    return {"changes": [f"{service.unit} removed"] if there else []}


def look(params: t.Mapping[str, t.Any]) -> Look | None:
    """The readiness look that the options ``api`` and ``expect`` ask for."""
    if not params["api"]:
        return None
    api, expect = Api.from_params(params["api"]), _ready.Expect.from_params(params["expect"])
    http = api.client()
    return lambda: _ready.check(api, expect, http)


def params(module: AnsibleModule) -> dict[str, t.Any]:
    """The options; of a service that stops or leaves only its name counts, so the rest may be missing.

    :raises HAError: when one that is to run has no user or executable.
    """
    if module.params["state"] == "started":
        missing = [name for name in ("user", "executable") if not module.params[name]]
        if missing:
            raise HAError(f"a service that is to run needs {' and '.join(missing)}", where=module.params["name"])
        return dict(module.params)
    return {"name": module.params["name"], "user": "root", "executable": "/bin/false"}


def main() -> None:
    spec = {
        **SERVICE_SPEC,
        "user": {"type": "str"},
        "executable": {"type": "str"},
        "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        "release": {"type": "path"},
        "api": {"type": "dict", "options": ENDPOINT_SPEC},
        "expect": _ready.EXPECT_SPEC,
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    apply = not module.check_mode
    try:
        wanted = ServiceSpec.from_params(params(module), release=module.params["release"] or "")
        password = ((module.params["api"] or {}).get("http") or {}).get("password")
        service = Service(wanted, secrets=[password] if password else [])
        if module.params["state"] == "started":
            result = started(service, look(module.params), apply=apply)
        elif module.params["state"] == "stopped":
            result = stopped(service, apply=apply)
        else:
            result = absent(service, apply=apply)
    except HAError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=bool(result["changes"]), **result)


if __name__ == "__main__":
    main()
