"""Sprites of nuclei, drawn once per seed and stamped at each nucleus."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.hashing import Floats
from pathviewer.slides.phantom.noise import smoothstep

ANGLES = 16
"""Directions, over half a turn, in which an elongated nucleus is drawn."""


@dataclass(frozen=True)
class Sprite:
    """A small picture of a nucleus or a cell body."""

    haematoxylin: NDArray[np.uint8]
    """(side, side) least haematoxylin, hundredths of optical density."""

    eosin: NDArray[np.uint8]
    """(side, side) hundredths of optical density: for a nucleus, the most eosin (255 for no limit);
    for a cell body, the least."""


@dataclass(frozen=True)
class NucleusLook:
    """Variation of the nuclei of one kind; lengths are half axes in level-0 px."""

    long: tuple[float, float]
    """Least and greatest half length."""

    slim: tuple[float, float]
    """Least and greatest half width as a share of the half length."""

    dark: tuple[float, float]
    """Least and greatest haematoxylin, hundredths of optical density."""

    eosin: float = 12.0
    """Eosin left inside, hundredths of optical density."""

    clump: float = 0.12
    """Strength of the chromatin's clumps, as a share of `dark`."""

    bumps: float = 0.04
    """Irregularity of the outline, as a share of the radius."""

    rim: float = 0.12
    """Extra darkness of the membrane, as a share of `dark`."""

    nucleoli: float = 0.0
    """Probability of each of two nucleoli."""


LOOKS = {
    "spindle": NucleusLook((10, 17), (0.16, 0.28), (170, 225), clump=0.08, bumps=0.06),
    "oval": NucleusLook((6.5, 9.0), (0.5, 0.8), (135, 195), clump=0.14, nucleoli=0.2),
    "lymphocyte": NucleusLook((5.4, 7.0), (0.8, 1.0), (195, 240), clump=0.10, rim=0.03, bumps=0.03),
    "columnar": NucleusLook((8.5, 11.5), (0.40, 0.54), (150, 210), clump=0.11, nucleoli=0.15),
    "atypical": NucleusLook(
        (8.5, 16.5), (0.58, 0.92), (105, 220), clump=0.17, bumps=0.045, rim=0.16, nucleoli=0.6
    ),
    "pyknotic": NucleusLook((1.6, 4.4), (0.6, 1.0), (130, 200), eosin=25, bumps=0.15),
    "ghost": NucleusLook((7, 11), (0.6, 0.95), (22, 36), eosin=60, clump=0.2, bumps=0.08),
}

BODIES = 48
"""Number of cell bodies."""

VARIANTS = 10
"""Number of nuclei of each look in each direction."""


@dataclass(frozen=True)
class Bank:
    """All sprites of one seed."""

    nuclei: dict[str, list[list[Sprite]]]
    """By look: the variants for each of `ANGLES` directions."""

    bodies: list[Sprite]
    """Cytoplasm of single atypical cells, drawn over the paler ground between them."""


@lru_cache(2)
def make_sprites(seed: int) -> Bank:
    """Draw every look in every direction, and the bodies."""
    random = np.random.default_rng([seed, 0x5B])
    nuclei = {
        name: [
            [_draw(look, turn * math.pi / ANGLES, random) for _ in range(VARIANTS)]
            for turn in range(ANGLES)
        ]
        for name, look in LOOKS.items()
    }
    return Bank(nuclei, [_body(random) for _ in range(BODIES)])


def _body(random: np.random.Generator) -> Sprite:
    size = random.uniform(15, 20)
    half = math.ceil(size * 1.25)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    radius = np.hypot(x, y * random.uniform(1, 1.25)) / size / _outline(x, y, 0.06, random)
    inside = smoothstep(1.02, 0.88, radius) * (0.90 + 0.14 * radius + 0.05 * _clumps(half, random))
    blue, pink = random.uniform(20, 42), random.uniform(38, 58)
    return Sprite((blue * inside).astype(np.uint8), (pink * inside).astype(np.uint8))


def _draw(look: NucleusLook, angle: float, random: np.random.Generator) -> Sprite:
    long = random.uniform(*look.long)
    slim = long * random.uniform(*look.slim)
    half = math.ceil(long * (1 + 2 * look.bumps)) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    x, y = x + random.uniform(-0.5, 0.5), y + random.uniform(-0.5, 0.5)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    radius = np.hypot(along / long, across / slim) / _outline(along, across, look.bumps, random)
    edge = 1.3 / max(slim, 1.5)
    inside = smoothstep(1 + edge / 2, 1 - edge, radius)
    dark = random.uniform(*look.dark)
    shade = 1 + look.clump * _clumps(half, random) + look.rim * _membrane(radius, slim)
    for _ in range(2):
        if random.random() < look.nucleoli:
            shade += _nucleolus(x, y, slim, random)
    amount = np.clip(dark * shade, 0, 250) * inside
    cap = look.eosin + (255 - look.eosin) * (1 - inside) ** 2
    return Sprite(amount.astype(np.uint8), np.clip(cap, 0, 255).astype(np.uint8))


def _outline(along: Floats, across: Floats, bumps: float, random: np.random.Generator) -> Floats:
    """Return the radius of the outline, about 1, in each pixel's direction."""
    turn = np.arctan2(across, along)
    radius = np.ones_like(turn)
    for waves in (2, 3, 4, 5):
        strength = random.normal(0, bumps / math.sqrt(waves - 1))
        radius += strength * np.cos(waves * turn + random.uniform(0, 2 * math.pi))
    return radius


def _clumps(half: int, random: np.random.Generator) -> Floats:
    """Return chromatin: noise of about 3 px, mean 0 and variance 1."""
    side = 2 * half + 1
    grain = random.standard_normal((side + 4, side + 4)).astype(np.float32)
    for axis in (0, 1):
        grain = sum(np.roll(grain, step, axis) for step in (-1, 0, 1))  # type: ignore[assignment]
    cut = grain[2:-2, 2:-2]
    scaled: Floats = cut / cut.std()
    return scaled


def _membrane(radius: Floats, slim: float) -> Floats:
    """Return the strength of the membrane, greatest just inside the outline."""
    ring: Floats = np.exp(-(((radius - 1 + 1.6 / slim) * slim / 1.6) ** 2)).astype(np.float32)
    return ring


def _nucleolus(x: Floats, y: Floats, slim: float, random: np.random.Generator) -> Floats:
    """Return a dark round body of about 1 um, off centre."""
    centre_x, centre_y = random.uniform(-0.4, 0.4, 2) * slim
    size = random.uniform(1.6, 2.8)
    spot: Floats = 0.55 * smoothstep(size + 0.8, size - 0.8, np.hypot(x - centre_x, y - centre_y))
    return spot
