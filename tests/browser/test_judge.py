"""The clinician's judgment of an answer: said by keyboard, kept, shown again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.readings import (
    SAVED,
    asked,
    judgment,
    scripted_settings,
    state,
    stored,
    words,
    write_question,
)
from tests.browser.viewer_page import View, ViewerPage
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
    """The page with one answer that can be judged, what was said of it before being known."""
    found = asked(page, base)
    page.wait_for_function("window.PathViewer.store.get('judged')?.loaded")
    return found


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
    for key in ("e", "Enter", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
        viewer.settle()


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


@pytest.mark.long
def test_what_is_not_submitted_is_there_after_a_reload(viewer: ViewerPage) -> None:
    page = viewer.page
    say_everything(viewer)
    see_everything(page)
    expect(state(page)).to_have_text("Not submitted yet")
    page.reload()
    viewer.wait_loaded()
    see_everything(page)
    expect(state(page)).to_have_text("Not submitted yet")


@pytest.mark.long
def test_a_control_token_is_refused_and_nothing_typed_is_lost(
    viewer: ViewerPage, base: str
) -> None:
    page = viewer.page
    page.get_by_role("button", name="Flag step 2").click()
    page.keyboard.press("5")
    step = "Step 2: The nuclei are large <|image_pad|>."
    page.get_by_label("Step 2 rewritten").fill(step)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("3")
    page.get_by_label("Comment").fill("See <image>.")
    page.get_by_role("button", name="Submit", exact=True).click()
    refused = re.compile("Not saved: .*which language models read as a command; leave it out")
    expect(state(page)).to_have_text(refused)
    expect(page.get_by_label("Comment")).to_have_value("See <image>.")
    expect(page.locator("[data-passage='step 2'] .pv-edited")).to_have_text(step)
    own = stored(page, base)["own"]
    assert own["verdict"] is None
    assert own["edited_trace"] is None
    page.get_by_label("Comment").fill("See the picture.")
    page.get_by_role("button", name="Flag step 2").click()
    page.get_by_label("Step 2 rewritten").fill("Step 2: The nuclei are large.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(state(page)).to_have_text(SAVED)
    own = stored(page, base)["own"]
    assert own["verdict"]["comment"] == "See the picture."
    assert own["edited_trace"]["edited_steps"][0]["text"] == "Step 2: The nuclei are large."


@pytest.mark.long
def test_typed_words_must_stand_in_the_step(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_role("button", name="Flag step 1").click()
    wrong_degree = page.get_by_role("checkbox", name="“high” where it is moderate")
    expect(wrong_degree).to_have_attribute("data-choice", "not_in_region")
    field = page.get_by_label("The words it concerns")
    field.fill("nothing of the kind")
    page.keyboard.press("Enter")
    expect(page.get_by_text("These words do not stand in the step.")).to_be_visible()
    field.fill("uneven lumina")
    page.keyboard.press("Enter")
    label = page.evaluate("window.PathViewer.store.get('draft').steps[0]")
    text = page.evaluate("window.PathViewer.store.get('reading').completions[0].text")
    assert text[label["start"] : label["stop"]] == label["quote"] == "uneven lumina"


def count_keys(page: Page) -> None:
    """Count every key that goes down from now on."""
    page.evaluate(
        "window.pressed = 0; addEventListener('keydown', () => { window.pressed += 1; }, true)"
    )


def test_a_right_answer_with_a_sound_trace_takes_two_keys(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    page.locator("#pv-right").evaluate("(column) => { column.scrollTop = 0; }")
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_in_viewport(ratio=1)
    count_keys(page)
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text(SAVED)
    assert page.evaluate("window.pressed") == 2
    own = stored(page, base)["own"]
    assert own["verdict"]["verdict"] == "correct"
    assert (own["labels"]["absences"], own["labels"]["steps"]) == ([], [])


@pytest.mark.long
def test_a_flagged_step_takes_five_keys(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    count_keys(page)
    for key in ("x", "3", "2", "c", "Enter"):
        page.keyboard.press(key)
    expect(state(page)).to_have_text(SAVED)
    assert page.evaluate("window.pressed") == 5
    (label,) = stored(page, base)["own"]["labels"]["steps"]
    assert (label["step"], label["events"]) == (2, ["contradiction"])


def test_everything_is_saved_and_found_again(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    say_everything(viewer)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text(SAVED)
    page.evaluate("localStorage.clear()")
    page.reload()
    viewer.wait_loaded()
    see_everything(page)
    expect(state(page)).to_have_text(SAVED)
    own = stored(page, base)["own"]
    assert own["labels"]["absences"] == ["missing_knowledge"]
    assert own["labels"]["steps"][0]["quote"] == "small and regular"
    assert "The nuclei are large." in own["edited_trace"]["edited_text"]
    assert "keratin" not in own["edited_trace"]["edited_text"]
    box = own["evidence"]["box"]
    view = viewer.view()
    assert (box["x"], box["width"]) == pytest.approx(
        (view.x - 80 * view.downsample, 80 * view.downsample), abs=2
    )
    page.get_by_role("button", name="Take the evidence region back").click()
    expect(page.locator("path.pv-evidence")).to_have_count(0)
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(state(page)).to_have_text(SAVED)
    assert stored(page, base)["own"]["evidence"]["box"] is None


def test_a_change_supersedes_and_the_history_stays(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    reward = page.locator(".pv-reward")
    expect(reward).to_contain_text("reasoning 1.0 (complete 1.0, sound 1.0) + answer 1.0")
    page.keyboard.press("8")
    expect(state(page)).to_have_text(re.compile(r"^Changed since \d\d:\d\d:\d\d$"))
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    expect(reward).to_contain_text("reasoning 0.8 (complete 0.6, sound 1.0) + answer 0.0")
    expect(reward).to_have_attribute("title", re.compile("function that rewards the model"))
    history = page.locator(".pv-history")
    history.locator("summary").click()
    expect(history.locator("li")).to_have_text(
        [
            re.compile("No other option or diagnosis is weighed and ruled out$"),
            re.compile(r"^\d\d:\d\d:\d\dincorrect$"),
            re.compile("trace sound$"),
            re.compile(r"^\d\d:\d\d:\d\dcorrect$"),
        ]
    )
    told = stored(page, base)
    assert told["own"]["verdict"]["supersedes"] == told["history"][-1]["id"]


def hold(_: Route) -> None:
    """Leave a request without an answer, until its route is taken away."""


@pytest.mark.long
def test_what_was_said_before_holds_though_it_comes_late(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    for key in ("x", "3", "2", "j", "9", "3", "Enter"):
        page.keyboard.press(key)
    expect(state(page)).to_have_text(SAVED)
    page.route("**/api/completions/*/feedback", hold)
    page.reload()
    viewer.wait_loaded()
    page.wait_for_function("window.PathViewer.store.get('draft')")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    page.unroute("**/api/completions/*/feedback")  # which lets go of what is held
    expect(state(page)).to_have_text(SAVED)
    own = stored(page, base)["own"]
    assert own["verdict"]["verdict"] == "correct"
    assert own["labels"]["absences"] == ["missing_knowledge"]
    assert own["labels"]["steps"][0]["events"] == ["contradiction"]


@pytest.mark.long
def test_a_verdict_is_wanted_before_anything_is_saved(viewer: ViewerPage) -> None:
    page = viewer.page
    page.keyboard.press("j")
    page.keyboard.press("7")
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text("Choose a verdict first: 1 to 6.")
    expect(judgment(page).get_by_role("checkbox", name="No feature")).to_be_checked()


@pytest.mark.long
def test_a_second_click_saves_nothing_more(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    page.keyboard.press("c")
    page.get_by_role("button", name="Submit", exact=True).dblclick()
    expect(state(page)).to_have_text(SAVED)
    assert len(stored(page, base)["history"]) == 2  # verdict and labels


@pytest.mark.long
def test_classes_of_steps_in_research_mode(viewer: ViewerPage, base: str) -> None:
    page = viewer.page
    expect(page.get_by_label("What step 1 does")).to_have_count(0)
    page.keyboard.press("Shift+R")
    page.get_by_label("What step 1 does").select_option("Reasoning")
    judgment(page).get_by_role("radio", name="Unsure").click()
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text(SAVED)
    (label,) = stored(page, base)["own"]["labels"]["steps"]
    assert (label["step"], label["step_class"]) == (0, "Reasoning")


@pytest.mark.long
def test_blind_first_and_what_became_of_the_answer(page: Page, base: str) -> None:
    viewer = ViewerPage(page, base)
    viewer.open(view=View(1500, 1100, 2))
    write_question(viewer, blind=True)
    own = page.get_by_role("form", name="Your own answer")
    own.get_by_role("radio", name="Squamous cell carcinoma").click()
    own.get_by_role("radio", name="2", exact=True).click()
    own.get_by_role("button", name="Keep my answer").click()
    before = judgment(page).locator(".pv-before")
    expect(before).to_contain_text("Squamous cell carcinoma (sure 2 of 5)")
    page.keyboard.press("j")
    page.keyboard.press("3")
    expect(before).to_contain_text("Now: the same.")
    page.keyboard.press("1")
    expect(before).to_contain_text("Now: Adenocarcinoma.")
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text(SAVED)
    page.reload()
    viewer.wait_loaded()
    expect(before).to_contain_text("Squamous cell carcinoma (sure 2 of 5)")
    expect(before).to_contain_text("Now: Adenocarcinoma.")


@pytest.mark.long
def test_browsing_asks_for_no_answer_first(viewer: ViewerPage) -> None:
    expect(judgment(viewer.page).locator(".pv-before")).to_be_hidden()
