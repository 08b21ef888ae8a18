"""A question about a region: asked, watched while it is answered, stopped, found again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.readings import STORE, ask, scripted_settings, wait_state
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases
from tests.servers import running

SCRIPT = '<img src=x onerror="window.planted=1"><script>window.planted=1</script>'
STEPS = "Step 1: The upper left is open.\\nStep 2: The lower right is dense."
ANSWERS = f"""
seconds_per_token = 0.01

[[answer]]
asked = "slowly"
texts = ["<think>{STEPS} {"It goes on and on. " * 400}</think><answer>late</answer>"]

[[answer]]
asked = "planted"
texts = ['''<think>Step 1: {SCRIPT}</think><answer>{SCRIPT}</answer>''']

[[answer]]
asked = "beyond"
texts = ["<think>{STEPS}</think><answer>D</answer>"]

[[answer]]
texts = [
  "<think>{STEPS}</think><answer>A</answer>",
  "<think>Step 1: Another way.</think><answer>B</answer>",
]
"""
Reader = tuple[ViewerPage, str]


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path
) -> Iterator[str]:
    """An application whose model reads its answers from a script."""
    folder = tmp_path_factory.mktemp("asking")
    with running(scripted_settings(folder, assets, small_phantom, ANSWERS)) as address:
        yield address


@pytest.fixture
def viewer(page: Page, base: str) -> ViewerPage:
    """The page with one region drawn and selected."""
    found = ViewerPage(page, base)
    found.open(view=View(1500, 1100, 2))
    found.draw()
    page.wait_for_function("window.PathViewer.store.get('regions').some((one) => one.saved)")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    return found


def test_steps_then_the_answer_and_back_after_a_reload(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "How dense is it?", "A) low\nhigh")
    wait_state(page, "done")
    expect(page.locator(".pv-step .pv-passage")).to_have_text(
        ["Step 1: The upper left is open.", "Step 2: The lower right is dense."]
    )
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("A")
    expect(page.locator(".pv-answer .pv-option")).to_have_text("A) low")
    page.keyboard.press("]")
    page.keyboard.press("]")
    expect(page.locator('[data-passage="step 2"] .pv-number')).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("]")
    expect(page.locator(".pv-answer button")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("[")
    assert page.evaluate(STORE.format("step")) == "step 2"
    page.reload()
    viewer.wait_loaded()
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("A")
    expect(page.locator(".pv-asked")).to_have_text("How dense is it?")
    page.locator("#pv-ask-fold > summary").click()
    page.get_by_label("Questions asked on this slide").select_option("How dense is it?")
    expect(page.get_by_label("Options")).to_have_value("A) low\nhigh")


def test_typing_panning_and_stopping_while_it_writes(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "Go slowly")
    page.locator('[data-passage="step 2"]').wait_for()
    # in the column, which follows the text once that is longer than the window
    place = "(row) => [row.offsetTop, row.offsetHeight]"
    top = page.locator('[data-passage="step 1"]').evaluate(place)
    before = viewer.view()
    page.keyboard.press("ArrowRight")
    viewer.settle()
    assert viewer.view().x > before.x
    page.wait_for_function(
        f"{STORE.format('reading')}.completions[0].trace.steps[0].state === 'done'"
    )
    first = page.locator('[data-passage="step 1"]')
    assert first.evaluate(place) == top  # while written and after
    page.keyboard.press("s")
    wait_state(page, "done")
    expect(page.locator(".pv-status")).to_have_text(re.compile("^Stopped"))
    expect(page.locator(".pv-step .pv-state").last).to_have_text("cut off")
    page.keyboard.press("a")
    page.keyboard.press("End")
    page.keyboard.type(" please")
    expect(page.get_by_label("Question", exact=True)).to_have_value("Go slowly please")
    page.keyboard.press("Escape")  # the keys are the slide's again
    expect(page.get_by_role("application")).to_be_focused()
    page.keyboard.press("Escape")  # no region any more
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Select a region first, or draw one (R).")).to_be_visible()


@pytest.mark.long
def test_several_answers_and_how_far_they_agree(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_text("Model and settings").click()
    page.get_by_label("Temperature").fill("1")
    page.get_by_label("Number of answers").fill("3")
    ask(page, "How dense is it?", "low\nhigh")
    wait_state(page, "done")
    expect(page.locator(".pv-agreement")).to_contain_text("2 of 3 say")
    page.get_by_role("button", name="Answer 2").click()
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("B")


@pytest.mark.long
def test_a_letter_beyond_the_options_is_said_to_be_none_of_them(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "What lies beyond?", "low\nhigh")
    wait_state(page, "done")
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("D")
    expect(page.locator(".pv-answer .pv-option")).to_have_text("none of the options")


@pytest.mark.long
def test_a_template_and_what_the_model_will_see(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_label("Question template").select_option("cellularity")
    expect(page.get_by_label("Options")).to_have_value("low\nmoderate\nhigh")
    seen = page.get_by_role("figure", name="What the model will see")
    expect(seen).to_contain_text("tokens")
    expect(seen.locator("image")).to_have_attribute("href", re.compile("^data:image/png"))
    page.get_by_text("Model and settings").click()
    page.get_by_label("Pixel budget").fill("3136")
    expect(seen).to_contain_text("Nuclei will be about")
    page.get_by_role("button", name="Fit to the model's scale").click()
    page.wait_for_function(f"{STORE.format('regions')}.length > 1")
    expect(page.locator(".pv-ask-region")).to_contain_text("fitted")
    expect(seen).not_to_contain_text("Nuclei will be about")
    page.get_by_label("Pixel budget").fill("784")
    page.get_by_label("Question", exact=True).fill("What colour is it?")
    expect(seen).not_to_contain_text("Nuclei will be about")
    page.get_by_label("Question", exact=True).fill("How cellular is this region?")
    expect(seen).to_contain_text("Nuclei will be about")


@pytest.mark.parametrize(
    ("question", "options", "sentence"),
    [
        ("", "", "The question is empty"),
        *long_cases(
            ("x" * 20_000, "", "20,000 characters"),
            ("Which?", "only one", "A single option is no choice"),
            ("Which?", "low\nlow", "Two options are the same"),
        ),
    ],
)
def test_a_question_that_cannot_be_asked_stays_and_is_explained(
    viewer: ViewerPage, question: str, options: str, sentence: str
) -> None:
    page = viewer.page
    page.get_by_label("Question", exact=True).fill(question)
    page.get_by_label("Options").fill(options)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".pv-ask-error").first).to_contain_text(sentence)
    expect(page.get_by_label("Question", exact=True)).to_have_value(question)


@pytest.mark.long
def test_script_is_shown_as_text(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_text("Case", exact=True).click()
    page.get_by_label("Clinical history").fill(SCRIPT)
    ask(page, f"planted {SCRIPT}", f"{SCRIPT}\nhigh")
    wait_state(page, "done")
    expect(page.locator(".pv-asked")).to_have_text(f"planted {SCRIPT}")
    expect(page.locator(".pv-step .pv-passage")).to_contain_text(SCRIPT)
    expect(page.locator(".pv-answer .pv-passage")).to_have_text(SCRIPT)
    page.reload()
    viewer.wait_loaded()
    expect(page.locator(".pv-answer .pv-passage")).to_have_text(SCRIPT)
    assert page.evaluate("window.planted") is None


@pytest.mark.long
@pytest.mark.parametrize(
    ("box", "warning"),
    [("700,800,1,1", "only 1 × 1 px of the scan"), ("0,0,3000,2200", "Nuclei will be about")],
)
def test_the_least_region_and_the_whole_slide(
    page: Page, base: str, box: str, warning: str
) -> None:
    viewer = ViewerPage(page, base)
    (slide,) = httpx.get(f"{base}/api/slides").raise_for_status().json()
    viewer.open(query=f"slide={slide['id']}&roi={box}")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    page.get_by_label("Question template").select_option("cellularity")
    expect(page.locator(".pv-seen-warnings")).to_contain_text(warning)
    ask(page, "How dense is it?")
    wait_state(page, "done")
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("A")


def test_blind_first_keeps_the_answer_back(viewer: ViewerPage) -> None:
    page = viewer.page
    page.get_by_text("Model and settings").click()
    page.get_by_label("Blind first").check()
    ask(page, "How dense is it?", "low\nhigh")
    page.get_by_role("radio", name="high").click()
    expect(page.locator(".pv-answer")).to_be_hidden()
    page.get_by_role("button", name="Keep my answer").click()
    expect(page.locator(".pv-answer .pv-passage")).to_have_text("A")
    wait_state(page, "done")


@pytest.mark.long
def test_two_tabs_ask_side_by_side(viewer: ViewerPage) -> None:
    first = viewer.page
    first.wait_for_function("location.search.includes('roi=')")  # written when the view has settled
    second = first.context.new_page()
    second.goto(first.url)
    other = ViewerPage(second, viewer.base)
    other.wait_loaded()
    expect(second.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    ask(first, "Go slowly")
    first.locator('[data-passage="step 1"]').wait_for()
    ask(second, "How dense is it?")
    wait_state(second, "done")
    assert first.evaluate(STORE.format("reading") + ".state") == "running"
    first.keyboard.press("s")
    wait_state(first, "done")
