"""The interactive documentation of the API in a browser: from this server, behind the login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.conftest import Traffic
from tests.browser.logins import NAME, PASSWORD, add_clinician
from tests.servers import running

DOCS = "/api/docs"
SLOW_MS = 60_000
"""What the page may take on a busy machine, to lay out every operation."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[str]:
    """The application with an account that may only look."""
    data = tmp_path_factory.mktemp("documented")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    settings = Settings(data=data, model="none")
    add_clinician(settings, role=Role.viewer)
    with running(settings) as base:
        yield base


@pytest.mark.long
def test_operations_can_be_tried_after_the_login(
    page: Page, guarded: str, traffic: Traffic
) -> None:
    answer = page.goto(guarded + DOCS)
    assert answer
    assert answer.status == 401
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(guarded + DOCS)
    slides = operation(page, "/api/slides")
    slides.locator(".opblock-summary-control").click(timeout=SLOW_MS)
    slides.get_by_role("button", name="Try it out").click()
    slides.get_by_role("button", name="Execute").click()
    told = slides.locator(".live-responses-table .response")
    expect(told.locator(".response-col_status")).to_have_text("200")
    expect(told.locator(".highlight-code code").first).to_have_text("[]")
    assert traffic.hosts() == {urlsplit(guarded).netloc}


def test_a_section_has_its_name_above_its_text(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}/login?next={DOCS}")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    section = page.locator(".opblock-tag").first
    name = section.locator("a").bounding_box(timeout=SLOW_MS)
    text = section.locator("small").bounding_box()
    assert name
    assert text
    assert name["y"] + name["height"] <= text["y"]


def operation(page: Page, path: str) -> Locator:
    """The block of the GET of a path."""
    return page.locator(".opblock-get").filter(has=page.locator(f'[data-path="{path}"]'))
