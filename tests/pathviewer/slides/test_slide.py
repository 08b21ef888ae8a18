"""What a slide says about itself, and its pixels, good and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from openslide import OpenSlide
from PIL import Image

from pathviewer.slides.errors import (
    ImageNotFound,
    RegionError,
    SlideGone,
    SlideUnopenable,
    TileDamaged,
)
from pathviewer.slides.geometry import Downsample, Region
from pathviewer.slides.slide import Slide
from tests import slide_files


@pytest.fixture
def aperio(tmp_path: Path) -> Slide:
    return Slide(slide_files.write_aperio_rgb(tmp_path / "rgb.svs"), "Slide 1")


def test_facts_of_a_scan(aperio: Slide) -> None:
    assert (aperio.width, aperio.height, aperio.vendor) == (300, 217, "aperio")
    assert aperio.mpp == 0.5
    assert aperio.objective_power == 20
    assert aperio.background == (255, 255, 255)
    assert aperio.bounds is None
    assert aperio.quickhash is not None
    assert [(level.width, level.height) for level in aperio.levels] == [(300, 217), (75, 55)]


def test_mpp_is_unknown_rather_than_guessed(tmp_path: Path) -> None:
    assert Slide(slide_files.write_ycbcr(tmp_path / "y.tiff"), "Slide 1").mpp is None


def test_facts_of_cmu_1(cmu: Path) -> None:
    slide = Slide(cmu, "CMU-1")
    assert (slide.width, slide.height, slide.mpp) == (2220, 2967, 0.499)
    assert set(slide.associated_images) == {"label", "macro", "thumbnail"}


def test_a_region_at_full_size_is_exact(aperio: Slide) -> None:
    expected = OpenSlide(aperio.path).read_region((37, 41), 0, (100, 90)).convert("RGB")
    image = aperio.read_region(Region(37, 41, 100, 90), 9_000)
    assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize("max_pixels", [10_000, 2_500, 700, 1])
def test_a_reduced_region_is_what_a_box_filter_gives(tmp_path: Path, max_pixels: int) -> None:
    aperio = Slide(slide_files.write_aperio_rgb(tmp_path / "x.svs", 304, 216), "x")
    whole = aperio.read_region(Region(12, 8, 200, 200), 40_000)
    image = aperio.read_region(Region(12, 8, 200, 200), max_pixels)
    assert image.width * image.height <= max_pixels
    expected = np.asarray(whole.resize(image.size, Image.Resampling.BOX)).astype(int)
    assert np.abs(np.asarray(image) - expected).mean() < 4


def test_oblong_pixels_are_drawn_square(tmp_path: Path) -> None:
    """Pixels twice as high as wide: of 120 x 80 none is enlarged, and a disc stays one."""
    y, x = np.mgrid[0:217, 0:300]
    disc = (x - 100) ** 2 + (2 * (y - 60)) ** 2 < 40**2
    level = np.repeat(np.where(disc, 30, 240).astype(np.uint8)[..., None], 3, axis=2)
    path = slide_files.write_encoded(tmp_path / "x.tiff", [level], slide_files.ycbcr_jpeg)
    region = Region(40, 20, 120, 80)
    picture = Slide(path, "x").read_region(region, 10**6, pixel_aspect=2.0)
    assert picture.size == (60, 80)
    dark = np.asarray(picture.convert("L")) < 135
    assert dark.any(axis=0).sum() == pytest.approx(dark.any(axis=1).sum(), abs=1)


@pytest.mark.parametrize(
    ("kind", "shown", "reason"),
    [
        ("unspecified", [255, 255, 255, 240, 239], "not multiplied, and the file says nothing"),
        ("assocalpha", [255, 255, 255, 240, 239], "the file says what is not so"),
        ("unassalpha", [255, 251, 247, 239, 239], "not multiplied, as the file says"),
    ],
)
def test_transparency_is_filled_with_white_and_never_beyond(
    tmp_path: Path, kind: str, shown: list[int], reason: str
) -> None:
    pixels = np.full((80, 64, 4), 239, np.uint8)
    for index, alpha in enumerate((0, 60, 128, 254, 255)):
        pixels[16 * index : 16 * index + 16, :, 3] = alpha
    path = slide_files.write_rgba(tmp_path / "x.tiff", pixels, kind)
    slide = Slide(path, "x")
    filled = slide.read(0, Region(0, 0, 64, 80))[8::16, 20, :3]
    assert filled.tolist() == [[value] * 3 for value in shown], reason
    picture = slide.read_region(Region(0, 0, 64, 80), 64 * 80)
    assert np.asarray(picture)[8::16, 20, 0].tolist() == shown


def test_a_region_outside_is_refused(aperio: Slide) -> None:
    with pytest.raises(RegionError, match="300 x 217"):
        aperio.read_region(Region(200, 0, 101, 10), 1000)


def test_transparent_parts_show_the_background(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "sparse.tiff")
    slide_files.empty_tile(path, 0, 0)
    pixels = np.asarray(Slide(path, "x").read_region(Region(0, 0, 64, 64), 4096))
    assert (pixels == 255).all()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just a text\n" * 100, "a text called .svs"),
        (b"II*\0\x08\0\0\0", "a header and no more"),
    ],
)
def test_what_is_no_slide_is_named_by_its_display_name(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "patient-4711.svs"
    path.write_bytes(content)
    with pytest.raises(SlideUnopenable, match="Slide 9") as caught:
        Slide(path, "Slide 9")
    assert "4711" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_companion_files_are_not_named(tmp_path: Path) -> None:
    path = tmp_path / "x.vms"
    path.write_text(
        "[Virtual Microscope Specimen]\nNoLayers=1\nNoJpegColumns=1\nNoJpegRows=1\n"
        "ImageFile=A12-patient-4711.jpg\nMapFile=A12-patient-4711-map.jpg\n"
    )
    (tmp_path / "A12-patient-4711.jpg").touch()
    with pytest.raises(SlideUnopenable, match="Slide 9 cannot be opened") as caught:
        Slide(path, "Slide 9")
    assert "4711" in str(caught.value.__cause__)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize("max_pixels", [1, 4, 400])
def test_a_region_beyond_a_narrow_level(tmp_path: Path, max_pixels: int) -> None:
    """The slide is 75.75 x 50.75 pixels of the coarse level, which was rounded down."""
    levels = [slide_files.tissue(303, 203), slide_files.tissue(75, 50)]
    path = slide_files.write_encoded(tmp_path / "x.tiff", levels, slide_files.ycbcr_jpeg)
    slide = Slide(path, "x")
    assert slide.levels[1].downsample == Downsample(4, 4)
    for x in (0, 200, 283):
        region = Region(x, 100, 20, 100)
        pixels = slide.read_region(region, max_pixels)
        assert 1 <= pixels.width * pixels.height <= max_pixels


def test_a_truncated_slide_opens_or_is_refused_but_never_crashes(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    whole = path.read_bytes()
    for part in range(1, 20):
        path.write_bytes(whole[: len(whole) * part // 20])
        try:
            Slide(path, "x").read_region(Region(0, 0, 300, 217), 100_000)
        except (SlideUnopenable, TileDamaged):
            continue


def test_a_missing_file_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SlideGone):
        Slide(tmp_path / "none.svs", "Slide 1")


def test_a_damaged_tile_leaves_the_others_readable(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "y.tiff")
    slide_files.damage_tile(path, 0, 1)
    slide = Slide(path, "Slide 1")
    for _ in range(2):
        with pytest.raises(TileDamaged, match="Slide 1"):
            slide.read_region(Region(64, 0, 64, 64), 4096)
        assert slide.read_region(Region(0, 0, 64, 64), 4096).size == (64, 64)


def test_a_file_deleted_while_open_is_gone(aperio: Slide) -> None:
    region = Region(0, 0, 300, 217)
    aperio.path.unlink()
    with pytest.raises(SlideGone, match="no longer there"):
        aperio.read_region(region, 100_000)


def test_a_closed_slide_reads_nothing(aperio: Slide) -> None:
    aperio.close()
    with pytest.raises(SlideGone, match="closed"):
        aperio.read_region(Region(0, 0, 300, 217), 100_000)


def test_associated_images(cmu: Path) -> None:
    slide = Slide(cmu, "CMU-1")
    assert slide.associated_image("macro").size == (1280, 431)
    with pytest.raises(ImageNotFound):
        slide.associated_image("../label")
