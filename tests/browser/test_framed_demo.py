"""A public demo works in a frame of another site, in a browser that keeps no cookies there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pathviewer.settings import Settings
from tests.browser.conftest import PATIENCE
from tests.browser.readings import ANSWERS, OPTIONS, SAVED
from tests.browser.viewer_page import LOADED
from tests.servers import running, serving

KEEPS = """() => {
  document.cookie = "kept=1; SameSite=None; Secure";
  return document.cookie.includes("kept=1");
}"""


@pytest.fixture
def demo(state: Path, small_phantom: Path, tmp_path: Path) -> Iterator[str]:
    """A public demo that pages of localhost may frame, as Hugging Face frames a Space."""
    script = tmp_path / "script.toml"
    script.write_text(ANSWERS, encoding="utf-8")
    settings = Settings(
        data=state,
        public_demo=True,
        model=f"scripted:{script}",
        frame_ancestors="'self' http://localhost:*",
    )
    settings.demo.mkdir()
    shutil.copyfile(small_phantom, settings.demo / "demo.tiff")
    with running(settings) as base:
        yield base


@pytest.fixture
def framing(demo: str) -> Iterator[str]:
    """Another site's page with the demo in a frame."""

    async def page(_: Request) -> Response:
        style = "width:1400px;height:860px;border:0"
        return HTMLResponse(f'<iframe src="{demo}/" style="{style}"></iframe>')

    with serving(Starlette(routes=[Route("/", page)])) as base:
        yield base.replace("127.0.0.1", "localhost")


@pytest.fixture
def strict_page(browser: Browser) -> Iterator[Page]:
    """A tab that blocks cookies of sites in frames."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def test_a_visitor_asks_and_judges_in_a_frame(strict_page: Page, demo: str, framing: str) -> None:
    page = strict_page
    page.goto(framing)
    frame = page.frames[1]
    frame.wait_for_function(LOADED)
    assert not frame.evaluate(KEEPS)
    expect(frame.get_by_text("Public demo: nothing is kept")).to_be_visible()
    box = frame.locator(".pv-stage").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)  # the keyboard is the frame's from now on
    page.keyboard.press("r")
    page.mouse.move(x - 80, y - 60)
    page.mouse.down()
    page.mouse.move(x + 90, y + 70, steps=4)
    page.mouse.up()
    expect(frame.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    frame.get_by_label("Question", exact=True).fill("Which tumour is it?")
    frame.get_by_label("Options").fill(OPTIONS)
    page.keyboard.press("Control+Enter")
    frame.wait_for_function("window.PathViewer.store.get('reading')?.state === 'done'")
    expect(frame.get_by_role("form", name="Judgment")).to_be_visible()
    frame.locator(".pv-judge-state").scroll_into_view_if_needed()
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    expect(frame.locator(".pv-judge-state")).to_have_text(SAVED)
    frame.get_by_role("button", name="Provenance").click()
    expect(frame.locator(".pv-drawer-picture image")).to_be_visible()
    page.goto(demo)
    assert page.evaluate(KEEPS), "of its own site the browser keeps what it refused the frame"
