"""Writer of phantoms as pyramidal JPEG TIFF, block by block, in bounded memory."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideError
from pathviewer.slides.phantom.block import draw_block, make_scene
from pathviewer.slides.phantom.ground_truth import CELL, PhantomTruth
from pathviewer.slides.phantom.layout import BLOCK
from pathviewer.slides.phantom.tiff_file import Page, PyramidFile

MPP = 0.5
"""Microns per level-0 pixel."""

OBJECTIVE = 20
TILE = 256
STEP = 4
"""Factor between native levels, as scanners write them: downsamples 1, 4 and 16."""

SMALLEST, LARGEST = 2_000, 100_000
"""Allowed side of a slide, level-0 px."""

QUALITY = 78
"""JPEG quality of the tiles. Colours are not subsampled, which would show seams between tiles."""

_COARSEST = BLOCK // STEP**2
"""Side of a block at downsample 16, px."""

_BAND = TILE // _COARSEST
"""Rows of blocks that make one row of tiles at downsample 16."""


class PhantomError(SlideError):
    """The phantom cannot be written; the message gives the remedy."""

    code = "bad_phantom"


@dataclass(frozen=True)
class BlockJob:
    """Picklable job to draw one block in any process."""

    width: int
    """Width of the slide, level-0 px."""

    height: int
    """Height of the slide, level-0 px."""

    seed: int
    """Seed of the slide."""

    column: int
    """Column of the block."""

    row: int
    """Row of the block."""


@dataclass(frozen=True)
class DrawnBlock:
    """A worker's result for one block."""

    column: int
    """Column of the block."""

    row: int
    """Row of the block."""

    tiles: list[bytes]
    """JPEG tiles of level 0, row by row."""

    coarse_tile: bytes
    """The block's single JPEG tile at downsample 4."""

    coarsest: NDArray[np.uint8]
    """(_COARSEST, _COARSEST, 4) RGBX pixels at downsample 16."""

    tissue: NDArray[np.uint8]
    """Class of each truth cell."""

    marks: NDArray[np.uint8]
    """Marks of each truth cell."""

    nuclei: NDArray[np.int32]
    """(nuclei, 3): level-0 x, y, `NucleusKind`."""


def write_phantom(
    path: Path,
    *,
    width: int,
    height: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
    workers: int | None = None,
) -> PhantomTruth:
    """Write a phantom and its truth; the same size and seed give the same file and truth.

    `progress` receives the completed share, 0 to 1. `workers` is the number of drawing processes;
    by default one per core, or only this one if starting others would take longer than it saves. A
    failed write leaves nothing at `path`. Raises `PhantomError` for a size outside 2,000 to 100,000
    px per side, and `OSError` if the disk refuses.
    """
    _check("width", width)
    _check("height", height)
    jobs = _jobs(width, height, seed)
    workers = workers or min(os.cpu_count() or 1, max(1, len(jobs) // 6))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        truth = _write(partial, jobs, workers, progress)
        truth.save(path)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return truth


def _check(name: str, side: int) -> None:
    if not SMALLEST <= side <= LARGEST:
        raise PhantomError(user_messages.phantom_size_out_of_range(name, SMALLEST, LARGEST, side))


def _jobs(width: int, height: int, seed: int) -> list[BlockJob]:
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    places = ((column, row) for row in range(rows) for column in range(columns))
    return [BlockJob(width, height, seed, *place) for place in places]


def _write(
    path: Path, jobs: list[BlockJob], workers: int, progress: Callable[[float], None] | None
) -> PhantomTruth:
    """Write the slide at `path` from its blocks, in row order."""
    first_job = jobs[0]
    truth = _TruthGrid(first_job)
    with path.open("wb") as stream:
        file = PyramidFile(stream, _pages(first_job.width, first_job.height, first_job.seed))
        columns = jobs[-1].column + 1
        band = np.zeros((TILE, -(-columns * _COARSEST // TILE) * TILE, 4), np.uint8)
        for done, block in enumerate(_draw_all(jobs, workers), start=1):
            _add_block(file, block, band)
            truth.add(block)
            if done % (columns * _BAND) == 0 or done == len(jobs):
                _add_band(file, block.row // _BAND, band)
            if progress is not None:
                progress(done / len(jobs))
        file.finish()
    return truth.finish()


def _add_block(file: PyramidFile, block: DrawnBlock, band: NDArray[np.uint8]) -> None:
    """Add a block's tiles to levels 0 and 1, and its pixels to the coarsest level's tile row."""
    side = BLOCK // TILE
    for index, tile in enumerate(block.tiles):
        row, column = divmod(index, side)
        file.add_tile(0, block.column * side + column, block.row * side + row, tile)
    file.add_tile(1, block.column, block.row, block.coarse_tile)
    left, top = block.column * _COARSEST, block.row % _BAND * _COARSEST
    band[top : top + _COARSEST, left : left + _COARSEST] = block.coarsest


def _add_band(file: PyramidFile, row: int, band: NDArray[np.uint8]) -> None:
    for column, tile in enumerate(_cut(band)):
        file.add_tile(2, column, row, _encode(tile))


def _draw(job: BlockJob) -> DrawnBlock:
    block = draw_block(make_scene(job.width, job.height, job.seed), job.column, job.row)
    coarse = _reduce(block.pixels)
    return DrawnBlock(
        job.column,
        job.row,
        [_encode(tile) for tile in _cut(block.pixels)],
        _encode(coarse),
        _reduce(coarse),
        block.tissue,
        block.marks,
        block.nuclei,
    )


def _draw_all(jobs: list[BlockJob], workers: int) -> Iterator[DrawnBlock]:
    """Yield drawn blocks in order, at most a few ahead of the writer."""
    if workers == 1:
        yield from map(_draw, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        left = iter(jobs)
        ahead: deque[Future[DrawnBlock]] = deque(
            pool.submit(_draw, job) for job in islice(left, 4 * workers)
        )
        try:
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(pool.submit(_draw, job) for job in islice(left, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _cut(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for top in range(0, pixels.shape[0], TILE):
        for left in range(0, pixels.shape[1], TILE):
            yield np.ascontiguousarray(pixels[top : top + TILE, left : left + TILE])


def _encode(tile: NDArray[np.uint8]) -> bytes:
    encoded: bytes = simplejpeg.encode_jpeg(tile, QUALITY, "RGBX", "444")
    return encoded


def _reduce(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of each STEP x STEP square of RGBX pixels."""
    return np.asarray(Image.fromarray(pixels, "RGBX").reduce(STEP))


class _TruthGrid:
    """Ground truth, filled block by block."""

    def __init__(self, slide: BlockJob) -> None:
        self._slide = slide
        sides = (slide.height, slide.width)
        rows, columns = (-(-side // BLOCK) * (BLOCK // CELL) for side in sides)
        self._tissue = np.zeros((rows, columns), np.uint8)
        self._marks = np.zeros((rows, columns), np.uint8)
        self._nuclei: list[NDArray[np.int32]] = []

    def add(self, block: DrawnBlock) -> None:
        """Insert a block's cells."""
        side = BLOCK // CELL
        left, top = block.column * side, block.row * side
        cells = np.s_[top : top + side, left : left + side]
        self._tissue[cells], self._marks[cells] = block.tissue, block.marks
        self._nuclei.append(block.nuclei)

    def finish(self) -> PhantomTruth:
        """Return the truth, clipped to the slide."""
        width, height = self._slide.width, self._slide.height
        rows, columns = -(-height // CELL), -(-width // CELL)
        nuclei = np.concatenate(self._nuclei)
        shown = (nuclei[:, 0] < width) & (nuclei[:, 1] < height)
        return PhantomTruth(
            width=width,
            height=height,
            mpp=MPP,
            seed=self._slide.seed,
            class_map=np.ascontiguousarray(self._tissue[:rows, :columns]),
            mark_map=np.ascontiguousarray(self._marks[:rows, :columns]),
            nuclei=nuclei[shown],
        )


def _pages(width: int, height: int, seed: int) -> list[Page]:
    """Return the three levels; OpenSlide reads mpp and power in their Aperio descriptions."""
    pages = []
    for scale in (1, STEP, STEP**2):
        side = (width // scale, height // scale)
        shrunk = "" if scale == 1 else f" -> {side[0]}x{side[1]}"
        text = (
            "Aperio-style synthetic slide by PathViewer\r\n"
            f"{width}x{height} ({TILE}x{TILE}){shrunk} JPEG/YCC Q={QUALITY}"
            f"|AppMag = {OBJECTIVE}|MPP = {MPP}|Phantom seed = {seed}"
        )
        pages.append(Page(*side, TILE, MPP * scale, text))
    return pages
