"""Days of filters are the browser's, which the page states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.conftest import PATIENCE
from tests.pathviewer.export.made_labels import judged_at, new_labels
from tests.pathviewer.test_reader_days import MOMENTS
from tests.servers import running

pytestmark = pytest.mark.long

PASSWORD = "correct horse battery"
DAY = "2026-04-05"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[str]:
    """The application with verdicts about the day on which clocks change in Auckland."""
    data = tmp_path_factory.mktemp("days")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    labels = new_labels(data)
    judged_at(labels, *MOMENTS)
    with labels.database.session() as session:
        add_user(session, "rosa", Role.researcher, PASSWORD, rater=False)
    labels.database.close()
    with running(Settings(data=data, model="none")) as base:
        yield base


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab of somebody in Auckland."""
    context = browser.new_context(timezone_id="Pacific/Auckland")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def log_in(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.get_by_label("Name").fill("rosa")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()


def wait_for_count(tab: Page, count: int) -> None:
    cell = tab.locator("#verdicts_by_model tbody td:nth-child(2)")
    expect(cell).to_have_text(str(count), timeout=PATIENCE)


def test_insights_count_the_days_of_the_browser(tab: Page, judged: str) -> None:
    log_in(tab, f"{judged}/insights")
    wait_for_count(tab, 4)
    expect(tab.get_by_text("Days in the time zone Pacific/Auckland")).to_be_visible()
    days = tab.locator("#verdicts_over_time tbody td:first-child")
    expect(days).to_have_text(["2026-04-04", DAY, "2026-04-06"])
    tab.get_by_label("From").fill(DAY)
    wait_for_count(tab, 3)
    tab.get_by_label("to", exact=True).fill(DAY)
    wait_for_count(tab, 2)
    expect(tab).to_have_url(re.compile("zone=Pacific%2FAuckland"))
    tab.get_by_role("button", name="Clear all").click()
    wait_for_count(tab, 4)
    assert "zone" not in tab.url


def test_a_link_keeps_the_zone_of_whoever_made_it(tab: Page, judged: str) -> None:
    log_in(tab, f"{judged}/insights?since={DAY}&until=2026-04-06&zone=UTC")
    wait_for_count(tab, 2)
    expect(tab.get_by_text("Days in the time zone UTC")).to_be_visible()
    tab.get_by_label("to", exact=True).fill(DAY)
    expect(tab.get_by_text("Days in the time zone Pacific/Auckland")).to_be_visible()
    wait_for_count(tab, 2)


def test_an_export_is_of_the_days_of_the_browser(tab: Page, judged: str) -> None:
    log_in(tab, f"{judged}/export")
    tab.get_by_label("Format").select_option("unpaired")
    expect(tab.get_by_text("Days in the time zone Pacific/Auckland")).to_be_visible()
    tab.get_by_label("From").fill(DAY)
    tab.get_by_label("to", exact=True).fill(DAY)
    tab.get_by_role("button", name="Export").click()
    job = tab.locator(".pv-export-job").first
    expect(job).to_contain_text("rows of 2 judged items", timeout=PATIENCE)
