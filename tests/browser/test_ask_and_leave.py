"""Options without letters, and a clinician who leaves while she is answered."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.logins import add_clinician, log_in
from tests.browser.readings import scripted_settings, write_question
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

SLOWLY = """
seconds_per_token = 0.05

[[answer]]
texts = ["<think>Step 1: Open.\\nStep 2: It goes on and on and on.</think><answer>B</answer>"]
"""
DONE = "window.PathViewer.store.get('reading')?.state === 'done'"


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
        page.get_by_role("button", name="Log out").click()
        log_in(page, base, "bob", query)
        expect(page.locator(".pv-message")).to_contain_text("The reading cannot be shown")
        expect(page.get_by_text("Which tumour is it?")).to_have_count(0)
        page.get_by_role("button", name="Log out").click()
        log_in(page, base, "ada", query)
        expect(page.locator(".pv-answer .pv-passage")).to_have_text("B")


def test_options_without_letters_are_given_some(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        viewer = ViewerPage(page, base)
        viewer.open()
        write_question(viewer, options="low\n\n  high  \n")
        page.wait_for_function(DONE)
        expect(page.locator(".pv-answer .pv-option")).to_have_text(re.compile("^high$"))
