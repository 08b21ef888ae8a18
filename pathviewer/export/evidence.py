"""Where raters say that the model should have looked, on the slide and in the picture it saw."""

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
        "where the row's raters say that the model should have looked: [x, y, width, height], "
        "level-0 pixels; empty if they did not say",
    ),
    Column(
        "evidence_pixels",
        "pixel boxes",
        "the same boxes in pixels of the picture; one that lies outside the region lies outside "
        "the picture",
    ),
)
"""In every format, after the common columns: each row has a picture and raters."""


def evidence(
    question: ExportedQuestion, about: Set[str], raters: Sequence[str], picture: bytes
) -> dict[str, Any]:
    """The boxes of a row's raters (pseudonyms) about its completions, by rater and completion."""
    boxes = [
        Region(each.x, each.y, each.width or 0, each.height or 0)
        for rater in raters
        for each in question.feedback
        if each.kind == "evidence" and each.completion_id in about
        # one that was taken back has no place
        if each.x is not None and each.y is not None and rater_name(each.rater_id) == rater
    ]
    return {
        "evidence": [[box.x, box.y, box.width, box.height] for box in boxes],
        "evidence_pixels": _in_picture(boxes, question, picture) if boxes else [],
    }


def _in_picture(
    boxes: list[Region], question: ExportedQuestion, picture: bytes
) -> list[list[float]]:
    """Level-0 boxes in pixels of the picture, to a thousandth."""
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
