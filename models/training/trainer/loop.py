"""Training loop: AdamW, warm-up and cosine, averaged weights, checkpoints, metrics.

Batches depend only on (seed, step): a killed run continues as if it had not been killed, and
several processes can share batches (`data_parallel.py`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import cos, isfinite, pi
from pathlib import Path
from typing import Any, TypeVar

import torch
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from tqdm import tqdm

from models.errors import CheckpointError, ModelError
from models.training.trainer.data_parallel import is_leader, own_batches, sum_figures, sum_gradients
from models.training.trainer.run_folder import forget_after, note_figures

Batch = TypeVar("Batch")


class LoopConfig(BaseModel):
    """Settings of the training loop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(ge=1)
    """Optimiser steps."""
    accumulate: int = Field(default=4, ge=1)
    """Batches per optimiser step; small batches stay in the processor's cache."""
    learning_rate: float = Field(gt=0)
    """Highest learning rate, after the warm-up."""
    warmup: int = Field(default=50, ge=0)
    """Steps over which the learning rate rises."""
    weight_decay: float = Field(default=0.05, ge=0)
    """AdamW's decay, of matrices only."""
    averaging: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the running average of the weights, which is the result; 0 uses the last weights."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    seed: int = 0
    """Seed of batches and initial weights."""
    save_every: int = Field(default=200, ge=1)
    """Steps between checkpoints."""
    evaluate_every: int = Field(default=500, ge=1)
    """Steps between validations."""
    note_every: int = Field(default=20, ge=1)
    """Steps between logged training figures, which are those of a single step."""


class TrainingLoop:
    """A run in its folder: `last.pt` to resume from, `metrics.jsonl` with its figures."""

    def __init__(
        self,
        network: nn.Module,
        config: LoopConfig,
        out: Path,
        slow: Mapping[str, float] | None = None,
    ) -> None:
        """`slow` maps prefixes of parameter names to a share of the learning rate."""
        self.network = network
        self.config = config
        self.out = out
        self.step = 0
        trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._trained = trained
        self._average = {name: p.detach().clone() for name, p in trained.items()}
        self.optimizer = torch.optim.AdamW(
            [
                {
                    "params": [parameter],
                    "weight_decay": config.weight_decay if parameter.ndim > 1 else 0.0,
                    "share": _share(name, slow or {}),
                }
                for name, parameter in trained.items()
            ],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            foreach=False,
        )

    def run(
        self,
        draw_batch: Callable[[int, int], Batch],
        loss_of: Callable[[Batch], tuple[Tensor, Mapping[str, float]]],
        evaluate: Callable[[], Mapping[str, float]],
    ) -> None:
        """Train to the last step.

        `draw_batch` receives the step and the batch's index in it; it is called one step ahead in a
        thread of its own. `loss_of` returns the loss and figures to log. Raises ModelError if the
        loss is not finite, CheckpointError if another process trains in the folder.
        """
        started = time.monotonic()
        self.network.train()
        steps, hidden = self.config.steps, not is_leader()
        with (
            self._alone(),
            tqdm(initial=self.step, total=steps, mininterval=5, disable=hidden) as bar,
        ):
            for step, batches in self._drawn(draw_batch):
                figures = self._update(step, batches, loss_of)
                self.step = step + 1
                bar.update()
                if self._due(self.config.note_every):
                    self._note(figures | {"seconds": time.monotonic() - started})
                if self._due(self.config.evaluate_every):
                    self._evaluate(evaluate)
                if self._due(self.config.save_every):
                    self.save()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the folder against other runs, and drop the figures of later steps."""
        if not is_leader():
            yield
            return
        try:
            held = FileLock(self.out / "run.lock", blocking=False).acquire()
        except Timeout as error:
            message = f"Another process trains in {self.out}; wait until it ends, or stop it."
            raise CheckpointError(message) from error
        with held:
            forget_after(self.out, self.step)
            yield

    def _drawn(
        self, draw_batch: Callable[[int, int], Batch]
    ) -> Iterator[tuple[int, Sequence[Batch]]]:
        """Remaining steps with their batches, which a thread draws one step ahead."""
        numbers = own_batches(self.config.accumulate)

        def draw(step: int) -> list[Batch]:
            return [draw_batch(step, number) for number in numbers]

        steps = range(self.step, self.config.steps)
        if not steps:
            return
        with ThreadPoolExecutor(1) as ahead:
            upcoming = ahead.submit(draw, self.step)
            for step in steps:
                batches = upcoming.result()
                if step + 1 in steps:
                    upcoming = ahead.submit(draw, step + 1)
                yield step, batches

    def _due(self, every: int) -> bool:
        """Whether an action done every `every` steps, and at the last one, is due."""
        return self.step % every == 0 or self.step == self.config.steps

    def rate_at(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then a cosine down to a fiftieth."""
        config = self.config
        if step < config.warmup:
            return config.learning_rate * (step + 1) / config.warmup
        done = (step - config.warmup) / max(1, config.steps - config.warmup)
        return config.learning_rate * (0.02 + 0.98 * 0.5 * (1 + cos(pi * done)))

    def _update(
        self,
        step: int,
        batches: Sequence[Batch],
        loss_of: Callable[[Batch], tuple[Tensor, Mapping[str, float]]],
    ) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate_at(step) * group["share"]
        self.optimizer.zero_grad(set_to_none=True)
        totals: dict[str, float] = {}
        for batch in batches:
            loss, figures = loss_of(batch)
            (loss / self.config.accumulate).backward()  # type: ignore[no-untyped-call]
            for name, value in {"loss": loss.item(), **figures}.items():
                totals[name] = totals.get(name, 0.0) + value
        totals = sum_figures(totals)
        if not isfinite(totals["loss"]):
            message = (
                f"The loss of step {step + 1} is not finite; start again with a lower "
                "learning_rate."
            )
            raise ModelError(message)
        sum_gradients(self._trained.values())
        nn.utils.clip_grad_norm_(self._trained.values(), self.config.clip)
        self.optimizer.step()
        self._average_in(step)
        return {name: total / self.config.accumulate for name, total in totals.items()}

    def _average_in(self, step: int) -> None:
        decay = min(self.config.averaging, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in self._trained.items():
                self._average[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def use_averaged_weights(self) -> Iterator[None]:
        """Use the averaged weights within this context."""
        if not self.config.averaging:
            yield
            return
        trained_weights = {name: p.detach().clone() for name, p in self._trained.items()}
        self._put(self._average)
        try:
            yield
        finally:
            self._put(trained_weights)

    def _put(self, weights: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(weights[name])

    def _evaluate(self, evaluate: Callable[[], Mapping[str, float]]) -> None:
        if not is_leader():
            return
        self.network.eval()
        with self.use_averaged_weights(), torch.no_grad():
            self._note({f"validation_{name}": value for name, value in evaluate().items()})
        self.network.train()

    def _note(self, figures: Mapping[str, float]) -> None:
        if not is_leader():
            return
        tqdm.write(note_figures(self.out, self.step, figures), file=sys.stderr)

    def save(self) -> None:
        """Write the state for resuming, atomically."""
        if not is_leader():
            return
        state: dict[str, Any] = {
            "step": self.step,
            "weights": self.network.state_dict(),
            "average": self._average,
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, self.out / "last.part")
        (self.out / "last.part").replace(self.out / "last.pt")

    def resume(self) -> None:
        """Resume from `last.pt`, or start if the run was killed before writing it."""
        path = self.out / "last.pt"
        if not path.exists():
            return
        place = next(self.network.parameters()).device
        state = torch.load(path, weights_only=True, map_location=place)
        self.network.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._average = state["average"]
        self.step = state["step"]


def _share(name: str, slow: Mapping[str, float]) -> float:
    """A parameter's share of the learning rate."""
    return next((share for begin, share in slow.items() if name.startswith(begin)), 1.0)
