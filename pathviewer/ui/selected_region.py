"""Panel of the selected region; Python computes its figures from exact level-0 values."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

import gradio as gr

from pathviewer.settings import Settings
from pathviewer.slides.errors import RegionError, SlideError
from pathviewer.slides.outline import (
    Outline,
    area,
    bounding_box,
    check_outline,
    is_shape,
    read_points,
    side_lengths,
)
from pathviewer.slides.scale import PixelSize, SlideScale
from pathviewer.ui import user_messages
from pathviewer.ui.panel import panel

NO_SELECTION: dict[str, Any] = {}
"""Value of the panel without a selected region."""


class SlideFacts(Protocol):
    """A slide's facts that the panel needs."""

    @property
    def width(self) -> int:
        """Width in level-0 pixels."""

    @property
    def height(self) -> int:
        """Height in level-0 pixels."""

    @property
    def scale(self) -> SlideScale:
        """The scale in use and its source."""


class SlideCatalogue(Protocol):
    """Catalogue of slides, such as the slide library."""

    def entry(self, slide_id: str, /) -> SlideFacts:
        """Return a slide's facts. Raises `SlideError` for an unknown id."""


def selected_region(settings: Settings) -> gr.HTML:
    """Return the panel, empty until `describe_selection` fills it."""
    return panel(settings, "regions/selected_region.js", "pv-selected-region", value=NO_SELECTION)


def describe_selection(canvas: gr.HTML, target: gr.HTML, library: SlideCatalogue) -> None:
    """Fill the panel `target` whenever the selection in `canvas` changes."""

    def describe(event: gr.EventData) -> dict[str, Any]:
        selection = event._data if isinstance(event._data, dict) else {}
        slide, region = selection.get("slide"), selection.get("region")
        if not isinstance(slide, str) or not isinstance(region, dict) or not slide or not region:
            return NO_SELECTION
        try:
            return describe_region(library.entry(slide), region)
        except SlideError as error:
            return {"title": user_messages.REGION_NOT_USABLE, "rows": [], "notes": [str(error)]}

    canvas.select(
        describe,
        outputs=target,
        queue=False,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )


def describe_region(slide: SlideFacts, region: dict[str, Any]) -> dict[str, Any]:
    """Return title, rows (label, value) and notes of a region from the viewer.

    Raises RegionError if the value is not a region of this slide.
    """
    outline = _read_outline(region)
    check_outline(outline, slide.width, slide.height)
    box = bounding_box(outline.points)
    rows = [("x, y", f"{box.x:,}, {box.y:,} px"), ("Box", f"{box.width:,} × {box.height:,} px")]
    notes = []
    if outline.shape == "polygon" or (box.width, box.height) != side_lengths(outline):
        notes.append(user_messages.BOX_OF_OUTLINE)
    scale = slide.scale
    if scale.size is None:
        notes.append(user_messages.SCALE_UNKNOWN)
        notes += [scale.problem] if scale.problem else []
    else:
        rows += _scaled_rows(outline, (box.width, box.height), scale.size)
        if scale.source == "entered":
            size, claim = scale.size.text, scale.claim.text
            notes.append(user_messages.scale_entered(size, claim))
    return {"title": outline.name, "rows": rows, "notes": notes}


def _read_outline(region: dict[str, Any]) -> Outline:
    shape = region.get("shape")
    if not is_shape(shape):
        raise RegionError(user_messages.no_shape(shape))
    return Outline(shape, read_points(region.get("points")), str(region.get("name", "")))


def _scaled_rows(outline: Outline, box: tuple[int, int], pixel: PixelSize) -> list[tuple[str, str]]:
    width, height = side_lengths(outline, pixel)
    outline_area = _area_text(area(outline, pixel))
    rows = [("Size", f"{_um_text(width)} × {_um_text(height)} µm"), ("Area", outline_area)]
    box_area = _area_text(pixel.area(box[0] * box[1]))
    return rows if box_area == outline_area else [*rows, ("Box area", box_area)]


def _um_text(length: float) -> str:
    return _round_half_up(length, "1" if length >= 1000 else "0.1")


def _area_text(um2: float) -> str:
    mm2 = um2 / 1e6
    if mm2 < 0.001:
        return f"{_round_half_up(um2, '0.1')} µm²"
    if mm2 >= 0.1:
        return f"{_round_half_up(mm2, '0.001')} mm²"
    return f"{_round_half_up(mm2, '0.0001' if mm2 >= 0.01 else '0.00001').rstrip('0')} mm²"


def _round_half_up(value: float, step: str) -> str:
    """Round to the nearest step, halves up, as the region list does in the browser."""
    return f"{Decimal(repr(value)).quantize(Decimal(step), ROUND_HALF_UP):,}"
