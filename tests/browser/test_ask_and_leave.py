"""Options without letters, and a clinician who leaves while she is answered."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.logins import add_clinician, log_in, log_out
from tests.browser.readings import scripted_settings, wait_state, write_question
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

pytestmark = pytest.mark.long

SLOWLY = f"""
seconds_per_token = 0.05

[[answer]]
texts = ["<think>Step 1: Open.\\nStep 2: {"It goes on and on. " * 60}</think><answer>B</answer>"]
"""


@pytest.fixture
def settings(tmp_path: Path, assets: Path, small_phantom: Path) -> Settings:
    """One slide, an answer that takes a while, a database of the test's own."""
    return scripted_settings(tmp_path, assets, small_phantom, SLOWLY)


def test_a_logout_in_mid_answer(page: Page, settings: Settings) -> None:
    add_clinician(settings)
    add_clinician(settings, "bob", Role.clinician)
    with running(settings) as base:
        viewer = log_in(page, base)
        write_question(viewer)
        page.locator('[data-passage="step 1"]').wait_for()
        query = f"?{urlsplit(page.url).query}"
        log_out(page)
        log_in(page, base, "bob", query)
        expect(page.locator(".pv-message")).to_contain_text("The reading cannot be shown")
        expect(page.get_by_text("Which tumour is it?")).to_have_count(0)
        log_out(page)
        log_in(page, base, "ada", query)
        expect(page.locator(".pv-answer .pv-passage")).to_have_text("B")


@pytest.mark.parametrize("way", ["logged out in another tab", "cookie gone"])
def test_a_login_that_ends_in_mid_answer(page: Page, settings: Settings, way: str) -> None:
    add_clinician(settings)
    with running(settings) as base:
        viewer = log_in(page, base)
        write_question(viewer)
        page.locator('[data-passage="step 2"]').wait_for()
        if way == "cookie gone":
            page.context.clear_cookies()
            page.keyboard.press("s")
        else:
            page.context.request.post(f"{base}/logout", headers={"Origin": base})
            wait_state(page, "failed")  # by itself: the server has closed the stream
        assert "login has ended" in viewer.message()
        expect(page.locator('[data-passage="step 1"]')).to_be_visible()


def test_options_without_letters_are_given_some(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        viewer = ViewerPage(page, base)
        viewer.open()
        write_question(viewer, options="low\n\n  high  \n")
        wait_state(page, "done")
        expect(page.locator(".pv-answer .pv-option")).to_have_text(re.compile("^high$"))
