"""Messages between the program and the model's process: pickled values on two pipes.

Pickle is safe here: each pipe joins a process to a child that it started itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.errors import ModelError
from models.messages import (
    Completion,
    Event,
    GenerateRequest,
    ModelInfo,
    OcclusionRequest,
    PixelBudget,
    Prompt,
)


@dataclass(frozen=True)
class EngineSpec:
    """Specification from which the child builds its engine; its first message."""

    name: str
    """Name of the engine in messages for users."""
    module: str
    """Module that the child imports."""
    factory: str
    """Callable in that module; returns an `Engine` or raises a ModelError."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Its keyword arguments; picklable."""


@dataclass(frozen=True)
class ScoreCall:
    """A call of `Engine.score`."""

    items: tuple[tuple[Prompt, Completion], ...]
    """Completions to score, with their prompts."""
    budget: PixelBudget | None
    """Pixel budget; None for the model's own."""


@dataclass(frozen=True)
class AttendCall:
    """A call of `Engine.attend`."""

    prompt: Prompt
    """The prompt."""
    completion: Completion
    """The completion."""
    budget: PixelBudget | None
    """Pixel budget; None for the model's own."""


@dataclass(frozen=True)
class GradientCall:
    """A call of `OcclusionEngine.weigh_attention`."""

    request: OcclusionRequest
    """The completion with its prompt."""
    passages: tuple[range, ...]
    """Tokens of each passage."""


Call = GenerateRequest | ScoreCall | AttendCall | OcclusionRequest | GradientCall
"""Calls that an engine accepts."""


@dataclass(frozen=True)
class RunCommand:
    """To the child: run a call; sent only when it is idle, followed by the pickled call.

    The call is not part of this message, so an unreadable one affects only itself.
    """

    number: int
    """Counts this child's runs from 1, which identifies late messages about an old one."""
    length: int
    """Bytes of the pickled `Call` that follows."""


@dataclass(frozen=True)
class StopCommand:
    """To the child: cancel a run."""

    number: int
    """Number of the run; ignored if it has ended."""


@dataclass(frozen=True)
class Ready:
    """From the child: the engine is loaded."""

    info: ModelInfo | None
    """Description of the loaded model."""


@dataclass(frozen=True)
class LoadFailure:
    """From the child, before it exits: the engine cannot be loaded, and a retry would not help."""

    error: ModelError
    """The reason, with a message for users."""


@dataclass(frozen=True)
class EventBatch:
    """From the child: events of the current run."""

    events: tuple[Event, ...]
    """In the engine's order."""


@dataclass(frozen=True)
class RunResult:
    """From the child: the run is done."""

    result: object
    """Return value of `score`, `attend`, `occlude` or `weigh_attention`; None for `generate`."""


@dataclass(frozen=True)
class RunFailure:
    """From the child: the run failed, and the engine is usable."""

    error: ModelError
    """The error, with a message for users."""


ToChild = EngineSpec | RunCommand | StopCommand
FromChild = Ready | LoadFailure | EventBatch | RunResult | RunFailure
