"""Readings that were made for a worklist: who may see one, and when."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pathviewer.reading.errors import ReadingRefused
from storage.worklist_turns import current_turn
from storage.worklists import find_worklist, item_of_reading

ANSWER_FIRST = "The model's answer is kept back until the first answer is given; give it first."


def handed_out(session: Session, reading_id: str, account_id: str) -> bool:
    """Whether the reading is an item that this account was given to judge.

    Raises ReadingRefused while the account's own answer comes first, whoever asked.
    """
    item = item_of_reading(session, reading_id)
    if item is None:
        return False
    turn = current_turn(session, item.id, account_id)
    if turn is None:
        return False
    if turn.first_answer is None and find_worklist(session, item.worklist_id).blind:
        raise ReadingRefused(ANSWER_FIRST, 409)
    return True
