"""What is asked of the model and what is kept of the question."""

from __future__ import annotations

from dataclasses import dataclass

from models.messages import PixelBudget, Prompt, Sampling
from storage.questions.records import NewQuestion


@dataclass(frozen=True)
class QuestionRequest:
    """A question about a region, ready for the model and for the database."""

    new_question: NewQuestion
    """What is kept of it."""
    prompt: Prompt
    """What the model is given: text and one picture, whose SHA-256 is `new.pixels_sha256`."""
    sampling: Sampling
    """How tokens are drawn."""
    budget: PixelBudget
    """Area of the picture after resizing."""

    @property
    def picture(self) -> bytes:
        """The picture as a PNG file."""
        return self.prompt.images[0].data
