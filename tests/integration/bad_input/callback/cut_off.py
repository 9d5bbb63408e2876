# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command when a play begins: how the tests lose a host between two plays of one run."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: cut_off
type: notification
short_description: Runs CUT_OFF_COMMAND once, when the play CUT_OFF_AT begins
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "cut_off"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        if play.get_name() == os.environ["CUT_OFF_AT"]:
            subprocess.run(os.environ["CUT_OFF_COMMAND"], shell=True, check=True)
            os.environ["CUT_OFF_AT"] = ""
