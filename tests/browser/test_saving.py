"""What is drawn reaches the server once, whatever the network and the user do meanwhile."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from pathviewer.settings import Settings
from tests.browser.conftest import OTHER_HOST, App
from tests.browser.logins import add_clinician, log_in
from tests.browser.viewer_page import View, ViewerPage
from tests.servers import running

REGIONS = re.compile(r"/api/slides/[^/]+/regions(/[^/]+)?$")
VIEW = View(1500, 1100, 2)


def stored(app: App, kind: str = "phantom") -> list[dict[str, Any]]:
    """The regions that the server has of a slide."""
    answer = httpx.get(f"{app.base}/api/slides/{app.slides[kind]}/regions")
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


class Held:
    """Holds the first request of a method back until `let_go`."""

    def __init__(self, page: Page, method: str) -> None:
        self._page = page
        self._method = method
        self._route: Route | None = None
        page.route(REGIONS, self._take)

    def _take(self, route: Route) -> None:
        if self._route is None and route.request.method == self._method:
            self._route = route
        else:
            route.continue_()

    def let_go(self) -> None:
        """Send the request that is held on its way."""
        while self._route is None:
            self._page.wait_for_timeout(20)
        self._route.continue_()


@pytest.mark.long
def test_a_change_that_failed_is_saved_over_the_first_copy(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    page = viewer.page
    viewer.draw()
    viewer.wait_regions(1)
    page.route(REGIONS, lambda route: route.abort() if refused(route) else route.continue_())
    page.keyboard.press("Alt+ArrowLeft")
    assert "not saved" in viewer.message()
    page.unroute(REGIONS)
    page.get_by_role("button", name="Save Region 1").click()
    (region,) = viewer.wait_regions(1)
    assert [kept["box"] for kept in stored(app)] == [region["box"]]
    page.reload()
    viewer.wait_loaded()
    viewer.wait_regions(1)


def refused(route: Route) -> bool:
    """Whether the request changes a region."""
    return route.request.method == "PUT"


@pytest.mark.long
def test_an_edit_during_the_first_save_wins(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    held = Held(viewer.page, "POST")
    viewer.draw()
    viewer.drag((5, 5), (45, 25))
    held.let_go()
    (region,) = viewer.wait_regions(1)
    assert (region["box"]["x"], region["box"]["y"]) == pytest.approx((1420, 1020), abs=2)
    assert [kept["box"] for kept in stored(app)] == [region["box"]]


@pytest.mark.long
def test_a_region_deleted_during_its_first_save_is_gone(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    held = Held(viewer.page, "POST")
    viewer.draw()
    viewer.page.keyboard.press("Delete")
    with viewer.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        held.let_go()
    assert stored(app) == []


@pytest.mark.long
def test_a_move_by_keys_survives_a_change_of_slide(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    viewer.draw()
    x = viewer.wait_regions(1)[0]["box"]["x"]
    with viewer.page.expect_response(lambda answer: answer.request.method == "PUT"):
        move_and_leave(viewer, app)
    assert [kept["box"]["x"] for kept in stored(app)] == [x - 20]


def move_and_leave(viewer: ViewerPage, app: App) -> None:
    """Move the selected region by a key and pick another slide within the same task."""
    viewer.page.keyboard.press("Alt+ArrowLeft")
    viewer.page.locator(f"[data-slide='{app.slides['cmu']}']").evaluate("node => node.click()")


@pytest.mark.long
def test_a_move_by_keys_survives_closing_the_page(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    viewer.draw()
    x = viewer.wait_regions(1)[0]["box"]["x"]
    viewer.page.keyboard.press("Alt+ArrowLeft")
    viewer.page.goto("about:blank")
    until = time.monotonic() + 10
    while [region["box"]["x"] for region in stored(app)] != [x - 20]:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_what_is_not_saved_comes_back_with_its_slide(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"], VIEW)
    page = viewer.page
    page.route(REGIONS, lambda route: route.abort() if posts(route) else route.continue_())
    viewer.draw()
    assert "not saved" in viewer.message()
    page.locator(f"[data-slide='{app.slides['cmu']}']").click()
    expect(page.locator(".pv-region-title")).to_have_count(0)
    page.locator(f"[data-slide='{app.slides['phantom']}']").click()
    save = page.get_by_role("button", name="Save Region 1")
    save.wait_for()  # a route that is taken away holds the requests that it has begun
    page.unroute(REGIONS)
    save.click()
    viewer.wait_regions(1)
    assert len(stored(app)) == 1


def posts(route: Route) -> bool:
    """Whether the request adds a region."""
    return route.request.method == "POST"


@pytest.mark.long
def test_drawing_over_plain_http_under_a_name(page: Page, state: Path, small_phantom: Path) -> None:
    """Browsers withhold some functions from pages that are neither https nor on loopback."""
    settings = Settings(data=state, slides=(small_phantom.parent,), allowed_hosts=(OTHER_HOST,))
    add_clinician(settings)
    with running(settings) as base:
        address = f"http://{OTHER_HOST}:{urlsplit(base).port}"
        draw_after_login(page, address)


def draw_after_login(page: Page, address: str) -> None:
    """Log in, draw one region, see it saved."""
    viewer = log_in(page, address)
    assert page.evaluate("window.isSecureContext") is False
    viewer.draw()
    viewer.wait_regions(1)
