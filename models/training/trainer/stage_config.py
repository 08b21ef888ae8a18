"""What the configs of the embedded model's stages have in common: a place in a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StageConfig(BaseModel):
    """A stage's config; a recipe's numbered configs name their stage and their start as well.

    Neither is a setting of the stage, so a run's `run.json` leaves them out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["vision", "align", "sft"] | None = Field(default=None, exclude=True)
    """Stage that `train recipe` runs with this config; None outside of a recipe."""
    start: str | None = Field(default=None, exclude=True)
    """Earlier step of the recipe whose checkpoint is trained; `--start` of a stage overrides it."""
