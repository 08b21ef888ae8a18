"""Reinforcement learning: GRPO with the outcome reward alone, or with the process reward beside it.

The recipe is PathVLM-R1's (arXiv 2504.09258): of each question several rollouts, their rewards held
against each other, the vision tower frozen, and a pull back to where training began.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from models.errors import CheckpointError
from models.judges.endpoint_judge import EndpointJudge
from models.judges.judge import Judge
from models.judges.request import JudgeEndpoint
from models.training.data.tiles import DataError
from models.training.data.trl_rows import require_columns
from models.training.specimen.claims import MeasuredClaimsJudge
from models.training.trainer.rewards import ProcessReward, accuracy_reward, format_reward
from models.training.trainer.run_folder import begin_run, find_start_model
from models.training.trainer.trl import (
    QuietTrainer,
    TrainerConfig,
    limit_pixel_budget,
    lora_config,
    open_network,
    open_processor,
    read_rows,
    run_trainer,
    trainer_arguments,
    write_result,
)

RewardName = Literal["accuracy", "format", "process"]
COLUMNS = ("prompt", "gold")


class GrpoConfig(TrainerConfig):
    """A run of this stage."""

    questions: int = Field(default=2, ge=1)
    """Questions of one step."""
    group: int = Field(default=4, ge=2)
    """Rollouts of each question, whose rewards are held against each other."""
    rollouts_at_once: int | None = Field(default=None, ge=1)
    """Rollouts that one pass forward and back is over; all of a step if left out."""
    max_new_tokens: int = Field(default=128, ge=1)
    """Longest rollout."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts."""
    beta: float = Field(default=0.04, ge=0)
    """Weight of the divergence from the network that training began with."""
    rewards: dict[RewardName, float] = Field(min_length=1)
    """Rewards by name, with their weights."""
    judge: Literal["measured-claims"] | JudgeEndpoint = "measured-claims"
    """Who gives the process reward: the claims as they were measured, or an endpoint."""

    @model_validator(mode="after")
    def _whole_parts(self) -> GrpoConfig:
        if self.rollouts % (self.rollouts_at_once or 1):
            message = f"rollouts_at_once must divide questions x group = {self.rollouts}"
            raise ValueError(message)
        return self

    @property
    def rollouts(self) -> int:
        """Rollouts of one step."""
        return self.questions * self.group


class Grpo(QuietTrainer, GRPOTrainer):
    """TRL's trainer, kept quiet."""


def train_grpo(config: GrpoConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start`; the result is in `out/checkpoint`.

    `start` is also what the divergence is measured from. Adapters are merged into the result's
    weights and kept in `out/adapters`. Raises ModelError for what cannot be trained.
    """
    model = find_start_model(start)
    if not model.train_allowed:
        message = f"The licence of “{model.name}” ({model.licence}) forbids training on its output."
        raise CheckpointError(message)
    processor = open_processor(start)
    model = replace(model, budget=limit_pixel_budget(config, processor))
    judge = open_judge(config)
    begin_run(out, "grpo", config, start, resume=resume)
    rows = read_rows(config, "rl", model, out)
    require_columns(rows, COLUMNS)
    if len(rows) < config.questions:
        message = f"{len(rows)} items are fewer than the {config.questions} questions of a step."
        raise DataError(message)
    trainer = Grpo(
        model=open_network(config, start),
        reward_funcs=[reward(name, judge) for name in config.rewards],
        args=grpo_arguments(config, out),
        train_dataset=rows,
        processing_class=processor,
        peft_config=lora_config(config),
    )
    run_trainer(trainer, config, out, resume=resume)
    if isinstance(judge, EndpointJudge):
        tally_json = vars(judge.tally) | {"cost": judge.tally.cost(judge.endpoint)}
        (out / "judge.json").write_text(json.dumps(tally_json, indent=1), encoding="utf-8")
        judge.close()
    write_result(trainer, start, out, model)


def open_judge(config: GrpoConfig) -> Judge:
    """The judge that the config names; an endpoint is not asked yet."""
    if isinstance(config.judge, JudgeEndpoint):
        return EndpointJudge(config.judge)
    return MeasuredClaimsJudge()


def reward(name: RewardName, judge: Judge) -> Callable[..., list[float | None]]:
    """A reward by its name in a config."""
    if name == "process":
        return ProcessReward(judge)
    return accuracy_reward if name == "accuracy" else format_reward


def grpo_arguments(config: GrpoConfig, out: Path) -> GRPOConfig:
    """The config as TRL takes it.

    The loss is the mean over each rollout and then over rollouts, and the divergence's estimator is
    left as it is, both as in the paper; TRL's defaults have moved on.
    """
    at_once = config.rollouts_at_once or config.rollouts
    return GRPOConfig(
        **trainer_arguments(config, out),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=config.rollouts // at_once,
        num_generations=config.group,
        max_completion_length=config.max_new_tokens,
        temperature=config.temperature,
        beta=config.beta,
        loss_type="grpo",
        use_bias_correction_kl=False,
        reward_weights=list(config.rewards.values()),
    )
