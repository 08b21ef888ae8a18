"""Engine interface between the program and whatever runs a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from models.messages import (
    AttentionRows,
    Completion,
    Event,
    GenerateRequest,
    ModelInfo,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    TokenScores,
)
from models.occlusion import OcclusionRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = Literal["starting", "ready", "failed", "stopped"]


@dataclass(frozen=True)
class EngineStatus:
    """State of an engine."""

    state: State
    """`starting`: loading; `ready`: accepts requests; `failed`: will not start; `stopped`:
    closed.
    """
    sentence: str
    """The state as a sentence, with the remedy if something is wrong."""
    info: ModelInfo | None = None
    """Loaded model; None until loaded."""
    waiting: int = 0
    """Requests waiting or running."""


class Engine(Protocol):
    """Engine. Thread-safe; every call may raise a ModelError with a message for users."""

    def status(self) -> EngineStatus:
        """Current state; returns at once."""

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Queued*, Started, then Token, AttentionRows and End of each completion, interleaved.

        Closing the iterator cancels the request. A completion's rows precede its End and cover
        every token, unless `request.attention` is off.
        """

    def cancel(self, request_id: str) -> None:
        """Stop a request within one token, its completions `cancelled`; ignore unknown ids."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """Log-probability of every token of each completion, given its prompt."""

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Attention rows of an existing completion, by one replayed prefill."""

    def close(self) -> None:
        """Release the model; running requests end with a WorkerError."""


@runtime_checkable
class OcclusionEngine(Engine, Protocol):
    """An Engine that has the weights and can occlude places of a picture."""

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        """Log-probabilities of a completion with each place occluded; `cancel` stops it."""

    def weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        """(passages, rows, columns): attention x gradient of the tokens of each passage.

        A quick form of the evidence map, without a unit; `request.places` is not used.
        """


@runtime_checkable
class CallbackEngine(Engine, Protocol):
    """An Engine that can also pass events to a callback, without waking a thread for each."""

    def answer(self, request: GenerateRequest, tell: Callable[[Event], None]) -> None:
        """Like `generate`, but call `tell` for each event, in another thread; return at the end."""
