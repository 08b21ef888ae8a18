"""Tiles of phantom slides with the true number of nuclei in each quadrant."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.training.data.splits import choose_splits
from models.training.data.tiles import QUADRANTS, Tile, empty_folder, save_tile, write_manifest
from models.training.specimen.measures import clear_quadrant
from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom import PhantomTruth, TissueClass, write_phantom
from pathviewer.slides.slide import Slide

SIDE = 224
"""Side of a tile, px."""
SLIDE_SIDE = 3072
"""Side of a phantom, level-0 px: 1.5 mm."""
PER_SLIDE = 25
"""Tiles per phantom."""
SCALES = (1.0,) * 14 + (0.5,) * 3 + (2.0,) * 3
"""Microns per pixel of a tile; one is drawn at random."""
MOST_GLASS = 0.6
"""Largest share of glass in a tile; empty tiles are made elsewhere."""


@dataclass(frozen=True)
class _Candidate:
    """A possible tile."""

    region: Region
    """Level-0 px."""
    counts: dict[str, int]
    """Nuclei by quadrant."""


def write_phantom_tiles(
    out: Path, *, count: int, seed: int, progress: Callable[[int], None] | None = None
) -> list[Tile]:
    """Write `count` tiles from as many phantoms as needed, and their manifest.

    Splits are disjoint by phantom. `progress` receives the number of new tiles. Raises DataError if
    `out` is not empty, OSError if writing fails.
    """
    empty_folder(out)
    seeds = [seed * 10_000 + number for number in range(-(-count // PER_SLIDE))]
    splits = choose_splits({_group(one): "phantom" for one in seeds}, seed=seed)
    tiles: list[Tile] = []
    for one in seeds:
        wanted = min(PER_SLIDE, count - len(tiles))
        tiles += phantom_slide_tiles(out, one, splits[_group(one)], wanted)
        if progress is not None:
            progress(wanted)
        write_manifest(out, tiles)
    return tiles


def _group(seed: int) -> str:
    return f"phantom-{seed}"


def phantom_slide_tiles(
    out: Path, seed: int, split: str, wanted: int, *, side: int = SLIDE_SIDE
) -> Iterator[Tile]:
    """Yield tiles of one phantom of `side` level-0 px, which is drawn, cut and deleted."""
    folder = out / _group(seed)
    folder.mkdir()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "phantom.tiff"
        truth = write_phantom(path, width=side, height=side, seed=seed, workers=1)
        slide = Slide(path, _group(seed))
        for number, place in enumerate(_places(truth, seed, wanted)):
            picture = slide.read_region(place.region, SIDE * SIDE)
            if picture.size != (SIDE, SIDE):  # tiles finer than level 0 are read smaller
                picture = picture.resize((SIDE, SIDE))
            file = folder / f"{number:02d}.jpg"
            save_tile(picture, file)
            yield Tile(file, "phantom", _group(seed), split, "phantom", place.counts)
        slide.close()


def _places(truth: PhantomTruth, seed: int, wanted: int) -> list[_Candidate]:
    """Choose places for tiles: half with a clear quadrant, balanced over quadrants."""
    draw = random.Random(f"tiles of {seed}")  # noqa: S311
    candidates = [
        place for _ in range(wanted * 8) if (place := _candidate(truth, draw)) is not None
    ]
    clear: dict[str, list[_Candidate]] = {name: [] for name in QUADRANTS}
    for place in candidates:
        best = clear_quadrant(place.counts)
        if best is not None:
            clear[best].append(place)
    turns = max((len(places) for places in clear.values()), default=0)
    in_turn = [clear[name][i] for i in range(turns) for name in QUADRANTS if i < len(clear[name])]
    chosen = in_turn[: wanted // 2]
    taken = {id(place) for place in chosen}
    rest = [place for place in candidates if id(place) not in taken]
    return (chosen + rest)[:wanted]


def _candidate(truth: PhantomTruth, draw: random.Random) -> _Candidate | None:
    """Draw a random place; None if it is mostly glass or has a pen mark or blur."""
    side = round(SIDE * draw.choice(SCALES) / truth.mpp)
    region = Region(
        draw.randrange(truth.width - side), draw.randrange(truth.height - side), side, side
    )
    cells = [
        (x, y)
        for x in range(region.x, region.x + side, 32)
        for y in range(region.y, region.y + side, 32)
    ]
    marked = any(truth.marks_at(x, y) for x, y in cells)
    if marked or truth.share_of(TissueClass.glass, region) > MOST_GLASS:
        return None
    return _Candidate(region, _quadrant_counts(truth, region))


def _quadrant_counts(truth: PhantomTruth, region: Region) -> dict[str, int]:
    """Count the nuclei whose centre is in each quarter of a level-0 region."""
    half = region.width // 2
    corners = [(region.x + right, region.y + down) for down in (0, half) for right in (0, half)]
    counts = (len(truth.nuclei_in(Region(x, y, half, half))) for x, y in corners)
    return dict(zip(QUADRANTS, counts, strict=True))
