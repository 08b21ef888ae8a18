"""A reading with its answers and the checks of them, as far as there are any."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from models.messages import Box, ImagePlacement
from models.reasoning.trace import parse
from models.scoring import canonical_answer
from pathviewer.questions.errors import QuestionNotFound
from storage.questions.records import CompletionRecord, DeletionCheckRecord, QuestionRecord


@dataclass(frozen=True)
class QuestionSnapshot:
    """What is known of a reading at one moment."""

    record: QuestionRecord
    """The question and how it fared."""
    completions: tuple[CompletionRecord, ...] = ()
    """Answers that have ended, by index."""
    checks: tuple[DeletionCheckRecord, ...] = ()
    """Deletion checks of the answers, the oldest first."""

    @property
    def is_blinded(self) -> bool:
        """Whether the model's text is kept back until the clinician has answered.

        A reading that ended before anything was written has nothing to keep back.
        """
        ended_without_text = self.record.state != "running" and not self.completions
        return self.record.blind and self.record.first_answer is None and not ended_without_text

    @property
    def placement(self) -> ImagePlacement | None:
        """Where the picture's cells lie; None until the model has begun."""
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
        """How many of several answers say what; those that say nothing are not counted."""
        if len(self.completions) < 2:
            return None
        answers = [parse(completion.text).answer for completion in self.completions]
        options = tuple(self.record.options)
        choices = [canonical_answer(answer, options) for answer in answers if answer]
        return dict(Counter(choices).most_common())

    def find_completion_id(self, index: int) -> str:
        """Id of an answer that has ended."""
        return next(completion.id for completion in self.completions if completion.index == index)

    def find_completion(self, index: int) -> CompletionRecord:
        """One answer; raises ReadingNotFound, also while it is kept back."""
        matches = [completion for completion in self.completions if completion.index == index]
        if not matches or self.is_blinded:
            raise QuestionNotFound("There is no such answer, or not yet.")
        return matches[0]
