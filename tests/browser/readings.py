"""An application whose model reads its answers from a script, and a page that has asked it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect
from sqlalchemy import Connection, Engine, event

from pathviewer.settings import Settings
from tests.browser.viewer_page import View, ViewerPage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

STEPS = (
    "Step 1: Glands with uneven lumina stand back to back.",
    "Step 2: The nuclei are small and regular.",
    "Step 3: A squamous carcinoma would show keratin.",
)
ANSWERS = f"""
seconds_per_token = 0.002

[[answer]]
texts = ['''<think>{chr(10).join(STEPS)}</think><answer>B</answer>''']
"""
SAVED = re.compile(r"^saved \d\d:\d\d:\d\d$")
STORE = "window.PathViewer.store.get('{}')"
OPTIONS = "Squamous cell carcinoma\nAdenocarcinoma"


def scripted_settings(folder: Path, assets: Path, slide: Path, answers: str = ANSWERS) -> Settings:
    """One slide, canned answers."""
    (folder / "state").mkdir()
    (folder / "state" / "assets").symlink_to(assets, target_is_directory=True)
    (folder / "slides").mkdir()
    shutil.copyfile(slide, folder / "slides" / "phantom.tiff")
    script = folder / "script.toml"
    script.write_text(answers, encoding="utf-8")
    return Settings(data=folder / "state", slides=(folder / "slides",), model=f"scripted:{script}")


def write_question(
    viewer: ViewerPage,
    question: str = "Which tumour is it?",
    options: str = OPTIONS,
    *,
    blind: bool = False,
) -> None:
    """Draw a region and ask about it; `blind` answers before the model does."""
    page = viewer.page
    viewer.draw()
    page.wait_for_function("window.PathViewer.store.get('regions').some((one) => one.saved)")
    if blind:
        page.get_by_text("Model and settings").click()
        page.get_by_label("Blind first").check()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Options").fill(options)
    page.keyboard.press("Control+Enter")


def asked(page: Page, base: str) -> ViewerPage:
    """A page with one answer that can be judged."""
    viewer = ViewerPage(page, base)
    viewer.open(view=View(1500, 1100, 2))
    write_question(viewer)
    page.wait_for_function("window.PathViewer.store.get('reading')?.state === 'done'")
    expect(judgment(page)).to_be_visible()
    expect(page.locator(".pv-flag:visible")).to_have_count(len(STEPS))
    return viewer


def judgment(page: Page) -> Locator:
    """The panel of the judgment."""
    return page.get_by_role("form", name="Judgment")


def state(page: Page) -> Locator:
    """The line that says whether the judgment is saved."""
    return page.locator(".pv-judge-state")


def stored(page: Page, base: str) -> dict[str, Any]:
    """What the server has of the judgment on the screen, as the page's user sees it."""
    completion = page.evaluate("window.PathViewer.store.get('draft').completion")
    answer = page.request.get(f"{base}/api/completions/{completion}/feedback")
    assert answer.ok
    told: dict[str, Any] = answer.json()
    return told


@contextmanager
def database_that(pragma: str) -> Iterator[None]:
    """Until the end, every transaction of every database begins with a pragma of SQLite's."""

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(pragma)

    event.listen(Engine, "begin", begin)
    event.listen(Engine, "commit", as_ever)
    event.listen(Engine, "rollback", as_ever)
    try:
        yield
    finally:
        event.remove(Engine, "begin", begin)
        event.remove(Engine, "commit", as_ever)
        event.remove(Engine, "rollback", as_ever)


def as_ever(connection: Connection) -> None:
    """Undo what a pragma of `database_that` has changed."""
    for pragma in ("query_only = 0", "max_page_count = 1073741823"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")


def words(page: Page, step: int, quote: str) -> None:
    """Select words in the text of a step, counted from 1."""
    page.evaluate(
        """([index, quote]) => {
          const passage = document.querySelectorAll(".pv-step .pv-passage")[index];
          const text = passage.lastChild;
          const start = text.data.indexOf(quote);
          getSelection().setBaseAndExtent(text, start, text, start + quote.length);
        }""",
        [step - 1, quote],
    )


def ask(page: Page, question: str, options: str = "") -> None:
    """Write a question and send it by the keyboard."""
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Options").fill(options)
    page.keyboard.press("Control+Enter")


def wait_state(page: Page, state: str) -> None:
    """Wait until the reading is in a state."""
    page.wait_for_function(f"{STORE.format('reading')}?.state === '{state}'")
