"""From what a page asks about a region to what a model is given, and what it will see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from PIL import Image, ImageDraw

from models.engines.open_engine import SCRIPT_PREFIX
from models.messages import PixelBudget
from models.placement import FACTOR
from models.registry import SCRIPTED_MODEL, RegisteredModel, resolve_model
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.region_picture import RegionPicture, read_slide_picture
from pathviewer.slides.geometry import Region
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.outline import read_points
from pathviewer.slides.served_slide import RequestedSlide
from pathviewer.slides.slide_identity import SlideIdentity, check_identity
from pathviewer.slides.slide_pool import SlidePool

LEAST_PIXELS = FACTOR * FACTOR
MOST_PIXELS = LEAST_PIXELS * 4_096
"""Bounds of a pixel budget that a page may ask for."""
LEAST_POINTS = 3
"""Of an outline."""
NUCLEUS_UM = 7.0
"""Assumed width of a nucleus."""
LEAST_NUCLEUS = 6.0
"""Pixels of a nucleus below which a question about nuclei is warned of."""
FITTED_MPP = 1.0
"""Microns per pixel of the picture to which a region can be fitted: nuclei are 7 px wide then."""
MOST_ENLARGEMENT = 2.0
"""Times as large as it was scanned that a region may be drawn for the model without a warning."""
NUCLEUS_TASKS = frozenset({"cellularity", "quadrant", "diagnosis", "tumour", "grade"})
"""Tasks of question_templates.toml that need nuclei."""


@dataclass(frozen=True)
class RegionSelection:
    """A region as a page chose it."""

    region: Region
    """Level-0 pixels."""
    points: tuple[tuple[float, float], ...]
    """Outline as drawn, level-0 pixels; empty for an upright rectangle."""
    paint_outside: bool
    """Whether what lies outside the outline is painted over."""
    budget: PixelBudget
    """Area of the picture after resizing."""
    corrected: bool
    """Whether colours are corrected to sRGB where the slide has a colour profile."""


class Pictures:
    """Makes what a model will see."""

    def __init__(self, library: SlideLibrary, pool: SlidePool, model_name: str) -> None:
        self._library = library
        self._pool = pool
        self._name = model_name

    @cached_property
    def model(self) -> RegisteredModel:
        """What is known of the settings' model; raises ModelError if it cannot be found."""
        scripted = self._name.startswith(SCRIPT_PREFIX)
        return resolve_model(SCRIPTED_MODEL if scripted else self._name)

    def read_selection(self, body: Mapping[str, Any]) -> RegionSelection:
        """The region of a request. Raises ReadingRefused, RegionError."""
        box = body.get("box")
        if not isinstance(box, dict):
            raise QuestionRefused("Select a region first.")
        sides = [read_whole_number(box, name, 0, 2**40) for name in ("x", "y", "width", "height")]
        raw_points = body.get("points")
        points = read_points(raw_points) if raw_points else ()
        if points and len(points) < LEAST_POINTS:
            raise QuestionRefused(
                f"An outline has at least {LEAST_POINTS} points, this one has {len(points)}."
            )
        painted = body.get("paint_outside") is True
        return RegionSelection(
            Region(*sides), points, painted, self._read_budget(body), _wants_correction(body)
        )

    def confirm_identity(self, slide_id: str, expected: object) -> SlideIdentity:
        """What the slide can be told by; raises SlideChanged where a page saw something else."""
        current = self._library.entry(slide_id).identity
        check_identity(expected, current)
        return current

    def make_picture(
        self, slide_id: str, selection: RegionSelection, account_id: str
    ) -> RegionPicture:
        """The region's pixels, read for an account. Raises SlideError and PromptError."""
        entry = self._library.entry(slide_id)
        slide = RequestedSlide(self._pool.get(entry.id, account_id), account_id, entry.scale)
        picture = read_slide_picture(
            slide, selection.region, selection.budget, corrected=selection.corrected
        )
        if selection.paint_outside and selection.points:
            painted = _paint_outside(
                picture.pixels, selection.region, selection.points, entry.background
            )
            picture = replace(picture, pixels=painted)
        return picture

    def _read_budget(self, body: Mapping[str, Any]) -> PixelBudget:
        budget = self.model.budget
        if body.get("max_pixels") is None:
            return budget
        most = read_whole_number(body, "max_pixels", LEAST_PIXELS, MOST_PIXELS)
        return PixelBudget(min(budget.min_pixels, most), most)


def _wants_correction(body: Mapping[str, Any]) -> bool:
    """Whether colours are to be corrected, as by default. Raises ReadingRefused."""
    colours = body.get("colours", "corrected")
    if colours not in ("corrected", "raw"):
        raise QuestionRefused(f"colours is 'corrected' or 'raw', not {colours!r:.40}.")
    return bool(colours == "corrected")


def read_whole_number(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number of a request; raises ReadingRefused with its name and bounds."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        value_text = f"{value!r}"[:40]
        raise QuestionRefused(
            f"{name} is a whole number from {least:,} to {most:,}, not {value_text}."
        )
    return value


def scale_facts(picture: RegionPicture, task: str | None) -> dict[str, Any]:
    """Scale, warnings and the fitted region of a picture, for the page."""
    mpp = picture.mpp
    warnings = _enlargement_warnings(picture)
    source = None if picture.scale is None else picture.scale.source
    facts: dict[str, Any] = {"mpp": mpp, "mpp_source": source, "warnings": warnings}
    if mpp is None:
        return facts | {"nucleus_px": None, "fit": None}
    nucleus = NUCLEUS_UM / mpp
    if task in NUCLEUS_TASKS and nucleus < LEAST_NUCLEUS:
        warnings.append(
            f"Nuclei will be about {nucleus:.1f} px wide ({NUCLEUS_UM:g} µm assumed); this "
            f"question needs {LEAST_NUCLEUS:g} px. Choose a smaller region or a larger budget."
        )
    fit = _fit_region(picture.region, FITTED_MPP / mpp) if mpp > FITTED_MPP * 1.05 else None
    return facts | {"nucleus_px": nucleus, "fit": fit}


def _enlargement_warnings(picture: RegionPicture) -> list[str]:
    """A sentence where the least budget of a model makes much of a few pixels of the scan."""
    region, pixels = picture.region, picture.pixels
    # oblong pixels are always enlarged along their longer side
    enlarged = min(pixels.width / region.width, pixels.height / region.height)
    if enlarged <= MOST_ENLARGEMENT:
        return []
    return [
        f"The region has only {region.width} × {region.height} px of the scan, drawn "
        f"{enlarged:.0f} times as large for the model: there is little to see. Choose a larger "
        "region."
    ]


def _fit_region(region: Region, share: float) -> dict[str, int]:
    """The region shrunk about its centre, sides times `share`."""
    width, height = (max(1, round(side * share)) for side in (region.width, region.height))
    x = region.x + (region.width - width) // 2
    y = region.y + (region.height - height) // 2
    return {"x": x, "y": y, "width": width, "height": height}


def _paint_outside(
    pixels: Image.Image,
    region: Region,
    points: Sequence[tuple[float, float]],
    background: tuple[int, int, int],
) -> Image.Image:
    """The picture with the outside of an outline in one colour."""
    across, down = pixels.width / region.width, pixels.height / region.height
    outline = [((x - region.x) * across, (y - region.y) * down) for x, y in points]
    mask = Image.new("L", pixels.size, 0)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return Image.composite(pixels, Image.new("RGB", pixels.size, background), mask)
