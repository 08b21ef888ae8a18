"""The corpus in a folder of the running application."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image, ImageOps

from pathviewer.settings import Settings
from tests.corpus.odd_slide import OddSlide, Served
from tests.servers import running
from tests.slide_files import Pixels

_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Site:
    """A server with every odd slide in one library."""

    client: httpx.Client
    """At its base address; nobody has to log in."""

    folder: Path
    """The slide folder."""

    written: dict[str, Sequence[Pixels]]
    """What is to be seen of each odd slide, level by level."""

    readings: dict[str, str] = field(default_factory=dict)
    """Readings that were judged, by the id of their slide."""

    def json(self, path: str) -> Any:
        """What a route answers."""
        return self.client.get(path).raise_for_status().json()

    def ids(self) -> dict[str, str]:
        """Ids of the listed slides by name."""
        return {slide["name"]: slide["id"] for slide in self.json("/api/slides")}

    def rejected(self) -> dict[str, str]:
        """Sentences about the files that cannot be shown, by name."""
        return {one["name"]: one["reason"] for one in self.json("/api/slides/rejected")}

    def tile(self, slide: str, level: int, column: int, row: int) -> Pixels:
        """(height, width, 3) RGB of a tile as a browser decodes it, turned if it asks for that."""
        answer = self.client.get(f"/api/slides/{slide}/tiles/{level}/{column}/{row}")
        assert answer.status_code == 200, answer.text
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(answer.content)))
        return np.asarray(image.convert("RGB"))

    def picture(self, path: str) -> Pixels:
        """(height, width, 3) RGB of a picture."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


@contextmanager
def corpus_site(odd_slides: Sequence[OddSlide], folder: Path, state: Path) -> Iterator[Site]:
    """Write the odd slides into a folder, serve it, and wait until each is listed or rejected."""
    folder.mkdir()
    written = {odd.name: odd.write(folder / odd.name.removesuffix("-0.dcm")) for odd in odd_slides}
    script = state / "script.toml"
    script.write_text('[[answer]]\ntexts = ["<think>Step 1: Pink.</think><answer>Pink</answer>"]\n')
    model = f"scripted:{script}"
    settings = Settings(data=state, slides=(folder,), model=model, show_file_names=True)
    with running(settings) as base:
        headers = {"Origin": base}
        with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            site = Site(client, folder, written)
            names = {odd.name for odd in odd_slides}
            eventually(lambda: names <= site.ids().keys() | site.rejected().keys())
            yield site


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait until something holds; whether it does."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)
    return condition()


def served(odd_slides: Sequence[OddSlide]) -> list[OddSlide]:
    """Those that are shown."""
    return [odd for odd in odd_slides if isinstance(odd.expected, Served)]


def worst_block(drawn: Pixels, expected: Pixels, side: int = 8) -> float:
    """Largest difference between the means of the same block of two pictures of one size."""
    assert drawn.shape == expected.shape
    blocks = [
        np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(side), np.int16)
        for pixels in (drawn, expected)
    ]
    return float(np.abs(blocks[0] - blocks[1]).max())
