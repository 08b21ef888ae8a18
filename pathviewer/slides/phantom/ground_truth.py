"""Ground truth of a phantom slide: class map, marks and nuclei, in level-0 pixels."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathviewer.slides import user_messages
from pathviewer.slides.geometry import Region

CELL = 16
"""Side of a cell of the class map, level-0 px."""


class TissueClass(IntEnum):
    """Tissue at the centre of a class map cell."""

    glass = 0
    stroma = 1
    gland = 2
    lumen = 3
    atypical = 4
    necrosis = 5
    airspace = 6


class MarkKind(IntFlag):
    """Marks over the tissue; bits, because a pen stroke may be out of focus."""

    pen = 1
    blurred = 2


class NucleusKind(IntEnum):
    """Kind of cell that a nucleus belongs to."""

    stromal = 0
    lymphocyte = 1
    gland = 2
    atypical = 3
    septal = 4


@dataclass(frozen=True)
class PhantomTruth:
    """Ground truth of one phantom slide."""

    width: int
    """Level-0 px."""

    height: int
    """Level-0 px."""

    mpp: float
    """Microns per level-0 pixel."""

    seed: int
    """Seed that, with the size, reproduces this slide."""

    class_map: NDArray[np.uint8]
    """(rows, columns) `TissueClass` at the centre of each cell of `CELL` level-0 px."""

    mark_map: NDArray[np.uint8]
    """(rows, columns) `MarkKind` bits of the same cells."""

    nuclei: NDArray[np.int32]
    """(nuclei, 3): x, y of the centre in level-0 px, `NucleusKind`."""

    def class_at(self, x: int, y: int) -> TissueClass:
        """Return the class of the cell at a level-0 pixel; `IndexError` outside the slide."""
        self._check(x, y)
        return TissueClass(int(self.class_map[y // CELL, x // CELL]))

    def marks_at(self, x: int, y: int) -> MarkKind:
        """Return the marks over the cell at a level-0 pixel; `IndexError` outside the slide."""
        self._check(x, y)
        return MarkKind(int(self.mark_map[y // CELL, x // CELL]))

    def nuclei_in(self, region: Region) -> NDArray[np.int32]:
        """Return the rows of `nuclei` whose centre is in a level-0 region."""
        x, y = self.nuclei[:, 0], self.nuclei[:, 1]
        across = (x >= region.x) & (x < region.x + region.width)
        return self.nuclei[across & (y >= region.y) & (y < region.y + region.height)]

    def share_of(self, tissue: TissueClass, region: Region) -> float:
        """Return the share of a level-0 region's cells of a class, 0 to 1; 0 if it covers none."""
        rows = slice(region.y // CELL, -(-(region.y + region.height) // CELL))
        columns = slice(region.x // CELL, -(-(region.x + region.width) // CELL))
        cells = self.class_map[rows, columns]
        return float((cells == tissue).mean()) if cells.size else 0.0

    def save(self, slide: Path) -> None:
        """Write `NAME.truth.json` and `NAME.truth.npz` beside a slide."""
        about = {
            "format": "pathviewer-phantom-truth/1",
            "width": self.width,
            "height": self.height,
            "mpp": self.mpp,
            "seed": self.seed,
            "cell": CELL,
            "classes": [each.name for each in TissueClass],
            "marks": {str(each.name): each.value for each in MarkKind},
            "nucleus_kinds": [each.name for each in NucleusKind],
            "nuclei": len(self.nuclei),
            "arrays": _truth_path(slide, ".npz").name,
        }
        np.savez_compressed(
            _truth_path(slide, ".npz"),
            class_map=self.class_map,
            mark_map=self.mark_map,
            nuclei=self.nuclei,
        )
        _truth_path(slide, ".json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    def _check(self, x: int, y: int) -> None:
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise IndexError(user_messages.outside_phantom(x, y, self.width, self.height))


def load_truth(slide: Path) -> PhantomTruth:
    """Return the truth stored beside a phantom slide; `ValueError` if it is missing or damaged."""
    try:
        about = json.loads(_truth_path(slide, ".json").read_text(encoding="utf-8"))
        with np.load(_truth_path(slide, ".npz"), allow_pickle=False) as arrays:
            return PhantomTruth(
                width=about["width"],
                height=about["height"],
                mpp=about["mpp"],
                seed=about["seed"],
                class_map=arrays["class_map"],
                mark_map=arrays["mark_map"],
                nuclei=arrays["nuclei"],
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as problem:
        raise ValueError(user_messages.truth_unreadable(slide.name)) from problem


def _truth_path(slide: Path, suffix: str) -> Path:
    return slide.with_name(f"{slide.stem}.truth{suffix}")
