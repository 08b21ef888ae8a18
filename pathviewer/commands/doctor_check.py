"""Result of one check of `doctor`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    subject: str
    """Subject of the check."""
    verdict: str
    """`ok`, `note` (runs without it) or `problem` (cannot run, or has lost data)."""
    sentence: str
    """Result, and the remedy if something is wrong."""

    @property
    def fatal(self) -> bool:
        """Whether the program cannot run or stored data are lost."""
        return self.verdict == "problem"

    def as_dict(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return asdict(self)
