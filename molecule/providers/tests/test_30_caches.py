# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frontends' caches: a query that is asked twice is a hit, and a cache that is gone makes no query fail."""

from __future__ import annotations

import time
from functools import partial

import pytest
from ansible_collections.baremetal.prometheus_ha.molecule.providers.support import (
    FRONTEND,
    QUERY,
    SAMPLES,
    Past,
    Providers,
)
from ansible_collections.baremetal.prometheus_ha.molecule.shared.stack import wait_for

#: By frontend, the environment that it stands before, and how its metrics call its cache.
CACHES = {"gcs-1": ("gcs", "memcache"), "gcs-2": ("gcs", "redis"), "azure-1": ("azure", "fifocache")}
#: Where caches outside of the frontends run, and by frontend its unit.
SERVER = "gcs-3"
UNITS = {"gcs-1": "memcached", "gcs-2": "redis-server"}
PASSWORD = "lab-redis-password"
#: Days of the past, by which a range query is split.
PARTS = 2


@pytest.fixture(scope="module", autouse=True)
def _served(stack: Providers, pasts: dict[str, Past]) -> None:
    for past in pasts.values():
        wait_for(partial(stack.whole_past, past, host=past.host), 90, "all of the past")


def unasked() -> str:
    """A query that nobody asked before."""
    return f"past_total + {time.time_ns() % 10**9}"


def served(stack: Providers, frontend: str) -> int:
    """How many reads a cache outside answered, as it counts them itself."""
    if frontend == "gcs-1":
        ask = f"exec 3<>/dev/tcp/{stack.addresses[SERVER]}/11211; printf 'stats\\r\\nquit\\r\\n' >&3; cat <&3"
        return int(stack.sh(SERVER, f"({ask}) | tr -d '\\r' | sed -n 's/^STAT get_hits //p'"))
    ask = f"REDISCLI_AUTH={PASSWORD} redis-cli -h {stack.addresses[SERVER]} info stats"
    return int(stack.sh(SERVER, f"{ask} | tr -d '\\r' | sed -n 's/^keyspace_hits://p'"))


@pytest.mark.parametrize("frontend", CACHES)
def test_a_query_that_is_asked_twice_is_a_hit(stack: Providers, pasts: dict[str, Past], frontend: str) -> None:
    provider, name = CACHES[frontend]
    past, query = pasts[provider], unasked()

    def hits() -> float:
        labels = {"name": name, "tripperware": "query_range"}
        return stack.metric(frontend, FRONTEND, "cortex_cache_hits_total", labels)

    outside = served(stack, frontend) if frontend in UNITS else 0
    before = hits()
    first = stack.range(past, query, host=frontend, port=FRONTEND)
    assert hits() == before

    def again() -> bool:
        """The frontend writes to a cache in the background."""
        assert stack.range(past, query, host=frontend, port=FRONTEND) == first
        return hits() >= before + PARTS

    wait_for(again, 20, "hits")
    assert len(first[0]["values"]) == SAMPLES
    assert stack.range(past, query, host=past.host, port=QUERY) == first
    if frontend in UNITS:
        assert served(stack, frontend) >= outside + PARTS


@pytest.mark.parametrize("frontend", UNITS)
def test_without_its_cache_a_frontend_answers(stack: Providers, past: Past, frontend: str) -> None:
    query, before = unasked(), stack.process(frontend, "thanos_query_frontend")
    whole = stack.range(past, query, host=past.host, port=QUERY)
    assert stack.range(past, query, host=frontend, port=FRONTEND) == whole
    stack.sh(SERVER, f"systemctl kill -s KILL {UNITS[frontend]}; systemctl stop {UNITS[frontend]}")
    try:
        begun = time.monotonic()
        for expression in (query, query, unasked()):
            found = stack.range(past, expression, host=frontend, port=FRONTEND)
            assert len(found[0]["values"]) == SAMPLES
            assert expression != query or found == whole
        print(f"{UNITS[frontend]} gone: {(time.monotonic() - begun) / 3:.1f} s a query", end=" ")
    finally:
        stack.sh(SERVER, f"systemctl start {UNITS[frontend]}")
    assert stack.process(frontend, "thanos_query_frontend") == before


def test_a_frontend_with_redis_waits_for_it_at_its_start(stack: Providers, past: Past) -> None:
    """As docs/thanos.md says: it does not start without, and does by itself once Redis is back."""
    stack.sh(SERVER, "systemctl stop redis-server")
    try:
        stack.sh("gcs-2", "systemctl restart thanos_query_frontend || true")
        time.sleep(5)
        assert not stack.answers("gcs-2", FRONTEND, "-/ready")
    finally:
        stack.sh(SERVER, "systemctl start redis-server")
    wait_for(lambda: stack.answers("gcs-2", FRONTEND, "-/ready"), 60, "the frontend is ready")
    assert stack.value(past, host="gcs-2", port=FRONTEND) == SAMPLES


def test_the_password_is_for_the_service_alone(stack: Providers) -> None:
    path = "/etc/thanos_query_frontend/cache.yml"
    assert stack.sh("gcs-2", f"stat -c '%a %U %G' {path}") == "640 root thanos"
    assert PASSWORD in stack.sh("gcs-2", f"cat {path}")
    shown = stack.sh("gcs-2", "ps axww -o args; systemctl cat 'thanos_*'; systemctl show 'thanos_*'")
    assert "--query-range.response-cache-config-file" in shown
    assert PASSWORD not in shown


def test_a_new_password_is_shown_nowhere(stack: Providers) -> None:
    """In check mode with the diff: the one frontend would change, and neither the former nor the new one is told."""
    run = stack.site("--check", "--diff", "-e", "lab_redis_password=another-redis-password").succeeded()
    assert run.changed == {host: int(host == "gcs-2") for host in stack.addresses}
    assert PASSWORD not in run.output
    assert "another-redis-password" not in run.output
