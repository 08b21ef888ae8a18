"""Hostile slides in a folder of the running program: everything else goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from pathviewer.bench.startup import free_port
from pathviewer.commands.doctor import slide_readers, slides_that_ended_readers
from pathviewer.settings import Settings
from pathviewer.slides.readers.landlock import TCP_VERSION, landlock_version
from tests import hostile_slides, slide_files
from tests.servers import running

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 6.0
"""So long that a busy machine is not taken for a slide that never ends."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A folder with two hostile slides, one that only looks so, and a sound one."""
    folder = tmp_path / "slides"
    folder.mkdir()
    hostile_slides.write_crash(folder / "crash.tif")
    hostile_slides.write_endless(folder / "endless.svslide")
    hostile_slides.write_fan(folder / "fan.tif")
    slide_files.write_aperio_jpeg2000(folder / "sound.svs", 1000, 1000)
    return Settings(
        data=tmp_path / "data", slides=(folder,), show_file_names=True, reader_seconds=SECONDS
    )


@pytest.fixture
def base(settings: Settings) -> Iterator[str]:
    with running(settings) as base:
        yield base


def listed(base: str) -> dict[str, str]:
    """Ids by name."""
    return {slide["name"]: slide["id"] for slide in httpx.get(f"{base}/api/slides").json()}


def rejected(base: str) -> dict[str, str]:
    """Reasons by name."""
    return {one["name"]: one["reason"] for one in httpx.get(f"{base}/api/slides/rejected").json()}


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_the_rest_of_the_folder_is_listed_while_a_file_is_never_done_being_opened(
    base: str, settings: Settings
) -> None:
    assert eventually(lambda: set(listed(base)) == {"crash.tif", "fan.tif", "sound.svs"})
    assert "endless.svslide" not in rejected(base)  # a reader is still at it
    slide = listed(base)["sound.svs"]
    assert httpx.get(f"{base}/api/slides/{slide}/tiles/0/0/0").status_code == 200
    assert eventually(lambda: "takes too long" in rejected(base).get("endless.svslide", ""))


def test_a_slide_that_ends_its_reader_is_refused_and_the_others_are_served(
    base: str, settings: Settings
) -> None:
    assert eventually(lambda: len(listed(base)) == 3)
    ids = listed(base)
    crash = f"{base}/api/slides/{ids['crash.tif']}"
    paths = ["tiles/0/0/0", "thumbnail", "region?x=0&y=0&width=9&height=9", "tiles/0/0/0"]
    sound = f"{base}/api/slides/{ids['sound.svs']}/tiles/0/1/1"
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda path: httpx.get(f"{crash}/{path}"), paths * 4))
        tiles = list(threads.map(httpx.get, [sound] * 8))
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {
        (422, "slide_ended_reader")
    }
    assert all(str(settings.data.parent) not in answer.text for answer in answers)
    assert {answer.status_code for answer in tiles} == {200}
    assert httpx.get(f"{base}/api/slides/{ids['fan.tif']}/tiles/0/0/0").status_code == 200
    assert httpx.get(f"{base}/api/health").status_code == 200


@pytest.mark.long
def test_it_is_refused_after_a_restart_too_and_named(settings: Settings) -> None:
    with running(settings) as base:
        assert eventually(lambda: "crash.tif" in listed(base))
        httpx.get(f"{base}/api/slides/{listed(base)['crash.tif']}/thumbnail")
        assert eventually(lambda: "endless.svslide" in rejected(base))
    with running(settings) as base:
        assert eventually(lambda: {"crash.tif", "endless.svslide"} <= set(rejected(base)))
        assert 'slide_readers{kind="ended"} 0.0' in httpx.get(f"{base}/api/metrics").text
        assert "ended the program's slide reader" in rejected(base)["crash.tif"]
        assert set(listed(base)) == {"fan.tif", "sound.svs"}
    sentences = " ".join(check.sentence for check in slides_that_ended_readers(settings))
    assert "crash.tif ended its reader" in sentences
    assert "endless.svslide took too long" in sentences


@pytest.mark.long
def test_an_upload_that_occupies_its_reader_is_refused_and_holds_up_nobody(
    base: str, tmp_path: Path
) -> None:
    assert eventually(lambda: "sound.svs" in listed(base))
    slide = f"{base}/api/slides/{listed(base)['sound.svs']}"
    headers = {"Origin": base}
    content = hostile_slides.write_endless(tmp_path / "upload.svslide").read_bytes()

    def upload(number: int) -> httpx.Response:
        # each of another content, so that none is known from another
        with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
            body = content + bytes(4096 * (number + 1))
            begun = client.post("/api/uploads", json={"name": "a.svslide", "size": len(body)})
            address = f"/api/uploads/{begun.json()['upload_id']}"
            return client.patch(address, content=body, headers={"Upload-Offset": "0"})

    with ThreadPoolExecutor(6) as threads:
        uploads = [threads.submit(upload, number) for number in range(4)]
        for number in range(10):
            answer = httpx.get(f"{slide}/tiles/0/{number % 4}/{number % 3}")
            assert answer.status_code == 200
            assert httpx.get(f"{base}/api/slides").status_code == 200
        assert not all(upload.done() for upload in uploads)
        answers = [upload.result() for upload in uploads]
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {
        (422, "slide_ended_reader")
    }


@pytest.mark.long
@pytest.mark.parametrize("names", [True, False])
def test_an_upload_that_ended_its_reader_is_rejected_by_its_own_name_after_a_restart(
    settings: Settings, tmp_path: Path, names: bool
) -> None:
    settings = settings.model_copy(update={"slides": (), "show_file_names": names})
    content = hostile_slides.write_crash(tmp_path / "a.tif").read_bytes()
    with running(settings) as base, httpx.Client(base_url=base, timeout=60) as client:
        client.headers["Origin"] = base
        begun = client.post("/api/uploads", json={"name": "biopsy.tif", "size": len(content)})
        address = f"/api/uploads/{begun.json()['upload_id']}"
        added = client.patch(address, content=content, headers={"Upload-Offset": "0"})
        slide = added.raise_for_status().json()["slide_id"]
        shown = client.get(f"/api/slides/{slide}/thumbnail")
        assert (shown.status_code, code_of(shown)) == (422, "slide_ended_reader")
    with running(settings) as base:
        assert eventually(lambda: rejected(base) != {})
        ((name, reason),) = rejected(base).items()
    assert (name == "biopsy.tif", "biopsy.tif" in reason) == (names, names)
    assert begun.json()["upload_id"] not in name + reason


def test_doctor_says_what_holds_readers(settings: Settings) -> None:
    (check,) = slide_readers(settings)
    assert check.verdict in {"ok", "note"}
    assert "4 processes read slides, each with at most 2048 MiB and 6 s per call" in check.sentence
    assert "Landlock" in check.sentence
    assert "connect to nothing" not in check.sentence, "it restricts TCP only"
    if landlock_version() >= TCP_VERSION:
        assert "open no TCP connection" in check.sentence


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_no_reader_outlives_the_program(
    settings: Settings, state: Path, tmp_path: Path, end: signal.Signals
) -> None:
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), "--data", str(state)]
    command += ["--slides", str(settings.slides[0]), "--model", "none"]
    program = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stderr=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        assert eventually(lambda: answers(base) and len(listed(base)) >= 2, 60)
        readers = psutil.Process(program.pid).children(recursive=True)
        assert len(readers) >= settings.readers
        program.send_signal(end)
        program.wait(15)
        _, alive = psutil.wait_procs(readers, 10)
        assert alive == []
    finally:
        program.kill()
        program.wait()


def answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/api/health").status_code == 200
    except httpx.TransportError:
        return False
