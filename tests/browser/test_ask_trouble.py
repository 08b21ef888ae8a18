"""What goes wrong while it is asked or answered: told in a sentence, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.readings import STORE, ask, scripted_settings, wait_state
from tests.browser.test_ask import ANSWERS
from tests.browser.viewer_page import View, ViewerPage
from tests.database_trouble import FULL, READ_ONLY, Trouble, database_trouble
from tests.servers import running

pytestmark = pytest.mark.long

LONG = "What is it? " * 300
"""More than what is left of the database's last page."""
TROUBLES = [(READ_ONLY, "may not be written to"), (FULL, "disk of the database")]
Troubled = tuple[ViewerPage, Trouble, Path]


@pytest.fixture
def troubled(page: Page, tmp_path: Path, assets: Path, small_phantom: Path) -> Iterator[Troubled]:
    """The page with a region selected, its database's troubles, and the slide's file."""
    settings = scripted_settings(tmp_path, assets, small_phantom, ANSWERS)
    with database_trouble() as trouble, running(settings) as base:
        viewer = ViewerPage(page, base)
        viewer.open(view=View(1500, 1100, 2))
        viewer.draw()
        page.wait_for_function("window.PathViewer.store.get('regions').some((one) => one.saved)")
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        yield viewer, trouble, settings.slides[0] / "phantom.tiff"


@pytest.mark.parametrize(("pragmas", "sentence"), TROUBLES)
def test_a_question_that_cannot_be_kept_stays_in_the_form(
    troubled: Troubled, pragmas: tuple[str, str], sentence: str
) -> None:
    viewer, trouble, _ = troubled
    trouble.pragma = pragmas[0]
    ask(viewer.page, LONG)
    expect(viewer.page.locator(".pv-ask-error").first).to_contain_text(sentence)
    expect(viewer.page.get_by_label("Question", exact=True)).to_have_value(LONG)
    trouble.pragma = pragmas[1]
    viewer.page.keyboard.press("Control+Enter")
    wait_state(viewer.page, "done")


@pytest.mark.parametrize(("pragmas", "sentence"), TROUBLES)
def test_an_answer_that_cannot_be_kept_stays_on_the_page(
    troubled: Troubled, pragmas: tuple[str, str], sentence: str
) -> None:
    viewer, trouble, _ = troubled
    page = viewer.page
    ask(page, "Go slowly")
    page.wait_for_function(f"{STORE.format('reading')}?.completions[0]?.text.length > 1200")
    trouble.pragma = pragmas[0]
    page.keyboard.press("s")
    wait_state(page, "failed")
    assert sentence in page.evaluate(STORE.format("reading") + ".error")
    expect(page.locator('[data-passage="step 2"] .pv-passage')).to_contain_text("goes on and on")
    expect(page.get_by_text(sentence)).to_be_visible()


def test_a_slide_that_is_deleted_while_it_is_asked_about(troubled: Troubled) -> None:
    viewer, _, slide = troubled
    page = viewer.page
    ask(page, "Go slowly")
    page.locator('[data-passage="step 2"]').wait_for()
    shutil.move(slide, slide.parent.parent / "elsewhere.tiff")
    page.keyboard.press("s")  # what is written is about the picture, which is kept
    wait_state(page, "done")
    expect(page.locator('[data-passage="step 1"]')).to_be_visible()
    page.wait_for_function("fetch('/api/slides').then((a) => a.json()).then((s) => !s.length)")
    page.locator("#pv-ask-fold > summary").click()
    ask(page, "How dense is it?")
    expect(page.locator(".pv-ask-error").first).to_contain_text("no longer in the slide folders")
    expect(page.get_by_label("Question", exact=True)).to_have_value("How dense is it?")
