"""Script in every place where text from outside can stand is shown as text and never runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.browser.conftest import PATIENCE
from tests.browser.logins import add_clinician, log_in
from tests.browser.readings import SAVED, judgment, scripted_settings, state, words
from tests.browser.viewer_page import ViewerPage
from tests.browser.worklists import command
from tests.servers import running

pytestmark = pytest.mark.long

SCRIPT = (
    "<img src=x onerror='window.planted=1'><svg onload='window.planted=1'></svg>"
    "<script>window.planted=1</script>${window.planted=1}{{window.planted=1}}"
)
ANSWERS = f"""
[[answer]]
texts = [
\"\"\"<think>Step 1: {SCRIPT}\nStep 2: {SCRIPT}</think><answer>{SCRIPT}</answer>\"\"\",
\"\"\"<think>Step 1: {SCRIPT}.\nStep 2: {SCRIPT}</think><answer>{SCRIPT}</answer>\"\"\",
]
"""


def test_script_runs_nowhere(
    page: Page, browser: Browser, tmp_path: Path, assets: Path, small_phantom: Path
) -> None:
    settings = scripted_settings(tmp_path, assets, small_phantom, ANSWERS)
    add_clinician(settings)
    add_clinician(settings, "eve", Role.researcher)
    plant_beforehand(settings, tmp_path)
    with running(settings) as base:
        viewer = log_in(page, base)
        plant_names(viewer)
        plant_question(page)
        plant_judgment(page)
        see_nothing_run(page)
        page.reload()
        viewer.wait_loaded()
        expect(page.locator("[data-passage='step 2'] .pv-edited")).to_have_text(SCRIPT)
        see_nothing_run(page)
        see_provenance(page)
        see_report(page, base)
        query = urlsplit(page.url).query
        with browser.new_context() as context:
            other = context.new_page()
            other.set_default_timeout(PATIENCE)
            log_in(other, base, "eve", f"?{query}")
            see_as_another(other)
            see_worklist(other)
            see_compared(other, base)
            for path in ("insights", "export"):
                other.goto(f"{base}/{path}")
                see_choices(other)


def plant_beforehand(settings: Settings, folder: Path) -> None:
    """A case, what is known of its slide, a worklist and its item."""
    table = folder / "cases.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        names = ("case", "slide", "organ", "specimen", "stain", "scanner", "reference", "source")
        csv.writer(file).writerows([names, [SCRIPT, "phantom", *[SCRIPT] * 6]])
    item = {"slide": "phantom", "box": [300, 400, 280, 240], "question": SCRIPT}
    item |= {"options": [SCRIPT, "high"], "answer": SCRIPT, "task": SCRIPT}
    items = folder / "items.jsonl"
    items.write_text(json.dumps(item), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        command("cases", "import", str(table))
        command("worklist", "import", str(items), "--name", SCRIPT, "--no-blind", "--teaching")
        command("worklist", "generate", SCRIPT, "--model", str(settings.model), "--samples", "2")
        command("worklist", "pairs", SCRIPT, "--plan", "all")


def see_provenance(page: Page) -> None:
    """The drawer has the prompt, with question, options and case in it."""
    page.keyboard.press("i")
    drawer = page.get_by_role("dialog", name="How this answer came about")
    expect(drawer).to_contain_text(f"Organ: {SCRIPT}")
    see_nothing_run(page)
    page.keyboard.press("Escape")


def see_report(page: Page, base: str) -> None:
    """The printed page has all of it, and no script may run in it."""
    reading = page.evaluate("window.PathViewer.store.get('reading').id")
    report = page.context.new_page()
    report.goto(f"{base}/api/readings/{reading}/report.html")
    body = report.locator("body")
    for said in (f"Options: {SCRIPT}; high", f"History: {SCRIPT}", f"right is: {SCRIPT} indeed"):
        expect(body).to_contain_text(said)
    expect(body.locator("ins")).to_have_text(SCRIPT)
    see_nothing_run(report)
    report.close()


def see_worklist(page: Page) -> None:
    """The list and its item on the page, and the reference after the judgment; then its report."""
    page.keyboard.press("u")
    foot = page.get_by_role("region", name="Worklist item")
    expect(foot).to_contain_text(SCRIPT)
    expect(foot).to_have_attribute("aria-busy", "false")
    expect(page.locator(".pv-asked")).to_have_text(SCRIPT)
    expect(page.locator("#pv-worklists .pv-list-name")).to_have_text(SCRIPT)
    expect(judgment(page)).to_be_visible()
    for answer in (1, 2):
        expect(foot).to_contain_text(f"Judge answer {answer} of 2")
        page.keyboard.press("c")
        page.keyboard.press("Enter")
        if answer == 1:
            expect(foot).to_contain_text("1 of 2 answers judged")
            page.keyboard.press("u")
    expect(foot).to_contain_text(f"Reference: {SCRIPT}")
    see_nothing_run(page)
    report = page.evaluate("document.querySelector('.pv-lists .pv-action').href")
    with page.expect_response(lambda answer: answer.url.endswith("/end")):
        page.keyboard.press("u")  # a pair waits for the end of its item
    page.goto(report)
    expect(page.locator("body")).to_contain_text(f"Reference answer: {SCRIPT}")
    see_nothing_run(page)


def see_compared(page: Page, base: str) -> None:
    """What there is to compare, two answers side by side, a comment, and the vote."""
    page.goto(f"{base}/compare")
    expect(page.get_by_label("Slide", exact=True).locator("option")).to_have_text(SCRIPT)
    see_nothing_run(page)
    page.get_by_role("button", name=SCRIPT).click()
    expect(page.locator(".pv-compare-question")).to_contain_text(f"A) {SCRIPT}")
    expect(page.locator(".pv-passage", has_text=SCRIPT)).to_have_count(6)
    page.get_by_label("Comment").fill(SCRIPT)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Left is better").click()
    expect(page.locator(".pv-compare-after")).to_contain_text("Saved")
    expect(page.locator(".pv-compare-progress")).to_contain_text(SCRIPT)
    see_nothing_run(page)
    page.reload()
    expect(page.get_by_label("Comment")).to_have_value(SCRIPT)
    see_nothing_run(page)


def see_choices(page: Page) -> None:
    """What there is to filter and to choose by: cases, question types, slides, organs."""
    expect(page.get_by_role("option", name=SCRIPT).first).to_be_attached()
    see_nothing_run(page)


def plant_names(viewer: ViewerPage) -> None:
    """Names of the slide and of a region."""
    page = viewer.page
    page.get_by_label("Name of this slide").fill(SCRIPT)
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.locator(".pv-slide-name")).to_have_text(SCRIPT)
    viewer.draw()
    viewer.wait_regions(1)
    page.get_by_role("button", name="Rename Region 1").click()
    page.keyboard.type(SCRIPT)
    page.keyboard.press("Enter")
    expect(page.locator(".pv-region-title")).to_have_text(SCRIPT)
    viewer.selected_text("window.planted")


def plant_question(page: Page) -> None:
    """Question, options, case, and one's own answer before the model's."""
    page.get_by_text("Model and settings").click()
    page.get_by_label("Blind first").check()
    page.get_by_text("Case", exact=True).click()
    for field in ("Organ", "Specimen", "Stain", "Clinical history"):
        page.get_by_label(field).fill(SCRIPT)
    page.get_by_label("Options").fill(f"{SCRIPT}\nhigh")
    page.get_by_label("Question", exact=True).fill(SCRIPT)
    page.keyboard.press("Control+Enter")
    page.get_by_role("form", name="Your own answer").get_by_role("radio", name=SCRIPT).click()
    page.get_by_role("button", name="Keep my answer").click()
    expect(page.locator(".pv-answer .pv-passage")).to_have_text(SCRIPT)
    expect(page.locator(".pv-asked")).to_have_text(SCRIPT)
    expect(judgment(page).locator(".pv-before")).to_contain_text(SCRIPT)


def plant_judgment(page: Page) -> None:
    """Quote, edited step, corrected answer, comment."""
    words(page, 1, SCRIPT)
    page.get_by_role("button", name="Flag step 1").click()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Flag step 2").click()
    page.keyboard.press("5")
    page.get_by_label("Step 2 rewritten").fill(SCRIPT)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("3")
    panel = judgment(page)
    panel.locator("select").select_option("in own words")
    panel.locator(".pv-should input").fill(f"{SCRIPT} indeed")
    panel.get_by_label("Comment").fill(SCRIPT)
    page.keyboard.press("Control+Enter")
    expect(state(page)).to_have_text(SAVED)
    expect(page.locator("[data-passage='step 1'] q")).to_have_text(SCRIPT)
    expect(page.locator("[data-passage='step 2'] .pv-edited")).to_have_text(SCRIPT)
    page.locator(".pv-history summary").click()
    expect(page.locator(".pv-history")).to_contain_text(f"should be {SCRIPT} indeed")


def see_as_another(page: Page) -> None:
    """A researcher sees what was judged once she has judged it herself, under a pseudonym."""
    expect(page.locator(".pv-asked")).to_have_text(SCRIPT)
    expect(judgment(page)).to_contain_text("shown once your verdict is in")
    expect(page.locator(".pv-others")).to_be_hidden()
    expect(judgment(page).locator(".pv-before")).to_be_hidden()
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    others = page.locator(".pv-others")
    others.locator("summary").click()
    expect(others.locator(".pv-when")).to_have_text("Rater A")
    for said in (f"should be {SCRIPT} indeed", f"“{SCRIPT}”", f"step 2 rewritten: {SCRIPT}"):
        expect(others).to_contain_text(said)
    see_nothing_run(page)


def see_nothing_run(page: Page) -> None:
    """No planted script has run, and none has become an element."""
    page.wait_for_timeout(300)
    assert page.evaluate("window.planted") is None
    assert page.locator("img[src=x], svg[onload]").count() == 0
