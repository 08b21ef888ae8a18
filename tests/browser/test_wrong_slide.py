"""An answer stands under the slide that it is about, whatever is opened meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from pathviewer.settings import Settings
from storage.cases.store import SlideDescription, describe_slide
from storage.slides.store import list_slide_records
from tests.browser.readings import scripted_settings, wait_state, write_question
from tests.browser.viewer_page import View, ViewerPage
from tests.databases import new_database
from tests.servers import running
from tests.slide_files import write_ycbcr

pytestmark = pytest.mark.long

SLOWLY = f"""
seconds_per_token = 0.02

[[answer]]
texts = ["<think>Step 1: Open.\\nStep 2: {"It goes on. " * 40}</think><answer>B</answer>"]
"""
IDENTITY = ".pv-trace .pv-identity"


@pytest.fixture
def settings(tmp_path: Path, assets: Path, small_phantom: Path) -> Settings:
    """Two slides, the phantom being of a known stain."""
    made = scripted_settings(tmp_path, assets, small_phantom, SLOWLY)
    write_ycbcr(tmp_path / "slides" / "plain.tiff", 700, 520)
    return made


@pytest.fixture
def served(settings: Settings) -> Iterator[tuple[str, dict[str, str]]]:
    """The application's base, and the slides' ids by alias."""
    with running(settings) as base:
        listed = httpx.get(f"{base}/api/slides").raise_for_status().json()
        yield base, {("phantom" if one["width"] == 3000 else "plain"): one["id"] for one in listed}


def open_phantom(page: Page, base: str, slide: str) -> ViewerPage:
    viewer = ViewerPage(page, base)
    viewer.open(slide, View(1500, 1100, 2))
    return viewer


def choose(page: Page, slide: str) -> None:
    """Open a slide by the list."""
    page.locator(f"[data-slide='{slide}']").click()
    page.wait_for_function("(id) => window.PathViewer.store.get('slide')?.id === id", arg=slide)


def name_of(base: str, slide: str) -> str:
    return str(httpx.get(f"{base}/api/slides/{slide}").json()["name"])


def test_the_slide_stands_beside_its_answer(
    page: Page, served: tuple[str, dict[str, str]], settings: Settings
) -> None:
    base, slides = served
    database = new_database(settings.database)
    with database.session() as session:
        for record in list_slide_records(session):
            if record.id == slides["phantom"]:
                describe_slide(session, record.id, SlideDescription("S-1", stain="H&E"))
    database.close()
    name = name_of(base, slides["phantom"])
    # the server takes over what is entered elsewhere with the next change or look
    httpx.patch(
        f"{base}/api/slides/{slides['phantom']}", json={"alias": name}, headers={"Origin": base}
    ).raise_for_status()
    viewer = open_phantom(page, base, slides["phantom"])
    write_question(viewer)
    line = f"{name} · H&E · 0.5 µm per pixel · no label in the file"
    expect(page.locator(".pv-ask-region .pv-identity")).to_have_text(line)
    expect(page.locator(IDENTITY)).to_have_text(line)
    expect(page.locator(IDENTITY)).to_have_attribute("data-elsewhere", "false")
    wait_state(page, "done")
    reading = page.evaluate("window.PathViewer.store.get('reading').id")
    kept = httpx.get(f"{base}/api/readings/{reading}").json()["slide_identity"]
    assert (kept["stain"], kept["name"], kept["case"]) == ("H&E", name, None)


def test_a_slide_that_is_changed_while_the_question_is_sent(
    page: Page, served: tuple[str, dict[str, str]]
) -> None:
    base, slides = served
    viewer = open_phantom(page, base, slides["phantom"])
    held: list[Route] = []
    page.route(
        "**/api/readings",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    with page.expect_request(
        lambda request: request.method == "POST" and "readings" in request.url
    ):
        write_question(viewer)
    choose(page, slides["plain"])
    page.wait_for_timeout(100)
    held[0].continue_()
    name = name_of(base, slides["phantom"])
    said = page.locator(".pv-message")
    expect(said).to_contain_text(f"Your question about {name} is being answered there.")
    expect(page.locator(".pv-trace")).to_be_hidden()
    assert page.evaluate("window.PathViewer.store.get('reading')") is None
    said.get_by_role("button", name="Show it").click()
    expect(page.locator(IDENTITY)).to_contain_text(name)
    assert page.evaluate("window.PathViewer.store.get('slide').id") == slides["phantom"]
    assert page.evaluate("window.PathViewer.store.get('reading').slide") == slides["phantom"]


def test_a_slide_that_is_changed_while_the_answer_is_written(
    page: Page, served: tuple[str, dict[str, str]]
) -> None:
    base, slides = served
    viewer = open_phantom(page, base, slides["phantom"])
    write_question(viewer)
    page.locator('[data-passage="step 1"]').wait_for()
    reading = page.evaluate("window.PathViewer.store.get('reading').id")
    choose(page, slides["plain"])
    expect(page.locator(".pv-trace")).to_be_hidden()
    page.wait_for_timeout(500)  # what is still being written comes to nobody else's slide
    expect(page.locator(".pv-trace")).to_be_hidden()
    rows = httpx.get(f"{base}/api/readings", params={"slide": slides["plain"]}).json()
    assert rows == []
    (row,) = httpx.get(f"{base}/api/readings", params={"slide": slides["phantom"]}).json()
    assert row["id"] == reading
    # the address of the answer leads to its slide, though it names another one
    page.goto(f"{base}/?slide={slides['plain']}&reading={reading}")
    expect(page.locator(IDENTITY)).to_contain_text(name_of(base, slides["phantom"]))
    expect(page.locator(IDENTITY)).to_have_attribute("data-elsewhere", "false")
    assert page.evaluate("window.PathViewer.store.get('slide').id") == slides["phantom"]


def test_a_slide_that_somebody_changed_is_shown_anew_before_it_is_asked_about(
    page: Page, served: tuple[str, dict[str, str]]
) -> None:
    base, slides = served
    viewer = open_phantom(page, base, slides["phantom"])
    viewer.draw()
    viewer.wait_regions(1)
    page.get_by_label("Question", exact=True).fill("Which tumour is it?")
    httpx.patch(
        f"{base}/api/slides/{slides['phantom']}",
        json={"alias": "Left lung"},
        headers={"Origin": base},
    ).raise_for_status()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".pv-ask-last .pv-ask-error")).to_contain_text(
        "Not asked: the slide's name has changed"
    )
    expect(page.locator(".pv-ask-region .pv-identity")).to_contain_text("Left lung")
    expect(page.get_by_label("Question", exact=True)).to_have_value("Which tumour is it?")
    page.get_by_label("Question", exact=True).press("Control+Enter")
    expect(page.locator(IDENTITY)).to_contain_text("Left lung")
    wait_state(page, "done")
