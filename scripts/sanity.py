# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test sanity, all of its tests, on a copy of the tree; then compile and import with Python 3.8.

ansible-test wants a real path ``ansible_collections/<namespace>/<name>``. Its tests run in virtual environments that
it makes itself; for these it would download get-pip.py, which a closed network does not give, so a stand-in that
installs the pip bundled with Python lies in its cache (in a home of its own, so that nobody else's is touched).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The pip that ansible-test 2.19 bootstraps: _internal/python_requirements.py, infrastructure_packages.
PIP_VERSION = "24_2"
OLDEST = "3.8"

GET_PIP = """\
# Stand-in for get-pip.py: the pip that comes with Python, then `pip install` of what get-pip.py was asked for.
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
asked = [each for each in sys.argv[1:] if each not in ("--no-setuptools", "--no-wheel")]
if asked:
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *asked])
"""


def copy_tree(target: Path) -> None:
    """Copy what git tracks or would track, and nothing that it ignores."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split("\0")
    shutil.rmtree(target, ignore_errors=True)
    for name in filter(None, names):
        source = ROOT / name
        # A file that git tracks may just have been deleted.
        if source.is_file() or source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)


def oldest_python() -> Path | None:
    """The folder of a Python 3.8 that really runs (pyenv's shims do so only for the selected versions)."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*sorted(pyenv.glob(f"versions/{OLDEST}.*/bin")), *map(Path, os.environ["PATH"].split(os.pathsep))]
    for folder in folders:
        python = folder / f"python{OLDEST}"
        if python.is_file() and subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return folder
    return None


def ansible_test(tree: Path, home: Path, path: str, *arguments: str) -> int:
    """Run `ansible-test sanity` in the copy.

    :return: its exit code.
    """
    argv = ["ansible-test", "sanity", "--local", "--requirements", "--color", "no", *arguments]
    print("+", *argv, flush=True)
    # ansible-test looks beside itself for the tree, so no collections path of ours must point elsewhere.
    hidden = ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(argv, check=False, cwd=tree, env={**environment, "HOME": str(home), "PATH": path}).returncode


def main() -> int:
    """Run all tests with this Python, then compile and import with the oldest one.

    :return: the exit code.
    """
    base = Path(os.environ["LAB_CACHE"]) / "sanity"
    home = base / "home"
    tree = base / "ansible_collections" / "baremetal" / "prometheus_ha"
    get_pip = home / ".ansible" / "test" / "cache" / f"get_pip_{PIP_VERSION}.py"
    get_pip.parent.mkdir(parents=True, exist_ok=True)
    get_pip.write_text(GET_PIP, encoding="utf-8")
    path = os.environ["PATH"]

    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy_tree(tree)
        current = f"{sys.version_info.major}.{sys.version_info.minor}"
        code = ansible_test(tree, home, path, "--python", current)
        folder = oldest_python()
        if folder:
            path = f"{path}{os.pathsep}{folder}"
            tests = ("--test", "compile", "--test", "import")
            code = ansible_test(tree, home, path, "--python", OLDEST, *tests) or code
        else:
            print(
                f"No Python {OLDEST} on this machine (pyenv's or on the PATH): compile and import were not tested "
                f"with it. `make lint` still checks its grammar and standard library (step vermin)."
            )
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
