# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of inventory variables: one row a variable, read by the model, the roles' argument specs and the docs."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


@dataclasses.dataclass(frozen=True, eq=False)
class Option:
    """One inventory variable.

    :param name: its full name.
    :param type: as in an Ansible argument spec (str, int, bool, list, dict, raw, path).
    :param description: one or more sentences, for the roles' documentation.
    :param default: the value where no inventory variable sets it; None: none.
    :param shown_default: what the documentation says where the default is derived rather than fixed.
    :param keys: the keys that it may have, or each dict in its list; None: whatever its reader takes.
    :param named: it is a dict of lists by names that people choose, and each dict in these has the keys.
    :param shared: other hosts' slices depend on it, so it belongs into the inventory, which all of them see.
    """

    name: str
    type: str
    description: str
    default: t.Any = None
    elements: str | None = None
    choices: tuple[t.Any, ...] | None = None
    shown_default: str | None = None
    keys: tuple[str, ...] | None = None
    named: bool = False
    secret: bool = False
    shared: bool = False

    def argument_spec(self) -> dict[str, t.Any]:
        """The row as Ansible's argument spec, without prose."""
        spec: dict[str, t.Any] = {"type": self.type}
        if self.default is not None:
            spec["default"] = self.default
        if self.elements:
            spec["elements"] = self.elements
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.secret:
            spec["no_log"] = True
        return spec


@functools.lru_cache(maxsize=None)
def _validator(options: tuple[Option, ...]) -> ArgumentSpecValidator:
    return ArgumentSpecValidator({option.name: {**option.argument_spec(), "no_log": False} for option in options})


@functools.lru_cache(maxsize=None)
def _one(option: Option) -> ArgumentSpecValidator:
    return _validator((option,))


@functools.lru_cache(maxsize=None)
def _texts(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """Those that are text, or lists of texts."""
    return tuple(option for option in options if "str" in (option.type, option.elements))


def _no_text(option: Option, value: t.Any) -> str:
    """Why a value can't be the text that is wanted, or nothing. Ansible would take ``['a']`` for what a list says."""
    many = option.type == "list" and isinstance(value, list)
    for each in value if many else [value] if option.type == "str" else []:
        if isinstance(each, (list, t.Mapping)):
            kind = "list" if isinstance(each, list) else "mapping"
            return f"text is wanted{' in each item' if many else ''}, and it is a {kind}"
    return ""


def effective(options: tuple[Option, ...], values: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Every option's value, of its type: the inventory's, else the default.

    :returns: the values by name, and by name what is wrong with those of the wrong type (these get their default).
    """
    given = {option.name: values[option.name] for option in options if values.get(option.name) is not None}
    texts = [option for option in _texts(options) if option.name in given]
    wrong = {option.name: why for option in texts if (why := _no_text(option, given[option.name]))}
    for name in wrong:
        del given[name]
    result = _validator(options).validate(given)
    if not result.error_messages:
        return dict(result.validated_parameters), wrong
    for option in options:
        if option.name in given:
            errors = _one(option).validate({option.name: given[option.name]}).error_messages
            if errors:
                wrong[option.name] = "; ".join(errors)
                del given[option.name]
    return dict(_validator(options).validate(given).validated_parameters), wrong
