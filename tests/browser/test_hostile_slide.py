"""A slide that ends its reader: the page says so, and goes on with the next slide."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from tests import hostile_slides
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

pytestmark = pytest.mark.long


@pytest.fixture
def base(state: Path, tmp_path: Path, cmu: Path) -> Iterator[str]:
    """An application with a hostile slide and a sound one."""
    folder = tmp_path / "slides"
    folder.mkdir()
    hostile_slides.write_crash(folder / "crash.tif")
    shutil.copyfile(cmu, folder / "sound.svs")
    settings = Settings(data=state, slides=(folder,), show_file_names=True, reader_seconds=90)
    with running(settings) as address:
        yield address


def test_the_page_says_what_became_of_the_slide_and_shows_the_next(page: Page, base: str) -> None:
    page.goto(base)
    page.get_by_text("crash.tif").first.click()
    sentence = page.get_by_text("ended the program's slide reader")
    expect(sentence).to_be_visible(timeout=60_000)  # two readers end, and two are started
    page.get_by_text("sound.svs").first.click()
    # the slide before has tiles too, of its sound level, until it is put away
    expect(page).to_have_title("sound.svs - PathViewer")
    ViewerPage(page, base).wait_loaded()
    expect(sentence).not_to_be_visible()
