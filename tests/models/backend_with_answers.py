"""A Backend that answers by a function of the prompt; knows nothing of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from models.engines.base import EngineStatus
from models.errors import ModelError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    ModelInfo,
    PixelBudget,
    Prompt,
    TokenScores,
)

INFO = ModelInfo(
    name="by-function",
    revision="r1",
    architecture="none",
    parameters=0,
    device="cpu",
    dtype="float32",
    attention="none",
    context=4096,
    budget=PixelBudget(3136, 65536),
    layers=1,
)


class AnsweringBackend:
    """Every word of a completion is a token; each takes a hundredth of a second by its own word."""

    def __init__(
        self, answer: Callable[[Prompt], str | ModelError], info: ModelInfo = INFO
    ) -> None:
        """`answer` gives the completion of a prompt, or the error to raise."""
        self.answer = answer
        self.info = info
        self.asked: list[GenerateRequest] = []

    def status(self) -> EngineStatus:
        """Always ready."""
        return EngineStatus("ready", "Ready.", self.info)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Started and End; an error instead where the function gives one."""
        self.asked.append(request)
        text = self.answer(request.prompt)
        if isinstance(text, ModelError):
            raise text
        yield GenerationStart(request.request_id, (), 10, self.info)
        ids = tuple(range(len(text.split())))
        completion = Completion(text, ids)
        yield CompletionEnd(request.request_id, 0, completion, len(ids) / 100, 0.01)

    def cancel(self, request_id: str) -> None:
        """Nothing is ever under way."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """Never asked for."""
        raise NotImplementedError

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Never asked for."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to let go of."""
