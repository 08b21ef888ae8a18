# ruff: noqa: ARG002 - the library names what it calls with
"""Metrics of TRL's trainers, under the names and in the file of the plain loop."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models.training.trainer.run_folder import note_figures

COMPLETE_MARK = "whole"
"""File that marks a checkpoint as complete."""
METRIC_NAMES = {
    "completions/mean_length": "completion_tokens",
    "completions/clipped_ratio": "cut_off",
    "frac_reward_zero_std": "groups_alike",
    "mean_token_accuracy": "right",
    "rewards/accuracies": "chosen_first",
    "rewards/margins": "margin",
}
"""Our names of TRL's figures."""
OMITTED_METRICS = ("epoch", "num_tokens", "step_time", "total_flos")


class Metrics(TrainerCallback):
    """Writes figures as the plain loop does, shows progress, and marks complete checkpoints."""

    def __init__(self, out: Path, steps: int) -> None:
        self._out = out
        self._started = time.monotonic()
        self._bar = tqdm(total=steps, mininterval=5)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Advance the bar."""
        self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Log the figures."""
        figures = {
            rename_metric(name): float(value)
            for name, value in (logs or {}).items()
            if isinstance(value, int | float) and rename_metric(name)
        }
        if "loss" in figures and state.is_world_process_zero:
            figures["seconds"] = time.monotonic() - self._started
            tqdm.write(note_figures(self._out, state.global_step, figures), file=sys.stderr)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Mark the checkpoint as complete."""
        (self._out / f"checkpoint-{state.global_step}" / COMPLETE_MARK).touch()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the bar."""
        self._bar.close()


def rename_metric(name: str) -> str:
    """Our name of a TRL figure; empty if it is not logged."""
    if name in METRIC_NAMES:
        return METRIC_NAMES[name]
    if name.startswith("rewards/") and name.endswith("/mean"):
        return "reward_" + name.split("/")[1].removesuffix("_reward")
    return "" if "/" in name or name in OMITTED_METRICS or name.startswith("train_") else name
