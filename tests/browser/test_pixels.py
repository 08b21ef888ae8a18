"""What the browser draws is what OpenSlide reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image
from playwright.sync_api import Page

from pathviewer.settings import Settings
from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases
from tests.odd_tiles import COLUMNS, TILE, odd_tiles, write_odd_dicom, write_odd_tiff
from tests.servers import running


def shown(viewer: ViewerPage, width: int, height: int) -> Image.Image:
    """The middle of the view, in screen pixels."""
    left, top = viewer.at((-width / 2, -height / 2))
    return viewer.screenshot(left, top, width, height).convert("RGB")


@pytest.mark.long
def test_a_passed_through_tile_has_openslides_colours(
    viewer: ViewerPage, app: App, cmu: Path
) -> None:
    """RGB JPEG without APP14 is where colours go wrong."""
    with OpenSlide(cmu) as slide:
        tile = int(slide.properties["openslide.level[0].tile-width"])
        corner = (3 * tile, 4 * tile)
        expected = np.asarray(slide.read_region(corner, 0, (tile, tile)).convert("RGB"), int)
    odd = viewer_size_is_odd(viewer, app)
    x, y = (edge + tile / 2 + shift for edge, shift in zip(corner, odd, strict=True))
    viewer.open(app.slides["cmu"], View(x, y, 1))
    left, top = viewer.at((-tile / 2 - odd[0], -tile / 2 - odd[1]))
    drawn = np.asarray(viewer.screenshot(left, top, tile, tile).convert("RGB"), int)
    assert expected.std() > 20
    assert np.abs(drawn - expected).max() <= 2


def viewer_size_is_odd(viewer: ViewerPage, app: App) -> tuple[float, float]:
    """Half a pixel per odd side of the stage, so that the slide's pixels meet the screen's."""
    viewer.open(app.slides["cmu"])
    box = viewer.page.locator(".pv-stage").bounding_box()
    assert box
    return (box["width"] % 2 / 2, box["height"] % 2 / 2)


@pytest.mark.parametrize("rotation", [0, *long_cases(105)])
def test_every_tile_is_drawn_in_its_place(
    viewer: ViewerPage, app: App, cmu: Path, rotation: float
) -> None:
    """Under rotation a software renderer drew other tiles' pixels before that was corrected."""
    downsample, width, height = 3, 560, 480
    viewer.open(app.slides["cmu"], View(1110, 1480, downsample, rotation))
    drawn = np.asarray(shown(viewer, width, height), float)
    with OpenSlide(cmu) as slide:
        whole = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
    turned = whole.rotate(-rotation, Image.Resampling.BILINEAR, center=(1110, 1480))
    half = (width * downsample / 2, height * downsample / 2)
    box = (1110 - half[0], 1480 - half[1], 1110 + half[0], 1480 + half[1])
    small = turned.resize((width, height), Image.Resampling.BOX, box=box)
    difference = np.abs(drawn - np.asarray(small, float)).mean(axis=2)
    blocks = difference.reshape(height // 16, 16, width // 16, 16).mean(axis=(1, 3))
    assert blocks.mean() < 8
    assert blocks.max() < 45


@pytest.mark.long
def test_a_damaged_tile_is_marked_and_the_viewer_goes_on(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["damaged"], View(160, 32, 0.5))
    assert "damaged" in viewer.message()
    pixels = np.asarray(shown(viewer, 100, 100), int)
    hatch = np.abs(pixels - np.array([0xC9, 0xA2, 0x27])).sum(axis=2) < 40
    ground = np.abs(pixels - 0x3A).sum(axis=2) < 40
    assert hatch.sum() > 200
    assert ground.sum() > 200
    viewer.page.keyboard.press("7")
    viewer.wait_loaded()
    assert viewer.view().downsample >= 0.5


@pytest.fixture(scope="module")
def odd_app(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[App]:
    """Slides whose tiles have headers of many kinds, by (vendor, whether they are RGB)."""
    shelf, data = tmp_path_factory.mktemp("odd"), tmp_path_factory.mktemp("state")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    for rgb, name in ((False, "ycbcr"), (True, "rgb")):
        write_odd_tiff(shelf / f"{name}.tiff", rgb)
        write_odd_dicom(shelf / name, rgb)
    with running(Settings(data=data, slides=(shelf,), tile_quality=95)) as base:
        listed = httpx.get(f"{base}/api/slides", timeout=30).raise_for_status().json()
        kinds = {slide["id"]: (slide["vendor"], slide["height"] == 2 * TILE) for slide in listed}
        yield App(base, {f"{vendor} {rgb}": slide for slide, (vendor, rgb) in kinds.items()})


@pytest.mark.long
@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("vendor", ["generic-tiff", "dicom"])
def test_tiles_with_odd_headers_have_openslides_colours(
    page: Page, odd_app: App, tmp_path: Path, vendor: str, rgb: bool
) -> None:
    """Each tile's own header decides whether Chromium is given it as it is."""
    write = write_odd_tiff if vendor == "generic-tiff" else write_odd_dicom
    path = write(tmp_path / "same", rgb)
    viewer = ViewerPage(page, odd_app.base)
    rows = len(odd_tiles(rgb)) // COLUMNS
    width, height = COLUMNS * TILE, rows * TILE
    viewer.open(odd_app.slides[f"{vendor} {rgb}"], View(width / 2, height / 2, 1))
    box = page.locator(".pv-stage").bounding_box()
    assert box
    odd = box["width"] % 2 / 2, box["height"] % 2 / 2
    viewer.open(odd_app.slides[f"{vendor} {rgb}"], View(width / 2 + odd[0], height / 2 + odd[1], 1))
    left, top = viewer.at((-width / 2 - odd[0], -height / 2 - odd[1]))
    drawn = np.asarray(viewer.screenshot(left, top, width, height).convert("RGB"), int)
    for index, kind in enumerate(odd_tiles(rgb)):
        row, column = divmod(index, COLUMNS)
        with OpenSlide(path) as slide:
            corner = column * TILE, row * TILE
            if not kind.sound:
                continue
            tile = slide.read_region(corner, 0, (TILE, TILE)).convert("RGB")
        part = drawn[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        difference = np.abs(part - np.asarray(tile, int))
        assert difference.mean() <= (0.5 if kind.raw else 3), kind.reason
        assert difference.max() <= (2 if kind.raw else 40), kind.reason
