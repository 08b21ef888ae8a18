"""A question that was asked before, asked once more."""

from __future__ import annotations

from dataclasses import dataclass, fields

from models.messages import Box, PixelBudget, Prompt, PromptImage, Sampling
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.request import Asked
from storage.questions.records import NewReading, ReadingRecord


def prompt_of(record: ReadingRecord, picture: bytes) -> Prompt:
    """What the model was given: the words as they were, and the very picture."""
    box = Box(record.x, record.y, record.width, record.height)
    return Prompt(record.prompt, (PromptImage(picture, box),), record.system)


def budget_of(record: ReadingRecord) -> PixelBudget:
    """Of the picture."""
    return PixelBudget(record.min_pixels, record.max_pixels)


@dataclass(frozen=True)
class RunningModel:
    """What would answer now."""

    name: str
    """As readings name it."""
    revision: str | None
    """Its weights; None while it loads."""

    def check(self, record: ReadingRecord) -> None:
        """Raises ReadingRefused where it is not what answered then."""
        if record.model != self.name:
            raise ReadingRefused(
                f"{record.model} answered this, and {self.name} runs now: it would say something "
                "else. Ask the question anew.",
                409,
            )
        known = {self.revision, record.model_revision} - {None}
        if len(known) > 1:
            raise ReadingRefused(
                f"{self.name} has other weights now than when it answered this: it would say "
                "something else. Ask the question anew.",
                409,
            )


def asked_again(record: ReadingRecord, picture: bytes, account_id: str) -> Asked:
    """The same question, asked by an account."""
    same = {field.name: getattr(record, field.name) for field in fields(NewReading)}
    new = NewReading(**same | {"account_id": account_id})
    sampling = Sampling(**record.sampling)
    return Asked(new, prompt_of(record, picture), sampling, budget_of(record))
