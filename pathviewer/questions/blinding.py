"""Readings that were made for a worklist: who may see one, and when."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pathviewer.questions.errors import ReadingRefused
from storage.comparisons.pair_assignment import open_comparison_of
from storage.worklists.item_assignment import current_turn
from storage.worklists.store import find_worklist, item_of_reading

ANSWER_FIRST = "The model's answer is kept back until the first answer is given; give it first."
VOTE_FIRST = "Who wrote this is kept back until you have voted on its pair; vote first."


def handed_out(
    session: Session, reading_id: str, account_id: str, *, judges_all: bool = False
) -> bool:
    """Whether the reading is an item that this account was given to judge, or of a pair that it has
    compared.

    Raises ReadingRefused while the account's own answer, or its vote, comes first, whoever asked;
    for an account that sees all readings and judges (`judges_all`) from before an item of a blind
    list is given to it.
    """
    item = item_of_reading(session, reading_id)
    if item is None:
        return False
    still = open_comparison_of(session, reading_id, account_id)
    if still:
        raise ReadingRefused(VOTE_FIRST, 409)
    turn = current_turn(session, item.id, account_id) if item.reading_id == reading_id else None
    waits = judges_all and still is None if turn is None else turn.first_answer is None
    if waits and find_worklist(session, item.worklist_id).blind:
        raise ReadingRefused(ANSWER_FIRST, 409)
    return turn is not None or still is not None
