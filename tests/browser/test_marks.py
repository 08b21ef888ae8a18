"""Marks at known level-0 places are drawn there, at every zoom and whatever the pyramid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page

from pathviewer.settings import Settings
from tests.browser.viewer_page import View, ViewerPage
from tests.marked_slides import SIDE, Marked, write_padded_dicom, write_tiff
from tests.servers import running

pytestmark = pytest.mark.long

ZOOMS = (1.0, 3.7, 9.0, 15.9)
"""Level-0 pixels per screen pixel."""

WRITERS: dict[str, Callable[[Path], Marked]] = {
    "a core biopsy whose sizes are rounded down": lambda folder: write_tiff(
        folder / "a.tiff", (1999, 6003), [(4, (499, 1500)), (16, (124, 375))], 256
    ),
    "levels at 3.99 and 16 whose sizes are rounded up": lambda folder: write_tiff(
        folder / "b.tiff", (2303, 1801), [(3.99, (578, 452)), (16, (144, 113))], 240
    ),
    "levels padded to whole tiles": lambda folder: write_padded_dicom(
        folder / "c", (1500, 3000), (2, 4, 8), 256
    ),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Marked]]:
    """A folder with the slides, and what was written."""
    folder = tmp_path_factory.mktemp("marks")
    return folder, {name: write(folder) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, shelf: tuple[Path, dict[str, Marked]]
) -> Iterator[str]:
    """The application with these slides."""
    state = tmp_path_factory.mktemp("state")
    (state / "assets").symlink_to(assets, target_is_directory=True)
    with running(Settings(data=state, slides=(shelf[0],))) as address:
        yield address


def drawn_place(viewer: ViewerPage, x: float, y: float, side: int) -> tuple[float, float]:
    """How far the dark square around a level-0 point is drawn from it, in screen pixels."""
    at = viewer.page.evaluate(
        """([x, y]) => {
          const { frames, surface } = window.PathViewer.canvas;
          const box = surface.getBoundingClientRect();
          const [right, down] = frames.toScreen([x, y]);
          return [box.x + right, box.y + down];
        }""",
        [x, y],
    )
    left, top = (round(place - side / 2) for place in at)
    shot = viewer.screenshot(left, top, side, side).convert("L")
    darkness = np.clip(235.0 - np.asarray(shot, float), 0, None)
    assert darkness.sum() > 0
    down, right = np.mgrid[0:side, 0:side] + 0.5
    total = darkness.sum()
    return (
        float((right * darkness).sum() / total) + left - at[0],
        float((down * darkness).sum() / total) + top - at[1],
    )


def level_in_use(viewer: ViewerPage) -> float:
    """The downsample of the finest level on the screen."""
    found: float = viewer.page.evaluate(
        """() => {
          const { frames } = window.PathViewer.canvas;
          const finest = Math.max(...frames.item.lastDrawn.map((info) => info.level));
          return frames.slide.levels.at(-1 - finest).downsample;
        }"""
    )
    return found


@pytest.mark.parametrize("name", WRITERS)
def test_marks_are_drawn_where_they_are(
    page: Page, base: str, shelf: tuple[Path, dict[str, Marked]], name: str
) -> None:
    slide = shelf[1][name]
    listed = httpx.get(f"{base}/api/slides").raise_for_status().json()
    (found,) = (one for one in listed if (one["width"], one["height"]) == slide.size)
    viewer = ViewerPage(page, base)
    viewer.open(found["id"])
    page.add_style_tag(content=".pv-scale, .navigator { visibility: hidden !important }")
    for zoom in ZOOMS:
        for x, y in slide.marks:
            view = View(x, y, zoom)
            page.evaluate("(view) => window.PathViewer.canvas.frames.show(view)", vars(view))
            viewer.wait_loaded()
            off = drawn_place(viewer, x, y, round(SIDE / zoom) + 8)
            error = max(abs(part) for part in off) * zoom / level_in_use(viewer)
            assert error <= 1, f"mark ({x}, {y}) at 1:{zoom} is {off} screen pixels off"
