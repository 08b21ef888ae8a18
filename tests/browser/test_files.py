"""Files that cannot be opened, previews that fail, uploads that break off, slides that vanish."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from pathviewer.settings import Settings
from tests.browser.viewer_page import ViewerPage
from tests.servers import running
from tests.slide_files import write_ycbcr

pytestmark = pytest.mark.long

WIDTH = 2600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two slides and a file that is none."""
    path = tmp_path_factory.mktemp("folder")
    write_ycbcr(path / "first.tiff", WIDTH, 2000)
    write_ycbcr(path / "second.tiff", 400, 300)
    (path / "<img src=x onerror=planted=1>.svs").write_bytes(b"II*\x00 not a slide")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, folder: Path, assets: Path) -> Iterator[str]:
    """An application with them."""
    data = tmp_path_factory.mktemp("state")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    with running(Settings(data=data, slides=(folder,), show_file_names=True)) as address:
        yield address


def test_files_that_cannot_be_opened_are_named_with_the_reason(page: Page, base: str) -> None:
    ViewerPage(page, base).open()
    button = page.get_by_role("button", name="1 file could not be opened")
    expect(button).to_have_attribute("aria-expanded", "false")
    entry = page.locator(".pv-rejected li")
    expect(entry).to_be_hidden()
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    (rejected,) = httpx.get(f"{base}/api/slides/rejected").raise_for_status().json()
    expect(entry).to_have_text(f"{rejected['name']} {rejected['reason']}")
    assert rejected["name"].startswith("<img src=x")  # which is shown as text
    assert page.evaluate("window.planted") is None


@pytest.mark.parametrize("status", [403, 404])
def test_nothing_is_said_where_the_server_tells_nothing(page: Page, base: str, status: int) -> None:
    page.route("**/api/slides/rejected", lambda route: route.fulfill(status=status))
    ViewerPage(page, base).open()
    expect(page.locator(".pv-rejected")).to_be_hidden()
    expect(page.locator(".pv-message > span")).to_have_count(0)


def test_a_preview_that_fails_is_a_plain_box(page: Page, base: str) -> None:
    page.route(re.compile("/thumbnail"), lambda route: route.fulfill(status=422))
    ViewerPage(page, base).open()
    expect(page.locator(".pv-slide .pv-no-preview").first).to_have_text("no preview")


def test_an_upload_goes_on_after_a_broken_connection(page: Page, base: str, tmp_path: Path) -> None:
    viewer = ViewerPage(page, base)
    viewer.open()
    broken: list[str] = []
    page.route("**/api/uploads/*", lambda route: break_once(route, broken))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a slide").click()
    with page.expect_request(lambda request: request.method == "HEAD"):
        chooser.value.set_files(write_ycbcr(tmp_path / "resumed.tiff", 320, 210))
    page.get_by_text("resumed.tiff is uploaded").wait_for()
    assert broken == ["PATCH"]


def break_once(route: Route, broken: list[str]) -> None:
    """Break the connection of the first piece."""
    if route.request.method == "PATCH" and not broken:
        broken.append("PATCH")
        route.abort()
    else:
        route.continue_()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_search_finds_names_in_either_spelling(
    page: Page, tmp_path: Path, assets: Path, form: Literal["NFC", "NFD"]
) -> None:
    folder, data = tmp_path / "slides", tmp_path / "state"
    folder.mkdir()
    data.mkdir()
    (data / "assets").symlink_to(assets, target_is_directory=True)
    write_ycbcr(folder / f"{unicodedata.normalize('NFD', 'Größe')}.tiff", 400, 300)
    write_ycbcr(folder / "other.tiff", 420, 300)
    with running(Settings(data=data, slides=(folder,), show_file_names=True)) as address:
        ViewerPage(page, address).open()
        page.get_by_label("Search slides").fill(unicodedata.normalize(form, "GRÖ"))
        expect(page.locator(".pv-slide-title")).to_have_text(["Größe.tiff"])
