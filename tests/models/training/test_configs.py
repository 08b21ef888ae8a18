"""The configs that are shipped: all of them parse, those for large checkpoints make a step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import BaseModel
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from models.processing import load_processor
from models.registry import resolve_model
from models.reward import ABSENCES, EVENTS, WEIGHTS
from models.training.recipe import DATA_FILE, AverageConfig, NewConfig
from models.training.specimen.random_init import SIZES
from models.training.stages.finetuning import TuningConfig
from models.training.stages.grpo import GrpoConfig, train_grpo
from models.training.stages.preferences import PreferencesConfig
from models.training.stages.sft_trl import SftConfig, train_sft
from models.training.stages.vision import VisionConfig
from models.training.trainer.run_folder import BESIDE_WEIGHTS, load_network, read_config, read_table
from tests.long_cases import long_cases
from tests.models.judges.odd_endpoint import Body, Handler, chat, odd_endpoint

CONFIGS = Path(__file__).resolve().parents[3] / "models" / "recipes"
KINDS: dict[str, type[BaseModel]] = {
    "tiny/00_random_init": NewConfig,
    "tiny/01_vision": VisionConfig,
    "tiny/02_align": TuningConfig,
    "tiny/03_sft": TuningConfig,
    "tiny/04_left_and_right": TuningConfig,
    "tiny/05_all_claims": TuningConfig,
    "tiny/06_all_claims_continued": TuningConfig,
    "tiny/07_missing_options": TuningConfig,
    "tiny/08_average": AverageConfig,
    "tiny/09_long_sft": TuningConfig,
    "tiny/10_options_again": TuningConfig,
    "tiny/11_average": AverageConfig,
    "tiny/12_attention_supervision": TuningConfig,
    "tiny/13_average": AverageConfig,
    "tiny/rl/sft_continued": TuningConfig,
    "tiny/rl/grpo_outcome": GrpoConfig,
    "tiny/rl/grpo_dual": GrpoConfig,
    "medvlm_r1/grpo": GrpoConfig,
    "tiny/rl/preferences": PreferencesConfig,
    "qwen7b/sft": SftConfig,
    "qwen7b/grpo_outcome": GrpoConfig,
    "qwen7b/grpo_dual": GrpoConfig,
}
LARGE = [name for name in KINDS if name.startswith(("qwen7b", "medvlm"))]


def shipped(name: str) -> Any:
    return read_config(CONFIGS / f"{name}.toml", KINDS[name])


def test_the_dual_reward_of_the_paper_is_that_of_the_page() -> None:
    assert shipped("qwen7b/grpo_dual").rewards == WEIGHTS


@pytest.fixture(scope="session")
def mini_qwen2(tmp_path_factory: pytest.TempPathFactory, mini_checkpoint: Path) -> Path:
    """A Qwen2-VL of two layers, as MedVLM-R1 is one."""
    folder = tmp_path_factory.mktemp("qwen2") / "mini"
    folder.mkdir()
    for name in BESIDE_WEIGHTS:
        if (mini_checkpoint / name).exists():
            shutil.copyfile(mini_checkpoint / name, folder / name)
    tokens = load_processor(mini_checkpoint).tokenizer
    text = dict(SIZES["mini"]["text"])
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": text.pop("mrope_section")}
    torch.manual_seed(0)
    network = Qwen2VLForConditionalGeneration(
        Qwen2VLConfig(
            text_config=text | {"vocab_size": len(tokens), "rope_parameters": rope},
            vision_config={"depth": 2, "embed_dim": 48, "hidden_size": 64, "num_heads": 3},
            image_token_id=tokens.convert_tokens_to_ids("<|image_pad|>"),
            video_token_id=tokens.convert_tokens_to_ids("<|video_pad|>"),
            vision_start_token_id=tokens.convert_tokens_to_ids("<|vision_start|>"),
            vision_end_token_id=tokens.convert_tokens_to_ids("<|vision_end|>"),
        )
    )
    network.save_pretrained(folder)
    return folder


def test_every_config_has_its_stage() -> None:
    paths = [path for path in CONFIGS.rglob("*.toml") if path.name != DATA_FILE]
    files = {path.relative_to(CONFIGS).with_suffix("").as_posix() for path in paths}
    assert files == set(KINDS)
    for name in KINDS:
        assert shipped(name)
        assert (CONFIGS / f"{name}.toml").read_text().startswith("# ")


def test_the_dual_reward_adds_the_process_reward_and_nothing_else() -> None:
    for folder in ("tiny/rl", "qwen7b"):
        outcome, dual = (
            read_table(CONFIGS / folder / f"grpo_{kind}.toml") for kind in ("outcome", "dual")
        )
        assert dual.pop("judge")
        assert dual["rewards"].pop("process") == 1.0
        assert dual == outcome


def test_the_recipe_is_the_papers() -> None:
    for name in ("tiny/rl/grpo_outcome", "qwen7b/grpo_outcome", "qwen7b/grpo_dual"):
        config = shipped(name)
        assert (config.group, config.beta) == (4, 0.04)
        assert config.freeze_tower
    assert shipped("qwen7b/sft").learning_rate == 1e-4  # of adapters
    assert shipped("qwen7b/grpo_dual").learning_rate == 1e-5
    assert shipped("qwen7b/grpo_dual").max_pixels == 65_536


def test_the_control_learns_from_the_same_items_with_the_same_parts_frozen() -> None:
    control, trained = shipped("tiny/rl/sft_continued"), shipped("tiny/rl/grpo_dual")
    assert (control.split, control.items, control.data) == ("rl", trained.items, trained.data)
    assert (control.look, control.mix) == (trained.look, trained.mix)
    assert (control.tower_rate, trained.freeze_tower) == (0.0, True)


def lenient(handler: Handler, _: Body) -> None:
    """A reply that misses everything in a trace and finds no error in it: R_process is 0.5."""
    events = {event: {"quote": "", "happened": event in ABSENCES} for event in EVENTS}
    handler.reply(chat(json.dumps(events)))


@pytest.mark.parametrize("name", [*LARGE[:1], *long_cases(*LARGE[1:])])
def test_large_configs_make_a_step(
    tmp_path: Path, name: str, questions: Path, mini_checkpoint: Path, mini_qwen2: Path
) -> None:
    start = mini_qwen2 if name == "medvlm_r1/grpo" else mini_checkpoint
    table = read_table(CONFIGS / f"{name}.toml")
    table |= {"dataset": questions, "steps": 1, "warmup": 0, "note_every": 1}
    out = tmp_path / "run"
    with odd_endpoint(lenient) as endpoint:
        if name == "qwen7b/sft":
            train_sft(SftConfig(**table), start, out, resume=False)
        else:
            table |= {"max_new_tokens": 3}
            if "judge" in table:
                table["judge"] |= {"url": endpoint.url, "cache": tmp_path / "replies"}
            train_grpo(GrpoConfig(**table), start, out, resume=False)
        pictures = [len(body["messages"][1]["content"]) - 1 for body in endpoint.asked]
    figures = json.loads((out / "metrics.jsonl").read_text())
    assert figures["step"] == 1
    assert (out / "adapters" / "adapter_config.json").exists()
    assert type(load_network(out / "checkpoint")) is type(load_network(start))
    assert resolve_model(str(out / "checkpoint")).budget.max_pixels == table["max_pixels"]
    if name == "qwen7b/grpo_dual":
        assert pictures
        assert set(pictures) == {1}
        assert 0 < figures["reward_process"] <= 0.5
        floor = json.loads((out / "floor.json").read_text())
        assert (floor["process_floor"], floor["abstained"]) == (0.5, 0)
        assert json.loads((out / "judge.json").read_text())["requests"] == len(pictures)
