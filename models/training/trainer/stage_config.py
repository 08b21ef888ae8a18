"""Shared config of the embedded model's stages: their place in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StageConfig(BaseModel):
    """A stage's config; in a recipe, numbered configs also name their stage and start.

    Neither is a setting of the stage, so a run's `run.json` omits them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["vision", "align", "sft"] | None = Field(default=None, exclude=True)
    """Stage that `train recipe` runs with this config; None outside a recipe."""
    start: str | None = Field(default=None, exclude=True)
    """Earlier step of the recipe whose checkpoint is trained; a stage's `--start` overrides it."""
