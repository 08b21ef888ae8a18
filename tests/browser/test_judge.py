"""The clinician's judgment of an answer: said by keyboard, kept, shown again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.readings import asked, judgment, scripted_settings, state, words
from tests.browser.viewer_page import ViewerPage
from tests.servers import running


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path
) -> Iterator[str]:
    """An application whose model reads its answers from a script."""
    folder = tmp_path_factory.mktemp("judging")
    with running(scripted_settings(folder, assets, small_phantom)) as address:
        yield address


@pytest.fixture
def viewer(page: Page, base: str) -> ViewerPage:
    """The page with one answer that can be judged."""
    page.set_default_timeout(8_000)
    return asked(page, base)


def say_everything(viewer: ViewerPage) -> None:
    """Use every part of the judgment once, and submit nothing."""
    page = viewer.page
    words(page, 2, "small and regular")
    page.get_by_role("button", name="Flag step 2").click()
    page.keyboard.press("4")
    page.keyboard.press("5")
    page.get_by_label("Step 2 rewritten").fill("Step 2: The nuclei are large.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Flag step 3").click()
    page.keyboard.press("6")
    page.keyboard.press("j")
    page.keyboard.press("3")
    page.keyboard.press("9")
    panel = judgment(page)
    panel.get_by_label("What the answer should be").first.select_option("Squamous cell carcinoma")
    panel.get_by_role("radio", name="4", exact=True).click()
    panel.get_by_label("Comment").fill("Keratin at the edge.")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    viewer.drag((-20, -20), (60, 40))


def see_everything(page: Page) -> None:
    """The parts that `say_everything` used show what it said."""
    panel = judgment(page)
    expect(panel.get_by_role("radio", name="Incorrect")).to_be_checked()
    expect(panel.get_by_role("checkbox", name="No medical knowledge")).to_be_checked()
    expect(panel.get_by_role("radio", name="4", exact=True)).to_be_checked()
    expect(panel.get_by_label("What the answer should be").first).to_have_value(
        "Squamous cell carcinoma"
    )
    expect(panel.get_by_label("Comment")).to_have_value("Keratin at the edge.")
    second, third = (page.locator(f"[data-passage='step {number}']") for number in (2, 3))
    expect(second.locator(".pv-said")).to_contain_text("not in this region")
    expect(second.locator("q")).to_have_text("small and regular")
    expect(second.locator(".pv-edited")).to_have_text("Step 2: The nuclei are large.")
    expect(second.locator(".pv-passage")).to_have_text("Step 2: The nuclei are small and regular.")
    expect(third.locator(".pv-edited")).to_have_text("Struck out.")
    expect(page.locator("path.pv-evidence")).to_have_count(1)
    expect(page.locator(".pv-overlay").get_by_text("It should have looked here")).to_be_visible()


def test_what_is_not_submitted_is_there_after_a_reload(viewer: ViewerPage) -> None:
    page = viewer.page
    say_everything(viewer)
    see_everything(page)
    expect(state(page)).to_have_text("Not submitted yet")
    page.reload()
    viewer.wait_loaded()
    see_everything(page)
    expect(state(page)).to_have_text("Not submitted yet")


def test_typed_words_must_stand_in_the_step(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_role("button", name="Flag step 1").click()
    field = page.get_by_label("The words it concerns")
    field.fill("nothing of the kind")
    page.keyboard.press("Enter")
    expect(page.get_by_text("These words do not stand in the step.")).to_be_visible()
    field.fill("uneven lumina")
    page.keyboard.press("Enter")
    label = page.evaluate("window.PathViewer.store.get('draft').steps[0]")
    text = page.evaluate("window.PathViewer.store.get('reading').completions[0].text")
    assert text[label["start"] : label["stop"]] == label["quote"] == "uneven lumina"
