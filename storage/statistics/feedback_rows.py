"""What raters said, in rows that figures are made of: what holds now, but for the time it took.

Each kind of row is one query. What holds is what nothing supersedes: asked of the index of
`supersedes_id` that is four times as fast as by way of `current_feedback`, which says the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.blinding.blind_votes import names_known
from storage.blinding.visible_feedback import told, told_first_answer, told_of_answer
from storage.statistics.records import (
    EVERYTHING,
    Choices,
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
    Reading,
    Slide,
    WorklistItem,
    WorklistTurn,
)

CASE = func.coalesce(Slide.case_id, Slide.id)
_TASK = func.coalesce(Reading.task, "")
_ORGAN = func.coalesce(Slide.organ, "")
_SEEN = (
    Completion.answer,
    Feedback.verdict,
    Feedback.corrected_answer,
    Case.reference_answer,
)
_REFERENCE = and_(Case.id == Slide.case_id, Case.reference_source.is_not(None))


def verdicts(session: Session, filters: Filters = EVERYTHING) -> list[VerdictRow]:
    """All verdicts."""
    zone = ZoneInfo(filters.zone)
    rows = session.execute(verdicts_query(filters))
    return [
        VerdictRow(case, completion, rater, _day(at, zone), *about)
        for case, completion, rater, at, *about in rows
    ]


def labels(session: Session, filters: Filters = EVERYTHING) -> list[LabelRow]:
    """All labels; of steps only which events they have."""
    found = session.execute(labels_query(filters))
    return [
        LabelRow(case, completion, rater, _events(absences, steps))
        for case, completion, rater, absences, steps in found
    ]


def votes(session: Session, filters: Filters = EVERYTHING) -> list[VoteRow]:
    """All comparisons; a model's filter takes those that have it on either side."""
    found = []
    for case, rater, one, other, choice, turned, known, *sides in session.execute(
        votes_query(filters)
    ):
        left, right = (sides[3:], sides[:3]) if turned else (sides[:3], sides[3:])
        said = preferred(choice, turned)
        about = (choice, rater, f"{one} {other}", said, not known)
        found.append(VoteRow._make((case, *left, *right, *about)))
    return found


def preferred(choice: str, turned: int) -> str:
    """What a vote prefers: `first` or `second` of the pair, `tie` or `both_bad`.

    `turned` says that the second stood on the left.
    """
    if choice not in ("left", "right"):
        return choice
    return "first" if (choice == "left") != bool(turned) else "second"


def first_answers(session: Session, filters: Filters = EVERYTHING) -> list[FirstAnswerRow]:
    """Blind readings and first turns at worklist items; dates are those of the first answer."""
    queries = (first_answers_query(filters), first_turns_query(filters))
    # of a reading or a turn the last verdict comes last
    rows = [row for query in queries for row in session.execute(query)]
    return list({key: FirstAnswerRow(*row) for key, *row in rows}.values())


def times(session: Session, filters: Filters = EVERYTHING) -> list[TimeRow]:
    """Time spent, by case and rater."""
    return [TimeRow(*row) for row in session.execute(times_query(filters))]


def judge_labels(session: Session, filters: Filters = EVERYTHING) -> list[LabelRow]:
    """What judges that are programs found; the rater is the judge's name, whoever is filtered."""
    rows = session.execute(judge_labels_query(filters))
    return [
        LabelRow(case, completion, judge, _names(events))
        for case, completion, judge, events in rows
    ]


def choices(session: Session) -> Choices:
    """What there is to filter by."""
    asked = select(Reading.model, _TASK, _ORGAN, Slide.id, Slide.alias).join(Slide).distinct()
    found = session.execute(asked).all()
    raters = select(Feedback.rater_id).distinct().order_by(Feedback.rater_id)
    models, tasks, organs = (sorted({row[place] for row in found}) for place in range(3))
    slides = sorted({(row[3], row[4]) for row in found}, key=lambda slide: (slide[1], slide[0]))
    return Choices(models, tasks, organs, slides, list(session.scalars(raters)))


def verdicts_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `verdicts`, with the moment in the place of the day."""
    judged = (Feedback.completion_id, Feedback.rater_id, Feedback.created_at)
    about = (Reading.model, _TASK, _ORGAN, Slide.id)
    columns = (CASE, *judged, *about, Feedback.verdict, Feedback.confidence)
    return _holding(select(*columns), "verdict", filters)


def labels_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `labels`; JSON as text, which is decoded here where few texts are long."""
    said = (cast(Feedback.absences, String), cast(Feedback.steps, String))
    columns = (CASE, Feedback.completion_id, Feedback.rater_id, *said)
    return _holding(select(*columns), "labels", filters)


def votes_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `votes`: both sides in the order in which they are stored."""
    other, asked = aliased(Completion), aliased(Reading)
    first = (Reading.model, Reading.model_revision, func.length(Completion.text))
    second = (asked.model, asked.model_revision, func.length(other.text))
    who = (Feedback.rater_id, Feedback.completion_id, Feedback.other_completion_id)
    turned = Feedback.left_completion_id != Feedback.completion_id
    known = names_known()
    columns = select(CASE, *who, Feedback.choice, turned, known, *first, *second)
    compared = (
        _holding(columns, "preference", filters, asked)
        .join(other, other.id == Feedback.other_completion_id)
        .join(asked, asked.id == other.reading_id)
    )
    counted = compared.where(Feedback.choice != "undone")
    if filters.blind_votes:
        counted = counted.where(~known)
    return counted.order_by(Feedback.created_at, Feedback.id)


def first_answers_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `first_answers`, a row for each completion, the one that was judged last at the end."""
    own = (Reading.id, CASE, Reading.options, Reading.first_answer, Reading.first_confidence)
    answered = select(*own, *_SEEN).select_from(Reading).where(Reading.first_answer.is_not(None))
    asked = _conditions(filters, Reading.first_answer_at, Reading.account_id)
    seen = _seen(filters, lambda viewer: told_first_answer(viewer, Reading.account_id))
    return _with_verdicts(answered, Reading.account_id).where(*asked, *seen)


def first_turns_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """The same for items of worklists; an item that comes again is no longer new to its rater."""
    turn = WorklistTurn
    own = (turn.id, CASE, Reading.options, turn.first_answer, turn.first_confidence)
    answered = (
        select(*own, *_SEEN)
        .select_from(WorklistTurn)
        .join(WorklistItem, WorklistItem.id == turn.item_id)
        .join(Reading, Reading.id == WorklistItem.reading_id)
        .where(turn.first_answer.is_not(None), turn.round == 0)
    )
    asked = _conditions(filters, turn.first_answer_at, turn.rater_id)
    seen = _seen(filters, lambda viewer: told_first_answer(viewer, turn.rater_id))
    return _with_verdicts(answered, turn.rater_id).where(*asked, *seen)


def _with_verdicts(
    answered: Select[*tuple[Any, ...]], rater: InstrumentedAttribute[str]
) -> Select[*tuple[Any, ...]]:
    """With the completions of the readings, the same person's verdicts, and references."""
    verdict = and_(
        Feedback.completion_id == Completion.id,
        Feedback.rater_id == rater,
        Feedback.kind == "verdict",
        _holds(),
    )
    return (
        answered.join(Slide, Slide.id == Reading.slide_id)
        .join(Completion, Completion.reading_id == Reading.id)
        .outerjoin(Feedback, verdict)
        .outerjoin(Case, _REFERENCE)
        .order_by(Feedback.created_at.nulls_first(), Completion.index.desc())
    )


def times_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `times`."""
    spent = (func.count(Feedback.seconds), func.sum(Feedback.seconds))
    columns = select(CASE, Feedback.rater_id, *spent).where(Feedback.seconds.is_not(None))
    return about(columns, filters).group_by(CASE, Feedback.rater_id)


def judge_labels_query(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Of `judge_labels`."""
    columns = (CASE, JudgeLabels.completion_id, JudgeLabels.judge)
    return (
        select(*columns, cast(JudgeLabels.events, String))
        .join(Completion, Completion.id == JudgeLabels.completion_id)
        .join(Reading, Reading.id == Completion.reading_id)
        .join(Slide, Slide.id == Reading.slide_id)
        .where(*_conditions(filters, JudgeLabels.created_at, None))
        .where(*_seen(filters, told_of_answer))
    )


def _holding(
    columns: Select[*tuple[Any, ...]],
    kind: str,
    filters: Filters,
    other: type[Reading] | None = None,
) -> Select[*tuple[Any, ...]]:
    """Feedback of a kind that nothing supersedes."""
    return about(columns, filters, other).where(Feedback.kind == kind, _holds())


def about(
    columns: Select[*tuple[Any, ...]], filters: Filters, other: type[Reading] | None = None
) -> Select[*tuple[Any, ...]]:
    """Feedback with the reading and slide that it is about."""
    return (
        columns.select_from(Feedback)
        .join(Completion, Completion.id == Feedback.completion_id)
        .join(Reading, Reading.id == Completion.reading_id)
        .join(Slide, Slide.id == Reading.slide_id)
        .where(*_conditions(filters, Feedback.created_at, Feedback.rater_id, other))
        .where(*_seen(filters, told))
    )


def _holds() -> ColumnElement[bool]:
    later = aliased(Feedback)
    return ~exists().where(later.supersedes_id == Feedback.id)


def _seen(
    filters: Filters, told_to: Callable[[str], ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """What is held back from whoever looks."""
    return [] if filters.viewer_id is None else [told_to(filters.viewer_id)]


def _conditions(
    filters: Filters,
    at: InstrumentedAttribute[Any],
    rater: InstrumentedAttribute[Any] | None,
    other: type[Reading] | None = None,
) -> list[ColumnElement[bool]]:
    """What the filters ask; `other` is the second reading of a pair, which has the model too."""
    found: list[ColumnElement[bool]] = []
    if filters.since is not None:
        found.append(at >= filters.since)
    if filters.until is not None:
        found.append(at < filters.until)
    if filters.model is not None:
        named = Reading.model == filters.model
        found.append(named if other is None else or_(named, other.model == filters.model))
    if filters.rater_id is not None and rater is not None:
        found.append(rater == filters.rater_id)
    asked = ((_TASK, filters.task), (_ORGAN, filters.organ), (Reading.slide_id, filters.slide_id))
    return found + [column == value for column, value in asked if value is not None]


def _day(at: datetime, zone: ZoneInfo) -> str:
    """A moment's day in a zone, as `YYYY-MM-DD`."""
    return at.astimezone(zone).date().isoformat()


def _events(absences: str, steps: str) -> frozenset[str]:
    """Events of labels, from their JSON."""
    if steps == "[]":
        return _names(absences)
    of_steps = (event for step in json.loads(steps) for event in step["events"])
    return _names(absences).union(of_steps)


@lru_cache(1024)
def _names(text: str) -> frozenset[str]:
    """A JSON list of names; there are few such lists."""
    return frozenset(json.loads(text))
