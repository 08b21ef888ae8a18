"""What the program and the model's process say to each other: pickled values on two pipes.

Pickle is safe here: the pipes join a process to the child it started itself, and nobody else.
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
    PixelBudget,
    Prompt,
)


@dataclass(frozen=True)
class EngineSpec:
    """What the child builds its engine from; the first thing it is told."""

    name: str
    """What the engine is called in sentences for people."""
    module: str
    """Module to import in the child."""
    factory: str
    """Callable of that module; it returns a `Backend` or raises a ModelError."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Its keyword arguments; picklable."""


@dataclass(frozen=True)
class ScoreCall:
    """A call of `Backend.score`."""

    items: tuple[tuple[Prompt, Completion], ...]
    """What to weigh."""
    budget: PixelBudget | None
    """Pixel budget; None takes the model's own."""


@dataclass(frozen=True)
class AttendCall:
    """A call of `Backend.attend`."""

    prompt: Prompt
    """What was asked."""
    completion: Completion
    """What was answered."""
    budget: PixelBudget | None
    """Pixel budget; None takes the model's own."""


Call = GenerateRequest | ScoreCall | AttendCall
"""What an engine can be asked to do."""


@dataclass(frozen=True)
class RunCommand:
    """To the child: do this; sent only when it does nothing else, with the pickled call after it.

    The call is no part of this message, so that one which cannot be read harms itself alone.
    """

    number: int
    """Counts the runs of this child from 1, so that a late word about an old one is known."""
    length: int
    """Bytes of the pickled `Call` that follow."""


@dataclass(frozen=True)
class StopCommand:
    """To the child: this run is not wanted any more."""

    number: int
    """Which run; one that is over is ignored."""


@dataclass(frozen=True)
class Ready:
    """From the child: the engine is loaded."""

    info: ModelInfo | None
    """What it says of itself."""


@dataclass(frozen=True)
class LoadFailure:
    """From the child, before it ends: the engine cannot be loaded, and could not be again."""

    error: ModelError
    """Why, with a sentence for a person."""


@dataclass(frozen=True)
class EventBatch:
    """From the child: events of the run."""

    events: tuple[Event, ...]
    """As the engine gave them, in order."""


@dataclass(frozen=True)
class RunResult:
    """From the child: the run is over."""

    result: object
    """What `score` or `attend` returned; None for `generate`."""


@dataclass(frozen=True)
class RunFailure:
    """From the child: the run ended in an error, and the engine is usable."""

    error: ModelError
    """With its sentence."""


ToChild = EngineSpec | RunCommand | StopCommand
FromChild = Ready | LoadFailure | EventBatch | RunResult | RunFailure
