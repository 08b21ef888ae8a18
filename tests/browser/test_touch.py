"""Fingers on a touch screen, through Chromium's own input: one draws, two zoom, none is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser.conftest import PATIENCE, App
from tests.browser.viewer_page import Point, View, ViewerPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession

VIEW = View(1500, 1100, 2)
STEPS = 5


class Fingers:
    """Fingers by number; offsets as in `ViewerPage`."""

    def __init__(self, viewer: ViewerPage, session: CDPSession) -> None:
        self.viewer, self.session = viewer, session
        self.down: dict[int, Point] = {}

    def _send(self, kind: str) -> None:
        points = [
            dict(zip(("x", "y"), self.viewer.at(offset), strict=True)) | {"id": finger}
            for finger, offset in sorted(self.down.items())
        ]
        told: dict[str, Any] = {"type": kind, "touchPoints": points}
        self.session.send("Input.dispatchTouchEvent", told)

    def press(self, finger: int, offset: Point) -> None:
        """Put a finger down."""
        self.down[finger] = offset
        self._send("touchStart")

    def move(self, to: dict[int, Point]) -> None:
        """Move fingers in steps, together."""
        start = dict(self.down)
        for step in range(1, STEPS + 1):
            for finger, (x, y) in to.items():
                from_x, from_y = start[finger]
                part = step / STEPS
                self.down[finger] = (from_x + (x - from_x) * part, from_y + (y - from_y) * part)
            self._send("touchMove")

    def lift(self, *fingers: int) -> None:
        """Take fingers off."""
        for finger in fingers:
            del self.down[finger]
        self._send("touchEnd")

    def cancel(self) -> None:
        """The system takes all fingers for a gesture of its own."""
        self.down.clear()
        self._send("touchCancel")

    def drag(self, start: Point, end: Point) -> None:
        """One finger, down, moved and up."""
        self.press(0, start)
        self.move({0: end})
        self.lift(0)


@pytest.fixture
def fingers(browser: Browser, app: App) -> Iterator[Fingers]:
    """A tablet that shows the phantom, with no regions left from another test."""
    app.forget_regions()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    viewer = ViewerPage(page, app.base)
    viewer.open(app.slides["phantom"], VIEW)
    yield Fingers(viewer, context.new_cdp_session(page))
    context.close()
    assert errors == []


def sketch(fingers: Fingers) -> bool:
    """Whether a shape or a measured distance is being drawn on the screen."""
    overlay = "window.PathViewer.canvas.overlay"
    drawn: bool = fingers.viewer.page.evaluate(f"Boolean({overlay}.draft ?? {overlay}.measured)")
    return drawn


def stored(fingers: Fingers, app: App) -> list[Any]:
    """Regions that the server has once the page has nothing more to send."""
    fingers.viewer.settle()
    fingers.viewer.page.wait_for_timeout(300)
    answer = httpx.get(f"{app.base}/api/slides/{app.slides['phantom']}/regions")
    found: list[Any] = answer.raise_for_status().json()
    return found


def test_one_finger_draws(fingers: Fingers) -> None:
    fingers.viewer.page.keyboard.press("r")
    fingers.drag((-80, -60), (90, 70))
    (region,) = fingers.viewer.wait_regions(1)
    assert region["box"]["width"] == pytest.approx(340, abs=2)
    fingers.viewer.settle()
    # the slide does not glide on from under the region
    assert fingers.viewer.view().x == pytest.approx(VIEW.x, abs=1)


@pytest.mark.long
@pytest.mark.parametrize("key", ["r", "q", "w", "m"])
def test_a_second_finger_gives_the_shape_up_and_zooms(fingers: Fingers, app: App, key: str) -> None:
    viewer = fingers.viewer
    viewer.page.keyboard.press(key)
    tool = viewer.page.evaluate("window.PathViewer.store.get('tool')")
    fingers.press(0, (-40, -20))
    fingers.move({0: (-60, -40)})
    assert sketch(fingers)
    fingers.press(1, (60, 40))
    fingers.move({0: (-180, -120), 1: (180, 120)})
    assert not sketch(fingers)
    fingers.lift(1)
    fingers.move({0: (-190, -130)})
    fingers.lift(0)
    assert stored(fingers, app) == []
    assert viewer.regions() == []
    assert not sketch(fingers)
    assert viewer.view().downsample < VIEW.downsample / 1.5
    assert viewer.page.evaluate("window.PathViewer.store.get('tool')") == tool


def test_two_fingers_at_once_store_nothing(fingers: Fingers, app: App) -> None:
    fingers.viewer.page.keyboard.press("r")
    fingers.down = {0: (-40, -30), 1: (40, 30)}
    fingers._send("touchStart")
    fingers.move({0: (-160, -120), 1: (160, 120)})
    fingers.lift(0, 1)
    assert stored(fingers, app) == []


@pytest.mark.long
def test_after_the_pinch_one_finger_draws_again(fingers: Fingers) -> None:
    viewer = fingers.viewer
    viewer.page.keyboard.press("r")
    fingers.press(0, (-40, -20))
    fingers.press(1, (60, 40))
    fingers.move({0: (-80, -60), 1: (100, 80)})
    fingers.lift(0)
    fingers.lift(1)
    viewer.settle()
    fingers.drag((-50, -50), (50, 50))
    (region,) = viewer.wait_regions(1)
    assert region["box"]["width"] == pytest.approx(100 * viewer.view().downsample, abs=4)


@pytest.mark.long
def test_a_corner_set_by_a_tap_outlasts_a_pinch(fingers: Fingers) -> None:
    viewer = fingers.viewer
    viewer.page.keyboard.press("p")
    for offset in ((-100.0, -80.0), (100.0, -80.0)):
        fingers.press(0, offset)
        fingers.lift(0)
        viewer.page.wait_for_timeout(350)
    fingers.press(0, (-40, 20))
    fingers.press(1, (60, 40))
    fingers.move({0: (-41, 20), 1: (61, 40)})
    fingers.lift(0, 1)
    viewer.settle()
    fingers.press(0, (90.0, 90.0))
    fingers.lift(0)
    viewer.page.keyboard.press("Enter")
    (region,) = viewer.wait_regions(1)
    assert len(region["points"]) == 3


@pytest.mark.long
def test_a_dragged_region_returns_to_its_place(fingers: Fingers, app: App) -> None:
    viewer = fingers.viewer
    viewer.page.keyboard.press("r")
    fingers.drag((-80, -60), (90, 70))
    (region,) = viewer.wait_regions(1)
    fingers.press(0, (5, 5))
    fingers.move({0: (60, 60)})
    assert viewer.regions()[0]["box"] != region["box"]
    fingers.press(1, (140, 120))
    fingers.move({0: (20, 20), 1: (180, 160)})
    fingers.lift(0, 1)
    (after,) = viewer.wait_regions(1)
    assert after["box"] == region["box"]
    assert stored(fingers, app)[0]["box"] == region["box"]


@pytest.mark.long
def test_what_the_system_takes_away_is_given_up(fingers: Fingers, app: App) -> None:
    viewer = fingers.viewer
    viewer.page.keyboard.press("r")
    fingers.press(0, (-80, -60))
    fingers.move({0: (90, 70)})
    fingers.cancel()
    assert stored(fingers, app) == []
    assert not sketch(fingers)
    fingers.drag((-80, -60), (90, 70))
    viewer.wait_regions(1)
