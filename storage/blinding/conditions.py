"""The policy in SQL: conditions that hold for the rows that a viewer may see.

Each is the twin of a rule in `policy`; a test compares them on random databases.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.blinding.policy import Viewer
from storage.blinding.state import REQUIRED_KINDS
from storage.feedback.vocabulary import UNDONE
from storage.tables import (
    Comparison,
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    Slide,
    Worklist,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    WorklistQuestion,
)


def question_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on questions for `Content.question`."""
    assigned = Question.id.in_(_select_assigned_questions(viewer))
    open_pair = Question.id.in_(_select_compared_questions(viewer, _IS_OPEN))
    voted = Question.id.in_(_select_compared_questions(viewer, Comparison.feedback_id.is_not(None)))
    asked = Question.account_id == viewer.account_id
    known = true() if viewer.sees_all else or_(asked, assigned, open_pair, voted)
    if not viewer.rates:
        return known
    latest = _select_assigned_questions(viewer).where(~_has_later_round())
    answered = Question.id.in_(latest.where(WorklistAssignment.first_answer.is_not(None)))
    is_open = Question.id.in_(latest.where(WorklistAssignment.ended_at.is_(None)))
    drawn = _has_upcoming_pair(viewer)
    was_skipped = _select_compared_questions(viewer, Comparison.skipped.is_(True))
    skipped = and_(Question.id.in_(was_skipped), ~drawn)
    answer_given = or_(answered, and_(or_(voted, skipped), ~is_open))
    only_drawn = and_(drawn, ~voted, ~assigned)
    return and_(known, ~open_pair, or_(~_is_blind(), answer_given), ~only_drawn)


def feedback_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on feedback for `Content.feedback`, `votes` and the viewer's own."""
    if not viewer.rates:
        return true()
    own = and_(
        Feedback.rater_id == viewer.account_id,
        Feedback.id.not_in(_select_stale_feedback(viewer)),
        Feedback.id.not_in(_select_stale_votes(viewer)),
    )
    others = Feedback.rater_id != viewer.account_id
    of_one = and_(
        others,
        Feedback.kind != "preference",
        Feedback.completion_id.in_(_select_judged_completions(viewer)),
        Feedback.completion_id.not_in(_select_compared_completions(viewer)),
    )
    return or_(own, of_one, and_(others, Feedback.id.in_(_select_votes_on_same_pairs(viewer))))


def completion_feedback_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on completions for `Content.feedback`, such as that of judge models."""
    if not viewer.rates:
        return true()
    return and_(
        Completion.id.in_(_select_judged_completions(viewer)),
        Completion.id.not_in(_select_compared_completions(viewer)),
    )


def first_answer_is_visible(
    viewer: Viewer, answerer_id: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """SQL condition on questions for `Content.first_answers` and the viewer's own."""
    if not viewer.rates:
        return true()
    repeating = Question.id.in_(_select_repeated_questions(viewer))
    return or_(
        and_(answerer_id == viewer.account_id, ~repeating),
        and_(answerer_id != viewer.account_id, _all_is_judged(viewer)),
    )


def reference_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on questions for `Content.reference`."""
    if not viewer.rates:
        return true()
    open_pair = Question.id.in_(_select_compared_questions(viewer, _IS_OPEN))
    taught = and_(Question.id.in_(_select_taught_questions(viewer)), ~open_pair)
    return or_(_all_is_judged(viewer), taught)


def case_reference_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """SQL condition on questions, joined to their slide, for the correct answer of its case.

    It is that of all questions about the case, so all of worklists must allow it.
    """
    if not viewer.rates:
        return true()
    item, slide, other = aliased(WorklistItem), aliased(Slide), aliased(Question)
    pending = (
        exists()
        .where(slide.case_id == Slide.case_id, other.slide_id == slide.id)
        .where(item.question_id == other.id, ~_all_is_judged(viewer, other))
        .correlate(Slide)
    )
    return and_(reference_is_visible(viewer), ~pending)


def count_hidden_feedback(session: Session, viewer: Viewer) -> int:
    """Number of current feedback rows hidden from the viewer, without undone votes."""
    if not viewer.rates:
        return 0
    current = select(func.count()).select_from(CurrentFeedback)
    holding = current.join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
    counts = or_(Feedback.choice.is_(None), Feedback.choice != UNDONE)
    return session.scalar(holding.where(counts, ~feedback_is_visible(viewer))) or 0


_IS_OPEN = and_(Comparison.feedback_id.is_(None), ~Comparison.skipped)
"""A pair that a rater has been given and has not voted on."""
_IS_REPEAT = and_(WorklistAssignment.round > 0, WorklistAssignment.ended_at.is_(None))
"""An item that a rater judges again."""


def _all_is_judged(viewer: Viewer, question: type[Question] = Question) -> ColumnElement[bool]:
    """All completions of a question are judged, and no vote on one of them is open."""
    pending = aliased(Completion)
    of_question = select(pending.id).where(pending.question_id == question.id)
    unjudged = of_question.where(pending.id.not_in(_select_judged_completions(viewer)))
    open_pair = question.id.in_(_select_compared_questions(viewer, _IS_OPEN))
    return and_(of_question.exists(), ~unjudged.exists(), ~open_pair)


def _select_judged_completions(viewer: Viewer) -> Select[str]:
    """Select completions with the viewer's verdict and labels, without those before a repeat."""
    own = aliased(CurrentFeedback)
    return (
        select(own.completion_id)
        .where(own.rater_id == viewer.account_id, own.kind.in_(REQUIRED_KINDS))
        .where(own.feedback_id.not_in(_select_stale_feedback(viewer)))
        .group_by(own.completion_id)
        .having(func.count(own.kind.distinct()) == len(REQUIRED_KINDS))
    )


def _select_stale_feedback(viewer: Viewer) -> Select[str]:
    """Select the viewer's feedback on completions from before an open repeat of their item."""
    stale, of_item = aliased(Feedback), aliased(Completion)
    return (
        select(stale.id)
        .select_from(WorklistAssignment)
        .join(WorklistItem, WorklistItem.id == WorklistAssignment.item_id)
        .join(of_item, of_item.question_id == WorklistItem.question_id)
        .join(stale, stale.completion_id == of_item.id)
        .where(WorklistAssignment.rater_id == viewer.account_id, _IS_REPEAT)
        .where(stale.rater_id == viewer.account_id, stale.kind != "preference")
        .where(stale.created_at < WorklistAssignment.started_at)
    )


def _select_stale_votes(viewer: Viewer) -> Select[str]:
    """Select the viewer's votes on pairs that they compare again and have not voted on yet."""
    return _select_open_votes(viewer).where(Comparison.round > 0)


def _select_open_votes(viewer: Viewer) -> Select[str]:
    """Select the viewer's votes on pairs that await their vote, given before or beside it."""
    stale = aliased(Feedback)
    same = and_(
        stale.completion_id == WorklistPair.one_completion_id,
        stale.other_completion_id == WorklistPair.other_completion_id,
    )
    return (
        select(stale.id)
        .select_from(Comparison)
        .join(WorklistPair, WorklistPair.id == Comparison.pair_id)
        .join(stale, same)
        .where(Comparison.rater_id == viewer.account_id, _IS_OPEN)
        .where(stale.rater_id == viewer.account_id)
    )


def _select_votes_on_same_pairs(viewer: Viewer) -> Select[str]:
    """Select current votes on pairs on which the viewer's vote counts."""
    own, theirs = aliased(CurrentFeedback), aliased(CurrentFeedback)
    own_vote = aliased(Feedback)
    same = and_(
        theirs.completion_id == own.completion_id,
        theirs.other == own.other,
        theirs.kind == own.kind,
    )
    return (
        select(theirs.feedback_id)
        .join(own, same)
        .join(own_vote, own_vote.id == own.feedback_id)
        .where(own.rater_id == viewer.account_id, own.kind == "preference")
        .where(own_vote.choice != UNDONE, own_vote.id.not_in(_select_open_votes(viewer)))
    )


def _select_assigned_questions(viewer: Viewer) -> Select[Any]:
    """Select items' own questions that were assigned to the viewer, once for each round."""
    return (
        select(WorklistItem.question_id)
        .join(WorklistAssignment, WorklistAssignment.item_id == WorklistItem.id)
        .where(WorklistAssignment.rater_id == viewer.account_id)
        .where(WorklistItem.question_id.is_not(None))
    )


def _has_later_round() -> ColumnElement[bool]:
    later = aliased(WorklistAssignment)
    return (
        exists()
        .where(later.item_id == WorklistAssignment.item_id)
        .where(later.rater_id == WorklistAssignment.rater_id)
        .where(later.round > WorklistAssignment.round)
        .correlate(WorklistAssignment)
    )


def _select_repeated_questions(viewer: Viewer) -> Select[Any]:
    """Select questions of items that the viewer judges again."""
    return _select_assigned_questions(viewer).where(_IS_REPEAT)


def _select_taught_questions(viewer: Viewer) -> Select[Any]:
    """Select teaching items' questions on which the viewer gave a verdict or vote, this round."""
    given, of_item = aliased(Feedback), aliased(Completion)
    about = or_(given.completion_id == of_item.id, given.other_completion_id == of_item.id)
    rated = (
        exists()
        .where(of_item.question_id == WorklistItem.question_id, about)
        .where(given.rater_id == viewer.account_id, given.kind.in_(("verdict", "preference")))
        .where(or_(given.choice.is_(None), given.choice != UNDONE))
        .where(given.created_at >= WorklistAssignment.started_at)
        .correlate(WorklistItem, WorklistAssignment)
    )
    assigned = _select_assigned_questions(viewer)
    teaching = assigned.join(Worklist, Worklist.id == WorklistItem.worklist_id)
    return teaching.where(Worklist.teaching, ~_has_later_round(), rated)


def _select_compared_questions(viewer: Viewer, *which: ColumnElement[bool]) -> Select[str]:
    """Select the questions of completions in pairs that the viewer was given."""
    compared = aliased(Completion)
    return (
        select(compared.question_id)
        .join(WorklistPair, _is_in_pair(compared))
        .join(Comparison, Comparison.pair_id == WorklistPair.id)
        .where(Comparison.rater_id == viewer.account_id, *which)
    )


def _select_compared_completions(viewer: Viewer) -> Select[str]:
    """Select the completions of questions with a pair that awaits the viewer's vote."""
    of_question = aliased(Completion)
    questions = _select_compared_questions(viewer, _IS_OPEN)
    return select(of_question.id).where(of_question.question_id.in_(questions))


def _has_upcoming_pair(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a completion of the question is in a pair that the viewer has not been given."""
    paired = aliased(Completion)
    given = (
        exists()
        .where(Comparison.pair_id == WorklistPair.id, Comparison.rater_id == viewer.account_id)
        .correlate(WorklistPair)
    )
    return (
        exists()
        .where(paired.question_id == Question.id, _is_in_pair(paired), ~given)
        .correlate(Question)
    )


def _is_in_pair(completion: type[Completion]) -> ColumnElement[bool]:
    return or_(
        WorklistPair.one_completion_id == completion.id,
        WorklistPair.other_completion_id == completion.id,
    )


def _is_blind() -> ColumnElement[bool]:
    """Whether the question was asked, to any model, for an item of a blind worklist."""
    beside = select(WorklistQuestion.item_id).where(WorklistQuestion.question_id == Question.id)
    of_item = or_(
        WorklistItem.question_id == Question.id,
        WorklistItem.id.in_(beside.correlate(Question)),
    )
    return (
        exists()
        .where(of_item, Worklist.id == WorklistItem.worklist_id, Worklist.blind)
        .correlate(Question)
    )
