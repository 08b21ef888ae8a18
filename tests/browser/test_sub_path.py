"""The page works under the sub-path that a reverse proxy gives it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page

from pathviewer.settings import Settings
from tests.browser.conftest import Traffic
from tests.browser.viewer_page import View, ViewerPage
from tests.servers import running


def test_everything_stays_below_the_sub_path(
    page: Page, traffic: Traffic, state: Path, small_phantom: Path
) -> None:
    settings = Settings(data=state, slides=(small_phantom.parent,), root_path="/rooms/viewer")
    with running(settings) as base:
        viewer = ViewerPage(page, f"{base}/rooms/viewer")
        viewer.open(view=View(1500, 1100, 2))
        page.keyboard.press("r")
        viewer.drag((-80, -60), (90, 70))
        (region,) = viewer.wait_regions(1)
        viewer.selected_text(region["name"])
        page.wait_for_function("location.search.includes('roi=')")
        paths = {urlsplit(url).path for url in traffic.requests if url.startswith("http")}
        assert {path for path in paths if not path.startswith("/rooms/viewer/")} == set()
