"""Regions drawn in the browser arrive as exact level-0 pixels."""

from __future__ import annotations

import math

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases

START, END = (-210.0, -130.0), (150.0, 170.0)


def box_of(points: list[tuple[float, float]]) -> list[int]:
    """Left, top, right, bottom rounded outwards."""
    xs, ys = zip(*points, strict=True)
    return [math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))]


def sides(box: dict[str, int]) -> list[int]:
    """Left, top, right, bottom of a box as the API gives it."""
    return [box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]]


@pytest.mark.parametrize("downsample", [1.5, *long_cases(0.8)])
@pytest.mark.parametrize("rotation", [0, *long_cases(90)])
def test_upright_rectangle(
    viewer: ViewerPage, app: App, downsample: float, rotation: float
) -> None:
    view = View(1500, 1100, downsample, rotation)
    viewer.open(app.slides["phantom"], view)
    viewer.page.keyboard.press("r")
    viewer.drag(START, END)
    (region,) = viewer.wait_regions(1)
    expected = box_of([view.level0(START), view.level0(END)])
    assert region["shape"] == "rectangle"
    assert sides(region["box"]) == pytest.approx(expected, abs=1)
    assert all(isinstance(value, int) for value in region["box"].values())
    stored = httpx.get(f"{app.base}/api/slides/{app.slides['phantom']}/regions").json()
    assert stored[0]["box"] == region["box"]
    box = region["box"]
    text = viewer.selected_text(region["name"])
    assert f"{box['x']:,}, {box['y']:,} px" in text
    assert f"{box['width']:,} × {box['height']:,} px" in text


@pytest.mark.long
def test_rectangle_drawn_under_rotation_is_kept_as_drawn(viewer: ViewerPage, app: App) -> None:
    view = View(1500, 1100, 1.2, 30)
    viewer.open(app.slides["phantom"], view)
    viewer.page.keyboard.press("r")
    viewer.drag(START, END)
    (region,) = viewer.wait_regions(1)
    corners = [START, (END[0], START[1]), END, (START[0], END[1])]
    expected = [view.level0(corner) for corner in corners]
    for drawn, wanted in zip(region["points"], expected, strict=True):
        assert drawn == pytest.approx(wanted, abs=1)
    assert region["shape"] == "rectangle"
    assert sides(region["box"]) == box_of([tuple(point) for point in region["points"]])
    assert "is what a model will see" in viewer.selected_text(region["name"])


@pytest.mark.long
def test_polygon(viewer: ViewerPage, app: App) -> None:
    view = View(1500, 1100, 1.0, 15)
    viewer.open(app.slides["phantom"], view)
    viewer.page.keyboard.press("p")
    corners = [(-150.0, -120.0), (180.0, -90.0), (120.0, 160.0), (-60.0, 90.0)]
    for corner in corners:
        viewer.click(corner)
    viewer.page.keyboard.press("Enter")
    (region,) = viewer.wait_regions(1)
    assert region["shape"] == "polygon"
    for drawn, corner in zip(region["points"], corners, strict=True):
        assert drawn == pytest.approx(view.level0(corner), abs=1)


@pytest.mark.long
def test_outline_that_crosses_itself_is_refused(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 1.0))
    viewer.page.keyboard.press("p")
    for corner in [(-100.0, -100.0), (100.0, 100.0), (100.0, -100.0), (-100.0, 100.0)]:
        viewer.click(corner)
    viewer.page.keyboard.press("Enter")
    assert "crosses itself" in viewer.message()
    assert viewer.regions() == []


@pytest.mark.long
@pytest.mark.parametrize(("key", "side_px", "mm2"), [("q", 2000, "1.000"), ("w", 1100, "0.237")])
def test_fixed_fields_have_their_size(
    viewer: ViewerPage, app: App, key: str, side_px: int, mm2: str
) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 4))
    viewer.page.keyboard.press(key)
    viewer.click((0, 0))
    (region,) = viewer.wait_regions(1)
    assert region["box"]["width"] == pytest.approx(side_px, abs=1)
    assert region["box"]["height"] == pytest.approx(side_px, abs=1)
    assert f"{mm2} mm²" in viewer.selected_text(region["name"])


@pytest.mark.long
def test_fixed_fields_need_the_scale(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["plain"])
    button = viewer.page.locator("[data-tool=field]")
    expect(button).to_be_disabled()
    assert "Needs the slide's scale" in (button.get_attribute("title") or "")
    viewer.page.keyboard.press("w")
    assert "needs the slide's scale" in viewer.message()


def test_move_and_resize_by_handles(viewer: ViewerPage, app: App) -> None:
    view = View(1500, 1100, 2)
    viewer.open(app.slides["phantom"], view)
    viewer.page.keyboard.press("r")
    viewer.drag((-100, -100), (100, 100))
    viewer.wait_regions(1)
    viewer.drag((100, 100), (140, 160))
    box = viewer.wait_regions(1)[0]["box"]
    assert sides(box) == pytest.approx([1300, 900, 1780, 1420], abs=2)
    viewer.drag((20, 30), (50, -10))
    moved = viewer.wait_regions(1)[0]["box"]
    assert (moved["width"], moved["height"]) == (box["width"], box["height"])
    assert [moved["x"] - box["x"], moved["y"] - box["y"]] == pytest.approx([60, -80], abs=1)


@pytest.mark.long
def test_rename_delete_undo(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 2))
    page = viewer.page
    page.keyboard.press("r")
    viewer.drag(START, END)
    viewer.wait_regions(1)
    page.get_by_role("button", name="Rename Region 1").click()
    page.keyboard.type("Tumour edge")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete Tumour edge").click()
    page.wait_for_function("window.PathViewer.store.get('regions').length === 0")
    page.get_by_role("button", name="Undo", exact=True).click()
    (region,) = viewer.wait_regions(1)
    assert region["name"] == "Tumour edge"
