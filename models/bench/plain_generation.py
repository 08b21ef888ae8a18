"""Plain `generate` of transformers as an engine: the baseline of `bench model`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.engines.base import EngineStatus
from models.engines.local.checkpoint_loading import load_model
from models.errors import ModelError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    PixelBudget,
    Prompt,
    TokenScores,
)
from models.processing import prepare_prompt


class PlainEngine:
    """Greedy generation; End reports the time of `generate` alone."""

    def __init__(
        self,
        location: Path,
        name: str,
        *,
        device: str | None = None,
        budget: PixelBudget | None = None,
    ) -> None:
        """Load as the local engine does, without attention capture."""
        self._loaded = load_model(location, name, device=device, budget=budget)
        self._loaded.network.set_attn_implementation(self._loaded.info.attention)

    def status(self) -> EngineStatus:
        """Ready."""
        return EngineStatus("ready", "Ready.", self._loaded.info)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Yield one End with only token ids; its seconds exclude preparing the prompt."""
        loaded, budget = self._loaded, request.budget or self._loaded.info.budget
        prepared = prepare_prompt(loaded.processor, request.prompt, budget).to(loaded.device)
        began = time.perf_counter()
        written = loaded.network.generate(
            **prepared.tensors, max_new_tokens=request.sampling.max_new_tokens, do_sample=False
        )
        token_ids = tuple(written[0, prepared.tokens :].tolist())  # waits for the GPU
        seconds = time.perf_counter() - began
        written_ids = tuple(token for token in token_ids if token not in loaded.end_ids)
        yield CompletionEnd(request.request_id, 0, Completion("", written_ids), seconds, 0.0)

    def cancel(self, request_id: str) -> None:
        """Do nothing; a request cannot be cancelled."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """Not supported."""
        raise ModelError(f"Plain generation does not score ({len(items)}, {priority}, {budget}).")

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Not supported."""
        raise ModelError(
            f"Plain generation has no attention rows ({prompt}, {completion}, {budget})."
        )

    def close(self) -> None:
        """Do nothing."""
