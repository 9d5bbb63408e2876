"""Bring labs up and take them down; `up` on a healthy lab changes nothing."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lab import cache, containers, engine, golang, image, log, plan, providers, releases, services, sshkey
from lab.errors import LabError
from lab.run import run

UNITS = ("prometheus", "alertmanager", "node_exporter")
PORTS = {"prometheus": 9090, "alertmanager": 9093, "node_exporter": 9100}
PROVIDERS_PORTS = (providers.GCS_PORT, providers.AZURE_PORT, providers.TOKEN_PORT)
BOOT_TIMEOUT = 120.0


def _state_folder(name: str) -> Path:
    plan.check_name("lab name", name)
    return cache.folder(f"labs/{name}")


def known_plan(name: str) -> plan.LabPlan | None:
    """The plan by which a lab was brought up, or None when it was not."""
    state = cache.read_json(_state_folder(name) / "lab.json")
    if not isinstance(state, dict):
        return None
    return plan.make_plan(name, state["hosts"], state["subnet"])


def require_plan(name: str) -> plan.LabPlan:
    """The plan of a lab that must be there."""
    found = known_plan(name)
    if found is None:
        raise LabError(f"there is no lab {name!r}: `python3 -m lab up --name {name}`")
    return found


def _default_topology(name: str) -> str:
    return name if name in plan.TOPOLOGIES else "pair4"


def wanted_plan(name: str, hosts: Sequence[str] | None, subnet: str | None, fresh: bool) -> plan.LabPlan:
    """What `up` shall make, given what is there."""
    before = None if fresh else known_plan(name)
    if before is None:
        return plan.make_plan(name, hosts or plan.topology(_default_topology(name)), subnet)
    if subnet and subnet != before.subnet:
        raise LabError(f"lab {name} runs in {before.subnet}: use --fresh to move it to {subnet}")
    merged = plan.merge_hosts([host.name for host in before.hosts], hosts)
    return plan.make_plan(name, merged, before.subnet)


def _spec(argv: Sequence[str]) -> str:
    """A hash of how a container is run: a container of another spec is made anew."""
    return hashlib.sha256("\0".join(argv).encode()).hexdigest()[:16]


def _host_argv(lab: plan.LabPlan, host: plan.Host, reference: str) -> list[str]:
    return [
        *("--name", host.container),
        *("--hostname", host.name),
        *("--network", lab.network),
        *("--network-alias", host.name),
        *("--ip", host.address),
        *("--label", f"{containers.LABEL}={lab.name}"),
        *containers.SYSTEMD_OPTIONS,
        reference,
        *image.COMMAND,
    ]


def _services_argv(
    lab: plan.LabPlan, reference: str, minio: Path | None, others: providers.Providers | None
) -> list[str]:
    # A copy under its hash: an edit in the checkout makes a new container
    # instead of changing a file under a running one.
    code = Path(services.__file__).read_bytes()
    script = cache.folder("services") / f"services-{hashlib.sha256(code).hexdigest()[:12]}.py"
    if not script.is_file() or script.read_bytes() != code:
        cache.write_atomic(script, code)
    return [
        *("--name", lab.services_container),
        *("--hostname", plan.SERVICES),
        *("--network", lab.network),
        *("--network-alias", plan.SERVICES),
        *("--ip", lab.services_address),
        *("--label", f"{containers.LABEL}={lab.name}"),
        *("--stop-signal", "SIGTERM"),
        *("--volume", f"{script}:/lab/services.py:ro"),
        *("--volume", f"{releases.tree()}:/mirror:ro"),
        *(("--volume", f"{minio}:/lab/minio:ro") if minio else ()),
        *(others.options if others else ()),
        reference,
        *("python3", "/lab/services.py", "--dir", "/mirror"),
        *(("--minio", "/lab/minio") if minio else ()),
        *(("--providers", *map(str, PROVIDERS_PORTS)) if others else ()),
    ]


def _run_container(argv: list[str]) -> None:
    run(["docker", "run", "--detach", "--label", f"{containers.SPEC_LABEL}={_spec(argv)}", *argv])


def _ensure_network(lab: plan.LabPlan) -> None:
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    found = run(["docker", "network", "inspect", "--format", form, lab.network], check=False)
    if found.returncode == 0 and found.stdout.strip() == lab.subnet:
        return
    if found.returncode == 0:
        run(["docker", "network", "rm", lab.network])
    options = [
        "--driver=bridge",
        f"--subnet={lab.subnet}",
        f"--gateway={lab.gateway}",
        f"--label={containers.LABEL}={lab.name}",
        f"--opt=com.docker.network.bridge.name={lab.bridge}",
    ]
    run(["docker", "network", "create", *options, lab.network])


def _answers(url: str) -> bool:
    # No proxy: the bridge's addresses are local whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=3) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _listens(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=3):
        return True
    return False


def _wait(what: str, ready: Callable[[], bool], timeout: float = BOOT_TIMEOUT) -> None:
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not ready within {timeout:.0f} s")
        time.sleep(0.2)


def _ssh_ready(host: plan.Host) -> bool:
    argv = ["ssh", *sshkey.options(), "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"]
    done = run([*argv, f"ops@{host.address}", "sudo", "-n", "true"], check=False, timeout=20)
    return done.returncode == 0


def _wait_host(host: plan.Host) -> None:
    state = ""

    def booted() -> bool:
        nonlocal state
        _rc, state = containers.execute(host.container, "systemctl", "is-system-running")
        return state in ("running", "degraded")

    _wait(f"{host.name}: systemd", booted)
    if state == "degraded":
        failed = ("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        _rc, units = containers.execute(host.container, *failed)
        names = [line.split()[0] for line in units.splitlines() if line.split()]
        log.say(f"up: {host.name} is degraded, failed units: {', '.join(names)}")
    _wait(f"{host.name}: ssh as ops", partial(_ssh_ready, host), 30)
    _wait(f"{host.name}: node_exporter", partial(_answers, f"http://{host.address}:9100/"), 30)


def _ensure_container(name: str, argv: list[str], found: dict[str, containers.Container]) -> str:
    there = found.get(name)
    if there and there.spec == _spec(argv):
        if there.running:
            return "kept"
        run(["docker", "start", name])
        return "started again"
    if there:
        containers.remove([name])
    _run_container(argv)
    return "created"


def _keep_planned(lab: plan.LabPlan, fresh: bool) -> dict[str, containers.Container]:
    found = containers.of_lab(lab.name)
    planned = {host.container for host in lab.hosts} | {lab.services_container}
    gone = [name for name in found if fresh or name not in planned]
    containers.remove(gone)
    return {name: entry for name, entry in found.items() if name not in gone}


INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
# systemd takes about five a host, all of them as this machine's root; the kernel's default of 128 ends at 25 hosts.
INSTANCES_WANTED = 1024


def _raise_inotify_limit(path: Path = INSTANCES) -> None:
    """Let many hosts run beside one another; a machine that forbids it runs fewer."""
    if int(path.read_text()) < INSTANCES_WANTED:
        with contextlib.suppress(OSError):
            path.write_text(f"{INSTANCES_WANTED}\n")


def up(
    name: str,
    hosts: Sequence[str] | None,
    subnet: str | None,
    fresh: bool,
    *,
    thanos: bool = False,
    others: bool = False,
) -> plan.LabPlan:
    """Bring a lab up, or finish one that is half up.

    :param thanos: with Thanos in the mirror and an object store; what is there already stays.
    :param others: with object stores of other providers; these stay, too.
    """
    # Once before anything takes time, so that a wrong request fails at once; the
    # answer that counts is the one under the lock.
    wanted_plan(name, hosts, subnet, fresh)
    log.say(f"engine: {engine.start()}")
    reference = image.ensure()
    before = cache.read_json(_state_folder(name) / "lab.json") or {}
    thanos = thanos or (bool(before.get("thanos")) and not fresh)
    others = others or (bool(before.get("providers")) and not fresh)
    minio = golang.ensure(golang.MINIO) if thanos else None
    stores = providers.ensure() if others else None
    if thanos:
        releases.ensure(releases.THANOS)
    _raise_inotify_limit()
    with cache.lock(f"lab-{name}"):
        lab = wanted_plan(name, hosts, subnet, fresh)
        found = _keep_planned(lab, fresh)
        _ensure_network(lab)
        state = {"hosts": [host.name for host in lab.hosts], "subnet": lab.subnet}
        cache.write_json(_state_folder(name) / "lab.json", {**state, "thanos": thanos, "providers": others})
        jobs = [(host.container, _host_argv(lab, host, reference)) for host in lab.hosts]
        jobs.append((lab.services_container, _services_argv(lab, reference, minio, stores)))
        with log.step(f"up: {len(lab.hosts)} hosts and services of lab {name}"):
            with ThreadPoolExecutor(max_workers=8) as pool:
                done = list(pool.map(lambda job: _ensure_container(job[0], job[1], found), jobs))
                list(pool.map(_wait_host, lab.hosts))
            _wait("mirror", partial(_answers, f"{lab.mirror_url}/checksums.json"), 30)
            _wait("webhooks", partial(_answers, f"{lab.webhook_url}/healthz"), 30)
            if thanos:
                _wait("object store", partial(_answers, f"http://{lab.objstore}/minio/health/ready"), 60)
            for port in PROVIDERS_PORTS if others else ():
                _wait(f"object store at port {port}", partial(_listens, lab.services_address, port), 60)
        counts = {what: done.count(what) for what in sorted(set(done))}
        log.say("up: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return lab


def down(name: str) -> None:
    """Remove a lab's containers, its network and its state; nothing else."""
    plan.check_name("lab name", name)
    with cache.lock(f"lab-{name}"):
        if engine.version() is None:
            log.say("down: no engine runs, so no container does")
        else:
            with log.step(f"down: lab {name}"):
                containers.remove(list(containers.of_lab(name)))
                network = f"pha-{name}"
                if run(["docker", "network", "inspect", network], check=False).returncode == 0:
                    run(["docker", "network", "rm", network])
        (_state_folder(name) / "lab.json").unlink(missing_ok=True)
