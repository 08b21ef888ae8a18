"""A slide whose file is deleted while it is open: the page says so and stays usable."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from pathviewer.settings import Settings
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

pytestmark = pytest.mark.long

LET_GO_SECONDS = 20


@pytest.fixture
def file(tmp_path: Path, small_phantom: Path) -> Path:
    """The only slide of a folder."""
    path = tmp_path / "slides" / "slide.tiff"
    path.parent.mkdir()
    shutil.copyfile(small_phantom, path)
    return path


@pytest.fixture
def base(state: Path, file: Path) -> Iterator[str]:
    """An application with that folder."""
    with running(Settings(data=state, slides=(file.parent,))) as address:
        yield address


def test_a_slide_that_vanishes_while_it_is_open(page: Page, base: str, file: Path) -> None:
    (slide,) = (entry["id"] for entry in httpx.get(f"{base}/api/slides").json())
    viewer = ViewerPage(page, base)
    viewer.open(slide)
    file.unlink()
    for _ in range(LET_GO_SECONDS * 4):  # the file that is still open is let go soon
        if httpx.get(f"{base}/api/slides/{slide}/tiles/0/0/0").status_code == 410:
            break
        page.wait_for_timeout(250)
    page.locator(".openseadragon-canvas").first.focus()
    page.keyboard.press("5")
    expect(page.get_by_text("This slide is no longer on the server")).to_be_visible()
    assert httpx.get(f"{base}/api/health").status_code == 200
