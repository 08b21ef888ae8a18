"""Slides are opened once, closed when idle, and never mistaken for another file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pathviewer.settings import Settings
from pathviewer.slides.errors import SlideGone, SlideNotFound, SlideUnopenable
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from tests import slide_files


class Folder:
    """Finds slides by file name, and counts how often it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked = 0

    def locate(self, slide_id: str) -> SlideFile:
        self.asked += 1
        path = self.path / f"{slide_id}.tiff"
        if not path.exists():
            raise SlideNotFound(f"There is no slide {slide_id}.")
        return SlideFile(slide_id, path, f"Slide {slide_id}")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    slide_files.write_ycbcr(tmp_path / "a.tiff")
    return Folder(tmp_path)


@pytest.fixture
def pool(folder: Folder, tmp_path: Path) -> Iterator[SlidePool]:
    pool = SlidePool(folder.locate, Settings(data=tmp_path, open_slide_seconds=1))
    yield pool
    pool.close()


def open_files() -> list[str]:
    """Files this process holds open."""
    return [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]


def eventually_closed(path: Path) -> bool:
    until = time.monotonic() + 10
    while str(path) in open_files() and time.monotonic() < until:
        time.sleep(0.05)
    return str(path) not in open_files()


def test_a_slide_is_opened_once_for_many(pool: SlidePool, folder: Folder) -> None:
    assert pool.peek("a") is None
    with ThreadPoolExecutor(16) as threads:
        sources = set(threads.map(pool.get, ["a"] * 200))
    assert len(sources) == 1
    assert pool.peek("a") in sources
    assert folder.asked == 1


def test_an_idle_slide_is_closed(pool: SlidePool, folder: Folder) -> None:
    pool.get("a").raw_tile(0, 0, 0)
    path = folder.path / "a.tiff"
    assert str(path) in open_files()
    assert eventually_closed(path)
    assert pool.peek("a") is None


def test_a_slide_in_use_outlives_the_pool(pool: SlidePool, folder: Folder) -> None:
    source = pool.get("a")
    pool.close()
    assert source.raw_tile(0, 0, 0) is not None
    del source
    assert eventually_closed(folder.path / "a.tiff")


def test_a_deleted_slide_goes_on_for_those_who_hold_it(pool: SlidePool, folder: Folder) -> None:
    source = pool.get("a")
    (folder.path / "a.tiff").unlink()
    assert source.raw_tile(0, 0, 0) is not None
    del source
    until = time.monotonic() + 10
    while pool.peek("a") is not None and time.monotonic() < until:
        time.sleep(0.05)
    with pytest.raises(SlideNotFound):
        pool.get("a")


def test_a_replaced_file_is_opened_anew(pool: SlidePool, folder: Folder) -> None:
    assert pool.get("a").levels[0].width == 300
    slide_files.write_ycbcr(folder.path / "new", 200, 100)
    (folder.path / "new").replace(folder.path / "a.tiff")
    until = time.monotonic() + 10
    while pool.get("a").levels[0].width == 300 and time.monotonic() < until:
        time.sleep(0.05)
    assert pool.get("a").levels[0].width == 200


def test_what_cannot_be_opened_is_tried_again(pool: SlidePool, folder: Folder) -> None:
    path = folder.path / "b.tiff"
    path.write_bytes(b"no slide")
    for _ in range(2):
        with pytest.raises(SlideUnopenable, match="Slide b"):
            pool.get("b")
    slide_files.write_ycbcr(path)
    assert pool.get("b").levels[0].width == 300


def test_few_slides_are_open_at_once(folder: Folder, pool: SlidePool) -> None:
    for number in range(70):
        (folder.path / f"s{number}.tiff").hardlink_to(folder.path / "a.tiff")
        pool.get(f"s{number}")
    assert pool.peek("s69") is not None
    assert pool.peek("s0") is None


def test_a_file_that_vanishes_before_it_is_opened(tmp_path: Path) -> None:
    missing = SlideFile("x", tmp_path / "x.svs", "Slide x")
    pool = SlidePool(lambda _: missing, Settings(data=tmp_path))
    with pytest.raises(SlideGone, match="Slide x"):
        pool.get("x")
    pool.close()
