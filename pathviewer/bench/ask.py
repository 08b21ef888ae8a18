"""`bench ask`: time from asking to the first word, over HTTP and on the screen, and the cost of
idle streams.

Everything runs as in production: `python app.py` in one process, the model in another, questions
stored on disk, attention captured. Only the idle streams listen to a script that waits.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.registry import DEFAULT_MODEL
from pathviewer.bench.load import LoadError
from pathviewer.bench.model_commands import JsonOption, report, sentences

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Page

QUESTION = "How cellular is this region?"
OPTIONS = ("low", "moderate", "high")
BOX = {"x": 1000, "y": 700, "width": 896, "height": 896}
WAIT_SECONDS = 60.0
FIRST_WORD_SECONDS = 1.2
"""Aim of the first text and the first word, s."""
ROWS = {
    "first_event_s": "POST to the first text on the stream, s (aim 1.2)",
    "first_event_limit_ratio": "the same over its aim (aim 1)",
    "first_screen_s": "Ask to the first word on the screen, s (aim 1.2)",
    "first_question_s": "the same for the first question after the start, s",
    "answer_s": "POST to the complete answer, s",
    "maps_s": "POST to the attention maps of every step, s",
    "rounds": "rounds (values are medians)",
    "streams": "open streams of one question that waits",
    "idle_percent": "processor time of the server without them, % of one core",
    "streams_percent": "processor time that they add, % of one core (aim 2)",
    "streams_limit_ratio": "the same over its aim (aim 1)",
}
PRESS_ASK = """async () => {
  const store = window.PathViewer.store;
  const before = store.get("reading")?.id;
  const words = ".pv-step .pv-passage, .pv-answer .pv-passage";
  const legible = (one) => one.checkVisibility() && one.textContent.trim();
  const shown = () => store.get("reading")?.id !== before
    && [...document.querySelectorAll(words)].some(legible);
  const ask = [...document.querySelectorAll("button")].find((one) => one.textContent === "Ask");
  const began = performance.now();
  ask.click();
  return new Promise((done) => {
    const passed = () => (performance.now() - began) / 1000;
    const end = () => done(passed());
    const look = () => requestAnimationFrame(shown() || passed() > 60 ? end : look);
    look();
  });
}"""


@dataclass(frozen=True)
class AskFigures:
    """Medians over the rounds, s."""

    first_event_s: float
    """From the POST to the first `text` event."""
    first_event_limit_ratio: float
    """`first_event_s` over FIRST_WORD_SECONDS."""
    first_screen_s: float
    """From a press on Ask to a frame with the first word, of a region asked about before."""
    first_question_s: float
    """From the POST to the first `text` event, for the first question after the start."""
    answer_s: float
    """From the POST to the answer's `ended` event, sent once the answer is stored."""
    maps_s: float
    """From the POST to the exact attention maps."""
    rounds: int
    """Questions of each kind."""


def bench_ask(
    model: Annotated[str, typer.Option(help="Model that answers.")] = DEFAULT_MODEL,
    rounds: Annotated[int, typer.Option(min=1, help="Questions over HTTP and in Chromium.")] = 7,
    streams: Annotated[int, typer.Option(min=1, help="Idle streams.")] = 100,
    seconds: Annotated[float, typer.Option(min=1, help="Time to measure them.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Measure the time from Ask to the first word, over HTTP and in a real browser, and the
    processor time of idle streams."""
    with sentences():
        from pathviewer.bench.idle_streams import measure_idle_streams

        idle = asdict(measure_idle_streams(streams, seconds))
        report(asdict(measure_asking(model, rounds)) | idle, ROWS, as_json)


def measure_asking(model: str, rounds: int) -> AskFigures:
    """Measure over HTTP and on the screen.

    Raises LoadError if the program or its model does not start, or if no text arrives.
    """
    import httpx
    from playwright.sync_api import sync_playwright

    from pathviewer.bench.chromium import launch_chromium
    from pathviewer.bench.startup import measure_startup, program_in
    from pathviewer.slides.phantom import write_phantom

    with tempfile.TemporaryDirectory(prefix="bench-ask-") as made:
        folder = Path(made)
        (folder / "slides").mkdir()
        write_phantom(folder / "slides" / "a.tiff", width=3000, height=2200, seed=7)
        with program_in(folder, model) as program:
            measure_startup(program.program, program.base, program.began)
            headers = {"Origin": program.base}
            with httpx.Client(base_url=program.base, headers=headers, timeout=60) as client:
                http_seconds = [_over_http(client, seed) for seed in range(rounds + 1)]
                slide = _slide(client)
            with sync_playwright() as playwright:
                browser = launch_chromium(playwright)
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                screen_seconds = list(_on_screen(page, program.base, slide, rounds))
                browser.close()
    return _figures(http_seconds, screen_seconds)


def _figures(http_seconds: list[dict[str, float]], screen_seconds: list[float]) -> AskFigures:
    def middle(kind: str) -> float:
        return round(statistics.median(times[kind] for times in http_seconds[1:]), 3)

    return AskFigures(
        first_event_s=middle("text"),
        first_event_limit_ratio=round(middle("text") / FIRST_WORD_SECONDS, 3),
        first_screen_s=round(statistics.median(screen_seconds), 3),
        first_question_s=round(http_seconds[0]["text"], 3),
        answer_s=middle("ended"),
        maps_s=middle("maps"),
        rounds=len(screen_seconds),
    )


def _over_http(client: httpx.Client, seed: int) -> dict[str, float]:
    """Return the seconds from the POST to the first event of each type."""
    box = BOX | {"x": BOX["x"] + seed}  # a picture that is new to the model
    body: dict[str, Any] = {"slide": _slide(client), "box": box, "question": QUESTION}
    body |= {"options": OPTIONS, "sampling": {"temperature": 0.0, "seed": seed}}
    began = time.perf_counter()
    question_id = client.post("/api/readings", json=body).raise_for_status().json()["id"]
    seconds: dict[str, float] = {}
    with client.stream("GET", f"/api/readings/{question_id}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                event = json.loads(line[5:])
                seconds.setdefault(event["type"], time.perf_counter() - began)
                if event["type"] == "failed":
                    raise LoadError(f"The question failed: {event['message']}")
    if not {"text", "ended", "maps"} <= seconds.keys():
        raise LoadError(f"The answer lacks {sorted({'text', 'maps'} - seconds.keys())}.")
    return seconds


def _on_screen(page: Page, base: str, slide: str, rounds: int) -> Iterator[float]:
    """Yield the seconds from a press on Ask to the first word on the screen, by the page's
    clock."""
    roi = ",".join(str(side) for side in BOX.values())
    page.goto(f"{base}/?slide={slide}&roi={roi}")
    page.get_by_label("Question", exact=True).fill(QUESTION)
    page.get_by_label("Options").fill("\n".join(OPTIONS))
    page.wait_for_function(
        "[...document.querySelectorAll('button')].some("
        "(one) => one.textContent === 'Ask' && !one.disabled)"
    )
    page.wait_for_load_state("networkidle")
    for turn in range(rounds):
        page.wait_for_timeout(500)  # the slide is drawn and the previous answer has ended
        seconds = float(page.evaluate(PRESS_ASK))
        if seconds > WAIT_SECONDS:
            raise LoadError("No word appeared on the screen within a minute.")
        sys.stderr.write(f"round {turn + 1}: {seconds:.3f} s to the first word on the screen\n")
        page.wait_for_function(
            "['done', 'failed'].includes(window.PathViewer.store.get('reading')?.state)"
        )
        yield seconds


def _slide(client: httpx.Client) -> str:
    slides = client.get("/api/slides").raise_for_status().json()
    if not slides:
        raise LoadError("The application lists no slide.")
    return str(slides[0]["id"])
