"""Regions of phantoms with one quadrant that clearly holds most nuclei, and where these are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.items import EvaluationItem
from models.training.data.tiles import QUADRANTS
from models.training.specimen.measures import clear_quadrant, derive_facts, measure
from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom import PhantomTruth, TissueClass, write_phantom
from pathviewer.slides.slide import Slide

SIDE = 224
"""Side of a region's picture, px, at 1 um per pixel."""
SLIDE_SIDE = 2048
"""Side of a phantom, level-0 px."""
FIRST_SEED = 900_000
"""Seed of the first phantom; `train data phantom` uses smaller ones."""
FEWEST_NUCLEI = 12
"""Fewest nuclei of the fullest quadrant."""
MOST_GLASS = 0.6
"""Largest share of glass."""
TRIES = 400
"""Places tried on one phantom."""


@dataclass(frozen=True)
class PhantomRegion:
    """A region, the question about it, and the evidence for the answer."""

    item: EvaluationItem
    """The question which quadrant has most nuclei; its group is the phantom."""
    nuclei: NDArray[np.float64]
    """(nuclei, 2): x and y of each nucleus as shares of the region's side, 0 to 1."""

    def evidence(self, rows: int, columns: int) -> NDArray[np.float32]:
        """(rows, columns): nuclei in each cell of the right quadrant; 0 elsewhere."""
        counts = np.zeros((rows, columns), np.float32)
        across, down = (self.nuclei * (columns, rows)).astype(int).T
        np.add.at(counts, (np.clip(down, 0, rows - 1), np.clip(across, 0, columns - 1)), 1)
        vertical, horizontal = self.item.gold.split()
        counts[rows // 2 :] *= vertical == "lower"
        counts[: rows // 2] *= vertical == "upper"
        counts[:, columns // 2 :] *= horizontal == "right"
        counts[:, : columns // 2] *= horizontal == "left"
        return counts


def draw_regions(folder: Path, slides: int, per_slide: int) -> Iterator[PhantomRegion]:
    """Yield regions of `slides` phantoms, at most `per_slide` of each; pictures go into `folder`.

    The same numbers draw the same regions.
    """
    for seed in range(FIRST_SEED, FIRST_SEED + slides):
        path = folder / f"{seed}.tiff"
        truth = write_phantom(path, width=SLIDE_SIDE, height=SLIDE_SIDE, seed=seed, workers=1)
        slide = Slide(path, str(seed))
        draw = random.Random(seed)
        found = 0
        for _ in range(TRIES):
            region = _draw_place(truth, draw)
            place = None if region is None else _read_region(slide, truth, region, folder, draw)
            if place is not None:
                yield place
                found += 1
            if found == per_slide:
                break
        slide.close()
        path.unlink()


def _draw_place(truth: PhantomTruth, draw: random.Random) -> Region | None:
    """Draw a random place; None if it is mostly glass, marked, or without a clear quadrant."""
    side = round(SIDE / truth.mpp)
    region = Region(
        draw.randrange(truth.width - side), draw.randrange(truth.height - side), side, side
    )
    steps = range(0, side, 32)
    marked = any(truth.marks_at(region.x + x, region.y + y) for x in steps for y in steps)
    if marked or truth.share_of(TissueClass.glass, region) > MOST_GLASS:
        return None
    counts = _count_nuclei(truth, region)
    clear = clear_quadrant(counts) is not None and max(counts.values()) >= FEWEST_NUCLEI
    return region if clear else None


def _read_region(
    slide: Slide, truth: PhantomTruth, region: Region, folder: Path, draw: random.Random
) -> PhantomRegion | None:
    """Read a region; None if the picture itself does not show what the truth says."""
    picture = slide.read_region(region, SIDE * SIDE).resize((SIDE, SIDE))
    counts = _count_nuclei(truth, region)
    facts = derive_facts(measure(np.asarray(picture)), quadrants=counts)
    quadrant = facts.nominal("most nuclei")
    if quadrant is None or (facts.nominal("tissue"), facts.nominal("focus")) != (
        "present",
        "sharp",
    ):
        return None
    name = f"{truth.seed}-{region.x}-{region.y}"
    image = folder / f"{name}.png"
    picture.save(image)
    item = EvaluationItem(
        id=name,
        image=image,
        question="Which quadrant has most nuclei?",
        gold=quadrant,
        options=tuple(draw.sample(QUADRANTS, len(QUADRANTS))),
        group=str(truth.seed),
        question_type="quadrant",
        facts={claim: list(values) for claim, values in facts.claims.items()},
    )
    centres = truth.nuclei_in(region)[:, :2] - (region.x, region.y)
    return PhantomRegion(item, centres / region.width)


def _count_nuclei(truth: PhantomTruth, region: Region) -> dict[str, int]:
    """Count the nuclei whose centre is in each quarter of a level-0 region."""
    half = region.width // 2
    corners = [(region.x + right, region.y + down) for down in (0, half) for right in (0, half)]
    counts = (len(truth.nuclei_in(Region(x, y, half, half))) for x, y in corners)
    return dict(zip(QUADRANTS, counts, strict=True))
