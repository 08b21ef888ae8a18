"""Serialisable index of an open slide, with which the server reads raw tiles itself."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, replace
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideGone
from pathviewer.slides.jpeg_header import TileHeader
from pathviewer.slides.raw_tiles import RawFile, RawLevel
from pathviewer.slides.served_levels import Step
from pathviewer.slides.tiles import TileSource


@dataclass(frozen=True)
class RawIndex:
    """Offsets of a level's compressed tiles, without an open file."""

    path: Path
    """The file that contains them."""

    inode: int
    """Inode number, so that no replacement is read."""

    prefix: bytes
    """Bytes that every tile lacks, as in `RawLevel`."""

    header: TileHeader
    """Header that a tile must match, as in `RawLevel`."""

    columns: int
    """Number of tile columns."""

    offsets: bytes
    """First byte of each tile in the file, as 64-bit numbers in native byte order."""

    counts: bytes
    """Number of bytes of each tile, likewise; 0 for tiles that cannot be served unchanged."""


@dataclass(frozen=True)
class SlideIndex:
    """The levels of a slide and the offsets of their tiles."""

    steps: tuple[Step, ...]
    """The served levels, without their `raw`."""

    raws: tuple[RawIndex | None, ...]
    """For each level; `None` if its tiles are not the file's own."""

    associated_images: tuple[str, ...]
    """Names of the slide's other images."""


def index_of(source: TileSource) -> SlideIndex:
    """Return the index of an open slide. Raises OSError if one of its files has disappeared."""
    steps = tuple(replace(step, raw=None) for step in source.steps)
    raws = tuple(None if step.raw is None else _raw_index(step.raw) for step in source.steps)
    return SlideIndex(steps, raws, source.slide.associated_images)


def open_steps(index: SlideIndex, name: str) -> tuple[Step, ...]:
    """Return the levels with the files of their tiles open.

    The index is not trusted: tiles outside the file are dropped. Raises SlideGone if another file
    has replaced one of them.
    """
    files: dict[Path, RawFile] = {}
    steps = []
    for step, raw in zip(index.steps, index.raws, strict=True):
        level = None if raw is None else _open_level(raw, files, name)
        fits = level is not None and level.covers(step.level.columns, step.level.rows)
        steps.append(replace(step, raw=level if fits else None))
    return tuple(steps)


def _raw_index(raw: RawLevel) -> RawIndex:
    inode = os.fstat(raw.file.fd).st_ino
    offsets, counts = raw.offsets.tobytes(), raw.counts.tobytes()
    return RawIndex(raw.file.path, inode, raw.prefix, raw.header, raw.columns, offsets, counts)


def _open_level(raw: RawIndex, files: dict[Path, RawFile], name: str) -> RawLevel:
    try:
        if raw.path not in files:
            files[raw.path] = RawFile(raw.path)
        file = files[raw.path]
        same = os.fstat(file.fd).st_ino == raw.inode
    except OSError:
        same = False
    if not same:
        raise SlideGone(user_messages.slide_file_changed(name))
    offsets, counts = array("Q", raw.offsets), array("Q", raw.counts)
    file.drop_outside(offsets, counts)
    return RawLevel(file, raw.prefix, raw.header, raw.columns, offsets, counts)
