"""Cost of a question: the worker as callers see it, against plain `model.generate`."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import psutil
from PIL import Image

from models.engines.worker.engine import WorkerEngine
from models.engines.worker.messages import EngineSpec
from models.errors import ModelError, WorkerError
from models.messages import (
    Box,
    CompletionEnd,
    GenerateRequest,
    ModelInfo,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
    Token,
)

TOKENS = 100
"""Length of a completion in tokens."""
LOAD_SECONDS = 600.0
"""Longest time to load a model."""


@dataclass(frozen=True)
class ModelFigures:
    """Figures of one run; medians of the rounds."""

    load_s: float
    """Seconds from starting the worker's process until the model is ready."""
    first_token_s: float
    """Seconds from the call to the first token, including preparation of the picture."""
    answer_s: float
    """Seconds from the call to the end of 100 tokens, with attention rows."""
    tokens_per_s: float
    """Tokens per second after the first."""
    plain_ratio: float
    """`answer_s` over the time of `model.generate` alone, with the same prompt and tokens in a
    process of the same kind; 1 means no overhead.
    """
    rss_mib: float
    """Resident memory of the worker's process after answering."""
    model: ModelInfo
    """Model measured."""


@dataclass(frozen=True)
class TimedAnswer:
    """A completion as seen by its caller."""

    first_token: float
    """Seconds to the first token."""
    seconds: float
    """Seconds to the end."""
    tokens: tuple[int, ...]
    """Token ids."""

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second after the first."""
        return (len(self.tokens) - 1) / max(self.seconds - self.first_token, 1e-9)


def measure_model(
    location: Path,
    *,
    name: str,
    side: int = 448,
    rounds: int = 15,
    device: str | None = None,
) -> ModelFigures:
    """Measure the checkpoint in `location` with a picture of `side` x `side` pixels.

    Raises ModelError if it cannot be loaded or generates too little to measure.
    """
    budget = PixelBudget(side * side, side * side)
    arguments = {"location": location, "name": name, "device": device, "budget": budget}
    spec = EngineSpec(name, "models.engines.local.engine", "LocalEngine", arguments)
    peer = EngineSpec(name, "models.bench.plain_generation", "PlainEngine", arguments)
    began = time.perf_counter()
    with open_worker(spec) as worker:
        load_s = time.perf_counter() - began
        with open_worker(peer) as plain:
            return compare_engines(worker, plain, load_s, side, rounds)


def same_answers(tokens: Sequence[int], other: Sequence[int], info: ModelInfo | None) -> bool:
    """Whether two answers are the same; in half precision, whose ties may differ, as long."""
    if info is not None and info.dtype == "float32":
        return list(tokens) == list(other)
    return len(tokens) == len(other)


def compare_engines(
    worker: WorkerEngine, plain: WorkerEngine, load_s: float, side: int, rounds: int
) -> ModelFigures:
    """Measure two loaded engines in turn, each round with a picture that is new to both."""
    warm_up, *prompts = (build_picture_prompt(side, number) for number in range(rounds + 1))
    time_answer(worker, warm_up)
    time_plain_generation(plain, warm_up)
    answers, ratios = [], []
    for prompt in prompts:
        before, tokens = time_plain_generation(plain, prompt)
        answer = time_answer(worker, prompt)
        after, _ = time_plain_generation(plain, prompt)
        if not same_answers(answer.tokens, tokens, worker.status().info):
            raise ModelError("The worker and plain generation wrote different answers.")
        answers.append(answer)
        ratios.append(answer.seconds / statistics.mean((before, after)))
    first_token = statistics.median(answer.first_token for answer in answers)
    speed = statistics.median(answer.tokens_per_s for answer in answers)
    info = worker.status().info
    if info is None or worker.process_id is None:
        raise WorkerError("The model's process ended while it was measured.")
    return ModelFigures(
        load_s=load_s,
        first_token_s=first_token,
        answer_s=first_token + (TOKENS - 1) / speed,
        tokens_per_s=speed,
        plain_ratio=statistics.median(ratios),
        rss_mib=psutil.Process(worker.process_id).memory_info().rss / 2**20,
        model=info,
    )


@contextmanager
def open_worker(spec: EngineSpec) -> Iterator[WorkerEngine]:
    """Yield a ready worker; raises the ModelError that prevented one."""
    worker = WorkerEngine(spec)
    try:
        status = worker.wait_until_settled(LOAD_SECONDS)
        if status.state != "ready":
            raise WorkerError(status.sentence)
        yield worker
    finally:
        worker.close()


def build_picture_prompt(side: int, number: int) -> Prompt:
    """Question about a random picture of `side` x `side` pixels; numbers differ in one pixel.

    Such pictures are new to an engine's caches, and their answers alike.
    """
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    pixels[0, 0] = number % 256, number // 256, 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    text = "What does this region show? Think first, then answer."
    return Prompt(text, (PromptImage(file.getvalue(), Box(0, 0, side, side)),))


def time_answer(worker: WorkerEngine, prompt: Prompt) -> TimedAnswer:
    """Time a completion with attention."""
    request = GenerateRequest(uuid4().hex, prompt, Sampling(max_new_tokens=TOKENS))
    began = time.perf_counter()
    first = 0.0
    for event in worker.generate(request):
        if isinstance(event, Token) and not first:
            first = time.perf_counter() - began
        if isinstance(event, CompletionEnd):
            done = event.completion.token_ids
            if len(done) < 2:
                raise ModelError(
                    "The model ended its completion at once; there is nothing to measure."
                )
            return TimedAnswer(first, time.perf_counter() - began, done)
    raise WorkerError("The completion was interrupted.")


def time_plain_generation(plain: WorkerEngine, prompt: Prompt) -> tuple[float, tuple[int, ...]]:
    """Seconds of `generate` alone, and its token ids."""
    request = GenerateRequest(uuid4().hex, prompt, Sampling(max_new_tokens=TOKENS))
    for event in plain.generate(request):
        if isinstance(event, CompletionEnd):
            return event.seconds, event.completion.token_ids
    raise WorkerError("The completion was interrupted.")
