"""A question on its way to the engine and the database."""

from __future__ import annotations

from dataclasses import dataclass

from models.messages import PixelBudget, Prompt, Sampling
from storage.questions.records import NewQuestion


@dataclass(frozen=True)
class QuestionRequest:
    """A question about a region, ready to be asked and stored."""

    new_question: NewQuestion
    """The row to store."""
    prompt: Prompt
    """Text and one picture; the picture's SHA-256 is `new_question.pixels_sha256`."""
    sampling: Sampling
    """Sampling parameters."""
    budget: PixelBudget
    """Area of the picture after resizing."""

    @property
    def picture(self) -> bytes:
        """The picture as a PNG file."""
        return self.prompt.images[0].data
