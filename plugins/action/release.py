# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module, and brings it the archive when it asks for one."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._release_spec import RELEASE_SPEC, ReleaseSpec
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._fetch import merged, provide_archive
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._pins import with_pins

MODULE = "baremetal.prometheus_ha.release"
SPEC = {**RELEASE_SPEC, "state": {"type": "str", "default": "present", "choices": ["present", "absent"]}}


class ActionModule(ActionBase):
    """Controller side of ``release``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        base: t.Any = self  # ActionBase is typed only in parts
        _validated, params = base.validate_argument_spec(argument_spec=SPEC)
        params = with_pins({key: value for key, value in params.items() if value is not None})
        try:
            answer = self._execute_module(MODULE, dict(params), task_vars=task_vars)
            if answer.get("fetch"):
                provided = provide_archive(self, ReleaseSpec.from_params(params), answer["fetch"]["arch"])
                second = self._execute_module(MODULE, {**params, **provided}, task_vars=task_vars)
                answer = merged(answer, second)
            return {**result, **answer}
        except HAError as error:
            return {**result, "failed": True, "changed": False, **error.result()}
        finally:
            base._remove_tmp_path(self._connection._shell.tmpdir)
