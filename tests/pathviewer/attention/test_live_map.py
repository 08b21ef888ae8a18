"""The map of the newest passage while a completion is written."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from models.messages import AttentionRows, Box, ImagePlacement
from pathviewer.attention.live_map import LiveAttentionMap

PLACE = ImagePlacement(Box(0, 0, 40, 30), 56, 28, 2, 1)


def rows(first: int, *cells: int) -> AttentionRows:
    """Tokens that each give 0.4 of their attention to one cell, and nothing to the other."""
    made = np.zeros((len(cells), 2, 2), np.float32)
    for token, cell in enumerate(cells):
        made[token, :, cell] = 0.4
    return AttentionRows("r", 0, first, made)


def test_the_newest_step_is_told_and_only_with_what_was_reported() -> None:
    live = LiveAttentionMap(PLACE, seconds=0)
    assert live.add_rows(rows(0)) is None  # nothing written
    live.add_text("<think>")
    assert live.add_rows(rows(0, 0)) is None  # a tag is no passage
    live.add_text("Step 1: open.\n")
    told = live.add_rows(rows(1, 1))
    assert told is not None
    assert told["passage"] == "step 1"
    assert list(base64.b64decode(told["values"])) == [0, 255]
    assert told["peak"] == pytest.approx(0.4)
    assert told["image_share"] == pytest.approx(0.4)
    live.add_text("Step 2: dense.</think>")  # its rows have not come yet
    again = live.add_rows(rows(2))
    assert again is not None
    assert again["passage"] == "step 1"
    later = live.add_rows(rows(2, 0))
    assert later is not None
    assert later["passage"] == "step 2"


def test_maps_come_no_faster_than_the_eye_follows() -> None:
    live = LiveAttentionMap(PLACE)
    live.add_text("<think>Step 1: open.")
    assert live.add_rows(rows(0, 0))
    live.add_text(" And dense.")
    assert live.add_rows(rows(1, 1)) is None
