"""Frames of DICOM slides: passed on where they are whole JPEGs in order, else decoded."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import simplejpeg
from openslide import OpenSlide
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from pathviewer.slides.dicom_tiles import dicom_levels
from pathviewer.slides.errors import SlideUnopenable, TileDamaged
from pathviewer.slides.passthrough import passthrough_levels
from pathviewer.slides.slide import Slide
from pathviewer.slides.tile_cache import TileCache
from pathviewer.slides.tiles import TileSource
from tests import dicom_files, slide_files


def source_of(path: Path) -> TileSource:
    return TileSource(Slide(path, "Slide 1"), 85, TileCache(2**24))


def assert_exact(path: Path) -> None:
    source, slide = source_of(path), OpenSlide(path)
    assert [level.native for level in source.levels] == [True, False, True, False]
    for native, index in enumerate((0, 2)):
        level = source.levels[index]
        assert level.passthrough
        whole = slide.read_region((0, 0), native, (level.width, level.height)).convert("RGB")
        expected = np.asarray(whole)
        for row in range(level.rows):
            for column in range(level.columns):
                tile = source.tile(index, column, row)
                assert tile.source == "raw"
                y, x = row * level.tile_height, column * level.tile_width
                part = expected[y : y + level.tile_height, x : x + level.tile_width]
                pixels = simplejpeg.decode_jpeg(tile.jpeg)[: part.shape[0], : part.shape[1]]
                assert np.array_equal(pixels, part)


@pytest.mark.parametrize(
    "pack",
    [dicom_files.with_basic_table, dicom_files.without_table, dicom_files.with_extended_table],
)
def test_frames_are_exact_however_they_are_indexed(tmp_path: Path, pack: dicom_files.Pack) -> None:
    assert_exact(dicom_files.write_dicom(tmp_path / "series", pack=pack))


def test_rgb_frames_are_exact(tmp_path: Path) -> None:
    path = dicom_files.write_dicom(tmp_path / "s", slide_files.rgb_jpeg, photometric="RGB")
    assert_exact(path)


def test_facts(tmp_path: Path) -> None:
    slide = Slide(dicom_files.write_dicom(tmp_path / "series"), "Slide 1")
    assert (slide.vendor, slide.mpp, slide.objective_power) == ("dicom", 0.5, 20)


def test_split_frames_are_left_to_openslide(tmp_path: Path) -> None:
    path = dicom_files.write_dicom(tmp_path / "s", pack=dicom_files.in_two_fragments)
    assert passthrough_levels(Slide(path, "x")) == {}


def test_uncompressed_frames_are_left_to_openslide(tmp_path: Path) -> None:
    source = source_of(dicom_files.uncompressed(tmp_path / "s"))
    assert source.tile(0, 0, 0).source == "transcoded"


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("DimensionOrganizationType", "TILED_SPARSE", "frames lie anywhere"),
        ("TotalPixelMatrixFocalPlanes", 2, "frames of several depths"),
        ("NumberOfFrames", 19, "one frame too few"),
        ("ConcatenationUID", "1.2.3", "a level in several files"),
    ],
)
def test_levels_in_another_order_are_not_passed_on(
    tmp_path: Path, keyword: str, value: object, reason: str
) -> None:
    path = dicom_files.write_dicom(tmp_path / "s")
    slide = Slide(path, "x")
    instance = pydicom.dcmread(path)
    setattr(instance, keyword, value)
    instance.save_as(path)
    assert 0 not in passthrough_levels(slide)


def test_other_files_in_the_folder_are_ignored(tmp_path: Path) -> None:
    path = dicom_files.write_dicom(tmp_path / "s")
    (path.parent / "notes.txt").write_text("not DICOM")
    (path.parent / "empty.dcm").touch()
    other = dicom_files.write_dicom(tmp_path / "other")
    other.rename(path.parent / "other.dcm")
    assert_exact(path)


@pytest.mark.parametrize("place", [2**15 * 100, 2**40, 2**63, 2**64 - 1])
def test_a_frame_outside_the_file_ends_no_process(tmp_path: Path, place: int) -> None:
    path = dicom_files.write_dicom(tmp_path / "s", pack=dicom_files.with_extended_table)
    opened = Slide(path, "x")
    instance = pydicom.dcmread(path)
    table = bytearray(instance.ExtendedOffsetTable)
    table[3 * 8 : 4 * 8] = place.to_bytes(8, "little")
    instance.ExtendedOffsetTable = bytes(table)
    instance.save_as(path)
    assert 0 not in passthrough_levels(opened)
    for file in ("0.dcm", "1.dcm"):
        with pytest.raises(SlideUnopenable, match="list of frames"):
            Slide(path.parent / file, "x")


@pytest.mark.parametrize("length", [2**33, 2**63, 2**64 - 1])
def test_lengths_that_leave_the_file_are_not_believed(tmp_path: Path, length: int) -> None:
    path = dicom_files.write_dicom(tmp_path / "s", pack=dicom_files.with_extended_table)
    slide = Slide(path, "x")
    instance = pydicom.dcmread(path)
    # of a frame that is not among those whose own header is looked at
    lengths = bytearray(instance.ExtendedOffsetTableLengths)
    lengths[3 * 8 : 4 * 8] = length.to_bytes(8, "little")
    instance.ExtendedOffsetTableLengths = bytes(lengths)
    instance.save_as(path)
    raw = dicom_levels(slide).get(0)
    assert raw is None or (raw.read_warm(3) is None and raw.counts[3] == 0)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("NumberOfFrames", "IS", b""),
        ("Columns", "US", b""),
        ("Rows", "US", b"\x40"),
        ("ImageType", "CS", b""),
        ("TotalPixelMatrixColumns", "UL", b"\x00\x00"),
    ],
)
def test_elements_that_are_damaged_keep_frames_from_being_passed_on(
    tmp_path: Path, keyword: str, vr: str, value: bytes
) -> None:
    path = dicom_files.write_dicom(tmp_path / "s")
    slide = Slide(path, "x")
    instance = pydicom.dcmread(path)
    tag = Tag(keyword)
    instance[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    instance.save_as(path)
    assert 0 not in passthrough_levels(slide)


def test_nothing_is_passed_on_of_a_folder_deleted_after_it_was_opened(tmp_path: Path) -> None:
    slide = Slide(dicom_files.write_dicom(tmp_path / "s"), "x")
    shutil.rmtree(tmp_path / "s")
    assert dicom_levels(slide) == {}


def test_a_file_cut_short_while_open(tmp_path: Path) -> None:
    path = dicom_files.write_dicom(tmp_path / "s")
    source = source_of(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(TileDamaged):
        source.tile(0, 4, 3)
