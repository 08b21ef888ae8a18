"""Cost of attention capture: captured, plain and eager `output_attentions` runs, interleaved."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from models.bench.memory import peak_bytes
from models.bench.random_networks import SHAPES, random_network, random_prompt
from models.capture import (
    STASHING_KERNELS,
    PictureColumns,
    QueryStash,
    capture_into,
    install_capture,
)
from models.engines.local.checkpoint_loading import (
    choose_device,
    choose_dtype,
    choose_kernel,
    device_name,
)
from models.engines.local.generation import RowClock
from models.errors import CheckpointError
from models.processing import PreparedPrompt


@dataclass(frozen=True)
class AttentionFigures:
    """Figures of one run; ratios are to generation without capture, so 1 means free."""

    time_ratio: float
    """Time with capture, median of the rounds' ratios."""
    memory_ratio: float
    """Peak tensor memory with capture, including the weights."""
    eager_time_ratio: float
    """Time with eager attention and `output_attentions`."""
    eager_memory_ratio: float
    """Peak tensor memory with eager attention and `output_attentions`."""
    max_abs_diff: float
    """Largest difference between captured and eager rows, averaged over heads."""
    tokens_identical: int
    """1 if capture changed no token, else 0."""
    seconds: float
    """Median seconds without capture."""
    mebibytes: float
    """Peak memory without capture."""
    device: str
    """Device used."""
    dtype: str
    """Number format."""
    kernel: str
    """Attention kernel under capture."""


class BlockReader(StoppingCriteria):
    """Reads rows in blocks during generation, as the engine does."""

    def __init__(self, stash: QueryStash) -> None:
        """Start with no rows read."""
        self._stash = stash
        self._clock = RowClock()
        self.found: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        """Called by `generate` after each token; never stops it."""
        if self._clock.is_due(len(self._stash)):
            self.take()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    def take(self) -> None:
        """Read the available rows."""
        if len(self._stash):
            self.found.append(self._stash.rows()[0].cpu())


class KernelComparison:
    """One network generating the same completion in three ways."""

    def __init__(self, network: Any, prompt: PreparedPrompt, tokens: int, kernel: str) -> None:
        """Prepare to generate `tokens` tokens after the prompt."""
        self._network, self._prompt, self._tokens, self._kernel = network, prompt, tokens, kernel

    def generate_plain(self) -> Any:
        """Token ids (1, all), without capture."""
        self._network.set_attn_implementation(self._kernel)
        return self._generate().sequences

    def generate_captured(self) -> tuple[Any, torch.Tensor]:
        """Token ids, and rows (tokens, layers, pictures) on the CPU."""
        install_capture(self._network, self._kernel)
        columns = PictureColumns(self._prompt.pictures, self._prompt.tensors["attention_mask"])
        stash = QueryStash(self._network.config.text_config.num_hidden_layers, columns)
        blocks = BlockReader(stash)
        with capture_into(stash):
            generated = self._generate(stopping_criteria=StoppingCriteriaList([blocks]))
        blocks.take()
        return generated.sequences, torch.cat(blocks.found)

    def generate_eager(self) -> tuple[Any, torch.Tensor]:
        """The same from `output_attentions`."""
        self._network.set_attn_implementation("eager")
        generated = self._generate(output_attentions=True)
        pictures = self._prompt.pictures[0].nonzero()[:, 0]
        rows = [
            torch.stack([layer[0, :, -1].float().mean(0)[pictures] for layer in step])
            for step in generated.attentions
        ]
        return generated.sequences, torch.stack(rows).cpu()

    def _generate(self, **options: Any) -> Any:
        with torch.inference_mode():
            return self._network.generate(
                **self._prompt.tensors,
                max_new_tokens=self._tokens,
                do_sample=False,
                return_dict_in_generate=True,
                **options,
            )


def measure_attention(
    *,
    size: str = "tiny",
    cells: int = 16,
    tokens: int = 100,
    rounds: int = 15,
    device: str | None = None,
    kernel: str | None = None,
) -> AttentionFigures:
    """Measure a network of random weights with a picture of `cells` x `cells` tokens.

    `size` is one of `random_networks.SHAPES`, `kernel` one of `capture.STASHING_KERNELS` (None: the
    fastest). Raises CheckpointError for an unknown or unavailable one.
    """
    if size not in SHAPES:
        message = f"There is no size {size!r}; known are {', '.join(SHAPES)}."
        raise CheckpointError(message)
    place = choose_device(device)
    dtype = choose_dtype(place, None)
    kernel = kernel or choose_kernel(place, dtype)
    if kernel not in STASHING_KERNELS:
        message = f"There is no kernel {kernel!r}; known are {', '.join(STASHING_KERNELS)}."
        raise CheckpointError(message)
    network = random_network(SHAPES[size], device=str(place), dtype=dtype)
    contest = KernelComparison(
        network, random_prompt(network, [(cells, cells)], 40), tokens, kernel
    )
    peaks = [
        peak_bytes(way, network)
        for way in (contest.generate_plain, contest.generate_captured, contest.generate_eager)
    ]
    plain, (captured, rows), (_, wanted) = (
        contest.generate_plain(),
        contest.generate_captured(),
        contest.generate_eager(),
    )
    times = [time_variants(contest, place) for _ in range(rounds)]
    return AttentionFigures(
        time_ratio=statistics.median(
            seconds_of_variants[1] / seconds_of_variants[0] for seconds_of_variants in times
        ),
        memory_ratio=peaks[1] / peaks[0],
        eager_time_ratio=statistics.median(each[2] / each[0] for each in times),
        eager_memory_ratio=peaks[2] / peaks[0],
        max_abs_diff=float((rows - wanted).abs().max()),
        tokens_identical=int(torch.equal(plain, captured)),
        seconds=statistics.median(each[0] for each in times),
        mebibytes=peaks[0] / 2**20,
        device=device_name(place),
        dtype=str(dtype).removeprefix("torch."),
        kernel=kernel,
    )


def time_variants(comparison: KernelComparison, device: torch.device) -> tuple[float, float, float]:
    """Seconds without capture, with capture and with eager attention, in turn.

    The plain run is done before and after the captured one, so that a machine changing speed does
    not bias the ratio.
    """
    before = seconds(comparison.generate_plain, device)
    captured = seconds(comparison.generate_captured, device)
    after = seconds(comparison.generate_plain, device)
    return (before + after) / 2, captured, seconds(comparison.generate_eager, device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Duration of `work` in seconds, including the device's queue."""
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
