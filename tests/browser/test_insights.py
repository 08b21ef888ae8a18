"""The page of insights in a browser: charts with numbers, filters, CSV, nothing from afar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.bench.insights_data import Amount, fill_database
from pathviewer.insights.charts import CHARTS
from pathviewer.settings import Settings
from storage.slides.store import rename_slide
from storage.tables import Question
from tests.browser.conftest import Traffic
from tests.databases import new_database
from tests.servers import running

PASSWORD = "correct horse battery"
PLANTED = '<b>Slide</b> <a href="https://elsewhere.example">link</a>'
"""Name of a slide that Plotly would take for print and a link."""
SLOW_MS = 60_000
"""What a page may take on a busy machine."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[str]:
    """The application with made-up judgments, a researcher and a clinician."""
    data = tmp_path_factory.mktemp("insights")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    settings = Settings(data=data, model="none")
    database = new_database(settings.database)
    with database.session() as session:
        fill_database(session, Amount(completions=80, feedback=300, slides=8, raters=3))
        slide = session.scalars(select(Question.slide_id)).first()
        assert slide
        rename_slide(session, slide, PLANTED)
        add_user(session, "rosa", Role.researcher, PASSWORD, rater=False)
        add_user(session, "carl", Role.clinician, PASSWORD)
    database.close()
    with running(settings) as base:
        yield base


def log_in(page: Page, base: str, name: str, path: str) -> None:
    """To a page that asks for a login first."""
    page.goto(base + path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def wait_for_charts(page: Page) -> None:
    """Until the figures of the newest filters are there."""
    expect(page.locator("#charts")).to_have_attribute("aria-busy", "false", timeout=SLOW_MS)


def count(page: Page) -> int:
    """Verdicts that the chart by model counts."""
    cells = page.locator("#verdicts_by_model tbody td:nth-child(2)").all_inner_texts()
    return sum(map(int, cells))


@pytest.mark.long
def test_a_name_with_tags_stays_text_in_charts_and_numbers(page: Page, judged: str) -> None:
    log_in(page, judged, "rosa", "/insights")
    wait_for_charts(page)
    chart = page.locator("#verdicts_by_slide")
    expect(chart.locator("tbody td", has_text=PLANTED)).to_have_count(1)
    expect(chart.locator(".main-svg text", has_text=PLANTED).first).to_be_attached()
    expect(page.locator("a[href*='elsewhere'], .main-svg a")).to_have_count(0)


def test_a_researcher_filters_and_takes_the_numbers_along(
    page: Page, judged: str, traffic: Traffic
) -> None:
    log_in(page, judged, "rosa", "/insights")
    wait_for_charts(page)
    expect(page.locator(".pv-chart")).to_have_count(len(CHARTS))
    expect(page.locator(".pv-plot .main-svg").first).to_be_visible()
    everything = count(page)
    model = page.get_by_role("combobox", name="Model", exact=True)
    model.focus()
    page.keyboard.press("ArrowDown")  # the first model after "all"
    wait_for_charts(page)
    expect(page.locator("#verdicts_by_model tbody tr")).to_have_count(1)
    assert 0 < count(page) < everything
    assert "model=model-b" in page.url
    expect(model).to_be_focused()
    with page.expect_download() as caught:
        page.get_by_role("link", name="CSV of Verdicts by model").click()
    assert caught.value.suggested_filename == "verdicts_by_model.csv"
    text = caught.value.path().read_text()
    assert text.startswith("model,all,correct")
    assert len(text.splitlines()) == 2
    page.go_back()
    wait_for_charts(page)
    assert count(page) == everything
    assert traffic.hosts() == {urlsplit(judged).netloc}


@pytest.mark.long
def test_filters_that_nothing_passes_leave_sentences(page: Page, judged: str) -> None:
    log_in(page, judged, "rosa", "/insights?since=2030-01-01")
    wait_for_charts(page)
    expect(page.locator("#verdicts_by_model")).to_contain_text("No verdict passes these filters.")
    expect(page.locator(".pv-plot")).to_have_count(0)
    page.get_by_role("button", name="Clear all").click()
    wait_for_charts(page)
    expect(page.locator(".pv-plot").first).to_be_visible()


@pytest.mark.long
def test_a_clinician_is_told_that_insights_are_not_hers(page: Page, judged: str) -> None:
    log_in(page, judged, "carl", "/insights")
    expect(page.get_by_role("alert")).to_contain_text("The role clinician may not see insights.")
    page.goto(judged)
    expect(page.get_by_role("button", name="Log out")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("link", name="Insights")).to_have_count(0)


@pytest.mark.long
def test_the_link_at_the_top_leads_there_and_back(page: Page, judged: str) -> None:
    log_in(page, judged, "rosa", "/")
    page.get_by_role("link", name="Insights").click()
    wait_for_charts(page)
    page.get_by_role("link", name="Slides").click()
    expect(page.get_by_role("link", name="Insights")).to_be_visible(timeout=SLOW_MS)
