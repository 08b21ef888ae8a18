"""Rows for an export: current feedback with its questions and completions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session, aliased

from storage.blinding.blind_votes import vote_is_unblinded
from storage.blinding.conditions import (
    case_reference_is_visible,
    feedback_is_visible,
    reference_is_visible,
)
from storage.blinding.policy import Viewer
from storage.feedback.vocabulary import UNDONE
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
"""Feedback rows per fetch."""


@dataclass(frozen=True)
class Selection:
    """Filters of an export; empty values and None exclude nothing."""

    since: datetime | None = None
    """Feedback from this time on, UTC."""
    until: datetime | None = None
    """Feedback before this time, UTC."""
    zone: str = "UTC"
    """IANA time zone whose days `since` and `until` delimit; filters nothing."""
    rater_ids: frozenset[str] = frozenset()
    """Accounts that gave the feedback."""
    models: frozenset[str] = frozenset()
    """Models rated, by the name in the question; for a pair, both must match."""
    case_ids: frozenset[str] = frozenset()
    """Cases whose slides were asked about."""
    tasks: frozenset[str] = frozenset()
    """Question types."""
    teaching: bool = False
    """Whether to include teaching worklists."""
    viewer: Viewer | None = None
    """Who sees the export: only what is visible to them is included; None includes all."""


@dataclass(frozen=True)
class ExportedFeedback:
    """A rater's current feedback on a completion; columns of other kinds are None."""

    rater_id: str
    """Account of the rater."""
    completion_id: str
    """Completion rated."""
    kind: str
    """`verdict`, `labels`, `edited_trace`, `evidence` or `preference`."""
    created_at: datetime
    """When it was given, UTC."""
    comment: str | None
    """Free text."""
    verdict: str | None
    """With a verdict."""
    corrected_answer: str | None
    """With a verdict: the correct answer."""
    absences: list[str] | None
    """With labels: what the whole trace lacks."""
    steps: list[dict[str, Any]] | None
    """With labels: events by step."""
    edited_text: str | None
    """With an edited trace: the corrected completion."""
    other_completion_id: str | None
    """With a preference: the other completion."""
    left_completion_id: str | None
    """With a preference: the completion on the left."""
    choice: str | None
    """With a preference: one of `storage.feedback.vocabulary.CHOICES`."""
    reasons: list[str] | None
    """With a preference: its reasons."""
    names_known: bool
    """With a preference: whether the rater may have known the models' names."""
    x: int | None
    """With evidence: left edge of the region, level-0 pixels; None where it was withdrawn."""
    y: int | None
    """Top edge of the evidence region."""
    width: int | None
    """Width of the evidence region."""
    height: int | None
    """Height of the evidence region."""


@dataclass(frozen=True)
class CompletionAuthor:
    """The model that wrote a completion."""

    model: str
    """Name of the model."""
    revision: str | None
    """Revision of its weights."""
    licence: str | None = None
    """Licence of the weights at the time; None if not recorded."""
    train_allowed: bool | None = None
    """Whether other models may train on its completions; None if not recorded."""


@dataclass(frozen=True)
class ExportedQuestion:
    """A question with its completions and their feedback."""

    id: str
    """Id of the question."""
    slide_id: str
    """Id of the slide."""
    case_id: str | None
    """Id of the slide's case; None if unknown."""
    item_answer: str | None
    """Correct answer of the worklist item; None if unknown or if there is no item."""
    reference_answer: str | None
    """Correct answer of the case; None if unknown."""
    reference_source: str | None
    """Source of the case's answer."""
    x: int
    """Left edge of the region, level-0 pixels."""
    y: int
    """Top edge."""
    width: int
    """Width."""
    height: int
    """Height."""
    mpp: float | None
    """Microns per pixel of the picture; None if unknown."""
    scale: dict[str, Any] | None
    """Slide scale in use at the time; None if not recorded."""
    colours: dict[str, Any] | None
    """Name of the slide's colour profile, whether the picture is corrected by it, and how the
    slide's pixels differ from 8-bit colour; None without these or if they were not recorded.
    """
    question: str
    """Question as typed."""
    options: list[str]
    """Answer options without letters; empty for a free answer."""
    task: str | None
    """Question type."""
    prompt: str
    """Prompt that the model read."""
    system: str | None
    """System prompt; None for the chat template's default."""
    pixels_sha256: str
    """Picture that the model saw."""
    model: str
    """Name of the model."""
    model_revision: str | None
    """Revision of its weights."""
    completions: dict[str, str]
    """Texts of the rated completions by id; a pair's second one may be from another question."""
    authors: dict[str, CompletionAuthor]
    """Author of each completion, by id."""
    evidence: dict[str, str]
    """SHA-256 of the stored evidence maps of a completion, by id; those without any are missing."""
    feedback: tuple[ExportedFeedback, ...]
    """Ordered by completion, kind and rater."""


_QUESTION_COLUMNS = tuple(
    getattr(Question, name)
    for name in ExportedQuestion.__dataclass_fields__
    if hasattr(Question, name)
)
_REFERENCE_COLUMNS = {
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
    """Yield the selected questions with feedback, in an order that is stable for a database.

    Questions whose picture was removed are skipped (`count_questions_without_picture`).
    """
    columns = (*_QUESTION_COLUMNS, *_context_columns(selection), *_FEEDBACK_COLUMNS)
    statement = _selected(select(*columns), selection).where(Blob.removed_at.is_(None))
    # ids are random, so their order does not reveal who was first
    statement = statement.order_by(
        Question.id, Feedback.completion_id, Feedback.kind, Feedback.rater_id, Feedback.id
    )
    rows = session.execute(statement.execution_options(yield_per=FETCH_SIZE))
    for _, group in groupby(rows, key=lambda row: row[0]):
        yield _build_question(session, list(group))


def count_selected_questions(session: Session, selection: Selection) -> int:
    """Number of questions that `stream_selected_questions` yields."""
    statement = _selected(select(func.count(Question.id.distinct())), selection)
    return session.scalar(statement.where(Blob.removed_at.is_(None))) or 0


def count_questions_without_picture(session: Session, selection: Selection) -> int:
    """Number of selected questions with feedback whose picture was removed."""
    statement = _selected(select(func.count(Question.id.distinct())), selection)
    return session.scalar(statement.where(Blob.removed_at.is_not(None))) or 0


def _context_columns(selection: Selection) -> list[ColumnElement[Any]]:
    """Case and references; the references only where the viewer may see them."""
    references: list[Any] = list(_REFERENCE_COLUMNS.values())
    if selection.viewer is not None:
        of_item = reference_is_visible(selection.viewer)
        of_case = case_reference_is_visible(selection.viewer)
        references = [
            case((of_item if column is WorklistItem.reference_answer else of_case, column))
            for column in references
        ]
    return [Slide.case_id, *references]


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
    conditions.append(Feedback.choice.is_distinct_from(UNDONE))
    if not selection.teaching:
        conditions.append(or_(Worklist.id.is_(None), ~Worklist.teaching))
    if selection.since:
        conditions.append(Feedback.created_at >= selection.since)
    if selection.until:
        conditions.append(Feedback.created_at < selection.until)
    if selection.viewer is not None:
        conditions.append(feedback_is_visible(selection.viewer))
    return conditions


def _author(row: Row[Any]) -> CompletionAuthor:
    info = row.model_info or {}
    return CompletionAuthor(
        row.model, row.model_revision, info.get("licence"), info.get("train_allowed")
    )


def _other_model_is_selected(models: frozenset[str]) -> ColumnElement[bool]:
    """Whether a pair's second completion is also from these models; true if there is none."""
    other, other_question = aliased(Completion), aliased(Question)
    same = (other.id == Feedback.other_completion_id, other_question.id == other.question_id)
    exists_other = (
        exists().where(*same, other_question.model.in_(sorted(models))).correlate(Feedback)
    )
    return or_(Feedback.other_completion_id.is_(None), exists_other)


def _build_question(session: Session, rows: list[Row[Any]]) -> ExportedQuestion:
    names = (*(column.key for column in _QUESTION_COLUMNS), "case_id", *_REFERENCE_COLUMNS)
    facts = dict(zip(names, rows[0], strict=False))
    feedback_rows = tuple(ExportedFeedback(*row[len(facts) :]) for row in rows)
    ids = {feedback.completion_id for feedback in feedback_rows}
    ids |= {each.other_completion_id for each in feedback_rows if each.other_completion_id}
    wanted = (
        select(Completion.id, Completion.text, Completion.evidence_sha256, *_AUTHOR_COLUMNS)
        .join(Question, Question.id == Completion.question_id)
        .where(Completion.id.in_(sorted(ids)))
    )
    completions = session.execute(wanted).all()
    texts = {row.id: row.text for row in completions}
    authors = {row.id: _author(row) for row in completions}
    evidence = {row.id: row.evidence_sha256 for row in completions if row.evidence_sha256}
    return ExportedQuestion(
        **facts, completions=texts, authors=authors, evidence=evidence, feedback=feedback_rows
    )
