"""Rows of feedback for statistics: current feedback, except for times, which count all.

Each kind of row is one query. Current feedback is what nothing supersedes: the index of
`supersedes_id` finds it four times as fast as the equivalent `current_feedback`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.blinding.blind_votes import vote_is_unblinded
from storage.blinding.conditions import (
    case_reference_is_visible,
    completion_feedback_is_visible,
    feedback_is_visible,
    first_answer_is_visible,
)
from storage.blinding.policy import Viewer
from storage.feedback.vocabulary import PREFERENCES, SIDES, UNDONE
from storage.statistics.records import (
    NO_FILTERS,
    FilterChoices,
    Filters,
    FirstAnswerRow,
    LabelRow,
    TimeRow,
    VerdictRow,
    VoteRow,
)
from storage.tables import (
    Case,
    Completion,
    Feedback,
    JudgeLabels,
    Question,
    Slide,
    WorklistAssignment,
    WorklistItem,
)

CASE_ID = func.coalesce(Slide.case_id, Slide.id)
_TASK = func.coalesce(Question.task, "")
_ORGAN = func.coalesce(Slide.organ, "")
_REFERENCE = and_(Case.id == Slide.case_id, Case.reference_source.is_not(None))


def verdicts(session: Session, filters: Filters = NO_FILTERS) -> list[VerdictRow]:
    """All verdicts."""
    zone = ZoneInfo(filters.zone)
    rows = session.execute(verdicts_query(filters))
    return [
        VerdictRow(case, completion, rater, _day(at, zone), *about)
        for case, completion, rater, at, *about in rows
    ]


def labels(session: Session, filters: Filters = NO_FILTERS) -> list[LabelRow]:
    """All labels; of steps, only their events."""
    rows = session.execute(labels_query(filters))
    return [
        LabelRow(case, completion, rater, _events(absences, steps))
        for case, completion, rater, absences, steps in rows
    ]


def votes(session: Session, filters: Filters = NO_FILTERS) -> list[VoteRow]:
    """All votes; a model filter matches either side."""
    rows = []
    for unit, rater, one, other, choice, turned, known, *sides in session.execute(
        votes_query(filters)
    ):
        left, right = (sides[3:], sides[:3]) if turned else (sides[:3], sides[3:])
        preference = resolve_preference(choice, turned)
        about = (choice, rater, f"{one} {other}", preference, not known)
        rows.append(VoteRow._make((unit, *left, *right, *about)))
    return rows


def resolve_preference(choice: str, turned: int) -> str:
    """Result of a vote, one of PREFERENCES; `turned` means that the second was on the left."""
    if choice not in SIDES:
        return choice
    return PREFERENCES[SIDES.index(choice) ^ bool(turned)]


def first_answers(session: Session, filters: Filters = NO_FILTERS) -> list[FirstAnswerRow]:
    """Blind questions and first rounds of worklist items; dates are of the first answer."""
    queries = (first_answers_query(filters), first_assignments_query(filters))
    # the last verdict on a question or assignment comes last
    rows = [row for query in queries for row in session.execute(query)]
    return list({key: FirstAnswerRow(*row) for key, *row in rows}.values())


def times(session: Session, filters: Filters = NO_FILTERS) -> list[TimeRow]:
    """Time spent, by case and rater."""
    return [TimeRow(*row) for row in session.execute(times_query(filters))]


def judge_labels(session: Session, filters: Filters = NO_FILTERS) -> list[LabelRow]:
    """Labels by judge models; `rater` is the judge's name, and the rater filter is ignored."""
    rows = session.execute(judge_labels_query(filters))
    return [
        LabelRow(case, completion, judge, _names(events))
        for case, completion, judge, events in rows
    ]


def list_filter_choices(session: Session) -> FilterChoices:
    """Available filter values."""
    columns = select(Question.model, _TASK, _ORGAN, Slide.id, Slide.alias).join(Slide).distinct()
    rows = session.execute(columns).all()
    raters = select(Feedback.rater_id).distinct().order_by(Feedback.rater_id)
    models, tasks, organs = (sorted({row[place] for row in rows}) for place in range(3))
    slides = sorted({(row[3], row[4]) for row in rows}, key=lambda slide: (slide[1], slide[0]))
    return FilterChoices(models, tasks, organs, slides, list(session.scalars(raters)))


def verdicts_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `verdicts`, with the time in place of the day."""
    rating = (Feedback.completion_id, Feedback.rater_id, Feedback.created_at)
    about = (Question.model, _TASK, _ORGAN, Slide.id)
    columns = (CASE_ID, *rating, *about, Feedback.verdict, Feedback.confidence)
    return _select_current(select(*columns), "verdict", filters)


def labels_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `labels`; JSON stays text, decoded later because few texts are long."""
    label_columns = (cast(Feedback.absences, String), cast(Feedback.steps, String))
    columns = (CASE_ID, Feedback.completion_id, Feedback.rater_id, *label_columns)
    return _select_current(select(*columns), "labels", filters)


def votes_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `votes`, both sides in stored order."""
    other, other_question = aliased(Completion), aliased(Question)
    first = (Question.model, Question.model_revision, func.length(Completion.text))
    second = (other_question.model, other_question.model_revision, func.length(other.text))
    who = (Feedback.rater_id, Feedback.completion_id, Feedback.other_completion_id)
    turned = Feedback.left_completion_id != Feedback.completion_id
    known = vote_is_unblinded()
    columns = select(CASE_ID, *who, Feedback.choice, turned, known, *first, *second)
    compared = (
        _select_current(columns, "preference", filters, other_question)
        .join(other, other.id == Feedback.other_completion_id)
        .join(other_question, other_question.id == other.question_id)
    )
    counted = compared.where(Feedback.choice != UNDONE)
    if filters.blind_votes:
        counted = counted.where(~known)
    return counted.order_by(Feedback.created_at, Feedback.id)


def first_answers_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `first_answers`: a row per completion, the one rated last at the end."""
    own = (Question.id, CASE_ID, Question.options, Question.first_answer, Question.first_confidence)
    answered = (
        select(*own, *_compared_columns(filters))
        .select_from(Question)
        .where(Question.first_answer.is_not(None))
    )
    asked = _conditions(filters, Question.first_answer_at, Question.account_id)
    seen = _visibility(filters, lambda viewer: first_answer_is_visible(viewer, Question.account_id))
    return _with_verdicts(answered, Question.account_id).where(*asked, *seen)


def first_assignments_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """The same for worklist items; a repeated item is no longer new to its rater."""
    turn = WorklistAssignment
    own = (turn.id, CASE_ID, Question.options, turn.first_answer, turn.first_confidence)
    answered = (
        select(*own, *_compared_columns(filters))
        .select_from(WorklistAssignment)
        .join(WorklistItem, WorklistItem.id == turn.item_id)
        .join(Question, Question.id == WorklistItem.question_id)
        .where(turn.first_answer.is_not(None), turn.round == 0)
    )
    asked = _conditions(filters, turn.first_answer_at, turn.rater_id)
    seen = _visibility(filters, lambda viewer: first_answer_is_visible(viewer, turn.rater_id))
    return _with_verdicts(answered, turn.rater_id).where(*asked, *seen)


def _compared_columns(filters: Filters) -> tuple[ColumnElement[Any], ...]:
    """Columns to compare a first answer with; the reference only where the viewer may see it."""
    reference: Any = Case.reference_answer
    if filters.viewer is not None:
        reference = case((case_reference_is_visible(filters.viewer), reference))
    return Completion.answer, Feedback.verdict, Feedback.corrected_answer, reference  # type: ignore[return-value]


def _with_verdicts(
    answered: Select[*tuple[Any, ...]], rater: InstrumentedAttribute[str]
) -> Select[*tuple[Any, ...]]:
    """Join the questions' completions, the same rater's verdicts, and references."""
    verdict = and_(
        Feedback.completion_id == Completion.id,
        Feedback.rater_id == rater,
        Feedback.kind == "verdict",
        _is_current(),
    )
    return (
        answered.join(Slide, Slide.id == Question.slide_id)
        .join(Completion, Completion.question_id == Question.id)
        .outerjoin(Feedback, verdict)
        .outerjoin(Case, _REFERENCE)
        .order_by(Feedback.created_at.nulls_first(), Completion.index.desc())
    )


def times_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `times`."""
    spent = (func.count(Feedback.seconds), func.sum(Feedback.seconds))
    columns = select(CASE_ID, Feedback.rater_id, *spent).where(Feedback.seconds.is_not(None))
    return select_feedback(columns, filters).group_by(CASE_ID, Feedback.rater_id)


def judge_labels_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Query for `judge_labels`."""
    columns = (CASE_ID, JudgeLabels.completion_id, JudgeLabels.judge)
    return (
        select(*columns, cast(JudgeLabels.events, String))
        .join(Completion, Completion.id == JudgeLabels.completion_id)
        .join(Question, Question.id == Completion.question_id)
        .join(Slide, Slide.id == Question.slide_id)
        .where(*_conditions(filters, JudgeLabels.created_at, None))
        .where(*_visibility(filters, completion_feedback_is_visible))
    )


def _select_current(
    columns: Select[*tuple[Any, ...]],
    kind: str,
    filters: Filters,
    other: type[Question] | None = None,
) -> Select[*tuple[Any, ...]]:
    """Select feedback of a kind that nothing supersedes."""
    return select_feedback(columns, filters, other).where(Feedback.kind == kind, _is_current())


def select_feedback(
    columns: Select[*tuple[Any, ...]], filters: Filters, other: type[Question] | None = None
) -> Select[*tuple[Any, ...]]:
    """Select feedback with its question and slide."""
    return (
        columns.select_from(Feedback)
        .join(Completion, Completion.id == Feedback.completion_id)
        .join(Question, Question.id == Completion.question_id)
        .join(Slide, Slide.id == Question.slide_id)
        .where(*_conditions(filters, Feedback.created_at, Feedback.rater_id, other))
        .where(*_visibility(filters, feedback_is_visible))
    )


def _is_current() -> ColumnElement[bool]:
    later = aliased(Feedback)
    return ~exists().where(later.supersedes_id == Feedback.id)


def _visibility(
    filters: Filters, is_visible: Callable[[Viewer], ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """Conditions that hide rows from the viewer."""
    return [] if filters.viewer is None else [is_visible(filters.viewer)]


def _conditions(
    filters: Filters,
    at: InstrumentedAttribute[Any],
    rater: InstrumentedAttribute[Any] | None,
    other: type[Question] | None = None,
) -> list[ColumnElement[bool]]:
    """SQL conditions of the filters; a model may also match `other`, a pair's second question."""
    conditions: list[ColumnElement[bool]] = []
    if filters.since is not None:
        conditions.append(at >= filters.since)
    if filters.until is not None:
        conditions.append(at < filters.until)
    if filters.model is not None:
        named = Question.model == filters.model
        conditions.append(named if other is None else or_(named, other.model == filters.model))
    if filters.rater_id is not None and rater is not None:
        conditions.append(rater == filters.rater_id)
    exact = ((_TASK, filters.task), (_ORGAN, filters.organ), (Question.slide_id, filters.slide_id))
    return conditions + [column == value for column, value in exact if value is not None]


def _day(at: datetime, zone: ZoneInfo) -> str:
    """Day of a time in a zone, as `YYYY-MM-DD`."""
    return at.astimezone(zone).date().isoformat()


def _events(absences: str, steps: str) -> frozenset[str]:
    """Events in the JSON of labels."""
    if steps == "[]":
        return _names(absences)
    of_steps = (event for step in json.loads(steps) for event in step["events"])
    return _names(absences).union(of_steps)


@lru_cache(1024)
def _names(text: str) -> frozenset[str]:
    """Decode a JSON list of names; few distinct lists occur."""
    return frozenset(json.loads(text))
