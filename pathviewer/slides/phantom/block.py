"""Rendering of one phantom block: tissues, then cells, then glass and scanner effects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pathviewer.slides.phantom import cells, glands
from pathviewer.slides.phantom.canvas import Bytes, Canvas
from pathviewer.slides.phantom.ground_truth import CELL, MarkKind, TissueClass
from pathviewer.slides.phantom.hashing import Floats
from pathviewer.slides.phantom.layout import BLOCK, CANVAS, HALO, PhantomLayout, make_layout, unfold
from pathviewer.slides.phantom.noise import PERIOD, smoothstep
from pathviewer.slides.phantom.sprites import Bank, make_sprites
from pathviewer.slides.phantom.stain import colour_table, to_colour
from pathviewer.slides.phantom.textures import Textures, make_textures

CORE = np.s_[HALO : HALO + BLOCK, HALO : HALO + BLOCK]
CENTRES = np.s_[HALO + CELL // 2 : HALO + BLOCK : CELL, HALO + CELL // 2 : HALO + BLOCK : CELL]
FRAY = 90.0
"""Largest distance of a frayed border from its smooth one, level-0 px."""

TURN = 1.2
"""Angle, in radians, between the two directions of collagen bundles."""

LENS = ImageFilter.Kernel((3, 3), (1, 2, 1, 2, 14, 2, 1, 2, 1))
"""Spread of a point of stain over the pixels around it."""

INK = (1.25, 0.62, 0.12)
"""Optical density of the pen's blue ink."""


@dataclass(frozen=True)
class Scene:
    """Data that a process needs to draw any block of one slide."""

    layout: PhantomLayout
    """Positions of tissues and marks."""

    textures: Textures
    """Tissue textures."""

    bank: Bank
    """Nucleus sprites."""

    colours: NDArray[np.uint32]
    """Table from stains to colours."""


@dataclass(frozen=True)
class Block:
    """One drawn block."""

    pixels: Bytes
    """(BLOCK, BLOCK, 4) RGBX."""

    tissue: Bytes
    """`TissueClass` of each truth cell."""

    marks: Bytes
    """`MarkKind` bits of each truth cell."""

    nuclei: NDArray[np.int32]
    """(nuclei, 3): level-0 x, y, `NucleusKind`."""


@lru_cache(2)
def make_scene(width: int, height: int, seed: int) -> Scene:
    """Return the scene of a slide, cached in each process."""
    return Scene(
        make_layout(width, height, seed),
        make_textures(seed),
        make_sprites(seed),
        colour_table(),
    )


class Ground:
    """Fields and textures under one canvas, each computed on first use."""

    def __init__(self, scene: Scene, column: int, row: int) -> None:
        self._scene = scene
        self._grids = scene.layout.around(column, row)
        self._fields: dict[str, Floats] = {}
        self.left, self.top = column * BLOCK - HALO, row * BLOCK - HALO
        self._gathers: dict[bool, NDArray[np.int32]] = {}

    def reaches(self, name: str, least: float = -FRAY) -> bool:
        """Return whether a field is above a value anywhere on the canvas."""
        return bool(self._grids[name].max() > least)

    def field(self, name: str) -> Floats:
        """Return the (CANVAS, CANVAS) values of a field."""
        if name not in self._fields:
            self._fields[name] = unfold(self._grids[name])
        return self._fields[name]

    def texture(self, packed: NDArray[np.uint32], *, turned: bool = False) -> Bytes:
        """Return (4, CANVAS, CANVAS) drifted images of a texture; `turned` by `TURN` in places."""
        if turned not in self._gathers:
            self._gathers[turned] = self._places(turned)
        texels = packed.take(self._gathers[turned]).view(np.uint8)
        return np.ascontiguousarray(np.moveaxis(texels.reshape(CANVAS, CANVAS, 4), 2, 0))

    def _places(self, turned: bool) -> NDArray[np.int32]:
        right = self.field("right") + np.arange(self.left, self.left + CANVAS, dtype=np.float32)
        rows = np.arange(self.top, self.top + CANVAS, dtype=np.float32)
        down = self.field("down") + rows[:, None]
        if turned and self.reaches("turn", 0):
            turns = self.field("turn") > 0
            cosine, sine = np.float32(math.cos(TURN)), np.float32(math.sin(TURN))
            right, down = (
                np.where(turns, cosine * right + sine * down, right),
                np.where(turns, cosine * down - sine * right, down),
            )
        column = right.astype(np.int32) & (PERIOD - 1)
        row = down.astype(np.int32) & (PERIOD - 1)
        places: NDArray[np.int32] = row * PERIOD + column
        return places


def draw_block(scene: Scene, column: int, row: int) -> Block:
    """Draw the block in a column and row of blocks; a pure function of its arguments."""
    ground = Ground(scene, column, row)
    canvas = draw_canvas(scene, ground)
    colours = to_colour(canvas.haematoxylin, canvas.eosin, scene.colours)
    marks = np.zeros((BLOCK // CELL, BLOCK // CELL), np.uint8)
    if ground.reaches("pen", -8):
        _draw_pen(scene, ground, colours, marks)
    if ground.reaches("blur", 0.0):
        colours = _blur(ground, colours, marks)
    nuclei = np.array(canvas.nuclei, np.int32).reshape(-1, 3)
    return Block(np.ascontiguousarray(colours[CORE]), canvas.tissue[CENTRES].copy(), marks, nuclei)


def draw_canvas(scene: Scene, ground: Ground) -> Canvas:
    """Draw the stains of a block and its halo; they match the neighbours near the border."""
    shape = (CANVAS, CANVAS)
    haematoxylin, eosin, tissue = (np.zeros(shape, np.uint8) for _ in range(3))
    canvas = Canvas(ground.left, ground.top, haematoxylin, eosin, tissue)
    if ground.reaches("tissue"):
        _draw_tissue(scene, ground, canvas)
    return canvas


def _draw_tissue(scene: Scene, ground: Ground, canvas: Canvas) -> None:
    dense, blue, loose, angle = ground.texture(scene.textures.stroma, turned=True)
    angle += (ground.field("turn") > 0) * np.uint8(TURN * 256 / math.pi)
    wall, nest, ragged, grain = ground.texture(scene.textures.mosaic)
    fray = (ragged.astype(np.float32) - 128) * 0.45
    inside = ground.field("tissue") + fray > 0
    canvas.tissue[inside] = TissueClass.stroma
    pale = ground.field("loose")
    if ground.reaches("airspace"):
        pale = np.where(ground.field("airspace") > 0, 0, pale)
    canvas.eosin[:] = (dense + (loose - dense.astype(np.float32)) * pale).astype(np.uint8)
    canvas.haematoxylin[:] = blue
    if ground.reaches("atypical"):
        _draw_sheets(scene, ground, canvas, nest, fray)
    if ground.reaches("airspace"):
        _draw_airspace(ground, canvas, wall, fray)
    outside = ~inside
    for image in (canvas.eosin, canvas.haematoxylin, canvas.tissue):
        image[outside] = 0
    if ground.reaches("gland"):
        _draw_glands(scene, ground, canvas, ragged)
    _scatter_cells(scene, ground, canvas, angle)
    _add_grain(canvas, grain)


def _draw_sheets(scene: Scene, ground: Ground, canvas: Canvas, nest: Bytes, fray: Floats) -> None:
    """Draw nests of atypical cells between thin septa, with necrotic centres."""
    eosin, blue, dead_eosin, dead_blue = ground.texture(scene.textures.sheet)
    septum = 7 + 0.12 * fray
    sheet = (ground.field("atypical") + 0.5 * fray > 0) & (nest > septum)
    np.copyto(canvas.eosin, eosin - eosin // 4, where=sheet)
    np.copyto(canvas.haematoxylin, blue - blue // 4, where=sheet)
    canvas.tissue[sheet & (canvas.tissue > 0)] = TissueClass.atypical
    if ground.reaches("necrosis"):
        dead = (ground.field("necrosis") + 0.8 * fray > 0) & (canvas.tissue > 0)
        np.copyto(canvas.eosin, dead_eosin, where=dead)
        np.copyto(canvas.haematoxylin, dead_blue, where=dead)
        canvas.tissue[dead] = TissueClass.necrosis


def _draw_airspace(ground: Ground, canvas: Canvas, wall: Bytes, fray: Floats) -> None:
    """Draw air between thin walls."""
    air = (ground.field("airspace") + 0.3 * fray > 0) & (wall > 6 + 0.06 * fray)
    canvas.eosin[air] = 0
    canvas.haematoxylin[air] = 0
    canvas.tissue[air & (canvas.tissue > 0)] = TissueClass.airspace


def _draw_glands(scene: Scene, ground: Ground, canvas: Canvas, ragged: Bytes) -> None:
    cytoplasm = ground.texture(scene.textures.sheet)[0]
    near = list(glands.glands_near(scene.layout, ground.left, ground.top))
    for gland in near:
        glands.paint(canvas, gland, cytoplasm, ragged)
    for gland in near:
        glands.stamp_nuclei(canvas, gland, scene.bank)


def _scatter_cells(scene: Scene, ground: Ground, canvas: Canvas, angle: Bytes) -> None:
    seed = scene.layout.seed
    inflamed = ground.field("inflamed")
    airy = ground.field("airspace") if ground.reaches("airspace") else None

    def solid(x: cells.Points, y: cells.Points) -> NDArray[np.bool_]:
        return np.ones(x.shape, bool) if airy is None else airy[y, x] <= 0

    chances: list[tuple[cells.Population, cells.Chance]] = [
        (cells.SPINDLE, lambda x, y: 0.6 * solid(x, y)),
        (cells.PLUMP, lambda x, y: 0.5 * solid(x, y)),
        (cells.LYMPHOCYTE, lambda x, y: (0.02 + 0.55 * inflamed[y, x]) * solid(x, y)),
    ]
    if airy is not None:
        chances.append((cells.SEPTAL, lambda x, y: 0.75 * (airy[y, x] > 0)))
    if ground.reaches("atypical"):
        chances += [
            (cells.ATYPICAL, cells.constant(0.95)),
            (cells.INVADER, cells.constant(0.15)),
            (cells.DEBRIS, cells.constant(0.35)),
            (cells.GHOST, cells.constant(0.5)),
        ]
    for population, chance in chances:
        cells.scatter(canvas, scene.bank, population, seed, chance, angle)


def _add_grain(canvas: Canvas, grain: Bytes) -> None:
    """Add the lens's softness, and the sensor's noise on stained pixels."""
    noise = grain.astype(np.int16) - 128
    for image, strength in ((canvas.eosin, 20), (canvas.haematoxylin, 28)):
        soft = np.asarray(Image.fromarray(image).filter(LENS))
        noisy = np.clip(soft + noise // strength, 0, 255).astype(np.uint8)
        np.copyto(image, np.where(soft > 4, noisy, soft))


def _draw_pen(scene: Scene, ground: Ground, colours: Bytes, marks: Bytes) -> None:
    """Draw ink on the cover glass, which absorbs light over everything beneath it."""
    ragged = ground.texture(scene.textures.mosaic)[2].astype(np.float32) - 128
    distance = ground.field("pen") + 0.02 * ragged
    ink = smoothstep(0, 3, distance) * np.clip(0.75 + 0.0025 * ragged, 0.4, 1.1)
    for channel, density in enumerate(INK):
        colours[..., channel] = (colours[..., channel] * np.exp(-density * ink)).astype(np.uint8)
    marks[ink[CENTRES] > 0.3] |= int(MarkKind.pen)


def _blur(ground: Ground, colours: Bytes, marks: Bytes) -> Bytes:
    """Mix each pixel with an out-of-focus picture."""
    weight = ground.field("blur")
    image = Image.fromarray(colours[..., :3])
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(4.5)))
    sharp = colours[..., :3].astype(np.float32)
    mixed = colours.copy()
    mixed[..., :3] = sharp + (soft - sharp) * weight[..., None]
    marks[weight[CENTRES] > 0.5] |= int(MarkKind.blurred)
    return mixed
