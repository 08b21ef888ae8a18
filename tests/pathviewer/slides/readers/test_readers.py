"""A file that ends its reader ends nothing else, and is not opened twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from pathviewer.settings import Settings
from pathviewer.slides.errors import (
    ReadersBusy,
    RegionTooSlow,
    SlideEndedReader,
    SlideGone,
    SlideTooLarge,
    SlideUnopenable,
)
from pathviewer.slides.geometry import Region
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.fault_log import FileFaults
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.slide_pool import SlideFile, SlidePool
from tests import hostile_slides, raw_tiff, slide_files

SECONDS = 6.0
"""So long that a busy machine is not taken for a slide that never ends."""


def sleep(seconds: float) -> str:
    """A call that takes long; readers import it by its name."""
    time.sleep(seconds)
    return "slept"


def shut_out() -> None:
    """A call about a file that this reader may not read."""
    raise tasks.ReaderShutOut


def fail() -> None:
    """A call that fails as nobody foresaw."""
    raise ZeroDivisionError


def remembered(settings: Settings) -> FileFaults:
    """What is stored of faults, once there is something."""
    until = time.monotonic() + 60
    while not FileFaults(settings.reader_faults).list() and time.monotonic() < until:
        time.sleep(0.05)
    return FileFaults(settings.reader_faults)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", readers=4, reader_seconds=SECONDS)


@pytest.fixture
def readers(settings: Settings) -> Iterator[ReaderPool]:
    readers = ReaderPool(settings, faults=FileFaults(settings.reader_faults))
    yield readers
    readers.close()


def pool_of(settings: Settings, readers: ReaderPool) -> SlidePool:
    return SlidePool(lambda name: SlideFile(name, Path(name), "Slide 1"), settings, readers)


def submit(readers: ReaderPool, seconds: float, requester: str, urgency: Urgency) -> Future[Any]:
    return readers.submit(urgency, requester, Path("x"), "x", sleep, seconds)


def test_what_a_file_states(readers: ReaderPool, cmu: Path, tmp_path: Path) -> None:
    assert readers.facts(cmu, "CMU-1").width == 2220
    (tmp_path / "text.svs").write_text("not a slide")
    with pytest.raises(SlideUnopenable, match="Slide 1 is not a slide"):
        readers.facts(tmp_path / "text.svs", "Slide 1")
    with pytest.raises(SlideGone, match="Slide 2"):
        readers.facts(tmp_path / "none.svs", "Slide 2")


def test_a_file_that_crashes_its_reader_is_remembered(
    settings: Settings, readers: ReaderPool, tmp_path: Path, cmu: Path
) -> None:
    path = hostile_slides.write_crash(tmp_path / "crash.tif")
    pool = pool_of(settings, readers)
    slide = pool.get(str(path))
    with pytest.raises(SlideEndedReader, match=r"Slide 1 is damaged .* ended .* reader"):
        slide.read_region(Region(0, 0, 64, 64), 4096)
    ended = readers.readers_ended
    assert ended == 2
    with pytest.raises(SlideEndedReader):
        slide.read_region(Region(0, 0, 64, 64), 4096)
    assert readers.readers_ended == ended
    assert readers.facts(cmu, "CMU-1").height == 2967

    copy = tmp_path / "another name.tif"
    copy.write_bytes(path.read_bytes())
    again = ReaderPool(settings, faults=remembered(settings))
    with pytest.raises(SlideEndedReader, match="Slide 2"):
        again.facts(copy, "Slide 2")
    copy.write_bytes(path.read_bytes() + b"\0")
    assert again.facts(copy, "Slide 2").width == 256
    again.close()
    pool.close()


def test_a_dicom_with_a_false_offset_table_ends_its_reader_alone(
    settings: Settings, readers: ReaderPool, tmp_path: Path, cmu: Path
) -> None:
    path = hostile_slides.write_false_offset_table(tmp_path / "series" / "a.dcm")
    pool = pool_of(settings, readers)
    slide = pool.get(str(path))
    assert (slide.width, slide.height) == (512, 512)
    assert slide.read_region(Region(0, 0, 64, 64), 4096).size == (64, 64)
    with pytest.raises(SlideEndedReader, match=r"Slide 1 is damaged .* ended .* reader"):
        slide.read_region(Region(0, 256, 64, 64), 4096)
    assert readers.readers_ended > 0
    assert readers.facts(cmu, "CMU-1").width == 2220
    assert remembered(settings).find_barring_fault(path) is not None
    pool.close()


@pytest.mark.long
def test_a_file_that_takes_for_ever_is_given_up_and_tried_again_later(
    settings: Settings, readers: ReaderPool, tmp_path: Path, cmu: Path
) -> None:
    path = hostile_slides.write_endless(tmp_path / "endless.svslide")
    opening: Future[Any] = Future()

    def open_it() -> None:
        with pytest.raises(SlideEndedReader, match="takes too long to read"):
            readers.facts(path, "Slide 1")
        opening.set_result(None)

    threading.Thread(target=open_it, daemon=True).start()
    assert readers.facts(cmu, "CMU-1").width == 2220
    assert not opening.done()
    opening.result(60)

    remembered(settings)
    now = time.time()
    faults = FileFaults(settings.reader_faults, clock=lambda: now)
    assert faults.find_barring_fault(path) is not None
    now += 599
    assert faults.find_barring_fault(path) is not None
    now += 2
    assert faults.find_barring_fault(path) is None


def test_sub_pages_that_fan_out_are_each_looked_at_once(
    settings: Settings, readers: ReaderPool, tmp_path: Path
) -> None:
    path = hostile_slides.write_fan(tmp_path / "fan.tif")
    pool = pool_of(settings, readers)
    assert pool.get(str(path)).read_region(Region(0, 0, 9, 9), 81).size == (9, 9)
    assert readers.readers_ended == 0
    pool.close()


def test_a_reader_that_somebody_else_ends_is_replaced_and_the_call_made_again(
    readers: ReaderPool, cmu: Path
) -> None:
    waiting = submit(readers, 0.8, "a", Urgency.view)
    victims = [child for child in psutil.Process().children(recursive=True) if is_reader(child)]
    time.sleep(0.2)
    for victim in victims:
        victim.kill()
    assert waiting.result(60) == "slept"
    assert readers.facts(cmu, "CMU-1").width == 2220
    assert readers.faults.list() == []


def is_reader(process: psutil.Process) -> bool:
    """Whether it was forked from the process that has the libraries."""
    return any("forkserver" in word for word in process.cmdline())


@pytest.mark.long
def test_a_region_that_takes_too_long_does_not_bar_its_slide(
    settings: Settings, readers: ReaderPool, tmp_path: Path
) -> None:
    path = raw_tiff.write_vast(tmp_path / "vast.tiff", 60_000, 60_000)
    pool = pool_of(settings, readers)
    slide = pool.get(str(path))
    with pytest.raises(RegionTooSlow, match="choose a smaller one"):
        slide.read_region(Region(0, 0, 60_000, 60_000), 10**6)
    assert readers.readers_ended == 0
    assert slide.read_region(Region(0, 0, 500, 500), 10**6).size == (500, 500)
    pool.close()


def test_more_memory_than_a_reader_may_have(settings: Settings, tmp_path: Path, cmu: Path) -> None:
    small = settings.model_copy(update={"reader_memory_mib": 256})
    readers = ReaderPool(small)
    for _ in range(2):
        with pytest.raises(SlideTooLarge, match="Slide 1 needs more memory"):
            readers.submit(Urgency.view, "", cmu, "Slide 1", bytearray, 2**29).result()
    assert readers.facts(cmu, "CMU-1").width == 2220
    readers.close()


@pytest.fixture
def patient(settings: Settings) -> Iterator[ReaderPool]:
    """Readers that have started, and wait long for a call."""
    readers = ReaderPool(settings.model_copy(update={"reader_seconds": 60.0}))
    submit(readers, 0.0, "first", Urgency.view).result()
    yield readers
    readers.close()


def begun(futures: list[Future[Any]]) -> int:
    return sum(future.running() or future.done() for future in futures)


def test_no_requester_has_all_readers(patient: ReaderPool) -> None:
    greedy = [submit(patient, 5.0, "greedy", Urgency.view) for _ in range(10)]
    assert submit(patient, 0.0, "modest", Urgency.view).result(60) == "slept"
    assert begun(greedy) == 3


def test_one_reader_is_left_for_those_who_look_at_a_slide(patient: ReaderPool) -> None:
    greedy = [submit(patient, 5.0, f"account {n}", Urgency.intake) for n in range(10)]
    assert submit(patient, 0.0, "modest", Urgency.view).result(60) == "slept"
    assert begun(greedy) == 3


def test_requesters_take_turns(settings: Settings) -> None:
    readers = ReaderPool(settings.model_copy(update={"readers": 1}))
    order: list[str] = []

    def note(requester: str, _: Future[Any]) -> None:
        order.append(requester)

    futures = []
    for requester in ["a"] * 5 + ["b"] * 2:
        future = submit(readers, 0.02, requester, Urgency.view)
        future.add_done_callback(partial(note, requester))
        futures.append(future)
    for future in futures:
        future.result(60)
    readers.close()
    assert order == list("aababaa")


def test_a_call_that_is_cancelled_never_begins(settings: Settings) -> None:
    readers = ReaderPool(settings.model_copy(update={"readers": 1}))
    first = submit(readers, 1.0, "a", Urgency.view)
    dropped = [submit(readers, 5.0, "a", Urgency.view) for _ in range(5)]
    assert all(future.cancel() for future in dropped)
    assert not first.cancel()
    assert submit(readers, 0.0, "a", Urgency.view).result(60) == "slept"
    assert readers.calls_begun == 2
    readers.close()


def test_closing_fails_what_waits(settings: Settings) -> None:
    readers = ReaderPool(settings.model_copy(update={"readers": 1}))
    waiting = [submit(readers, 5.0, "a", Urgency.view) for _ in range(3)]
    time.sleep(0.3)
    began = time.monotonic()
    readers.close()
    assert time.monotonic() - began < 3
    for future in waiting:
        with pytest.raises(ReadersBusy, match="try again"):
            future.result(1)
    with pytest.raises(ReadersBusy):
        submit(readers, 0.0, "a", Urgency.view).result(1)


def test_a_folder_that_comes_after_the_readers_is_read(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    readers = ReaderPool(settings, folders=(folder,))
    readers.submit(Urgency.view, "", Path("x"), "x", tasks.check_ready).result()
    folder.mkdir()
    path = slide_files.write_ycbcr(folder / "y.tiff")
    assert readers.facts(path, "Slide 1").width == 300
    readers.close()


def test_a_file_that_the_program_may_not_read_starts_no_other_readers(
    readers: ReaderPool, tmp_path: Path
) -> None:
    call = readers.submit(Urgency.view, "", tmp_path / "none", "Slide 1", shut_out)
    with pytest.raises(SlideUnopenable, match="Slide 1 cannot be read: let the program's account"):
        call.result()
    assert readers.calls_begun == 1


def test_what_nobody_foresaw_is_a_sentence_and_in_the_log(
    readers: ReaderPool, caplog: pytest.LogCaptureFixture
) -> None:
    call = readers.submit(Urgency.view, "", Path("x"), "Slide 1", fail)
    with pytest.raises(SlideUnopenable, match="Slide 1 cannot be read: its reader failed"):
        call.result()
    assert "ZeroDivisionError" in caplog.text


def test_a_large_file_is_barred_by_all_of_its_content(tmp_path: Path) -> None:
    size = 8 * 2**20
    faults, bad, good = FileFaults(None), tmp_path / "bad.svs", tmp_path / "good.svs"
    bad.write_bytes(bytes(size))
    faults.remember(bad, "ended")
    content = bytearray(size)
    content[100_000] = 1  # between the blocks of the sample
    good.write_bytes(content)
    assert faults.find_barring_fault(bad) is not None
    assert faults.find_barring_fault(good) is None
    (tmp_path / "copy.svs").write_bytes(bytes(size))
    assert faults.find_barring_fault(tmp_path / "copy.svs") is not None


def test_more_memory_gives_a_file_another_chance(tmp_path: Path, cmu: Path) -> None:
    FileFaults(tmp_path / "faults.json", 1024).remember(cmu, "ended")
    assert FileFaults(tmp_path / "faults.json", 1024).find_barring_fault(cmu) is not None
    assert FileFaults(tmp_path / "faults.json", 2048).find_barring_fault(cmu) is None


def test_damaged_memory_of_faults_is_none(tmp_path: Path, cmu: Path) -> None:
    for text in ("", "{", "[1]", '[{"fingerprint": 1}]', '{"a": 1}'):
        (tmp_path / "faults.json").write_text(text)
        faults = FileFaults(tmp_path / "faults.json")
        assert faults.list() == []
        assert faults.find_barring_fault(cmu) is None


@pytest.mark.parametrize("reason", ["ended", "slow"])
def test_faults_count_and_survive(tmp_path: Path, cmu: Path, reason: str) -> None:
    faults = FileFaults(tmp_path / "state" / "faults.json")
    for _ in range(3):
        faults.remember(cmu, reason)
    stored = FileFaults(tmp_path / "state" / "faults.json").list()
    assert [(fault.reason, fault.count, fault.path) for fault in stored] == [(reason, 3, str(cmu))]
    assert (tmp_path / "state" / "faults.json").stat().st_mode & 0o077 == 0
