"""Maps on the slide: where they are drawn, from which numbers, and how they answer to controls."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Response, expect

from models.messages import Box, PixelBudget
from models.placement import cell_box, place_picture
from tests.browser.conftest import Traffic
from tests.browser.readings import STORE, ask, scripted_settings, wait_state
from tests.browser.viewer_page import View, ViewerPage
from tests.long_cases import long_cases
from tests.servers import running

ROI = Box(600, 400, 640, 400)
"""A region that is not square; neither are its cells."""
PLACED = place_picture(ROI, 640, 400, PixelBudget(3_136, 200_704))
CELL = (13, 4)
"""Column and row of the only token that is looked at."""
LONG = "Here it is. " + "On and on. " * 300
ACROSS, DOWN = 1 / PLACED.columns, 1 / PLACED.rows
ANSWERS = f"""
[[answer]]
asked = "Describe the image"
texts = ["An image."]

[[answer]]
asked = "slowly"
texts = ["<think>Step 1: {LONG}</think><answer>late</answer>"]
[[answer.look]]
words = "{LONG}"
area = [0.0, 0.0, 0.25, 0.25]

[[answer]]
texts = ["<think>Step 1: Nowhere at all.\\nStep 2: One cell.</think><answer>A</answer>"]
[[answer.look]]
words = "Step 2: One cell."
area = [{CELL[0] * ACROSS}, {CELL[1] * DOWN}, {ACROSS}, {DOWN}]
share = 0.8
"""
GLOW = STORE.format("glow")
HELD_EVIDENCE = """() => {
  const fetched = window.fetch.bind(window);
  window.fetch = (url, given) => {
    if (!String(url).includes("/evidence")) return fetched(url, given);
    window.pvSignal = given.signal;
    return new Promise(() => {});
  };
}"""
"""Requests for evidence are never answered; `pvSignal` tells whether one was given up."""
Sides = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def base(
    tmp_path_factory: pytest.TempPathFactory, assets: Path, small_phantom: Path
) -> Iterator[str]:
    """An application whose model looks at one token."""
    answers = "seconds_per_token = 0.03\n" + ANSWERS
    folder = tmp_path_factory.mktemp("heat")
    settings = scripted_settings(folder, assets, small_phantom, answers)
    with running(settings) as address:
        yield address


@pytest.fixture
def viewer(page: Page, base: str) -> ViewerPage:
    """The page with the region of the test."""
    found = ViewerPage(page, base)
    (slide,) = httpx.get(f"{base}/api/slides").raise_for_status().json()
    x, y = ROI.x + ROI.width / 2, ROI.y + ROI.height / 2
    box = f"{ROI.x:.0f},{ROI.y:.0f},{ROI.width:.0f},{ROI.height:.0f}"
    found.open(query=f"slide={slide['id']}&x={x}&y={y}&downsample=1&roi={box}")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    return found


def asked(viewer: ViewerPage, question: str = "Where is it?") -> None:
    """Ask, wait for the maps and look at attention."""
    ask(viewer.page, question)
    for maps in ("maps", "evidence"):
        viewer.page.wait_for_function(f"{STORE.format(maps)}?.state === 'ready'")
    viewer.page.keyboard.press("Shift+H")
    viewer.page.wait_for_function(f"{GLOW}?.view === 'attention'")


def take_step(page: Page, name: str) -> None:
    """Select a step by its number."""
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_function(f"{GLOW}.title === '{name}'")


def stage(page: Page) -> NDArray[np.int16]:
    """(height, width, 3): what is seen of the slide."""
    box = page.locator(".pv-stage").bounding_box()
    assert box
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB"), np.int16)


def glowing(viewer: ViewerPage, view: View) -> NDArray[np.float64]:
    """(pixels, 2): level-0 points anywhere on the screen that hiding the attention changes."""
    page = viewer.page
    page.add_style_tag(content=".pv-legend { opacity: 0 }")
    page.evaluate("(view) => window.PathViewer.canvas.frames.show(view)", vars(view))
    viewer.wait_loaded()
    page.keyboard.press("h")
    without = stage(page)
    page.keyboard.press("h")
    changed = np.abs(stage(page) - without).max(axis=2) > 8
    rows, columns = np.nonzero(changed)
    middle = np.array(changed.shape)[::-1] / 2
    seen = np.stack([columns + 0.5, rows + 0.5], axis=1) - middle
    return np.stack(view.level0((seen[:, 0], seen[:, 1])), axis=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "view",
    [
        View(920, 600, 1),
        *long_cases(
            View(920, 600, 3.7),  # a cell is then 9 screen pixels wide
            View(880, 560, 0.7, 30),
            View(920, 600, 1.3, 255),
        ),
    ],
    ids=lambda view: f"1:{view.downsample} at {view.rotation}",
)
def test_the_glow_lies_on_its_token(viewer: ViewerPage, view: View) -> None:
    asked(viewer)
    take_step(viewer.page, "Step 2")
    points = glowing(viewer, view)
    cell = cell_box(PLACED, *CELL)
    edge = 2 * view.downsample  # two screen pixels
    low, high = points.min(axis=0), points.max(axis=0)
    assert low == pytest.approx([cell.x, cell.y], abs=edge)
    assert high == pytest.approx([cell.x + cell.width, cell.y + cell.height], abs=edge)
    covered = len(points) * view.downsample**2
    assert covered == pytest.approx(cell.width * cell.height, rel=0.3)


@pytest.mark.long
def test_what_is_diffuse_is_said_and_not_drawn(viewer: ViewerPage) -> None:
    asked(viewer)
    take_step(viewer.page, "Step 1")
    legend = viewer.page.get_by_role("group", name="Legend of the attention")
    expect(legend).to_contain_text("diffuse: not localised; 10 % of the attention on the region")
    expect(legend).to_contain_text("not why it answered")
    assert not len(glowing(viewer, View(920, 600, 1)))
    take_step(viewer.page, "Step 2")
    expect(legend).to_contain_text("80 % of the attention on the region")
    expect(legend).not_to_contain_text("diffuse")
    expect(legend.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("^Colours from 0 to 100 even shares; 1 is even")
    )


@pytest.mark.long
def test_the_page_computes_what_the_server_computes(viewer: ViewerPage) -> None:
    asked(viewer)
    found: list[dict[str, Any]] = viewer.page.evaluate(
        """async () => {
          const maps = await import("/ui/attention/attention_maps.js");
          const told = window.PathViewer.store.get("maps").told;
          const layers = [0, told.layers - 1];
          return told.passages.map((passage, at) => {
            const raw = maps.rawMap(told, at, layers);
            const relative = maps.relativeMap(raw, maps.neutralMap(told, layers), told.floor);
            const word = (map) => maps.verdict(map, told) === "localised";
            return { told: passage, spread: maps.spread(raw), relative: maps.spread(relative),
              localised: word(raw), relative_localised: word(relative) };
          });
        }"""
    )
    assert [one["told"]["name"] for one in found] == ["step 1", "step 2", "answer", "all"]
    for one in found:
        told = one["told"]
        # a byte a cell: what is less than 1/510 of a sharp peak is rounded
        assert one["spread"] == pytest.approx(told["spread"], abs=0.03)
        assert one["relative"] == pytest.approx(told["relative_spread"], abs=0.03)
        assert one["localised"] == told["localised"]
        assert one["relative_localised"] == told["relative_localised"]


@pytest.mark.long
def test_controls_answer_without_the_server(viewer: ViewerPage, traffic: Traffic) -> None:
    asked(viewer)
    page = viewer.page
    take_step(page, "Step 2")
    before = len(traffic.requests)
    drawn = """async () => {
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
      return document.querySelector(".pv-heat").toDataURL();
    }"""
    pictures = [page.evaluate(drawn)]

    def changed(change: str) -> None:
        pictures.append(page.evaluate(drawn))
        assert pictures[-1] not in pictures[:-1], change

    page.get_by_label("Opacity").fill("0.3")
    changed("opacity")
    page.keyboard.press("o")
    assert page.get_by_label("Opacity").input_value() == "0.4"
    changed("opacity by key, the slider in focus")
    page.keyboard.press("Shift+R")
    page.get_by_label("Colours", exact=True).select_option("magma")
    changed("colours")
    page.get_by_label("Values").select_option("raw")
    expect(page.locator(".pv-legend")).to_contain_text("Raw attention")
    page.get_by_label("First layer").fill("4")
    assert page.evaluate(GLOW + ".map.imageShare") == pytest.approx(0.8, abs=0.01)
    page.get_by_role("checkbox", name="token grid").check()
    changed("grid")
    page.get_by_label("Threshold").fill("0")
    changed("threshold")
    page.keyboard.press("h")
    changed("hidden")
    page.keyboard.press("h")
    take_step(page, "Step 1")
    assert page.evaluate(drawn) == pictures[-1], "a diffuse step is as empty as a hidden one"
    asked_for = [url for url in traffic.requests[before:] if "/api/readings" in url]
    assert asked_for == []


@pytest.mark.long
def test_a_word_has_its_own_map(viewer: ViewerPage) -> None:
    asked(viewer)
    page = viewer.page
    answered: list[Response] = []
    page.on("response", lambda one: answered.append(one) if "first=" in one.url else None)
    take_step(page, "Step 2")
    page.keyboard.press("}")
    assert page.evaluate(STORE.format("word")) is None, "words are for research mode"
    page.keyboard.press("Shift+R")
    for word in ("One", "cell."):
        page.keyboard.press("}")
        page.wait_for_function(f"{GLOW}.title === '“{word}”' && {GLOW}.map")
    page.keyboard.press("{")
    page.wait_for_function(f"{GLOW}.title === '“One”' && {GLOW}.map")
    assert page.evaluate(GLOW + ".verdict") == "localised"
    assert [one.status for one in answered] == [200] * 2, "a word is fetched once"
    box = page.locator('[data-passage="step 1"] .pv-passage').bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 10)
    page.wait_for_function(f"{GLOW}.title === '“Nowhere”' && {GLOW}.verdict === 'diffuse'")
    page.mouse.move(5, 5)
    page.wait_for_function(f"{GLOW}.title === 'Step 2'")


def test_evidence_is_drawn_once_an_answer_is_complete(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "Where is it?")
    legend = page.locator(".pv-legend")
    expect(legend).to_contain_text("12 nats")
    expect(legend).to_contain_text("Depends on this place: blurred, it makes the words more than")
    expect(legend.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("^Colours from 0 to 12 nats; nothing is drawn below")
    )
    claims = page.locator(".pv-claim > [aria-hidden]")
    expect(claims).to_have_text(["whole region", "this place", "whole region"])
    points = glowing(viewer, View(920, 600, 1))
    cell = cell_box(PLACED, *CELL)
    assert points.min(axis=0) == pytest.approx([cell.x, cell.y], abs=2)
    page.keyboard.press("d")
    numbers = page.locator(".pv-use-test tbody tr")
    expect(numbers.last).to_contain_text("as much elsewhere, blurred, 3 places")
    chosen = page.get_by_label("Show on the slide")
    page.keyboard.press("Shift+H")
    expect(legend).to_contain_text("of the attention on the region")
    expect(chosen).to_have_value("attention")
    page.reload()
    viewer.wait_loaded()
    expect(chosen).to_have_value("attention")
    page.keyboard.press("Shift+H")
    expect(legend).to_contain_text("12 nats")


@pytest.mark.long
def test_the_legend_is_one_quiet_line_where_no_place_decides(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "Where is it?")
    expect(page.locator(".pv-claim > [aria-hidden]").last).to_have_text("whole region")
    take_step(page, "Step 1")
    legend = page.get_by_role("group", name="Legend of the evidence")
    line = re.compile(r"^Step 1\s*depends on the region as a whole\s*$")
    expect(legend).to_have_text(line, use_inner_text=True)
    box = legend.bounding_box()
    assert box
    assert box["height"] < 32, "one line"
    assert not len(glowing(viewer, View(920, 600, 1)))
    page.keyboard.press("Shift+R")
    page.get_by_role("checkbox", name="draw diffuse maps").check()
    expect(legend.get_by_role("img")).to_be_visible()


@pytest.mark.long
def test_a_word_is_tested_if_it_stays_chosen(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "Where is it?")
    expect(page.locator(".pv-legend")).to_contain_text("12 nats")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method) if "/evidence" in one.url else None)
    page.keyboard.press("Shift+R")
    take_step(page, "Step 2")
    page.keyboard.press("}")
    page.wait_for_function(f"{GLOW}.title === '“One”' && {GLOW}.verdict === 'untested'")
    page.wait_for_function(f"{GLOW}.title === '“One”' && {GLOW}.verdict === 'place'")
    expect(page.locator(".pv-legend-state")).to_contain_text("Depends on this place")
    assert sent == ["GET", "POST"]
    page.keyboard.press("Shift+H")
    page.wait_for_function(f"{GLOW}.title === 'Step 2' && {GLOW}.view === 'attention'")


@pytest.mark.long
def test_several_words_are_tested_together(viewer: ViewerPage) -> None:
    page = viewer.page
    ask(page, "Where is it?")
    expect(page.locator(".pv-legend")).to_contain_text("12 nats")
    page.keyboard.press("Shift+R")
    take_step(page, "Step 2")
    page.keyboard.press("}")
    page.keyboard.press(")")
    page.wait_for_function(f"{GLOW}.title === '“One cell.”' && {GLOW}.verdict === 'place'")
    page.keyboard.press("(")
    page.wait_for_function(f"{GLOW}.title === '“One”'")
    words = page.locator('[data-passage="step 1"] .pv-passage')
    box = words.bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 6, steps=4)
    page.mouse.up()
    shown = page.evaluate(STORE.format("word"))
    assert shown["text"] == words.inner_text().strip()
    page.wait_for_function(f"{GLOW}.verdict === 'region'")


@pytest.mark.long
def test_evidence_is_given_up_with_its_answer(viewer: ViewerPage) -> None:
    page = viewer.page
    page.evaluate(HELD_EVIDENCE)
    ask(page, "Where is it?")
    expect(page.locator(".pv-maps-trouble")).to_have_text(re.compile("Finding what it depends on"))
    page.wait_for_function(f"{GLOW}?.view === 'attention' && window.pvSignal")
    assert not page.evaluate("window.pvSignal.aborted")
    page.evaluate("window.PathViewer.store.set('reading', null)")
    assert page.evaluate("window.pvSignal.aborted")


@pytest.mark.long
def test_the_page_says_why_there_is_no_evidence(viewer: ViewerPage) -> None:
    page = viewer.page
    sentence = "The model's weights are not on this server, so there is no evidence map."
    body = {"error": {"code": "refused", "message": sentence}}
    page.route("**/evidence", lambda route: route.fulfill(status=400, json=body))
    ask(page, "Where is it?")
    expect(page.locator(".pv-maps-trouble")).to_contain_text(sentence)
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    expect(page.get_by_label("Show on the slide")).to_have_value("attention")
    take_step(page, "Step 2")
    expect(page.locator(".pv-legend")).to_contain_text("80 % of the attention on the region")


@pytest.mark.long
def test_the_newest_step_glows_while_typing_and_panning_go_on(viewer: ViewerPage) -> None:
    page = viewer.page
    page.evaluate(
        """() => {
          window.longest = 0;
          new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => {
            window.longest = Math.max(window.longest, duration);
          })).observe({ type: "longtask" });
        }"""
    )
    ask(page, "Go slowly")
    page.wait_for_function(f"{GLOW}?.title === 'Step 1' && {GLOW}.verdict === 'localised'")
    before = viewer.view()
    rounds = [busy(viewer) for _ in range(3)]
    assert page.evaluate(STORE.format("reading") + ".state") == "running"
    assert viewer.view().x > before.x
    expect(page.get_by_label("Question", exact=True)).to_have_value("Go slowly" + "And this?" * 3)
    # ms without an answer to the hand; what else the machine does falls on one round or another
    assert min(rounds) < 250
    page.keyboard.press("s")
    wait_state(page, "done")


def busy(viewer: ViewerPage) -> float:
    """Type and pan while the page streams: the longest that it did nothing else, ms."""
    page = viewer.page
    page.evaluate("window.longest = 0")
    page.keyboard.press("a")
    page.keyboard.press("End")
    page.keyboard.type("And this?")
    page.keyboard.press("Escape")
    page.get_by_role("application").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    viewer.settle()
    return float(page.evaluate("window.longest"))
