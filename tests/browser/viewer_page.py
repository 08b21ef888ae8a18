"""The viewer's page as a test sees it: screen offsets from the middle of the slide's view."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

LOADED = "() => Boolean(window.PathViewer?.canvas.frames.item?.getFullyLoaded())"
Point = tuple[float, float]


@dataclass(frozen=True)
class View:
    """Where the viewer looks."""

    x: float
    """Centre in level-0 pixels."""
    y: float
    """Centre in level-0 pixels."""
    downsample: float
    """Level-0 pixels per screen pixel."""
    rotation: float = 0
    """Degrees, clockwise."""

    def level0(self, offset: Point) -> Point:
        """The level-0 point seen at a screen offset from the middle."""
        angle = math.radians(-self.rotation)
        dx, dy = offset
        right = dx * math.cos(angle) - dy * math.sin(angle)
        down = dx * math.sin(angle) + dy * math.cos(angle)
        return self.x + right * self.downsample, self.y + down * self.downsample


class ViewerPage:
    """One browser tab that shows the viewer of one running application."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base

    def open(self, slide: str | None = None, view: View | None = None, query: str = "") -> None:
        """Load the page and wait until the slide is drawn in full."""
        values: dict[str, object] = {} if slide is None else {"slide": slide}
        if view:
            values |= vars(view)
        self.page.goto(f"{self.base}/?{query or urlencode(values)}")
        self.wait_loaded()

    def screenshot(self, left: float, top: float, width: float, height: float) -> Image.Image:
        """A part of the window as it is drawn, in screen pixels."""
        png = self.page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})
        return Image.open(io.BytesIO(png))

    def wait_loaded(self) -> None:
        """Wait until every tile of the present view is drawn and nothing moves any more."""
        self.page.wait_for_function(LOADED)
        self.settle()

    def settle(self) -> None:
        """Wait until the view stands still."""
        self.page.evaluate(
            """async () => {
              const { frames } = window.PathViewer.canvas;
              const frame = () => new Promise(requestAnimationFrame);
              const now = () => (frames.item
                ? JSON.stringify([frames.downsample(), frames.matrix()]) : String(Math.random()));
              for (let still = 0, last = ""; still < 4; last = now()) {
                await frame();
                still = now() === last ? still + 1 : 0;
              }
            }"""
        )

    def at(self, offset: Point) -> Point:
        """A screen offset from the middle of the view, in the page's pixels."""
        box = self.page.locator(".pv-stage").bounding_box()
        assert box
        return box["x"] + box["width"] / 2 + offset[0], box["y"] + box["height"] / 2 + offset[1]

    def drag(self, start: Point, end: Point) -> None:
        """Press at one offset, move in steps, release at the other."""
        mouse = self.page.mouse
        mouse.move(*self.at(start))
        mouse.down()
        mouse.move(*self.at(end), steps=4)
        mouse.up()

    def click(self, offset: Point) -> None:
        """Click at an offset; a pause keeps two clicks from being a double-click."""
        self.page.mouse.move(*self.at(offset))
        self.page.wait_for_timeout(350)
        self.page.mouse.down()
        self.page.mouse.up()

    def regions(self) -> list[dict[str, Any]]:
        """The regions in the page."""
        found: list[dict[str, Any]] = self.page.evaluate("window.PathViewer.store.get('regions')")
        return found

    def wait_regions(self, count: int) -> list[dict[str, Any]]:
        """Wait until the page has so many regions, all saved."""
        self.page.wait_for_function(
            """(count) => {
              const regions = window.PathViewer.store.get("regions");
              return regions.length === count && regions.every((region) => region.saved);
            }""",
            arg=count,
        )
        return self.regions()

    def draw(self, start: Point = (-80, -60), end: Point = (90, 70)) -> None:
        """Draw a rectangle between two offsets."""
        self.page.keyboard.press("r")
        self.drag(start, end)

    def view(self) -> View:
        """Where the viewer looks now."""
        return View(**self.page.evaluate("window.PathViewer.canvas.frames.view()"))

    def selected_text(self, wanted: str) -> str:
        """The text of the selected region's panel once it contains `wanted`."""
        panel = self.page.locator("#pv-selected-region")
        panel.get_by_text(wanted, exact=False).first.wait_for()
        return panel.inner_text()

    def message(self) -> str:
        """What the message line says, waiting until it says something."""
        line = self.page.locator(".pv-message > span")
        line.wait_for()
        return line.inner_text()
