"""Labels by judge models: traces that await them, and storing them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session, aliased

from storage.tables import Blob, Case, Completion, Feedback, JudgeLabels, Question, Slide


@dataclass(frozen=True)
class UnlabelledTrace:
    """A trace with labels from a rater but none from a judge."""

    completion_id: str
    """Id of the completion."""

    text: str
    """Full text of the completion."""

    question: str
    """Question, without options."""

    options: Sequence[str]
    """Answer options."""

    task: str | None
    """Question type."""

    pixels_sha256: str
    """Picture that the model saw."""

    reference_answer: str | None
    """Correct answer of the case; None unless its source is known."""


def list_unlabelled_traces(session: Session, judge: str, limit: int) -> list[UnlabelledTrace]:
    """At most `limit` traces, by id, that await this judge and whose picture exists."""
    later = aliased(Feedback)
    labelled = exists().where(
        Feedback.completion_id == Completion.id,
        Feedback.kind == "labels",
        ~exists().where(later.supersedes_id == Feedback.id),
    )
    has_labels = exists().where(
        JudgeLabels.completion_id == Completion.id, JudgeLabels.judge == judge
    )
    reference = and_(Case.id == Slide.case_id, Case.reference_source.is_not(None))
    question_columns = (Question.question, Question.options, Question.task, Question.pixels_sha256)
    unlabelled = (
        select(Completion.id, Completion.text, *question_columns, Case.reference_answer)
        .join(Question, Question.id == Completion.question_id)
        .join(Slide, Slide.id == Question.slide_id)
        .join(Blob, Blob.sha256 == Question.pixels_sha256)
        .outerjoin(Case, reference)
        .where(labelled, ~has_labels, Blob.removed_at.is_(None))
        .order_by(Completion.id)
        .limit(limit)
    )
    return [UnlabelledTrace(*row) for row in session.execute(unlabelled)]


def add_judge_labels(
    session: Session, judge: str, completion_id: str, events: Collection[str]
) -> None:
    """Store a judge's events for a completion; it must exist and have none from this judge yet."""
    row = JudgeLabels(completion_id=completion_id, judge=judge, events=sorted(events))
    session.add(row)
    session.flush()
