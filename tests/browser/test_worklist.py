"""Clinicians walk a worklist by keyboard: blind first, judge, next, to the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from storage.database import open_database
from storage.tables import Account, Feedback, WorklistAssignment
from tests.browser.readings import SAVED, STEPS, judgment, state
from tests.browser.viewer_page import ViewerPage
from tests.browser.worklists import Ward, choose, foot, rater, wait_item, ward

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LET_GO_SECONDS = 20
CMU_WIDTH, PHANTOM_WIDTH = 2220, 3000
WORDS = STEPS[0].removeprefix("Step 1: ")


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path, cmu: Path
) -> Iterator[Ward]:
    with ward(tmp_path_factory.mktemp("ward"), assets, small_phantom, cmu) as found:
        yield found


def answer_blind(page: Page, number: str) -> None:
    """One's own answer, by its number; nothing of the model's is on the page before."""
    form = page.get_by_role("form", name="Your own answer")
    # a ring around the first answer would look like a choice
    expect(form.get_by_role("radiogroup", name="Your answer")).to_be_focused()
    expect(form.get_by_role("radio", checked=True)).to_have_count(0)
    assert WORDS not in page.content()
    page.keyboard.press(number)
    page.keyboard.press("Enter")
    expect(page.get_by_text(WORDS)).to_be_visible()
    expect(form).to_be_hidden()


def judge(page: Page, *keys: str) -> None:
    """A judgment by these keys, saved."""
    expect(judgment(page)).to_be_visible()
    for key in (*keys, "Enter"):
        page.keyboard.press(key)
    expect(state(page)).to_have_text(SAVED)


def turns(place: Ward, name: str) -> tuple[list[Any], list[Any]]:
    """What is stored of a rater: turns and verdicts, the oldest first."""
    database = open_database(place.settings.database)
    with database.read_only() as session:
        who = session.scalars(select(Account.id).where(Account.name == name)).one()
        found = session.execute(
            select(
                WorklistAssignment.item_id,
                WorklistAssignment.first_answer,
                WorklistAssignment.skipped,
            )
            .where(WorklistAssignment.rater_id == who)
            .order_by(WorklistAssignment.started_at)
        ).all()
        said = session.execute(
            select(Feedback.verdict, Feedback.overlay_seen)
            .where(Feedback.rater_id == who, Feedback.kind == "verdict")
            .order_by(Feedback.created_at)
        ).all()
    database.close()
    return list(found), list(said)


def test_two_clinicians_walk_a_list_by_keyboard(place: Ward, browser: Browser) -> None:
    """Each in a browser and an order of his own, turn by turn; reloading comes back to the item."""
    with rater(browser, place.base, "ada") as ada, rater(browser, place.base, "bob") as bob:
        choose(ada, "blind")
        choose(bob, "blind")
        seen: dict[str, list[str]] = {"ada": [], "bob": []}
        for number in range(3):
            for name, page in (("ada", ada), ("bob", bob)):
                item = wait_item(page)
                seen[name].append(item["id"])
                middle = item["box"]["x"] + item["box"]["width"] / 2
                view = ViewerPage(page, "").view()
                assert view.x == pytest.approx(middle, abs=2)
                assert view.downsample >= 0.999  # 280 px: no larger than they were scanned
                expect(page.locator("path.pv-item")).to_have_count(1)
                expect(foot(page)).to_contain_text(f"{number} of 3 judged")
                answer_blind(page, "1" if name == "ada" else "2")
                if number == 1:
                    page.reload()
                    assert wait_item(page)["id"] == item["id"]
                    expect(judgment(page)).to_contain_text("Before you saw the model")
                    page.wait_for_function("window.PathViewer.store.get('judged')?.loaded")
                judge(page, *(("j", "3") if name == "ada" else ("c",)))
                page.keyboard.press("u")
        for page in (ada, bob):
            expect(foot(page)).to_contain_text("You are through with this list.")
            expect(foot(page)).to_contain_text("3 of 3 judged")
            expect(judgment(page)).to_be_hidden()
    assert sorted(seen["ada"]) == sorted(seen["bob"])
    for name, first, verdict in (
        ("ada", "Squamous cell carcinoma", "incorrect"),
        ("bob", "Adenocarcinoma", "correct"),
    ):
        found, said = turns(place, name)
        assert found == [(item, first, False) for item in seen[name]]
        assert [each.verdict for each in said] == [verdict] * 3
        assert all(each.overlay_seen is not None for each in said)


@pytest.mark.long
def test_the_key_says_what_is_missing_and_skips(place: Ward, browser: Browser) -> None:
    """Eve has one list left only in part; with nothing said the key goes nowhere."""
    with rater(browser, place.base, "eve") as page:
        page.keyboard.press("u")  # which list is not clear
        expect(page.get_by_text("Which worklist? Choose one.")).to_be_visible()
        choose(page, "blind")
        page.keyboard.press("u")
        expect(page.get_by_text("Give your own answer first; the model's")).to_be_visible()
        first = wait_item(page)
        answer_blind(page, "2")
        page.keyboard.press("u")
        expect(page.get_by_text("Judge this answer first (C, or J and 1 to 6)")).to_be_visible()
        page.keyboard.press("c")
        page.keyboard.press("u")
        expect(page.get_by_text("Your judgment is not submitted yet")).to_be_visible()
        page.keyboard.press("Shift+U")
        expect(foot(page)).to_contain_text("0 of 3 judged, 1 skipped")
        assert wait_item(page)["id"] != first["id"]
        # another slide is looked at meanwhile, and the key comes back
        other = page.locator(".pv-slide:not([aria-current])")
        other.click()
        expect(foot(page)).to_contain_text("U comes back to it")
        page.keyboard.press("u")
        wait_item(page)
        foot(page).get_by_role("button", name="Leave").click()
        expect(foot(page)).to_be_hidden()
        assert "worklist=" not in page.url


@pytest.mark.long
def test_residents_see_the_reference_afterwards(place: Ward, browser: Browser) -> None:
    with rater(browser, place.base, "ada") as page:
        choose(page, "residents")
        expect(foot(page)).to_contain_text("shown once you have judged")
        assert "Squamous" not in foot(page).inner_text()
        judge(page, "c")
        expect(foot(page)).to_contain_text("Reference: Squamous cell carcinoma")
        page.keyboard.press("u")
        expect(foot(page)).to_contain_text("1 of 3 judged")


@pytest.mark.long
def test_what_goes_wrong_has_its_sentence(place: Ward, browser: Browser) -> None:
    with rater(browser, place.base, "bob") as page:
        choose(page, "residents")
        wait_item(page)
        # judged and done with in another tab meanwhile
        second = page.context.new_page()
        second.goto(page.url)
        wait_item(second)
        judge(second, "c")
        second.keyboard.press("u")
        expect(foot(second)).to_contain_text("1 of 3 judged")
        page.keyboard.press("u")
        expect(page.get_by_text("done with in another tab meanwhile")).to_be_visible()
        assert wait_item(page)["id"] == wait_item(second)["id"]
        second.close()
        # the server is away
        page.route("**/api/worklist-items/**", lambda route: route.abort())
        page.keyboard.press("u")
        expect(foot(page)).to_contain_text("The server cannot be reached. What you see stays")
        page.unroute("**/api/worklist-items/**")
        # the login has ended; the way back leads to this very item
        page.context.clear_cookies()
        page.keyboard.press("u")
        expect(page.get_by_text("Your login has ended; what you see stays here")).to_be_visible()
        back = page.get_by_role("link", name="Log in again").get_attribute("href") or ""
        assert "worklist%3D" in back


@pytest.mark.long
def test_a_slide_that_is_gone_and_a_list_that_never_was(place: Ward, browser: Browser) -> None:
    """Last of this module, for the slide does not come back."""
    with rater(browser, place.base, "eve") as page:
        slides = {each["width"]: each["id"] for each in page.request.get("/api/slides").json()}
        ViewerPage(page, place.base).open(slides[PHANTOM_WIDTH])
        (place.settings.slides[0] / "cmu.svs").unlink()
        for _ in range(LET_GO_SECONDS * 4):
            if page.request.get(f"/api/slides/{slides[CMU_WIDTH]}").status != 200:
                break
            page.wait_for_timeout(250)
        choose(page, "residents", here=False)
        gone = 0
        for skipped in range(3):
            expect(foot(page)).to_contain_text(f", {skipped} skipped" if skipped else "0 of 3")
            expect(foot(page)).to_have_attribute("aria-busy", "false")
            if "is gone. Skip the item" in foot(page).inner_text():
                gone += 1
                expect(page.locator(".pv-trace")).to_be_hidden()
            page.keyboard.press("Shift+U")
        assert gone == 2
        expect(foot(page)).to_contain_text("You are through")
        page.goto(f"{place.base}/?worklist=none")
        expect(page.get_by_text("There is no worklist 'none'")).to_be_visible()
