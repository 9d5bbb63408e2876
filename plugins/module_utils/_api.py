# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a running component is asked: the slice's ``api``, options of ``reload``, ``ready`` and ``config``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import (
    HTTP_SPEC,
    Http,
    HttpClient,
    HttpOptions,
    HttpUnreachableError,
    Response,
)

KINDS = ["prometheus", "alertmanager", "thanos_rule"]
# What only says that it is ready: it takes up its files by a restart, or by itself when they change.
READY_KINDS = [*KINDS, "thanos", "haproxy"]
# What the gate looks at; of Thanos all components alike.
GATE_KINDS = ["prometheus", "alertmanager", "thanos"]

# What every question needs.
ENDPOINT_SPEC: dict[str, t.Any] = {
    "kind": {"type": "str", "required": True, "choices": KINDS},
    "url": {"type": "str", "required": True},
    "http": HTTP_SPEC,
}
# What a reload and its proof need beyond that.
API_SPEC: dict[str, t.Any] = {
    **ENDPOINT_SPEC,
    "prefix": {"type": "str", "default": ""},
    "generation": {"type": "str"},
    "config_file": {"type": "path", "required": True},
    "files": {"type": "list", "elements": "path", "default": []},
    "timeout": {"type": "float", "default": 60.0},
}


@dataclasses.dataclass(frozen=True)
class Api:
    """A component's web endpoint on this host, and the files that it has loaded.

    :param url: with the route prefix, where all lies below it.
    :param prefix: the path of the API alone: Thanos has it below its route prefix, and readiness and metrics at the
        root.
    :param generation: Prometheus: label ``sha256`` of the marker rule ``ha_config_generation``; None in agent mode.
    :param config_file: the configuration it was started with; only ``reload`` and ``loaded`` need it.
    :param files: further files that a reload reads (rules, templates); globs are expanded.
    :param timeout: seconds that getting ready plus a reload may take.
    """

    kind: str
    url: str
    prefix: str = ""
    http_options: HttpOptions = dataclasses.field(default_factory=HttpOptions)
    generation: str | None = None
    config_file: str | None = None
    files: tuple[str, ...] = ()
    timeout: float = 60.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Api:
        """From options of the shape API_SPEC, or ENDPOINT_SPEC for questions that need no files."""
        return cls(
            kind=params["kind"],
            url=params["url"].rstrip("/"),
            prefix=(params.get("prefix") or "").rstrip("/"),
            http_options=HttpOptions.from_params(params.get("http")),
            generation=params.get("generation") or None,
            config_file=params.get("config_file"),
            files=tuple(params.get("files") or ()),
            timeout=float(params.get("timeout") or 60.0),
        )

    def client(self) -> HttpClient:
        return HttpClient(self.http_options)

    def at(self, path: str) -> str:
        """The URL of a path; that of the API and of a reload lies below the prefix."""
        return self.url + (self.prefix if path.startswith(("/api/", "/-/reload")) else "") + path


# What to do about a status, where a general sentence can be given.
_REMEDIES = {
    401: "Give the credentials of its web endpoint (http.username, http.password).",
    403: "Look at what stands in front of it: the component itself forbids nothing but its lifecycle calls.",
    404: "Look at url: it must hold the route prefix (--web.route-prefix), and the right port.",
}


def refused(response: Response, method: str, url: str) -> HAError:
    """The error for an answer that is not 200."""
    return HAError(
        f"{method} {url}: status {response.status}",
        said=response.text[:2000],
        do=_REMEDIES.get(response.status, ""),
        status=response.status,
    )


def fetch(api: Api, http: Http, path: str) -> Response:
    """A successful GET. :raises HAError: for any other status, or no answer."""
    response = http.request("GET", api.at(path))
    if response.status != 200:
        raise refused(response, "GET", api.at(path))
    return response


def fetch_object(api: Api, http: Http, path: str) -> dict[str, t.Any]:
    """A successful GET of a JSON object. :raises HAError: for anything else."""
    found = fetch(api, http, path).json()
    if not isinstance(found, dict):
        do = "Look at url: something else seems to listen there."
        raise HAError(f"GET {api.at(path)} is not answered as {api.kind} does", said=repr(found)[:200], do=do)
    return found


def fetch_data(api: Api, http: Http, path: str) -> dict[str, t.Any]:
    """The ``data`` of Prometheus' API, when it is an object. :raises HAError: for anything else."""
    found = fetch_object(api, http, path)
    data = found.get("data")
    if not isinstance(data, dict):
        do = "Look at url: something else seems to listen there."
        raise HAError(f"GET {api.at(path)} is not answered as {api.kind} does", said=repr(found)[:200], do=do)
    return data


def answers(api: Api, http: Http) -> bool:
    """Whether something listens there at all.

    :raises HttpUnreachableError: when there is no answer for another reason than a refused connection: a process
        that hangs, or speaks TLS where none is expected, is running.
    """
    try:
        http.request("GET", api.at("/-/healthy"))
    except HttpUnreachableError as error:
        cause = error.__cause__
        if isinstance(getattr(cause, "reason", cause), ConnectionRefusedError):
            return False
        raise
    return True
