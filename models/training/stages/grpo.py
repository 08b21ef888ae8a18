"""Reinforcement learning: GRPO with the outcome reward, alone or with the process reward.

The method is PathVLM-R1's (arXiv 2504.09258): several rollouts per question, rewards relative to
each other, the vision tower frozen, and a divergence penalty towards the initial network.
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
from models.judges.base import Judge
from models.judges.endpoint_judge import EndpointJudge
from models.judges.request import JudgeEndpoint
from models.reward import RewardPart
from models.training.data.tiles import DataError
from models.training.data.trl_rows import require_columns
from models.training.specimen.claims import MeasuredClaimsJudge
from models.training.trainer.reward_functions import (
    ProcessReward,
    accuracy_reward,
    format_reward,
    score_floor,
)
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

COLUMNS = ("prompt", "gold")
FLOOR_ROWS = 16
"""Rows on which a trace of empty phrases is judged before training."""


class GrpoConfig(TrainerConfig):
    """Config of this stage."""

    questions: int = Field(default=2, ge=1)
    """Questions per step."""
    group: int = Field(default=4, ge=2)
    """Rollouts per question, whose rewards are compared."""
    rollouts_at_once: int | None = Field(default=None, ge=1)
    """Rollouts per forward and backward pass; by default all of a step."""
    max_new_tokens: int = Field(default=128, ge=1)
    """Longest rollout."""
    temperature: float = Field(default=1.0, gt=0)
    """Temperature of the rollouts."""
    beta: float = Field(default=0.04, ge=0)
    """Weight of the divergence from the initial network."""
    rewards: dict[RewardPart, float] = Field(min_length=1)
    """Weights of the rewards of `models.reward`, by name."""
    aggregation: Literal["sum_then_normalize", "normalize_then_sum"] = "sum_then_normalize"
    """Whether the sum of a rollout's rewards is compared within its group, as in the paper, or each
    reward by itself before they are summed, so that each counts alike (GDPO, arXiv 2601.05242).
    """
    scale_advantages: Literal["group", "batch", "none"] = "group"
    """Standard deviation by which advantages are divided: `none` keeps small differences small."""
    judge: Literal["measured-claims"] | JudgeEndpoint = "measured-claims"
    """Source of the process reward: measured claims or an endpoint."""

    @model_validator(mode="after")
    def _whole_parts(self) -> GrpoConfig:
        if self.rollouts % (self.rollouts_at_once or 1):
            message = f"rollouts_at_once must divide questions x group = {self.rollouts}"
            raise ValueError(message)
        return self

    @property
    def rollouts(self) -> int:
        """Rollouts per step."""
        return self.questions * self.group


class Grpo(QuietTrainer, GRPOTrainer):
    """TRL's trainer without telemetry and model card."""


def train_grpo(config: GrpoConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the checkpoint `start`; the result is in `out/checkpoint`.

    The divergence is measured from `start`. Adapters are merged into the result's weights and also
    stored in `out/adapters`. Raises ModelError for what cannot be trained.
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
    if "process" in config.rewards:
        floor = score_floor(judge, [rows[index] for index in range(min(FLOOR_ROWS, len(rows)))])
        (out / "floor.json").write_text(json.dumps(floor, indent=1), encoding="utf-8")
    run_trainer(trainer, config, out, resume=resume)
    if isinstance(judge, EndpointJudge):
        tally_json = vars(judge.tally) | {"cost": judge.tally.cost(judge.endpoint)}
        (out / "judge.json").write_text(json.dumps(tally_json, indent=1), encoding="utf-8")
        judge.close()
    write_result(trainer, start, out, model)


def open_judge(config: GrpoConfig) -> Judge:
    """Judge named in the config; an endpoint is not contacted yet."""
    if isinstance(config.judge, JudgeEndpoint):
        return EndpointJudge(config.judge)
    return MeasuredClaimsJudge()


def reward(name: RewardPart, judge: Judge) -> Callable[..., list[float | None]]:
    """Reward function by its name in a config."""
    if name == "process":
        return ProcessReward(judge)
    return accuracy_reward if name == "accuracy" else format_reward


def grpo_arguments(config: GrpoConfig, out: Path) -> GRPOConfig:
    """The config in TRL's terms.

    The loss is the mean over each rollout and then over rollouts, and the divergence estimator has
    no bias correction, both as in the paper; TRL's defaults have changed since.
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
        multi_objective_aggregation=config.aggregation,
        scale_rewards=config.scale_advantages,
        use_bias_correction_kl=False,
        reward_weights=list(config.rewards.values()),
    )
