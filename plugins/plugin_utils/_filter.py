# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all filters share: plain arguments in, Ansible's own error out."""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


def plain(value: t.Any) -> t.Any:
    """A copy in Python's own types: ansible-core 2.19 hands filters tagged strings and lazy containers."""
    if isinstance(value, t.Mapping):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    # str(x) of a subclass may give the subclass again.
    return str.__str__(value) if isinstance(value, str) else value


def as_filter(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function as a filter: its HAError becomes the filter's failure, with the same words."""

    @functools.wraps(function)
    def call(*args: t.Any, **options: t.Any) -> t.Any:
        try:
            return function(*plain(args), **plain(options))
        except HAError as error:
            raise AnsibleFilterError(str(error)) from error

    return call
