"""What is asked of the model, as the page sees it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.messages import PixelBudget, Prompt, Sampling


@dataclass(frozen=True)
class Asked:
    """A question about a region, ready for the model."""

    account_id: str
    """Who asked."""
    slide_id: str
    """Of the slide."""
    facts: dict[str, Any]
    """What the page told and what was made of it, fit for JSON."""
    prompt: Prompt
    """What the model is given."""
    sampling: Sampling
    """How tokens are drawn."""
    budget: PixelBudget
    """Area of the picture after resizing."""
    options: tuple[str, ...]
    """Answers to choose from; empty if the answer is free."""
    count: int
    """Completions wanted."""
    blind: bool
    """Whether the clinician answers first."""
