"""Phantom beside CMU-1 at equal magnification: `python -m pathviewer.slides.phantom.compare`.

Writes the picture of `docs/phantom.md`. CMU-1-Small-Region is OpenSlide's, CC0 1.0.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import openslide
import typer
from PIL import Image, ImageDraw, ImageFont

from pathviewer.slides.demo_slide import cmu_slide
from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom.ground_truth import CELL, PhantomTruth, TissueClass
from pathviewer.slides.phantom.writer import write_phantom

PANEL = (400, 260)
"""Width and height of one crop, px."""

TITLE = 22
"""Height of the title above a crop, px."""

OUT = Path("docs/images/phantom-beside-cmu1.png")


@dataclass(frozen=True)
class Pair:
    """One row of the picture."""

    real: str
    """Title of the CMU-1 crop."""

    synthetic: str
    """Title of the phantom's crop."""

    x: int
    """Left edge of the crop of CMU-1, level-0 px."""

    y: int
    """Top edge of the crop of CMU-1, level-0 px."""

    tissue: TissueClass
    """Main tissue in the phantom's crop."""

    shrink: int
    """Level-0 px of a 20x scan per px of the picture."""


PAIRS = (
    Pair("dermis, 20x", "stroma, 20x", 1250, 2250, TissueClass.stroma, 1),
    Pair("epidermis, 20x", "glands, 20x", 1050, 780, TissueClass.gland, 1),
    Pair("epidermis and follicle, 20x", "atypical cells, 20x", 1080, 2000, TissueClass.atypical, 1),
    Pair("overview, 5x", "overview, 5x", 300, 900, TissueClass.gland, 4),
)


def main(
    out: Annotated[Path, typer.Option(help="PNG to write.")] = OUT,
    seed: Annotated[int, typer.Option(help="Seed of the phantom.")] = 7,
) -> None:
    """Write the picture; fetches CMU-1 through pip and draws the phantom."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phantom = folder / "phantom.svs"
        truth = write_phantom(phantom, width=5000, height=4000, seed=seed)
        with (
            openslide.OpenSlide(cmu_slide(folder)) as real,
            openslide.OpenSlide(phantom) as synthetic,
        ):
            picture = _picture(real, synthetic, truth)
    out.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(96, dither=Image.Dither.NONE).save(out, optimize=True)
    typer.echo(str(out))


def _picture(
    real: openslide.OpenSlide, synthetic: openslide.OpenSlide, truth: PhantomTruth
) -> Image.Image:
    width, height = PANEL
    picture = Image.new("RGB", (2 * width + 6, len(PAIRS) * (height + TITLE)), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for row, pair in enumerate(PAIRS):
        top = row * (height + TITLE)
        crops = (
            (f"CMU-1: {pair.real}", real, (pair.x, pair.y)),
            (f"phantom: {pair.synthetic}", synthetic, _place(truth, pair)),
        )
        for column, (title, slide, place) in enumerate(crops):
            left = column * (width + 6)
            draw.text((left + 4, top + 3), title, "black", font)
            picture.paste(_crop(slide, place, pair.shrink), (left, top + TITLE))
    return picture


def _crop(slide: openslide.OpenSlide, place: tuple[int, int], shrink: int) -> Image.Image:
    size = (PANEL[0] * shrink, PANEL[1] * shrink)
    return slide.read_region(place, 0, size).convert("RGB").reduce(shrink)


def _place(truth: PhantomTruth, pair: Pair) -> tuple[int, int]:
    """Return the position with most of a tissue, without marks and with little glass."""
    width, height = PANEL[0] * pair.shrink, PANEL[1] * pair.shrink

    def worth(place: tuple[int, int]) -> float:
        region = Region(*place, width, height)
        rows, columns = (
            slice(at // CELL, (at + side) // CELL)
            for at, side in ((place[1], height), (place[0], width))
        )
        marked = float((truth.mark_map[rows, columns] > 0).mean())
        glass = truth.share_of(TissueClass.glass, region)
        return truth.share_of(pair.tissue, region) - 0.5 * glass - 9 * marked

    places = (
        (x, y)
        for y in range(0, truth.height - height, 64)
        for x in range(0, truth.width - width, 64)
    )
    return max(places, key=worth)


if __name__ == "__main__":
    typer.run(main)
