# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which configurations are one bucket; no secret of them is kept."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._buckets import Bucket, bucket

S3 = {"bucket": "blocks", "endpoint": "s3.example:9000", "access_key": "AK", "secret_key": "hush"}


@pytest.mark.parametrize(
    "config, expected, title",
    [
        pytest.param(
            {"type": "s3", "config": {**S3, "endpoint": "https://user:hush@S3.example:9000/"}, "prefix": "/eu/"},
            Bucket("S3", "blocks", "s3.example:9000", "eu"),
            "bucket s3 blocks/eu at s3.example:9000",
            id="s3",
        ),
        pytest.param(
            {"type": "GCS", "config": {"bucket": "b", "service_account": "hush"}},
            Bucket("GCS", "b", "", ""),
            "bucket gcs b",
            id="gcs",
        ),
        pytest.param(
            {"type": "AZURE", "config": {"container": "c", "storage_account": "acc", "storage_account_key": "hush"}},
            Bucket("AZURE", "c", "acc.blob.core.windows.net", ""),
            "bucket azure c at acc.blob.core.windows.net",
            id="azure",
        ),
        pytest.param(
            {"type": "SWIFT", "config": {"container_name": "c", "auth_url": "http://k/v3", "password": "hush"}},
            Bucket("SWIFT", "c", "k/v3", ""),
            "bucket swift c at k/v3",
            id="swift",
        ),
        pytest.param(
            {"type": "FILESYSTEM", "config": {"directory": "/srv/b"}},
            Bucket("FILESYSTEM", "/srv/b", "", ""),
            "bucket filesystem /srv/b",
            id="folder",
        ),
    ],
)
def test_what_tells_a_bucket(config: dict[str, t.Any], expected: Bucket, title: str) -> None:
    found = bucket(config)
    assert (found, found.title) == (expected, title)
    assert "hush" not in repr(found)


COS = {"bucket": "b", "app_id": "1", "region": "ap-x", "secret_key": "hush"}
AZURE = {"container": "c", "storage_account": "acc"}


@pytest.mark.parametrize(
    "kind, one, other",
    [
        pytest.param("S3", {"endpoint": "s3.example"}, {"endpoint": "S3.Example:443"}, id="the port of https"),
        pytest.param("S3", {"endpoint": "s3.example"}, {"endpoint": "s3.example:80", "insecure": True}, id="of http"),
        pytest.param("S3", {"endpoint": "s3.example"}, {"endpoint": "s3.example.:443/"}, id="a dot, a port, a slash"),
        pytest.param("S3", {"endpoint": "s3.example:9000"}, {"endpoint": "s3.example.:9000"}, id="a dot before a port"),
        pytest.param("S3", {"endpoint": "[fd00::1]"}, {"endpoint": "[FD00::1]:443"}, id="IPv6"),
        pytest.param("S3", {"endpoint": "s3:9"}, {"endpoint": "s3:9", "region": "eu-1"}, id="region"),
        pytest.param(
            "S3",
            {"endpoint": "s3.amazonaws.com"},
            {"endpoint": "s3.eu-west-1.amazonaws.com", "region": "eu-west-1"},
            id="a region of AWS",
        ),
        pytest.param(
            "S3",
            {"endpoint": "s3-eu-west-1.amazonaws.com"},
            {"endpoint": "s3.dualstack.eu-west-1.amazonaws.com:443"},
            id="more of AWS",
        ),
        pytest.param("AZURE", AZURE, {**AZURE, "endpoint": "blob.core.windows.net"}, id="Azure's endpoint"),
        pytest.param(
            "SWIFT", {"auth_url": "https://k/v3"}, {"auth_url": "https://K:443/v3/"}, id="a port before a path"
        ),
        pytest.param("COS", COS, {"endpoint": "https://b-1.cos.ap-x.myqcloud.com", "bucket": "b"}, id="COS' endpoint"),
        pytest.param("FILESYSTEM", {"directory": "/srv/b"}, {"directory": "/srv//b/"}, id="a folder"),
    ],
)
def test_other_spellings_of_one_bucket(kind: str, one: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    name = {"bucket": "blocks"} if kind == "S3" else {"container_name": "c"} if kind == "SWIFT" else {}
    first, second = (bucket({"type": kind, "config": {**name, **config}}) for config in (one, other))
    assert first == second


@pytest.mark.parametrize(
    "one, other",
    [
        ("s3.example:8443", "s3.example"),
        ("s3.example:1443", "s3.example:1"),
        ("s3.us-gov-west-1.amazonaws.com", "s3.amazonaws.com"),
        ("s3.cn-north-1.amazonaws.com.cn", "s3.amazonaws.com"),
        ("mys3.eu-west-1.amazonaws.com", "s3.amazonaws.com"),
        ("s3.eu-west-1.amazonaws.com.example", "s3.amazonaws.com"),
    ],
)
def test_other_endpoints(one: str, other: str) -> None:
    first, second = (bucket({"type": "S3", "config": {"bucket": "b", "endpoint": each}}) for each in (one, other))
    assert first != second


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"prefix": "other"}, id="prefix"),
        pytest.param({"config": {**S3, "endpoint": "elsewhere:9000"}}, id="endpoint"),
        pytest.param({"config": {**S3, "bucket": "others"}}, id="name"),
        pytest.param({"type": "OBS"}, id="provider"),
    ],
)
def test_other_buckets(change: dict[str, t.Any]) -> None:
    assert bucket({"type": "S3", "config": S3, **change}) != bucket({"type": "S3", "config": S3})


def test_other_keys_are_no_other_bucket() -> None:
    assert bucket({"type": "S3", "config": {**S3, "access_key": "mine"}}) == bucket({"type": "S3", "config": S3})


@pytest.mark.parametrize(
    "config, words",
    [
        pytest.param({}, "type is None", id="nothing"),
        pytest.param({"type": "MINIO", "config": S3}, "type is 'MINIO'", id="no provider"),
        pytest.param({"type": "S3"}, "names no bucket", id="no config"),
        pytest.param({"type": "S3", "config": "bucket: blocks"}, "names no bucket", id="a config as text"),
        pytest.param({"type": "S3", "config": {"secret_key": "hush"}}, "names no bucket", id="no name"),
        pytest.param({"type": "AZURE", "config": {"bucket": "blocks"}}, "names no bucket", id="the key of another"),
    ],
)
def test_none(config: dict[str, t.Any], words: str) -> None:
    with pytest.raises(HAError) as caught:
        bucket(config, "host a, variable thanos_objstore_config")
    assert words in caught.value.what
    assert caught.value.where == "host a, variable thanos_objstore_config"
    assert "hush" not in str(caught.value)
