"""Zoom, scale, rotation, address and keys of the viewer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage


@pytest.mark.long
def test_presets_typed_magnification_and_limit(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["cmu"])
    page = viewer.page
    field = page.locator("#pv-magnification")
    for key, downsample in [("3", 4), ("4", 2), ("5", 1), ("6", 0.5)]:
        page.keyboard.press(key)
        viewer.settle()
        assert viewer.view().downsample == pytest.approx(downsample, rel=1e-6)
    page.keyboard.press("+")
    viewer.settle()
    assert viewer.view().downsample == pytest.approx(0.5, rel=1e-6)
    expect(field).to_have_value("40x")
    page.keyboard.press("g")
    page.keyboard.type("8x")
    page.keyboard.press("Enter")
    viewer.settle()
    assert viewer.view().downsample == pytest.approx(2.5, rel=1e-6)
    page.keyboard.press("7")
    viewer.settle()
    assert viewer.view().x == pytest.approx(1110, abs=1)


@pytest.mark.long
def test_scale_bar_only_where_the_scale_is_known(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    bar = viewer.page.locator(".pv-scale")
    expect(bar).to_contain_text("µm")
    viewer.open(app.slides["plain"], View(350, 260, 1))
    expect(bar).to_be_hidden()
    expect(viewer.page.locator("#pv-magnification")).to_have_value("1:1")
    viewer.page.keyboard.press("m")
    viewer.drag((-60, 0), (40, 0))
    expect(viewer.page.locator(".pv-distance")).to_have_text("100 px")


@pytest.mark.long
def test_scale_entered_by_hand_is_marked(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["damaged"], View(250, 200, 1))
    page = viewer.page
    page.get_by_label("Microns per pixel of this slide").fill("0,5")
    page.get_by_role("button", name="Set").click()
    expect(page.locator(".pv-scale")).to_contain_text("entered by hand")
    expect(page.locator("[aria-current] .pv-slide-text")).to_contain_text("entered by local on")
    page.keyboard.press("r")
    viewer.drag((-50, -50), (50, 50))
    viewer.wait_regions(1)
    assert "Scale entered by hand" in viewer.selected_text("Scale entered")


@pytest.mark.long
def test_the_address_brings_the_same_view_back(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 1.3))
    page = viewer.page
    page.keyboard.press("r")
    viewer.drag((-80, -60), (90, 70))
    (region,) = viewer.wait_regions(1)
    page.keyboard.press(".")
    page.keyboard.press("ArrowRight")
    viewer.settle()
    page.wait_for_function(
        "location.search.includes('roi=') && location.search.includes('rotation=15')"
    )
    page.wait_for_timeout(400)
    before, address = viewer.view(), page.url
    page.reload()
    viewer.wait_loaded()
    (again,) = viewer.wait_regions(1)
    page.wait_for_timeout(600)
    assert page.url == address
    after = viewer.view()
    assert vars(after) == pytest.approx(vars(before), abs=0.01)
    assert again["box"] == region["box"]
    assert page.evaluate("window.PathViewer.store.get('selected')") == again["id"]


def test_the_region_of_a_shared_link_is_shown(viewer: ViewerPage, app: App) -> None:
    viewer.open(query=f"slide={app.slides['phantom']}&roi=700,800,300,200")
    viewer.page.wait_for_function("window.PathViewer.store.get('regions').length === 1")
    (region,) = viewer.regions()
    assert region["box"] == {"x": 700, "y": 800, "width": 300, "height": 200}
    assert region["saved"] is False


@pytest.mark.long
def test_a_slow_server_is_asked_for_the_first_slide_once(viewer: ViewerPage, app: App) -> None:
    page, slide = viewer.page, app.slides["phantom"]
    held: list[Route] = []
    page.route(f"**/api/slides/{slide}", lambda route: held.append(route))
    with page.expect_request(f"**/api/slides/{slide}"):
        page.goto(f"{viewer.base}/?slide={slide}&roi=700,800,300,200")
    second_look = """async () => {
      const { poll } = await import("/ui/core/page_start.js");
      await Promise.race([poll(), new Promise((soon) => setTimeout(soon, 3000))]);
    }"""
    page.evaluate(second_look)
    assert len(held) == 1
    held[0].continue_()
    viewer.wait_loaded()
    page.wait_for_function("window.PathViewer.store.get('selected')")


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("slide=nowhere&x=1&y=1&downsample=1", "a slide that is not here"),
        ("slide={phantom}&x=abc&y=2&downsample=1", "x=abc"),
        ("slide={phantom}&x=1&y=2&downsample=-3", "downsample=-3"),
        ("slide={phantom}&roi=1,2,3", "roi=1,2,3"),
        ("slide={phantom}&roi=9999999,0,5,5", "outside this slide"),
    ],
)
def test_a_bad_address_is_said_and_left_out(
    viewer: ViewerPage, app: App, query: str, sentence: str
) -> None:
    viewer.open(query=query.format(**app.slides))
    assert sentence in viewer.message()


def test_a_region_by_keyboard_alone(viewer: ViewerPage, app: App) -> None:
    view = View(1500, 1100, 2)
    viewer.open(app.slides["phantom"], view)
    keys = viewer.page.keyboard
    keys.press("r")
    keys.press("Enter")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        keys.press(key)
    viewer.settle()
    keys.press("Enter")
    box = viewer.wait_regions(1)[0]["box"]
    assert box == {"x": 1500, "y": 1100, "width": 320, "height": 160}
    keys.press("Alt+ArrowLeft")
    viewer.page.wait_for_function("window.PathViewer.store.get('regions')[0].box.x === 1480")
    keys.press("Delete")
    viewer.page.wait_for_function("window.PathViewer.store.get('regions').length === 0")
    keys.press("Control+z")
    viewer.wait_regions(1)


def test_every_control_is_labelled_and_reached_by_tab(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    page = viewer.page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll(".pv-mount :is(button, input, a)")]
          .filter((node) => node.offsetParent && !node.getAttribute("aria-label")
            && !node.textContent.trim() && !node.labels?.length)
          .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    wanted = page.evaluate(
        """() => [...document.querySelectorAll(".pv-mount :is(button, input, a)")]
          .filter((node) => node.checkVisibility() && !node.disabled)
          .filter((node) => node.tabIndex >= 0).length"""
    )
    reached = set()
    for _ in range(wanted + 25):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => [...document.querySelectorAll(".pv-mount :is(button, input, a)")]
                  .indexOf(document.activeElement)"""
            )
        )
    assert len(reached - {-1}) == wanted


@pytest.mark.long
def test_the_panel_lists_every_key(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    page = viewer.page
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    listed = dialog.locator("kbd").all_inner_texts()
    bound = page.evaluate(
        "import('/ui/core/key_table.js').then(({keyTable}) =>"
        " keyTable(window.PathViewer.canvas).map(({shown}) => shown))"
    )
    assert sorted(listed) == sorted(bound)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.long
def test_keys_typed_into_a_field_stay_there(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    page = viewer.page
    page.keyboard.press("/")
    page.keyboard.type("r5mp")
    assert page.evaluate("window.PathViewer.store.get('tool')") == "pan"
    expect(page.locator(".pv-count")).to_have_text(re.compile(r"0 of \d slides"))
