"""After an answer: how it came about, whether it used the picture, and finding it again."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from pathviewer.settings import Settings
from tests.browser.readings import STORE, ask, scripted_settings, wait_state
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

pytestmark = pytest.mark.long

ANSWERS = """
seconds_per_token = 0.002

[[answer]]
asked = "Describe the image"
texts = ["An image."]

[[answer]]
texts = ["<think>Step 1: Up here.</think><answer>A</answer>",
  "<think>Step 1: Or there.</think><answer>B</answer>"]
[[answer.look]]
words = "Step 1: Up here."
area = [0.0, 0.0, 0.25, 0.25]
"""


LATE_READING = """() => {
  const fetched = window.fetch.bind(window);
  let go;
  const gone = new Promise((resolve) => { go = resolve; });
  window.pvLetGo = go;
  window.fetch = async (url, given) => {
    const answer = await fetched(url, given);
    const late = /api.readings.[0-9a-f-]{36}$/.test(String(url).split("?")[0])
      && (given?.method ?? "GET") === "GET";
    if (!late) return answer;
    const text = await answer.text();
    await gone;
    setTimeout(() => { window.pvCame = true; }, 300);
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
}"""
"""What the server says of a reading is said at once, and arrives when `pvLetGo` is called."""


@pytest.fixture
def settings(tmp_path: Path, assets: Path, small_phantom: Path) -> Settings:
    """Canned answers about one slide."""
    return scripted_settings(tmp_path, assets, small_phantom, ANSWERS)


def opened(page: Page, base: str) -> ViewerPage:
    """The page with a region of 640 x 400 px."""
    viewer = ViewerPage(page, base)
    (slide,) = httpx.get(f"{base}/api/slides").raise_for_status().json()
    viewer.open(query=f"slide={slide['id']}&x=920&y=600&downsample=1&roi=600,400,640,400")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    return viewer


def past(page: Page) -> Locator:
    """The rows of the slide's readings."""
    return page.get_by_role("list", name="Readings of this slide").get_by_role("button")


def test_provenance_and_the_same_seed_again(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        opened(page, base)
        page.get_by_text("Model and settings").click()
        page.get_by_label("Temperature").fill("1")
        page.get_by_label("Seed").fill("3")
        ask(page, "Where is it?", "low\nhigh")
        wait_state(page, "done")
        page.get_by_role("button", name="Provenance").click()
        drawer = page.get_by_role("dialog", name="How this answer came about")
        for fact in ("x 600, y 400, 640 × 400 px", "560 × 336 px", "20 × 12, 240 tokens"):
            expect(drawer).to_contain_text(fact)
        expect(drawer).to_contain_text(re.compile("Seed3Temperature1"))
        expect(drawer).to_contain_text("B. high")
        picture = drawer.locator("image")
        path = picture.get_attribute("href")
        assert httpx.get(f"{base}{path}").headers["content-type"] == "image/png"
        former = page.evaluate(STORE.format("reading"))
        drawer.get_by_role("button", name="Ask again with the same seed").click()
        expect(drawer).to_be_hidden()
        expect(page.locator(".pv-message")).to_contain_text("the same text, to the letter")
        now = page.evaluate(STORE.format("reading"))
        assert now["id"] != former["id"]
        assert now["completions"][0]["text"] == former["completions"][0]["text"]
        page.keyboard.press("i")
        expect(drawer).to_be_visible()
        page.keyboard.press("i")
        expect(drawer).to_be_hidden()


def test_did_it_use_this_is_said_with_numbers_and_kept(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        viewer = opened(page, base)
        ask(page, "Where is it?", "low\nhigh")
        wait_state(page, "done")
        found = page.locator(".pv-use-found")
        page.keyboard.press("Shift+H")
        page.keyboard.press("d")
        expect(found).to_contain_text("The answer")
        expect(found.locator("tbody tr")).to_have_count(4)
        expect(found.locator(".pv-use-method")).to_contain_text("Masked by blur")
        expect(found.locator("caption")).to_contain_text("Whole answer")
        page.keyboard.press("]")
        expect(found).to_be_empty()
        page.get_by_role("button", name="Did it use what it looked at in step 1?").click()
        expect(found.locator("caption")).to_contain_text("Step 1")
        told = found.inner_text()
        assert re.search(r"the region as it is\s+\d", told), told
        page.reload()
        viewer.wait_loaded()
        page.keyboard.press("]")
        expect(found.locator("caption")).to_contain_text("Step 1")
        assert found.inner_text() == told


def test_a_check_is_not_lost_to_a_late_answer_of_the_server(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        opened(page, base)
        page.evaluate(LATE_READING)
        ask(page, "Where is it?", "low\nhigh")
        wait_state(page, "done")
        page.keyboard.press("Shift+H")
        page.keyboard.press("d")
        found = page.locator(".pv-use-found")
        expect(found).to_contain_text("The answer")
        page.evaluate("window.pvLetGo()")
        page.wait_for_function("window.pvCame === true")
        expect(found).to_contain_text("The answer")


def test_readings_are_found_again_after_a_restart(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        opened(page, base)
        for question in ("Where is it?", "And <b>now</b>?"):
            page.locator("#pv-ask-fold").evaluate("(fold) => { fold.open = true; }")
            ask(page, question)
            page.wait_for_function(
                f"{STORE.format('reading')}?.question === {question!r} &&"
                f" {STORE.format('reading')}.state === 'done'"
            )
        page.goto("about:blank")
    with running(settings) as base:
        viewer = opened(page, base)
        page.keyboard.press("b")
        expect(past(page)).to_have_text([re.compile("And <b>now</b>\\?A"), re.compile("Where is")])
        expect(past(page).first).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(past(page).last).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".pv-asked")).to_have_text("Where is it?")
        expect(past(page).last).to_have_attribute("aria-current", "true")
        expect(page.locator(".pv-answer .pv-passage")).to_have_text("A")
        viewer.settle()
        page.keyboard.press("]")
        page.wait_for_function(f"['localised', 'place'].includes({STORE.format('glow')}?.verdict)")
