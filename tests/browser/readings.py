"""An application whose model reads its answers from a script, and a page that has asked it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

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


def ask(viewer: ViewerPage, question: str = "Which tumour is it?", options: str = OPTIONS) -> None:
    """Draw a region, ask about it, and wait for the judgment to be possible."""
    page = viewer.page
    viewer.draw()
    page.wait_for_function("window.PathViewer.store.get('regions').some((one) => one.saved)")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Options").fill(options)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("window.PathViewer.store.get('reading')?.state === 'done'")
    expect(judgment(page)).to_be_visible()


def asked(page: Page, base: str) -> ViewerPage:
    """A page with one answer that can be judged."""
    viewer = ViewerPage(page, base)
    viewer.open(view=View(1500, 1100, 2))
    ask(viewer)
    return viewer


def judgment(page: Page) -> Locator:
    """The panel of the judgment."""
    return page.get_by_role("form", name="Judgment")


def state(page: Page) -> Locator:
    """The line that says whether the judgment is saved."""
    return page.locator(".pv-judge-state")


def words(page: Page, step: int, quote: str) -> None:
    """Select words in the text of a step, counted from 1."""
    page.evaluate(
        """([index, quote]) => {
          const passage = document.querySelectorAll(".pv-step .pv-passage")[index];
          const text = document.createTreeWalker(passage, NodeFilter.SHOW_TEXT).nextNode();
          const start = text.data.indexOf(quote);
          getSelection().setBaseAndExtent(text, start, text, start + quote.length);
        }""",
        [step - 1, quote],
    )
