"""Packaging: files for a start without a network, and the tree of a Hugging Face Space."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.common.atomic_folder import FolderError, new_folder
from pathviewer.server import user_messages
from pathviewer.slides.demo_slide import demo_slide
from pathviewer.slides.errors import SlideError
from pathviewer.ui.assets import AssetsError, are_assets_ready, ensure_assets

ROOT = Path(__file__).resolve().parents[2]
SPACE_FILES = (
    "app.py",
    "requirements.txt",
    "README.md",
    "LICENSE",
    "docs",
    "models",
    "pathviewer",
    "storage",
)
"""Files that a Space needs; its settings are in the header of README.md."""
LARGE_BYTES = 10 * 2**20
"""The hub requires Git LFS for larger files."""
_ATTRIBUTES = "filter=lfs diff=lfs merge=lfs -text"

Out = Annotated[Path, typer.Option(help="Folder to write; must be empty or absent.")]


def bake(out: Out) -> None:
    """Download the viewer's JavaScript and the demo slide for a machine without network access."""
    try:
        with new_folder(out) as folder:
            ensure_assets(folder / "assets")
            (folder / "demo").mkdir()
            demo_slide(folder / "demo")
    except (AssetsError, FolderError, SlideError) as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"Wrote {out}; set PATHVIEWER_BAKED to it.")


def copy_baked(baked: Path | None, data: Path) -> None:
    """Copy what the state folder lacks from a baked folder."""
    if baked is None:
        return
    if are_assets_ready(baked / "assets") and not are_assets_ready(data / "assets"):
        shutil.copytree(baked / "assets", data / "assets", dirs_exist_ok=True)
    if (baked / "demo").is_dir() and not (data / "demo").exists():
        shutil.copytree(baked / "demo", data / "demo")


def space(out: Out) -> None:
    """Write the file tree of a Hugging Face Space, ready to push."""
    try:
        with new_folder(out) as folder:
            large = write_space(folder)
    except FolderError as error:
        raise SystemExit(str(error)) from error
    typer.echo(f"Wrote {out}. Large files: {', '.join(large) or 'none'}.")


def write_space(folder: Path, root: Path = ROOT) -> list[str]:
    """Write the tree and a `.gitattributes` of its large files; return those. Raises
    FolderError."""
    if not (root / "app.py").is_file():
        raise FolderError(user_messages.NO_CHECKOUT)
    for name in list_program_files(root):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    large = [
        path.relative_to(folder).as_posix() for path in files if path.stat().st_size > LARGE_BYTES
    ]
    lines = "".join(f"{name} {_ATTRIBUTES}\n" for name in large)
    (folder / ".gitattributes").write_text(lines, encoding="utf-8")
    return large


def list_program_files(root: Path) -> list[Path]:
    """Return the program's files, relative to `root`. Raises FolderError.

    In a git checkout only tracked files count, which excludes stray checkpoints and data.
    """
    if not (root / ".git").exists():
        tops = [root / name for name in SPACE_FILES]
        paths = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
        left_out = {"__pycache__", "node_modules"}
        files = [path.relative_to(root) for path in paths if path.is_file()]
        return sorted(path for path in files if left_out.isdisjoint(path.parts))
    try:
        command = ["git", "-C", str(root), "ls-files", "-z", "--", *SPACE_FILES]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", None) or str(error)
        raise FolderError(user_messages.files_not_listed(why.strip())) from error
    names = [Path(name) for name in output.split("\0") if name]
    return [path for path in names if (root / path).is_file()]
