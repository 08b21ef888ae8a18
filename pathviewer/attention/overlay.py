"""Overlays: a map over its region, with token grid, colour bar and caption.

The colour map is viridis (see `colour_maps`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.attention import AttentionMap
from models.messages import ImagePlacement
from pathviewer.attention import user_messages
from pathviewer.attention.colour_maps import colour_table

LEAST_PEAK = 2.0
"""Minimum upper end of the colour scale, in even shares; a flat map then looks flat."""

_LONGER_SIDE = 896
"""Longer side of the enlarged picture, pixels."""

_FAINT, _STRONG = 0.25, 0.65
"""Opacity of the lowest and highest values."""

_TEXT, _LINE = 18, 26
_MARGIN, _BAR = 16, 24
_NUMBERS_WIDTH = 64
"""Width of the numbers beside the colour bar; this and the sizes above are in pixels."""


@dataclass(frozen=True)
class DrawableMap:
    """A map of attention or evidence as overlays draw it."""

    placement: ImagePlacement
    """Placement of its cells."""
    values: NDArray[np.float32]
    """(rows, columns): values of the cells; what is negative has the lowest colour."""
    peak: float
    """Value of the highest colour; maps that are compared need the same."""
    marks: tuple[float, ...]
    """Values marked on the colour bar beside 0 and `peak`."""
    shows_place: bool
    """Whether its colours point at a place; if not, they would mislead."""
    lines: tuple[str, ...]
    """Caption; the first line says how far to trust it."""


def drawable_attention(attention: AttentionMap) -> DrawableMap:
    """Return attention as overlays draw it, in even shares: 1 is a share of uniform attention."""
    gains = attention.gains()
    peak = max(LEAST_PEAK, float(gains.max()))
    lines, localised = caption(attention), attention.is_localised
    return DrawableMap(attention.placement, gains, peak, (1.0,), localised, lines)


def render_map(drawable: DrawableMap) -> Image.Image:
    """Render the map alone as RGBA, one pixel per cell."""
    values = np.clip(drawable.values / drawable.peak, 0, 1)
    colours = colour_table()[np.rint(values * 255).astype(np.uint8)]
    opacity = np.rint(255 * (_FAINT + (_STRONG - _FAINT) * values)).astype(np.uint8)
    return Image.fromarray(np.concatenate([colours, opacity[..., None]], axis=-1))


def overlay_png(pixels: Image.Image, drawable: DrawableMap, title: str) -> bytes:
    """Return a PNG of the region under the map, with a colour bar and a caption.

    `pixels` is the region's picture in any size; `title` names the map's tokens.
    """
    picture = draw_overlay(pixels, drawable)
    lines = [title, *drawable.lines]
    font = ImageFont.load_default(_TEXT)
    text = max(int(font.getlength(line)) for line in lines)
    width = _MARGIN * 3 + _BAR + max(picture.width + _NUMBERS_WIDTH, text - _BAR - _MARGIN)
    height = _MARGIN * 3 + picture.height + _LINE * len(lines)
    sheet = Image.new("RGB", (width, height), "white")
    sheet.paste(picture, (_MARGIN, _MARGIN))
    _draw_bar(sheet, _MARGIN * 2 + picture.width, picture.height, drawable)
    for number, line in enumerate(lines):
        place = _MARGIN, _MARGIN * 2 + picture.height + number * _LINE
        ImageDraw.Draw(sheet).text(place, line, fill="black", font=font)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def caption(attention: AttentionMap) -> tuple[str, str]:
    """Return two caption lines of attention: place and image share; kind, grid and caveat."""
    placed = attention.placement
    return (
        user_messages.localisation_caption(attention.is_localised, attention.image_share),
        user_messages.map_caption(attention.relative, placed.columns, placed.rows),
    )


def draw_overlay(pixels: Image.Image, drawable: DrawableMap) -> Image.Image:
    """Draw the enlarged region, undistorted, under its map and the token grid; RGB."""
    box = drawable.placement.box
    scale = _LONGER_SIDE / max(box.width, box.height)
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    picture = pixels.convert("RGB").resize(size, Image.Resampling.BICUBIC).convert("RGBA")
    colours = render_map(drawable).resize(size, Image.Resampling.NEAREST)
    lines = Image.new("RGBA", size)
    draw = ImageDraw.Draw(lines)
    rows, columns = drawable.values.shape
    for column in range(1, columns):
        x = round(column * size[0] / columns)
        draw.line((x, 0, x, size[1]), fill=(255, 255, 255, 90))
    for row in range(1, rows):
        y = round(row * size[1] / rows)
        draw.line((0, y, size[0], y), fill=(255, 255, 255, 90))
    heated = Image.alpha_composite(picture, colours)
    return Image.alpha_composite(heated, lines).convert("RGB")


def _draw_bar(sheet: Image.Image, left: int, height: int, drawable: DrawableMap) -> None:
    """Draw the colour bar with its numbers beside a picture of this height; pixels."""
    bar = Image.fromarray(colour_table()[::-1, None, :]).resize((_BAR, height))
    sheet.paste(bar, (left, _MARGIN))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    for value in (0.0, *drawable.marks, drawable.peak):
        y = _MARGIN + height - round(height * value / drawable.peak)
        top = min(max(y - _TEXT // 2, _MARGIN), _MARGIN + height - _TEXT)
        draw.text((left + _BAR + 6, top), f"{value:.3g}", fill="black", font=font)
