from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from transformers import (
    PretrainedConfig,
    PreTrainedTokenizerBase,
    Qwen2_5_VLForConditionalGeneration,
)

from models.processing import load_processor
from models.training.specimen.grammar import NONE_OF_THESE
from models.training.specimen.mimetic_init import initialise_mimetic_attention
from models.training.specimen.picture_sampler import ItemMix
from models.training.specimen.random_init import network_config, train_tokenizer
from models.training.specimen.text_pretraining import KINDS, TextSampler
from models.training.trainer.encoding import IGNORE_INDEX, Encoder, TrainingSequence


@pytest.fixture(scope="module")
def wording(mini_checkpoint: Path) -> TextSampler:
    return TextSampler(Encoder(load_processor(mini_checkpoint)), ItemMix())


def text_of(sequence: TrainingSequence, tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """The whole of it, and what of it is learnt."""
    ids = sequence.tensors["input_ids"]
    learnt = ids[sequence.labels != IGNORE_INDEX]
    return str(tokenizer.decode(ids)), str(tokenizer.decode(learnt))


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_can_be_found_is_learnt(
    wording: TextSampler, mini_checkpoint: Path, kind: str
) -> None:
    tokenizer = load_processor(mini_checkpoint).tokenizer
    for seed in range(50):
        sequence = wording.draw(kind, random.Random(seed))
        whole, learnt = text_of(sequence, tokenizer)
        assert learnt
        assert "pixel_values" not in sequence.tensors
        if kind == "repeated":
            assert whole == learnt * 2
        if kind in {"tagged", "listed"}:
            options = [line.split(". ", 1) for line in whole.split("\n") if ". " in line][:-1]
            by_letter = {line[0][-1]: line[1] for line in options}
            for named in whole.rsplit("assistant\n", 1)[1].strip().rstrip(".").split(". "):
                option, letter = named.rstrip(")").rsplit(" (", 1)
                shown = option.split(", which is not offered, so ")[-1]
                assert by_letter[letter] == shown
                if shown != option:
                    assert shown == NONE_OF_THESE
                    assert option.split(",")[0] not in by_letter.values()
        if kind == "traced":
            assert f"Conclusion:{learnt}" in whole
            assert learnt.endswith("</answer><|im_end|>")


def test_the_same_draw_gives_the_same_sequence(wording: TextSampler) -> None:
    one, other = (wording.draw("listed", random.Random(3)) for _ in range(2))
    assert one.tensors["input_ids"].equal(other.tensors["input_ids"])


def test_heads_of_the_first_layer_look_back_by_their_number() -> None:
    torch.manual_seed(0)
    config = network_config("tiny", len(train_tokenizer()))
    assert isinstance(config.text_config, PretrainedConfig)
    config.text_config._attn_implementation = "eager"
    network = Qwen2_5_VLForConditionalGeneration(config)
    initialise_mimetic_attention(network.model.language_model)
    ids = torch.randint(100, 500, (1, 24))
    with torch.no_grad():
        weights = network(ids, output_attentions=True).attentions[0][0]  # (heads, to, from)
    for head, rows in enumerate(weights):
        late = rows[8:]
        assert (late.argmax(-1) == torch.arange(8, 24) - head - 1).all()
        assert late.max(-1).values.mean() > 0.5
