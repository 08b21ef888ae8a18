"""Colours by a slide's profile: what ImageCms gives, by whatever way, and profiles of no use."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image, ImageCms

from pathviewer.slides.colour_profile import MOST_PROFILE_BYTES, SlideColours
from pathviewer.slides.geometry import Region
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_facts import read_facts
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests import slide_files
from tests.icc_profiles import SRGB, lut_profile, matrix_profile, profile, stained
from tests.slide_profiles import (
    colour_cube,
    write_profiled,
    write_profiled_dicom,
    write_profiled_jpeg,
)

PROFILES = {
    "matrix": matrix_profile("Wide"),
    "steep matrix": matrix_profile("Steep", gamma=3.0),
    "linear matrix": matrix_profile("Linear", SRGB, gamma=1.0),
    "table": lut_profile("Scanner", stained),
    "fine table": lut_profile("Scanner", stained, 17),
}


def by_imagecms(pixels: slide_files.Pixels, data: bytes) -> slide_files.Pixels:
    """As openslide-python's documentation does it: to sRGB under the profile's own intent."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(data))
    intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
    corrected = ImageCms.profileToProfile(
        Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"), intent
    )
    return np.asarray(corrected)


@pytest.mark.parametrize("name", PROFILES)
def test_the_table_gives_what_imagecms_gives(name: str) -> None:
    """Over a cube of colours, greys and random ones, far outside sRGB too."""
    cube, colours = colour_cube(), SlideColours(PROFILES[name])
    assert colours.profile.applied
    assert colours.table is not None
    expected = by_imagecms(cube, PROFILES[name]).astype(int)
    assert np.array_equal(np.asarray(colours.correct(Image.fromarray(cube))), expected)
    by_table = colours.table.apply(cube.reshape(-1, 3)).reshape(cube.shape)
    assert np.abs(by_table - expected).max() <= 1
    assert np.abs(cube - expected).max() > 20


def test_regions_and_thumbnails_are_corrected_and_tiles_are_not(tmp_path: Path) -> None:
    pixels, data = slide_files.tissue(512, 512), PROFILES["table"]
    path = write_profiled(tmp_path / "x.tiff", pixels, data)
    slide = Slide(path, "x")
    part = Region(30, 40, 200, 100)
    raw = np.asarray(slide.read_region(part, 20_000, corrected=False))
    assert np.array_equal(raw, pixels[40:140, 30:230])
    corrected = np.asarray(slide.read_region(part, 20_000))
    assert np.array_equal(corrected, by_imagecms(raw, data))
    assert np.abs(corrected.astype(int) - raw).mean() > 3
    assert np.array_equal(slide.read(0, part)[..., 2::-1], raw)


def test_tiles_with_a_profile_are_still_passed_on(tmp_path: Path) -> None:
    path = write_profiled_jpeg(
        tmp_path / "x.tiff", slide_files.tissue(512, 512), PROFILES["matrix"]
    )
    source = TileSource(Slide(path, "x"), 90, TileCache(2**20))
    assert source.tile(0, 1, 1).source == "raw"
    assert b"ICC_PROFILE" not in source.tile(0, 1, 1).jpeg


def test_the_profile_of_a_dicom_series_counts(tmp_path: Path) -> None:
    path = write_profiled_dicom(tmp_path / "s", PROFILES["table"])
    facts = read_facts(path, "x")
    assert facts.colour_profile is not None
    assert facts.colour_profile.sentence == "Scanner, applied"


def test_a_slide_without_a_profile(tmp_path: Path) -> None:
    slide = Slide(slide_files.write_ycbcr(tmp_path / "x.tiff"), "x")
    assert slide.colour_profile is None
    image = Image.new("RGB", (3, 3), "pink")
    assert slide.correct_colours(image) is image


TABLE = PROFILES["table"]
GRID = TABLE.index(b"mft2") + 10
BEYOND = TABLE[:GRID] + b"\xff" + TABLE[GRID + 1 :]
NOISE = np.random.default_rng(5).random((9**3, 3)) * (100, 200, 200) - (0, 100, 100)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is damaged"),
        (TABLE[:100], "it is damaged"),
        (TABLE[:900], "it is damaged"),
        (TABLE[:36] + b"none" + TABLE[40:], "it is damaged"),
        (TABLE[:128] + bytes(len(TABLE) - 128), "it is damaged"),
        (TABLE[:128] + b"\xff" * (len(TABLE) - 128), "it is damaged"),
        (struct.pack(">I", 2**32 - 1) + TABLE[4:], "it is damaged"),
        (BEYOND, "it is damaged"),
        (profile({}), "it is damaged"),
        (profile({}, space=b"GRAY"), "it describes grey pictures; only RGB profiles are applied"),
        (profile({}, space=b"CMYK"), "it describes CMYK pictures; only RGB profiles are applied"),
        (profile({}, kind=b"link"), "it does not describe the colours of a device"),
        (TABLE + bytes(MOST_PROFILE_BYTES), "it is larger than 8 MiB"),
        (
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
            "it is that of sRGB, so colours are right as they are",
        ),
    ],
)
def test_a_profile_of_no_use_is_ignored_with_a_word(data: bytes, reason: str) -> None:
    colours = SlideColours(data)
    assert not colours.profile.applied
    assert colours.profile.reason == reason
    assert colours.profile.sentence.endswith(f"not applied: {reason}")
    assert colours.table is None
    image = Image.fromarray(slide_files.tissue(32, 32))
    assert colours.correct(image) is image


def test_a_wild_table_is_followed_or_ignored() -> None:
    """Colours next to each other that have nothing to do with each other."""
    colours = SlideColours(lut_profile("Noise", lambda _: NOISE))
    cube = colour_cube(17)
    expected = np.asarray(colours.correct(Image.fromarray(cube)))
    if colours.table is not None:
        found = colours.table.apply(cube.reshape(-1, 3)).reshape(cube.shape)
        assert np.abs(found.astype(int) - expected).max() <= 2


def test_a_huge_profile_of_a_file_is_not_read(tmp_path: Path) -> None:
    pixels = slide_files.tissue(256, 256)
    path = write_profiled(tmp_path / "x.tiff", pixels, bytes(MOST_PROFILE_BYTES + 1))
    slide = Slide(path, "x")
    assert slide.colour_profile is not None
    assert slide.colour_profile.reason == "it is larger than 8 MiB"
    assert slide.read_region(Region(0, 0, 9, 9), 81).size == (9, 9)
    assert OpenSlide(path).read_region((0, 0), 0, (9, 9)).size == (9, 9)


def test_a_name_is_tidied() -> None:
    assert SlideColours(matrix_profile("Scanner\n\x01 v1 ")).profile.name == "Scanner v1"
    assert len(SlideColours(matrix_profile("x" * 500)).profile.name) == 100
