# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules thanos_bucket and objstore_info run for real, and their documentation fits their options."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _lease
from ansible_collections.baremetal.prometheus_ha.plugins.modules import objstore_info, thanos_bucket
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_bucket, support_config
from ansible_collections.baremetal.prometheus_ha.tests.unit.support_bucket import HOUR, Store


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("store")
    with support_bucket.minio(folder) as where:
        yield where, folder / "data"


@pytest.fixture(params=support_bucket.VERSIONS)
def store(request: pytest.FixtureRequest, endpoint: tuple[str, Path], tmp_path: Path) -> Store:
    return Store(endpoint[0], endpoint[1], request.param, tmp_path)


def objstore(store: Store, **config: t.Any) -> dict[str, t.Any]:
    given = {"executable": store.executable, "config": store.config("main", **config)}
    return support_config.run_module("objstore_info", given)


@pytest.mark.parametrize("writes", [True, False])
def test_a_bucket_that_takes_everything(store: Store, writes: bool) -> None:
    given = {"executable": store.executable, "config": store.config("main"), "writes": writes}
    found = support_config.run_module("objstore_info", given)
    assert (found["refused"], found["said"], found["changed"]) == ("", "", False)
    assert [path for path in (store.data / "main").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"secret_key": "wrong-secret-key"}, "signature"),
        ({"bucket": "nobody"}, "bucket does not exist"),
        ({"insecure": False}, "HTTP"),
    ],
)
def test_a_refusal_is_told_in_the_providers_words(store: Store, config: dict[str, t.Any], words: str) -> None:
    found = objstore(store, **config)
    assert found["refused"] == "list"
    assert words in found["said"]
    assert "wrong-secret-key" not in str(found)


def test_without_thanos_there_is_nothing_to_say() -> None:
    found = support_config.run_module("objstore_info", {"executable": "/nowhere/thanos", "config": {"type": "S3"}})
    assert found["failed"] and "there is no Thanos that could try the bucket" in found["msg"]


def bucket(tool: str, store: Store, *, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    given = {"tool": tool, "executable": store.executable, "config_file": store.file("main"), **more}
    return support_config.run_module("thanos_bucket", given, check=check)


def test_a_copy_and_a_retention(store: Store) -> None:
    (block,) = store.upload(time.time() // (2 * HOUR) * 2 * HOUR - 100 * HOUR, 2)
    to: dict[str, t.Any] = {"to": store.config(f"copy-{store.executable.rsplit('/', 2)[1].replace('.', '-')}")}
    assert block in bucket("replicate", store, check=True, **to)["copied"]
    copied = bucket("replicate", store, **to)
    assert block in copied["copied"] and copied["changed"]
    assert not bucket("replicate", store, **to)["changed"]
    late = bucket("replicate", store, rpo="1h", **to)
    assert late["failed"] and "the copy would lose more than 1 h" in late["msg"] and late["streams"]

    kept: dict[str, t.Any] = {"retention_raw": "50h", "consistency_delay": "0s"}
    lease = {"run": "me", "who": "me", "seconds": 60.0}
    foretold = bucket("retention", store, check=True, lease=lease, **kept)
    done = bucket("retention", store, lease=lease, **kept)
    assert [one["id"] for one in foretold["marked"]] == [one["id"] for one in done["marked"]] == [block]
    assert _lease.holder("another") is None
    assert bucket("cleanup", store, delete_delay="0s", consistency_delay="0s", lease=lease)["deleted"] == [block]
    assert not any(support_bucket.PASSWORD in str(each) for each in (copied, late, foretold, done))


def test_another_run_is_not_disturbed(store: Store) -> None:
    other = {"run": "other", "who": "somebody else", "seconds": 60.0}
    params = {name: spec.get("default", "") for name, spec in _lease.LEASE_SPEC.items()}
    _lease.hold({**params, **other})
    try:
        found = bucket("cleanup", store, lease={"run": "me", "who": "me"})
        assert found["failed"] and "somebody else" in found["msg"]
        assert "failed" not in bucket("cleanup", store, check=True, lease={"run": "me", "who": "me"})
    finally:
        _lease.release({"run": "other"})


def _options(spec: t.Mapping[str, t.Any], inner: str) -> dict[str, t.Any]:
    """An argument spec or documented options as comparable data."""
    return {
        name: (
            option.get("type", "str"),
            option.get("required", False),
            option.get("default"),
            tuple(option.get("choices", ())),
            _options(option.get(inner, {}), inner),
        )
        for name, option in spec.items()
    }


@pytest.mark.parametrize("module", [thanos_bucket, objstore_info])
def test_what_is_documented_is_what_there_is(module: t.Any) -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    spec = {name: option for name, option in module.ARGUMENTS.items() if name != "lease"}
    assert _options(documented, "suboptions") == _options(spec, "options")
