"""Who is logged in, what a visitor may keep, and what a lost login looks like."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from tests.browser.logins import add_clinician, log_in
from tests.browser.viewer_page import View, ViewerPage
from tests.servers import running


def test_login_name_and_a_lost_login(page: Page, state: Path, small_phantom: Path) -> None:
    settings = Settings(data=state, slides=(small_phantom.parent,))
    add_clinician(settings)
    with running(settings) as base:
        viewer = log_in(page, base)
        expect(page.locator(".pv-user")).to_contain_text("ada")
        page.wait_for_url("**slide=**")  # the address names what is shown a moment later
        page.context.clear_cookies()
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        assert "login has ended" in viewer.message()
        link = page.get_by_role("link", name="Log in again").get_attribute("href")
        assert link
        assert link.startswith("/login?next=%2F%3Fslide%3D")


@pytest.mark.long
def test_a_visitor_keeps_regions_in_the_page_only(
    page: Page, state: Path, small_phantom: Path
) -> None:
    settings = Settings(data=state, public_demo=True)
    settings.demo.mkdir()
    shutil.copyfile(small_phantom, settings.demo / "demo.tiff")
    with running(settings) as base:
        viewer = ViewerPage(page, base)
        viewer.open(view=None)
        expect(page.get_by_role("button", name="Upload a slide")).to_be_hidden()
        expect(page.get_by_text("Kept in this page only")).to_be_visible()
        before = viewer.view()
        page.keyboard.press("r")
        viewer.drag((-80, -60), (90, 70))
        (region,) = viewer.regions()
        assert region["saved"] is False
        middle = View(before.x, before.y, before.downsample).level0((-80, -60))
        assert (region["box"]["x"], region["box"]["y"]) == (int(middle[0]), int(middle[1]))
        viewer.selected_text(region["name"])
