"""Colours corrected by the slide's profile, as Chromium draws them: equal to ImageCms."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image
from playwright.sync_api import Page, Route

from pathviewer.settings import Settings
from tests.browser.conftest import App
from tests.browser.test_pixels import shown
from tests.browser.viewer_page import View, ViewerPage
from tests.icc_profiles import lut_profile, matrix_profile, stained
from tests.long_cases import long_cases
from tests.pathviewer.slides.test_colours import by_imagecms
from tests.servers import running
from tests.slide_files import Pixels, tissue
from tests.slide_profiles import colour_cube, write_profiled_jpeg

PROFILES = {
    "matrix": matrix_profile("Wide", gamma=2.2),
    "table": lut_profile("Scanner v1", stained, 17),
}
WIDTHS = {"matrix": 1024, "table": 768, "damaged": 512}
"""By which the slides are told apart."""

ALLOWED = 2
"""Of 255."""

CORRECT = """async ([slide, png]) => {
  const { coloured } = await import(new URL("ui/viewer/tile_colours.js", document.baseURI).href);
  const image = new Image();
  image.src = png;
  await image.decode();
  const [picture, type] = await coloured(slide, image);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  let text = "";
  for (let at = 0; at < data.length; at += 8192) {
    text += String.fromCharCode(...data.subarray(at, at + 8192));
  }
  return [type, btoa(text)];
}"""


FAILING = """
let tiles = 0;
const handle = onmessage;
onmessage = (event) => {
  const { number, picture } = event.data;
  if (picture) tiles += 1;
  if (tiles > 2) FAIL;
  else handle(event);
};
"""
"""Appended to the page's worker."""


@pytest.fixture(scope="module")
def profiled_app(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, cmu: Path
) -> Iterator[tuple[App, Path]]:
    """The application with slides of real tissue that have profiles, and their folder."""
    shelf, data = tmp_path_factory.mktemp("profiled"), tmp_path_factory.mktemp("state")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    with OpenSlide(cmu) as slide:
        for name, profile in PROFILES.items():
            real = slide.read_region((300, 500), 0, (WIDTHS[name], 1024)).convert("RGB")
            write_profiled_jpeg(shelf / f"{name}.tiff", np.asarray(real), profile)
    write_profiled_jpeg(shelf / "damaged.tiff", tissue(WIDTHS["damaged"], 512), b"no profile")
    with running(Settings(data=data, slides=(shelf,))) as base:
        listed = httpx.get(f"{base}/api/slides", timeout=30).raise_for_status().json()
        names = {width: name for name, width in WIDTHS.items()}
        yield App(base, {names[slide["width"]]: slide["id"] for slide in listed}), shelf


def region(shelf: Path, name: str) -> Pixels:
    """What OpenSlide reads in the middle of the slide, 500 x 400 pixels."""
    with OpenSlide(shelf / f"{name}.tiff") as slide:
        x, y = WIDTHS[name] // 2 - 250, 312
        return np.asarray(slide.read_region((x, y), 0, (500, 400)).convert("RGB"))


def looked_at(viewer: ViewerPage, app: App, name: str) -> None:
    """Open the middle of a slide, its pixels on those of the screen."""
    viewer.open(app.slides[name])
    box = viewer.page.locator(".pv-stage").bounding_box()
    assert box
    odd = box["width"] % 2 / 2, box["height"] % 2 / 2
    viewer.open(app.slides[name], View(WIDTHS[name] / 2 + odd[0], 512 + odd[1], 1))


def middle(viewer: ViewerPage) -> Pixels:
    """What is on the screen there."""
    viewer.wait_loaded()
    box = viewer.page.locator(".pv-stage").bounding_box()
    assert box
    left, top = viewer.at((-250 - box["width"] % 2 / 2, -200 - box["height"] % 2 / 2))
    return np.asarray(viewer.screenshot(left, top, 500, 400).convert("RGB"))


def difference(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("name", ["matrix", *long_cases("table")])
def test_a_cube_of_colours_is_corrected_as_by_imagecms(
    page: Page, profiled_app: tuple[App, Path], name: str
) -> None:
    app, _ = profiled_app
    ViewerPage(page, app.base).open(app.slides[name])
    cube, file = colour_cube(), io.BytesIO()
    Image.fromarray(cube).save(file, "PNG")
    png = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    with app.client() as client:
        slide = client.get(f"/api/slides/{app.slides[name]}").raise_for_status().json()
    kind, text = page.evaluate(CORRECT, [slide, png])
    assert kind == "imageBitmap"
    drawn = np.frombuffer(base64.b64decode(text), np.uint8).reshape(*cube.shape[:2], 4)
    assert difference(drawn[..., :3], by_imagecms(cube, PROFILES[name])) <= ALLOWED
    assert difference(drawn[..., :3], cube) > 20


@pytest.mark.long
@pytest.mark.parametrize("name", PROFILES)
def test_tissue_is_drawn_corrected_and_as_scanned(
    page: Page, profiled_app: tuple[App, Path], name: str
) -> None:
    """The switch turns correction off and on, and is remembered."""
    app, shelf = profiled_app
    viewer = ViewerPage(page, app.base)
    looked_at(viewer, app, name)
    raw = region(shelf, name)
    corrected = by_imagecms(raw, PROFILES[name])
    assert difference(raw, corrected) > 8
    button = page.get_by_role("button", name="Colours")
    assert button.get_attribute("aria-pressed") == "true"
    assert difference(middle(viewer), corrected) <= ALLOWED
    page.keyboard.press("Shift+C")
    assert button.get_attribute("aria-pressed") == "false"
    assert "as scanned" in (button.get_attribute("title") or "")
    assert difference(middle(viewer), raw) <= ALLOWED
    page.reload()
    viewer.wait_loaded()
    assert button.get_attribute("aria-pressed") == "false"
    assert difference(middle(viewer), raw) <= ALLOWED
    button.click()
    assert difference(middle(viewer), corrected) <= ALLOWED


@pytest.mark.long
def test_tiles_are_still_the_files_own(page: Page, profiled_app: tuple[App, Path]) -> None:
    app, _ = profiled_app
    sources = []
    page.on("response", lambda answer: sources.append(answer.headers.get("x-tile-source")))
    ViewerPage(page, app.base).open(app.slides["table"], View(384, 512, 1))
    assert "raw" in sources


@pytest.mark.long
def test_a_profile_of_no_use_is_named(page: Page, profiled_app: tuple[App, Path]) -> None:
    app, shelf = profiled_app
    viewer = ViewerPage(page, app.base)
    viewer.open(app.slides["damaged"], View(256, 256, 1))
    button = page.get_by_role("button", name="Colours")
    assert button.is_disabled()
    assert "not applied: it is damaged" in (button.get_attribute("title") or "")
    with OpenSlide(shelf / "damaged.tiff") as slide:
        raw = slide.read_region((206, 206), 0, (100, 100)).convert("RGB")
    assert np.abs(np.asarray(shown(viewer, 100, 100), int) - np.asarray(raw)).mean() < 3


@pytest.mark.long
def test_the_page_to_compare_on_shows_the_same_colours(
    page: Page, profiled_app: tuple[App, Path]
) -> None:
    app, shelf = profiled_app
    page.goto(f"{app.base}/compare?slide={app.slides['table']}")
    page.wait_for_function("() => window.PathViewer?.page.views.first.frames?.item")
    page.evaluate(
        """() => window.PathViewer.page.views.first.frames.show(
          {x: 384, y: 512, downsample: 1, rotation: 0})"""
    )
    raw = region(shelf, "table")
    corrected = by_imagecms(raw, PROFILES["table"])
    for expected in (corrected, raw):
        page.wait_for_function(
            "() => window.PathViewer.page.views.first.frames.item.getFullyLoaded()"
        )
        page.wait_for_timeout(300)
        stage = page.locator(".pv-stage").first
        drawn = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB"), float)
        y, x = drawn.shape[0] // 2, drawn.shape[1] // 2
        # half a pixel beside, so means are compared
        means = drawn[y - 100 : y + 100, x - 100 : x + 100].mean(axis=(0, 1))
        wanted = expected[100:300, 150:350].mean(axis=(0, 1))
        assert np.abs(means - wanted).max() < 1
        page.keyboard.press("Shift+C")
    assert np.abs(raw.astype(int) - corrected).mean(axis=(0, 1)).max() > 3


@pytest.fixture
def failing_worker(page: Page) -> Iterator[Callable[[str], None]]:
    """Makes the page's worker end at its third tile, or answer that it failed."""

    def fail(statement: str) -> None:
        def answer(route: Route) -> None:
            own = route.fetch()
            added = FAILING.replace("FAIL", statement)
            route.fulfill(response=own, body=own.text() + added)

        page.context.route("**/viewer/colour_worker.js", answer)

    yield fail
    page.context.unroute("**/viewer/colour_worker.js")


@pytest.mark.long
@pytest.mark.parametrize(
    "statement", ['throw new Error("ended")', 'postMessage({number, error: "null"})']
)
def test_a_failure_shows_all_tiles_as_scanned_and_says_so(
    page: Page,
    profiled_app: tuple[App, Path],
    failing_worker: Callable[[str], None],
    statement: str,
) -> None:
    """No view mixes corrected tiles with others."""
    app, shelf = profiled_app
    failing_worker(statement)
    viewer = ViewerPage(page, app.base)
    looked_at(viewer, app, "table")
    button = page.get_by_role("button", name="Colours: not corrected")
    button.wait_for()
    assert difference(middle(viewer), region(shelf, "table")) <= ALLOWED
    assert button.is_disabled()
    assert button.get_attribute("aria-pressed") == "false"
    assert "Reload the page" in (button.get_attribute("title") or "")
    message = page.evaluate("() => window.PathViewer.store.get('message').text")
    assert message.startswith("All colours of this slide are shown as they were scanned")
    assert "null" not in message and "properties" not in message
    assert page.evaluate(ASKED) == {"colours": "raw"}


ASKED = """async () => {
  const address = new URL("ui/viewer/tile_colours.js", document.baseURI).href;
  const { askedColours } = await import(address);
  return askedColours(window.PathViewer.store.get("slide"));
}"""


@pytest.mark.long
def test_a_question_asks_for_the_colours_on_the_screen(
    page: Page, profiled_app: tuple[App, Path]
) -> None:
    app, _ = profiled_app
    viewer = ViewerPage(page, app.base)
    viewer.open(app.slides["table"], View(384, 512, 1))
    assert page.evaluate(ASKED) == {}
    page.keyboard.press("Shift+C")
    assert page.evaluate(ASKED) == {"colours": "raw"}
    viewer.open(app.slides["damaged"], View(256, 256, 1))
    assert page.evaluate(ASKED) == {}
