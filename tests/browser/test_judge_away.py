"""A judgment reaches the server once, whatever server, database and user do meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.logins import add_clinician, log_in, log_out
from tests.browser.readings import (
    SAVED,
    asked,
    database_that,
    judgment,
    scripted_settings,
    state,
    stored,
)
from tests.browser.viewer_page import ViewerPage
from tests.long_cases import long_cases
from tests.servers import running

KEPT = re.compile("Kept in this browser, sent again by itself")
LONG = "A long comment needs pages of its own. " * 100


@pytest.fixture
def settings(tmp_path: Path, assets: Path, small_phantom: Path) -> Settings:
    """One slide, canned answers, a database of the test's own."""
    return scripted_settings(tmp_path, assets, small_phantom)


def judge(page: Page, comment: str = "Glands.") -> None:
    """Correct, with a comment, submitted."""
    page.keyboard.press("c")
    judgment(page).get_by_label("Comment").fill(comment)
    page.keyboard.press("Control+Enter")


def count(page: Page, base: str) -> int:
    """How much was stored about the answer on the screen."""
    return len(stored(page, base)["history"])


@pytest.mark.long
def test_a_server_that_is_stopped_and_started_again(page: Page, settings: Settings) -> None:
    with ExitStack() as first:
        base = first.enter_context(running(settings))
        asked(page, base)
        first.close()
        judge(page, "First.")
        expect(state(page)).to_have_text(KEPT)
        expect(state(page)).to_contain_text("The server cannot be reached.")
        page.evaluate("() => { Date.now = () => 0; }")  # the order does not hang on the clock
        judge(page)
    with running(settings, urlsplit(base).port or 0):
        expect(state(page)).to_have_text(SAVED, timeout=40_000)
        assert count(page, base) == 3
        said = stored(page, base)
        assert said["own"]["verdict"]["comment"] == "Glands."
        assert [each["comment"] for each in said["history"] if each["kind"] == "verdict"] == [
            "Glands.",
            "First.",
        ]


@pytest.mark.long
def test_a_page_that_is_closed_before_the_server_is_back(page: Page, settings: Settings) -> None:
    with ExitStack() as first:
        base = first.enter_context(running(settings))
        viewer = asked(page, base)
        first.close()
        judge(page)
        expect(state(page)).to_have_text(KEPT)
        address = page.url
        page.goto("about:blank")
    with running(settings, urlsplit(base).port or 0):
        page.goto(address)
        viewer.wait_loaded()
        expect(state(page)).to_have_text(SAVED)
        expect(judgment(page).get_by_label("Comment")).to_have_value("Glands.")
        assert count(page, base) == 2


@pytest.mark.parametrize(
    ("pragma", "sentence"),
    [
        ("PRAGMA max_page_count = 1", "disk of the database is full"),
        *long_cases(("PRAGMA query_only = 1", "may not be written to")),
    ],
    ids=["disk full", "read-only"],
)
def test_a_database_that_takes_nothing(
    page: Page, settings: Settings, pragma: str, sentence: str
) -> None:
    with running(settings) as base:
        asked(page, base)
        with database_that(pragma):
            judge(page, LONG)
            expect(state(page)).to_have_text(KEPT)
            expect(state(page)).to_contain_text(sentence)
        expect(state(page)).to_have_text(SAVED, timeout=40_000)
        assert count(page, base) == 2


@pytest.mark.long
def test_the_same_submission_that_arrives_twice(page: Page, settings: Settings) -> None:
    """The first answer of the server is lost on its way, as when a network goes down."""
    with running(settings) as base:
        asked(page, base)
        lost: list[APIResponse] = []

        def lose(route: Route) -> None:
            if not lost:
                lost.append(route.fetch())
                route.abort()
            else:
                route.continue_()

        page.route("**/api/feedback", lose)
        judge(page)
        expect(state(page)).to_have_text(SAVED)
        assert lost[0].status == 201
        assert count(page, base) == 2


@pytest.mark.long
def test_two_tabs_of_one_user(page: Page, settings: Settings) -> None:
    with running(settings) as base:
        asked(page, base)
        page.wait_for_function("location.search.includes('reading=')")
        second = page.context.new_page()
        second.goto(page.url)
        ViewerPage(second, base).wait_loaded()
        expect(judgment(second)).to_be_visible()
        judge(page)
        expect(state(page)).to_have_text(SAVED)
        expect(state(second)).to_have_text(SAVED)
        expect(judgment(second).get_by_label("Comment")).to_have_value("Glands.")
        second.keyboard.press("j")
        second.keyboard.press("3")
        second.keyboard.press("Enter")
        expect(state(second)).to_have_text(SAVED)
        expect(judgment(page).get_by_role("radio", name="Incorrect")).to_be_checked()
        assert count(page, base) == 3


def asked_by_ada(page: Page, base: str) -> str:
    """Ada has asked, as a page of eve's in the same browser may show it: the page's query."""
    log_in(page, base)
    asked(page, base)
    page.wait_for_function("location.search.includes('reading=')")
    return f"?{urlsplit(page.url).query}"


@pytest.fixture
def shared(settings: Settings) -> Iterator[str]:
    """The application with ada's and eve's accounts."""
    add_clinician(settings)
    add_clinician(settings, "eve", Role.researcher)
    with running(settings) as base:
        yield base


@pytest.mark.long
def test_what_one_user_left_is_neither_shown_nor_sent_as_anothers(page: Page, shared: str) -> None:
    query = asked_by_ada(page, shared)
    page.route("**/api/feedback", lambda route: route.abort())
    judge(page, "Only ada says so.")
    expect(state(page)).to_have_text(KEPT)
    log_out(page)
    page.unroute("**/api/feedback")
    log_in(page, shared, "eve", query)
    expect(judgment(page)).to_be_visible()
    expect(judgment(page).get_by_label("Comment")).to_have_value("")
    page.wait_for_timeout(1_500)
    assert count(page, shared) == 0
    log_out(page)
    log_in(page, shared, "ada", query)
    expect(state(page)).to_have_text(SAVED)
    assert stored(page, shared)["own"]["verdict"]["comment"] == "Only ada says so."


@pytest.mark.long
def test_a_tab_left_open_sends_nothing_under_the_next_users_name(page: Page, shared: str) -> None:
    query = asked_by_ada(page, shared)
    other = page.context.new_page()
    other.goto(f"{shared}/")
    log_out(other)
    log_in(other, shared, "eve", query)
    expect(judgment(other)).to_be_visible()
    judge(page, "Ada's tab.")
    expect(state(page)).to_contain_text("Another account is logged in in this browser now")
    assert count(other, shared) == 0
