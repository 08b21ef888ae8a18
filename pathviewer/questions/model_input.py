"""Model input: the selected region, its pixel budget and its picture."""

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
from pathviewer.questions import user_messages
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
"""Bounds of the pixel budget that a request may set."""
LEAST_POINTS = 3
"""Minimum points of an outline."""
NUCLEUS_UM = 7.0
"""Assumed width of a nucleus, µm."""
LEAST_NUCLEUS = 6.0
"""Width of a nucleus in picture pixels below which questions about nuclei get a warning."""
FITTED_MPP = 1.0
"""Microns per picture pixel of a fitted region; a nucleus is then 7 px wide."""
MOST_ENLARGEMENT = 2.0
"""Enlargement of the scan above which a question gets a warning."""
NUCLEUS_TASKS = frozenset({"cellularity", "quadrant", "diagnosis", "tumour", "grade"})
"""Tasks of question_templates.toml that need visible nuclei."""


@dataclass(frozen=True)
class RegionSelection:
    """A region selected in a request."""

    region: Region
    """Level-0 pixels."""
    points: tuple[tuple[float, float], ...]
    """Outline as drawn, level-0 pixels; empty for an upright rectangle."""
    paint_outside: bool
    """Whether pixels outside the outline are painted over."""
    budget: PixelBudget
    """Area of the picture after resizing."""
    corrected: bool
    """Whether colours are corrected to sRGB if the slide has a colour profile."""


class Pictures:
    """Reads selections and makes the pictures that the model sees."""

    def __init__(self, library: SlideLibrary, pool: SlidePool, model_name: str) -> None:
        self._library = library
        self._pool = pool
        self._name = model_name

    @cached_property
    def model(self) -> RegisteredModel:
        """The configured model's registry entry. Raises ModelError if it is unknown."""
        scripted = self._name.startswith(SCRIPT_PREFIX)
        return resolve_model(SCRIPTED_MODEL if scripted else self._name)

    def read_selection(self, body: Mapping[str, Any]) -> RegionSelection:
        """Parse the region of a request. Raises QuestionRefused, RegionError."""
        box = body.get("box")
        if not isinstance(box, dict):
            raise QuestionRefused(user_messages.REGION_MISSING)
        sides = [read_whole_number(box, name, 0, 2**40) for name in ("x", "y", "width", "height")]
        raw_points = body.get("points")
        points = read_points(raw_points) if raw_points else ()
        if points and len(points) < LEAST_POINTS:
            raise QuestionRefused(user_messages.too_few_points(len(points), LEAST_POINTS))
        painted = body.get("paint_outside") is True
        return RegionSelection(
            Region(*sides), points, painted, self._read_budget(body), _wants_correction(body)
        )

    def confirm_identity(self, slide_id: str, expected: object) -> SlideIdentity:
        """Return the slide's identity. Raises SlideChanged if the page saw another one."""
        current = self._library.entry(slide_id).identity
        check_identity(expected, current)
        return current

    def make_picture(
        self, slide_id: str, selection: RegionSelection, account_id: str
    ) -> RegionPicture:
        """Read the region's picture on behalf of an account. Raises SlideError, PromptError."""
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
    """Whether the request wants corrected colours (the default). Raises QuestionRefused."""
    colours = body.get("colours", "corrected")
    if colours not in ("corrected", "raw"):
        raise QuestionRefused(user_messages.colours_unknown(f"{colours!r:.40}"))
    return bool(colours == "corrected")


def read_whole_number(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a whole number of a request. Raises QuestionRefused with its name and bounds."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        value_text = f"{value!r}"[:40]
        raise QuestionRefused(user_messages.not_whole_number(name, least, most, value_text))
    return value


def scale_facts(picture: RegionPicture, task: str | None) -> dict[str, Any]:
    """Return a picture's scale, warnings and fitted region, for the page."""
    mpp = picture.mpp
    warnings = _enlargement_warnings(picture)
    source = None if picture.scale is None else picture.scale.source
    facts: dict[str, Any] = {"mpp": mpp, "mpp_source": source, "warnings": warnings}
    if mpp is None:
        return facts | {"nucleus_px": None, "fit": None}
    nucleus = NUCLEUS_UM / mpp
    if task in NUCLEUS_TASKS and nucleus < LEAST_NUCLEUS:
        warnings.append(user_messages.nuclei_too_small(nucleus, NUCLEUS_UM, LEAST_NUCLEUS))
    fit = _fit_region(picture.region, FITTED_MPP / mpp) if mpp > FITTED_MPP * 1.05 else None
    return facts | {"nucleus_px": nucleus, "fit": fit}


def _enlargement_warnings(picture: RegionPicture) -> list[str]:
    """Warn if the model's minimum budget enlarges a small region too far."""
    region, pixels = picture.region, picture.pixels
    # non-square pixels are always enlarged along their longer side
    enlarged = min(pixels.width / region.width, pixels.height / region.height)
    if enlarged <= MOST_ENLARGEMENT:
        return []
    return [user_messages.region_enlarged(region.width, region.height, enlarged)]


def _fit_region(region: Region, share: float) -> dict[str, int]:
    """Shrink a region about its centre by the factor `share`; level-0 pixels."""
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
    """Paint everything outside an outline (level-0 pixels) in the background colour."""
    across, down = pixels.width / region.width, pixels.height / region.height
    outline = [((x - region.x) * across, (y - region.y) * down) for x, y in points]
    mask = Image.new("L", pixels.size, 0)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return Image.composite(pixels, Image.new("RGB", pixels.size, background), mask)
