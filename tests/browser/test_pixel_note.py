"""A slide that is not 8-bit colour: said in the list, by its name, by the question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from tests.format_files import grey, write_ome
from tests.servers import running
from tests.slide_files import write_ycbcr

pytestmark = pytest.mark.long

NOTE = "12-bit grey, shown reduced to 8 bits"


@pytest.fixture
def base(state: Path, tmp_path: Path) -> Iterator[str]:
    """An application with a grey slide and one in colours."""
    folder = tmp_path / "slides"
    folder.mkdir()
    write_ome(folder / "grey.ome.tif", grey(12), SignificantBits=12)
    write_ycbcr(folder / "colours.tif")
    settings = Settings(data=state, slides=(folder,), show_file_names=True, model="scripted")
    with running(settings) as address:
        yield address


def test_what_the_pixels_are_is_said_wherever_the_slide_is(page: Page, base: str) -> None:
    page.goto(base)
    page.get_by_text("grey.ome.tif").first.click()
    for place in (".pv-slides [aria-current]", ".pv-top", ".pv-ask-form"):
        expect(page.locator(place).get_by_text(NOTE)).to_be_visible()
    page.get_by_text("colours.tif").first.click()
    expect(page.get_by_text(NOTE)).to_have_count(1)  # in the list
