"""What can be wrong with a checkpoint's folder: each one sentence. And Qwen2-VL, which is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration

from models.engines.local.checkpoint import revision
from models.engines.local.checkpoint_loading import load_model
from models.engines.local.engine import LocalEngine
from models.errors import CheckpointError
from models.messages import (
    Completion,
    CompletionEnd,
    GenerateRequest,
    PixelBudget,
    Prompt,
    Sampling,
)
from models.training.specimen.random_init import train_tokenizer
from tests.models.prompt_pictures import prompt_image

WEIGHTS = "model.safetensors"
NORM = "model.norm.weight"
"""The last norm of the language layers, as checkpoints name it."""


def cut_in_half(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def without_a_weight(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights[NORM]
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


def with_a_weight_of_another_shape(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights[NORM] = torch.ones(63)
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


def as_pickle(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def without_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def without_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": WEIGHTS, "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def damaged_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def with_config(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        change(config)
        (folder / "config.json").write_text(json.dumps(config))

    return spoil


def another_tokenizer(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"word{number}" for number in range(100)])
    tokenizer.save_pretrained(folder)


def smaller_tokenizer(folder: Path) -> None:
    train_tokenizer(600).save_pretrained(folder)


def tokenizer_without_pictures(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace("<|image_pad|>", "<|picture|>"))


def other_cells(folder: Path) -> None:
    path = folder / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps(settings | {"patch_size": 16}))


LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut in half": (cut_in_half, "cut off or damaged"),
    "a weight missing": (without_a_weight, "lacks 1 of its weights, such as .*norm.weight"),
    "a weight of another shape": (with_a_weight_of_another_shape, "do not fit its config.json"),
    "pickled weights": (as_pickle, "to safetensors first"),
    "no weights": (without_weights, "lacks its weights"),
    "a shard missing": (without_a_shard, "model-2.safetensors"),
    "damaged config": (damaged_config, "config.json that cannot be read"),
    "another architecture": (with_config(lambda config: config.update(LLAMA)), "LlamaForCausalLM"),
    "a model type that denies it": (
        with_config(lambda config: config.update(model_type="llama")),
        "do not fit its config.json",
    ),
    "quantised": (
        with_config(lambda config: config.update(quantization_config={"bits": 4})),
        "quantised",
    ),
    "sliding windows": (
        with_config(lambda config: config["text_config"].update(use_sliding_window=True)),
        "sliding-window",
    ),
    "more tokens than the network has": (
        another_tokenizer,
        "another model: it has .* tokens where",
    ),
    "fewer tokens than the network has": (
        smaller_tokenizer,
        "another model: it has 604 tokens where",
    ),
    "no picture token": (tokenizer_without_pictures, "its .* is .* where the network has 5"),
    "another cell size": (other_cells, "cells of 32 px"),
}


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_checkpoint_is_a_sentence(
    mini_checkpoint: Path, tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "mini"
    shutil.copytree(mini_checkpoint, folder)
    spoil(folder)
    with pytest.raises(CheckpointError, match=says) as caught:
        LocalEngine(folder, "my model", device="cpu")
    assert "my model" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_device_or_number_format_that_is_not_here_is_a_sentence(mini_checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="'tpu'"):
        LocalEngine(mini_checkpoint, "mini", device="tpu")
    with pytest.raises(CheckpointError, match="'int3'"):
        LocalEngine(mini_checkpoint, "mini", device="cpu", dtype="int3")


def test_what_is_loaded_is_told(mini_checkpoint: Path) -> None:
    budget = PixelBudget(3136, 9000)
    info = load_model(mini_checkpoint, "mini", device="cpu", dtype="bfloat16", budget=budget).info
    assert (info.architecture, info.layers, info.context) == (
        "Qwen2_5_VLForConditionalGeneration",
        2,
        4096,
    )
    assert (info.device, info.dtype, info.attention) == ("cpu", "bfloat16", "sdpa")
    assert info.budget == budget
    assert 200_000 < info.parameters < 400_000
    assert set(info.versions) >= {"torch", "transformers", "tokenizers"}


def test_revisions_tell_trained_weights_apart(mini_checkpoint: Path, tmp_path: Path) -> None:
    weights = load_file(mini_checkpoint / WEIGHTS)
    trained = tmp_path / WEIGHTS
    save_file({name: tensor + 0.001 for name, tensor in weights.items()}, trained)
    again = tmp_path / "again.safetensors"
    save_file(weights, again)
    original = revision(tmp_path, [again])
    assert original == revision(mini_checkpoint, [again]) != revision(tmp_path, [trained])
    commit = tmp_path / ("0123456789" * 4)
    assert revision(commit, [again]) == commit.name


def test_qwen2_vl_answers_too(tmp_path: Path, mini_checkpoint: Path) -> None:
    for path in mini_checkpoint.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, tmp_path)
    config = Qwen2VLConfig(
        text_config={
            "hidden_size": 64,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": len(train_tokenizer()),
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [2, 3, 3],
            },
        },
        vision_config={"depth": 1, "embed_dim": 48, "hidden_size": 64, "num_heads": 3},
        image_token_id=5,
    )
    Qwen2VLForConditionalGeneration(config).save_pretrained(tmp_path)
    backend = LocalEngine(tmp_path, "older", device="cpu")
    prompt = Prompt("What?", (prompt_image(60, 60),))
    events = list(backend.generate(GenerateRequest("a", prompt, Sampling(max_new_tokens=4))))
    assert isinstance(events[-1], CompletionEnd)
    rows = backend.attend(prompt, Completion("So it is.")).rows
    assert rows.shape[1:] == (2, 4)
    backend.close()
