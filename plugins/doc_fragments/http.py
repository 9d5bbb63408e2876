# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How every module that asks a web endpoint may be told to speak to it (module_utils/_http.py, HTTP_SPEC)."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragment ``baremetal.prometheus_ha.http``."""

    DOCUMENTATION = r"""
options:
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
"""
