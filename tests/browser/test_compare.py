"""Comparing in two browsers: the keys, what is told when, undo, reload, two linked views."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from pathviewer.settings import Settings
from storage.database import open_database
from storage.export_rows import Selection, stream_selected_questions
from tests.browser.conftest import PATIENCE
from tests.browser.logins import PASSWORD, add_clinician
from tests.browser.readings import scripted_settings
from tests.browser.viewer_page import ViewerPage
from tests.comparing import PAIRS, list_with_pairs
from tests.servers import running

HIDDEN = "Who wrote this is told after your vote."
SLOW = """
seconds_per_token = 0.15
[[answer]]
texts = ["<think>Step 1: The first one is dense. Step 2: It is long.</think><answer>A</answer>",
  "<think>Step 1: The second one is loose. Step 2: It is long.</think><answer>B</answer>"]
"""


@pytest.fixture(scope="module")
def settings(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path
) -> Settings:
    """A list with pairs, two clinicians, a model that writes slowly."""
    made = scripted_settings(tmp_path_factory.mktemp("compare"), assets, small_phantom, SLOW)
    for name in ("ada", "bob"):
        add_clinician(made, name)
    list_with_pairs(made, "phantom.tiff")
    return made


@pytest.fixture(scope="module")
def base(settings: Settings) -> Iterator[str]:
    """The running application."""
    with running(settings) as url:
        yield url


def open_list(page: Page, base: str, name: str) -> None:
    """Log in and begin with the list."""
    page.goto(f"{base}/compare")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="pairs").click()
    wait(page, "ready")


def wait(page: Page, state: str) -> None:
    """Until the comparison on the screen is in a state, and nothing is asked of the server."""
    page.wait_for_function(
        "(state) => { const { store } = window.PathViewer ?? {}; return store && "
        "store.get('comparison')?.state === state && !store.get('busy'); }",
        arg=state,
    )


def names(page: Page) -> list[str]:
    """What stands under “Left” and “Right”."""
    return page.locator(".pv-compare-name").all_inner_texts()


def progress(page: Page, done: int) -> None:
    """How far the page says that one is."""
    expect(page.locator(".pv-compare-progress")).to_contain_text(f"{done} of {PAIRS} pairs done")


def current_votes(settings: Settings) -> list[str]:
    """Choices as an export reads them."""
    database = open_database(settings.database)
    with database.read_only() as session:
        found = [
            str(each.choice)
            for reading in stream_selected_questions(session, Selection())
            for each in reading.feedback
        ]
    database.close()
    return found


def test_two_raters_compare_the_pairs_of_a_list(
    page: Page, browser: Browser, base: str, settings: Settings
) -> None:
    open_list(page, base, "ada")
    assert names(page) == [HIDDEN] * 2
    progress(page, 0)
    # a reason, a comment and a reload: the same pair, and what was typed
    page.keyboard.press("m")
    page.keyboard.press("c")
    page.get_by_label("Comment").fill("mitoses are not counted")
    page.keyboard.press("Enter")
    shown = page.locator(".pv-passage").all_inner_texts()
    page.reload()
    wait(page, "ready")
    assert page.locator(".pv-passage").all_inner_texts() == shown
    expect(page.get_by_role("button", name="Missed finding")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.get_by_label("Comment")).to_have_value("mitoses are not counted")
    page.keyboard.press("a")
    wait(page, "voted")
    assert all(
        re.match("scripted, weights [0-9a-f]{8} · temperature", name) for name in names(page)
    )
    progress(page, 1)
    assert current_votes(settings) == ["left"]
    # taken back: hidden again, and not exported
    page.keyboard.press("u")
    wait(page, "ready")
    assert names(page) == [HIDDEN] * 2
    progress(page, 0)
    assert current_votes(settings) == []
    for done, key in enumerate("ltbal", 1):
        page.keyboard.press(key)
        wait(page, "voted")
        progress(page, done)
        page.keyboard.press("n")
        wait(page, "ready")
    page.keyboard.press("t")
    wait(page, "voted")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No pair is ready for you here.")).to_be_visible()
    assert sorted(current_votes(settings)) == sorted(
        ["right", "tie", "both_bad", "left", "right", "tie"]
    )
    the_other_rater(browser, base)
    assert len(current_votes(settings)) == 2 * PAIRS


@pytest.mark.long
def test_the_slides_map_leads_to_what_was_asked(page: Page, base: str) -> None:
    page.goto(f"{base}/")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    ViewerPage(page, base).wait_loaded()
    page.wait_for_function(ASK_AND_WAIT, arg=MAPPED)
    page.keyboard.press("y")
    panel = page.get_by_role("region", name="Questions on this slide")
    expect(panel).to_contain_text("on this slide")
    expect(page.locator(".pv-asked-there").first).to_be_attached()
    panel.get_by_role("button", name=MAPPED).first.click()
    expect(page.locator(".pv-asked")).to_have_text(MAPPED)
    page.keyboard.press("y")
    expect(panel).to_be_hidden()


MAPPED = "Where is it densest?"
ASK_AND_WAIT = """async (question) => {
  const get = async (path, options) => (await fetch(path, options)).json();
  const [{ id: slide }] = await get("/api/slides");
  const body = JSON.stringify({ slide, question, box: { x: 0, y: 0, width: 280, height: 280 } });
  const headers = { "Content-Type": "application/json" };
  window.asked ??= await get("/api/readings", { method: "POST", headers, body });
  return (await get(`/api/readings/${window.asked.id}`)).state === "done";
}"""
"""Ask a question once; true when it is answered."""


def the_other_rater(browser: Browser, base: str) -> None:
    """Bob, in a browser of his own, sees what ada chose once he has voted, and votes on all."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    told: list[str] = []

    def note(answer: Response) -> None:
        if "/api/" in answer.url:
            told.append(answer.url)

    page.on("response", note)
    open_list(page, base, "bob")
    assert names(page) == [HIDDEN] * 2
    assert "Rater A" not in page.locator("body").inner_text()
    page.get_by_role("button", name="Tie").click()
    wait(page, "voted")
    expect(page.locator(".pv-compare-after")).to_contain_text("Rater A: ")
    expect(page.locator(".pv-compare-after")).to_contain_text("drawn by between-models, p = 0.375")
    assert not any("/api/readings/" in url for url in told)
    for done, key in enumerate("altbl", 2):
        page.keyboard.press("n")
        wait(page, "ready")
        assert names(page) == [HIDDEN] * 2
        page.keyboard.press(key)
        wait(page, "voted")
        if done < PAIRS:
            progress(page, done)
    expect(page.locator(".pv-compare-progress")).to_contain_text(f"all {PAIRS} pairs done")
    context.close()


@pytest.mark.long
def test_own_question_streams_on_both_sides_and_two_views_move_as_one(
    page: Page, base: str
) -> None:
    page.goto(f"{base}/compare")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Ask twice")).to_be_enabled()
    page.wait_for_function("window.PathViewer.page.views.first.frames?.item?.getFullyLoaded()")
    page.get_by_label("Question", exact=True).fill("How cellular is it?")
    page.get_by_role("button", name="Ask twice").click()
    expect(page.locator("[data-side=left] .pv-passage").first).to_contain_text("one is")
    expect(page.locator("[data-side=right] .pv-passage").first).to_contain_text("one is")
    page.keyboard.press("l")
    expect(page.get_by_role("status").first).to_contain_text("still being written")
    page.keyboard.press("l")
    wait(page, "voted")
    assert page.evaluate("window.PathViewer.store.get('comparison').vote.choice") == "right"
    # the other answer's attention, then both at once, moved together
    page.keyboard.press("x")
    expect(page.locator("[data-side=right] .pv-on-slide")).to_be_visible()
    page.keyboard.press("v")
    expect(page.get_by_role("group", name="Slide, right answer")).to_be_visible()
    page.keyboard.press(">")
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        """() => { const { first, second } = window.PathViewer.page.views;
        if (!second.frames?.item) return false;
        const [a, b] = [first.frames.view(), second.frames.view()];
        return a.rotation === 90 && Object.keys(a).every((key) => Math.abs(a[key] - b[key]) < 1e-3);
        }"""
    )
