"""`python3 -m lab`: the lab's command line.

Results go to standard output, progress to standard error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import (
    containers,
    engine,
    env_report,
    image,
    labs,
    log,
    plan,
    providers,
    releases,
    services,
    sshkey,
    status,
)
from lab.errors import LabError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="The lab of prometheus_ha.")
    commands = parser.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="bring a lab up (idempotent)")
    up.add_argument("--name", default="dev")
    hosts = up.add_mutually_exclusive_group()
    hosts.add_argument("--hosts", help="comma-separated host names, addresses in this order")
    hosts.add_argument("--topology", choices=sorted(plan.TOPOLOGIES))
    up.add_argument("--subnet", help="for a name without a fixed one")
    up.add_argument("--thanos", action="store_true", help="with Thanos in the mirror, and an object store (MinIO)")
    up.add_argument("--providers", action="store_true", help="with object stores of other providers (GCS, Azure)")
    up.add_argument("--fresh", action="store_true", help="make all containers anew")

    down = commands.add_parser("down", help="remove labs")
    down.add_argument("--name", default=["dev"], nargs="+")
    down.add_argument("--engine", action="store_true", help="end the dockerd the lab started, too")

    state = commands.add_parser("status", help="hosts, units and URLs")
    state.add_argument("--name", help="one lab (default: all)")
    state.add_argument("--json", action="store_true")

    mirror = commands.add_parser("mirror", help="fill the release mirror, print checksums")
    mirror.add_argument("action", nargs="?", choices=["fill", "serve"], default="fill")
    mirror.add_argument("--thanos", action="store_true", help="fill: Thanos, too, which is built")
    mirror.add_argument("--dir", help="folder to serve (default: the mirror in the cache)")
    mirror.add_argument("--bind", default="127.0.0.1")
    mirror.add_argument("--port", type=int, default=8080)

    commands.add_parser("build-image", help="make the host image, print its reference")
    commands.add_parser("report", help="one line on where each thing came from")

    daemon = commands.add_parser("engine", help="start or stop the lab's own dockerd")
    daemon.add_argument("action", choices=["start", "stop"])

    for name, text in (
        ("exec", "run a command on a host, as root in its container"),
        ("ssh", "run a command on a host as `ops`, by ssh"),
    ):
        shell = commands.add_parser(name, help=text)
        shell.add_argument("--name", default="dev")
        shell.add_argument("host")
        shell.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- command")
    return parser


def _up(args: argparse.Namespace) -> int:
    hosts = plan.parse_hosts(args.hosts) if args.hosts is not None else None
    if args.topology:
        hosts = plan.topology(args.topology)
    lab = labs.up(args.name, hosts, args.subnet, args.fresh, thanos=args.thanos, others=args.providers)
    log.say(env_report.line())
    for host in lab.hosts:
        print(f"{host.name}\t{host.address}\t{host.container}")
    print(f"mirror\t{lab.mirror_url}\nwebhooks\t{lab.webhook_url}")
    if args.thanos:
        print(f"object store\t{lab.objstore}")
    if args.providers:
        print(f"GCS\tservices:{providers.GCS_PORT}\nAzure\t{providers.AZURE_NAME}:{providers.AZURE_PORT}")
    print(f"ssh\tssh {' '.join(sshkey.options())} ops@{lab.hosts[0].address}")
    return 0


def _down(args: argparse.Namespace) -> int:
    for name in args.name:
        labs.down(name)
    if args.engine:
        others = containers.labs() if engine.version() else []
        if others:
            log.say(f"engine: stays, labs {', '.join(others)} still run in it")
        else:
            _engine_stop()
    return 0


def _engine_stop() -> int:
    if not engine.stop():
        log.say("engine: none that the lab started runs; nothing to stop")
    return 0


def _status(args: argparse.Namespace) -> int:
    if engine.version() is None:
        raise LabError("no engine runs: `python3 -m lab up` starts one")
    names = [args.name] if args.name else containers.labs()
    found = [status.collect(name) for name in names]
    if args.json:
        print(json.dumps(found[0] if args.name else found, indent=2))
    else:
        print("\n\n".join(status.table(entry) for entry in found) or "no lab is up")
    return 0


def _mirror(args: argparse.Namespace) -> int:
    if args.action == "fill":
        print(f"tree\t{releases.tree()}")
        wanted = releases.RELEASES + (releases.THANOS if args.thanos else ())
        for name, versions in releases.ensure(wanted).items():
            for version, arches in versions.items():
                for arch, entry in arches.items():
                    print(f"{name}\t{version}\t{arch}\t{entry['sha256']}\t{entry['source']}")
        return 0
    folder = Path(args.dir) if args.dir else releases.tree()
    if not folder.is_dir():
        raise LabError(f"no such folder: {folder}")
    with services.mirror_server((args.bind, args.port), str(folder)) as server:
        log.say(f"mirror: {folder} at http://{args.bind}:{server.server_port}/")
        server.serve_forever()
    return 0


def _exec(args: argparse.Namespace) -> int:
    host = labs.require_plan(args.name).host(args.host)
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    if args.command == "exec":
        command = ["docker", "exec", "-i", *terminal, host.container, *(argv or ["bash", "-l"])]
    else:
        command = ["ssh", *sshkey.options(), *terminal, f"ops@{host.address}", *argv]
    return subprocess.run(command, check=False).returncode


def _dispatch(args: argparse.Namespace) -> int:
    match args.command:
        case "up":
            return _up(args)
        case "down":
            return _down(args)
        case "status":
            return _status(args)
        case "mirror":
            return _mirror(args)
        case "build-image":
            log.say(f"engine: {engine.start()}")
            print(image.ensure())
            return 0
        case "report":
            print(env_report.line())
            return 0
        case "engine":
            if args.action == "stop":
                return _engine_stop()
            print(engine.start())
            return 0
        case _:
            return _exec(args)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors that a person can act on come without a traceback."""
    args = _parser().parse_args(argv)
    try:
        return _dispatch(args)
    except LabError as error:
        log.say(f"ERROR: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
