"""A reading with its answers and the checks of them, as far as there are any."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from models.messages import Box, ImagePlacement
from models.reasoning.trace import parse
from models.scoring import said
from pathviewer.questions.errors import ReadingNotFound
from storage.questions.records import CompletionRecord, DeletionCheckRecord, ReadingRecord


@dataclass(frozen=True)
class WholeReading:
    """What is known of a reading at one moment."""

    record: ReadingRecord
    """The question and how it fared."""
    completions: tuple[CompletionRecord, ...] = ()
    """Answers that have ended, by index."""
    checks: tuple[DeletionCheckRecord, ...] = ()
    """Deletion checks of the answers, the oldest first."""

    @property
    def withheld(self) -> bool:
        """Whether the model's text is kept back until the clinician has answered.

        A reading that ended before anything was written has nothing to keep back.
        """
        nothing = self.record.state != "running" and not self.completions
        return self.record.blind and self.record.first_answer is None and not nothing

    @property
    def placement(self) -> ImagePlacement | None:
        """Where the picture's cells lie; None until the model has begun."""
        one = self.record
        if one.pixel_width is None or one.pixel_height is None:
            return None
        if one.columns is None or one.rows is None:
            return None
        box = Box(one.x, one.y, one.width, one.height)
        return ImagePlacement(box, one.pixel_width, one.pixel_height, one.columns, one.rows)

    @property
    def agreement(self) -> dict[str, int] | None:
        """How many of several answers say what; those that say nothing are not counted."""
        if len(self.completions) < 2:
            return None
        given = [parse(one.text).answer for one in self.completions]
        options = tuple(self.record.options)
        said_ = [said(answer, options) for answer in given if answer]
        return dict(Counter(said_).most_common())

    def completion_id(self, index: int) -> str:
        """Id of an answer that has ended."""
        return next(one.id for one in self.completions if one.index == index)

    def completion(self, index: int) -> CompletionRecord:
        """One answer; raises ReadingNotFound, also while it is kept back."""
        found = [one for one in self.completions if one.index == index]
        if not found or self.withheld:
            raise ReadingNotFound("There is no such answer, or not yet.")
        return found[0]
