"""What judges that are programs found: which traces wait for one, and keeping what it says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session, aliased

from storage.tables import Blob, Case, Completion, Feedback, JudgeLabels, Reading, Slide


@dataclass(frozen=True)
class Unjudged:
    """A trace that a clinician labelled and a judge did not."""

    completion_id: str
    """Of the completion."""

    text: str
    """The whole completion."""

    question: str
    """What was asked, without options."""

    options: Sequence[str]
    """Answers to choose from."""

    task: str | None
    """Question type."""

    pixels_sha256: str
    """The picture that the model saw."""

    reference_answer: str | None
    """What is right of the case; None unless its source is known."""


def unjudged(session: Session, judge: str, limit: int) -> list[Unjudged]:
    """At most `limit` traces that wait for this judge and whose picture is there, by their ids."""
    later = aliased(Feedback)
    labelled = exists().where(
        Feedback.completion_id == Completion.id,
        Feedback.kind == "labels",
        ~exists().where(later.supersedes_id == Feedback.id),
    )
    judged = exists().where(JudgeLabels.completion_id == Completion.id, JudgeLabels.judge == judge)
    reference = and_(Case.id == Slide.case_id, Case.reference_source.is_not(None))
    asked = (Reading.question, Reading.options, Reading.task, Reading.pixels_sha256)
    waiting = (
        select(Completion.id, Completion.text, *asked, Case.reference_answer)
        .join(Reading, Reading.id == Completion.reading_id)
        .join(Slide, Slide.id == Reading.slide_id)
        .join(Blob, Blob.sha256 == Reading.pixels_sha256)
        .outerjoin(Case, reference)
        .where(labelled, ~judged, Blob.removed_at.is_(None))
        .order_by(Completion.id)
        .limit(limit)
    )
    return [Unjudged(*row) for row in session.execute(waiting)]


def add_judge_labels(
    session: Session, judge: str, completion_id: str, events: Collection[str]
) -> None:
    """Keep what a judge found in a completion; the completion must exist and be unjudged by it."""
    row = JudgeLabels(completion_id=completion_id, judge=judge, events=sorted(events))
    session.add(row)
    session.flush()
