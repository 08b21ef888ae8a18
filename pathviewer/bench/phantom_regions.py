"""Regions of phantoms, whose nuclei are known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from models.training.data.tiles import QUADRANTS
from models.training.specimen.measures import clear_quadrant
from pathviewer.bench.known_regions import SIDE, KnownRegion, ask_for_quadrant
from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom import PhantomTruth, TissueClass, write_phantom
from pathviewer.slides.slide import Slide

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


def draw_regions(folder: Path, slides: int, per_slide: int) -> Iterator[KnownRegion]:
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
    side = round(SIDE / truth.mpp)  # 1 um per pixel of the picture
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
) -> KnownRegion | None:
    """Read a region; None if the picture itself does not show what the truth says."""
    picture = slide.read_region(region, SIDE * SIDE).resize((SIDE, SIDE))
    item = ask_for_quadrant(
        picture,
        _count_nuclei(truth, region),
        folder / f"{truth.seed}-{region.x}-{region.y}.png",
        str(truth.seed),
        draw.sample(QUADRANTS, len(QUADRANTS)),
    )
    if item is None:
        return None
    centres = truth.nuclei_in(region)[:, :2] - (region.x, region.y)
    return KnownRegion(item, centres / region.width)


def _count_nuclei(truth: PhantomTruth, region: Region) -> dict[str, int]:
    """Count the nuclei whose centre is in each quarter of a level-0 region."""
    half = region.width // 2
    corners = [(region.x + right, region.y + down) for down in (0, half) for right in (0, half)]
    counts = (len(truth.nuclei_in(Region(x, y, half, half))) for x, y in corners)
    return dict(zip(QUADRANTS, counts, strict=True))
