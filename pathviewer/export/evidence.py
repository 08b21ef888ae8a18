"""Evidence regions of raters, on the slide and in the model's picture."""

from __future__ import annotations

import io
from collections.abc import Sequence, Set
from typing import Any

from PIL import Image

from pathviewer.export.columns import Column
from pathviewer.export.formats import rater_name
from pathviewer.slides.geometry import Region
from storage.export_rows import ExportedQuestion

EVIDENCE_COLUMNS = (
    Column(
        "evidence",
        "boxes",
        "evidence regions that the row's raters marked: [x, y, width, height], level-0 pixels; "
        "empty if they marked none",
    ),
    Column(
        "evidence_pixels",
        "pixel boxes",
        "the same boxes in pixels of the picture; a box outside the region is outside the picture",
    ),
)
"""Columns of every format, after the common ones: each row has a picture and raters."""


def evidence(
    question: ExportedQuestion, about: Set[str], raters: Sequence[str], picture: bytes
) -> dict[str, Any]:
    """Return the boxes of a row's raters (pseudonyms) on its completions, in order of raters."""
    boxes = [
        Region(each.x, each.y, each.width or 0, each.height or 0)
        for rater in raters
        for each in question.feedback
        if each.kind == "evidence" and each.completion_id in about
        # a withdrawn region has no position
        if each.x is not None and each.y is not None and rater_name(each.rater_id) == rater
    ]
    return {
        "evidence": [[box.x, box.y, box.width, box.height] for box in boxes],
        "evidence_pixels": _in_picture(boxes, question, picture) if boxes else [],
    }


def _in_picture(
    boxes: list[Region], question: ExportedQuestion, picture: bytes
) -> list[list[float]]:
    """Convert level-0 boxes to pixels of the picture, to a thousandth."""
    with Image.open(io.BytesIO(picture)) as opened:
        across, down = opened.width / question.width, opened.height / question.height
    return [
        [
            round((box.x - question.x) * across, 3),
            round((box.y - question.y) * down, 3),
            round(box.width * across, 3),
            round(box.height * down, 3),
        ]
        for box in boxes
    ]
