"""Snapshot of a question with its completions and deletion checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from models.messages import Box, ImagePlacement
from models.reasoning.trace import parse
from models.scoring import canonical_answer
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionNotFound
from storage.blinding.policy import awaits_author
from storage.questions.records import CompletionRecord, DeletionCheckRecord, QuestionRecord


@dataclass(frozen=True)
class QuestionSnapshot:
    """A question at one moment."""

    record: QuestionRecord
    """The question and its state."""
    completions: tuple[CompletionRecord, ...] = ()
    """Ended completions, by index."""
    checks: tuple[DeletionCheckRecord, ...] = ()
    """Deletion checks of the completions, oldest first."""

    @property
    def is_blinded(self) -> bool:
        """Whether the completions are hidden until the first answer."""
        has_text = self.record.state == "running" or bool(self.completions)
        return hides_completions(self.record, has_text=has_text)

    @property
    def placement(self) -> ImagePlacement | None:
        """Placement of the picture's cells; None until generation starts."""
        record = self.record
        if record.pixel_width is None or record.pixel_height is None:
            return None
        if record.columns is None or record.rows is None:
            return None
        box = Box(record.x, record.y, record.width, record.height)
        return ImagePlacement(
            box, record.pixel_width, record.pixel_height, record.columns, record.rows
        )

    @property
    def agreement(self) -> dict[str, int] | None:
        """Number of completions by answer, most common first; None below two completions.

        Completions without an answer are not counted.
        """
        if len(self.completions) < 2:
            return None
        answers = [parse(completion.text).answer for completion in self.completions]
        options = tuple(self.record.options)
        choices = [canonical_answer(answer, options) for answer in answers if answer]
        return dict(Counter(choices).most_common())

    def find_completion_id(self, index: int) -> str:
        """Return the id of an ended completion."""
        return next(completion.id for completion in self.completions if completion.index == index)

    def find_completion(self, index: int) -> CompletionRecord:
        """Return a completion. Raises QuestionNotFound if it is missing or blinded."""
        matches = [completion for completion in self.completions if completion.index == index]
        if not matches or self.is_blinded:
            raise QuestionNotFound(user_messages.NO_ANSWER_YET)
        return matches[0]


def hides_completions(record: QuestionRecord, *, has_text: bool) -> bool:
    """Return whether a question hides its completions until the first answer."""
    answered = record.first_answer is not None
    return awaits_author(blind=record.blind, answered=answered, has_text=has_text)
