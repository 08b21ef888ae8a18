"""The seam between the program and whatever runs a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from models.messages import (
    AttentionRows,
    Completion,
    Event,
    GenerateRequest,
    ModelInfo,
    PixelBudget,
    Prompt,
    TokenScores,
)

State = Literal["starting", "ready", "failed", "stopped"]


@dataclass(frozen=True)
class EngineStatus:
    """What an engine can do now."""

    state: State
    """`starting` loads, `ready` answers, `failed` will not come up, `stopped` was closed."""
    sentence: str
    """The same for a person, with the way out if something is wrong."""
    info: ModelInfo | None = None
    """What is loaded, once it is."""
    waiting: int = 0
    """Requests waiting or under way."""


class Engine(Protocol):
    """An engine. Thread-safe; every call may raise a ModelError, whose message is for people."""

    def status(self) -> EngineStatus:
        """What it can do now; answers at once."""

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Queued*, Started, then Token, AttentionRows and End of each completion, interleaved.

        Closing the iterator cancels the request. A completion's rows arrive before its End and
        cover every token, unless `request.attention` is off.
        """

    def cancel(self, request_id: str) -> None:
        """Stop within one token; its completions end as `cancelled`. Unknown ids are ignored."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """Log-probability of every token of each completion after its prompt."""

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Rows of a completion that is already written, by one replayed prefill."""

    def close(self) -> None:
        """Let go of the model; what is under way ends with a WorkerError."""


@runtime_checkable
class CallbackEngine(Engine, Protocol):
    """A Backend that can also tell events where they arise, so that no thread is woken for each."""

    def answer(self, request: GenerateRequest, tell: Callable[[Event], None]) -> None:
        """As `generate`, the events told one by one in a thread of its own; returns after them."""
