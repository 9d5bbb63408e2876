# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloads: into a file of another name first, resumed after a broken transfer, through the environment's proxies."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import io
import os
import re
import socket
import ssl
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock

CHUNK = 256 * 1024  # bytes a read
TEXT_LIMIT = 4 * 1024 * 1024  # bytes; a checksum file is some kB, a login page of a broken mirror must not fill memory
RETRIED = frozenset({408, 429, 500, 502, 503, 504})  # RFC 9110: these may pass; every other status is an answer


class NotThereError(HAError):
    """The server answered that there is no such file (404, 410)."""


class _BrokenError(Exception):
    """One attempt failed in a way that may pass."""


class Progress(t.Protocol):
    def __call__(self, done: int, total: int | None) -> None: ...


def public(url: str) -> str:
    """The URL without user and password, as it may be shown."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def secrets(url: str) -> list[str]:
    """What of the URL must be masked in a result."""
    password = urllib.parse.urlsplit(url).password
    return [password, urllib.parse.unquote(password)] if password else []


def _request(url: str) -> urllib.request.Request:
    request = urllib.request.Request(public(url), headers={"User-Agent": "baremetal.prometheus_ha"})
    parts = urllib.parse.urlsplit(url)
    if parts.username is not None:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        # unredirected: a mirror that sends us elsewhere must not hand our password on
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    return request


@dataclasses.dataclass
class _Transfer:
    """One file on its way: the sink and what the server said about it."""

    url: str
    sink: t.BinaryIO
    limit: int | None = None
    have: int = 0
    total: int | None = None
    validator: str | None = None

    def request(self) -> urllib.request.Request:
        request = _request(self.url)
        if self.have:
            request.add_header("Range", f"bytes={self.have}-")
            if self.validator:
                request.add_header("If-Range", self.validator)
        return request

    def restart(self) -> None:
        self.sink.seek(0)
        self.sink.truncate()
        self.have = 0

    def begin(self, status: int, headers: t.Mapping[str, str]) -> None:
        """Continue where the answer continues, else start afresh."""
        span = re.match(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        if status == 206:
            if not span or (int(span.group(1)), int(span.group(2))) != (self.have, self.total):
                self.restart()
                raise _BrokenError(
                    f"the server continued with {headers.get('Content-Range')!r}, which was not asked for"
                )
            return
        self.restart()
        length = headers.get("Content-Length")
        self.total = int(length) if length and length.isdigit() else None
        etag = headers.get("ETag", "")
        # RFC 9110 13.1.5: only a strong validator may stand in If-Range
        self.validator = etag if etag.startswith('"') else headers.get("Last-Modified")

    def add(self, chunk: bytes) -> None:
        self.sink.write(chunk)
        self.have += len(chunk)
        if self.limit is not None and self.have > self.limit:
            raise HAError(f"{public(self.url)} is longer than {self.limit} bytes: that is not the file it should be")


class Downloader:
    """Gets files over HTTP(S); pauses double from ``pause`` seconds on, ``timeout`` is that of one read."""

    def __init__(
        self, *, clock: Clock | None = None, attempts: int = 4, pause: float = 1.0, timeout: float = 20.0
    ) -> None:
        self.clock = clock or SystemClock()
        self.attempts = attempts
        self.pause = pause
        self.timeout = timeout
        # explicitly the environment's: the default handler asks macOS' system settings, which kills forked workers
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler(urllib.request.getproxies_environment()))

    def text(self, url: str) -> str:
        """A small text file. :raises NotThereError, HAError: as :meth:`to_file`."""
        sink = io.BytesIO()
        self._run(_Transfer(url, sink, limit=TEXT_LIMIT), None)
        return sink.getvalue().decode("utf-8", "replace")

    def to_file(self, url: str, path: str, progress: Progress | None = None) -> int:
        """Download to ``path``, which appears when it is whole; returns its size in bytes.

        :raises NotThereError: there is no such file on the server.
        :raises HAError: refused, unreachable or cut off again and again; ``path`` is then as it was.
        """
        part = f"{path}.part"
        try:
            with open(part, "w+b") as sink:
                transfer = _Transfer(url, sink)
                self._run(transfer, progress)
            os.replace(part, path)
        finally:
            if os.path.lexists(part):
                os.unlink(part)
        return transfer.have

    def _run(self, transfer: _Transfer, progress: Progress | None) -> None:
        """Attempts until whole; only attempts in a row that brought nothing new are counted."""
        best, fruitless = 0, 0
        while True:
            broken = self._attempt(transfer, progress)
            if broken is None:
                return
            fruitless = 1 if transfer.have > best else fruitless + 1
            best = max(best, transfer.have)
            if fruitless >= self.attempts:
                raise self._given_up(transfer, str(broken)) from broken
            self.clock.sleep(min(self.pause * 2 ** (fruitless - 1), 30.0))

    def _attempt(self, transfer: _Transfer, progress: Progress | None) -> _BrokenError | None:
        try:
            self._once(transfer, progress)
        except _BrokenError as error:
            return error
        return None

    def _once(self, transfer: _Transfer, progress: Progress | None) -> None:
        try:
            with self._opener.open(transfer.request(), timeout=self.timeout) as answer:
                transfer.begin(answer.status, answer.headers)
                self._pour(answer, transfer, progress)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(transfer, error)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise HAError(
                    f"{public(transfer.url)}: the server's certificate is not trusted",
                    said=str(error.reason),
                    do="add the mirror's CA to the system's trust store (or name it in SSL_CERT_FILE).",
                ) from error
            raise _BrokenError(str(error.reason) or type(error.reason).__name__) from error
        except (http.client.HTTPException, ConnectionError, socket.timeout, ssl.SSLError) as error:
            raise _BrokenError(str(error) or type(error).__name__) from error

    @staticmethod
    def _pour(answer: t.Any, transfer: _Transfer, progress: Progress | None) -> None:
        while True:
            try:
                chunk = answer.read1(CHUNK)  # what has come: read() would lose it at a time-out
            except http.client.IncompleteRead as error:
                transfer.add(error.partial)
                raise _BrokenError(f"cut off after {transfer.have} bytes") from error
            except OSError as error:
                raise _BrokenError(f"cut off after {transfer.have} bytes: {error}") from error
            if not chunk:
                break
            transfer.add(chunk)
            if progress:
                progress(transfer.have, transfer.total)
        if transfer.total is not None and transfer.have != transfer.total:
            raise _BrokenError(f"cut off: {transfer.have} of {transfer.total} bytes came")

    @staticmethod
    def _refused(transfer: _Transfer, error: urllib.error.HTTPError) -> None:
        said = f"{error.code} {error.reason}"
        if error.code == 416:  # the file changed and is now shorter than what we have of it
            transfer.restart()
            raise _BrokenError(said) from error
        if error.code in RETRIED:
            raise _BrokenError(said) from error
        url = public(transfer.url)
        if error.code in (404, 410):
            raise NotThereError(f"there is no {url}", said=said) from error
        do = "put the mirror's user and password into its URL (vaulted)." if error.code in (401, 403) else ""
        raise HAError(f"the server refuses {url}", said=said, do=do) from error

    def _given_up(self, transfer: _Transfer, said: str) -> HAError:
        url = public(transfer.url)
        proxy = urllib.request.getproxies_environment().get(urllib.parse.urlsplit(url).scheme)
        # http_proxy may lack a scheme; without one, the password would be taken for a part of the path and shown
        via = f" through the proxy {public(proxy if '//' in proxy else f'http://{proxy}')}" if proxy else ""
        return HAError(
            f"{url} could not be fetched{via}: {self.attempts} attempts in a row failed",
            said=said,
            do="check that this machine reaches the server (proxy variables: http_proxy, https_proxy, no_proxy), "
            "or set the source to a mirror or a folder.",
            option="source",
        )
