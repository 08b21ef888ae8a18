"""What the model sees of a picture, and what the controls leave of it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import PromptError
from models.evaluation.colour_transfer import transfer_colours
from models.evaluation.control_pictures import PictureControl, load_controlled_picture
from models.messages import Box
from models.pictures import PIXEL_LIMIT
from tests.models.evaluation.files import picture

FORM = PictureControl(colour="none")
BLANK = PictureControl(blank=True)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_goes_to_the_model_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = picture(tmp_path / f"a{suffix}", size=(30, 20))
    shown = load_controlled_picture(path, PictureControl())
    assert shown.data == path.read_bytes()
    assert shown.box == Box(0, 0, 30, 20)


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".webp"])
def test_other_formats_become_png(tmp_path: Path, suffix: str) -> None:
    shown = load_controlled_picture(
        picture(tmp_path / f"a{suffix}", size=(30, 20)), PictureControl()
    )
    assert opened(shown.data).format == "PNG"
    assert opened(shown.data).size == (30, 20)


def test_a_blanked_picture_is_white_and_keeps_its_size(tmp_path: Path) -> None:
    shown = load_controlled_picture(picture(tmp_path / "a.png", size=(33, 21)), BLANK)
    assert opened(shown.data).size == (33, 21)
    assert (np.asarray(opened(shown.data)) == 255).all()


def test_the_colours_of_another_picture_are_put_on_tissue_alone(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    pale = chance.normal((200, 150, 190), (8, 20, 12), (40, 50, 3)).clip(1, 235)
    dark = chance.normal((120, 60, 150), (15, 10, 18), (30, 20, 3)).clip(1, 235)
    pale[:10] = 250  # open space
    for name, pixels in (("pale", pale), ("dark", dark)):
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{name}.png")
    shown = load_controlled_picture(tmp_path / "pale.png", PictureControl(), tmp_path / "dark.png")
    after = np.asarray(opened(shown.data)).astype(float)
    assert (after[:10] == 250).all()
    assert np.allclose(after[10:].mean((0, 1)), dark.mean((0, 1)), atol=3)
    assert np.allclose(after[10:].std((0, 1)), dark.std((0, 1)), atol=3)
    order = np.corrcoef(after[10:, :, 1].ravel(), pale[10:, :, 1].ravel())[0, 1]
    assert order > 0.98, "form stays"


def test_colours_without_tissue_change_nothing() -> None:
    tissue, glass = Image.new("RGB", (9, 9), (150, 90, 150)), Image.new("RGB", (9, 9), "white")
    assert transfer_colours(tissue, glass) is tissue
    assert transfer_colours(glass, tissue) is glass


def test_a_picture_of_one_colour_and_of_one_pixel_survive(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "one.png")
    assert opened(load_controlled_picture(tmp_path / "one.png", FORM).data).size == (1, 1)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif"
    Image.new(mode, (8, 8)).save(path)
    for control in (PictureControl(), FORM, BLANK):
        assert opened(load_controlled_picture(path, control).data).mode == "RGB"


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(PromptError, match=r"a\.png cannot be read") as raised:
        load_controlled_picture(tmp_path / "a.png", PictureControl())
    assert str(tmp_path) not in str(raised.value)


def test_a_picture_that_has_gone_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"a\.png cannot be read \(No such file") as raised:
        load_controlled_picture(tmp_path / "a.png", PictureControl())
    assert str(tmp_path) not in str(raised.value)


def test_a_picture_cut_in_half(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "a.png"
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(PromptError, match=r"a\.png"):
        load_controlled_picture(path, FORM)


def test_a_picture_too_large_to_be_changed(tmp_path: Path) -> None:
    side = int(PIXEL_LIMIT**0.5) + 1
    Image.new("1", (side, side)).save(tmp_path / "a.png")
    with pytest.raises(PromptError, match="67 million"):
        load_controlled_picture(tmp_path / "a.png", FORM)
