"""Every odd slide goes through what people do with slides, on a real server with its readers."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.asking import heard
from tests.corpus.catalogue import CORPUS
from tests.corpus.odd_slide import OddSlide, Refused, Served
from tests.corpus.site import Site, corpus_site, eventually, served, worst_block
from tests.slide_files import Pixels

pytestmark = pytest.mark.long

_EDGE = 4
"""Of 255, by how much regions and thumbnails may differ besides: their pixels are averaged anew."""


def _id(odd: OddSlide) -> str:
    return odd.name.encode("ascii", "backslashreplace").decode()[:60]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("corpus")
    state = folder / "state"
    state.mkdir()
    (state / "assets").symlink_to(assets, target_is_directory=True)
    with corpus_site(CORPUS, folder / "slides", state) as site:
        yield site


def test_there_are_enough_and_no_two_have_one_name() -> None:
    assert len(CORPUS) >= 80
    assert len({odd.name for odd in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("odd", CORPUS, ids=_id)
def test_each_is_the_same_each_time(odd: OddSlide, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        odd.write(folder / odd.name.removesuffix("-0.dcm"))
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        written.append({path.name: path.read_bytes() for path in files})
    assert written[0] == written[1]


@pytest.mark.parametrize("odd", served(CORPUS), ids=_id)
def test_a_slide_is_listed_shown_read_asked_about_and_judged(odd: OddSlide, site: Site) -> None:
    expected, levels = odd.expected, site.written[odd.name]
    assert isinstance(expected, Served)
    slide = site.ids().get(odd.name)
    assert slide is not None, site.rejected().get(odd.name, "neither listed nor rejected")
    facts = site.json(f"/api/slides/{slide}")
    check_facts(facts, expected, levels)
    check_tiles(site, facts, expected, levels)
    finest = in_srgb(levels[0], expected.profile)
    check_thumbnail(site, slide, expected, finest)
    check_regions(site, slide, expected, finest)
    ask_and_judge(site, slide, expected, finest)


@pytest.mark.parametrize(
    "odd", [odd for odd in CORPUS if isinstance(odd.expected, Refused)], ids=_id
)
def test_what_cannot_be_shown_is_named_with_the_reason(odd: OddSlide, site: Site) -> None:
    assert isinstance(odd.expected, Refused)
    sentence = site.rejected().get(odd.name, "not rejected")
    reason = sentence.replace(odd.name, "")  # a name may hold the words that are looked for
    assert [words for words in odd.expected.words if words not in reason] == [], sentence
    assert str(site.folder) not in sentence


def test_what_was_judged_is_exported(site: Site) -> None:
    begun = site.client.post("/api/exports", json={"format": "unpaired", "splits": "1,0,0"})
    export = begun.raise_for_status().json()["id"]
    assert eventually(lambda: site.json(f"/api/exports/{export}")["state"] != "running")
    answer = site.client.get(f"/api/exports/{export}.zip").raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        manifest = next(name for name in archive.namelist() if name.endswith("manifest.json"))
        counts = json.loads(archive.read(manifest))["counts"]
    assert counts["rows"] == {"train": len(site.readings)}
    assert counts["readings_without_picture"] == 0


def test_what_is_removed_is_gone_and_its_questions_stay(site: Site) -> None:
    ids = site.ids()
    for path in sorted(site.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert eventually(lambda: not site.ids())
    for slide in ids.values():
        answer = site.client.get(f"/api/slides/{slide}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "slide_gone")
    for slide, reading in site.readings.items():
        assert site.json(f"/api/readings/{reading}")["slide"]["id"] == slide


def in_srgb(pixels: Pixels, data: bytes | None) -> Pixels:
    """What is to be seen of raw pixels with this profile; far from them if it does anything."""
    if data is None:
        return pixels
    source = ImageCms.ImageCmsProfile(io.BytesIO(data))
    intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
    srgb = ImageCms.createProfile("sRGB")
    corrected = ImageCms.profileToProfile(Image.fromarray(pixels), source, srgb, intent)
    seen = np.asarray(corrected)
    assert worst_block(seen, pixels) > 2 * (8 + _EDGE)
    return seen


def check_facts(facts: dict[str, Any], expected: Served, levels: Sequence[Pixels]) -> None:
    """Size, levels of the file with their factors, and scale."""
    assert (facts["height"], facts["width"]) == levels[0].shape[:2]
    native = [level for level in facts["levels"] if level["native"]]
    factors = [each if isinstance(each, tuple) else (each, each) for each in expected.factors]
    stated = [(level["downsample_x"], level["downsample_y"]) for level in native]
    assert sum(stated, ()) == pytest.approx(sum(factors, ()))
    assert [(level["height"], level["width"]) for level in native] == [
        pixels.shape[:2] for pixels in levels
    ]
    scale = (facts["scale"]["x"], facts["scale"]["y"])
    assert scale == (
        (None, None) if expected.mpp is None else pytest.approx(expected.mpp, rel=1e-3)
    )
    assert (facts["mpp"] is None) == (scale[0] != scale[1] or scale[0] is None)
    assert facts["identity"]["label"] == expected.label
    assert expected.words in json.dumps(facts, ensure_ascii=False)


def check_thumbnail(site: Site, slide: str, expected: Served, finest: Pixels) -> None:
    """The whole slide, as the list shows it."""
    drawn = site.picture(f"/api/slides/{slide}/thumbnail?size=128")
    assert max(drawn.shape) == min(128, max(finest.shape))
    wanted = Image.fromarray(finest).resize(drawn.shape[1::-1], Image.Resampling.LANCZOS)
    difference = worst_block(drawn, np.asarray(wanted))
    assert difference <= expected.tolerance + _EDGE


def check_tiles(
    site: Site, facts: dict[str, Any], expected: Served, levels: Sequence[Pixels]
) -> None:
    """Every tile of the file's levels, against the pixels that were written."""
    native = [(index, level) for index, level in enumerate(facts["levels"]) if level["native"]]
    for (index, level), pixels in zip(native, levels, strict=True):
        wide, high = level["tile_width"], level["tile_height"]
        for row in range(math.ceil(level["height"] / high)):
            for column in range(math.ceil(level["width"] / wide)):
                part = pixels[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
                drawn = site.tile(facts["id"], index, column, row)[: part.shape[0], : part.shape[1]]
                difference = worst_block(drawn, part)
                assert difference <= expected.tolerance, (index, column, row)


def check_regions(site: Site, slide: str, expected: Served, finest: Pixels) -> None:
    """Regions at four scales: all of it, and a part with odd edges."""
    height, width = finest.shape[:2]
    left, top = width // 3, height // 5
    boxes = (0, 0, width, height), (left, top, max(1, width // 2), max(1, height // 2))
    for (x, y, wide, high), scale in zip(boxes * 2, (1, 2, 4, 7.3), strict=True):
        most = max(1, int(wide * high / scale**2))
        query = f"x={x}&y={y}&width={wide}&height={high}&max_pixels={most}"
        drawn = site.picture(f"/api/slides/{slide}/region?{query}")
        assert drawn.shape[0] * drawn.shape[1] <= most
        part = Image.fromarray(np.ascontiguousarray(finest[y : y + high, x : x + wide]))
        wanted = np.asarray(part.resize(drawn.shape[1::-1], Image.Resampling.BOX))
        difference = worst_block(drawn, wanted)
        assert difference <= expected.tolerance + _EDGE, scale


def ask_and_judge(site: Site, slide: str, expected: Served, finest: Pixels) -> None:
    """A question about all of it: the model's picture, its answer, and a judgment."""
    height, width = finest.shape[:2]
    box = {"x": 0, "y": 0, "width": width, "height": height}
    body = {"slide": slide, "box": box, "question": "What is it?", "max_pixels": 50_000}
    answer = site.client.post("/api/readings", json=body)
    if expected.question:
        assert answer.status_code == 400
        assert expected.question in answer.json()["error"]["message"]
        return
    reading = answer.raise_for_status().json()["id"]
    assert heard(site.client, reading)[-1][1]["type"] == "done"
    told = site.json(f"/api/readings/{reading}")
    drawn = site.picture(f"/api/readings/{reading}/picture.png")
    wanted = Image.fromarray(finest).resize(drawn.shape[1::-1], Image.Resampling.BICUBIC)
    difference = worst_block(drawn, np.asarray(wanted))
    assert difference <= expected.tolerance + _EDGE
    verdict = {
        "key": reading,
        "completion": told["completions"][0]["id"],
        "kind": "verdict",
        "verdict": "correct",
    }
    site.client.post("/api/feedback", json=verdict).raise_for_status()
    site.readings[slide] = reading
