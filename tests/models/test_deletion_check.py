from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.attention import AttentionMap
from models.control_figures import ControlFigures
from models.deletion_check import (
    CheckMethod,
    DeletionCheck,
    answer_log_probability,
    deletion_check,
    draw_other_masks,
)
from models.errors import PromptError
from models.fills import GREY, fill_grey, find_tissue
from models.messages import Box, Completion, PixelBudget, Prompt, TokenScores
from models.pictures import as_prompt_image, open_picture
from models.placement import place_picture
from tests.models.red_spot import BUDGET, RedSpot

BOX = Box(1000, 2000, 500, 500)
PLACED = place_picture(BOX, 224, 224, BUDGET)  # 8 x 8 cells


def picture(spot: tuple[int, int] | None) -> Prompt:
    """Grey, with the cell at (column, row) red."""
    image = Image.new("RGB", (224, 224), GREY)
    if spot:
        left, top = spot[0] * 28, spot[1] * 28
        ImageDraw.Draw(image).rectangle((left, top, left + 27, top + 27), fill=(255, 0, 0))
    return Prompt("Is there red?", (as_prompt_image(image, BOX),))


class Counted(RedSpot):
    """Keeps the pictures of each call of `score`."""

    def __init__(self) -> None:
        super().__init__()
        self.scored: list[list[NDArray[np.uint8]]] = []

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        pictures = [np.asarray(open_picture(prompt.images[0].data)) for prompt, _ in items]
        self.scored.append(pictures)
        return super().score(items, priority=priority, budget=budget)


def looking_at(column: int, row: int) -> AttentionMap:
    """A map that falls off from one cell."""
    down, across = np.mgrid[0:8, 0:8]
    weights = np.exp(-np.hypot(down - row, across - column)).astype(np.float32)
    return AttentionMap(0, PLACED, range(1), range(2), weights / weights.sum(), 0.4)


def test_the_attended_area_mattered_when_the_evidence_lies_there() -> None:
    found = deletion_check(RedSpot(), picture((5, 2)), "A", looking_at(5, 2), budget=BUDGET)
    assert found.as_is == pytest.approx(0.99, abs=0.01)
    assert found.blanked == pytest.approx(0.07, abs=0.06)
    assert found.attended_masked < 0.3  # some of the red is left in the blur
    assert len(found.random_masked) == 3
    assert found.random_mean > 0.5
    assert found.masked.sum() == 6
    assert found.masked[2, 5]
    assert found.verdict == "attended area mattered"
    assert "looked at" in found.sentence


def test_only_the_image_mattered_when_it_looked_elsewhere() -> None:
    found = deletion_check(RedSpot(), picture((0, 7)), "A", looking_at(5, 2))
    assert found.attended_masked == pytest.approx(found.as_is)
    assert found.verdict == "image mattered"


class Unlikely(RedSpot):
    """Adds a text of e^-2000 before each answer, as long completions are."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        scores = super().score(items, priority=priority, budget=budget)
        for each in scores:
            each.logprobs[-1] -= 2_000
        return scores


def test_a_long_text_is_weighed_though_no_number_holds_its_probability() -> None:
    check = deletion_check(Unlikely(), picture((5, 2)), "A", looking_at(5, 2), budget=BUDGET)
    assert 0 < check.blanked < check.as_is
    assert check.verdict == "attended area mattered"


def test_neither_mattered_when_the_picture_decides_nothing() -> None:
    found = deletion_check(RedSpot(), picture(None), "B", looking_at(5, 2))
    assert (found.as_is, found.blanked) == (1.0, 1.0)
    assert found.verdict == "neither"


@pytest.mark.parametrize(
    ("spot", "answer", "scored"),
    [
        (None, "B", [3, 1]),  # neither, nor with all of it blurred
        ((0, 7), "A", [3]),  # masking leaves it so likely that no other place can compare
        ((5, 2), "A", [3, 3]),  # the area mattered
    ],
)
def test_other_places_are_scored_only_if_they_can_change_the_verdict(
    spot: tuple[int, int] | None, answer: str, scored: list[int]
) -> None:
    engine, fully = Counted(), Counted()
    check = deletion_check(engine, picture(spot), answer, looking_at(5, 2))
    complete = deletion_check(fully, picture(spot), answer, looking_at(5, 2), complete=True)
    assert [len(pictures) for pictures in engine.scored] == scored
    settled = scored != [3, 3]
    assert check.random_masked == (() if settled else complete.random_masked)
    assert len(complete.random_masked) == 3
    assert check.verdict == complete.verdict


@given(*[st.floats(0, 1)] * 3, st.lists(st.floats(0, 1), max_size=3))
def test_what_is_settled_stays(
    as_is: float, blanked: float, attended: float, others: list[float]
) -> None:
    first = DeletionCheck(as_is, blanked, attended, (), np.zeros((1, 1), bool))
    if first.is_settled:
        assert replace(first, random_masked=tuple(others)).verdict == first.verdict


def test_the_whole_is_its_mean_colour_and_a_place_is_blurred() -> None:
    engine = Counted()
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    prompt = Prompt("Is there red?", (as_prompt_image(Image.fromarray(noise), BOX),))
    check = deletion_check(engine, prompt, "A", looking_at(5, 2), complete=True)
    as_is, blanked, attended = engine.scored[0]
    assert (as_is == noise).all()
    assert len(np.unique(blanked.reshape(-1, 3), axis=0)) == 1
    assert blanked[0, 0] == pytest.approx(noise.mean((0, 1)), abs=0.5)
    masks = [check.masked, *draw_other_masks(check.masked, 3, 0)]
    for masked, mask in zip([attended, *engine.scored[1]], masks, strict=True):
        changed = (masked != noise).any(2).reshape(8, 28, 8, 28).mean((1, 3)) > 0.9
        assert (changed == mask).all()
        cells = masked.reshape(8, 28, 8, 28, 3).std((1, 3, 4))
        assert cells[changed].max() < 10 < 50 < cells[~changed].min()


def test_the_method_names_its_fill_version_and_controls() -> None:
    check = deletion_check(RedSpot(), picture(None), "B", looking_at(5, 2))
    assert check.method == CheckMethod("blur", 2, 3, None)
    assert check.method.describe("m").startswith("Masked by blur (check version 2). Its controls")
    assert "bench maps --model m`" in check.method.describe("m")
    figures = ControlFigures(1.0, 0.72, 1.0, 0.54, 0.45, 0.62, 30)
    assert CheckMethod(controls=figures).describe("m") == (
        "Masked by blur (check version 2). Control: the true evidence matters in 100 % (72 to "
        "100), a random place in 54 % (45 to 62) of comparisons."
    )
    failed = replace(figures, negative_control_low=0.55)
    assert "failed its controls" in CheckMethod(controls=failed).describe("m")


def test_another_picture_of_the_prompt_is_left_as_it_is() -> None:
    both = replace(picture(None), images=(*picture(None).images, *picture((5, 2)).images))
    second = replace(looking_at(5, 2), image_index=1)
    assert deletion_check(RedSpot(), both, "A", second).verdict == "attended area mattered"
    assert deletion_check(RedSpot(), both, "A", looking_at(5, 2)).verdict == "neither"


def test_an_empty_answer_cannot_be_checked() -> None:
    with pytest.raises(PromptError, match="no answer to check"):
        deletion_check(RedSpot(), picture(None), " \n", looking_at(1, 1))


@pytest.mark.parametrize(
    ("as_is", "blanked", "attended", "others", "verdict"),
    [
        (0.9, 0.61, 0.61, (0.9,), "neither"),  # both change too little
        (0.9, 0.85, 0.1, (0.9,), "attended area mattered"),  # its mean colour says the same
        (0.9, 0.59, 0.1, (0.9,), "attended area mattered"),
        (0.9, 0.1, 0.5, (0.9, 0.49), "image mattered"),  # another place mattered more
        (0.9, 0.1, 0.65, (0.9, 0.9), "image mattered"),  # lower, but by less than the factor
        (0.1, 0.9, 0.1, (0.1,), "image mattered"),  # it speaks against the answer
        (0.9, 0.1, 0.1, (), "image mattered"),  # no other place to compare with
        (0.0, 0.0, 0.0, (0.0,), "neither"),  # too unlikely to be told apart
    ],
)
def test_the_rule_of_the_verdict(
    as_is: float, blanked: float, attended: float, others: tuple[float, ...], verdict: str
) -> None:
    check = DeletionCheck(as_is, blanked, attended, others, np.zeros((1, 1), bool))
    assert check.verdict == verdict


@given(
    st.integers(1, 6), st.integers(1, 6), st.integers(0, 10), st.integers(0, 9), st.integers(0, 99)
)
def test_moved_masks_have_the_same_area_and_other_places(
    rows: int, columns: int, draws: int, seed: int, cells: int
) -> None:
    mask = np.random.default_rng(cells).random((rows, columns)) < 0.3
    mask[0, 0] = True
    places = draw_other_masks(mask, draws, seed)
    assert len(places) <= draws
    assert not any((place & mask).any() for place in places)
    assert len({place.tobytes() for place in places} | {mask.tobytes()}) == len(places) + 1
    assert all(place.sum() == mask.sum() for place in places)


def cross(side: int) -> NDArray[np.bool_]:
    """A row and a column: it meets itself wherever it is shifted."""
    mask = np.zeros((side, side), bool)
    mask[0] = mask[:, 0] = True
    return mask


def test_a_mask_that_cannot_be_shifted_off_itself_is_drawn_anew() -> None:
    assert [place.sum() for place in draw_other_masks(cross(5), 3, 0)] == [9, 9, 9]
    assert draw_other_masks(cross(3), 3, 0) == []  # five of nine cells: no room


def test_one_cell_cannot_be_moved() -> None:
    assert draw_other_masks(np.ones((1, 1), bool), 8, 0) == []


def test_a_mask_covers_its_cells_and_no_others() -> None:
    mask = np.zeros((3, 5), bool)
    mask[1, 4] = mask[0, 0] = True
    found = np.asarray(fill_grey(Image.new("RGB", (100, 50), "white"), mask))
    grey = (found == GREY).all(axis=-1)
    assert grey.sum() == 20 * 17 + 20 * 16
    assert grey[:17, :20].all()
    assert grey[17:33, 80:].all()


def test_more_cells_than_pixels_do_no_harm() -> None:
    mask = np.ones((4, 4), bool)
    found = fill_grey(Image.new("RGB", (2, 1), "white"), mask)
    assert found.getpixel((0, 0)) == GREY


def test_tokens_that_hold_part_of_the_answer_count_whole() -> None:
    scores = TokenScores((1, 2, 3), (4, 7, 9), np.log([0.5, 0.25, 0.5]).astype(np.float32))
    assert answer_log_probability(scores, 4, 7) == pytest.approx(math.log(0.25))
    assert answer_log_probability(scores, 6, 8) == pytest.approx(math.log(0.125))
    assert answer_log_probability(scores, 9, 9) == 0.0


def test_other_places_have_tissue_as_the_masked_one_does() -> None:
    masked, tissue = np.zeros((8, 8), np.bool_), np.zeros((8, 8), np.bool_)
    masked[0, :3] = True
    tissue[:2] = True  # the rest is glass
    for other in draw_other_masks(masked, 3, 0, tissue):
        assert (other & tissue).sum() >= 2
        assert not (other & masked).any()
    picture = Image.new("RGB", (224, 224), "white")
    picture.paste((200, 120, 160), (0, 0, 224, 56))
    assert np.array_equal(find_tissue(picture, (8, 8)), tissue)
    # where there is too little, open space has to do
    assert len(draw_other_masks(masked, 3, 0, masked)) == 3
