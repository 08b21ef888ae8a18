"""Repeating a stored question."""

from __future__ import annotations

from dataclasses import dataclass, fields

from models.messages import Box, PixelBudget, Prompt, PromptImage, Sampling
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionConflict
from pathviewer.questions.preparation import PreparedQuestion
from storage.questions.records import NewQuestion, QuestionRecord


def rebuild_prompt(record: QuestionRecord, picture: bytes) -> Prompt:
    """Rebuild the original prompt; `picture` is the stored PNG."""
    box = Box(record.x, record.y, record.width, record.height)
    return Prompt(record.prompt, (PromptImage(picture, box),), record.system)


def pixel_budget(record: QuestionRecord) -> PixelBudget:
    """Return the picture's pixel budget."""
    return PixelBudget(record.min_pixels, record.max_pixels)


@dataclass(frozen=True)
class RunningModel:
    """The model that would answer now."""

    name: str
    """The model's name, as in question records."""
    revision: str | None
    """Revision of the weights; None while the model loads."""

    def check_same(self, record: QuestionRecord) -> None:
        """Raise QuestionConflict if another model or other weights answered the question."""
        if record.model != self.name:
            raise QuestionConflict(user_messages.other_model_running(record.model, self.name))
        revisions = {self.revision, record.model_revision} - {None}
        if len(revisions) > 1:
            raise QuestionConflict(user_messages.weights_changed(self.name))


def repeat_question(record: QuestionRecord, picture: bytes, account_id: str) -> PreparedQuestion:
    """Return the same question for another account."""
    facts = {field.name: getattr(record, field.name) for field in fields(NewQuestion)}
    new = NewQuestion(**facts | {"account_id": account_id})
    sampling = Sampling(**record.sampling)
    return PreparedQuestion(new, rebuild_prompt(record, picture), sampling, pixel_budget(record))
