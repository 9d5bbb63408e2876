# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's one HTTP client: scheme, CA, client certificate and credentials come from the plan."""

from __future__ import annotations

import base64
import dataclasses
import functools
import http.client
import json
import ssl
import typing as t
import urllib.error
import urllib.request

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError


@dataclasses.dataclass(frozen=True)
class HttpOptions:
    """How an endpoint is spoken to. Paths are of files on the host where the call is made; timeout in seconds."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = None
    server_name: str | None = None
    timeout: float = 10.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any] | None) -> HttpOptions:
        """From a module's ``http`` option (see HTTP_SPEC)."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in (params or {}).items() if key in known and value is not None})


HTTP_SPEC: dict[str, t.Any] = {
    "type": "dict",
    "options": {
        "ca_file": {"type": "path"},
        "cert_file": {"type": "path"},
        "key_file": {"type": "path", "no_log": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "server_name": {"type": "str"},
        "timeout": {"type": "float", "default": 10.0},
    },
}


@dataclasses.dataclass(frozen=True)
class Response:
    """An answer, whatever its status; headers have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip()

    def json(self) -> t.Any:
        """The decoded body. :raises HAError: when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise HAError(f"the answer is not JSON: {self.text[:200]!r}", said=str(error)) from error


class HttpUnreachableError(HAError):
    """No HTTP answer at all: refused, timed out, TLS failed. ``refused``: nobody listens there."""

    refused = False


class Http(t.Protocol):
    """What backends take; tests hand in a table of replies."""

    def request(self, method: str, url: str, body: bytes | None = None, timeout: float | None = None) -> Response: ...


class _NamedConnection(http.client.HTTPSConnection):
    """Connects to the URL's host and wants another name in its certificate: a peer known by its address."""

    def __init__(self, *args: t.Any, server_name: str, context: ssl.SSLContext, **kwargs: t.Any) -> None:
        super().__init__(*args, context=context, **kwargs)
        self._server_name = server_name
        self._own_context = context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._own_context.wrap_socket(self.sock, server_hostname=self._server_name)


class _NamedHandler(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        super().__init__(context=context)
        self._connection = functools.partial(_NamedConnection, server_name=server_name, context=context)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class HttpClient:
    """The real client. Never through a proxy: it speaks to the host's own services and their peers."""

    def __init__(self, options: HttpOptions | None = None) -> None:
        self.options = options or HttpOptions()

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.options.ca_file)
        if self.options.cert_file:
            context.load_cert_chain(self.options.cert_file, self.options.key_file)
        return context

    def request(self, method: str, url: str, body: bytes | None = None, timeout: float | None = None) -> Response:
        """One call; redirects are followed. :raises HttpUnreachableError: when there is no HTTP answer."""
        request = urllib.request.Request(url, data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.options.username is not None:
            pair = f"{self.options.username}:{self.options.password or ''}".encode()
            request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
        try:
            handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
            if url.startswith("https:"):
                name = self.options.server_name
                context = self._context()
                handlers.append(_NamedHandler(context, name) if name else urllib.request.HTTPSHandler(context=context))
            opener = urllib.request.build_opener(*handlers)
            with opener.open(request, timeout=timeout or self.options.timeout) as answer:
                return Response(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            said = str(reason) or type(reason).__name__
            unreachable = HttpUnreachableError(f"{method} {url}: no answer", said=said)
            unreachable.refused = isinstance(reason, ConnectionRefusedError)
            raise unreachable from error

    def get(self, url: str) -> Response:
        return self.request("GET", url)
