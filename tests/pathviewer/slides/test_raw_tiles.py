"""Which tiles may be passed on as they are."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.slides.encoded_tiff import RGB, YCBCR
from pathviewer.slides.errors import SlideGone, TileDamaged
from pathviewer.slides.jpeg_header import TileHeader, adobe_marker, read_tile_header
from pathviewer.slides.passthrough import passthrough_levels
from pathviewer.slides.raw_tiles import RawFile, drop_empty_edges, tiff_levels
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests import slide_files

TILE = next(slide_files.tiles_of(slide_files.tissue(64, 64), 64))
YCBCR_TILE, RGB_TILE = slide_files.ycbcr_jpeg(TILE), slide_files.rgb_jpeg(TILE)


def with_adobe(part: slide_files.Pixels) -> bytes:
    jpeg = slide_files.ycbcr_jpeg(part)
    return jpeg[:2] + adobe_marker(rgb=False) + jpeg[2:]


def with_profile(part: slide_files.Pixels) -> bytes:
    jpeg = slide_files.ycbcr_jpeg(part)
    return jpeg[:2] + b"\xff\xe2\x00\x10ICC_PROFILE\x00\x01\x01" + jpeg[2:]


def read(data: bytes, rgb: bool | None = False) -> TileHeader | None:
    return read_tile_header(data, rgb, (64, 64))


def test_headers() -> None:
    ycbcr, rgb = read(YCBCR_TILE), read(RGB_TILE, rgb=True)
    assert ycbcr is not None
    assert ycbcr.allows(YCBCR_TILE)
    assert ycbcr.allows(b"before" + YCBCR_TILE, 6)
    assert not ycbcr.allows(RGB_TILE)
    assert rgb is not None
    assert rgb.allows(RGB_TILE)
    assert not rgb.allows(YCBCR_TILE)


@pytest.mark.parametrize("length", range(0, 700, 7))
def test_a_header_that_ends_early_is_none(length: int) -> None:
    header = read(YCBCR_TILE)
    assert header is not None
    assert len(header.reference) == 623
    assert (read(YCBCR_TILE[:length]) is None) == (length < len(header.reference))
    assert header.allows(YCBCR_TILE[:length]) == (length >= len(header.reference))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "nothing"),
        (b"\xff\xd8", "a start and no more"),
        (b"\x89PNG" + bytes(60), "not JPEG"),
        (YCBCR_TILE[:40], "cut in its tables"),
        (YCBCR_TILE.replace(b"\xff\xc0", b"\xff\xc2"), "progressive"),
        (YCBCR_TILE.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"), "12 bits"),
        (YCBCR_TILE.replace(b"\xff\xc0\x00\x11", b"\xff\xc0\x00\x02"), "an empty frame"),
        (YCBCR_TILE.replace(b"\xff\xc0", b"\xff\xff\xc0"), "a fill byte, which few write"),
        (with_profile(TILE), "a colour profile that browsers would apply"),
    ],
)
def test_headers_of_what_is_not_plain_jpeg(data: bytes, reason: str) -> None:
    assert read(data) is None
    header = read(YCBCR_TILE)
    assert header is not None
    assert not header.allows(data)


@given(st.binary(max_size=40), st.integers(0, 700))
def test_no_bytes_are_too_odd_for_the_check(noise: bytes, place: int) -> None:
    header = read(YCBCR_TILE)
    assert header is not None
    data = YCBCR_TILE[:place] + noise + YCBCR_TILE[place + len(noise) :]
    header.allows(data)
    read(data)


@pytest.mark.parametrize(
    ("encode", "photometric", "eligible", "reason"),
    [
        (slide_files.ycbcr_jpeg, YCBCR, True, "the usual"),
        (slide_files.rgb_jpeg, RGB, True, "Aperio's"),
        (with_adobe, YCBCR, True, "an Adobe marker that says what the file says"),
        (with_adobe, RGB, False, "an Adobe marker that says something else"),
        (with_profile, YCBCR, False, "a colour profile"),
        (slide_files.ycbcr_jpeg, RGB, False, "JFIF means YCbCr to a browser, TIFF says RGB"),
    ],
)
def test_eligibility(
    tmp_path: Path, encode: slide_files.Encode, photometric: int, eligible: bool, reason: str
) -> None:
    levels = [slide_files.tissue(100, 100)]
    path = slide_files.write_encoded(tmp_path / "x.tiff", levels, encode, photometric=photometric)
    assert (0 in tiff_levels(Slide(path, "x"))) == eligible


def test_two_pages_of_one_size_are_not_told_apart(tmp_path: Path) -> None:
    pixels = slide_files.tissue(100, 100)
    path = slide_files.write_encoded(tmp_path / "x.tiff", [pixels, pixels], slide_files.ycbcr_jpeg)
    assert tiff_levels(Slide(path, "x")) == {}


def test_tiles_that_show_something_else_are_not_passed_on(tmp_path: Path) -> None:
    """The index is sound, but the colours are not what OpenSlide shows."""
    path = slide_files.write_aperio_rgb(tmp_path / "x.svs")
    slide = Slide(path, "x")
    raw = tiff_levels(slide)[0]
    assert raw.prefix[:20] == b"\xff\xd8" + adobe_marker(rgb=True) + raw.prefix[18:20]
    assert set(passthrough_levels(slide)) == {0, 1}


def test_one_empty_tile_bars_its_edge() -> None:
    counts = array("Q", [5, 5, 5, 5, 5, 0, 5, 5, 5])
    drop_empty_edges(counts, 3)
    assert list(counts) == [5, 5, 0, 5, 5, 0, 5, 5, 0]
    counts = array("Q", [5, 0, 5, 5, 5, 5, 5, 0, 5])
    drop_empty_edges(counts, 3)
    assert list(counts) == [5, 0, 5, 5, 5, 5, 0, 0, 0]


def test_an_empty_tile_is_left_to_openslide(tmp_path: Path) -> None:
    path = slide_files.write_aperio_rgb(tmp_path / "x.svs")
    slide_files.empty_tile(path, 1, 1)
    raw = tiff_levels(Slide(path, "x"))[1]
    assert raw.read(1, 0, "x") is None
    assert raw.read_warm(1) is None


def test_bytes_that_are_not_jpeg_are_damage(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "x.tiff")
    slide_files.damage_tile(path, 0, 3)
    raw = tiff_levels(Slide(path, "x"))[0]
    with pytest.raises(TileDamaged, match="column 3, row 0 of slide Slide 1"):
        raw.read(3, 0, "Slide 1")
    assert raw.read_warm(3) is None


@pytest.mark.parametrize(
    ("offset", "count", "reason"),
    [
        (2**63, 100, "no such place in any file"),
        (2**64 - 1, 2**64 - 1, "their sum wraps around"),
        (16, 2**33, "8 GiB"),
        (16, 17 * 2**20, "longer than any tile, and than the file"),
        (10**7, 100, "beyond the end"),
    ],
)
def test_an_index_that_leaves_the_file_is_not_believed(
    tmp_path: Path, offset: int, count: int, reason: str
) -> None:
    path = slide_files.write_ycbcr(tmp_path / "x.tiff")
    offsets, counts = array("Q", [offset, 100, offset]), array("Q", [count, 300, count])
    head = RawFile(path).first_bytes(offsets, counts)
    assert list(counts) == [0, 300, 0]
    assert head == path.read_bytes()[100:400]


def test_a_tile_beyond_the_end_is_left_to_openslide(tmp_path: Path) -> None:
    path = slide_files.write_ycbcr(tmp_path / "x.tiff")
    slide_files.index_tile(path, 0, 6, 2**32 - 1, 100)
    raw = tiff_levels(Slide(path, "x"))[0]
    assert raw.read(1, 1, "x") is None
    assert raw.read_warm(6) is None
    assert raw.read(0, 0, "x") is not None


def test_a_tile_longer_than_any_is_not_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.truncate(2**26)
    counts = array("Q", [2**24, 2**24 + 1])
    RawFile(path).first_bytes(array("Q", [0, 0]), counts)
    assert list(counts) == [2**24, 0]


def test_nothing_is_passed_on_of_a_file_deleted_after_it_was_opened(tmp_path: Path) -> None:
    slide = Slide(slide_files.write_ycbcr(tmp_path / "x.tiff"), "x")
    slide.path.unlink()
    assert tiff_levels(slide) == {}
    with pytest.raises(SlideGone, match="no longer there"):
        TileSource(slide, 90, TileCache(1000))
