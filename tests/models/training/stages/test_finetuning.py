from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from models.messages import Box, PromptImage
from models.processing import load_processor, prepare_prompt
from models.prompts import QuestionText, build_prompt
from models.registry import DEFAULT_MODEL, list_models, resolve_model
from models.training.data.items import TrainingItem, make_items
from models.training.data.tiles import read_tiles
from models.training.specimen.claims import required_claims
from models.training.specimen.grammar import SHORT_QUESTION, short_answer, write_trace
from models.training.stages.finetuning import (
    ItemSource,
    TuningConfig,
    compute_loss,
    evaluate,
    render_items,
    train_tuning,
)
from models.training.trainer.encoding import IGNORE_INDEX, Encoder, collate
from models.training.trainer.run_folder import load_network

PICTURE = Image.fromarray(np.full((84, 112, 3), 200, dtype=np.uint8))


def config(tiles: Path, **changes: Any) -> TuningConfig:
    loop = {"steps": 2, "accumulate": 1, "learning_rate": 1e-3, "warmup": 0}
    given: dict[str, Any] = {"data": (tiles,), "items": 8, "validation_items": 8, "batch": 2}
    return TuningConfig(**given | {"traces": 0.5, "loop": loop} | changes)


@pytest.fixture
def encoder(mini_checkpoint: Path) -> Encoder:
    return Encoder(load_processor(mini_checkpoint))


@pytest.fixture
def items(tiles: Path) -> list[TrainingItem]:
    return list(make_items(read_tiles(tiles), "train", count=12, seed=1))


def test_what_is_learnt_is_what_is_asked(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    """The prompt's tokens are those that the backend makes of the same question."""
    processor = load_processor(mini_checkpoint)
    model = next(each for each in list_models() if each.name == DEFAULT_MODEL)
    packed = io.BytesIO()
    PICTURE.save(packed, "PNG")
    image = PromptImage(packed.getvalue(), Box(0, 0, *PICTURE.size))
    for item in items:
        prompt = build_prompt(QuestionText(item.question, item.options), (image,), model)
        asked = prepare_prompt(processor, prompt, model.budget).tensors
        encoded = encoder.encode_trace(item, PICTURE)
        learnt = encoded.labels != IGNORE_INDEX
        assert encoded.tensors["input_ids"][~learnt].equal(asked["input_ids"][0])
        assert encoded.tensors["pixel_values"].equal(asked["pixel_values"])
        said = processor.tokenizer.decode(encoded.labels[learnt])
        words = write_trace(item.question_type, item.facts, item.options, item.gold)
        assert said == words + "<|im_end|>"


def test_the_picture_decides_the_answer_and_the_claims(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    tokenizer = load_processor(mini_checkpoint).tokenizer
    for item in items:
        encoded = encoder.encode_trace(item, PICTURE)
        decided = [tokenizer.decode([i]) for i in encoded.tensors["input_ids"][encoded.decided]]
        assert encoded.tensors["input_ids"][encoded.decided].equal(encoded.labels[encoded.decided])
        assert item.gold.startswith(decided[-1].strip())
        for claim in required_claims(item.question_type, item.facts):
            values = item.facts.claims[claim]
            assert any(word.strip() in value.split() for word in decided for value in values), claim


def test_a_short_answer_is_asked_for_in_its_own_words(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    tokenizer = load_processor(mini_checkpoint).tokenizer
    encoded = encoder.encode_short(items[0], PICTURE)
    assert SHORT_QUESTION in tokenizer.decode(encoded.tensors["input_ids"])
    said = tokenizer.decode(encoded.labels[encoded.labels != IGNORE_INDEX])
    assert said == short_answer(items[0].facts) + "<|im_end|>"


def test_padding_is_neither_seen_nor_learnt(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    network = load_network(mini_checkpoint)
    one = encoder.encode_short(items[0], PICTURE)
    long = encoder.encode_trace(items[1], PICTURE.resize((56, 56)))
    together, alone = collate([one, long]), collate([one])
    length = alone["input_ids"].shape[1]
    assert together["attention_mask"][0].sum() == length
    assert (together["labels"][0, length:] == IGNORE_INDEX).all()
    assert not together["decided"][0, length:].any()
    logits = [
        network(**{k: v for k, v in batch.items() if k not in {"labels", "decided"}}).logits
        for batch in (together, alone)
    ]
    torch.testing.assert_close(logits[0][0, :length], logits[1][0], rtol=1e-4, atol=1e-4)


def test_tokens_that_the_picture_decides_weigh_more(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    network = load_network(mini_checkpoint)
    batch = collate([encoder.encode_trace(items[0], PICTURE)])
    logits = network(**{k: v for k, v in batch.items() if k not in {"labels", "decided"}}).logits
    lost = torch.nn.functional.cross_entropy(
        logits[0, :-1], batch["labels"][0, 1:], reduction="none", ignore_index=IGNORE_INDEX
    )
    decided, learnt = batch["decided"][0, 1:], batch["labels"][0, 1:] != IGNORE_INDEX
    plain = lost.sum() / learnt.sum()
    weighted = (lost.sum() + 2 * lost[decided].sum()) / (learnt.sum() + 2 * decided.sum())
    for weight, expected in ((1.0, plain), (3.0, weighted)):
        loss, figures = compute_loss(network, batch, weight)
        assert loss.item() == pytest.approx(expected.item(), rel=0.02)  # of bfloat16
    assert 0 <= figures["decided_right"] <= 1


def test_a_batch_is_drawn_from_its_step_alone(tiles: Path, encoder: Encoder) -> None:
    given = config(tiles)
    shown = render_items(given, "train", 8)
    one, other = (ItemSource(shown, given, encoder) for _ in range(2))
    other.batch(5, 0)
    assert one.batch(2, 1)["pixel_values"].equal(other.batch(2, 1)["pixel_values"])
    assert one.batch(2, 1)["input_ids"].equal(other.batch(2, 1)["input_ids"])


def test_batches_of_text_stand_beside_those_of_pictures(tiles: Path, encoder: Encoder) -> None:
    given = config(tiles, wordings=1, kinds={"tagged": 1.0})
    source = ItemSource(render_items(given, "train", 8), given, encoder)
    assert "pixel_values" not in source.batch(3, 0)
    assert len(source.batch(3, 0)["labels"]) == 4 * given.batch
    assert source.batch(3, 0)["labels"].equal(source.batch(3, 0)["labels"])
    assert "pixel_values" in source.batch(3, 1)


def test_the_stage_leaves_the_tower_and_says_how_it_asked(
    tmp_path: Path, tiles: Path, mini_checkpoint: Path, encoder: Encoder
) -> None:
    given = config(tiles, split="rl", wordings=1)
    train_tuning(given, mini_checkpoint, tmp_path / "run", resume=False)
    result = tmp_path / "run" / "checkpoint"
    before = load_network(mini_checkpoint).state_dict()
    after = load_network(result).state_dict()
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert changed
    assert not any(name.startswith("model.visual.") for name in changed)
    assert resolve_model(str(result)).question_types == encoder.model.question_types
    told = evaluate(load_network(result), render_items(given, "validation", 8), encoder, True)
    assert 0 <= told["last"] <= 1


def test_what_the_mix_does_not_know_is_told(tiles: Path) -> None:
    with pytest.raises(ValidationError, match="there is no blurry; known are types"):
        config(tiles, mix={"blurry": 0.5})
    with pytest.raises(ValidationError, match="split"):
        config(tiles, split="test")
