"""Damaged slides: what is written is damaged and repeatable, and a server outlives hundreds."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.commands.fuzz import app
from pathviewer.fuzz.damage import damage_copy, structure
from pathviewer.fuzz.slide_fuzz import SlideFuzzReport, damaged_copies, fuzz_slides
from pathviewer.fuzz.slide_seeds import make_seeds, read_seeds
from pathviewer.slides.slide import Slide
from tests.commands import called

pytestmark = pytest.mark.long

FORMATS = {
    "dicom-grey": "dicom",
    "dicom-jpeg": "dicom",
    "dicom-jpeg2000": "dicom",
    "ome": "generic-tiff",
    "ome-grey": "generic-tiff",
    "strips": "generic-tiff",
    "svs": "aperio",
    "svs-jpeg2000": "aperio",
    "tiff-deflate": "generic-tiff",
    "tiff-jpeg": "generic-tiff",
    "tiff-jpeg2000": "generic-tiff",
    "tiff-webp": "generic-tiff",
    "trestle": "trestle",
}


def test_every_seed_is_a_sound_slide_of_its_format(tmp_path: Path) -> None:
    vendors = {}
    for seed in make_seeds():
        folder = tmp_path / seed.name
        folder.mkdir()
        path = folder / f"a{seed.suffix}"
        path.write_bytes(seed.copy(Random(1)))
        slide = Slide(path, path.name)
        vendors[seed.name] = slide.vendor
        slide.close()
    assert vendors == FORMATS


def test_every_seed_is_in_the_benchmarks() -> None:
    page = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text()
    section = page.split("## Damaged slides\n")[1].split("\n## ")[0]
    seeds = make_seeds()
    assert f"damages {len(seeds)} small sound slides" in section
    assert [seed.name for seed in seeds if f"`{seed.name}`" not in section] == []


def test_copies_of_a_dicom_seed_are_series_of_their_own() -> None:
    (seed,) = [seed for seed in make_seeds() if seed.name == "dicom-jpeg"]
    source = Random(1)
    one, other = seed.copy(source), seed.copy(source)
    assert one != other
    assert seed.series not in one
    assert len(one) == len(seed.content)


def test_the_same_seed_gives_the_same_copies() -> None:
    seeds = make_seeds()
    first, again, other = (list(damaged_copies(seeds, 2, seed)) for seed in (1, 1, 2))
    assert first == again
    assert [copy.name for copy in first[:2]] == ["dicom-grey-00000", "dicom-jpeg-00000"]
    assert [copy.content for copy in first] != [copy.content for copy in other]


@given(content=st.binary(max_size=300), seed=st.integers(0, 2**32))
def test_any_bytes_can_be_damaged(content: bytes, seed: int) -> None:
    assert damage_copy(content, Random(seed)) == damage_copy(content, Random(seed))
    for place in structure(content):
        assert 0 <= place.start < place.stop <= len(content)


def test_most_copies_differ_from_their_seed() -> None:
    for seed in make_seeds():
        changed = [
            damage_copy(seed.content, Random(number)) != seed.content for number in range(50)
        ]
        assert sum(changed) >= 45, seed.name


def test_a_server_outlives_damaged_slides(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(state))
    report = fuzz_slides(40, seed=3)
    assert report.faults() == [], report.examples
    assert report.copies == 40 * len(FORMATS)
    assert report.listed + report.rejected == report.copies
    assert report.listed > report.rejected > 0
    assert report.statuses["region"].keys() >= {200, 422}


def test_a_fault_is_named() -> None:
    report = SlideFuzzReport(copies=3, server_deaths=1, leaked_paths=2)
    assert report.faults() == [
        "1 times the web process ended.",
        "2 responses contained a folder of the server.",
    ]
    assert "1 times the web process ended." in report.sentence()
    assert report.as_dict()["server_deaths"] == 1


def test_a_folder_without_slides_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no slide")
    assert read_seeds(tmp_path) == []
    done = called(app, "slides", "--seeds", tmp_path)
    assert (done.code, done.by_sentence) == (1, True)
    assert "The folder has no single-file slide" in done.told
