"""What a first-time user stumbles over: resizing, keyboard use, what is said and what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage
from tests.servers import running


def resize(viewer: ViewerPage, width: int, height: int) -> None:
    """Give the window another size and wait until the view stands still."""
    before = viewer.at((0, 0))
    viewer.page.set_viewport_size({"width": width, "height": height})
    viewer.page.wait_for_timeout(300)
    viewer.wait_loaded()
    assert viewer.at((0, 0)) != before


@pytest.mark.long
def test_magnification_and_centre_outlast_a_resize(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1400, 1000, 2.5))
    for size in [(1100, 700), (1900, 1000), (1440, 900)]:
        resize(viewer, *size)
        view = viewer.view()
        assert view.downsample == pytest.approx(2.5, rel=1e-6)
        assert (view.x, view.y) == pytest.approx((1400, 1000), abs=0.5)


@pytest.mark.long
def test_magnification_outlasts_full_screen(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1400, 1000, 1))
    page = viewer.page
    page.keyboard.press("f")
    page.wait_for_function("Boolean(document.fullscreenElement)")
    page.wait_for_timeout(300)
    viewer.settle()
    assert viewer.view().downsample == pytest.approx(1, rel=1e-6)


@pytest.mark.long
def test_a_fitted_slide_is_fitted_anew(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    whole = viewer.view().downsample
    resize(viewer, 1100, 600)
    assert viewer.view().downsample > whole
    assert viewer.page.evaluate("window.PathViewer.canvas.frames.wholeInView()")
    resize(viewer, 1440, 900)
    assert viewer.view().downsample == pytest.approx(whole, rel=1e-6)


@pytest.mark.long
def test_all_presets_are_reached(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    viewer.page.keyboard.press("1")
    viewer.settle()
    expect(viewer.page.locator("#pv-magnification")).to_have_value(re.compile(r"1\.25x"))


def test_the_navigator_hides_while_the_whole_slide_is_in_view(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    navigator = viewer.page.locator(".navigator")
    expect(navigator).to_be_hidden()
    viewer.page.keyboard.press("5")
    expect(navigator).to_be_visible()


@pytest.mark.long
def test_a_field_is_moved_and_never_resized(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 4))
    page = viewer.page
    page.keyboard.press("q")
    viewer.click((0, 0))
    box = viewer.wait_regions(1)[0]["box"]
    expect(page.locator(".pv-handle")).to_have_count(1)
    viewer.drag((250, 0), (300, 0))
    assert viewer.wait_regions(1)[0]["box"] == box
    page.keyboard.press("7")
    viewer.settle()
    viewer.drag((0, 0), (15, 0))
    moved = viewer.regions()[0]["box"]
    assert (moved["width"], moved["height"]) == (2000, 2000)
    page.keyboard.press("Alt+Shift+ArrowRight")
    assert "keeps its size" in viewer.message()
    assert viewer.regions()[0]["box"] == moved


@pytest.mark.long
def test_a_field_put_over_the_edge_says_that_it_was_moved(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 4))
    viewer.page.keyboard.press("w")
    viewer.click((-370, 0))
    assert viewer.wait_regions(1)[0]["box"]["x"] == 0
    assert "moved to stay on the slide" in viewer.message()


def test_the_slide_is_reached_by_keyboard(viewer: ViewerPage, app: App) -> None:
    app.rename(app.slides["phantom"], "Phantom")
    viewer.open(app.slides["phantom"])
    page = viewer.page
    expect(page).to_have_title("Phantom - PathViewer")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the slide")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("application", name="Slide, Phantom")).to_be_focused()
    outline = "getComputedStyle(document.querySelector('.pv-stage'), '::after').borderTopWidth"
    assert page.evaluate(outline) == "3px"


@pytest.mark.long
def test_a_rectangle_drawn_by_keyboard_is_seen_growing(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 1))
    page = viewer.page
    page.locator("[data-tool=rectangle]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pv-hint")).to_contain_text("Enter sets the first corner")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    viewer.settle()
    pen = page.locator(".pv-pen .pv-selected").evaluate("(path) => path.getBBox().width")
    assert pen == pytest.approx(80, abs=1)
    page.keyboard.press("Enter")
    (region,) = viewer.wait_regions(1)
    assert region["box"]["width"] == pytest.approx(80, abs=1)


@pytest.mark.long
def test_scale_by_hand_is_checked_and_taken_back(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["plain"])
    page = viewer.page
    field = page.get_by_label("Microns per pixel of this slide")
    line = page.locator(".pv-message")

    def enter(text: str) -> None:
        field.fill(text)
        page.get_by_role("button", name="Set", exact=True).click()

    enter("nought")
    expect(line).to_contain_text("a number above 0")
    enter("20")
    expect(line).to_contain_text("20 µm per pixel is no scanner's scale")
    expect(field).to_have_value("20")
    expect(page.locator(".pv-scale")).to_be_hidden()
    enter("0.25")
    field.focus()  # the form is not filled anew while the field has the focus
    expect(line).to_contain_text("Scale set to 0.25 µm/px")
    enter("")
    expect(line).to_contain_text("taken back")
    expect(page.locator(".pv-scale")).to_be_hidden()


@pytest.mark.long
def test_export_is_named_after_the_slide_and_the_day(viewer: ViewerPage, app: App) -> None:
    app.rename(app.slides["phantom"], "Case 7/b")
    viewer.open(app.slides["phantom"])
    with viewer.page.expect_download() as caught:
        viewer.page.get_by_role("button", name="Export").click()
    name = caught.value.suggested_filename
    assert re.fullmatch(r"Case 7_b regions \d{4}-\d\d-\d\d\.geojson", name)


def test_an_upload_says_its_name_and_offers_to_change_it(
    page: Page, state: Path, small_phantom: Path, cmu: Path
) -> None:
    with running(Settings(data=state, slides=(small_phantom.parent,))) as base:
        viewer = ViewerPage(page, base)
        viewer.open()
        page.get_by_label("Slide files to upload").set_input_files(cmu)
        expect(page.locator(".pv-message")).to_contain_text(
            re.compile(rf"{re.escape(cmu.name)} is uploaded as Slide \d+\.")
        )
        expect(page.get_by_label("Name of this slide")).to_be_focused()


def test_all_keys_are_seen_at_once(viewer: ViewerPage, app: App) -> None:
    viewer.page.set_viewport_size({"width": 1440, "height": 757})
    viewer.open(app.slides["phantom"])
    viewer.page.keyboard.press("?")
    panel = viewer.page.locator(".pv-keys")
    expect(panel).to_be_visible()
    assert panel.evaluate("(node) => node.scrollHeight <= node.clientHeight")
