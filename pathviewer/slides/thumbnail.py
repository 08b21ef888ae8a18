"""A slide as one small picture, put together from tiles that the viewer asks for as well."""

from __future__ import annotations

from PIL import Image

from pathviewer.slides.tiles import TileSource


def thumbnail(source: TileSource, size: int) -> Image.Image:
    """The whole slide as RGB, its longer side at most `size` pixels and never enlarged.

    Grey stripes stand for tiles that cannot be read. Raises TileDamaged if none can be, and
    SlideGone.
    """
    finest = source.levels[0]
    scale = min(1.0, size / max(finest.width, finest.height))
    shape = max(1, round(finest.width * scale)), max(1, round(finest.height * scale))
    large = [i for i, level in enumerate(source.levels) if max(level.width, level.height) >= size]
    index = max(large, default=0)
    level = source.levels[index]
    whole = source.joined(index, range(level.columns), range(level.rows))
    return Image.fromarray(whole.pixels).resize(shape, Image.Resampling.LANCZOS)
