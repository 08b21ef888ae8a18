"""The policy's twin in SQL says the same as the pure function, on random databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.blinding.conditions import (
    case_reference_is_visible,
    completion_feedback_is_visible,
    count_hidden_feedback,
    feedback_is_visible,
    first_answer_is_visible,
    question_is_visible,
    reference_is_visible,
)
from storage.blinding.policy import Comparison, Content, Viewer
from storage.blinding.state import load_pair_state, load_question_state
from storage.database import Database
from storage.feedback.vocabulary import UNDONE
from storage.tables import (
    Completion,
    CurrentFeedback,
    Feedback,
    Question,
    Slide,
    WorklistAssignment,
    WorklistItem,
)
from tests.storage.blinding.random_rows import RandomRows

DATABASES = 12
"""Random databases on each kind of server."""


class Undo(Exception):  # noqa: N818
    """Ends a transaction without a trace."""


def viewers(rows: RandomRows) -> Iterator[Viewer]:
    """Both raters in every role, and somebody who has done nothing."""
    for who, rates, sees_all in product(rows.raters, (True, False), (True, False)):
        yield Viewer(who, rates=rates, sees_all=sees_all)
    yield Viewer("nobody", rates=True, sees_all=True)


@pytest.mark.long
def test_both_say_the_same(database: Database) -> None:
    seen: Counter[tuple[str, bool]] = Counter()
    for seed in range(DATABASES):
        with pytest.raises(Undo), database.session() as session:
            rows = RandomRows(session, seed)
            for viewer in viewers(rows):
                look = Look(session, viewer)
                for name, check in CHECKS.items():
                    in_sql, by_policy = check(look)
                    assert in_sql == by_policy, (seed, viewer, name)
                    seen.update((name, value) for value in by_policy.values())
            raise Undo
    # each is compared where it is true and where it is not
    assert set(seen) == set(product(CHECKS, (True, False)))


class Look:
    """One viewer's look at a database; the states of questions are loaded once."""

    def __init__(self, session: Session, viewer: Viewer) -> None:
        self.session, self.viewer = session, viewer
        self.questions = session.scalars(select(Question)).all()
        self.states = {
            each.id: load_question_state(session, each.id, viewer) for each in self.questions
        }

    def decide(self, content: Content) -> dict[str, bool]:
        """Whether the policy shows a content of each question."""
        return {key: each.decide(content).is_visible for key, each in self.states.items()}

    def first_answer_is_visible(self, question: str, answerer: str) -> bool:
        own = answerer == self.viewer.account_id
        content = Content.own_first_answer if own else Content.first_answers
        return self.states[question].decide(content).is_visible


Found = tuple[dict[str, bool], dict[str, bool]]
"""Whether each row is visible, by its id: as SQL says and as the policy says."""


def by_sql(
    look: Look,
    column: InstrumentedAttribute[str],
    condition: ColumnElement[bool],
    decided: dict[str, bool],
) -> Found:
    """Both answers for the rows of a table."""
    visible = set(look.session.scalars(select(column).where(condition)))
    return {each: each in visible for each in decided}, decided


def check_questions(look: Look) -> Found:
    condition = question_is_visible(look.viewer)
    return by_sql(look, Question.id, condition, look.decide(Content.question))


def check_references(look: Look) -> Found:
    condition = reference_is_visible(look.viewer)
    return by_sql(look, Question.id, condition, look.decide(Content.reference))


def check_completions(look: Look) -> Found:
    decided = {
        each.id: look.states[each.question_id].decide(Content.feedback, each.id).is_visible
        for each in look.session.scalars(select(Completion))
    }
    return by_sql(look, Completion.id, completion_feedback_is_visible(look.viewer), decided)


def check_feedback(look: Look) -> Found:
    rows = list(look.session.scalars(select(Feedback)))
    decided = {each.id: _feedback_is_visible(look, each) for each in rows}
    current = set(look.session.scalars(select(CurrentFeedback.feedback_id)))
    counting = current & {each.id for each in rows if each.choice != UNDONE}
    hidden = sum(not decided[each] for each in counting)
    assert count_hidden_feedback(look.session, look.viewer) == hidden
    return by_sql(look, Feedback.id, feedback_is_visible(look.viewer), decided)


def _feedback_is_visible(look: Look, row: Feedback) -> bool:
    own = row.rater_id == look.viewer.account_id
    if row.other_completion_id is not None:
        pair = (row.completion_id, row.other_completion_id)
        access = load_pair_state(look.session, look.viewer, pair)
        return access.decide(Content.own_vote if own else Content.votes).is_visible
    access = look.states[look.session.get_one(Completion, row.completion_id).question_id]
    if not own:
        return access.decide(Content.feedback, row.completion_id).is_visible
    is_old = access.repeat_start is not None and row.created_at < access.repeat_start
    return not is_old or access.decide(Content.own_feedback).is_visible


def check_first_answers(look: Look) -> Found:
    decided = {
        each.id: look.first_answer_is_visible(each.id, each.account_id) for each in look.questions
    }
    condition = first_answer_is_visible(look.viewer, Question.account_id)
    return by_sql(look, Question.id, condition, decided)


def check_assigned_answers(look: Look) -> Found:
    turn = WorklistAssignment
    condition = first_answer_is_visible(look.viewer, turn.rater_id)
    assigned = (
        select(turn.id, turn.rater_id, Question.id)
        .join(WorklistItem, WorklistItem.id == turn.item_id)
        .join(Question, Question.id == WorklistItem.question_id)
    )
    visible = {row[0] for row in look.session.execute(assigned.where(condition))}
    decided = {
        assignment: look.first_answer_is_visible(question, rater)
        for assignment, rater, question in look.session.execute(assigned)
    }
    return {each: each in visible for each in decided}, decided


def check_case_references(look: Look) -> Found:
    """All questions are on one slide, so of one case."""
    of_items = set(look.session.scalars(select(WorklistItem.question_id)))
    pending = look.viewer.rates and any(
        not state.state.has_all_feedback or state.state.comparison is Comparison.pair_open
        for key, state in look.states.items()
        if key in of_items
    )
    decided = {
        key: visible and not pending for key, visible in look.decide(Content.reference).items()
    }
    condition = case_reference_is_visible(look.viewer)
    visible = set(look.session.scalars(select(Question.id).join(Slide).where(condition)))
    return {key: key in visible for key in decided}, decided


CHECKS = {
    "questions": check_questions,
    "case references": check_case_references,
    "references": check_references,
    "completions": check_completions,
    "feedback": check_feedback,
    "first answers": check_first_answers,
    "assigned answers": check_assigned_answers,
}
