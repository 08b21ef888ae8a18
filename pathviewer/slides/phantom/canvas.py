"""Canvas of one block: two stains and the ground truth, halo included."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides.phantom.ground_truth import NucleusKind
from pathviewer.slides.phantom.layout import BLOCK, CANVAS, HALO
from pathviewer.slides.phantom.sprites import Sprite

Bytes = NDArray[np.uint8]
Area = tuple[slice, slice]


@dataclass(frozen=True)
class Canvas:
    """Images of (CANVAS, CANVAS); canvas (0, 0) is level-0 (`origin_x`, `origin_y`)."""

    origin_x: int
    """Level-0 x of the first column; negative at the slide's left edge."""

    origin_y: int
    """Level-0 y of the first row."""

    haematoxylin: Bytes
    """Hundredths of optical density."""

    eosin: Bytes
    """Hundredths of optical density."""

    tissue: Bytes
    """`TissueClass` of each pixel."""

    nuclei: list[tuple[int, int, int]] = field(default_factory=list)
    """Level-0 x, y and `NucleusKind` of nuclei whose centre is in the block itself."""

    def stamp(self, sprite: Sprite, x: int, y: int, kind: NucleusKind | None) -> None:
        """Draw a nucleus centred on a canvas pixel; recorded in the truth if it has a kind."""
        target, source = _overlap(sprite.haematoxylin.shape[0], x, y)
        blue, pink = self.haematoxylin[target], self.eosin[target]
        np.maximum(blue, sprite.haematoxylin[source], out=blue)
        np.minimum(pink, sprite.eosin[source], out=pink)
        if kind is not None and HALO <= x < HALO + BLOCK and HALO <= y < HALO + BLOCK:
            self.nuclei.append((x + self.origin_x, y + self.origin_y, kind))

    def lay(self, body: Sprite, x: int, y: int) -> None:
        """Draw a cell's body centred on a canvas pixel; the denser of two bodies shows."""
        target, source = _overlap(body.haematoxylin.shape[0], x, y)
        blue, pink = self.haematoxylin[target], self.eosin[target]
        np.maximum(blue, body.haematoxylin[source], out=blue)
        np.maximum(pink, body.eosin[source], out=pink)


def _overlap(side: int, x: int, y: int) -> tuple[Area, Area]:
    """Return the overlap of the canvas with a sprite centred on (x, y), in the frame of each."""
    left, top = x - side // 2, y - side // 2
    right, bottom = min(left + side, CANVAS), min(top + side, CANVAS)
    x0, y0 = max(left, 0), max(top, 0)
    target = (slice(y0, bottom), slice(x0, right))
    return target, (slice(y0 - top, bottom - top), slice(x0 - left, right - left))
