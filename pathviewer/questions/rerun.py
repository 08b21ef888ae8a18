"""A question that was asked before, asked once more."""

from __future__ import annotations

from dataclasses import dataclass, fields

from models.messages import Box, PixelBudget, Prompt, PromptImage, Sampling
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.request import QuestionRequest
from storage.questions.records import NewQuestion, QuestionRecord


def rebuild_prompt(record: QuestionRecord, picture: bytes) -> Prompt:
    """What the model was given: the words as they were, and the very picture."""
    box = Box(record.x, record.y, record.width, record.height)
    return Prompt(record.prompt, (PromptImage(picture, box),), record.system)


def pixel_budget(record: QuestionRecord) -> PixelBudget:
    """Of the picture."""
    return PixelBudget(record.min_pixels, record.max_pixels)


@dataclass(frozen=True)
class RunningModel:
    """What would answer now."""

    name: str
    """As readings name it."""
    revision: str | None
    """Its weights; None while it loads."""

    def check_same(self, record: QuestionRecord) -> None:
        """Raises ReadingRefused where it is not what answered then."""
        if record.model != self.name:
            raise QuestionRefused(
                f"{record.model} answered this, and {self.name} runs now: it would say something "
                "else. Ask the question anew.",
                409,
            )
        revisions = {self.revision, record.model_revision} - {None}
        if len(revisions) > 1:
            raise QuestionRefused(
                f"{self.name} has other weights now than when it answered this: it would say "
                "something else. Ask the question anew.",
                409,
            )


def repeat_question(record: QuestionRecord, picture: bytes, account_id: str) -> QuestionRequest:
    """The same question, asked by an account."""
    facts = {field.name: getattr(record, field.name) for field in fields(NewQuestion)}
    new = NewQuestion(**facts | {"account_id": account_id})
    sampling = Sampling(**record.sampling)
    return QuestionRequest(new, rebuild_prompt(record, picture), sampling, pixel_budget(record))
