# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before anything is touched, in the words of each provider."""

from __future__ import annotations

import copy
import typing as t

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.molecule.providers.support import HOSTS, INVENTORY, Providers
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import ROOT

STRANGER = "{{ lookup('file', lab_cache ~ '/providers/stranger.json') }}"
#: Of the right length, since the client decodes it; another in its first letter.
WRONG_KEY = "Aby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def changed(provider: str, **details: t.Any) -> dict[str, t.Any]:
    """The bucket of an environment, otherwise."""
    variables = yaml.safe_load((ROOT / INVENTORY / f"group_vars/{provider}.yml").read_text())
    found: dict[str, t.Any] = copy.deepcopy(variables["thanos_objstore_config"])
    found["config"].update(details)
    return {provider: {"thanos_objstore_config": found}}


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        pytest.param(changed("gcs", bucket="nobody"), "bucket doesn't exist", id="GCS bucket"),
        pytest.param(changed("gcs", service_account=STRANGER), "Invalid JWT Signature.", id="GCS key"),
        pytest.param(changed("azure", storage_account_key=WRONG_KEY), "AuthorizationFailure", id="Azure key"),
        pytest.param(changed("azure", container="No_Name"), "InvalidResourceName", id="Azure container"),
        pytest.param(changed("azure", http_config={}), "certificate signed by unknown authority", id="Azure CA"),
    ],
)
def test_a_bucket_that_refuses_stops_the_run(stack: Providers, groups: dict[str, t.Any], words: str) -> None:
    refused(stack, groups, words)


def test_a_ca_that_the_service_may_not_read_stops_the_run(stack: Providers) -> None:
    host, path = HOSTS["azure"], "/etc/ssl/for-root.pem"
    stack.sh(host, f"install -m 0600 /etc/ssl/lab-azure.pem {path}")
    groups = changed("azure", http_config={"tls_config": {"ca_file": path}})
    refused(stack, groups, f"open {path}: permission denied")


def refused(stack: Providers, groups: dict[str, t.Any], words: str) -> None:
    """Roll that out, which is refused with these words of the provider, and see that nothing was touched."""
    (host,) = (HOSTS[provider] for provider in groups)
    units = [f"thanos_{name}" for name in ("sidecar", "store", "query")]
    before = [stack.process(host, unit) for unit in units]
    kept = stack.files(host, "/etc/thanos_store")
    run = stack.roll(groups)
    assert run.rc != 0
    told = [line for line in run.output.splitlines() if line.startswith("T24")]
    assert told, run.output
    print(told[0])
    assert words in told[0]
    assert WRONG_KEY not in run.output
    assert "PRIVATE KEY" not in run.output
    assert [stack.process(host, unit) for unit in units] == before
    assert stack.files(host, "/etc/thanos_store") == kept
