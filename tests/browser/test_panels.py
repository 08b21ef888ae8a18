"""Full screen, the figures in list and panel, and what GeoJSON counts from."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases

FULL = "Boolean(document.fullscreenElement?.matches('.pv-viewer')) === {}"


@pytest.mark.long
def test_full_screen_by_button_and_key(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    page = viewer.page
    page.get_by_role("button", name="Full screen (F)").click()
    page.wait_for_function(FULL.format("true"))
    page.keyboard.press("f")
    page.wait_for_function(FULL.format("false"))


# sides in screen pixels; between them they meet every rule of rounding
@pytest.mark.parametrize("side", [20.4, *long_cases(40.0, 150.0, 600.0)])
def test_list_and_panel_print_the_same_figures(viewer: ViewerPage, app: App, side: float) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 4 if side > 300 else 1, 17))
    viewer.draw((-side / 2, -side / 4), (side / 2, side / 4))
    (region,) = viewer.wait_regions(1)
    viewer.selected_text(region["name"])
    panel = viewer.page.locator("#pv-selected-region dl")
    expect(panel).to_contain_text("Area")
    size = panel.locator("dt", has_text="Size").locator("+ dd").inner_text()
    area = panel.locator("dt", has_text="Area").first.locator("+ dd").inner_text()
    expect(viewer.page.locator(".pv-regions .pv-slide-facts")).to_have_text(f"{size}, {area}")


@pytest.mark.long
def test_geojson_counts_from_the_bounds_where_there_are_any(viewer: ViewerPage, app: App) -> None:
    def with_bounds(route: Route) -> None:
        facts = route.fetch().json()
        box = {"x": 100, "y": 50, "width": 2000, "height": 1500}
        route.fulfill(json={**facts, "bounds": box})

    page = viewer.page
    page.route(f"**/api/slides/{app.slides['phantom']}", with_bounds)
    viewer.open(app.slides["phantom"])
    offset = page.get_by_label("Count from the slide's bounds")
    expect(offset).to_be_checked()
    export = page.get_by_role("button", name="Export the regions")
    with page.expect_request("**/regions.geojson?bounds_offset=1"):
        export.click()
    offset.uncheck()
    with page.expect_request("**/regions.geojson?bounds_offset=0"):
        export.click()
    viewer.open(app.slides["cmu"])
    expect(page.get_by_label("Count from the slide's bounds")).to_have_count(0)
