"""Figures of the controls that the fill of a deletion check has passed or failed on a model.

`bench maps --json` writes them. Beside a checkpoint they stand in `maps.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models import user_messages
from models.errors import CheckpointError
from models.registry import RegisteredModel

FIGURES_FILE = "maps.json"
"""Name of the file in a checkpoint's folder."""

LEAST_POSITIVE = 0.9
"""Share of comparisons in which the true evidence must matter, at least."""

LEAST_REGIONS = 20
"""Regions below which the figures say too little."""

CHANCE = 0.5
"""Share of comparisons in which a random place matters by chance; in the negative interval."""

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class ControlFigures:
    """How often masking matters more than masking elsewhere, 0 to 1, with 95 % intervals."""

    positive_control: Share
    """Where the true evidence is masked."""
    positive_control_low: Share
    """Lower end of its interval."""
    positive_control_high: Share
    """Upper end."""
    negative_control: Share
    """Where a random place is masked; half is chance."""
    negative_control_low: Share
    """Lower end of its interval."""
    negative_control_high: Share
    """Upper end."""
    n: int
    """Number of regions."""

    @property
    def has_passed(self) -> bool:
        """Whether the true evidence matters often enough, and a random place as by chance.

        Few regions prove neither.
        """
        by_chance = self.negative_control_low <= CHANCE <= self.negative_control_high
        return self.n >= LEAST_REGIONS and self.positive_control >= LEAST_POSITIVE and by_chance

    @property
    def positive(self) -> str:
        """The positive control for people, such as `100 % (72 to 100)`."""
        return _in_percent(
            self.positive_control, self.positive_control_low, self.positive_control_high
        )

    @property
    def negative(self) -> str:
        """The negative control for people."""
        return _in_percent(
            self.negative_control, self.negative_control_low, self.negative_control_high
        )


class _FiguresTable(BaseModel):
    model_config = ConfigDict(strict=True)

    revision: str | None
    n: int = Field(gt=0)
    fills: dict[str, dict[str, float | None]]


_FIGURES = TypeAdapter(ControlFigures)


def read_control_figures(folder: Path, fill: str, revision: str) -> ControlFigures | None:
    """Figures of a fill in a checkpoint's folder.

    None if there is no file, or if it is about another revision or fill. Raises CheckpointError if
    it is unreadable or damaged.
    """
    try:
        table = _FiguresTable.model_validate_json((folder / FIGURES_FILE).read_bytes())
        row = table.fills.get(fill)
        figures = None if row is None else _FIGURES.validate_python(row | {"n": table.n})
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise CheckpointError(user_messages.control_figures_damaged(FIGURES_FILE)) from error
    return figures if table.revision == revision else None


def find_control_figures(
    model: RegisteredModel, fill: str, revision: str | None
) -> ControlFigures | None:
    """The same for a running model of this revision; None also for a damaged file.

    The cache of the hub holds no figures.
    """
    if model.location is None or model.hub_id or revision is None:
        return None
    try:
        return read_control_figures(model.location, fill, revision)
    except CheckpointError:
        return None


def _in_percent(share: float, low: float, high: float) -> str:
    return f"{share * 100:.0f} % ({low * 100:.0f} to {high * 100:.0f})"
