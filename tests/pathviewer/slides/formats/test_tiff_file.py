"""TIFF beyond OpenSlide: what was written is what is read, and the rest is refused in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pathviewer.slides.colour_profile import MOST_PROFILE_BYTES
from pathviewer.slides.errors import SlideUnopenable, SlideUnsupported
from pathviewer.slides.formats.base import PixelsUnreadable, ProfileUnreadable
from pathviewer.slides.formats.format_registry import open_pyramid
from pathviewer.slides.formats.openslide_file import OpenSlideFile
from pathviewer.slides.formats.tiff_file import TiffFile
from pathviewer.slides.geometry import Region
from pathviewer.slides.passthrough import passthrough_levels
from pathviewer.slides.slide import Slide
from pathviewer.slides.slide_facts import read_facts
from tests import format_files, raw_tiff, slide_files
from tests.corpus.tiff import BLACK_IS_ZERO, Layout, write_levels
from tests.format_files import HEIGHT, WIDTH, colours, grey, write_ome, write_pyramid, write_tiff
from tests.long_cases import long_cases
from tests.raw_tiff import SHORT

LOSSLESS = {"webp": {"lossless": True}, "jpegxl": {"lossless": True}}


def shown(path: Path, level: int = 0) -> NDArray[np.uint8]:
    """A level as (height, width, 3) RGB, read through `Slide` in boxes that cross tiles."""
    slide = Slide(path, "x")
    native = slide.levels[level]
    pixels = np.zeros((native.height, native.width, 3), np.uint8)
    for top in range(0, native.height, 100):
        for left in range(0, native.width, 100):
            box = Region(left, top, min(100, native.width - left), min(100, native.height - top))
            part = slide.read(level, box)[..., 2::-1]
            pixels[top : top + box.height, left : left + box.width] = part
    return pixels


@pytest.mark.parametrize("codec", ["webp", "jpegxl", "jpeg2000", "lerc", "zstd", "lzma", "png"])
def test_codecs(tmp_path: Path, codec: str) -> None:
    path = write_pyramid(tmp_path / "x.tif", compression=codec, compressionargs=LOSSLESS.get(codec))
    assert np.array_equal(shown(path), colours())
    assert np.array_equal(shown(path, 1), slide_files.pyramid(colours(), 4)[1])
    facts = read_facts(path, "x")
    assert (facts.level_count, facts.pixel_note, facts.vendor) == (2, None, "generic-tiff")


@pytest.mark.parametrize("codec", ["none", "deflate", "zstd", "jpeg2000", "jpegxl"])
def test_sixteen_bits_show_their_highest_eight(tmp_path: Path, codec: str) -> None:
    path = write_tiff(tmp_path / "x.tif", grey(16), compression=codec)
    assert np.array_equal(shown(path)[..., 0], colours()[..., 1])
    assert Slide(path, "x").pixel_note == "16-bit grey, shown reduced to 8 bits"


def test_bits_are_those_that_the_file_states(tmp_path: Path) -> None:
    """Not those that the pixels fill, which may differ from tile to tile."""
    stated = write_ome(tmp_path / "a.ome.tif", grey(12), SignificantBits=12)
    tagged = write_tiff(tmp_path / "b.tif", grey(12), extratags=[(281, "H", 1, 4095, True)])
    silent = write_tiff(tmp_path / "c.tif", grey(12))
    for path in (stated, tagged):
        assert np.array_equal(shown(path)[..., 0], colours()[..., 1])
        assert Slide(path, "x").pixel_note == "12-bit grey, shown reduced to 8 bits"
    assert np.array_equal(shown(silent)[..., 0], colours()[..., 1] >> 4)


def test_twelve_bit_colours(tmp_path: Path) -> None:
    values = colours().astype(np.uint16) << 8
    path = write_tiff(tmp_path / "x.tif", values, compression="deflate", predictor=True)
    assert np.array_equal(shown(path), colours())
    assert Slide(path, "x").pixel_note == "16-bit colour, shown reduced to 8 bits"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"photometric": "miniswhite"}, lambda pixels: 255 - pixels[..., 1]),
        ({"photometric": "minisblack"}, lambda pixels: pixels[..., 1]),
    ],
)
def test_grey(tmp_path: Path, options: dict[str, Any], expected: Any) -> None:
    path = write_tiff(tmp_path / "x.tif", colours()[..., 1], compression="zstd", **options)
    assert np.array_equal(shown(path)[..., 2], expected(colours()))
    assert Slide(path, "x").pixel_note == "8-bit grey"


def test_grey_that_openslide_reads_is_noted_as_well(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "x.tif", colours()[..., 1], compression="deflate")
    assert isinstance(open_pyramid(path, "x"), OpenSlideFile)
    assert Slide(path, "x").pixel_note == "8-bit grey"


def test_strips(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "x.tif", colours(), tile=None, rowsperstrip=16, compression="lzw")
    assert np.array_equal(shown(path), colours())
    assert [level.tile_size for level in Slide(path, "x").levels] == [None]


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("compression", ["none", "deflate", "lzw", "jpeg"])
def test_an_orientation_scrambles_no_tiles(
    tmp_path: Path, orientation: int, compression: str
) -> None:
    """Rows are shown as they are stored."""
    orient = [(274, 3, 1, orientation, True)]
    path = write_pyramid(tmp_path / "x.tif", compression=compression, extratags=orient)
    expected = slide_files.pyramid(colours(), 4)
    for level, pixels in enumerate(expected):
        assert np.abs(shown(path, level).astype(int) - pixels).mean() <= 3 * (compression == "jpeg")


def test_a_coarser_level_with_an_orientation_is_not_scrambled(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    fine, coarse = slide_files.pyramid(colours(), 4)
    page: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(fine, **page)
        tiff.write(coarse, subfiletype=1, extratags=[(274, 3, 1, 3, True)], **page)
    assert np.array_equal(shown(path), fine)
    assert np.array_equal(shown(path, 1), coarse)


def test_strips_have_a_bound(tmp_path: Path) -> None:
    tiled = raw_tiff.tiled_page(20_000, 16_000, 16)
    tags = {code: value for code, value in tiled.items() if code not in (322, 323)}
    empty = (raw_tiff.LONG, [0] * 1000)
    tags |= {259: (raw_tiff.SHORT, [8]), 262: (raw_tiff.SHORT, [2]), 278: (raw_tiff.LONG, [16])}
    page = raw_tiff.Page({**tags, 273: empty, 279: empty})
    path = raw_tiff.write_tiff(tmp_path / "x.tif", [page], big=True)
    with pytest.raises(SlideUnsupported, match=r"strips.* 20000 x 16000 .*vips tiffsave"):
        Slide(path, "x")


def test_colours_that_lie_apart(tmp_path: Path) -> None:
    planes = np.moveaxis(colours(), -1, 0)
    path = write_tiff(
        tmp_path / "x.tif", planes, planarconfig="separate", photometric="rgb", compression="zstd"
    )
    assert np.array_equal(shown(path), colours())


@pytest.mark.parametrize(("kind", "premultiplied"), [("assocalpha", True), ("unassalpha", False)])
def test_transparency(tmp_path: Path, kind: str, premultiplied: bool) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), 128, np.uint8)
    drawn = colours() // 2 if premultiplied else colours()
    path = write_tiff(
        tmp_path / "x.tif", np.concatenate([drawn, alpha], -1), extrasamples=[kind],
        compression="zstd",
    )  # fmt: skip
    expected = colours().astype(int) * 128 / 255 + 127  # on white
    assert np.abs(shown(path) - expected).max() <= 2


def test_levels_in_subifds(tmp_path: Path) -> None:
    fine, coarse = slide_files.pyramid(colours(), 4)
    path = write_ome(
        tmp_path / "x.ome.tif", fine, coarse, PhysicalSizeX=250, PhysicalSizeXUnit="nm",
        PhysicalSizeY=0.5,
    )  # fmt: skip
    slide = Slide(path, "x")
    assert [(level.width, level.height) for level in slide.levels] == [(300, 217), (75, 55)]
    assert slide.levels[1].downsample.x == slide.levels[1].downsample.y == 4
    assert np.array_equal(shown(path), fine)
    assert np.array_equal(shown(path, 1), coarse)
    assert float(slide.properties["openslide.mpp-x"]) == 0.25
    assert float(slide.properties["openslide.mpp-y"]) == 0.5


def test_jpeg_tiles_in_subifds_are_still_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "x.ome.tif"
    fine, coarse = slide_files.pyramid(colours(), 4)
    page: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "compression": "jpeg"}
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(fine, subifds=1, metadata={"axes": "YXS"}, **page)
        tiff.write(coarse, subfiletype=1, **page)
    slide = Slide(path, "x")
    assert isinstance(open_pyramid(path, "x"), TiffFile)
    assert sorted(passthrough_levels(slide)) == [0, 1]


@pytest.mark.parametrize(
    ("samples", "options", "reason"),
    [
        (grey(16).astype(np.float32), {}, r"32-bit floating-point numbers.*vips scale"),
        (grey(16).astype(np.int16), {}, r"16-bit signed numbers"),
        (grey(16).astype(np.uint32), {}, r"values have 32 bits"),
        (grey(16).astype(np.float32), {"compression": "zstd"}, r"32-bit floating-point numbers"),
    ],
)
def test_what_cannot_be_shown_is_said(
    tmp_path: Path, samples: Any, options: dict[str, Any], reason: str
) -> None:
    path = write_tiff(tmp_path / "x.tif", samples, **options)
    with pytest.raises(SlideUnsupported, match=rf"^x cannot be shown.*{reason}"):
        Slide(path, "x")


def test_channels_are_named(tmp_path: Path) -> None:
    planes = np.stack([grey(16)] * 3)
    path = write_ome(
        tmp_path / "x.ome.tif", planes, axes="CYX", Channel={"Name": ["DAPI", "CD3", "PanCK"]}
    )
    with pytest.raises(
        SlideUnsupported,
        match=r"x is a fluorescence .*\(3 channels: DAPI, CD3, PanCK\).*bfconvert -channel 0",
    ):
        Slide(path, "x")


@pytest.mark.parametrize("names", [("DAPI", "CD8 (Opal 520)", "Autofluorescence"), ("DAPI",)])
def test_an_akoya_slide_is_refused_by_its_channels(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Pages in grey, each with its channel in XML that says UTF-16, and a thumbnail in colour."""
    page: dict[str, Any] = {"tile": (64, 64), "metadata": None}
    with tifffile.TiffWriter(tmp_path / "x.qptiff") as tiff:
        for name in names:
            words = akoya_words("FullResolution", f"<Name>{name}</Name>")
            tiff.write(colours()[..., 1], description=words, photometric="minisblack", **page)
        thumbnail = slide_files.tissue(60, 40)
        words = akoya_words("Thumbnail")
        tiff.write(thumbnail, description=words, photometric="rgb", **page)
    said = f"{len(names)} channels" if len(names) > 1 else "one channel"
    with pytest.raises(SlideUnsupported, match="fluorescence") as refused:
        Slide(tmp_path / "x.qptiff", "x")
    assert f"({said}: {', '.join(names)})" in str(refused.value)


def test_an_akoya_slide_in_colour_is_shown(tmp_path: Path) -> None:
    words = akoya_words("FullResolution", "<Name>Brightfield</Name>")
    path = write_tiff(tmp_path / "x.qptiff", colours(), description=words)
    assert np.array_equal(shown(path), colours())


def akoya_words(kind: str, more: str = "") -> str:
    """The XML of a page of a QPTIFF file; names of other things stand in it too."""
    return (
        '<?xml version="1.0" encoding="utf-16"?><PerkinElmer-QPI-ImageDescription>'
        f"<ImageType>{kind}</ImageType>{more}<ScanProfile><Name>not a channel</Name></ScanProfile>"
        "</PerkinElmer-QPI-ImageDescription>"
    )


@pytest.mark.parametrize("pages", [4, 1])
def test_an_imagej_stack_of_channels_is_refused(tmp_path: Path, pages: int) -> None:
    """Large stacks have one page, and their other pictures follow without."""
    words = "ImageJ=1.54f\nimages=4\nchannels=4\nhyperstack=true\nmode=composite\n"
    path = tmp_path / "x.tif"
    with tifffile.TiffWriter(path) as tiff:
        for number in range(pages):
            tiff.write(
                colours()[..., 1],
                description=None if number else words,
                photometric="minisblack",
                metadata=None,
            )
    with pytest.raises(SlideUnsupported, match=r"\(4 channels: channel 1, channel 2"):
        Slide(path, "x")


def test_an_imagej_stack_of_focal_planes_is_counted(tmp_path: Path) -> None:
    words = "ImageJ=1.54f\nimages=5\nslices=5\n"
    path = write_tiff(tmp_path / "x.tif", colours()[..., 1], description=words)
    assert Slide(path, "x").pixel_note == "8-bit grey, channel or focal plane 1 of 5"


@pytest.mark.parametrize(
    "said",
    [
        {"Fluor": "DAPI"},
        {"Name": "DAPI", "ContrastMethod": "Fluorescence"},
        {"Name": "DAPI", "IlluminationType": "Epifluorescence"},
        {"Name": "DAPI", "EmissionWavelength": "461"},
    ],
)
def test_one_channel_of_fluorescence_is_refused(tmp_path: Path, said: dict[str, str]) -> None:
    listed = " ".join(f'{name}="{value}"' for name, value in said.items())
    words = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels SizeX="{WIDTH}" SizeY="{HEIGHT}" SizeC="1" SizeZ="1" SizeT="1">'
        f'<Channel ID="Channel:0:0" {listed}/></Pixels></Image></OME>'
    )
    path = write_tiff(tmp_path / "x.ome.tif", colours()[..., 1], description=words)
    with pytest.raises(SlideUnsupported, match=r"is a fluorescence slide \(one channel: DAPI\)"):
        Slide(path, "x")


@pytest.mark.parametrize("said", [{338: (SHORT, [0])}, {}])
def test_two_grey_values_are_two_channels_unless_one_is_transparency(
    tmp_path: Path, said: raw_tiff.Tags
) -> None:
    pair = np.dstack([colours()[..., 1], 255 - colours()[..., 0]])
    write_levels(tmp_path / "x.tif", [pair], Layout(photometric=BLACK_IS_ZERO, tags=said))
    with pytest.raises(SlideUnsupported, match=r"\(2 channels: channel 1, channel 2\)"):
        Slide(tmp_path / "x.tif", "x")
    transparency = Layout(photometric=BLACK_IS_ZERO, tags={338: (SHORT, [2])})
    write_levels(tmp_path / "y.tif", [pair], transparency)
    assert Slide(tmp_path / "y.tif", "y").pixel_note == "8-bit grey"


def test_pictures_of_one_size_without_a_word_are_counted(tmp_path: Path) -> None:
    path = write_tiff(
        tmp_path / "x.tif", np.stack([colours()[..., 1]] * 4), photometric="minisblack"
    )
    assert Slide(path, "x").pixel_note == "8-bit grey, channel or focal plane 1 of 4"


@pytest.mark.parametrize("compression", ["deflate", "jpeg"])
def test_colour_pictures_of_one_size_are_counted_too(tmp_path: Path, compression: str) -> None:
    planes = np.stack([colours(), 255 - colours(), colours() // 2])
    path = write_tiff(tmp_path / "x.tif", planes, photometric="rgb", compression=compression)
    file = open_pyramid(path, "x")
    assert isinstance(file, OpenSlideFile)
    assert file.pixel_note == "channel or focal plane 1 of 3"
    assert np.abs(shown(path).astype(int) - colours()).mean() <= 3 * (compression == "jpeg")


def test_an_unknown_compression_is_named_and_not_called_damaged(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "x.tif", compression="zstd")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        for page in slide_files.pages_of(tiff):
            page.tags["Compression"].overwrite(34888)
    with pytest.raises(SlideUnsupported, match=r"as method 34888, which no .*`vips tiffsave"):
        Slide(path, "x")


def test_other_pictures_of_the_file_are_no_levels(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    fine, coarse = slide_files.pyramid(colours(), 4)
    page: dict[str, Any] = {
        "photometric": "rgb",
        "compression": "jpegxl",
        "compressionargs": LOSSLESS["jpegxl"],
        "metadata": None,
    }
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(fine, tile=(64, 64), **page)
        tiff.write(coarse, tile=(64, 64), subfiletype=1, **page)
        tiff.write(slide_files.tissue(80, 90), description="label 80x90", **page)
        tiff.write(slide_files.tissue(70, 30), **page)
    slide = Slide(path, "x")
    assert len(slide.levels) == 2
    assert slide.associated_images == ("label", "picture 2")
    label = np.asarray(slide.associated_image("label"))
    assert np.array_equal(label, slide_files.tissue(80, 90))


@pytest.mark.parametrize("cut", [6, 600, 5000])
def test_a_cut_file_is_damaged(tmp_path: Path, cut: int) -> None:
    path = write_pyramid(tmp_path / "x.tif", compression="webp")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(SlideUnopenable, match="Copy") as raised:
        read_facts(path, "x")
    assert not isinstance(raised.value, SlideUnsupported)


def test_a_damaged_tile_is_damaged_and_others_are_not(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "x.tif", compression="webp")
    slide_files.damage_tile(path, 0, 0)
    file = open_pyramid(path, "x")
    with pytest.raises(PixelsUnreadable):
        file.read(0, Region(0, 0, 10, 10))
    assert file.read(0, Region(70, 70, 10, 10)).shape == (10, 10, 4)
    read_facts(path, "x")


@pytest.mark.parametrize(
    "kind",
    [{"format": "WEBP", "lossless": True}, *long_cases({"format": "JPEG2000", "no_jp2": True})],
)
def test_a_tile_that_claims_to_be_vast_is_not_decoded(tmp_path: Path, kind: dict[str, Any]) -> None:
    compression = {"WEBP": 50001, "JPEG2000": 34712}[kind["format"]]

    def vast(tile: NDArray[np.uint8]) -> bytes:
        file = tmp_path / "tile"
        Image.new("RGB", (4000, 4000)).save(file, **kind)
        return file.read_bytes()

    path = slide_files.write_encoded(
        tmp_path / "x.tif", [colours()], vast, compression=compression, photometric=2
    )
    with pytest.raises(PixelsUnreadable):
        open_pyramid(path, "x").read(0, Region(0, 0, 1, 1))
    with pytest.raises(SlideUnopenable, match=r"none of its tiles can be read\. Copy it again"):
        read_facts(path, "x")


def test_a_tile_of_several_frames_is_not_drawn(tmp_path: Path) -> None:
    """JPEG XL may hold an animation."""
    frames = np.stack([colours()[:64, :64]] * 2)
    tags = dict(raw_tiff.tiled_page(64, 64, 64)) | {
        259: (raw_tiff.SHORT, [50002]),
        262: (raw_tiff.SHORT, [2]),
    }
    page = raw_tiff.Page(tags, [bytes(imagecodecs.jpegxl_encode(frames))])
    file = TiffFile(raw_tiff.write_tiff(tmp_path / "x.tif", [page]), "x")
    with pytest.raises(PixelsUnreadable):
        file.read(0, Region(0, 0, 10, 10))


def test_samples_beyond_a_short_colour_map_are_damaged(tmp_path: Path) -> None:
    path = write_tiff(
        tmp_path / "x.tif", colours()[..., 1], photometric="palette", compression="zstd",
        colormap=np.zeros((3, 256), np.uint16),
    )  # fmt: skip
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["ColorMap"].overwrite((0,) * 24)
    file = TiffFile(path, "x")
    with pytest.raises(PixelsUnreadable):
        file.read(0, Region(0, 0, 10, 10))


@pytest.mark.parametrize(
    ("kind", "size", "reason"),
    [
        (raw_tiff.UNDEFINED, MOST_PROFILE_BYTES + 1, "larger than 8 MiB"),
        (raw_tiff.ASCII, 400, "damaged"),
    ],
)
def test_a_profile_of_no_use_is_not_read(tmp_path: Path, kind: int, size: int, reason: str) -> None:
    tag = (34675, kind, size, bytes(b"x" * size), True)
    path = write_tiff(tmp_path / "x.tif", colours(), compression="zstd", extratags=[tag])
    file = TiffFile(path, "x")
    with pytest.raises(ProfileUnreadable, match=reason):
        file.icc_profile()
    assert file.read(0, Region(0, 0, 10, 10)).shape == (10, 10, 4)


def test_the_hash_tells_slides_apart_and_not_their_names(tmp_path: Path) -> None:
    first = write_pyramid(tmp_path / "a.tif", compression="webp")
    copy = tmp_path / "b.tif"
    copy.write_bytes(first.read_bytes())
    other = format_files.write_tiff(tmp_path / "c.tif", colours()[::-1], compression="webp")
    hashes = [Slide(path, "x").quickhash for path in (first, copy, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_without_imagecodecs_the_package_is_named(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "x.tif", compression="webp")
    program = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from pathlib import Path; from pathviewer.slides.slide import Slide\n"
        "try: Slide(Path(sys.argv[1]), 'x')\n"
        "except Exception as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "compressed as WebP, which needs the package imagecodecs" in said.stdout
    assert "pip install -r requirements-formats.txt" in said.stdout
