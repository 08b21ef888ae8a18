"""Access to questions that were generated for a worklist."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionConflict
from storage.comparisons.pair_assignment import has_open_comparison
from storage.worklists.item_assignment import find_assignment
from storage.worklists.store import find_item_of_question, find_worklist


def is_assigned(
    session: Session, question_id: str, account_id: str, *, judges_all: bool = False
) -> bool:
    """Whether the account has an assignment for the question's item or has voted on its pair.

    Raises QuestionRefused while the account still owes its own answer or its vote, even if it
    asked the question itself. With `judges_all` (the account sees all questions and judges) that
    also holds before an item of a blind worklist is assigned to it.
    """
    item = find_item_of_question(session, question_id)
    if item is None:
        return False
    pair_open = has_open_comparison(session, question_id, account_id)
    if pair_open:
        raise QuestionConflict(user_messages.VOTE_FIRST)
    assignment = (
        find_assignment(session, item.id, account_id) if item.question_id == question_id else None
    )
    answer_missing = (
        judges_all and pair_open is None if assignment is None else assignment.first_answer is None
    )
    if answer_missing and find_worklist(session, item.worklist_id).blind:
        raise QuestionConflict(user_messages.ANSWER_FIRST)
    return assignment is not None or pair_open is not None
