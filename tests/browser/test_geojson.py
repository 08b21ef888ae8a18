"""GeoJSON goes out of the page and comes back into it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import httpx
import pytest

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


@pytest.mark.long
def test_a_zipped_export_is_taken_and_cut_at_the_edge(
    viewer: ViewerPage, app: App, tmp_path: Path
) -> None:
    slide = app.slides["phantom"]
    viewer.open(slide)
    rings = {"over": [[-50, -50], [150, -50], [150, 150]], "far": [[9000, 0], [9100, 0], [9000, 9]]}
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        }
        for name, ring in rings.items()
    ]
    packed = tmp_path / "slide.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slide.geojson", json.dumps(features))
    with viewer.page.expect_file_chooser() as chooser:
        viewer.page.get_by_role("button", name="Import regions from GeoJSON").click()
    chooser.value.set_files(packed)
    (region,) = viewer.wait_regions(1)
    assert (region["name"], region["box"]) == (
        "over",
        {"x": 0, "y": 0, "width": 150, "height": 150},
    )
    said = viewer.message()
    assert said.startswith(
        "1 region imported. 1 outline reached over the slide's edge and lost up to"
    )
    assert "1 left out: It is outside the slide, all of it" in said
    stored = httpx.get(f"{app.base}/api/slides/{slide}/regions").json()
    assert [each["name"] for each in stored] == ["over"]
