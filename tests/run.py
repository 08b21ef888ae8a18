"""Set up whatever the tests need on a bare machine, then run the checks and the whole suite.

Needs Python 3.11 or newer with venv and pip, and nothing else: `python3 tests/run.py [pytest
arguments]`.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

PROGRAMS = {
    "wrk": "wrk",  # the load generator of `bench tiles`
    "nginx": "nginx-light",  # the reverse proxy of the sub-path test
    "initdb": "postgresql",  # the server that the storage's tests start for themselves
}
"""Programs that the tests drive, and the Debian package of each."""

PROCESSES = min(4, (os.cpu_count() or 1) + 1)
"""One more than there are cores: tests also wait, for a server, a page or a clock."""

SIDE_BY_SIDE = ("-n", str(PROCESSES), "--dist", "loadfile")
"""A module at a time in each process; browser tests stay last, as conftest.py orders them."""


def main(arguments: list[str]) -> int:
    """Prepare, check, test; the exit status of the first thing that failed."""
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    install_python_packages()
    install_node_packages()
    install_programs()
    checks: list[list[str | Path]] = [
        [BIN / "ruff", "check", "."],
        [BIN / "ruff", "format", "--check", "."],
        [BIN / "codespell"],
        [BIN / "mypy"],
        [BIN / "npm", "run", "--silent", "check"],
        [BIN / "python", "-m", "pytest", *SIDE_BY_SIDE, "--no-loadscope-reorder", *arguments],
    ]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",  # cores are shared out already
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",  # the node that the scripts of npm find
    }
    for command in checks:
        words = [str(part) for part in command]
        print("+", *words, flush=True)
        status = subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
        if status:
            return status
    return 0


def install_python_packages() -> None:
    """Make `.venv` and bring it to what requirements-dev.txt says, in the locked versions."""
    if not (BIN / "python").exists() and not (BIN / "python.exe").exists():
        venv.create(ENVIRONMENT, with_pip=True)
    constraints = ENVIRONMENT / "constraints.txt"
    lock = (ROOT / "requirements-dev-lock.txt").read_text(encoding="utf-8")
    constraints.write_text(without_hashes(lock), encoding="utf-8")
    words = ["-r", "requirements-dev.txt", "-c", str(constraints)]
    if not attempt([str(BIN / "python"), "-m", "pip", "install", "-q", *words]):
        sys.exit("pip could not install requirements-dev.txt; its output above says why.")


def install_node_packages() -> None:
    """Bring `node_modules` to what package-lock.json says, unless it is there already."""
    lock = ROOT / "package-lock.json"
    installed = ROOT / "node_modules" / "installed-lock.json"
    if installed.is_file() and filecmp.cmp(lock, installed, shallow=False):
        return
    command = [str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if not attempt([*command, "--loglevel", "error"]):
        sys.exit("npm could not install package-lock.json; its output above says why.")
    shutil.copyfile(lock, installed)


def without_hashes(lock: str) -> str:
    """A lock's pins as pip's constraints.

    With hashes, pip would refuse PyTorch's CPU build, which is of the locked version.
    """
    return "".join(f"{pin}\n" for pin in re.findall(r"^[^#\s\\]+", lock, re.MULTILINE))


def install_programs() -> None:
    """A browser and what else the tests drive: Debian's packages where root may.

    Elsewhere Playwright downloads a browser, and what is still missing is named.
    """
    missing = {name: package for name, package in PROGRAMS.items() if not find(name)}
    if not any(find(name) for name in CHROMIUM_NAMES):
        missing["chromium"] = "chromium"
    if missing and can_use_apt() and attempt(["apt-get", "update", "-qq"]):
        packages = list(missing.values())
        if attempt(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]):
            return
    if "chromium" in missing and attempt([str(BIN / "playwright"), "install", "chromium"]):
        del missing["chromium"]
    if missing:
        sys.exit(f"The tests need {', '.join(missing)}: install them, then run this again.")


def find(program: str) -> str | None:
    """Where a program is; system folders count even when PATH leaves them out."""
    folders = ["/usr/sbin", "/usr/local/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    return shutil.which(program) or shutil.which(program, path=os.pathsep.join(folders))


def can_use_apt() -> bool:
    """Whether this is Debian or its kin, and we may install packages."""
    return bool(shutil.which("apt-get")) and hasattr(os, "geteuid") and os.geteuid() == 0


def attempt(command: list[str]) -> bool:
    """Run a set-up step; whether it went well."""
    print("+", *command, flush=True)
    # npm too trusts the certificates that the system trusts, a company's own among them
    environment = os.environ | {
        "DEBIAN_FRONTEND": "noninteractive",
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip(),
    }
    return not subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
