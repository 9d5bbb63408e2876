# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the scenario share. The files run in the order of their names, and each also runs alone."""

from __future__ import annotations

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.providers.support import HOSTS, Past, Providers


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Providers:
    """The lab, up."""
    return Providers(tmp_path_factory.mktemp("overlays"))


@pytest.fixture(scope="session")
def pasts(stack: Providers) -> dict[str, Past]:
    """By provider, what was uploaded to it."""
    return {provider: stack.upload(provider) for provider in HOSTS}


@pytest.fixture(scope="session")
def past(pasts: dict[str, Past]) -> Past:
    """What is in the bucket of the environment with several store gateways."""
    return pasts["gcs"]
