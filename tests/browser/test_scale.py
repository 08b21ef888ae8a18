"""Correcting a slide's scale on the page, by typing or by a line of known length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from pathviewer.slides.outline import Outline, area, side_lengths
from pathviewer.slides.scale import PixelSize
from tests.browser.readings import ANSWERS, write_question
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases
from tests.servers import running
from tests.slide_files import write_scaled

SLIDES = {
    "coarse": ((236.22, 236.22), (1000, 800)),
    "oblong": ((5000, 2500), (900, 450)),
    "plausible": ((20_000, 20_000), (1001, 800)),
}
"""Pixels in a centimetre along each axis, and size in pixels: 42.33, 2 x 4 and 0.5 um per pixel."""


@dataclass
class Site:
    """The application with these slides and canned answers."""

    base: str
    ids: dict[str, str]

    def scale(self, name: str) -> dict[str, Any]:
        """The scale of a slide as the API has it."""
        path = f"{self.base}/api/slides/{self.ids[name]}"
        found: dict[str, Any] = httpx.get(path).raise_for_status().json()["scale"]
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Site]:
    """One for all tests of this module; each corrects its own slide."""
    folder = tmp_path_factory.mktemp("scales")
    for name in ("state", "slides"):
        (folder / name).mkdir()
    (folder / "state" / "assets").symlink_to(assets, target_is_directory=True)
    for name, (per_centimetre, size) in SLIDES.items():
        write_scaled(folder / "slides" / f"{name}.tiff", per_centimetre, *size)
    script = folder / "script.toml"
    script.write_text(ANSWERS, encoding="utf-8")
    settings = Settings(
        data=folder / "state", slides=(folder / "slides",), model=f"scripted:{script}"
    )
    with running(settings) as base:
        listed = httpx.get(f"{base}/api/slides", timeout=30).raise_for_status().json()
        widths = {slide["width"]: slide["id"] for slide in listed}
        yield Site(base, {name: widths[size[0]] for name, (_, size) in SLIDES.items()})


def day() -> str:
    """Today as the page writes it."""
    today = date.today()
    return f"{today.day} {today:%b %Y}"


def test_a_scale_is_corrected_by_drawing_a_known_length(page: Page, site: Site) -> None:
    viewer = ViewerPage(page, site.base)
    viewer.open(site.ids["coarse"], View(500, 400, 1))
    bar, facts = page.locator(".pv-scale"), page.locator("[aria-current] .pv-slide-text")
    expect(bar).to_be_hidden()
    expect(facts).to_contain_text("scale unknown: the file claims 42.33 µm/px")
    details = page.locator(".pv-details")
    expect(details).to_contain_text("The file claims 42.33 µm per pixel, which no scanner has")
    page.keyboard.press("m")
    form = page.locator(".pv-known-length")
    expect(form).to_be_hidden()
    viewer.drag((-100, 0), (100, 0))
    expect(page.locator(".pv-distance")).to_have_text("200 px")
    form.get_by_label("Length of the measured line").fill("nought")
    form.get_by_role("button", name="Set scale").click()
    assert "a number above 0" in viewer.message()
    form.get_by_label("Length of the measured line").fill("0,1")
    form.get_by_label("Unit of the length").select_option("mm")
    form.get_by_role("button", name="Set scale").click()
    expect(page.locator(".pv-message")).to_contain_text(
        "Scale set to 0.5 µm/px by a line of 0.1 mm"
    )
    expect(form).to_be_hidden()
    expect(page.locator(".pv-distance")).to_have_text("100 µm (scale entered by hand)")
    expect(bar).to_have_text("50 µm (scale entered by hand)")
    expect(facts).to_contain_text(f"0.5 µm/px, entered by local on {day()}")
    expect(details).to_contain_text("the file claims 42.33 µm/px")
    assert site.scale("coarse")["by_known_length"]
    page.set_viewport_size({"width": 1280, "height": 720})
    page.set_viewport_size({"width": 1440, "height": 900})

    write_question(viewer)
    page.wait_for_function("window.PathViewer.store.get('reading')?.state === 'done'")
    assert "Scale entered by hand: 0.5 µm per pixel; the file claims 42.33" in viewer.selected_text(
        "Scale entered"
    )
    page.get_by_role("button", name="Provenance").click()
    rows = page.locator(".pv-drawer-body")
    expect(rows).to_contain_text(re.compile(r"0\.5 µm per level-0 pixel, entered by hand on .* 20"))
    expect(rows).to_contain_text("the file claims 42.33 µm/px")


@pytest.mark.long
def test_oblong_pixels_are_measured_and_drawn_per_axis(page: Page, site: Site) -> None:
    viewer = ViewerPage(page, site.base)
    viewer.open(site.ids["oblong"], View(450, 225, 2))
    expect(page.locator(".pv-scale")).to_be_visible()
    lengths = []
    for end in ((120, 0), (0, 120)):
        page.keyboard.press("m")
        viewer.drag((0, 0), end)
        lengths.append(page.locator(".pv-distance").text_content())
    assert lengths == ["480\u00a0µm", "480\u00a0µm"]
    page.keyboard.press("q")
    viewer.click((0, 0))
    (region,) = viewer.wait_regions(1)
    assert (region["box"]["width"], region["box"]["height"]) == (500, 250)
    text = viewer.selected_text("Area")
    assert "1,000 × 1,000 µm" in text
    assert "1.000 mm²" in text
    expect(page.locator(".pv-regions")).to_contain_text("1,000 × 1,000 µm, 1.000\u00a0mm²")
    box = page.locator(".pv-overlay path.pv-selected").bounding_box()
    assert box
    assert box["width"] == pytest.approx(box["height"], abs=4)
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    viewer.click((0, 0))
    regions = viewer.wait_regions(2)
    assert "550.0 × 550.0 µm" in viewer.selected_text("550")
    box = page.locator(".pv-overlay path.pv-selected").bounding_box()
    assert box
    assert box["width"] == pytest.approx(box["height"], abs=4)
    assert regions[1]["box"]["width"] == pytest.approx(275, abs=1)


@pytest.mark.long
def test_a_rectangle_drawn_under_rotation_among_oblong_pixels_is_saved(
    page: Page, site: Site
) -> None:
    viewer = ViewerPage(page, site.base)
    viewer.open(site.ids["oblong"], View(450, 225, 2, 30))
    before = len(viewer.regions())
    viewer.draw((-50, -40), (50, 40))
    regions = viewer.wait_regions(before + 1)
    assert regions[-1]["shape"] == "polygon"
    (across, down) = page.evaluate(
        """async (points) => {
          const { lengthUm, pixelSize } = await import("/ui/viewer/scale.js");
          const pixel = pixelSize(window.PathViewer.store.get("slide"));
          return [lengthUm(points[0], points[1], pixel), lengthUm(points[1], points[2], pixel)];
        }""",
        regions[-1]["points"],
    )
    assert (across, down) == pytest.approx((400, 320), rel=0.02)


@pytest.mark.long
def test_a_plausible_scale_is_corrected_per_axis_and_taken_back(page: Page, site: Site) -> None:
    viewer = ViewerPage(page, site.base)
    viewer.open(site.ids["plausible"], View(500, 400, 1.5))
    field = page.get_by_label("Microns per pixel of this slide")
    details = page.locator(".pv-details")
    expect(field).to_have_value("0.5")
    expect(details).to_contain_text("From the file.")
    field.fill("0,25 x 0,5")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".pv-message")).to_contain_text("Scale set to 0.25 × 0.5 µm/px")
    viewer.wait_loaded()
    view = viewer.view()
    assert (view.x, view.y, view.downsample) == pytest.approx((500, 400, 1.5), rel=0.01)
    page.keyboard.press("m")
    viewer.drag((0, 0), (0, 100))
    expect(page.locator(".pv-distance")).to_contain_text("37.5 µm")
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".pv-message")).to_contain_text("taken back")
    viewer.wait_loaded()
    expect(field).to_have_value("0.5")
    expect(details).to_contain_text("From the file.")
    assert site.scale("plausible")["source"] == "file"
    field.fill("12")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".pv-message")).to_contain_text("scanners have 0.05 to 5")
    expect(field).to_have_value("12")


def test_the_page_measures_what_the_server_measures(page: Page, site: Site) -> None:
    """Sides and areas of turned rectangles and polygons at several sizes of a pixel."""
    turned = ((100.0, 100.0), (400.0, 500.0), (0.0, 800.0), (-300.0, 400.0))
    shapes = (
        Outline("rectangle", ((1.0, 2.0), (101.0, 2.0), (101.0, 52.0), (1.0, 52.0))),
        Outline("rectangle", turned),
        Outline("polygon", ((0.5, 0.25), (100.25, 3.0), (70.0, 60.5), (2.0, 31.0))),
    )
    page.goto(f"{site.base}/api/health")
    for pixel in (PixelSize(0.25, 0.25), PixelSize(0.25, 0.5), PixelSize(3.1, 1.7)):
        for shape in shapes:
            region = {"shape": shape.shape, "points": [list(point) for point in shape.points]}
            found = page.evaluate(
                """async ([region, pixel]) => {
                  const { areaUm2, extentUm } = await import("/ui/viewer/scale.js");
                  return [...extentUm(region, pixel), areaUm2(region.points, pixel)];
                }""",
                [region, vars(pixel)],
            )
            assert found == pytest.approx([*side_lengths(shape, pixel), area(shape, pixel)])


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("0.25", 0.25),
        ("0,25 × 0,5", {"x": 0.25, "y": 0.5}),
        ("-1", None),
        *long_cases(
            (" 0,25 ", 0.25),
            ("0.25x0.5", {"x": 0.25, "y": 0.5}),
            ("0.25 0.5", {"x": 0.25, "y": 0.5}),
            ("", None),
            ("0", None),
            ("1 x 2 x 3", None),
            ("half", None),
            ("Infinity", None),
        ),
    ],
)
def test_what_is_typed_as_a_scale(page: Page, site: Site, text: str, scale: object) -> None:
    page.goto(f"{site.base}/api/health")
    found = page.evaluate(
        "async (text) => (await import('/ui/viewer/scale.js')).parseScale(text)", text
    )
    assert json.dumps(found) == json.dumps(scale)
