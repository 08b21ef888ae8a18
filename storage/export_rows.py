"""What an export reads: judgments that hold now, with the readings and completions they are of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session, aliased

from storage.blinding.blind_votes import vote_is_unblinded
from storage.blinding.visible_feedback import feedback_is_visible
from storage.tables import (
    Blob,
    Case,
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    Slide,
    Worklist,
    WorklistItem,
    WorklistQuestion,
)

FETCH_SIZE = 500
"""Judgments fetched at once."""


@dataclass(frozen=True)
class Selection:
    """Which judgments are wanted; what is empty or None selects nothing away."""

    since: datetime | None = None
    """Judged at this moment or later, UTC."""
    until: datetime | None = None
    """Judged before this moment, UTC."""
    zone: str = "UTC"
    """IANA name of the time zone of whose days these are the ends; selects nothing."""
    rater_ids: frozenset[str] = frozenset()
    """Accounts that judged."""
    models: frozenset[str] = frozenset()
    """Models that were judged, by the name under which they were asked; of a pair both."""
    case_ids: frozenset[str] = frozenset()
    """Cases whose slides were judged."""
    tasks: frozenset[str] = frozenset()
    """Question types."""
    teaching: bool = False
    """Whether worklists to teach with are wanted too."""
    viewer_id: str | None = None
    """Rater who is shown the export: of others' judgments only those of what he judged himself;
    None sees all."""


@dataclass(frozen=True)
class ExportedFeedback:
    """What a rater says of a completion now; columns of other kinds are None."""

    rater_id: str
    """Account that judged."""
    completion_id: str
    """What is judged."""
    kind: str
    """`verdict`, `labels`, `edited_trace`, `evidence` or `preference`."""
    created_at: datetime
    """When it was said, UTC."""
    comment: str | None
    """Free text."""
    verdict: str | None
    """Of a verdict."""
    corrected_answer: str | None
    """Of a verdict: what would have been right."""
    absences: list[str] | None
    """Of labels: what the whole trace lacks."""
    steps: list[dict[str, Any]] | None
    """Of labels: events by step."""
    edited_text: str | None
    """Of an edited trace: the whole completion as it should be."""
    other_completion_id: str | None
    """Of a preference: the other one of the two."""
    left_completion_id: str | None
    """Of a preference: which one stood on the left."""
    choice: str | None
    """Of a preference: `left`, `right`, `tie` or `both_bad`."""
    reasons: list[str] | None
    """Of a preference."""
    names_known: bool
    """Of a preference: whether the rater may have known who wrote the answers."""
    x: int | None
    """Of evidence: left edge of where to look, level-0 pixels; None where it was taken back."""
    y: int | None
    """Upper edge."""
    width: int | None
    """Width."""
    height: int | None
    """Height."""


@dataclass(frozen=True)
class CompletionAuthor:
    """Who wrote a completion."""

    model: str
    """Model as it was named."""
    revision: str | None
    """Which weights."""
    licence: str | None = None
    """Of the weights when it answered; None where that was not kept."""
    train_allowed: bool | None = None
    """Whether others may be trained on its answers; None where that was not kept."""


@dataclass(frozen=True)
class ExportedQuestion:
    """A question with what was answered and how that was judged."""

    id: str
    """Of the reading."""
    slide_id: str
    """Of the slide."""
    case_id: str | None
    """Of the slide's case; None where it is not known."""
    item_answer: str | None
    """What is right of the worklist's item; None where nobody said, or it is of no worklist."""
    reference_answer: str | None
    """What is right of the case; None where nobody said."""
    reference_source: str | None
    """Who or what says so."""
    x: int
    """Left edge of the region, level-0 pixels."""
    y: int
    """Upper edge."""
    width: int
    """Width."""
    height: int
    """Height."""
    mpp: float | None
    """Microns per pixel of the picture; None where it is not known."""
    scale: dict[str, Any] | None
    """The slide's scale in use when it was asked; None where that was not kept."""
    colours: dict[str, Any] | None
    """Name of the slide's colour profile, and whether the picture is corrected by it; None where no
    profile applied or that was not kept."""
    question: str
    """As asked."""
    options: list[str]
    """Answers offered, without letters; empty for a free answer."""
    task: str | None
    """Question type."""
    prompt: str
    """The question as the model read it."""
    system: str | None
    """System prompt; None where the chat template's own was taken."""
    pixels_sha256: str
    """The very picture that the model saw."""
    model: str
    """Model as it was named."""
    model_revision: str | None
    """Which weights."""
    completions: dict[str, str]
    """Texts of the completions that are judged, by id; a pair's other one may be of another
    reading."""
    authors: dict[str, CompletionAuthor]
    """Who wrote each of them, by id."""
    feedback: tuple[ExportedFeedback, ...]
    """By completion, kind and rater."""


_QUESTION_COLUMNS = tuple(
    getattr(Question, name)
    for name in ExportedQuestion.__dataclass_fields__
    if hasattr(Question, name)
)
_CONTEXT_COLUMNS = {
    "case_id": Slide.case_id,
    "item_answer": WorklistItem.reference_answer,
    "reference_answer": Case.reference_answer,
    "reference_source": Case.reference_source,
}
_AUTHOR_COLUMNS = (Question.model, Question.model_revision, Question.model_info)
_NAMES_KNOWN = and_(Feedback.kind == "preference", vote_is_unblinded())
_FEEDBACK_COLUMNS = tuple(
    _NAMES_KNOWN if name == "names_known" else getattr(Feedback, name)
    for name in ExportedFeedback.__dataclass_fields__
)


def stream_selected_questions(session: Session, selection: Selection) -> Iterator[ExportedQuestion]:
    """Readings with judgments that are selected, in one order for one database.

    Those whose picture is gone are left out (`readings_without_picture`).
    """
    columns = (*_QUESTION_COLUMNS, *_CONTEXT_COLUMNS.values(), *_FEEDBACK_COLUMNS)
    statement = _selected(select(*columns), selection).where(Blob.removed_at.is_(None))
    # ids are random, so that their order tells nothing of who was first
    statement = statement.order_by(
        Question.id, Feedback.completion_id, Feedback.kind, Feedback.rater_id, Feedback.id
    )
    rows = session.execute(statement.execution_options(yield_per=FETCH_SIZE))
    for _, group in groupby(rows, key=lambda row: row[0]):
        yield _build_question(session, list(group))


def count_selected_questions(session: Session, selection: Selection) -> int:
    """How many readings `judged_readings` gives."""
    statement = _selected(select(func.count(Question.id.distinct())), selection)
    return session.scalar(statement.where(Blob.removed_at.is_(None))) or 0


def count_questions_without_picture(session: Session, selection: Selection) -> int:
    """Readings with judgments that are selected, but whose picture is gone."""
    statement = _selected(select(func.count(Question.id.distinct())), selection)
    return session.scalar(statement.where(Blob.removed_at.is_not(None))) or 0


def _selected(statement: Select[Any], selection: Selection) -> Select[Any]:
    joined = (
        statement.select_from(CurrentFeedback)
        .join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
        .join(Completion, Completion.id == Feedback.completion_id)
        .join(Question, Question.id == Completion.question_id)
        .join(Slide, Slide.id == Question.slide_id)
        .join(Blob, Blob.sha256 == Question.pixels_sha256)
        .outerjoin(Case, Case.id == Slide.case_id)
        .outerjoin(WorklistQuestion, WorklistQuestion.question_id == Question.id)
        .outerjoin(
            WorklistItem,
            or_(
                WorklistItem.question_id == Question.id, WorklistItem.id == WorklistQuestion.item_id
            ),
        )
        .outerjoin(Worklist, Worklist.id == WorklistItem.worklist_id)
    )
    return joined.where(*_conditions(selection))


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    among = (
        (Feedback.rater_id, selection.rater_ids),
        (Question.model, selection.models),
        (Slide.case_id, selection.case_ids),
        (Question.task, selection.tasks),
    )
    conditions: list[ColumnElement[bool]] = [
        column.in_(sorted(values)) for column, values in among if values
    ]
    if selection.models:
        conditions.append(_other_model_is_selected(selection.models))
    conditions.append(Feedback.choice.is_distinct_from("undone"))
    if not selection.teaching:
        conditions.append(or_(Worklist.id.is_(None), ~Worklist.teaching))
    if selection.since:
        conditions.append(Feedback.created_at >= selection.since)
    if selection.until:
        conditions.append(Feedback.created_at < selection.until)
    if selection.viewer_id is not None:
        conditions.append(feedback_is_visible(selection.viewer_id))
    return conditions


def _author(row: Row[Any]) -> CompletionAuthor:
    info = row.model_info or {}
    return CompletionAuthor(
        row.model, row.model_revision, info.get("licence"), info.get("train_allowed")
    )


def _other_model_is_selected(models: frozenset[str]) -> ColumnElement[bool]:
    """Whether the other completion of a pair is of these models too; true where there is none."""
    other, other_question = aliased(Completion), aliased(Question)
    same = (other.id == Feedback.other_completion_id, other_question.id == other.question_id)
    exists_other = (
        exists().where(*same, other_question.model.in_(sorted(models))).correlate(Feedback)
    )
    return or_(Feedback.other_completion_id.is_(None), exists_other)


def _build_question(session: Session, rows: list[Row[Any]]) -> ExportedQuestion:
    names = (*(column.key for column in _QUESTION_COLUMNS), *_CONTEXT_COLUMNS)
    facts = dict(zip(names, rows[0], strict=False))
    feedback_rows = tuple(ExportedFeedback(*row[len(facts) :]) for row in rows)
    ids = {feedback.completion_id for feedback in feedback_rows}
    ids |= {each.other_completion_id for each in feedback_rows if each.other_completion_id}
    wanted = (
        select(Completion.id, Completion.text, *_AUTHOR_COLUMNS)
        .join(Question, Question.id == Completion.question_id)
        .where(Completion.id.in_(sorted(ids)))
    )
    completions = session.execute(wanted).all()
    texts = {row.id: row.text for row in completions}
    authors = {row.id: _author(row) for row in completions}
    return ExportedQuestion(**facts, completions=texts, authors=authors, feedback=feedback_rows)
