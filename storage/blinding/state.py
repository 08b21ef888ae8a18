"""A viewer's state as the policy wants it, read from the database for one question or pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.blinding import policy
from storage.blinding.policy import Content, Decision, Mode, State, Viewer
from storage.errors import RecordNotFoundError
from storage.feedback.vocabulary import UNDONE
from storage.tables import (
    Comparison,
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    Worklist,
    WorklistAssignment,
    WorklistItem,
    WorklistPair,
    WorklistQuestion,
)

REQUIRED_KINDS = ("labels", "verdict")
"""Feedback that a rater gives on a completion before they see that of others."""


_MOST_TELLING = (
    policy.Comparison.pair_open,
    policy.Comparison.vote_given,
    policy.Comparison.pair_drawn,
    policy.Comparison.pair_skipped,
)


@dataclass(frozen=True)
class QuestionState:
    """What the policy needs to decide about one question for one viewer."""

    viewer: Viewer
    """Who looks."""

    mode: Mode
    """Where the question comes from."""

    state: State
    """State without a completion or pair."""

    rated_ids: frozenset[str] = frozenset()
    """Completions that the viewer has judged."""

    repeat_start: datetime | None = None
    """When the viewer's open repeat began, UTC; None without one. Earlier feedback is hidden."""

    def decide(self, content: Content, completion_id: str | None = None) -> Decision:
        """Return the policy's decision; feedback is that on the named completion."""
        judged = completion_id in self.rated_ids
        return policy.decide(
            content, self.viewer, self.mode, replace(self.state, has_full_feedback=judged)
        )

    def shows_own(self, content: Content, given_at: datetime) -> bool:
        """Return whether the viewer sees their own feedback or answer of that time.

        An open repeat hides only what precedes it.
        """
        is_new = self.repeat_start is None or given_at >= self.repeat_start
        return is_new or self.decide(content).is_visible


def load_question_state(session: Session, question_id: str, viewer: Viewer) -> QuestionState:
    """Read a viewer's state of a question. Raises RecordNotFoundError."""
    question = _find_question(session, question_id)
    completion_ids = list(session.scalars(_select_completions(question_id)))
    item = session.scalar(_select_item(question_id))
    turn = None if item is None else _latest_assignment(session, item, question_id, viewer)
    repeats = turn is not None and turn.round > 0 and turn.ended_at is None
    repeat_start = turn.started_at if turn is not None and repeats else None
    rated = _list_rated(session, viewer, completion_ids, repeat_start)
    state = State(
        is_asker=question.account_id == viewer.account_id,
        awaits_author=_awaits_author(question, completion_ids),
        has_all_feedback=bool(completion_ids) and rated.issuperset(completion_ids),
    )
    if item is None:
        return QuestionState(viewer, Mode.own_question, state, rated)
    worklist = session.get_one(Worklist, item.worklist_id)
    state = replace(
        state,
        assignment=_assignment(turn),
        has_answered=turn is not None and turn.first_answer is not None,
        is_repeating=repeats,
        comparison=_load_comparison(session, viewer, completion_ids),
        is_teaching=worklist.teaching,
        has_rated=worklist.teaching and _is_rated(session, viewer, completion_ids, turn),
    )
    mode = Mode.blind_list if worklist.blind else Mode.open_list
    return QuestionState(viewer, mode, state, rated, repeat_start)


def _find_question(session: Session, question_id: str) -> Question:
    question = session.get(Question, question_id)
    if question is None:
        raise RecordNotFoundError(user_messages.no_question(question_id[:64]))
    return question


def _awaits_author(question: Question, completion_ids: Sequence[str]) -> bool:
    return policy.awaits_author(
        blind=question.blind,
        answered=question.first_answer is not None,
        has_text=question.state == "running" or bool(completion_ids),
    )


def load_pair_state(
    session: Session, viewer: Viewer, completion_ids: tuple[str, str]
) -> QuestionState:
    """Read a viewer's state of two completions, in any order, for texts, votes and names."""
    one, other = sorted(completion_ids)
    pair = and_(WorklistPair.one_completion_id == one, WorklistPair.other_completion_id == other)
    given = _list_comparisons(session, viewer, pair)
    vote = session.scalar(
        select(Feedback.choice)
        .join(CurrentFeedback, CurrentFeedback.feedback_id == Feedback.id)
        .where(CurrentFeedback.rater_id == viewer.account_id, Feedback.kind == "preference")
        .where(Feedback.completion_id == one, Feedback.other_completion_id == other)
    )
    askers = (
        select(Question.account_id)
        .join(Completion, Completion.question_id == Question.id)
        .where(Completion.id.in_((one, other)))
    )
    state = State(
        is_asker=set(session.scalars(askers)) == {viewer.account_id},
        comparison=_most_telling(given),
        has_voted=vote not in (None, UNDONE)
        and policy.Comparison.pair_open not in {each for each, _ in given},
        is_repeating_pair=any(
            each is policy.Comparison.pair_open and number for each, number in given
        ),
    )
    return QuestionState(viewer, Mode.open_list, state)


def find_newest_turn(session: Session, viewer: Viewer) -> datetime | None:
    """When an item or pair last came to a viewer or was ended by them, UTC; None if never.

    What they may see has not changed without it, or an audit entry.
    """
    newest: list[datetime | None] = []
    for table in (WorklistAssignment, Comparison):
        times = select(func.max(table.started_at), func.max(table.ended_at))
        newest += session.execute(times.where(table.rater_id == viewer.account_id)).one()
    return max((each for each in newest if each is not None), default=None)


def _select_completions(question_id: str) -> Select[str]:
    return select(Completion.id).where(Completion.question_id == question_id)


def _select_item(question_id: str) -> Select[WorklistItem]:
    """Select the item that a question was asked for, to any model."""
    beside = select(WorklistQuestion.item_id).where(WorklistQuestion.question_id == question_id)
    return select(WorklistItem).where(
        or_(WorklistItem.question_id == question_id, WorklistItem.id.in_(beside))
    )


def _latest_assignment(
    session: Session, item: WorklistItem, question_id: str, viewer: Viewer
) -> WorklistAssignment | None:
    """Return the viewer's latest assignment of the item, which holds for its own question only."""
    if item.question_id != question_id:
        return None
    turns = select(WorklistAssignment).where(
        WorklistAssignment.item_id == item.id, WorklistAssignment.rater_id == viewer.account_id
    )
    return session.scalar(turns.order_by(WorklistAssignment.round.desc()).limit(1))


def _assignment(turn: WorklistAssignment | None) -> policy.Assignment:
    if turn is None:
        return policy.Assignment.no_item
    return policy.Assignment.item_open if turn.ended_at is None else policy.Assignment.item_ended


def _load_comparison(
    session: Session, viewer: Viewer, completion_ids: Sequence[str]
) -> policy.Comparison:
    """Return the most telling state; a pair that may still come hides more than a skipped one."""
    about = or_(
        WorklistPair.one_completion_id.in_(completion_ids),
        WorklistPair.other_completion_id.in_(completion_ids),
    )
    return _most_telling(_list_comparisons(session, viewer, about))


def _list_comparisons(
    session: Session, viewer: Viewer, pairs: ColumnElement[bool]
) -> list[tuple[policy.Comparison, int]]:
    """Return the viewer's state and round of each comparison of some pairs, also of none."""
    is_given = and_(Comparison.pair_id == WorklistPair.id, Comparison.rater_id == viewer.account_id)
    columns = (Comparison.id, Comparison.skipped, Comparison.feedback_id, Comparison.round)
    rows = select(*columns).select_from(WorklistPair).outerjoin(Comparison, is_given).where(pairs)
    return [(_comparison(*row[:3]), row.round or 0) for row in session.execute(rows)]


def _most_telling(given: Sequence[tuple[policy.Comparison, int]]) -> policy.Comparison:
    states = {state for state, _ in given}
    return next((each for each in _MOST_TELLING if each in states), policy.Comparison.no_pair)


def _comparison(
    comparison_id: str | None, skipped: bool | None, feedback_id: str | None
) -> policy.Comparison:
    """Return the state of one round of a pair; `comparison_id` is None if it was not given."""
    if comparison_id is None:
        return policy.Comparison.pair_drawn
    if skipped:
        return policy.Comparison.pair_skipped
    return policy.Comparison.pair_open if feedback_id is None else policy.Comparison.vote_given


def _list_rated(
    session: Session, viewer: Viewer, completion_ids: Sequence[str], since: datetime | None
) -> frozenset[str]:
    """Return the completions with the viewer's verdict and labels, from a time on."""
    kinds = func.count(CurrentFeedback.kind.distinct())
    judged = (
        select(CurrentFeedback.completion_id)
        .join(Feedback, Feedback.id == CurrentFeedback.feedback_id)
        .where(CurrentFeedback.rater_id == viewer.account_id)
        .where(CurrentFeedback.completion_id.in_(completion_ids))
        .where(CurrentFeedback.kind.in_(REQUIRED_KINDS))
        .group_by(CurrentFeedback.completion_id)
        .having(kinds == len(REQUIRED_KINDS))
    )
    if since is not None:
        judged = judged.where(Feedback.created_at >= since)
    return frozenset(session.scalars(judged))


def _is_rated(
    session: Session, viewer: Viewer, completion_ids: Sequence[str], turn: WorklistAssignment | None
) -> bool:
    """Return whether the viewer gave a verdict or vote on a completion since an assignment."""
    if turn is None:
        return False
    rated = select(Feedback.id).where(
        Feedback.rater_id == viewer.account_id,
        Feedback.kind.in_(("verdict", "preference")),
        Feedback.choice.is_distinct_from(UNDONE),
        Feedback.created_at >= turn.started_at,
        or_(
            Feedback.completion_id.in_(completion_ids),
            Feedback.other_completion_id.in_(completion_ids),
        ),
    )
    return session.scalar(rated.limit(1)) is not None
