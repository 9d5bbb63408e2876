# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the dashboards' queries share. They go by the labels of the stack's own jobs (_watch), as the rule packages do.

A member is scraped by its own set and by another one. A data source over both has its series twice, with the external
labels of each; so every query takes ``max by`` of a member first, and only then adds up.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _watch
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._dashboards._grafana import Choice
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._rule_packages._package import of

SET = f"by ({_watch.GROUP})"
WHO = f"{{{{{_watch.GROUP}}}}} {{{{{_watch.MEMBER}}}}}"
RATE = "[$__rate_interval]"
UP = {0: "down", 1: "up"}


def each(expr: str, *more: str) -> str:
    """What each member says, once. :param more: labels besides group and member that tell series apart."""
    return f"max by ({', '.join((_watch.GROUP, _watch.MEMBER, *more))}) ({expr})"


@dataclasses.dataclass(frozen=True)
class Members:
    """What members say of themselves. :param matchers: of their series.

    ``kept``: labels besides group and member that tell series apart.
    """

    matchers: str

    def says(self, metric: str, *kept: str) -> str:
        return each(f"{metric}{{{self.matchers}}}", *kept)

    def grows(self, metric: str, *kept: str, over: str = "") -> str:
        """How fast a counter grows. :param over: labels over which it is summed."""
        grows = f"rate({metric}{{{self.matchers}}}{RATE})"
        return each(f"sum without ({over}) ({grows})" if over else grows, *kept)


def or_zero(expr: str) -> str:
    """A number where the expression has none, for what is counted."""
    return f"{expr} or vector(0)"


def chosen(component: str, **variables: str) -> str:
    """The matchers of a component's series, narrowed by variables. :param variables: by label, the variable's name."""
    return ", ".join([of(component), *(f'{label}=~"${name}"' for label, name in variables.items())])


def choice(name: str, title: str, label: str, matchers: str) -> Choice:
    """A variable with a label's values, of what is scraped."""
    return Choice(name, title, label, f"up{{{matchers}}}")
