"""Model input: the requested region, its pixel budget and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from PIL import Image, ImageDraw

from models.engines.open_engine import SCRIPT_PREFIX
from models.messages import PixelBudget
from models.registry import SCRIPTED_MODEL, RegisteredModel, resolve_model
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.region_picture import (
    RegionPicture,
    model_picture_size,
    read_slide_picture,
)
from pathviewer.questions.request import RegionRequest
from pathviewer.slides.geometry import Region, check_inside
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.served_slide import RequestedSlide
from pathviewer.slides.slide_identity import SlideIdentity, check_identity
from pathviewer.slides.slide_pool import SlidePool

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


def find_model(name: str) -> RegisteredModel:
    """Return a model's registry entry, also of a script. Raises ModelError."""
    return resolve_model(SCRIPTED_MODEL if name.startswith(SCRIPT_PREFIX) else name)


class Pictures:
    """Checks requested regions and makes the pictures that the model sees."""

    def __init__(self, library: SlideLibrary, pool: SlidePool, model_name: str) -> None:
        self._library = library
        self._pool = pool
        self._name = model_name

    @cached_property
    def model(self) -> RegisteredModel:
        """The configured model's registry entry. Raises ModelError if it is unknown."""
        return find_model(self._name)

    def budget(self, request: RegionRequest) -> PixelBudget:
        """Return the area of the request's picture after resizing."""
        return fit_budget(self.model.budget, request.max_pixels)

    def check_region(self, slide_id: str, request: RegionRequest) -> tuple[int, int]:
        """Return (width, height) of the request's picture, px, without reading a pixel.

        Raises QuestionRefused, SlideError or PromptError for a region that cannot be shown.
        """
        if request.points and len(request.points) < LEAST_POINTS:
            raise QuestionRefused(user_messages.too_few_points(len(request.points), LEAST_POINTS))
        entry, region = self._library.entry(slide_id), request.box.region
        check_inside(region, entry.width, entry.height)
        return model_picture_size(region, entry.scale, self.budget(request))

    def confirm_identity(self, slide_id: str, expected: SlideIdentity | None) -> SlideIdentity:
        """Return the slide's identity. Raises SlideChanged if the caller saw another one."""
        current = self._library.entry(slide_id).identity
        check_identity(expected, current)
        return current

    def make_picture(self, slide_id: str, request: RegionRequest, account_id: str) -> RegionPicture:
        """Read the region's picture on behalf of an account. Raises SlideError, PromptError."""
        entry, region = self._library.entry(slide_id), request.box.region
        slide = RequestedSlide(self._pool.get(entry.id, account_id), account_id, entry.scale)
        corrected = request.colours == "corrected"
        picture = read_slide_picture(slide, region, self.budget(request), corrected=corrected)
        if request.paint_outside and request.points:
            painted = _paint_outside(picture.pixels, region, request.points, entry.background)
            picture = replace(picture, pixels=painted)
        return picture


def fit_budget(model_budget: PixelBudget, most: int | None) -> PixelBudget:
    """Return a model's own budget with another maximum, px; unchanged for None."""
    if most is None:
        return model_budget
    return PixelBudget(min(model_budget.min_pixels, most), most)


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
