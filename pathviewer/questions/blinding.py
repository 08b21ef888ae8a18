"""Readings that were made for a worklist: who may see one, and when."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pathviewer.questions.errors import QuestionRefused
from storage.comparisons.pair_assignment import open_comparison_of
from storage.worklists.item_assignment import current_turn
from storage.worklists.store import find_worklist, item_of_reading

ANSWER_FIRST = "The model's answer is kept back until the first answer is given; give it first."
VOTE_FIRST = "Who wrote this is kept back until you have voted on its pair; vote first."


def is_assigned(
    session: Session, question_id: str, account_id: str, *, judges_all: bool = False
) -> bool:
    """Whether the reading is an item that this account was given to judge, or of a pair that it has
    compared.

    Raises ReadingRefused while the account's own answer, or its vote, comes first, whoever asked;
    for an account that sees all readings and judges (`judges_all`) from before an item of a blind
    list is given to it.
    """
    item = item_of_reading(session, question_id)
    if item is None:
        return False
    pair_open = open_comparison_of(session, question_id, account_id)
    if pair_open:
        raise QuestionRefused(VOTE_FIRST, 409)
    assignment = (
        current_turn(session, item.id, account_id) if item.reading_id == question_id else None
    )
    answer_missing = (
        judges_all and pair_open is None if assignment is None else assignment.first_answer is None
    )
    if answer_missing and find_worklist(session, item.worklist_id).blind:
        raise QuestionRefused(ANSWER_FIRST, 409)
    return assignment is not None or pair_open is not None
