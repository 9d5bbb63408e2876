# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run relabel configs on a label set, exactly as Prometheus does, or say that the outcome is not decided.

Source: model/relabel/relabel.go and model/labels/labels_common.go (Builder) of v2.53.3, v3.5.3 and v3.13.0; templates:
expand() and extract() of Go's regexp/regexp.go.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2 import (
    Sequence,
    UndecidedError,
    check_text,
    parse,
)
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2_match import Match, Regex, compile_anchored
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._re2_spelled import held, literal, makes
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._versions import parse_version

Config = t.Mapping[str, t.Any]
Labels = t.Dict[str, str]

KEYS = frozenset({"source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action"})
_WRITERS = ("replace", "hashmod", "lowercase", "uppercase")
_TARGETED = (*_WRITERS, "keepequal", "dropequal")
_ACTIONS = (*_TARGETED, "keep", "drop", "labelmap", "labeldrop", "labelkeep")

_LEGACY_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# relabelTarget of 2.x, written so that it can't backtrack.
_LEGACY_TEMPLATE = re.compile(
    r"(?:[a-zA-Z_]|\$\{[0-9A-Za-z_]+\}|\$[0-9A-Za-z_])(?:[0-9A-Za-z_]|\$\{[0-9A-Za-z_]+\}|\$[0-9A-Za-z_])*"
)
_VARIABLE = re.compile(r"\$(?:(\$)|\{([0-9A-Za-z_]+)\}|([0-9A-Za-z_]+))")
# extract() takes a number of at most nine digits and without a leading zero as a group's number, others as a name.
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def _refused(what: str) -> UndecidedError:
    return UndecidedError(what, refused=True)


def expand(template: str, match: Match) -> str:
    """Go's ``$1 ${1} $name ${name} $$``: a name is as long as it can be, a group that took no part is empty.

    :raises UndecidedError: for a name with letters beyond ASCII.
    """
    return "".join(part if literal else _group(part, match) for literal, part in _parts(template))


def _group(name: str, match: Match) -> str:
    if _NUMBER.fullmatch(name):
        return (match.groups[int(name)] or "") if int(name) < len(match.groups) else ""
    return next((group for key, group in zip(match.names, match.groups) if key == name and group is not None), "")


def _number(group: str, names: t.Sequence[str]) -> int:
    """The number of a template's group; one above all for a name that there is not."""
    if _NUMBER.fullmatch(group):
        return int(group)
    return names.index(group) if group in names else len(names)


def _parts(template: str) -> t.Iterator[tuple[bool, str]]:
    """A template as literal text (True) and names of groups (False)."""
    place = 0
    for found in _VARIABLE.finditer(template):
        after = template[found.end() : found.end() + 1]
        if not found[1] and not found[2] and not after.isascii():
            raise UndecidedError(f"the name in {template!r} may go on with {after!r}")
        yield from _literal(template, place, found.start())
        place = found.end()
        yield (True, "$") if found[1] else (False, found[2] or found[3])
    yield from _literal(template, place, len(template))


def _literal(template: str, start: int, end: int) -> t.Iterator[tuple[bool, str]]:
    text = template[start:end]
    if re.search(r"\$\{?[^\x00-\x7f]|\$\{[0-9A-Za-z_]+[^\x00-\x7f]", text):
        raise UndecidedError(f"{template!r} has a name with letters beyond ASCII")
    if text:
        yield True, text


@dataclasses.dataclass(frozen=True)
class Rule:
    """One relabel config, read and found valid; the defaults are Prometheus'.

    :param utf8: any text is a label name, as in Prometheus 3; False: letters, digits and _.
    """

    action: str
    source_labels: tuple[str, ...]
    separator: str
    pattern: str
    modulus: int
    target_label: str
    replacement: str
    utf8: bool
    dot_all: bool

    @functools.cached_property
    def regex(self) -> Regex:
        """:raises UndecidedError: for one that Prometheus would refuse (``refused``), or that is not read."""
        return compile_anchored(self.pattern, dot_all=self.dot_all)

    def apply(self, labels: Labels) -> bool:
        """Change the labels; whether they are kept. :raises UndecidedError: when it is not decided."""
        value = self.separator.join(labels.get(name, "") for name in self.source_labels)
        if self.action in ("keep", "drop"):
            return (self.regex.match(value) is not None) == (self.action == "keep")
        if self.action in ("keepequal", "dropequal"):
            return (labels.get(self.target_label, "") == value) == (self.action == "keepequal")
        if self.action in ("labeldrop", "labelkeep"):
            for name in list(labels):
                if (self.regex.match(name) is not None) == (self.action == "labeldrop"):
                    del labels[name]
        elif self.action == "labelmap":
            self._map(labels)
        elif self.action == "replace":
            self._replace(labels, value)
        else:
            _set(labels, self.target_label, self._computed(value))
        return True

    def target(self) -> str:
        """The name or the template of what it writes; empty for a rule that writes no label."""
        if self.action == "labelmap":
            return self.replacement
        removes = self.action == "replace" and not self.replacement
        return self.target_label if self.action in _WRITERS and not removes else ""

    def writes(self, name: str) -> bool | None:
        """Whether it writes a label of this name; None: by a template, if it finds one that makes the name.

        :raises UndecidedError: for a template of a regex that is not read.
        """
        target = self.target()
        if "$" not in target:
            return target == name
        tree, names = parse(self.pattern, dot_all=self.dot_all)
        parts = [literal(part) if plain else held(tree, _number(part, names)) for plain, part in _parts(target)]
        return makes(Sequence(tuple(parts)), name)

    def _replace(self, labels: Labels, value: str) -> None:
        found = self.regex.match(value)
        if found:
            target = expand(self.target_label, found)
            if _is_name(target, self.utf8):
                _set(labels, target, expand(self.replacement, found))

    def _computed(self, value: str) -> str:
        if self.action == "hashmod":
            digest = hashlib.md5(check_text(value).encode(), usedforsecurity=False).digest()
            return str(int.from_bytes(digest[8:], "big") % self.modulus)
        if not value.isascii():
            raise UndecidedError(f"the {self.action} of {value!r} depends on Unicode's tables, which change")
        return value.lower() if self.action == "lowercase" else value.upper()

    def _map(self, labels: Labels) -> None:
        made: Labels = {}
        for name, value in labels.items():
            found = self.regex.match(name)
            if not found:
                continue
            target = expand(self.replacement, found)
            if not target:
                raise UndecidedError(f"labelmap makes an empty name of the label {name!r}")
            # Prometheus takes the labels in no documented order.
            if made.setdefault(target, value) != value:
                raise UndecidedError(f"labelmap makes the label {target!r} of several that differ")
        labels.update(made)


def _set(labels: Labels, name: str, value: str) -> None:
    """An empty label is none."""
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _is_name(name: str, utf8: bool) -> bool:
    return bool(name) if utf8 else bool(_LEGACY_NAME.fullmatch(name))


def _is_template(text: str, utf8: bool) -> bool:
    return bool(text) if utf8 else bool(_LEGACY_TEMPLATE.fullmatch(text))


def _text(key: str, value: object) -> str:
    """A value as Prometheus' YAML reader takes it for a string."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return check_text(value)
    if isinstance(value, (list, tuple, dict)):
        raise _refused(f"{key} is no text")
    raise UndecidedError(f"{key} is {value!r}: quote it, or leave it out")


def read(config: object, *, dot_all: bool, utf8: bool) -> Rule:
    """One relabel config as a rule. :raises UndecidedError: for one that Prometheus would refuse (``refused``)."""
    if not isinstance(config, t.Mapping):
        raise _refused("it is no mapping")
    unknown = [key for key in config if key not in KEYS]
    if unknown:
        raise _refused(f"it knows no field {unknown[0]!r} here")
    action = _text("action", config.get("action", "replace")).lower()
    if action not in _ACTIONS:
        raise _refused(f"there is no action {action!r}")
    names = config.get("source_labels", ())
    if not isinstance(names, (list, tuple)):
        raise _refused("source_labels is no list")
    rule = Rule(
        action=action,
        source_labels=tuple(_text("source_labels", name) for name in names),
        separator=_text("separator", config.get("separator", ";")),
        pattern=_text("regex", config.get("regex", "(.*)")),
        modulus=_modulus(config.get("modulus", 0)),
        target_label=_text("target_label", config.get("target_label", "")),
        replacement=_text("replacement", config.get("replacement", "$1")),
        utf8=utf8,
        dot_all=dot_all,
    )
    problem = _problem(rule, config)
    if problem:
        raise _refused(problem)
    return rule


def _modulus(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise _refused(f"modulus is {value!r} and no whole number")
    return value


def _problem(rule: Rule, given: Config) -> str:
    """What Config.Validate() would say."""
    action, target, utf8 = rule.action, rule.target_label, rule.utf8
    for name in rule.source_labels:
        if not _is_name(name, utf8):
            return f"{name!r} is no label name"
    if action == "hashmod" and not rule.modulus:
        return "hashmod needs a modulus above 0"
    if action in _TARGETED:
        template = action == "replace" and "$" in target
        if not (_is_template(target, utf8) if template else _is_name(target, utf8)):
            return (
                f"{action} needs a target_label, and {target!r} is none" if target else f"{action} needs a target_label"
            )
    if action == "labelmap" and not _is_template(rule.replacement, utf8):
        return f"labelmap makes no label names by {rule.replacement!r}"
    changed = {
        "replacement": rule.replacement != "$1",
        "separator": rule.separator != ";",
        "modulus": rule.modulus != 0,
        "target_label": target != "",
        # These are compared by identity there: the default counts as a change where it is written out.
        "regex": "regex" in given,
        "source_labels": "source_labels" in given,
    }
    forbidden = {
        "lowercase": ("replacement",),
        "uppercase": ("replacement",),
        "keepequal": ("regex", "modulus", "separator", "replacement"),
        "dropequal": ("regex", "modulus", "separator", "replacement"),
        "labeldrop": ("source_labels", "target_label", "modulus", "separator", "replacement"),
        "labelkeep": ("source_labels", "target_label", "modulus", "separator", "replacement"),
    }
    return next((f"{action} takes no {key}" for key in forbidden.get(action, ()) if changed[key]), "")


def rules(configs: object, *, version: object = None, utf8: bool | None = None) -> list[Rule]:
    """A chain of relabel configs as rules.

    :param version: Prometheus' version; None: 3 or later.
    :param utf8: whether label names may hold any character; None: as the version does by default. Prometheus 3 is
        without them where ``metric_name_validation_scheme`` is ``legacy``.
    :raises UndecidedError: names the rule, counted from 1.
    :raises HAError: for a version that is none.
    """
    found: list[Rule] = []
    for number, rule in _read(configs, version, utf8):
        with _numbered(number):
            compile_anchored(rule.pattern, dot_all=rule.dot_all)  # what is refused is told here
        found.append(rule)
    return found


def _read(configs: object, version: object, utf8: bool | None) -> t.Iterator[tuple[int, Rule]]:
    """The rules and their numbers; no regex is looked at."""
    modern = version is None or parse_version(version).major >= 3
    if not isinstance(configs, (list, tuple)):
        raise _refused("the relabel configs are no list")
    for number, config in enumerate(configs, 1):
        with _numbered(number):
            rule = read(config, dot_all=modern, utf8=modern if utf8 is None else utf8)
        yield number, rule


@contextlib.contextmanager
def _numbered(number: int) -> t.Iterator[None]:
    try:
        yield
    except UndecidedError as problem:
        raise problem.within(number) from None


def relabel(
    labels: t.Mapping[str, str], configs: object, *, version: object = None, utf8: bool | None = None
) -> Labels | None:
    """The labels that a chain of relabel configs leaves, sorted by name; None when it drops them.

    :param version: Prometheus' version; None: 3 or later.
    :param utf8: see :func:`rules`.
    :raises UndecidedError: when it is not certain what Prometheus would do.
    """
    return run(rules(configs, version=version, utf8=utf8), labels)


def run(chain: t.Iterable[Rule], labels: t.Mapping[str, str]) -> Labels | None:
    """As :func:`relabel`, for a chain that :func:`rules` read once for many label sets."""
    # A label without a value is none.
    current = {check_text(name): text for name, text in ((name, _text(name, labels[name])) for name in labels) if text}
    for number, rule in enumerate(chain, 1):
        with _numbered(number):
            if not rule.apply(current):
                return None
    return {name: current[name] for name in sorted(current)}


def writes(configs: object, name: str, *, version: object = None, utf8: bool | None = None) -> bool | None:
    """Whether a chain gives targets or alerts a label of this name (a former one of the name is not its work).

    Regexes are only looked at where they matter: a rule with a plain target_label writes that, whatever it matches.

    :returns: True: a rule names it, or spells it out in a template's group, as ``(app|replica)`` does, and no later
        rule drops it; False: no rule can; None: by an open group such as ``(.+)``, so it depends on the labels that
        are found.
    :raises UndecidedError: as :func:`relabel`.
    """
    found: bool | None = False
    for number, rule in _read(configs, version, utf8):
        with _numbered(number):
            made = rule.writes(name)
            if made is not False:
                found = made or found or None
            elif found is not False and rule.action in ("labeldrop", "labelkeep"):
                dropped = (rule.regex.match(name) is not None) == (rule.action == "labeldrop")
                found = False if dropped else found
    return found


def emitted_names(configs: object, *, version: object = None, utf8: bool | None = None) -> frozenset[str]:
    """The label names that a chain names and does not drop again; :func:`writes` also knows what a template could make.

    :raises UndecidedError: as :func:`relabel`.
    """
    chain = rules(configs, version=version, utf8=utf8)
    named = {target for target in map(Rule.target, chain) if target and "$" not in target}
    return frozenset(name for name in named if writes(configs, name, version=version, utf8=utf8))
