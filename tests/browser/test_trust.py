"""Nothing leaves the machine, and text from outside stays text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Traffic
from tests.browser.viewer_page import View, ViewerPage
from tests.slide_files import write_ycbcr

SCRIPT = '<img src=x onerror="window.planted=1"><script>window.planted=1</script>${1+1}'


def test_a_whole_session_asks_no_other_host(
    viewer: ViewerPage, app: App, traffic: Traffic, tmp_path: Path
) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 2))
    page = viewer.page
    page.keyboard.press("r")
    viewer.drag((-80, -60), (90, 70))
    viewer.wait_regions(1)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a slide").click()
    chooser.value.set_files(write_ycbcr(tmp_path / "new.tiff", 333, 222))
    expect(page.locator(".pv-slide")).to_have_count(5)
    page.reload()
    viewer.wait_loaded()
    assert traffic.hosts() == {urlsplit(app.base).netloc}


def test_a_file_that_is_no_slide_is_refused_with_the_reason(
    viewer: ViewerPage, app: App, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tiff"
    broken.write_bytes(b"II*\x00 not a slide")
    viewer.open(app.slides["phantom"])
    with viewer.page.expect_file_chooser() as chooser:
        viewer.page.get_by_role("button", name="Upload a slide").click()
    chooser.value.set_files(broken)
    assert "broken.tiff was not taken" in viewer.message()


@pytest.mark.long
def test_script_in_names_is_shown_as_text(viewer: ViewerPage, app: App) -> None:
    app.rename(app.slides["plain"], SCRIPT)
    try:
        viewer.open(app.slides["plain"])
        page = viewer.page
        page.keyboard.press("r")
        viewer.drag((-80, -60), (90, 70))
        viewer.wait_regions(1)
        page.get_by_role("button", name="Rename Region 1").click()
        page.keyboard.type(SCRIPT)
        page.keyboard.press("Enter")
        viewer.selected_text("window.planted")
        page.reload()
        viewer.wait_loaded()
        expect(page.locator(".pv-slide-name")).to_have_text(SCRIPT)
        expect(page.locator(".pv-region-title")).to_have_text(SCRIPT)
        assert page.evaluate("window.planted") is None
    finally:
        app.rename(app.slides["plain"], "Plain")


def test_a_lost_server_is_said_in_words(viewer: ViewerPage, app: App) -> None:
    viewer.open(app.slides["phantom"])
    viewer.page.context.set_offline(True)
    viewer.page.evaluate("window.dispatchEvent(new Event('focus'))")
    assert "cannot be reached" in viewer.message()
    viewer.page.context.set_offline(False)
