"""Small slides that end or occupy whatever opens them. Only for readers, never for this process."""

from __future__ import annotations

from pathlib import Path

from pathviewer.bench.hostile_slides import hostile_slides


def write_crash(path: Path) -> Path:
    """OpenSlide opens it as 256 x 256 px, and ends the process when it reads the first tile.

    The tile claims 2^62 bytes, and GLib aborts where memory runs out.
    """
    return _write(path, "count.tif")


def write_endless(path: Path) -> Path:
    """OpenSlide never ends opening it."""
    return _write(path, "endless.svslide")


def write_fan(path: Path) -> Path:
    """A sound slide of 256 x 256 px whose sub-pages fan out: following each takes 2^60 steps."""
    return _write(path, "sub-ifds.tif")


def _write(path: Path, name: str) -> Path:
    path.write_bytes(hostile_slides()[name])
    return path
