"""Schema of a model's table, in registry.toml and in a checkpoint's own file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models import user_messages

LONGEST_EXCERPT = 60
"""Most characters of a wrong value that are shown."""


class ModelTable(BaseModel):
    """Fields of a table; nothing is converted, so `"no"` never counts as a boolean."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    summary: str = Field(max_length=1_000)
    """One line for the list of models."""

    prompt_style: str = Field(min_length=1, max_length=100)
    """A style in question_templates.toml."""

    system: str | None = Field(default=None, max_length=20_000)
    """System prompt; None for the chat template's default."""

    min_pixels: int = Field(gt=0)
    """Smallest area of a picture after resizing."""

    max_pixels: int = Field(gt=0)
    """Largest area of a picture after resizing."""

    licence: str = Field(min_length=1, max_length=200)
    """Licence of the weights."""

    gated: bool
    """Whether the hub requires an agreement before it provides the weights."""

    train_allowed: bool
    """Whether its completions may be used to train another model."""

    question_types: list[str]
    """Tasks that it is limited to; empty means any question."""

    lower_case_options: bool
    """Whether to give it options in lower case."""


def read_model_table(table: Mapping[str, Any]) -> ModelTable:
    """Validate a table; raises ValueError with one clause naming key, value and remedy."""
    try:
        return ModelTable.model_validate(dict(table))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        raise ValueError(_clause(problem)) from None


def _clause(problem: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return user_messages.unknown_table_field(key[:LONGEST_EXCERPT], ModelTable.model_fields)
    if problem["type"] == "missing":
        return user_messages.table_field_missing(key)
    value = repr(problem["input"])
    excerpt = value if len(value) <= LONGEST_EXCERPT else f"{value[:LONGEST_EXCERPT]}..."
    way_out = user_messages.WAYS_OUT.get(problem["type"], str(problem["msg"]))
    return user_messages.table_field_wrong(key, excerpt, way_out)
