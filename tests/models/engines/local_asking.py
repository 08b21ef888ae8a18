"""Questions to the transformers backend, and parts of what it tells."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.engines.base import Engine
from models.messages import (
    AttentionRows,
    Event,
    GenerateRequest,
    PixelBudget,
    Prompt,
    Sampling,
)
from tests.models.prompt_pictures import prompt_image

PROMPT = Prompt("What is it?", (prompt_image(120, 90), prompt_image(60, 60, seed=1)))
OTHER = Prompt("Is there a tumour? Say yes or no.", (prompt_image(90, 120, seed=2),))


BUDGET = PixelBudget(56 * 56, 112 * 112)


T = TypeVar("T")


def ask(
    backend: Engine, prompt: Prompt = PROMPT, *, count: int = 1, **sampling: Any
) -> list[Event]:
    """All that is told of an answer of 24 tokens."""
    drawn = Sampling(**{"max_new_tokens": 24, **sampling})
    return list(backend.generate(GenerateRequest("a", prompt, drawn, count=count)))


def of_kind(events: list[Event], kind: type[T], index: int = 0) -> list[T]:
    """Events of one kind; of those that belong to a completion only one completion's."""
    found = [event for event in events if isinstance(event, kind)]
    return [event for event in found if getattr(event, "completion_index", 0) == index]


def rows_of(events: list[Event], index: int = 0) -> NDArray[np.floating]:
    """Attention of a completion as (tokens, layers, cells); the blocks follow each other."""
    parts = of_kind(events, AttentionRows, index)
    starts = [part.first_token for part in parts]
    assert starts == list(np.cumsum([0, *[len(part.rows) for part in parts]])[:-1])
    return np.concatenate([part.rows for part in parts])
