#!/usr/bin/python
# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation, arguments, and one try/except around a tool of Thanos for buckets."""

from __future__ import annotations

DOCUMENTATION = r"""
module: thanos_bucket
short_description: Look at a Thanos bucket, copy it, or delete from it
version_added: 1.1.0
author:
  - The baremetal.prometheus_ha authors (@baremetal-prometheus-ha)
description:
  - Runs one of Thanos' own bucket tools on a host that has Thanos and the object store's configuration, and returns
    what it found and changed as data and as lines for people.
  - In a play of an inventory of this collection, program, configuration, compactor, its retention and its streams come
    from the plan of the host. The lines are then printed, too.
  - Fails where V(verify) finds a problem, where a copy is not whole or older than O(rpo), and where the object store
    refuses, in its own words.
extends_documentation_fragment:
  - baremetal.prometheus_ha.attributes
  - baremetal.prometheus_ha.lease
attributes:
  check_mode:
    support: full
    details:
      - Says what would be copied, marked or deleted. Of marked blocks Thanos tells how many would go, not which, and
        nothing of what an upload left behind.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  tool:
    description:
      - V(inspect) lists blocks by stream and resolution, and where they overlap. V(verify) runs Thanos' own checks
        (O(issues)). Neither changes anything.
      - V(replicate) copies what is not yet there to another bucket (O(to)), and reports the RPO of the copy.
      - V(retention) marks for deletion what is older than O(retention_raw), O(retention_5m) and O(retention_1h).
      - V(cleanup) deletes what was marked longer ago than O(delete_delay), and what uploads left behind 48 hours ago.
    type: str
    required: true
    choices: [verify, inspect, replicate, retention, cleanup]
  executable:
    description: Thanos' program. By default it comes from the plan.
    type: path
  config_file:
    description: The object store's configuration, as Thanos takes it. By default it comes from the plan.
    type: path
  selector_file:
    description:
      - V(retention) and V(cleanup); the compactor's relabelling that chooses block streams. Other streams are left
        alone.
    type: path
  labels:
    description: V(inspect) and V(replicate); only streams that have these labels.
    type: dict
    default: {}
  issues:
    description:
      - V(verify); what is looked for.
      - V(index_known_issues) downloads the index of every block into O(work_dir), and keeps them until it ends.
    type: list
    elements: str
    choices: [overlapped_blocks, duplicated_compaction, index_known_issues]
    default: [overlapped_blocks, duplicated_compaction]
  to:
    description:
      - V(replicate); the other bucket, of the shape of C(thanos_objstore_config). It is kept in a private file while
        the tool runs.
    type: dict
  rpo:
    description:
      - V(replicate); how old the newest sample of a live stream may be in the copy. Above it, the task fails.
    type: str
  live:
    description:
      - V(replicate); label sets of the streams that are still written, which O(rpo) is about. A stream is live that has
        all labels of one of them. By default those of the inventory; without one, every stream is.
    type: list
    elements: dict
    default: []
  retention_raw:
    description: V(retention); how long raw samples are kept. V(0d) is for ever.
    type: str
    default: 0d
  retention_5m:
    description: V(retention); how long samples of 5 minutes are kept. V(0d) is for ever.
    type: str
    default: 0d
  retention_1h:
    description: V(retention); how long samples of an hour are kept. V(0d) is for ever.
    type: str
    default: 0d
  downsampling:
    description:
      - V(retention); whether the bucket's compactor downsamples. A retention that deletes before that is then refused.
    type: bool
    default: true
  delete_delay:
    description: V(cleanup); how long a block stays once it is marked for deletion.
    type: str
    default: 48h
  consistency_delay:
    description: V(retention) and V(cleanup); how old a block is before it is looked at.
    type: str
    default: 30m
  compactor:
    description:
      - V(retention) and V(cleanup); the systemd unit of the bucket's compactor. It is stopped while they run, and
        started again whatever happens.
    type: str
  work_dir:
    description: Where the tools may keep files while they run. By default the system's folder for temporary files.
    type: path
  timeout:
    description: Seconds that each run of a tool may take.
    type: int
    default: 21600
seealso:
  - module: baremetal.prometheus_ha.objstore_info
"""

EXAMPLES = r"""
- name: Look at what is in the bucket
  baremetal.prometheus_ha.thanos_bucket:
    tool: inspect
  register: bucket

- name: Look for blocks that a compactor would halt at
  baremetal.prometheus_ha.thanos_bucket:
    tool: verify

- name: Copy the bucket to another site, and fail where the copy is older than three hours
  baremetal.prometheus_ha.thanos_bucket:
    tool: replicate
    to:
      type: S3
      config:
        bucket: metrics-copy
        endpoint: s3.example.com
        access_key: copy
        secret_key: "{{ vault_copy_key }}"
    rpo: 3h

- name: Mark raw samples older than 90 days for deletion
  baremetal.prometheus_ha.thanos_bucket:
    tool: retention
    retention_raw: 90d

- name: Delete what was marked two days ago
  baremetal.prometheus_ha.thanos_bucket:
    tool: cleanup
    delete_delay: 48h
"""

RETURN = r"""
report:
  description: What was found and done, in lines for people.
  returned: always, unless the tool was refused
  type: list
  elements: str
  sample: ["RPO of the copy: stream region=eu,replica=eu-1: 2 h 3 min, 0 of 14 blocks missing"]
streams:
  description: By block stream, and for V(inspect) by resolution, what there is.
  returned: O(tool) is V(inspect) or V(replicate)
  type: list
  elements: dict
  contains:
    stream:
      description: Its labels as text.
      type: str
    labels:
      description: Its labels.
      type: dict
    resolution:
      description: V(inspect); V(raw), V(5m) or V(1h).
      type: str
    blocks:
      description: How many blocks there are; for V(replicate) in the bucket that is copied.
      type: int
    levels:
      description: V(inspect); how many blocks there are of each compaction level.
      type: dict
    begin:
      description: V(inspect); since when there are samples.
      type: str
    end:
      description: V(inspect); until when there are samples.
      type: str
    samples:
      description: V(inspect); how many samples there are.
      type: int
    bytes:
      description: V(inspect); the size of its files.
      type: int
    live:
      description: V(replicate); whether it is still written, by O(live).
      type: bool
    missing:
      description: V(replicate); the blocks that the copy lacks.
      type: list
      elements: str
    newest:
      description: V(replicate); from when the newest sample of the copy is.
      type: str
    rpo:
      description:
        - V(replicate); the age of that in seconds, which is what is lost where only the copy is left. V(null) where
          there is nothing.
      type: float
    behind:
      description: V(replicate); how many seconds the copy is behind the bucket.
      type: float
blocks:
  description:
    - For V(inspect) each block, with its C(id), C(stream), C(resolution), C(level), C(begin), C(end), C(samples) and
      C(bytes). For V(verify) how many were verified.
  returned: O(tool) is V(inspect) or V(verify)
  type: raw
overlaps:
  description: Where C(blocks) of a C(stream) and C(resolution) overlap, from C(begin) to C(end).
  returned: O(tool) is V(inspect)
  type: list
  elements: dict
issues:
  description: What was looked for.
  returned: O(tool) is V(verify)
  type: list
  elements: str
problems:
  description: Each C(issue), C(what) is wrong, and its C(blocks), C(stream) and time (C(begin), C(end)).
  returned: O(tool) is V(verify)
  type: list
  elements: dict
copied:
  description: The blocks that were copied, or would be.
  returned: O(tool) is V(replicate)
  type: list
  elements: str
missing:
  description: The blocks that the copy lacks.
  returned: O(tool) is V(replicate)
  type: list
  elements: str
extra:
  description: How many blocks the copy has that the bucket has no more.
  returned: O(tool) is V(replicate)
  type: int
rpo:
  description: The greatest RPO of all live streams in seconds. V(null) where one has nothing in the copy.
  returned: O(tool) is V(replicate)
  type: float
marked:
  description:
    - Blocks that are marked for deletion. For V(retention) those that it marked, or would mark. For V(inspect) their
      ids alone.
  returned: O(tool) is V(inspect), V(retention) or V(cleanup)
  type: list
  elements: raw
last:
  description: Those of C(marked) of whose time nothing stays in the bucket, downsampled or other.
  returned: O(tool) is V(retention)
  type: list
  elements: str
due:
  description: How many blocks were marked longer ago than O(delete_delay), before anything was deleted.
  returned: O(tool) is V(cleanup)
  type: int
deleted:
  description: The blocks that were deleted.
  returned: O(tool) is V(cleanup)
  type: list
  elements: str
partial:
  description: How many blocks have no C(meta.json). They are being uploaded, or were left behind.
  returned: O(tool) is V(inspect) or V(cleanup)
  type: int
compactor_stopped:
  description: Whether the compactor ran, and stood still meanwhile.
  returned: O(tool) is V(retention) or V(cleanup)
  type: bool
"""

import contextlib
import signal
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _bucket_tools, _lease
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._runner import run

ARGUMENTS: dict[str, t.Any] = {**_bucket_tools.SPEC, "lease": {"type": "dict", "options": _lease.LEASE_SPEC}}


def ended(_number: int, _frame: t.Any) -> None:
    """A run that is ended still starts the compactor that it stopped."""
    raise HAError("the run was ended by a signal", do="run it again.")


@contextlib.contextmanager
def alone(lease: t.Mapping[str, t.Any] | None) -> t.Iterator[None]:
    """No other run of the collection, which would start the compactor, changes the host meanwhile.

    :raises HAError: where another one does.
    """
    if not lease:
        yield
        return
    _lease.hold(lease)
    try:
        with _lease.exclusive(), _lease.renewed(lease):
            yield
    finally:
        _lease.release(lease)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    # no_log keeps the keys out of the host's syslog; but any word of a configuration is also one of the results.
    module.no_log_values = _bucket_tools.secrets(params)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    deletes = params["tool"] in _bucket_tools.DELETING and not module.check_mode
    try:
        with alone(params["lease"] if deletes else None):
            result = _bucket_tools.run(params, run, apply=not module.check_mode)
    except HAError as error:
        module.fail_json(invocation={}, **error.result())
    module.exit_json(invocation={}, **result)


if __name__ == "__main__":
    main()
