"""GeoJSON goes out of the page and comes back into it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.browser.conftest import App
from tests.browser.viewer_page import View, ViewerPage


def test_export_and_import(viewer: ViewerPage, app: App, tmp_path: Path) -> None:
    viewer.open(app.slides["phantom"], View(1500, 1100, 2))
    page = viewer.page
    page.keyboard.press("r")
    viewer.drag((-80, -60), (90, 70))
    (drawn,) = viewer.wait_regions(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export the regions as GeoJSON").click()
    exported = tmp_path / "regions.geojson"
    download.value.save_as(exported)
    ring = json.loads(exported.read_text())["features"][0]["geometry"]["coordinates"][0]
    assert ring[:4] == drawn["points"]
    page.get_by_role("button", name=f"Delete {drawn['name']}").click()
    page.wait_for_function("window.PathViewer.store.get('regions').length === 0")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import regions from GeoJSON").click()
    chooser.value.set_files(exported)
    (back,) = viewer.wait_regions(1)
    assert back["box"] == drawn["box"]
    assert viewer.message() == "1 region imported."
