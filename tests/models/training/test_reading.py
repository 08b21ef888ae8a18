from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from models.processing import load_processor
from models.training.encoding import IGNORED, Encoded, Encoder
from models.training.fresh import network_config, train_tokenizer
from models.training.language import NONE_OF_THESE
from models.training.looking_back import look_back
from models.training.reading import LanguageConfig, train_language
from models.training.showing import Mix
from models.training.stages import load_network
from models.training.wording import KINDS, Wording


@pytest.fixture(scope="module")
def wording(mini_checkpoint: Path) -> Wording:
    processor = load_processor(mini_checkpoint)
    return Wording(Encoder(processor), processor.tokenizer, replace(Mix(), free_form=0.0))


def text_of(wording: Wording, sequence: Encoded) -> tuple[str, str]:
    """The whole of it, and what of it is learnt."""
    learnt = sequence.labels != IGNORED
    ids = sequence.tensors["input_ids"]
    return wording.tokenizer.decode(ids), wording.tokenizer.decode(ids[learnt])


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_can_be_found_is_learnt(wording: Wording, kind: str) -> None:
    for seed in range(50):
        sequence = wording.draw(kind, random.Random(seed))
        whole, learnt = text_of(wording, sequence)
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


def test_the_same_draw_gives_the_same_sequence(wording: Wording) -> None:
    one, other = (wording.draw("listed", random.Random(3)) for _ in range(2))
    assert one.tensors["input_ids"].equal(other.tensors["input_ids"])


def test_heads_of_the_first_layer_look_back_by_their_number() -> None:
    torch.manual_seed(0)
    config = network_config("tiny", len(train_tokenizer()))
    config.text_config._attn_implementation = "eager"
    network = Qwen2_5_VLForConditionalGeneration(config)
    look_back(network.model.language_model)
    ids = torch.randint(100, 500, (1, 24))
    with torch.no_grad():
        weights = network(ids, output_attentions=True).attentions[0][0]  # (heads, to, from)
    for head, rows in enumerate(weights):
        late = rows[8:]
        assert (late.argmax(-1) == torch.arange(8, 24) - head - 1).all()
        assert late.max(-1).values.mean() > 0.5


def test_the_stage_trains_the_language_model_alone(tmp_path: Path, mini_checkpoint: Path) -> None:
    config = LanguageConfig(
        batch=4,
        kinds=dict.fromkeys(KINDS, 1.0),
        validation=4,
        loop={"steps": 3, "accumulate": 2, "learning_rate": 1e-3, "averaging": 0},
    )
    train_language(config, mini_checkpoint, tmp_path / "run", resume=False)
    before = load_network(mini_checkpoint).state_dict()
    after = load_network(tmp_path / "run" / "checkpoint").state_dict()
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert "model.language_model.layers.0.self_attn.q_proj.weight" in changed
    assert not any(name.startswith("model.visual.") for name in changed)
    noted = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert all(f"validation_{kind}" in noted for kind in KINDS)
