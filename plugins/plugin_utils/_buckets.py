# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bucket of object storage, told by what is no secret of its configuration: two ways to one bucket are equal."""

from __future__ import annotations

import collections
import posixpath
import re
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError

KEYS = ("type", "config", "prefix")

# By provider, the key of its config that holds the bucket, and those that tell where it is.
# Source: thanos-io/objstore, README.md and providers/*; client/factory.go for the list of types.
_PROVIDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "S3": ("bucket", ("endpoint",)),
    "GCS": ("bucket", ()),
    "AZURE": ("container", ("storage_account", "endpoint")),
    "SWIFT": ("container_name", ("auth_url",)),
    "COS": ("bucket", ("endpoint",)),
    "ALIYUNOSS": ("bucket", ("endpoint",)),
    "OCI": ("bucket", ("region",)),
    "OBS": ("bucket", ("endpoint",)),
    "BOS": ("bucket", ("endpoint",)),
    "FILESYSTEM": ("directory", ()),
}
FOLDER = "FILESYSTEM"
# Where a provider's client finds a bucket by itself. Source: providers/azure/azure.go, DefaultConfig; cos/cos.go.
_ENDPOINTS = {"AZURE": "blob.core.windows.net", "COS": "{bucket}-{app_id}.cos.{region}.myqcloud.com"}
# A name is one bucket in all regions of AWS, of which each has endpoints of its own; China and GovCloud have names of
# theirs. Source: AWS, Amazon S3 User Guide, general purpose bucket naming rules; AWS General Reference, S3 endpoints.
_AWS = re.compile(r"s3(?!.*us-gov)(?:[.-][a-z0-9.-]+)?(\.amazonaws\.com(?:\.cn)?)")


class Bucket(t.NamedTuple):
    """Where blocks are kept. Holds no key of the configuration that could be a secret."""

    type: str
    name: str
    endpoint: str
    prefix: str

    @property
    def title(self) -> str:
        path = f"{self.name}/{self.prefix}" if self.prefix else self.name
        return f"bucket {self.type.lower()} {path}" + (f" at {self.endpoint}" if self.endpoint else "")


def bucket(config: t.Mapping[str, t.Any], where: str = "") -> Bucket:
    """The bucket of an object store's configuration.

    :param where: the inventory path for the error.
    :raises HAError: when the type is none of Thanos', or no bucket is named.
    """
    kind = str(config.get("type", "")).upper()
    if kind not in _PROVIDERS:
        raise HAError(
            f"the object store's type is {config.get('type')!r}, which Thanos has not.",
            where=where,
            do=f"write one of {', '.join(_PROVIDERS)}.",
        )
    key, places = _PROVIDERS[kind]
    details = config.get("config")
    name = details.get(key) if isinstance(details, t.Mapping) else None
    if not isinstance(details, t.Mapping) or not name or not isinstance(name, str):
        raise HAError(f"the object store of the type {kind} names no bucket.", where=where, do=f"set config.{key}.")
    if kind == FOLDER:
        name = posixpath.normpath(name)
    place = _place(kind, places, details)
    return Bucket(kind, name, place, str(config.get("prefix") or "").strip("/"))


def _place(kind: str, keys: t.Iterable[str], details: t.Mapping[str, t.Any]) -> str:
    """Where the bucket is, in one spelling of several."""
    given = collections.defaultdict(str, {key: str(value) for key, value in details.items() if value})
    given["endpoint"] = given["endpoint"] or _ENDPOINTS.get(kind, "").format_map(given)
    place = _bare(".".join(given[key] for key in keys if given[key]))
    return _AWS.sub(r"s3\1", place) if kind == "S3" and _AWS.fullmatch(place) else place


def _bare(endpoint: str) -> str:
    """Without what makes no other endpoint: scheme and its port, credentials, a final dot or slash, capitals."""
    host, slash, path = endpoint.rpartition("://")[2].rpartition("@")[2].rstrip("/").lower().partition("/")
    return re.sub(r"\.?(?::(?:80|443)|(:\d+))?$", r"\1", host) + slash + path
