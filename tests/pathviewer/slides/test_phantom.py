"""The phantom is a slide like a scanner's, tells the truth, and is the same wherever drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openslide
import pytest
import simplejpeg
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides.geometry import Region
from pathviewer.slides.phantom import (
    MarkKind,
    NucleusKind,
    PhantomError,
    PhantomTruth,
    TissueClass,
    load_truth,
    write_phantom,
)
from pathviewer.slides.phantom.block import Ground, draw_block, draw_canvas, make_scene
from pathviewer.slides.phantom.ground_truth import CELL
from pathviewer.slides.phantom.hashing import uniforms
from pathviewer.slides.phantom.layout import BLOCK, FIELDS, HALO, make_layout, unfold
from pathviewer.slides.phantom.writer import QUALITY
from tests.slide_files import pages_of

REACH = 12
"""Around a block's border, px: farther than the out-of-focus zone spreads a pixel."""


@pytest.fixture(scope="module")
def pixels(small_phantom: Path) -> NDArray[np.int16]:
    """Level 0 of the small phantom, (height, width, 3)."""
    return level_pixels(small_phantom, 0)


@pytest.fixture(scope="module")
def truth(small_phantom: Path) -> PhantomTruth:
    """The small phantom's truth as loaded from its files."""
    return load_truth(small_phantom)


def level_pixels(path: Path, level: int) -> NDArray[np.int16]:
    with openslide.OpenSlide(path) as slide:
        image = slide.read_region((0, 0), level, slide.level_dimensions[level])
    return np.asarray(image.convert("RGB")).astype(np.int16)


def test_openslide_reads_levels_scale_and_power(small_phantom: Path) -> None:
    with openslide.OpenSlide(small_phantom) as slide:
        assert slide.level_dimensions == ((3000, 2200), (750, 550), (187, 137))
        assert slide.level_downsamples == pytest.approx((1, 4, 16), rel=0.01)
        assert slide.properties[openslide.PROPERTY_NAME_MPP_X] == "0.5"
        assert slide.properties[openslide.PROPERTY_NAME_MPP_Y] == "0.5"
        assert slide.properties[openslide.PROPERTY_NAME_OBJECTIVE_POWER] == "20"
        assert slide.properties["openslide.level[0].tile-width"] == "256"
        assert not slide.associated_images


def test_tiff_is_tiled_jpeg_with_every_tile_present(small_phantom: Path) -> None:
    with tifffile.TiffFile(small_phantom) as tiff:
        pages = pages_of(tiff)
        assert len(pages) == 3
        for page in pages:
            assert (page.compression, page.photometric, page.tile) == (7, 6, (256, 256))
            assert min(page.databytecounts) > 0
            assert len(page.databytecounts) == -(-page.shape[0] // 256) * -(-page.shape[1] // 256)


@pytest.mark.long
def test_same_seed_gives_the_same_file_from_any_number_of_processes(tmp_path: Path) -> None:
    alone, shared, other = (tmp_path / name for name in ("alone.svs", "shared.svs", "other.svs"))
    for path, seed, workers in ((alone, 5, 1), (shared, 5, 2), (other, 7, 1)):
        write_phantom(path, width=2100, height=2000, seed=seed, workers=workers)
    assert alone.read_bytes() == shared.read_bytes()
    assert alone.read_bytes() != other.read_bytes()
    one, two = load_truth(alone), load_truth(shared)
    assert np.array_equal(one.nuclei, two.nuclei)
    assert np.array_equal(one.class_map, two.class_map)


def test_a_block_does_not_depend_on_what_was_drawn_before() -> None:
    scene = make_scene(2000, 2000, 5)
    first = draw_block(scene, 1, 0)
    draw_block(scene, 0, 1)
    again = draw_block(scene, 1, 0)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.nuclei, again.nuclei)


@pytest.mark.parametrize("name", FIELDS)
def test_neighbouring_blocks_agree_on_a_field_to_the_bit(name: str) -> None:
    plan = make_layout(3000, 2200, 9)
    left, right = (unfold(plan.around(column, 0)[name]) for column in (0, 1))
    assert np.array_equal(left[:, BLOCK:], right[:, : 2 * HALO])


def test_every_class_and_mark_is_there(truth: PhantomTruth) -> None:
    assert set(np.unique(truth.class_map)) == set(TissueClass)
    assert np.bitwise_or.reduce(truth.mark_map, axis=None) == MarkKind.pen | MarkKind.blurred
    assert {NucleusKind.stromal, NucleusKind.gland, NucleusKind.atypical} <= {
        NucleusKind(kind) for kind in np.unique(truth.nuclei[:, 2])
    }


@pytest.mark.parametrize("seed", range(6))
def test_the_smallest_slide_shows_every_class(seed: int) -> None:
    scene = replace(make_scene(2000, 2000, 5), layout=make_layout(2000, 2000, seed))
    blocks = [draw_block(scene, column, row) for column in (0, 1) for row in (0, 1)]
    assert set(np.unique([block.tissue for block in blocks])) == set(TissueClass)


def test_nuclei_are_darker_in_haematoxylin_than_what_surrounds_them(
    truth: PhantomTruth, pixels: NDArray[np.int16]
) -> None:
    red = pixels[..., 0]  # eosin hardly absorbs red light
    darker = []
    for x, y, _ in truth.nuclei:
        around = red[max(y - 32, 0) : y + 32, max(x - 32, 0) : x + 32]
        if not truth.marks_at(int(x), int(y)):
            darker.append(red[y, x] < around.mean() - 8)
    assert len(darker) > 1000
    assert np.mean(darker) > 0.97


def test_nuclei_lie_in_their_own_tissue(truth: PhantomTruth) -> None:
    found = [
        truth.class_at(int(x), int(y)) == TissueClass.atypical
        for x, y, kind in truth.nuclei
        if kind == NucleusKind.atypical
    ]
    assert np.mean(found) > 0.85  # a cell of the map shows the class at its own centre


def test_glass_air_and_lumens_are_bright_and_tissue_is_not(
    truth: PhantomTruth, pixels: NDArray[np.int16]
) -> None:
    rows, columns = (np.arange(CELL // 2, side, CELL) for side in (truth.height, truth.width))
    brightness = pixels.mean(axis=2)[np.ix_(rows, columns)]
    clean = truth.mark_map[: len(rows), : len(columns)] == 0
    cells = truth.class_map[: len(rows), : len(columns)]
    for tissue in (TissueClass.glass, TissueClass.airspace, TissueClass.lumen):
        assert (brightness[clean & (cells == tissue)] > 225).mean() > 0.95, tissue
    for tissue in (TissueClass.stroma, TissueClass.gland, TissueClass.necrosis):
        assert brightness[clean & (cells == tissue)].mean() < 200, tissue
    assert brightness[clean & (cells == TissueClass.atypical)].mean() < 170


def test_the_blurred_zone_has_less_detail_than_the_rest(
    truth: PhantomTruth, pixels: NDArray[np.int16]
) -> None:
    detail = np.abs(np.diff(pixels[..., 1], axis=1))
    marks = truth.mark_map.repeat(CELL, 0).repeat(CELL, 1)[: truth.height, 1 : truth.width]
    tissue = truth.class_map.repeat(CELL, 0).repeat(CELL, 1)[: truth.height, 1 : truth.width]
    blurred = detail[(tissue > 0) & (marks == MarkKind.blurred)].mean()
    sharp = detail[(tissue > 0) & (marks == 0)].mean()
    assert blurred < 0.5 * sharp


def test_ink_is_blue(truth: PhantomTruth, pixels: NDArray[np.int16]) -> None:
    rows, columns = np.nonzero(truth.mark_map & MarkKind.pen)
    inside = (rows * CELL + 8 < truth.height) & (columns * CELL + 8 < truth.width)
    ink = pixels[rows[inside] * CELL + 8, columns[inside] * CELL + 8]
    assert (ink[:, 2] > ink[:, 0] + 20).mean() > 0.9


@pytest.mark.parametrize("level", [1, 2])
def test_lower_levels_are_level_0_averaged(small_phantom: Path, level: int) -> None:
    scale = 4**level
    lower = level_pixels(small_phantom, level)
    base = Image.fromarray(level_pixels(small_phantom, 0).astype(np.uint8)).reduce(scale)
    expected = np.ascontiguousarray(np.asarray(base)[: lower.shape[0], : lower.shape[1]])
    coded = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(expected, QUALITY, "RGB", "444"))
    jpeg_error = np.abs(coded.astype(np.int16) - expected).mean()
    assert np.abs(lower - expected).mean() < jpeg_error * 1.1 + 0.5
    assert abs((lower - expected).mean()) < 0.5


@pytest.mark.parametrize("image", ["tissue", "eosin", "haematoxylin"])
def test_blocks_draw_the_same_pixels_around_their_common_border(image: str) -> None:
    scene = make_scene(2000, 2000, 5)
    centre, right, below = (
        getattr(draw_canvas(scene, Ground(scene, column, row)), image)
        for column, row in ((0, 0), (1, 0), (0, 1))
    )
    here = slice(BLOCK + HALO - REACH, BLOCK + HALO + REACH)
    there, inner = slice(HALO - REACH, HALO + REACH), slice(HALO, -HALO)
    assert np.array_equal(centre[inner, here], right[inner, there])
    assert np.array_equal(centre[here, inner], below[there, inner])


def test_no_seam_between_tiles(pixels: NDArray[np.int16]) -> None:
    borders, near = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2))
        for line in range(255, len(steps) - 32, 256):
            borders.append(steps[line])
            near.append(steps[line - 24 : line + 25 : 8])  # JPEG has borders every 8 px anyhow
    assert np.mean(borders) < np.mean(near) * 1.1


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (2049, 2051),  # a block more each way than level 1 has tiles
        (2048, 2048),  # nothing over
    ],
)
def test_sizes_that_do_not_divide_evenly_open_to_their_last_pixel(
    tmp_path: Path, width: int, height: int
) -> None:
    path = tmp_path / "odd.svs"
    write_phantom(path, width=width, height=height, seed=5, workers=1)
    with openslide.OpenSlide(path) as slide:
        assert slide.dimensions == (width, height)
        for level, (across, down) in enumerate(slide.level_dimensions):
            scale = 4**level
            corner = slide.read_region(((across - 9) * scale, (down - 9) * scale), level, (9, 9))
            assert np.asarray(corner)[..., 3].min() == 255


@pytest.mark.parametrize("size", [(1999, 5000), (5000, 1999), (100_001, 5000), (5000, 0), (-1, 3)])
def test_a_bad_size_is_refused_and_nothing_written(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PhantomError, match=r"must be 2,000 to 100,000 pixels, not -?[\d,]+\."):
        write_phantom(tmp_path / "bad.svs", width=size[0], height=size[1], seed=1)
    assert not list(tmp_path.iterdir())


def test_progress_rises_to_one(tmp_path: Path) -> None:
    shares: list[float] = []
    write_phantom(tmp_path / "a.svs", width=2000, height=2000, seed=5, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_write_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise InterruptedError(f"stopped at {share}")

    with pytest.raises(InterruptedError):
        write_phantom(tmp_path / "a.svs", width=2000, height=2000, seed=5, progress=stop)
    assert not list(tmp_path.iterdir())


def test_truth_answers_about_regions(truth: PhantomTruth) -> None:
    region = Region(800, 600, 700, 500)
    found = truth.nuclei_in(region)
    assert 0 < len(found) < len(truth.nuclei)
    assert found[:, :2].min(axis=0).tolist() >= [800, 600]
    assert (found[:, 0] < 1500).all()
    assert (found[:, 1] < 1100).all()
    shares = [truth.share_of(tissue, region) for tissue in TissueClass]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("point", [(-1, 0), (0, -1), (3000, 0), (0, 2200)])
def test_truth_refuses_points_outside(truth: PhantomTruth, point: tuple[int, int]) -> None:
    with pytest.raises(IndexError, match="outside the 3000 x 2200 px slide"):
        truth.class_at(*point)
    with pytest.raises(IndexError, match="outside"):
        truth.marks_at(*point)


@pytest.mark.parametrize("damage", ["missing", "empty", "not an archive"])
def test_truth_that_cannot_be_read_says_so(
    tmp_path: Path, small_phantom: Path, damage: str
) -> None:
    slide = tmp_path / "copy.svs"
    if damage != "missing":
        about = small_phantom.with_name(f"{small_phantom.stem}.truth.json").read_text()
        slide.with_name("copy.truth.json").write_text(about)
        slide.with_name("copy.truth.npz").write_bytes(b"" if damage == "empty" else b"PK no zip")
    with pytest.raises(ValueError, match=r"copy\.svs has no readable truth"):
        load_truth(slide)


@given(
    seed=st.integers(0, 2**31),
    column=st.integers(-(2**40), 2**40),
    row=st.integers(-(2**40), 2**40),
)
def test_a_cell_draws_the_same_numbers_alone_and_in_company(
    seed: int, column: int, row: int
) -> None:
    alone = uniforms(seed, 1, column, row, 3)
    company = uniforms(seed, 1, np.array([column - 1, column]), np.array([row, row]), 5)
    assert np.array_equal(alone, company[1, :3])
    assert ((alone >= 0) & (alone < 1)).all()
