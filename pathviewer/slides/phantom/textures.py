"""Tissue textures of a phantom, made once per seed and packed four bytes to a pixel.

A block reads one packed texture with a single gather and views the result as four images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.hashing import Floats
from pathviewer.slides.phantom.noise import PERIOD, cell_walls, noise, shift_texture, smoothstep

PackedTexture = NDArray[np.uint32]


@dataclass(frozen=True)
class Textures:
    """Packed periodic textures, each flat (PERIOD * PERIOD,) of four bytes."""

    stroma: PackedTexture
    """Eosin and haematoxylin of dense collagen, eosin of loose stroma, fibre angle (0..pi)."""

    sheet: PackedTexture
    """Eosin and haematoxylin of atypical cytoplasm, then of necrosis."""

    mosaic: PackedTexture
    """Wall distance of airspaces (px), of nests (px), ragged noise (128 + 40 sd), fine grain."""


@lru_cache(2)
def make_textures(seed: int) -> Textures:
    """Return all textures of a seed."""
    random = np.random.default_rng([seed, 0x7E])
    return Textures(stroma=_stroma(random), sheet=_sheet(random), mosaic=_mosaic(random, seed))


def _pack(*channels: Floats) -> PackedTexture:
    stacked = np.stack([np.clip(np.rint(each), 0, 255) for each in channels], axis=-1)
    return stacked.astype(np.uint8).view(np.uint32).reshape(-1)


def _stroma(random: np.random.Generator) -> PackedTexture:
    """Return wavy collagen bundles with clefts, and wispy loose stroma, in one wavy direction."""
    bend = 19 * noise(random, 240) + 4.5 * noise(random, 75)
    sway = 6 * noise(random, 120)
    angle = np.arctan2(-np.gradient(bend, axis=1), 1 + np.gradient(bend, axis=0))
    bundle = shift_texture(noise(random, 24, stretch=7), sway, bend)
    strand = shift_texture(noise(random, 7, stretch=10), sway, bend)
    fibril = shift_texture(noise(random, 3.5, stretch=14), sway, bend)
    cleft = shift_texture(noise(random, 22, stretch=4.5, spread=0.8), sway, bend)
    fine = noise(random, 4)
    dense = 72 + 15 * np.tanh(2.5 * bundle) + 8 * strand + 8 * fibril + 3 * fine
    gap = cleft - 0.30 * bundle + 0.25 * strand
    open_ = smoothstep(0.82, 1.0, gap)
    dense += 14 * smoothstep(0.55, 0.85, gap)
    dense = dense * (1 - open_) + open_ * np.clip(2 + 7 * strand, 0, 24)
    wisp = smoothstep(-0.3, 1.3, strand + 0.6 * bundle)
    loose = 10 + 42 * wisp + 2 * fine
    blue = (9 + 6 * noise(random, 60) + 2 * fine + 3 * fibril) * (1 - open_)
    return _pack(dense, blue, loose, (angle % np.pi) * (256 / np.pi))


def _sheet(random: np.random.Generator) -> PackedTexture:
    """Return amphophilic granular cytoplasm, and the smudged ground of necrosis."""
    cloud, granule, fine = noise(random, 70), noise(random, 9), noise(random, 4)
    smudge, blot = noise(random, 45, spread=0.9), noise(random, 14)
    return _pack(
        34 + 5 * cloud + 4 * granule + 3 * fine,
        17 + 4 * cloud + 3 * granule + 2 * fine,
        42 + 10 * np.tanh(smudge) + 8 * np.tanh(cloud) + 6 * blot + 4 * fine,
        9 + 3 * smudge + 3 * granule + 2 * fine,
    )


def _mosaic(random: np.random.Generator, seed: int) -> PackedTexture:
    """Return wall distances and the noises for frayed borders and grain."""
    bend, sway = 14 * noise(random, 150), 14 * noise(random, 150)
    return _pack(
        shift_texture(cell_walls(seed, 71, 5), bend, sway),
        shift_texture(cell_walls(seed, 72, 4), bend, sway),
        128 + 40 * noise(random, 60, spread=0.9),
        128 + 40 * random.standard_normal((PERIOD, PERIOD), dtype=np.float32),
    )
