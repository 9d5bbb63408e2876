"""The image of a lab host: Debian 12 with systemd, sshd and node_exporter.

Made by debootstrap, not on top of `debian:12`: that image has no systemd, so
the same packages would have to be installed anyway, and two ways to make one
image are two things to keep equal. So no pull is tried, and a closed network
needs no more than its Debian mirror.

Two layers are cached: the debootstrap tree (48 s; changes with the package
list only) and the finished tree with the lab's own files (a few seconds). The
tag is a hash of everything that goes in.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import cache, debian, engine, log, releases, sshkey
from lab.errors import LabError
from lab.run import run

NAME = "prometheus-ha-lab-host"
SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "openssh-server",
    "procps",
    # Else Ansible's apt module installs it on first use, on each host.
    "python3-apt",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
    # Time intervals of Alertmanager name time zones.
    "tzdata",
)
MASKED = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "getty.target",
    "getty@tty1.service",
    "systemd-firstboot.service",
    "systemd-logind.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-udev-trigger.service",
    "systemd-udevd.service",
    "systemd-update-utmp.service",
)
REMOVED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
)
# Docker mounts each container's own cgroups read-only; made writable they
# serve systemd, and the hosts stay apart from one another.
COMMAND = (
    "sh",
    "-c",
    "for m in /sys/fs/cgroup /sys/fs/cgroup/*; do "
    '! mountpoint -q "$m" || mount -o remount,bind,rw "$m"; done; '
    "exec /lib/systemd/systemd",
)
ROOTFS = Path(__file__).parent / "rootfs"
TEMPLATES = ("default.tmpl", "email.tmpl")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def base_key() -> str:
    """What the debootstrap tree depends on."""
    return _digest(SUITE, *PACKAGES)


def _overlay() -> dict[str, bytes]:
    """The lab's own files, by their path in the image."""
    return {str(path.relative_to(ROOTFS)): path.read_bytes() for path in sorted(ROOTFS.rglob("*")) if path.is_file()}


def key(public_key: str, node_exporter_sha256: str) -> str:
    """The tag: a hash of everything that goes into the image."""
    overlay = [f"{name}:{hashlib.sha256(data).hexdigest()}" for name, data in _overlay().items()]
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    templates = releases.ALERTMANAGER_TEMPLATES.sha256
    sources = apt_sources(debian.mirror(), debian.security_mirror())
    return _digest(base_key(), code, *overlay, public_key, node_exporter_sha256, templates, sources)


def apt_sources(mirror: str, security: str | None) -> str:
    """The guest's apt sources: the machine's own mirrors."""
    lines = [f"deb {mirror} {SUITE} main", f"deb {mirror} {SUITE}-updates main"]
    if security:
        lines.append(f"deb {security} {SUITE}-security main")
    return "\n".join(lines) + "\n"


def _tar(tree: Path, target: Path, **about: str) -> None:
    partial = target.with_suffix(".partial")
    run(["tar", "-C", str(tree), "--numeric-owner", "-cf", str(partial), "."])
    partial.replace(target)
    cache.record(target, **about)


def _base_path() -> Path:
    return cache.folder("image") / f"base-{base_key()}.tar"


def _base() -> Path:
    target = _base_path()
    if cache.recorded(target):
        return target
    engine.require("debootstrap")
    mirror = debian.mirror()
    with tempfile.TemporaryDirectory(dir=cache.folder("build")) as scratch:
        tree = Path(scratch) / "root"
        with log.step(f"image: debootstrap {SUITE}"):
            include = ",".join(PACKAGES)
            run(["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(tree), mirror])
        tree.chmod(0o755)
        _tar(tree, target, source="debootstrap")
    return target


def _customise(tree: Path, public_key: str) -> None:
    """Put the lab's own things into an unpacked tree."""
    for name, data in _overlay().items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o440 if "sudoers.d" in name else 0o644)
    sources = apt_sources(debian.mirror(), debian.security_mirror())
    (tree / "etc/apt/sources.list").write_text(sources)

    def inside(*argv: str) -> None:
        run(["chroot", str(tree), *argv], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    inside("useradd", "--create-home", "--shell", "/bin/bash", "ops")
    inside("useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", "node_exporter")
    ssh = tree / "home/ops/.ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(public_key + "\n")
    (tree / "home/ops/.hushlogin").touch()
    inside("chown", "-R", "ops:ops", "/home/ops")
    inside("ssh-keygen", "-A")

    with tempfile.TemporaryDirectory(dir=cache.folder("build")) as scratch:
        releases.unpack([releases.fetch(releases.ALERTMANAGER_TEMPLATES)], Path(scratch))
        shared = "usr/share/prometheus/alertmanager"
        (tree / shared).mkdir(parents=True)
        for name in TEMPLATES:
            shutil.copyfile(Path(scratch) / shared / name, tree / shared / name)
    exporter = releases.NODE_EXPORTER
    member = f"{exporter.top}/node_exporter"
    tarball = str(releases.tree() / exporter.path)
    run(["tar", "-xzf", tarball, "-C", str(tree / "usr/local/bin"), "--no-same-owner", "--strip-components=1", member])

    inside("systemctl", "enable", "node_exporter.service", "ssh.service")
    inside("systemctl", "mask", *MASKED)
    inside("systemctl", "set-default", "multi-user.target")
    for name in REMOVED:
        shutil.rmtree(tree / name, ignore_errors=True)
        (tree / name).mkdir(parents=True, exist_ok=True)
    (tree / "var/lib/apt/lists/partial").mkdir()
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    # Each host makes its own identity at its first boot.
    (tree / "etc/machine-id").write_text("")
    (tree / "var/lib/dbus/machine-id").unlink(missing_ok=True)


def _rootfs(tag: str, public_key: str) -> Path:
    images = cache.folder("image")
    target = images / f"rootfs-{tag}.tar"
    if cache.recorded(target):
        return target
    base = _base()
    with (
        log.step("image: lab's own files"),
        tempfile.TemporaryDirectory(dir=cache.folder("build")) as scratch,
    ):
        tree = Path(scratch) / "root"
        tree.mkdir()
        run(["tar", "-C", str(tree), "--numeric-owner", "-xpf", str(base)])
        _customise(tree, public_key)
        _tar(tree, target, source="debootstrap")
    for old in images.glob("*.tar"):
        if old not in (base, target):
            old.unlink()
    return target


def _exists(reference: str) -> bool:
    found = run(["docker", "image", "inspect", "--format", "{{.Id}}", reference], check=False)
    return found.returncode == 0


def _forget_others(tag: str) -> None:
    """Drop earlier images; the engine refuses for one that a container uses.

    To be called once `current` has moved on: of two tags the engine drops one
    even then.
    """
    tags = run(["docker", "images", "--format", "{{.Tag}}", NAME]).stdout.split()
    for other in set(tags) - {tag, "current"}:
        run(["docker", "image", "rm", f"{NAME}:{other}"], check=False)


def ensure() -> str:
    """Make sure that the engine has the image; return its reference."""
    with cache.lock("image"):
        with ThreadPoolExecutor(max_workers=1) as pool:
            # debootstrap mostly waits for one core: fill the mirror meanwhile.
            base = None if cache.recorded(_base_path()) else pool.submit(_base)
            mirror = releases.ensure()
            if base:
                base.result()
        exporter = releases.NODE_EXPORTER
        digest = mirror[exporter.name][exporter.version][exporter.arch]["sha256"]
        public_key = sshkey.ensure()
        tag = key(public_key, digest)
        reference = f"{NAME}:{tag}"
        if not _exists(reference):
            tarball = _rootfs(tag, public_key)
            with log.step(f"image: import {reference}"):
                changes = (f"CMD {json.dumps(COMMAND)}", "ENV container=docker LANG=C.UTF-8")
                options = [f"--change={change}" for change in changes]
                run(["docker", "import", *options, str(tarball), reference])
        # A fixed name for those who cannot compute the tag (molecule.yml).
        run(["docker", "tag", reference, f"{NAME}:current"])
        _forget_others(tag)
    if not _exists(reference):
        raise LabError(f"the engine lost {reference}")
    return reference
