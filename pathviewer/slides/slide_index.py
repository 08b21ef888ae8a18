"""What the server has of an open slide: plain numbers, with which it serves tiles by itself."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, replace
from pathlib import Path

from pathviewer.slides.errors import SlideGone
from pathviewer.slides.jpeg_header import TileHeader
from pathviewer.slides.raw_tiles import RawFile, RawLevel
from pathviewer.slides.served_levels import Step
from pathviewer.slides.tiles import TileSource


@dataclass(frozen=True)
class RawIndex:
    """Where the compressed tiles of a level lie, without the file being open."""

    path: Path
    """The file that holds them."""

    inode: int
    """Its number, so that no other file is read in its place."""

    prefix: bytes
    """What every tile lacks, as in `RawLevel`."""

    header: TileHeader
    """What a tile's own header must be, as in `RawLevel`."""

    columns: int
    """Number of tiles side by side."""

    offsets: bytes
    """First byte of each tile in the file, as 64-bit numbers of this machine."""

    counts: bytes
    """Number of bytes of each tile, likewise; 0 where it cannot be passed on."""


@dataclass(frozen=True)
class SlideIndex:
    """The levels of a slide and where their tiles lie."""

    steps: tuple[Step, ...]
    """The levels that tiles are served of, without their `raw`."""

    raws: tuple[RawIndex | None, ...]
    """For each of them, `None` where tiles are not the file's own."""

    associated_images: tuple[str, ...]
    """Names of the slide's other pictures."""


def index_of(source: TileSource) -> SlideIndex:
    """The index of an open slide. Raises OSError when a file of it is gone."""
    steps = tuple(replace(step, raw=None) for step in source.steps)
    raws = tuple(None if step.raw is None else _raw_index(step.raw) for step in source.steps)
    return SlideIndex(steps, raws, source.slide.associated_images)


def open_steps(index: SlideIndex, name: str) -> tuple[Step, ...]:
    """The levels with the files of their tiles open.

    Nothing that an index says is believed: tiles outside the file are dropped. Raises SlideGone
    when another file has taken the place of one of them.
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
        raise SlideGone(f"The file of {name} was changed: open the slide again.")
    offsets, counts = array("Q", raw.offsets), array("Q", raw.counts)
    file.drop_outside(offsets, counts)
    return RawLevel(file, raw.prefix, raw.header, raw.columns, offsets, counts)
