"""Tokens, attention and visibility in the scripted engine."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import ImageChops, ImageFilter

from models.engines.scripted.script import AttendedPassage
from models.messages import Box, ImagePlacement, Prompt, PromptImage
from models.pictures import open_picture
from models.placement import cells_in_box, token_columns

LAYERS = 4
"""Layers reported; the first attends evenly, the last only where the script says."""
IDLE_SHARE = 0.1
"""Attention share on the pictures, spread evenly, for tokens not in the script."""
AROUND = 8
"""Radius of what a pixel is compared with, px; smaller than what a deletion check blurs over."""
LEAST_STEP = 4
"""Difference from its surroundings above which a pixel stands out, of 255."""

_TOKENS = re.compile(r"</?\w+>|\s*\w+|\s*[^\w\s<]|\s+|<")


def split_tokens(text: str) -> list[str]:
    """Split text into pieces about as long as a tokenizer's, losing nothing."""
    return _TOKENS.findall(text)


def token_ids(tokens: Sequence[str]) -> tuple[int, ...]:
    """Ids for tokens, the same for the same text."""
    return tuple(zlib.crc32(token.encode("utf-8", "surrogatepass")) for token in tokens)


def token_ends(tokens: Sequence[str]) -> tuple[int, ...]:
    """Number of characters complete with each token."""
    return tuple(np.cumsum([len(token) for token in tokens], dtype=int).tolist())


def rows(
    placements: Sequence[ImagePlacement],
    passages: Sequence[AttendedPassage],
    text: str,
    tokens: Sequence[str],
) -> NDArray[np.float32]:
    """(tokens, LAYERS, picture tokens): attention rows according to the script."""
    columns = sum(placement.tokens for placement in placements)
    row_shares = np.full((len(tokens), LAYERS, columns), IDLE_SHARE / max(columns, 1), np.float32)
    ends = np.array(token_ends(tokens), int)
    for look in passages:
        start = text.find(look.words)
        if start < 0 or look.picture >= len(placements):
            continue
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        of_passage = (starts < start + len(look.words)) & (ends > start)
        row_shares[of_passage] = _look_at_area(placements, look, columns)
    return row_shares


def _look_at_area(
    placements: Sequence[ImagePlacement], passage: AttendedPassage, columns: int
) -> NDArray[np.float32]:
    """(LAYERS, picture tokens): from even in the first layer to only the area in the last."""
    placement = placements[passage.picture]
    area = np.zeros(columns, np.float32)
    box = _part(placement.box, passage.area)
    area[token_columns(placements, passage.picture)] = cells_in_box(placement, box).ravel()
    area /= max(float(area.sum()), 1.0)
    focus = np.linspace(0, 1, LAYERS, dtype=np.float32)[:, None]
    looking = passage.share * (focus * area + (1 - focus) / columns)
    return looking.astype(np.float32)


def _part(box: Box, area: tuple[float, float, float, float]) -> Box:
    """Part of a box, given as shares of it."""
    left_edge, top, width, height = area
    return Box(
        box.x + left_edge * box.width,
        box.y + top * box.height,
        width * box.width,
        height * box.height,
    )


def visible_share(prompt: Prompt, passages: Sequence[AttendedPassage]) -> float:
    """How much the picture shows where the script looks, 0 to 1; 0 for a plain or blurred area.

    It is the share of pixels that stand out from those around them, averaged over areas.
    """
    seen = [
        _detail(prompt.images[look.picture], look.area)
        for look in passages
        if look.picture < len(prompt.images)
    ]
    return float(np.mean(seen)) if seen else 1.0


def _detail(image: PromptImage, area: tuple[float, float, float, float]) -> float:
    """Share of an area's pixels that stand out from the mean of those around them."""
    picture = open_picture(image.data)
    part = _part(Box(0, 0, *picture.size), area)
    corners = (part.x, part.y, part.x + part.width, part.y + part.height)
    left, top, right, bottom = (round(corner) for corner in corners)
    cut = picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    around = cut.filter(ImageFilter.BoxBlur(AROUND))
    return float((np.asarray(ImageChops.difference(cut, around)).max(2) > LEAST_STEP).mean())
