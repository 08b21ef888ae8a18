"""`bench viewer`: seven zooms in a real browser, our tiles against DeepZoomGenerator's.

All use the canvas drawer, since headless browsers draw WebGL without a graphics card.
"""

from __future__ import annotations

import io
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from openslide import OpenSlide
from PIL import Image

from pathviewer.bench.chromium import launch_chromium
from pathviewer.bench.load import LoadError
from pathviewer.bench.tiles_servers import serve_app
from pathviewer.bench.tiles_slides import large_phantom, shelve
from pathviewer.bench.viewer_server import beside_app
from pathviewer.settings import Settings, read_settings
from pathviewer.ui.assets import ensure_assets

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Browser

KINDS = ("ours", "peer", "tuned")
ROUNDS = 5
WIDTH, HEIGHT = 1280, 800
_NAVIGATOR_SHARE = 0.25
WEBGL = ("webgl",)
_BLOCK = 16
_LARGEST_DIFFERENCE = 32.0
"""Of 255, between a block's mean colour in the browser and in OpenSlide's pixels of the view."""


@dataclass(frozen=True)
class JourneyStop:
    """One stop of the journey."""

    x: float
    """Centre in level-0 pixels."""

    y: float
    """Centre in level-0 pixels."""

    downsample: float
    """Level-0 pixels per screen pixel."""


def bench_viewer(slide: Path | None, json_output: bool, rounds: int = ROUNDS) -> None:
    """Print the medians; raises LoadError if a tile failed or a view is wrong.

    `slide` defaults to a phantom of 40,000 x 30,000 px, created once in the state folder.
    """
    settings = read_settings()
    folder = settings.data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = (slide or large_phantom(folder)).resolve()
    times = _measure(path, settings, rounds)
    medians = {kind: statistics.median(times[kind]) for kind in KINDS}
    report = {
        "seconds": round(medians["ours"], 3),
        "peer_seconds": round(medians["peer"], 3),
        "peer_tuned_seconds": round(medians["tuned"], 3),
        "peer_ratio": round(medians["peer"] / medians["ours"], 2),
    }
    sys.stdout.write((json.dumps(report) if json_output else _table(report, times)) + "\n")


def journey(width: int, height: int) -> list[JourneyStop]:
    """Return seven stops from the whole slide to level 0, halving each time, off-centre."""
    fit = max(width / WIDTH, height / HEIGHT)
    x, y = 0.45 * width, 0.55 * height
    steps = (max(1.0, fit / 2**step) for step in range(1, 7))
    return [JourneyStop(width / 2, height / 2, fit), *(JourneyStop(x, y, step) for step in steps)]


def _measure(path: Path, settings: Settings, rounds: int) -> dict[str, list[float]]:
    """Return the seconds per kind and round, alternating between the kinds."""
    from playwright.sync_api import sync_playwright

    ensure_assets(settings.assets)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="bench-viewer-", dir=settings.data) as name:
        data = Path(name) / "data"
        shutil.copytree(settings.assets, data / "assets")
        shelved = shelve(path, Path(name) / "slides")
        with (
            serve_app(beside_app, data, shelved.parent, shelved) as server,
            sync_playwright() as playwright,
        ):
            browser = launch_chromium(playwright)
            _travel(browser, server.base, "ours", path, WEBGL)  # the page's drawer, untimed
            for turn in range(rounds):
                for kind in KINDS[turn % 3 :] + KINDS[: turn % 3]:
                    times[kind].append(_travel(browser, server.base, kind, path))
                    sys.stderr.write(f"round {turn + 1} {kind} {times[kind][-1]:.2f} s\n")
            browser.close()
    return times


def _travel(
    browser: Browser, base: str, kind: str, path: Path, drawer: tuple[str, ...] | None = None
) -> float:
    """Run one journey in a fresh context without caches; return its seconds."""
    slide = _listed_slide(base)
    views = journey(slide["width"], slide["height"])
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    try:
        page.goto(f"{base}/bench/page")
        page.wait_for_function("() => Boolean(window.visit)")
        arguments = [kind, slide, drawer]
        seconds = float(page.evaluate("([k, s, d]) => window.begin(k, s, d)", arguments))
        for view in views:
            seconds += float(page.evaluate("view => window.visit(view)", vars(view)))
            compare(page.screenshot(), path, view, kind)
        failed = page.evaluate("window.failed")
        if failed:
            raise LoadError(f"{failed} tiles of {kind} could not be loaded.")
    finally:
        context.close()
    return seconds


def _listed_slide(base: str) -> dict[str, Any]:
    slides = httpx.get(f"{base}/api/slides", timeout=60).raise_for_status().json()
    if not slides:
        raise LoadError("The application lists no slide.")
    answer = httpx.get(f"{base}/api/slides/{slides[0]['id']}", timeout=60)
    detail: dict[str, Any] = answer.raise_for_status().json()
    return detail


def compare(screenshot: bytes, path: Path, view: JourneyStop, kind: str) -> None:
    """Raise LoadError if a block of the view differs from OpenSlide's pixels."""
    screen_blocks = _blocks(Image.open(io.BytesIO(screenshot)).convert("RGB"))
    with OpenSlide(path) as slide:
        expected, inside = _blocks(_reference_image(slide, view)), _inside(view, slide.dimensions)
    difference = np.abs(screen_blocks - expected).max(axis=2) * inside
    worst = float(difference.max())
    if worst > _LARGEST_DIFFERENCE:
        row, column = np.unravel_index(difference.argmax(), difference.shape)
        raise LoadError(
            f"The view of {kind} at downsample {view.downsample:g} differs from the slide by "
            f"{worst:.0f} of 255 at screen pixel {column * _BLOCK}, {row * _BLOCK}."
        )


def _reference_image(slide: OpenSlide, view: JourneyStop) -> Image.Image:
    """Return OpenSlide's pixels of a view, reduced from the next finer level."""
    level = slide.get_best_level_for_downsample(view.downsample)
    scale = view.downsample / slide.level_downsamples[level]
    corner = (
        round(view.x - WIDTH * view.downsample / 2),
        round(view.y - HEIGHT * view.downsample / 2),
    )
    size = (max(1, round(WIDTH * scale)), max(1, round(HEIGHT * scale)))
    return slide.read_region(corner, level, size).convert("RGB").resize((WIDTH, HEIGHT))


def _blocks(image: Image.Image) -> NDArray[np.float64]:
    """Return mean colours of blocks of 16 x 16 screen pixels as (rows, columns, 3)."""
    pixels = np.asarray(image, dtype=np.float64)
    shape = (HEIGHT // _BLOCK, _BLOCK, WIDTH // _BLOCK, _BLOCK, 3)
    means: NDArray[np.float64] = pixels.reshape(shape).mean(axis=(1, 3))
    return means


def _inside(view: JourneyStop, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which blocks lie fully on the slide and not under the minimap, (rows, columns)."""

    def within(count: int, centre: float, limit: int) -> NDArray[np.bool_]:
        edges = (np.arange(count + 1) - count / 2) * _BLOCK * view.downsample + centre
        margin = 2 * view.downsample
        on_slide: NDArray[np.bool_] = (edges[:-1] >= margin) & (edges[1:] <= limit - margin)
        return on_slide

    rows, columns = HEIGHT // _BLOCK, WIDTH // _BLOCK
    inside = np.outer(within(rows, view.y, size[1]), within(columns, view.x, size[0]))
    inside[: int(rows * _NAVIGATOR_SHARE), int(columns * (1 - _NAVIGATOR_SHARE)) :] = False
    return inside


def _table(report: dict[str, float], times: dict[str, list[float]]) -> str:
    names = {
        "ours": "this program",
        "peer": "DeepZoomGenerator, OpenSeadragon's defaults",
        "tuned": "DeepZoomGenerator, maxTilesPerFrame 16",
    }
    lines = [f"Seven zooms to a fully loaded view, {len(times['ours'])} rounds, seconds"]
    for kind, name in names.items():
        low, high = min(times[kind]), max(times[kind])
        middle = statistics.median(times[kind])
        lines.append(f"  {name:<46} {middle:6.2f}  ({low:.2f} to {high:.2f})")
    return "\n".join(
        [*lines, f"  {'times faster than the defaults':<46} {report['peer_ratio']:6.2f}"]
    )
