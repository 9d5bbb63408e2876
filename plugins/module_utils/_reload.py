# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reload, and the proof that what runs is what is on disk.

A 200 is not enough: Prometheus' reload is not atomic (a bad rule file leaves new configuration beside old rules), and a
reload by somebody else may have come before the last file was in place.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import os
import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils import _metrics, _ready
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._api import KINDS, Api, fetch, fetch_data, refused
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._http import Http
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._wait import Clock, SystemClock, Verdict, wait

# How long (seconds) a reload that was answered with 200 may take to show; both components set all of it before.
PROOF_TIMEOUT = 5.0
# The time of the last reload is a float of seconds: near 1.8e9 it has steps of 2.4e-7 s.
_STEP = 1e-6
_LIFECYCLE = {
    "prometheus": "Start Prometheus with --web.enable-lifecycle (prometheus_extra_args), then run again.",
    "alertmanager": "Look at what stands in front of it: Alertmanager itself always allows a reload.",
    "thanos_rule": "Look at what stands in front of it: Thanos Rule itself always allows a reload.",
}


@dataclasses.dataclass(frozen=True)
class Loaded:
    """Whether the running process has loaded what is on disk; ``why`` not, or what proves it."""

    ok: bool
    why: str


@dataclasses.dataclass(frozen=True)
class ReloadResult:
    """A proved reload: the seconds it took, and the proof in words."""

    seconds: float
    proof: str


def config_hash(content: bytes, algorithm: str = "md5") -> int:
    """What Alertmanager shows as alertmanager_config_hash: the first 48 bits of MD5, little-endian.

    Source: alertmanager config/coordinator.go, md5HashAsMetricValue.
    """
    hashed: t.Callable[..., t.Any] = getattr(hashlib, algorithm)
    try:
        digest = hashed(content, usedforsecurity=False).digest()
    except TypeError:  # Python 3.8 does not know the word, which FIPS hosts need
        digest = hashed(content).digest()
    return int.from_bytes(digest[:6], "little")


def hashrings_hashes(content: bytes) -> tuple[int, ...]:
    """What Thanos may show as thanos_receive_config_hash: of MD5 (0.40.1), or of SHA-256 (0.42.4).

    Source: thanos pkg/receive/config.go, hashAsMetricValue, of both versions; its changelog does not name the change.
    """
    return tuple(config_hash(content, algorithm) for algorithm in ("md5", "sha256"))


def _config(api: Api) -> str:
    if not api.config_file:
        raise HAError(f"a reload of {api.kind} cannot be proved without its configuration file", do="Give config_file.")
    return api.config_file


def changed_at(api: Api) -> tuple[float, str]:
    """When the youngest of its files came to be as it is (Unix seconds), and its path.

    The time of the inode's change, not of the content's (mtime): a rename, a copy that keeps times or an unpacked
    archive puts other content in place without a new mtime.

    :raises HAError: when the configuration file cannot be looked at.
    """
    paths = {_config(api), *(path for pattern in api.files for path in glob.glob(pattern) or [pattern])}
    try:
        return max((os.stat(path).st_ctime, path) for path in paths if path == api.config_file or os.path.exists(path))
    except OSError as error:
        raise HAError("a file of its configuration cannot be read", where=_config(api), said=str(error)) from error


def _marker(api: Api, http: Http) -> str:
    """Why the marker rule does not prove the wanted generation; "" when it does."""
    if api.generation is None:
        return ""
    path = "/api/v1/rules?type=record&rule_name[]=ha_config_generation"
    groups = fetch_data(api, http, path).get("groups") or []
    rules = [rule for group in groups for rule in group["rules"] if rule.get("name") == "ha_config_generation"]
    running = sorted(rule.get("labels", {}).get("sha256", "") for rule in rules)
    if running == [api.generation]:
        return ""
    return f"its rules are of generation {', '.join(running) or 'none'}, wanted is {api.generation}"


def _hash(api: Api, metrics: str) -> str:
    """Why the hash does not prove the file's content; "" when it does."""
    try:
        with open(_config(api), "rb") as handle:
            wanted = config_hash(handle.read())
    except OSError as error:
        raise HAError("the configuration file cannot be read", where=_config(api), said=str(error)) from error
    running = _metrics.value(metrics, "alertmanager_config_hash")
    if running == wanted:
        return ""
    return f"its configuration has the hash {running or 0:.0f}, the file {api.config_file} has {wanted}"


def _started(api: Api, http: Http) -> Verdict:
    """Alertmanager reloads as soon as it answers, also while its gossip settles."""
    return Verdict(True) if api.kind == "alertmanager" else _ready.check(api, _ready.Expect(), http)


def await_start(api: Api, http: Http, clock: Clock | None = None) -> None:
    """Wait at most ``api.timeout`` seconds until a reload can be asked for. :raises HAError: when it never could."""
    started = wait(lambda: _started(api, http), timeout=api.timeout, clock=clock)
    if not started.done:
        raise _ready.not_ready(api.url, started)


def loaded(api: Api, http: Http) -> Loaded:
    """Whether the running process has loaded what is on disk; nothing is changed.

    :raises HAError: when it does not answer, or not as such a component does.
    """
    if api.kind not in KINDS:
        return Loaded(True, "it takes up its files by a restart")
    ready = _started(api, http)
    if not ready.done and not ready.hopeless:
        return Loaded(False, ready.waiting_for)
    metrics = fetch(api, http, "/metrics").text
    name = f"{api.kind}_config_last_reload"
    if _metrics.value(metrics, f"{name}_successful") != 1:
        return Loaded(False, "its last reload failed")
    moment = _metrics.value(metrics, f"{name}_success_timestamp_seconds") or 0.0
    changed, path = changed_at(api)
    why = _hash(api, metrics) if api.kind == "alertmanager" else _marker(api, http)
    if why:
        return Loaded(False, why)
    if moment + _STEP < changed:
        return Loaded(False, f"its last reload is {changed - moment:.3f} s older than {path}")
    proof = "the file's hash" if api.kind == "alertmanager" else "its generation" if api.generation else ""
    return Loaded(True, " and ".join(part for part in (proof, "the time of its last reload") if part))


def reload(api: Api, http: Http, clock: Clock | None = None) -> ReloadResult:
    """Reload and prove it, within ``api.timeout`` seconds.

    :raises HAError: not ready (nothing was asked of it), refused, or not proved.
    """
    clock = clock or SystemClock()
    start = clock.time()
    changed_at(api)  # nothing is asked of a process whose answer could not be judged
    # POST blocks until the start is complete, without a word: so be ready first.
    await_start(api, http, clock)
    url = api.at("/-/reload")
    left = max(api.timeout - (clock.time() - start), 1.0)
    response = http.request("POST", url, b"", timeout=left)
    if response.status == 403:
        raise HAError(f"{url} is forbidden", said=response.text, do=_LIFECYCLE[api.kind], forbidden=True)
    if response.status == 500:
        do = "Correct what it names; where it names nothing, its log does (journalctl -u with its unit)."
        raise HAError(f"{api.kind} refuses to reload", where=_config(api), said=response.text, do=do)
    if response.status != 200:
        raise refused(response, "POST", url)
    last = Loaded(False, "")

    def look() -> Verdict:
        nonlocal last
        last = loaded(api, http)
        return Verdict(last.ok, last.why)

    if not wait(look, timeout=PROOF_TIMEOUT, clock=clock).done:
        raise HAError(
            f"{api.kind} answered the reload with 200, but it does not run what is on disk: {last.why}",
            where=_config(api),
            do="Look whether it was started with this file and whether something else writes it or reloads it.",
        )
    return ReloadResult(clock.time() - start, last.why)
