"""Where a model looks, by one that looks at red and one that never does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models.deletion_check import DeletionCheck
from models.errors import ModelError
from models.evaluation.items import EvaluationItem
from models.evaluation.measurement import prompt_writer
from models.registry import DEFAULT_MODEL, list_models
from models.training.specimen.attention_check import (
    attention_check,
    fullest_quadrant,
    reference_trace,
    share_less_harmful,
    with_quadrant,
)
from models.training.specimen.grammar import CLAIM_VALUES
from models.training.specimen.random_init import write_fresh_checkpoint
from models.training.trainer.weight_shuffling import write_shuffled
from tests.models.red_spot import RedSpot

QUADRANTS = CLAIM_VALUES["most nuclei"]
WRITE = prompt_writer(next(model for model in list_models() if model.name == DEFAULT_MODEL))


def item(folder: Path, number: int, gold: str = "") -> EvaluationItem:
    """A grey picture with a red spot in a quadrant; the others in turn."""
    quadrant = QUADRANTS[number % 4]
    rgb = np.full((224, 224, 3), 120, dtype=np.uint8)
    down, across = 140 * ("lower" in quadrant), 140 * ("right" in quadrant)
    rgb[down : down + 56, across : across + 56] = (255, 0, 0)
    path = folder / f"{number}.png"
    Image.fromarray(rgb).save(path)
    facts = {"tissue": ["present"], "focus": ["sharp"], "most nuclei": [quadrant]}
    return EvaluationItem(
        id=str(number),
        image=path,
        question="Which quadrant has most nuclei?",
        gold=gold or quadrant,
        options=(*QUADRANTS, "none of these"),
        group=str(number),
        question_type="quadrant",
        label="other tissue",
        facts=facts,
    )


def test_a_model_that_looks_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    items = [item(tmp_path, number) for number in range(8)]
    seeing = RedSpot(about="nuclei", decided="left")
    found = attention_check(seeing, RedSpot(about="nothing"), items, WRITE)
    assert (found["n"], found["groups"], found["right"]) == (8, 8, 1.0)
    assert found["shuffled"] == 0.25  # an even map: the first quadrant is taken
    assert found["difference"] == 0.75
    assert found["p"] == pytest.approx(2 / 2**6)
    # where "right" is the word that it names, nothing hangs on the picture: half
    assert found["masking_hurts_more"] == 0.75
    assert found["masking_factor"] > 1
    assert sum(found["verdicts"].values()) == 8


def test_the_trace_and_its_decisive_words(tmp_path: Path) -> None:
    told = reference_trace(item(tmp_path, 2))
    assert told.text[slice(*told.value)] == told.quadrant == "lower left"
    assert told.text[slice(*told.step)] == "3. Most nuclei: lower left."
    assert told.text.endswith("<answer>C</answer>")
    declined = reference_trace(
        replace(item(tmp_path, 2, gold="none of these"), options=("none of these",))
    )
    assert "which is not offered" in declined.text
    free = reference_trace(replace(item(tmp_path, 2), options=()))
    assert free.text.endswith("<answer>lower left</answer>")


@pytest.mark.parametrize(
    ("shape", "cell", "quadrant"),
    [
        ((2, 2), (1, 0), "lower left"),
        ((3, 4), (2, 3), "lower right"),
        ((3, 3), (0, 2), "upper right"),
        ((1, 2), (0, 1), "upper right"),  # one row is half upper and half lower: the first
    ],
)
def test_the_fullest_quadrant(shape: tuple[int, int], cell: tuple[int, int], quadrant: str) -> None:
    weights = np.full(shape, 0.01, dtype=np.float32)
    weights[cell] = 1
    assert fullest_quadrant(weights) == quadrant


def test_how_much_more_a_mask_hurts() -> None:
    check = DeletionCheck(0.9, 0.1, 0.5, (0.4, 0.5, 0.6, 0.7), np.ones((1, 1), bool))
    assert share_less_harmful(check) == 0.625
    assert share_less_harmful(replace(check, random_masked=())) == 0.5


def test_only_single_tiles_with_a_known_quadrant(tmp_path: Path) -> None:
    fine = item(tmp_path, 0)
    others = [replace(fine, label=None), replace(fine, facts={}), replace(fine, question_type="x")]
    assert with_quadrant([*others, fine]) == [fine]
    with pytest.raises(ModelError, match="train items"):
        with_quadrant(others)
    with pytest.raises(ModelError, match="name no quadrant"):
        reference_trace(others[1])


def test_shuffled_weights_are_the_same_values_elsewhere(tmp_path: Path) -> None:
    made = write_fresh_checkpoint(tmp_path / "mini", size="mini")
    shuffled = write_shuffled(made, tmp_path / "shuffled")
    again = write_shuffled(made, tmp_path / "again")
    assert {path.name for path in shuffled.iterdir()} == {path.name for path in made.iterdir()}
    before, after = (load_file(folder / "model.safetensors") for folder in (made, shuffled))
    changed = 0
    for name, tensor in before.items():
        assert torch.equal(tensor.flatten().sort()[0], after[name].flatten().sort()[0])
        changed += not torch.equal(tensor, after[name])
    assert changed > 10
    same = load_file(again / "model.safetensors")
    assert all(torch.equal(tensor, same[name]) for name, tensor in after.items())
